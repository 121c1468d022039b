/*
 * Readers of numbers at a place in a byte array, named as Output's writers. They do not check bounds:
 * a protocol has measured its frame before it decodes it. Shifts are as fast as a DataView and need no
 * object. Widths up to 48 bits give numbers, 56 and 64 bits give bigints: nothing ever loses a digit.
 *
 * Bytes are read with `!`, because the caller has checked the bounds; outside of them the result means nothing.
 */

/** Unsigned byte at `at`. */
export function u8(bytes: Uint8Array, at: number): number {
  return bytes[at]!;
}

/** Signed byte at `at`. */
export function i8(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) >> 24;
}

/** Unsigned 16-bit big-endian integer at `at`. */
export function u16be(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** Unsigned 16-bit little-endian integer at `at`. */
export function u16le(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** Signed 16-bit big-endian integer at `at`. */
export function i16be(bytes: Uint8Array, at: number): number {
  return (u16be(bytes, at) << 16) >> 16;
}

/** Signed 16-bit little-endian integer at `at`. */
export function i16le(bytes: Uint8Array, at: number): number {
  return (u16le(bytes, at) << 16) >> 16;
}

/** Unsigned 24-bit big-endian integer at `at`. */
export function u24be(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | u16be(bytes, at + 1);
}

/** Unsigned 24-bit little-endian integer at `at`. */
export function u24le(bytes: Uint8Array, at: number): number {
  return u16le(bytes, at) | (bytes[at + 2]! << 16);
}

/** Signed 24-bit big-endian integer at `at`. */
export function i24be(bytes: Uint8Array, at: number): number {
  return (u24be(bytes, at) << 8) >> 8;
}

/** Signed 24-bit little-endian integer at `at`. */
export function i24le(bytes: Uint8Array, at: number): number {
  return (u24le(bytes, at) << 8) >> 8;
}

/** Unsigned 32-bit big-endian integer at `at`. */
export function u32be(bytes: Uint8Array, at: number): number {
  return i32be(bytes, at) >>> 0;
}

/** Unsigned 32-bit little-endian integer at `at`. */
export function u32le(bytes: Uint8Array, at: number): number {
  return i32le(bytes, at) >>> 0;
}

/** Signed 32-bit big-endian integer at `at`. */
export function i32be(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Signed 32-bit little-endian integer at `at`. */
export function i32le(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Unsigned 40-bit big-endian integer at `at`. */
export function u40be(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x1_0000_0000 + u32be(bytes, at + 1);
}

/** Unsigned 40-bit little-endian integer at `at`. */
export function u40le(bytes: Uint8Array, at: number): number {
  return bytes[at + 4]! * 0x1_0000_0000 + u32le(bytes, at);
}

/** Signed 40-bit big-endian integer at `at`. */
export function i40be(bytes: Uint8Array, at: number): number {
  return i8(bytes, at) * 0x1_0000_0000 + u32be(bytes, at + 1);
}

/** Signed 40-bit little-endian integer at `at`. */
export function i40le(bytes: Uint8Array, at: number): number {
  return i8(bytes, at + 4) * 0x1_0000_0000 + u32le(bytes, at);
}

/** Unsigned 48-bit big-endian integer at `at`. */
export function u48be(bytes: Uint8Array, at: number): number {
  return u16be(bytes, at) * 0x1_0000_0000 + u32be(bytes, at + 2);
}

/** Unsigned 48-bit little-endian integer at `at`. */
export function u48le(bytes: Uint8Array, at: number): number {
  return u16le(bytes, at + 4) * 0x1_0000_0000 + u32le(bytes, at);
}

/** Signed 48-bit big-endian integer at `at`. */
export function i48be(bytes: Uint8Array, at: number): number {
  return i16be(bytes, at) * 0x1_0000_0000 + u32be(bytes, at + 2);
}

/** Signed 48-bit little-endian integer at `at`. */
export function i48le(bytes: Uint8Array, at: number): number {
  return i16le(bytes, at + 4) * 0x1_0000_0000 + u32le(bytes, at);
}

const pair = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);

/** Unsigned 56-bit big-endian integer at `at`. */
export function u56be(bytes: Uint8Array, at: number): bigint {
  return pair(u24be(bytes, at), u32be(bytes, at + 3));
}

/** Unsigned 56-bit little-endian integer at `at`. */
export function u56le(bytes: Uint8Array, at: number): bigint {
  return pair(u24le(bytes, at + 4), u32le(bytes, at));
}

/** Signed 56-bit big-endian integer at `at`. */
export function i56be(bytes: Uint8Array, at: number): bigint {
  return pair(i24be(bytes, at), u32be(bytes, at + 3));
}

/** Signed 56-bit little-endian integer at `at`. */
export function i56le(bytes: Uint8Array, at: number): bigint {
  return pair(i24le(bytes, at + 4), u32le(bytes, at));
}

/** Unsigned 64-bit big-endian integer at `at`. */
export function u64be(bytes: Uint8Array, at: number): bigint {
  return pair(u32be(bytes, at), u32be(bytes, at + 4));
}

/** Unsigned 64-bit little-endian integer at `at`. */
export function u64le(bytes: Uint8Array, at: number): bigint {
  return pair(u32le(bytes, at + 4), u32le(bytes, at));
}

/** Signed 64-bit big-endian integer at `at`. */
export function i64be(bytes: Uint8Array, at: number): bigint {
  return pair(i32be(bytes, at), u32be(bytes, at + 4));
}

/** Signed 64-bit little-endian integer at `at`. */
export function i64le(bytes: Uint8Array, at: number): bigint {
  return pair(i32le(bytes, at + 4), u32le(bytes, at));
}

/** The bytes as a DataView; floats have no cheaper reader. */
const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** 32-bit big-endian float at `at`. */
export function f32be(bytes: Uint8Array, at: number): number {
  return viewOf(bytes).getFloat32(at);
}

/** 32-bit little-endian float at `at`. */
export function f32le(bytes: Uint8Array, at: number): number {
  return viewOf(bytes).getFloat32(at, true);
}

/** 64-bit big-endian float at `at`. */
export function f64be(bytes: Uint8Array, at: number): number {
  return viewOf(bytes).getFloat64(at);
}

/** 64-bit little-endian float at `at`. */
export function f64le(bytes: Uint8Array, at: number): number {
  return viewOf(bytes).getFloat64(at, true);
}
