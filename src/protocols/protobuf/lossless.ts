import { fitsInteger, hasLoneSurrogate, isBeyondF32, ProtocolError } from "../../core/index.ts";

/**
 * The properties of reflected protobufjs types and fields that are used; other types have none of
 * them.
 */
interface Reflected {
  readonly fieldsArray?: readonly Field[] | undefined;
}

interface Field {
  readonly name: string;
  readonly type: string;
  /** For maps: the type of the keys. */
  readonly keyType?: string | undefined;
  readonly repeated: boolean;
  readonly map: boolean;
  /** The type of messages and enums; set once the type has been used. */
  readonly resolvedType: Reflected | null;
}

/** A 64-bit integer of the package long, or a similar object. */
interface Long {
  /** Bits 32 to 63, as a signed integer. */
  readonly high: number;
  readonly unsigned?: boolean | undefined;
}

const INTEGER = /^(u|s)?(int|fixed)(32|64)$/;

/**
 * Refuses values that protobufjs would silently change when writing, in a message that passed its
 * `verify`: numbers that do not fit, inexact integers, invalid Unicode.
 *
 * @param type - type of the message; nothing is checked if it is not reflected
 * @throws ProtocolError `unencodable`, with the path of the field
 */
export function refuseLoss(type: object, message: unknown): void {
  const { fieldsArray } = type as Reflected;
  if (fieldsArray !== undefined) checkMessage(fieldsArray, message as object, "");
}

function checkMessage(fields: readonly Field[], message: object, path: string): void {
  const kind = Object.prototype.toString.call(message);
  // Nothing would be written for a Map, a Date or an array.
  if (kind !== "[object Object]") refuse(path || "message", "message", kind.slice(8, -1));
  for (const field of fields) {
    const value = fieldOf(message, field.name);
    if (value === undefined || value === null) continue;
    const name = path + field.name;
    if (field.repeated) {
      for (const element of value as readonly unknown[]) checkValue(field, element, name);
    } else if (field.map) {
      // Its entries are not properties: protobufjs would write none of them.
      if (value instanceof Map) refuse(name, "map", "a Map, only an object");
      for (const [key, element] of Object.entries(value)) {
        checkKey(field.keyType!, key, name);
        checkValue(field, element, name);
      }
    } else {
      checkValue(field, value, name);
    }
  }
}

/** Reads a field of the message, but not an inherited property. */
function fieldOf(message: object, name: string): unknown {
  if (name in Object.prototype && !Object.hasOwn(message, name)) return undefined;
  return (message as Readonly<Record<string, unknown>>)[name];
}

/** Checks a key. Keys are text; those of 64 bits may be an exact hash of eight bytes. */
function checkKey(type: string, key: string, path: string): void {
  if (type === "string") checkScalar(type, key, path);
  else if (INTEGER.test(type) && /^-?\d+$/.test(key)) checkScalar(type, BigInt(key), path);
}

function checkValue(field: Field, value: unknown, path: string): void {
  const fields = field.resolvedType?.fieldsArray;
  if (fields !== undefined) checkMessage(fields, value as object, `${path}.`);
  else checkScalar(field.type, value, path);
}

function checkScalar(type: string, value: unknown, path: string): void {
  if (type === "string") {
    if (hasLoneSurrogate(value as string)) refuse(path, type, "a lone surrogate");
    return;
  }
  if (type === "bytes" && Array.isArray(value)) {
    const wrong = value.find((byte) => (byte & 0xff) !== byte);
    if (wrong !== undefined) refuse(path, type, String(wrong));
  }
  if (type === "float" && isBeyondF32(value as number)) refuse(path, type, String(value));
  const kind = INTEGER.exec(type);
  if (kind === null) return;
  const isUnsigned = kind[1] === "u" || type.startsWith("fixed");
  // Anything but a number is a Long.
  if (typeof value === "object") {
    const { high, unsigned = isUnsigned } = value as Long;
    // Its highest bit may or may not be a sign.
    if (high < 0 && unsigned !== isUnsigned) refuse(path, type, String(value));
    return;
  }
  const bits = Number(kind[3]);
  if (!fitsInteger(value as number | bigint, bits, isUnsigned)) refuse(path, type, String(value));
}

/**
 * Refuses text with a lone surrogate anywhere in a message of protobuf-es, which would write U+FFFD
 * instead. (It refuses all other invalid values itself.)
 *
 * @throws ProtocolError `unencodable`, with the path of the field
 */
export function refuseBrokenText(value: unknown, path = ""): void {
  if (typeof value === "string") {
    if (hasLoneSurrogate(value)) refuse(path, "string", "a lone surrogate");
  } else if (Array.isArray(value)) {
    for (const element of value) refuseBrokenText(element, path);
  } else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
    for (const [name, element] of Object.entries(value)) {
      // The keys of a map are properties, like fields. Unknown fields are kept as bytes.
      if (hasLoneSurrogate(name)) refuse(path, "string", "a lone surrogate");
      if (name !== "$unknown") refuseBrokenText(element, path === "" ? name : `${path}.${name}`);
    }
  }
}

function refuse(path: string, type: string, found: string): never {
  throw new ProtocolError("unencodable", `${path}: ${type} cannot hold ${found}`);
}
