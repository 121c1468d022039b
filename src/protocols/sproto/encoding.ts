import {
  encodeUtf8Into,
  fitsInteger,
  isBytes,
  isDetached,
  ProtocolError,
} from "../../core/index.ts";
import type { EncodeStruct } from "./engine.ts";
import type { SchemaField } from "./schema.ts";
import { size, type Writer } from "./writer.ts";

/*
 * Writing functions of both engines, for one value each. `label` names the field for error texts,
 * `Type.field`.
 *
 * Functions with a position `p` write there and return the position after; the caller has made
 * room, because the size is fixed. Functions without one write at `w.at`.
 */

/** Refuses a value. */
function refuse(label: string, value: unknown, what: string): never {
  throw new ProtocolError("unencodable", `${label} is ${what}, not ${shown(value)}`);
}

function shown(value: unknown): string {
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value === "bigint") return `the bigint ${value}`;
  if (value === null || value === undefined || typeof value === "boolean") return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  if (value instanceof Map) return "a Map";
  return isBytes(value) ? "a Uint8Array" : "an object";
}

/** Checks that a struct, or an element of a list of structs, is an object. */
export function checkStruct(value: unknown, label: string, i?: number): void {
  if (typeof value === "object" && value !== null) return;
  noStruct(value, i === undefined ? label : `${label}[${i}]`);
}

/** Refuses a struct that is not an object. */
export function noStruct(value: unknown, label: string): never {
  return refuse(label, value, "an object");
}

/**
 * Checks an object without any of the fields: an array, a map, a date or a promise is a mistake.
 */
export function checkEmpty(value: unknown, label: string): void {
  if (!isRecord(value)) noStruct(value, label);
}

/** True for objects used as records, of any class. */
const isRecord = (value: unknown): boolean =>
  Object.prototype.toString.call(value) === "[object Object]";

export function tooDeep(w: Writer, label: string): never {
  const text = `${label}: nesting exceeds maxDepth ${w.maxDepth}`;
  throw new ProtocolError("unencodable", text);
}

/** Reads a property; if every object inherits one of that name, only an own one. */
function property(value: object, name: string): unknown {
  if (name in Object.prototype) return own(value, name);
  return (value as Record<string, unknown>)[name];
}

/** Reads a property, unless it is inherited. */
export function own(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

/** Checks an integer of up to 64 bits; returns a number if it is a safe one. */
export function integer(value: unknown, label: string): number | bigint {
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return value;
    // A number beyond 2^53 stands for several integers: the caller would not notice which one is
    // sent.
    return refuse(label, value, "an integer (beyond 2^53 a bigint)");
  }
  if (typeof value !== "bigint") return refuse(label, value, "an integer");
  const small = Number(value);
  if (Number.isSafeInteger(small)) return small;
  if (!fitsInteger(value, 64)) return refuse(label, value, "an integer of 64 bits");
  return value;
}

/**
 * `integer(n)`: returns the integer for the wire, rounded half away from zero as C's `round` does.
 */
export function fixed(value: unknown, factor: number, label: string): number | bigint {
  if (typeof value !== "number") return refuse(label, value, "a number");
  const product = value * factor;
  const rounded = product < 0 ? -Math.round(-product) : Math.round(product);
  if (Number.isSafeInteger(rounded)) return rounded;
  if (!(rounded >= -(2 ** 63) && rounded < 2 ** 63)) {
    return refuse(label, value, `a number that fits 64 bits times ${factor}`);
  }
  return BigInt(rounded);
}

/** Writes an integer that is not inline, with its length: 8 or 12 bytes. */
export function wide(bytes: Uint8Array, p: number, value: number | bigint): number {
  bytes[p + 1] = 0;
  bytes[p + 2] = 0;
  bytes[p + 3] = 0;
  if (typeof value === "number" && (value | 0) === value) {
    bytes[p] = 4;
    return put32(bytes, p + 4, value);
  }
  bytes[p] = 8;
  return put64(bytes, p + 4, value);
}

function put32(bytes: Uint8Array, p: number, value: number): number {
  bytes[p] = value;
  bytes[p + 1] = value >> 8;
  bytes[p + 2] = value >> 16;
  bytes[p + 3] = value >> 24;
  return p + 4;
}

