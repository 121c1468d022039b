import { checkLimit, checkOptions, copy, ProtocolError, plain } from "../../core/index.ts";
import { type Writer, writing } from "./writer.ts";

/*
 * 0-packing: pads the input with zeros to words of 8 bytes, and leaves out the zeros.
 *
 *   tag (bit i: byte i of the word is not 0), the bytes that are not 0       a word
 *   ff, n - 1, 8 n bytes as they are                                        a run of n words, at most 256
 *
 * A run begins with a word of 8 non-zero bytes and continues while words have at least 6 of them
 * (sproto.c:1277-1437).
 */

/** Default limit of a message, packed and unpacked: 16 MiB, as in the reference. */
export const DEFAULT_MAX_SIZE: number = 16 * 1024 * 1024;

/** Options for `pack` and `unpack`. */
export interface PackOptions {
  /**
   * Largest result in bytes.
   * @defaultValue 16 MiB
   */
  readonly maxSize?: number | undefined;
}

/**
 * Maximum size of `length` bytes when packed: two more for each run, two for the padding of the
 * last word.
 */
export function packedRoom(length: number): number {
  const words = (length + 7) >> 3;
  return 8 * words + 2 * (((words + 255) >> 8) + 1) + words;
}

/**
 * Packs `from[start .. end)` into `to` at `at`, where `packedRoom` bytes must be free, and returns
 * the position after.
 */
export function packInto(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  at: number,
): number {
  /** Position of the open run's count, or -1. */
  let run = -1;
  let p = at;
  for (let word = start; word < end; word += 8) {
    const a = from[word]!;
    const isWhole = word + 8 <= end;
    const b = isWhole || word + 1 < end ? from[word + 1]! : 0;
    const c = isWhole || word + 2 < end ? from[word + 2]! : 0;
    const d = isWhole || word + 3 < end ? from[word + 3]! : 0;
    const e = isWhole || word + 4 < end ? from[word + 4]! : 0;
    const f = isWhole || word + 5 < end ? from[word + 5]! : 0;
    const g = isWhole || word + 6 < end ? from[word + 6]! : 0;
    const h = isWhole ? from[word + 7]! : 0;
    const bits =
      (a === 0 ? 0 : 1) |
      (b === 0 ? 0 : 2) |
      (c === 0 ? 0 : 4) |
      (d === 0 ? 0 : 8) |
      (e === 0 ? 0 : 16) |
      (f === 0 ? 0 : 32) |
      (g === 0 ? 0 : 64) |
      (h === 0 ? 0 : 128);
    const filled = BITS[bits]!;
    if (run >= 0 && filled >= 6 && to[run]! < 255) {
      to[run]!++;
    } else if (filled === 8) {
      to[p] = 0xff;
      run = p + 1;
      to[run] = 0;
      p += 2;
    } else {
      // Each byte is written, and its place kept if it is not 0: without a branch, so none is
      // mispredicted.
      to[p++] = bits;
      to[p] = a;
      p += bits & 1;
      to[p] = b;
      p += (bits >> 1) & 1;
      to[p] = c;
      p += (bits >> 2) & 1;
      to[p] = d;
      p += (bits >> 3) & 1;
      to[p] = e;
      p += (bits >> 4) & 1;
      to[p] = f;
      p += (bits >> 5) & 1;
      to[p] = g;
      p += (bits >> 6) & 1;
      to[p] = h;
      p += bits >> 7;
      run = -1;
      continue;
    }
    to[p] = a;
    to[p + 1] = b;
    to[p + 2] = c;
    to[p + 3] = d;
    to[p + 4] = e;
    to[p + 5] = f;
    to[p + 6] = g;
    to[p + 7] = h;
    p += 8;
  }
  return p;
}

/**
 * Packs any bytes. `unpack` returns them padded with zeros to a multiple of 8, because the format
 * has no length. (Decoding a message ignores the padding.)
 *
 * @example
 * ```ts
 * import { pack, unpack } from "framewright/sproto";
 *
 * const packed = pack(Uint8Array.of(8, 0, 0, 0, 3, 0, 2, 0, 25));
 * console.log(packed.join(" "));
 * //=> 81 8 3 2 1 25
 * console.log(unpack(packed).length);
 * //=> 16
 * ```
 *
 * @throws ProtocolError `unencodable` if the result is larger than `maxSize`
 */
export function pack(bytes: Uint8Array, options: PackOptions = {}): Uint8Array<ArrayBuffer> {
  checkOptions("pack", options, ["maxSize"]);
  const { maxSize = DEFAULT_MAX_SIZE } = options;
  checkLimit("maxSize", maxSize);
  const from = plain(bytes);
  return writing({ maxDepth: 0, maxSize }, (w) => {
    w.need(packedRoom(from.length));
    w.at = packInto(from, 0, from.length, w.bytes, w.at);
    checkPacked(w.at - w.start, maxSize);
    return w.take(w.start);
  });
}

