import {
  checkInteger,
  checkOptions,
  type Output,
  type Protocol,
  ProtocolError,
  u32le,
  withHint,
} from "../../core/index.ts";

/** One packet between a gateway and an endpoint: a whole message of one virtual connection. */
export interface Packet {
  /**
   * Id of the virtual connection, unsigned 32 bits; with 0 the message is a command to or from the
   * gateway.
   */
  readonly connId: number;
  /** Any bytes, may be empty. */
  readonly message: Uint8Array;
}

/** Options for {@link packet}. Both ends of a physical connection must agree on the limit. */
export interface PacketOptions {
  /**
   * Largest value of the Length field, for reading and writing: 4 bytes of connection id plus the
   * message. Must match the gateway's option of the same name. The whole frame is 4 bytes longer.
   * @defaultValue 524288
   */
  readonly maxPacket?: number | undefined;

  /**
   * Copies each received message, so it does not keep its whole chunk in memory.
   * @defaultValue false
   */
  readonly copy?: boolean | undefined;
}

/** Width of the Length field in bytes; it does not count itself. */
export const LENGTH = 4;

/** Offset of the message, after Length and connection id. */
export const HEADER = 8;

const DEFAULT_MAX_PACKET = 524_288;

/**
 * Protocol of fastway's packets, the same in both dialects. Commands are not decoded.
 *
 * ```text
 *   0            4            8                   4 + Length
 *   | Length u32 | connId u32 | message           |       little-endian
 *
 *   09 00 00 00  37 25 00 00  48 65 6c 6c 6f              "Hello" on connection 9527
 *   04 00 00 00  01 00 00 00                              an empty message
 * ```
 *
 * Length counts connection id and message. Below 4 it is `malformed`, above `maxPacket` `too-long`.
 * A message above `maxPacket` - 4 is `unencodable`: the Go library sends it, and the gateway then
 * closes the connection.
 *
 * @param options - `maxPacket`, `copy`
 * @throws RangeError if `maxPacket` is not an integer from 4 to 2^32-1
 * @see https://github.com/fast/fastway
 *
 * @example
 * ```ts
 * import { decodeFrame, encodeFrame } from "framewright";
 * import { packet } from "framewright/fastway";
 *
 * const frame = encodeFrame(packet(), { connId: 9527, message: Uint8Array.of(72, 105) });
 * console.log(frame.join(" "));
 * //=> 6 0 0 0 55 37 0 0 72 105
 * console.log(decodeFrame(packet(), frame).connId);
 * //=> 9527
 * ```
 */
export function packet(options: PacketOptions = {}): Protocol<Packet> {
  checkOptions("packet", options, ["maxPacket", "copy"]);
  const maxPacket = checkedMaxPacket(options, LENGTH);
  const { copy = false } = options;
  return Object.freeze<Protocol<Packet>>({
    name: "fastway packet",
    format: { name: "fastway" },
    maxFrame: maxPacket + LENGTH,
    measure: measurePacket,
    tooLong: tooLarge,
    hint: withHint,
    decode: (bytes, start, end) => ({
      connId: u32le(bytes, start + LENGTH),
      message: messageOf(bytes, start, end, copy),
    }),
    encode: ({ connId, message }, out) => writePacket(connId, message, maxPacket, out),
  });
}

/** Checks the option `maxPacket`, which must leave room for a Length of `least`. */
export function checkedMaxPacket(options: PacketOptions, least: number): number {
  const { maxPacket = DEFAULT_MAX_PACKET } = options;
  checkInteger("maxPacket", maxPacket, least, 0xffff_ffff);
  return maxPacket;
}

/** Measures packets, for every protocol that is made of them. */
export function measurePacket(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < LENGTH) return 0;
  const length = u32le(bytes, start);
  if (length >= LENGTH) return LENGTH + length;
  const text = `short-packet: Length ${length} leaves no room for the 4 bytes of a connection id`;
  throw new ProtocolError("malformed", text, start);
}

/** Their `tooLong`. */
export function tooLarge(length: number, maxFrame: number): string {
  return `too-large: Length ${length - LENGTH} exceeds maxPacket ${maxFrame - LENGTH}`;
}

/** Returns the message of the packet in `bytes[start .. end)`. */
export function messageOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  copy: boolean,
): Uint8Array {
  return copy ? bytes.slice(start + HEADER, end) : bytes.subarray(start + HEADER, end);
}

/**
 * Writes one packet.
 * @throws ProtocolError `unencodable` if a receiver with the same `maxPacket` would refuse it
 */
export function writePacket(
  connId: number,
  message: Uint8Array,
  maxPacket: number,
  out: Output,
): void {
  checkFits(message, maxPacket);
  out
    .u32le(LENGTH + message.length)
    .u32le(connId)
    .bytes(message);
}

/**
 * Checks that a packet can carry the message.
 *
 * @throws ProtocolError `unencodable` if it cannot
 */
export function checkFits(message: Uint8Array, maxPacket: number): void {
  if (LENGTH + message.length > maxPacket) {
    const text = `too-large: message of ${message.length} bytes exceeds maxPacket ${maxPacket} - 4`;
    throw new ProtocolError("unencodable", text);
  }
}
