import { ProtocolError } from "./errors.ts";
import { decoder, encoder, isWellFormed, sliceUtf8, writeUtf8 } from "./host.ts";

/*
 * Strict UTF-8 in both directions: invalid bytes are `malformed`, a string with a lone surrogate is
 * `unencodable` (TextEncoder would silently write U+FFFD instead). A byte order mark is data.
 *
 * Short text is converted by a loop, because a call into the host costs as much as some twenty characters.
 * Long text is converted by the runtime: Node's own functions, TextDecoder and TextEncoder, or else the loop.
 */

const SHORT = 24;
// V8 joins up to this many characters by copying; for more it builds a tree that is flattened when it is
// read.
const TINY = 12;

/**
 * Decodes the text in `bytes[start .. end)`.
 *
 * @throws ProtocolError `malformed`, its offset the index of the first byte that is not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  if (end - start <= TINY) return decodeTiny(bytes, start, end);
  // Other scripts cost the host more than a loop; text that begins in ASCII mostly continues in ASCII.
  if (end - start <= SHORT && bytes[start]! > 0x7f) return decodePlain(bytes, start, end);
  if (sliceUtf8 !== undefined) {
    const text = sliceUtf8(bytes, start, end);
    // Else it was in the bytes, or replaces invalid bytes: the strict decoder decides.
    if (!text.includes("\ufffd")) return text;
  }
  if (decoder !== undefined) {
    try {
      return decoder.decode(bytes.subarray(start, end));
    } catch {
      // The plain decoder reports the error again, with its position.
    }
  }
  return decodePlain(bytes, start, end);
}

/** ASCII, four bytes at a time; if there is anything else, decoding starts again. */
function decodeTiny(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const a = bytes[at]!;
    const b = bytes[at + 1]!;
    const c = bytes[at + 2]!;
    const d = bytes[at + 3]!;
    if ((a | b | c | d) > 0x7f) return decodePlain(bytes, start, end);
    text += String.fromCharCode(a, b, c, d);
  }
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte > 0x7f) return decodePlain(bytes, start, end);
    text += String.fromCharCode(byte);
  }
  return text;
}

// Characters are joined in runs: String.fromCharCode takes its arguments from the stack.
const RUN = 4096;

/** @internal */
export function decodePlain(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  let units: number[] = [];
  let at = start;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte < 0x80) {
      units.push(byte);
      at++;
    } else {
      const length = sequenceLength(bytes, at, end);
      if (length === 0) {
        throw new ProtocolError(
          "malformed",
          `byte ${hexByte(byte)} does not continue as UTF-8`,
          at,
        );
      }
      let point = byte & (0x7f >> length);
      for (let i = 1; i < length; i++) point = (point << 6) | (bytes[at + i]! & 0x3f);
      if (point > 0xffff) {
        units.push(0xd7c0 + (point >> 10), 0xdc00 | (point & 0x3ff));
      } else {
        units.push(point);
      }
      at += length;
    }
    if (units.length >= RUN) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

/** A byte in an error text: `0x0a`. @internal */
export const hexByte = (byte: number): string => `0x${byte.toString(16).padStart(2, "0")}`;

/**
 * Length of the well-formed multi-byte sequence at `at`, or 0.
 *
 * The second byte excludes what the first cannot: overlong forms (e0 80, f0 80), surrogates (ed a0) and code
 * points above U+10FFFF (f4 90). Unicode 15, table 3-7.
 */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (end - at < length) return 0;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1]!;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  return length;
}

/**
 * Writes `text` at `at` and returns the position after it. `into` must have room for three bytes per UTF-16
 * unit.
 *
 * @throws ProtocolError `unencodable` for a lone surrogate
 * @internal
 */
export function encodeUtf8Into(text: string, into: Uint8Array, at: number): number {
  if (text.length > SHORT && isWellFormed !== undefined) {
    if (!isWellFormed(text)) throw loneSurrogate(text);
    if (writeUtf8 !== undefined) return at + writeUtf8(text, into, at);
    if (encoder !== undefined) return at + encoder.encodeInto(text, into.subarray(at)).written;
  }
  return encodePlain(text, into, at);
}

/** @internal */
export function encodePlain(text: string, into: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      into[at++] = unit;
    } else if (unit < 0x800) {
      into[at++] = 0xc0 | (unit >> 6);
      into[at++] = 0x80 | (unit & 0x3f);
    } else if (unit < 0xd800 || unit > 0xdfff) {
      into[at++] = 0xe0 | (unit >> 12);
      into[at++] = 0x80 | ((unit >> 6) & 0x3f);
      into[at++] = 0x80 | (unit & 0x3f);
    } else {
      const point = text.codePointAt(i)!;
      // Half a pair is its own code point; so is a low surrogate without a high one before it.
      if (point < 0x10000) throw loneSurrogate(text);
      into[at++] = 0xf0 | (point >> 18);
      into[at++] = 0x80 | ((point >> 12) & 0x3f);
      into[at++] = 0x80 | ((point >> 6) & 0x3f);
      into[at++] = 0x80 | (point & 0x3f);
      i++;
    }
  }
  return at;
}

// With the flag u, a pair is one code point: a match is a lone half.
const LONE_SURROGATE = /\p{Surrogate}/u;

/** True if the text has no UTF-8 form. */
export function hasLoneSurrogate(text: string): boolean {
  return LONE_SURROGATE.test(text);
}

function loneSurrogate(text: string): ProtocolError {
  let at = 0;
  while (at < text.length) {
    const point = text.codePointAt(at)!;
    if (point >= 0xd800 && point <= 0xdfff) break;
    at += point > 0xffff ? 2 : 1;
  }
  return new ProtocolError(
    "unencodable",
    `lone surrogate at index ${at} of ${text.length} has no UTF-8 form`,
  );
}
