/**
 * Sockets of `Bun.listen` and `Bun.connect`. (`framewright/node` works on Bun too; this entry has fewer
 * layers.)
 *
 * @packageDocumentation
 */
export {
  type BunSocket,
  type BunSocketHandlers,
  type BunSocketOptions,
  socketHandlers,
} from "./socket-handlers.ts";
