import {
  checkOptions,
  type Output,
  type Protocol,
  ProtocolError,
  u32le,
  withHint,
} from "../../core/index.ts";
import {
  COMMANDS,
  type Command,
  checkedDialect,
  checkedSide,
  type Dialect,
  LONGEST_COMMAND,
  otherSide,
  type ReceivedBy,
  readCommand,
  type SentBy,
  type Side,
  writeCommand,
} from "./commands.ts";
import { checkedMaxPacket, LENGTH, measurePacket, type PacketOptions, tooLarge } from "./packet.ts";

/** Options for {@link command}. */
export interface CommandOptions<D extends Dialect, S extends Side | undefined = undefined>
  extends Pick<PacketOptions, "maxPacket"> {
  /** Version of fastway that the peer speaks. Required, because the wire does not show it. */
  readonly dialect: D;

  /**
   * This end. An `'endpoint'` (client or server) writes commands of endpoints and reads commands of
   * gateways; a `'gateway'` the reverse. Commands that the other side may not send are `malformed`.
   * @defaultValue none: commands of both directions are accepted
   */
  readonly side?: S | undefined;
}

/**
 * Protocol of fastway's commands: packets on connection id 0.
 *
 * ```text
 *   0            4            8        9
 *   | Length u32 | 0      u32 | type   | arguments, u32 each |     little-endian, Length = 5 + 4 for each
 *
 *   09 00 00 00  00 00 00 00  00       01 00 00 00                 v2: dial server 1
 * ```
 *
 * A packet with another connection id is `malformed`; use {@link fastway} for a stream with both.
 * Bytes after the arguments are ignored when read, as in the reference, and never written.
 *
 * @param options - `dialect`; `side`, `maxPacket`
 * @throws TypeError without a dialect, RangeError if `maxPacket` leaves no room for a command
 *
 * @example
 * ```ts
 * import { decodeFrame, encodeFrame } from "framewright";
 * import { command } from "framewright/fastway";
 *
 * const v2 = command({ dialect: "v2" });
 * const frame = encodeFrame(v2, { type: "dial", remoteId: 1 });
 * console.log(frame.join(" "));
 * //=> 9 0 0 0 0 0 0 0 0 1 0 0 0
 * console.log(decodeFrame(v2, frame).type);
 * //=> dial
 * ```
 */
export function command<D extends Dialect, S extends Side | undefined = undefined>(
  options: CommandOptions<D, S>,
): Protocol<SentBy<D, S>, ReceivedBy<D, S>> {
  checkOptions("command", options, ["dialect", "side", "maxPacket"]);
  const { dialect, maxFrame, read, write } = commandParts(options);
  return Object.freeze<Protocol<SentBy<D, S>, ReceivedBy<D, S>>>({
    name: `fastway ${dialect} command`,
    format: { name: "fastway", commands: COMMANDS[dialect] },
    maxFrame,
    measure: measurePacket,
    tooLong: tooLarge,
    hint: withHint,
    decode(bytes, start, end) {
      const connId = u32le(bytes, start + LENGTH);
      if (connId === 0) return read(bytes, start, end);
      const text = `message on connection ${connId} instead of a command`;
      throw new ProtocolError("malformed", text, start + LENGTH);
    },
    encode: write,
  });
}

/**
 * Checked options of a protocol with commands, and its functions to measure, read and write them.
 */
export interface CommandParts<D extends Dialect, S extends Side | undefined> {
  readonly dialect: D;
  readonly side: S | undefined;
  readonly maxPacket: number;
  readonly maxFrame: number;
  /** Reads the packet in `bytes[start .. end)`, whose connection id is 0. */
  readonly read: (bytes: Uint8Array, start: number, end: number) => ReceivedBy<D, S>;
  readonly write: (command: SentBy<D, S>, out: Output) => void;
}

/**
 * Checks the options of a protocol with commands.
 *
 * @throws as {@link command}
 */
export function commandParts<D extends Dialect, S extends Side | undefined>(
  options: CommandOptions<D, S>,
): CommandParts<D, S> {
  const dialect = checkedDialect(options.dialect);
  const side = checkedSide(options.side);
  const from = otherSide(side);
  const maxPacket = checkedMaxPacket(options, LONGEST_COMMAND);
  return {
    dialect,
    side,
    maxPacket,
    maxFrame: maxPacket + LENGTH,
    read: (bytes, start, end) => readCommand(dialect, from, bytes, start, end) as ReceivedBy<D, S>,
    write: (value, out) => writeCommand(dialect, side, value as Command, out),
  };
}
