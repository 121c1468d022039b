import { isPoisoning } from "./host.ts";

/** No bytes: replaces a view that was released. */
export const NOTHING: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/**
 * True for a Uint8Array, also for one of another realm (a frame, a test runner's sandbox), which is not an
 * `instanceof` ours.
 */
export function isBytes(value: unknown): value is Uint8Array {
  if (value instanceof Uint8Array) return true;
  return (
    ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Uint8Array]"
  );
}

/**
 * True if the memory of these bytes was transferred away (`structuredClone`, `postMessage`), or shrank below
 * them: they then look empty, which the caller did not intend.
 */
export function isDetached(bytes: Uint8Array): boolean {
  if (bytes.length > 0) return false;
  try {
    // Every method of a detached array throws.
    Uint8Array.prototype.indexOf.call(bytes, 0);
    return false;
  } catch {
    return true;
  }
}

/**
 * The same bytes as a plain Uint8Array. Node's Buffer is a subclass whose `slice` does not copy: a codec that
 * relies on `slice` must get the same behaviour on every transport (and V8 one hidden class).
 */
export function plain(bytes: Uint8Array): Uint8Array {
  if (bytes?.constructor === Uint8Array) return bytes;
  if (!isBytes(bytes)) throw new TypeError("bytes must be a Uint8Array");
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** True if `length` bytes of this memory would keep far more alive than themselves. */
export function pinsMuch(length: number, bytes: Uint8Array): boolean {
  // Accessing the buffer costs more than all the rest, and is not needed for most chunks of a socket.
  if (bytes.length > 1024 && 4 * length < bytes.length) return true;
  const { byteLength } = bytes.buffer;
  return byteLength > 1024 && 4 * length < byteLength;
}

/**
 * The same bytes, copied if they would keep far more memory alive. Encoded frames are in slabs that
 * connections share: a few bytes that wait for minutes must not hold a slab.
 */
export function compact<Bytes extends Uint8Array>(bytes: Bytes): Bytes | Uint8Array<ArrayBuffer> {
  if (!pinsMuch(bytes.length, bytes)) return bytes;
  // Not `slice`, which makes another instance of a subclass.
  const own = new Uint8Array(bytes.length);
  own.set(bytes);
  return own;
}

/** Copies a few bytes by hand: making a view costs as much as some sixty of them. */
export function copy(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  at: number,
): void {
  if (end - start > 64) {
    to.set(end - start === from.length ? from : from.subarray(start, end), at);
  } else {
    for (let i = start, j = at; i < end; i++, j++) to[j] = from[i]!;
  }
}

/** Memory cost of a message in addition to its bytes: the number of empty ones must be limited too. */
export const MESSAGE_COST = 64;

/** Memory cost of the array of a chunk and its place in a queue, in addition to its bytes. */
export const CHUNK_COST = 200;

/** Overwrites memory of our own that must not be read any more: only for tests, see `isPoisoning`. */
export function poison(bytes: Uint8Array, start: number, end: number): void {
  if (isPoisoning) bytes.fill(0xdd, start, end);
}

/** The same bytes, copied if their memory may be poisoned before they are used. */
export function unpoisoned(bytes: Uint8Array): Uint8Array {
  return isPoisoning ? new Uint8Array(bytes) : bytes;
}

// Accessing the buffer of a chunk costs as much as making a view, so it is cached from the second frame of a
// chunk on.
let chunk: Uint8Array | undefined;
let buffer: ArrayBufferLike | undefined;
let offset = 0;

/** A larger chunk is not cached, because that would keep it alive. */
const KEPT_CHUNK = 65_536;

/** Like `bytes.subarray(start, end)`, but faster for many views of one chunk. */
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (bytes === chunk && end <= bytes.length) {
    if (buffer === undefined) {
      buffer = bytes.buffer;
      offset = bytes.byteOffset;
    }
    return new Uint8Array(buffer, offset + start, end - start);
  }
  // Buffers stay Buffers.
  if (bytes.length <= KEPT_CHUNK && bytes.constructor === Uint8Array) {
    chunk = bytes;
    buffer = undefined;
  }
  return bytes.subarray(start, end);
}
