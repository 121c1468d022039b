import { copy, decodeUtf8, i32le, ProtocolError } from "../../core/index.ts";
import { collide, FEW_KEYS } from "./collisions.ts";
import type { DecodeStruct } from "./engine.ts";
import type { SchemaField } from "./schema.ts";

/*
 * What both engines read with. Counts and lengths are the peer's word: each is compared with the bytes
 * that are here, by subtraction, before anything is read or made. (The reference adds 4 to a u32 and is crashed
 * by ff ff ff ff: sproto.c:166.)
 *
 * `label` names the field for error texts, `Type.field`. `start` and `end` are the extent of the data of one
 * field, its u32 length not included.
 */

/** Refuses the bytes at `at`. */
export function bad(label: string, reason: string, at: number): never {
  throw new ProtocolError("malformed", `${label}: ${reason}`, at);
}

/**
 * An error of a message that was unpacked: its place is one of bytes that the caller never saw.
 */
export function withoutPlace(error: unknown): unknown {
  if (!(error instanceof ProtocolError)) return error;
  return new ProtocolError(error.code, error.message, undefined, { cause: error });
}

/** What does not depend on the value but on the options of the schema. */
export interface Reading {
  readonly int64: "auto" | "bigint" | "number";
  readonly maps: "map" | "object";
  readonly strings: "utf8" | "bytes";
  readonly copy: boolean;
  readonly maxDepth: number;
}

/** Are maps with this key given as objects? Bytes are no name of a property. */
export function givesObject(key: SchemaField, { maps, strings }: Reading): boolean {
  if (maps === "map" || key.kind === "binary") return false;
  return key.kind !== "string" || strings === "utf8";
}

/** The number of records of the message in `[start, end)`, which all are here. */
export function records(bytes: Uint8Array, start: number, end: number, label: string): number {
  if (end - start < 2) bad(label, `message of ${end - start} bytes, 2 at least are needed`, start);
  const count = bytes[start]! | (bytes[start + 1]! << 8);
  if (2 * count > end - start - 2) {
    bad(label, `${count} records exceed the ${end - start - 2} bytes left`, start);
  }
  return count;
}

/** Where the data ends whose u32 length is at `at`. */
export function extent(bytes: Uint8Array, at: number, end: number, label: string): number {
  const left = end - at - 4;
  if (left < 0) bad(label, `a length of 4 bytes is cut off after ${end - at}`, at);
  const length = i32le(bytes, at);
  // Above 2^31 it comes out negative.
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
  bad(label, `${end - stop} bytes behind the message`, stop);
}

/** Of the kinds with an inline form only numbers and booleans have one. */
export function checkData(record: number, label: string, at: number): void {
  if (record !== 0) bad(label, `inline value ${(record >> 1) - 1} where data is needed`, at);
}

/** Booleans are always inline. */
export function checkInline(record: number, label: string, at: number): void {
  if (record === 0) bad(label, "a boolean in the data part", at);
}

/** An integer of 4 or 8 bytes. */
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

/** An integer of 8 bytes, in the form that the option asks for. */
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

/** An integer of 4 or 8 bytes, divided by a factor. */
export function fixed(
  bytes: Uint8Array,
  start: number,
  end: number,
  factor: number,
  label: string,
): number {
  const value = Number(integer(bytes, start, end, "auto", label)) / factor;
  // What the division rounds up to the edge could not be written again.
  const product = value * factor;
  if (product >= -(2 ** 63) && product < 2 ** 63) return value;
  return bad(label, "an integer at the edge of 64 bits, which a number cannot hold", start);
}

// One float at a time goes through these eight bytes: a DataView for each message costs more.
const floatBytes = new Uint8Array(8);
const floats = new Float64Array(floatBytes.buffer);
floats[0] = 1;
/** Where the sign is: at 0 or at 7, as the machine has it. */
const flip = floatBytes[7] === 0 ? 7 : 0;

function float(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) floatBytes[i ^ flip] = bytes[at + i]!;
  return floats[0]!;
}

/** A double of 8 bytes; the 4 that the reference takes are no double. */
export function double(bytes: Uint8Array, start: number, end: number, label: string): number {
  if (end - start !== 8) bad(label, `double of ${end - start} bytes, not 8`, start);
  return float(bytes, start);
}

/** Text: strict UTF-8. */
export function text(bytes: Uint8Array, start: number, end: number, label: string): string {
  try {
    return decodeUtf8(bytes, start, end);
  } catch (error) {
    const { message, offset } = error as ProtocolError;
    return bad(label, message, offset ?? start);
  }
}

/** Bytes: a view of what was received. */
export function blob(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** Bytes in memory of their own. */
export function ownBlob(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const own = new Uint8Array(end - start);
  // No slice: that of Node's Buffer is a view.
  copy(bytes, start, end, own, 0);
  return own;
}

/** `*integer`: a width byte, then elements. A lone width byte, whatever it says, is an empty list. */
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

/** The width of the elements, whose number is a whole one. 0: there are none. */
function widthOf(bytes: Uint8Array, start: number, end: number, label: string): number {
  const length = end - start - 1;
  if (length <= 0) return 0;
  const width = bytes[start]!;
  if (width !== 4 && width !== 8) bad(label, `elements of ${width} bytes, neither 4 nor 8`, start);
  if (length % width !== 0) {
    bad(label, `${length} bytes are no whole number of elements of ${width}`, start);
  }
  return width;
}

/** `*boolean`: a byte for each. */
export function booleans(bytes: Uint8Array, start: number, end: number): boolean[] {
  const values: boolean[] = [];
  for (let at = start; at < end; at++) values.push(bytes[at] !== 0);
  return values;
}

/** `*string` and `*binary`: each element with its length. */
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
 * `*T`: each struct with its length.
 *
 * @param stop - where the struct ended that was decoded last
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

/** Sets a property that may be called `__proto__`. */
export function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/** A map from structs: of `*T(key)` the struct itself is the value, of `*T()` its second field. */
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
  // Own properties only: a field that did not come is not what Object.prototype has under its name.
  if (Object.hasOwn(struct, field.name)) return (struct as Record<string, unknown>)[field.name];
  return bad(label, `an element without the field ${field.name}`, at);
}