function put64(bytes: Uint8Array, p: number, value: number | bigint): number {
  if (typeof value === "number") {
    const high = Math.floor(value / 0x1_0000_0000);
    put32(bytes, p, (value - high * 0x1_0000_0000) | 0);
    return put32(bytes, p + 4, high);
  }
  put32(bytes, p, Number(BigInt.asIntN(32, value)));
  return put32(bytes, p + 4, Number(value >> 32n));
}

/** Returns the inline value: 1 for true, 0 for false. */
export function boolean(value: unknown, label: string): number {
  if (value === true) return 1;
  if (value === false) return 0;
  return refuse(label, value, "a boolean");
}

/** Writes a double with its length: 12 bytes. */
export function double(w: Writer, p: number, value: unknown, label: string): number {
  if (typeof value !== "number") return refuse(label, value, "a number");
  w.bytes[p] = 8;
  w.bytes[p + 1] = 0;
  w.bytes[p + 2] = 0;
  w.bytes[p + 3] = 0;
  w.view.setFloat64(p + 4, value, true);
  return p + 12;
}

// Above this length the host's encoder is faster than a loop.
const SHORT = 24;

/** Writes text with its length, and makes room for `rest` bytes after it. */
export function text(w: Writer, value: unknown, rest: number, label: string): void {
  if (typeof value !== "string") refuse(label, value, "a string");
  const { length } = value;
  w.need(4 + 3 * length + rest);
  const p = w.at;
  const { bytes } = w;
  let at = p + 4;
  if (length <= SHORT) {
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0x7f) {
        at = longText(bytes, p + 4, value, label);
        break;
      }
      bytes[at++] = unit;
    }
  } else {
    at = longText(bytes, at, value, label);
  }
  w.at = at;
  size(w, p);
}

function longText(bytes: Uint8Array, at: number, value: string, label: string): number {
  try {
    return encodeUtf8Into(value, bytes, at);
  } catch (error) {
    throw new ProtocolError("unencodable", `${label}: ${(error as Error).message}`);
  }
}

/** Writes bytes with their length, and makes room for `rest` bytes after them. */
export function blob(w: Writer, value: unknown, rest: number, label: string): void {
  if (!isBytes(value)) refuse(label, value, "a Uint8Array");
  if (isDetached(value)) throw detached(label);
  w.need(4 + value.length + rest);
  const p = w.at;
  w.bytes.set(value, p + 4);
  w.at = p + 4 + value.length;
  size(w, p);
}

function detached(label: string): ProtocolError {
  return new ProtocolError(
    "unencodable",
    `${label}: bytes were transferred away, and are empty now`,
  );
}

/** Writes text, or bytes that need not be UTF-8. */
export function textOrBlob(w: Writer, value: unknown, rest: number, label: string): void {
  if (isBytes(value)) blob(w, value, rest, label);
  else text(w, value, rest, label);
}

/** Returns the elements of a list: an array, or any iterable but a string. */
export function list(value: unknown, label: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (!isIterable(value)) return refuse(label, value, "an array or an iterable");
  return Array.from(value);
}

/** False for text, even a String object. */
function isIterable(value: unknown): value is Iterable<unknown> {
  if (typeof value !== "object" || value === null || value instanceof String) return false;
  return Symbol.iterator in value;
}

/** Begins a list at `w.at`: makes room for its length and for `room` bytes of content. */
function open(w: Writer, room: number): number {
  w.need(4 + room);
  const p = w.at;
  w.at = p + 4;
  return p;
}

/**
 * `*integer`, and `*integer(n)` with a factor: a width byte, then elements of that width. Starts
 * with four bytes; if an element does not fit, starts over with eight.
 */
export function integers(w: Writer, value: unknown, factor: number, label: string): void {
  const values = list(value, label);
  const count = values.length;
  const p = open(w, 1 + 8 * count);
  if (count > 0) {
    const { bytes } = w;
    let at = p + 5;
    bytes[p + 4] = 4;
    for (let i = 0; i < count; i++) {
      const element = elementOf(values[i], factor, label, i);
      if (typeof element !== "number" || (element | 0) !== element) {
        bytes[p + 4] = 8;
        at = p + 5;
        for (let j = 0; j < count; j++) {
          at = put64(bytes, at, elementOf(values[j], factor, label, j));
        }
        break;
      }
      at = put32(bytes, at, element);
    }
    w.at = at;
  }
  size(w, p);
}

function elementOf(value: unknown, factor: number, label: string, i: number): number | bigint {
  if (typeof value === "number" && factor === 0 && (value | 0) === value) return value;
  return factor === 0 ? integer(value, `${label}[${i}]`) : fixed(value, factor, `${label}[${i}]`);
}

