import { copy, decodeUtf8, i32le, ProtocolError } from "../../core/index.ts";
import { collide, FEW_KEYS } from "./collisions.ts";
import type { DecodeStruct } from "./engine.ts";
import type { SchemaField } from "./schema.ts";

/*
 * Reading functions of both engines. Counts and lengths come from the peer: each is compared with
 * the available bytes, by subtraction, before anything is read or created. (The reference adds 4 to
 * a u32 and crashes on ff ff ff ff: sproto.c:166.)
 *
 * `label` names the field for error texts, `Type.field`. `start` and `end` are the extent of the
 * data of one field, its u32 length not included.
 */

/** Refuses the bytes at `at`. */
export function bad(label: string, reason: string, at: number): never {
  throw new ProtocolError("malformed", `${label}: ${reason}`, at);
}

/** Removes the offset from an error of an unpacked message, whose bytes the caller never saw. */
export function withoutPlace(error: unknown): unknown {
  if (!(error instanceof ProtocolError)) return error;
  return new ProtocolError(error.code, error.message, undefined, { cause: error });
}

/** Options of the schema that affect reading. */
export interface Reading {
  readonly int64: "auto" | "bigint" | "number";
  readonly maps: "map" | "object";
  readonly strings: "utf8" | "bytes";
  readonly copy: boolean;
  readonly maxDepth: number;
}

/** True if maps with this key become objects. Bytes cannot be property names. */
export function givesObject(key: SchemaField, { maps, strings }: Reading): boolean {
  if (maps === "map" || key.kind === "binary") return false;
  return key.kind !== "string" || strings === "utf8";
}

/**
 * Returns the number of records of the message in `[start, end)`, after checking that all are here.
 */
export function records(bytes: Uint8Array, start: number, end: number, label: string): number {
  if (end - start < 2) bad(label, `message of ${end - start} bytes, at least 2 are needed`, start);
  const count = bytes[start]! | (bytes[start + 1]! << 8);
  if (2 * count > end - start - 2) {
    bad(label, `${count} records exceed the ${end - start - 2} bytes left`, start);
  }
  return count;
}

/** Returns the end of the data whose u32 length is at `at`. */
export function extent(bytes: Uint8Array, at: number, end: number, label: string): number {
  const left = end - at - 4;
  if (left < 0) bad(label, `a length of 4 bytes is cut off after ${end - at}`, at);
  const length = i32le(bytes, at);
  // Negative above 2^31.
  if (length < 0 || length > left) {
    bad(label, `length ${length >>> 0} exceeds the ${left} bytes left`, at);
  }
  return at + 4 + length;
}

export function tooDeep(maxDepth: number, label: string, at: number): never {
  const text = `${label}: nesting exceeds maxDepth ${maxDepth}`;
  throw new ProtocolError("too-long", text, at);
}

/** A nested message must fill its extent. */
export function notFilled(stop: number, end: number, label: string): never {
  bad(label, `${end - stop} bytes after the message`, stop);
}

/** Refuses an inline value: only numbers and booleans have one. */
export function checkData(record: number, label: string, at: number): void {
  if (record !== 0) bad(label, `inline value ${(record >> 1) - 1} instead of data`, at);
}

/** Booleans are always inline. */
export function checkInline(record: number, label: string, at: number): void {
  if (record === 0) bad(label, "a boolean in the data part", at);
}

/** Reads an integer of 4 or 8 bytes. */
export function integer(
  bytes: Uint8Array,
  start: number,
  end: number,
  int64: Reading["int64"],
  label: string,
): number | bigint {
  const width = end - start;
  if (width === 4) return int64 === "bigint" ? BigInt(i32le(bytes, start)) : i32le(bytes, start);
  if (width !== 8) bad(label, `integer of ${width} bytes, neither 4 nor 8`, start);
  return long(bytes, start, int64, label);
}

/** Reads an integer of 8 bytes, in the form of the option `int64`. */
function long(
  bytes: Uint8Array,
  at: number,
  int64: Reading["int64"],
  label: string,
): number | bigint {
  const low = i32le(bytes, at) >>> 0;
  const high = i32le(bytes, at + 4);
  if (int64 !== "bigint") {
    const value = high * 0x1_0000_0000 + low;
    if (Number.isSafeInteger(value)) return value;
    if (int64 === "number") {
      bad(label, `integer ${wideOf(high, low)} is beyond the safe integers`, at);
    }
  }
  return wideOf(high, low);
}

const wideOf = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);

/** Reads an integer of 4 or 8 bytes, divided by a factor. */
export function fixed(
  bytes: Uint8Array,
  start: number,
  end: number,
  factor: number,
  label: string,
): number {
  const value = Number(integer(bytes, start, end, "auto", label)) / factor;
  // A result that was rounded up to the edge could not be written again.
  const product = value * factor;
  if (product >= -(2 ** 63) && product < 2 ** 63) return value;
  return bad(label, "an integer at the edge of 64 bits, which a number cannot hold", start);
}

// Shared buffer for one float at a time: a DataView per message costs more.
const floatBytes = new Uint8Array(8);
const floats = new Float64Array(floatBytes.buffer);
floats[0] = 1;
/** Index of the sign, 0 or 7, depending on the machine's byte order. */
const flip = floatBytes[7] === 0 ? 7 : 0;

function float(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) floatBytes[i ^ flip] = bytes[at + i]!;
  return floats[0]!;
}

