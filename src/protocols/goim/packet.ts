import { i16be, i32be, type Output, ProtocolError } from "../../core/index.ts";

/** Length of the header, and the only value that its `headerLen` field may have. */
export const HEADER = 16;

/** Largest packet that its length field, a signed 32-bit integer, can express. */
export const LARGEST = 0x7fffffff;

/** The protocol version that clients send, and servers in pushes of v2. */
export const VERSION = 1;

/**
 * One received goim packet. Its body is bytes in binary dialects; parsed JSON or text with
 * `goimJson`.
 */
export interface Packet<Body = Uint8Array> {
  /** Protocol version chosen by the sender, a signed 16-bit integer. Clients send 1. */
  readonly ver: number;
  /** Operation, a signed 32-bit integer: see {@link operations}. */
  readonly op: number;
  /** Number of the request, a signed 32-bit integer: a reply repeats it, a push has 0. */
  readonly seq: number;
  /** Body, depending on the operation. */
  readonly body: Body;
}

/** A packet to send. Every {@link Packet} is one; only the operation is required. */
export interface PacketToSend<Body = Uint8Array> {
  /**
   * Protocol version, a signed 16-bit integer.
   * @defaultValue 1
   */
  readonly ver?: number | undefined;
  /** Operation, a signed 32-bit integer. */
  readonly op: number;
  /**
   * Number of the request, a signed 32-bit integer.
   * @defaultValue 0, as in a push
   */
  readonly seq?: number | undefined;
  /**
   * Body.
   * @defaultValue empty: no bytes, or `{}` in JSON
   */
  readonly body?: Body | undefined;
}

// Making a view costs as much as sixty bytes; heartbeats and most replies have no body at all.
const NOTHING = new Uint8Array(0);

/**
 * Returns the length of the packet at `start`, after checking both lengths in its header; 0 if
 * fewer than 6 bytes of the header are here. A length above the limit is returned without the rest
 * of the header.
 */
export function packetLength(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxFrame: number,
): number {
  if (end - start < 4) return 0;
  const length = i32be(bytes, start);
  if (length < HEADER) throw tooShort(length, start);
  if (length > maxFrame) return length;
  if (end - start < 6) return 0;
  const header = i16be(bytes, start + 4);
  if (header !== HEADER) throw wrongHeader(header, start + 4);
  return length;
}

function tooShort(length: number, at: number): ProtocolError {
  const text = `pack-length: packet of ${length} bytes is less than its header of ${HEADER}`;
  return new ProtocolError("malformed", text, at);
}

/** See `Framing.tooLong`. */
export function tooLong(length: number, maxFrame: number): string {
  return `pack-length: packet of ${length} bytes exceeds maxFrame ${maxFrame}`;
}

function wrongHeader(length: number, at: number): ProtocolError {
  return new ProtocolError("malformed", `header-length: ${length}, not ${HEADER}`, at);
}

/**
 * Returns the end of the packet at `start`, which must be complete, as in a message or a batch.
 *
 * @param where - the container of the packet, for the error's text
 */
export function packetEnd(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxFrame: number,
  where: string,
): number {
  const length = packetLength(bytes, start, end, maxFrame);
  if (length > maxFrame) throw new ProtocolError("too-long", tooLong(length, maxFrame), start);
  const here = end - start;
  if (here >= HEADER && length <= here) return start + length;
  const what = length === 0 ? "a header of 16" : `a packet of ${length}`;
  const text = `${where} ends after ${here} bytes of ${what}`;
  throw new ProtocolError("truncated", text, start);
}

/** Returns the packet in `bytes[start .. end)`, whose lengths were checked. */
export function readPacket(bytes: Uint8Array, start: number, end: number, copy: boolean): Packet {
  const at = start + HEADER;
  return {
    ver: i16be(bytes, start + 6),
    op: i32be(bytes, start + 8),
    seq: i32be(bytes, start + 12),
    body: at === end ? new Uint8Array(0) : copy ? bytes.slice(at, end) : bytes.subarray(at, end),
  };
}

/** Appends one packet. */
export function writePacket(packet: PacketToSend, out: Output): void {
  const { ver = VERSION, op, seq = 0, body = NOTHING } = packet;
  out
    .i32be(HEADER + body.length)
    .i16be(HEADER)
    .i16be(ver)
    .i32be(op)
    .i32be(seq);
  // Refuses anything but a Uint8Array.
  if (body !== NOTHING) out.bytes(body);
}
