import { ProtocolError } from "./errors.ts";
import type { Endian } from "./output.ts";

/*
 * Readers of numbers at a position in a byte array, named like Output's writers. They do not check bounds:
 * a protocol has measured its frame before it decodes it. Shifts are as fast as a DataView and need no
 * object. Widths up to 48 bits return numbers, 64 bits return bigints: no digit is ever lost.
 *
 * Bytes are read with `!`, because the caller has checked the bounds; outside of them the result is
 * meaningless.
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

/**
 * Unsigned integer of `width` bytes at `at`, for widths that are known only at run time, or that have no
 * reader of their own (40 bits).
 *
 * @param width - 1 to 6 bytes: larger integers are not exact as numbers, see `u64be`
 * @param endian - byte order
 * @defaultValue endian `'be'`
 * @throws RangeError for another width
 *
 * @example
 * ```ts
 * import { uint } from "framewright";
 *
 * console.log(uint(Uint8Array.of(1, 0, 0, 0, 2), 0, 5));
 * //=> 4294967298
 * ```
 */
export function uint(bytes: Uint8Array, at: number, width: number, endian: Endian = "be"): number {
  checkWidth(width);
  let value = 0;
  for (let i = 0; i < width; i++) {
    value = value * 0x100 + bytes[endian === "be" ? at + i : at + width - 1 - i]!;
  }
  return value;
}

/** Signed integer (two's complement) of `width` bytes at `at`, like {@link uint}. */
export function int(bytes: Uint8Array, at: number, width: number, endian: Endian = "be"): number {
  const value = uint(bytes, at, width, endian);
  const span = 2 ** (8 * width);
  return value < span / 2 ? value : value - span;
}

/** @throws RangeError unless `width` is 1 to 6 */
export function checkWidth(width: number): void {
  if (Number.isInteger(width) && width >= 1 && width <= 6) return;
  throw new RangeError(`width must be 1 to 6 bytes, not ${String(width)}`);
}

/**
 * Number of bytes of the LEB128 varint at `at`.
 *
 * @param end - end of the available bytes
 * @defaultValue end `bytes.length`
 * @returns 0 if its last byte is not among the available ones
 */
export function varintWidth(bytes: Uint8Array, at: number, end: number = bytes.length): number {
  for (let i = at; i < end; i++) if (bytes[i]! < 0x80) return i + 1 - at;
  return 0;
}

/**
 * Unsigned LEB128 varint at `at`, as `Output.varint` writes it; `varintWidth` returns its width.
 *
 * Overlong forms of up to ten bytes are read. Unlike the other readers it checks its input, because only the bytes
 * tell how many there are.
 *
 * @throws ProtocolError `truncated` if `bytes` ends inside it, `malformed` above 2^53-1 or ten bytes
 *
 * @example
 * ```ts
 * import { varint } from "framewright";
 *
 * console.log(varint(Uint8Array.of(0xac, 0x02), 0));
 * //=> 300
 * ```
 */
export function varint(bytes: Uint8Array, at: number): number {
  let value = 0;
  let scale = 1;
  for (let i = at; i < at + 10; i++) {
    const byte = bytes[i];
    if (byte === undefined) throw new ProtocolError("truncated", "input ends inside a varint", at);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      // Above 2^53 the sum may be off, but never below it again.
      if (value <= Number.MAX_SAFE_INTEGER) return value;
      throw new ProtocolError("malformed", `varint ${value} exceeds 2^53-1`, at);
    }
    scale *= 0x80;
  }
  throw new ProtocolError("malformed", "varint of more than 10 bytes", at);
}

/**
 * The integer that the decimal digits in `bytes[start .. end)` spell: lengths and numbers of text protocols. A minus
 * sign may come first; a plus sign, spaces and a fraction are refused.
 *
 * @throws ProtocolError `malformed` at the first byte that is not a digit, for no digits, and beyond 2^53-1
 *
 * @example
 * ```ts
 * import { decimal } from "framewright";
 *
 * const reply = Uint8Array.from("$120\r\n", (c) => c.charCodeAt(0));
 * console.log(decimal(reply, 1, 4));
 * //=> 120
 * ```
 */
export function decimal(bytes: Uint8Array, start: number, end: number): number {
  const isNegative = start < end && bytes[start] === 0x2d;
  const first = isNegative ? start + 1 : start;
  let value = 0;
  for (let at = first; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    // Also true for NaN, which comes from a missing byte.
    if (!(digit >= 0 && digit <= 9)) {
      throw new ProtocolError("malformed", `byte ${bytes[at]} is not a decimal digit`, at);
    }
    value = 10 * value + digit;
  }
  if (first >= end) throw new ProtocolError("malformed", "number without digits", start);
  if (value > Number.MAX_SAFE_INTEGER) {
    throw new ProtocolError("malformed", `number of ${end - first} digits exceeds 2^53-1`, start);
  }
  // Not -0, which was not sent.
  return isNegative ? 0 - value : value;
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