/** Reads a double of 8 bytes. The reference also takes 4 bytes, which are not a double. */
export function double(bytes: Uint8Array, start: number, end: number, label: string): number {
  if (end - start !== 8) bad(label, `double of ${end - start} bytes, not 8`, start);
  return float(bytes, start);
}

/** Reads text: strict UTF-8. */
export function text(bytes: Uint8Array, start: number, end: number, label: string): string {
  try {
    return decodeUtf8(bytes, start, end);
  } catch (error) {
    const { message, offset } = error as ProtocolError;
    return bad(label, message, offset ?? start);
  }
}

/** Reads bytes as a view of the received memory. */
export function blob(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** Reads bytes as a copy. */
export function ownBlob(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const own = new Uint8Array(end - start);
  // Not `slice`: that of Node's Buffer is a view.
  copy(bytes, start, end, own, 0);
  return own;
}

/** `*integer`: a width byte, then elements. A lone width byte, with any value, is an empty list. */
export function integers(
  bytes: Uint8Array,
  start: number,
  end: number,
  int64: Reading["int64"],
  label: string,
): (number | bigint)[] {
  const values: (number | bigint)[] = [];
  const width = widthOf(bytes, start, end, label);
  if (width === 4 && int64 !== "bigint") {
    for (let at = start + 1; at < end; at += 4) values.push(i32le(bytes, at));
  } else {
    for (let at = start + 1; at < end; at += width) {
      values.push(integer(bytes, at, at + width, int64, label));
    }
  }
  return values;
}

/** `*integer(n)` */
export function fixeds(
  bytes: Uint8Array,
  start: number,
  end: number,
  factor: number,
  label: string,
): number[] {
  const values: number[] = [];
  const width = widthOf(bytes, start, end, label);
  for (let at = start + 1; at < end; at += width) {
    values.push(fixed(bytes, at, at + width, factor, label));
  }
  return values;
}

/** `*double` */
export function doubles(bytes: Uint8Array, start: number, end: number, label: string): number[] {
  const values: number[] = [];
  const width = widthOf(bytes, start, end, label);
  if (width === 4) bad(label, "doubles of 4 bytes, not 8", start);
  for (let at = start + 1; at < end; at += 8) values.push(float(bytes, at));
  return values;
}

/**
 * Returns the width of the elements, after checking that their number is whole; 0 for an empty
 * list.
 */
function widthOf(bytes: Uint8Array, start: number, end: number, label: string): number {
  const length = end - start - 1;
  if (length <= 0) return 0;
  const width = bytes[start]!;
  if (width !== 4 && width !== 8) bad(label, `elements of ${width} bytes, neither 4 nor 8`, start);
  if (length % width !== 0) {
    bad(label, `${length} bytes are not a multiple of ${width}`, start);
  }
  return width;
}

/** `*boolean`: a byte for each. */
export function booleans(bytes: Uint8Array, start: number, end: number): boolean[] {
  const values: boolean[] = [];
  for (let at = start; at < end; at++) values.push(bytes[at] !== 0);
  return values;
}

/** `*string` and `*binary`: elements with their lengths. */
export function blobs<T>(
  bytes: Uint8Array,
  start: number,
  end: number,
  read: (bytes: Uint8Array, start: number, end: number, label: string) => T,
  label: string,
): T[] {
  const values: T[] = [];
  for (let at = start; at < end; ) {
    const stop = extent(bytes, at, end, label);
    values.push(read(bytes, at + 4, stop, label));
    at = stop;
  }
  return values;
}

/**
 * `*T`: structs with their lengths.
 *
 * @param stop - returns the end of the last decoded struct
 */
export function structs(
  bytes: Uint8Array,
  start: number,
  end: number,
  decode: DecodeStruct,
  stop: () => number,
  depth: number,
  label: string,
): object[] {
  const values: object[] = [];
  for (let at = start; at < end; ) {
    const next = extent(bytes, at, end, label);
    values.push(decode(bytes, at + 4, next, depth));
    if (stop() !== next) notFilled(stop(), next, label);
    at = next;
  }
  return values;
}

/** Sets a property, even one called `__proto__`. */
export function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/**
 * Makes a map from structs: for `*T(key)` the value is the struct itself, for `*T()` its second
 * field.
 */
export function mapOf(
  structs: readonly object[],
  key: SchemaField,
  value: SchemaField | undefined,
  asObject: boolean,
  label: string,
  at: number,
): object {
  if (asObject) {
    const object = Object.create(null) as Record<string, unknown>;
    for (const struct of structs) {
      object[String(part(struct, key, label, at))] =
        value === undefined ? struct : part(struct, value, label, at);
    }
    return object;
  }
  if (structs.length > FEW_KEYS && (key.kind === "integer" || key.kind === "double")) {
    const keys = structs.map((struct) => part(struct, key, label, at) as number | bigint);
    if (collide(keys)) bad(label, `${keys.length} keys that collide in a Map`, at);
  }
  const map = new Map<unknown, unknown>();
  for (const struct of structs) {
    const to = value === undefined ? struct : part(struct, value, label, at);
    map.set(part(struct, key, label, at), to);
  }
  return map;
}

function part(struct: object, field: SchemaField, label: string, at: number): unknown {
  // Own properties only: an absent field must not find a property of Object.prototype.
  if (Object.hasOwn(struct, field.name)) return (struct as Record<string, unknown>)[field.name];
  return bad(label, `an element without the field ${field.name}`, at);
}