/** `*double`: a width byte, always 8, then the doubles. */
export function doubles(w: Writer, value: unknown, label: string): void {
  const values = list(value, label);
  const count = values.length;
  const p = open(w, 1 + 8 * count);
  if (count > 0) {
    w.bytes[p + 4] = 8;
    let at = p + 5;
    for (let i = 0; i < count; i++, at += 8) {
      const element = values[i];
      if (typeof element !== "number") refuse(`${label}[${i}]`, element, "a number");
      w.view.setFloat64(at, element, true);
    }
    w.at = at;
  }
  size(w, p);
}

/** `*T`: structs with their lengths. */
export function structs(
  w: Writer,
  values: readonly unknown[],
  encode: EncodeStruct,
  depth: number,
  label: string,
): void {
  const p = open(w, 0);
  for (let i = 0; i < values.length; i++) {
    checkStruct(values[i], label, i);
    encode(w, values[i], depth);
  }
  size(w, p);
}

/** `*boolean`: a byte for each. */
export function booleans(w: Writer, value: unknown, label: string): void {
  const values = list(value, label);
  const p = open(w, values.length);
  for (let i = 0; i < values.length; i++) {
    const element = values[i];
    w.bytes[w.at++] =
      element === true ? 1 : element === false ? 0 : boolean(element, `${label}[${i}]`);
  }
  size(w, p);
}

/** `*string` and `*binary`: elements with their lengths, written by `write`. */
export function blobs(w: Writer, value: unknown, write: typeof text, label: string): void {
  const values = list(value, label);
  const p = open(w, 0);
  for (let i = 0; i < values.length; i++) {
    const element = values[i];
    try {
      write(w, element, 0, label);
    } catch {
      // Refused again under the element's name, which is built only now.
      write(w, element, 0, `${label}[${i}]`);
    }
  }
  size(w, p);
}

/**
 * Returns the structs of `*T(key)`: the values of a Map, the elements of any other iterable, the
 * values of an object. The key is not written, because each struct contains its own.
 */
export function keyed(value: unknown, key: string, label: string): readonly unknown[] {
  const structs = value instanceof Map ? Array.from(value.values()) : elementsOf(value, label);
  for (const [i, struct] of structs.entries()) {
    // A value that is not an object is refused when it is written.
    if (typeof struct === "object" && struct !== null && property(struct, key) === undefined) {
      const text = `${label}: element ${i} lacks the field ${key}, by which the map is keyed`;
      throw new ProtocolError("unencodable", text);
    }
  }
  return structs;
}

function elementsOf(value: unknown, label: string): readonly unknown[] {
  if (isIterable(value) && !ArrayBuffer.isView(value)) return Array.from(value);
  if (!isRecord(value)) return refuse(label, value, "a map");
  return Object.values(value as object);
}

/**
 * Returns the entries of `*T()` as structs: from a Map or another iterable of pairs, or from an
 * object.
 */
export function entries(value: unknown, key: SchemaField, to: string, label: string): unknown[] {
  return pairsOf(value, key, label).map((pair) => {
    if (!Array.isArray(pair)) return refuse(label, pair, "a map or an iterable of pairs");
    const [first, second] = pair;
    if (first === undefined || second === undefined) {
      return refuse(label, undefined, "a map whose entries have key and value");
    }
    const struct = Object.create(null) as Record<string, unknown>;
    struct[key.name] = first;
    struct[to] = second;
    return struct;
  });
}

function pairsOf(value: unknown, key: SchemaField, label: string): readonly unknown[] {
  if (isIterable(value) && !ArrayBuffer.isView(value)) return Array.from(value);
  if (!isRecord(value)) return refuse(label, value, "a map");
  return Object.entries(value as object).map(([name, to]) => [keyOf(name, key), to]);
}

/** Converts a property name to a key: those of other types are read from their digits. */
function keyOf(name: string, { kind, decimals }: SchemaField): unknown {
  if (kind === "boolean" && (name === "true" || name === "false")) return name === "true";
  if (kind === "integer" && decimals === undefined && /^-?\d+$/.test(name)) return BigInt(name);
  if ((kind === "double" || kind === "integer") && name.trim() !== "") {
    const number = Number(name);
    // Only the form that the number itself has.
    if (String(number) === name) return number;
  }
  return name;
}