/**
 * Checks the size of packed bytes.
 *
 * @throws ProtocolError `unencodable` if there are too many
 */
export function checkPacked(size: number, maxSize: number): void {
  if (size > maxSize) {
    throw new ProtocolError("unencodable", `packed ${size} bytes exceed maxSize ${maxSize}`);
  }
}

/**
 * Checks the padded size of a message. Unpacking returns whole words, so a message that only fits
 * without its padding could not be read again.
 *
 * @throws ProtocolError `unencodable` if the padded message is larger than allowed
 */
export function checkPadded(size: number, maxSize: number): void {
  const padded = size + (-size & 7);
  if (padded > maxSize) {
    const text = `message of ${size} bytes, padded to ${padded}, exceeds maxSize ${maxSize}`;
    throw new ProtocolError("unencodable", text);
  }
}

/**
 * Unpacks the result of `pack`, padded with zeros to a multiple of 8. Each input byte yields at
 * most 8 bytes.
 *
 * @throws ProtocolError `malformed` if bytes are missing, `too-long` if the result is larger than
 *   `maxSize`
 */
export function unpack(bytes: Uint8Array, options: PackOptions = {}): Uint8Array<ArrayBuffer> {
  checkOptions("unpack", options, ["maxSize"]);
  const { maxSize = DEFAULT_MAX_SIZE } = options;
  checkLimit("maxSize", maxSize);
  return unpackFrom(plain(bytes), 0, bytes.length, maxSize);
}

/** Unpacks `from[start .. end)`, see {@link unpack}. */
export function unpackFrom(
  from: Uint8Array,
  start: number,
  end: number,
  maxSize: number,
): Uint8Array<ArrayBuffer> {
  return writing({ maxDepth: 0, maxSize }, (w) => {
    unpackInto(w, from, start, end);
    return w.take(w.start);
  });
}

/** Unpacks `from[start .. end)`, and appends the result to the writer. */
export function unpackInto(w: Writer, from: Uint8Array, start: number, end: number): void {
  // Two passes: the first checks everything and counts, so the second needs no checks and the
  // memory has the exact size.
  const size = unpackedSize(from, start, end, w.maxSize);
  w.need(size);
  const to = w.bytes;
  let p = w.at;
  for (let at = start; at < end; ) {
    const tag = from[at++]!;
    if (tag === 0xff) {
      const length = 8 * (from[at++]! + 1);
      copy(from, at, at + length, to, p);
      at += length;
      p += length;
      continue;
    }
    // Zeros are written too: the memory may hold a message that was rolled back.
    to[p] = (tag & 1) !== 0 ? from[at++]! : 0;
    to[p + 1] = (tag & 2) !== 0 ? from[at++]! : 0;
    to[p + 2] = (tag & 4) !== 0 ? from[at++]! : 0;
    to[p + 3] = (tag & 8) !== 0 ? from[at++]! : 0;
    to[p + 4] = (tag & 16) !== 0 ? from[at++]! : 0;
    to[p + 5] = (tag & 32) !== 0 ? from[at++]! : 0;
    to[p + 6] = (tag & 64) !== 0 ? from[at++]! : 0;
    to[p + 7] = (tag & 128) !== 0 ? from[at++]! : 0;
    p += 8;
  }
  w.at = p;
}

function unpackedSize(from: Uint8Array, start: number, end: number, maxSize: number): number {
  let size = 0;
  for (let at = start; at < end; ) {
    const tag = from[at]!;
    let length = 1 + BITS[tag]!;
    if (tag === 0xff) {
      if (at + 1 === end) cutOff(1, 2, at);
      const words = from[at + 1]! + 1;
      length = 2 + 8 * words;
      size += 8 * words;
    } else {
      size += 8;
    }
    if (length > end - at) cutOff(end - at, length, at);
    at += length;
  }
  if (size > maxSize) {
    throw new ProtocolError("too-long", `unpacked ${size} bytes exceed maxSize ${maxSize}`, start);
  }
  return size;
}

function cutOff(have: number, length: number, at: number): never {
  const text = `packed word of ${length} bytes is cut off after ${have}`;
  throw new ProtocolError("malformed", text, at);
}

/** Number of bits set in each byte value. */
const BITS = Uint8Array.from({ length: 256 }, (_, byte) => {
  let bits = 0;
  for (let rest = byte; rest > 0; rest >>= 1) bits += rest & 1;
  return bits;
});
