import { checkOptions, type Protocol, ProtocolError, u32le, withHint } from "../../core/index.ts";
import { type CommandOptions, commandParts } from "./command.ts";
import { COMMANDS, type Dialect, type ReceivedBy, type SentBy, type Side } from "./commands.ts";
import {
  LENGTH,
  measurePacket,
  messageOf,
  type PacketOptions,
  tooLarge,
  writePacket,
} from "./packet.ts";

/** A message of one virtual connection. */
export interface FastwayMessage {
  readonly type: "message";
  /** Id of the virtual connection; never 0. */
  readonly connId: number;
  /** Any bytes, may be empty. A view of the received memory unless `copy` is set. */
  readonly message: Uint8Array;
}

/** Options for {@link fastway}. */
export interface FastwayOptions<D extends Dialect, S extends Side | undefined = undefined>
  extends CommandOptions<D, S>,
    Pick<PacketOptions, "copy"> {}

/** Protocol of one physical connection, with the options that sessions need. */
export interface FastwayProtocol<
  D extends Dialect = Dialect,
  S extends Side | undefined = Side | undefined,
> extends Protocol<FastwayMessage | SentBy<D, S>, FastwayMessage | ReceivedBy<D, S>> {
  /** Version of fastway. */
  readonly dialect: D;
  /** This end; undefined if both directions are accepted. */
  readonly side: S | undefined;
  /** Largest value of the Length field. */
  readonly maxPacket: number;
  /** True if received messages are copied. */
  readonly copy: boolean;
}

/**
 * Protocol of a physical connection between a gateway and an endpoint: commands, and messages of
 * the virtual connections. A server's connection starts with a handshake: see
 * {@link fastwayServer}.
 *
 * ```text
 *   09 00 00 00  00 00 00 00  00 01 00 00 00     { type: 'dial', remoteId: 1 }            v2
 *   06 00 00 00  07 00 00 00  48 69              { type: 'message', connId: 7, message }
 * ```
 *
 * If the peer clearly speaks the other dialect, the error's text mentions it.
 *
 * @param options - `dialect`; `side`, `maxPacket`, `copy`
 * @throws TypeError without a dialect, RangeError if `maxPacket` leaves no room for a command
 *
 * @example
 * ```ts
 * import { decodeAll, encodeAll } from "framewright";
 * import { fastway } from "framewright/fastway";
 *
 * const bytes = encodeAll(fastway({ dialect: "v2", side: "gateway" }), [
 *   { type: "accept", connId: 7, remoteId: 1 },
 *   { type: "message", connId: 7, message: Uint8Array.of(72, 105) },
 * ]);
 * for (const value of decodeAll(fastway({ dialect: "v2", side: "endpoint" }), bytes)) {
 *   console.log(value.type === "message" ? value.message.join(" ") : value.type);
 * }
 * //=> accept
 * //=> 72 105
 * ```
 */
export function fastway<D extends Dialect, S extends Side | undefined = undefined>(
  options: FastwayOptions<D, S>,
): FastwayProtocol<D, S> {
  checkOptions("fastway", options, ["dialect", "side", "maxPacket", "copy"]);
  const { dialect, side, maxPacket, maxFrame, read, write } = commandParts(options);
  const { copy = false } = options;
  return Object.freeze<FastwayProtocol<D, S>>({
    name: `fastway ${dialect}`,
    format: { name: "fastway", commands: COMMANDS[dialect] },
    dialect,
    side,
    maxPacket,
    copy,
    maxFrame,
    measure: measurePacket,
    tooLong: tooLarge,
    hint: withHint,
    decode(bytes, start, end) {
      const connId = u32le(bytes, start + LENGTH);
      if (connId === 0) return read(bytes, start, end);
      return { type: "message", connId, message: messageOf(bytes, start, end, copy) };
    },
    encode(value, out) {
      if (value.type !== "message") {
        write(value as SentBy<D, S>, out);
      } else if (value.connId === 0) {
        throw new ProtocolError("unencodable", "message on connection 0, which is for commands");
      } else {
        writePacket(value.connId, value.message, maxPacket, out);
      }
    },
  });
}
