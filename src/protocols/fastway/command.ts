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

/** What the commands of a dialect need to know. */
export interface CommandOptions<D extends Dialect, S extends Side | undefined = undefined>
  extends Pick<PacketOptions, "maxPacket"> {
  /** Which fastway the peer speaks. Required: nothing on the wire tells. */
  readonly dialect: D;

  /**
   * Which end this is: an endpoint (client or server alike) writes what endpoints send and reads what gateways
   * send, a gateway the other way round. What the other side may not send is `malformed`.
   * @defaultValue both directions are taken
   */
  readonly side?: S | undefined;
}

/**
 * The commands of fastway, whole packets on connection id 0.
 *
 * ```text
 *   0            4            8        9
 *   | Length u32 | 0      u32 | type   | arguments, u32 each |     little-endian, Length = 5 + 4 for each
 *
 *   09 00 00 00  00 00 00 00  00       01 00 00 00                 v2: dial server 1
 * ```
 *
 * A packet with another connection id is `malformed` here: see {@link fastway} for both in one stream. Bytes
 * behind the arguments are ignored when read (as the reference does) and never written.
 *
 * @param options - `dialect`; `side`, `maxPacket`
 * @throws TypeError without a dialect, RangeError when `maxPacket` leaves no room for a command
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
      const text = `message on connection ${connId} where a command belongs`;
      throw new ProtocolError("malformed", text, start + LENGTH);
    },
    encode: write,
  });
}

/** Checked options of a protocol with commands, and how it frames, reads and writes them. */
export interface CommandParts<D extends Dialect, S extends Side | undefined> {
  readonly dialect: D;
  readonly side: S | undefined;
  readonly maxPacket: number;
  readonly maxFrame: number;
  /** Reads the packet in `bytes[start .. end)`, whose connection id is 0. */
  readonly read: (bytes: Uint8Array, start: number, end: number) => ReceivedBy<D, S>;
  readonly write: (command: SentBy<D, S>, out: Output) => void;
}

/** @throws as {@link command} */
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
