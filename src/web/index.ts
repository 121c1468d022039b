/**
 * WebSockets of every kind, for browsers and servers.
 *
 * @packageDocumentation
 */
export { attachWebSocket, type WebSocketOptions } from "./web-socket.ts";
export type { WebSocketLike } from "./web-socket-like.ts";
