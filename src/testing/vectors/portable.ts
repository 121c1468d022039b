import { plain } from "../../core/index.ts";

/*
 * Values as JSON, for programs in other languages. A value that JSON lacks is an object with one member:
 *
 *   bytes                 { "$hex": "00ff" }
 *   bigint                { "$int": "18446744073709551615" }
 *   NaN, Infinity, -0     { "$num": "nan" } { "$num": "inf" } { "$num": "-inf" } { "$num": "-0" }
 *   undefined             { "$none": true }, in arrays and alone; members that are undefined are left out
 *   Map                   { "$map": [[key, value], ...] }
 *   an object with a name that begins with $, or is __proto__    { "$fields": [[name, value], ...] }
 */

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Bytes as lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

/**
 * Reads hex digits; white space is ignored.
 *
 * @throws SyntaxError for anything else
 */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const digits = hex.replaceAll(/\s+/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) {
    throw new SyntaxError(
      `not pairs of hex digits: ${hex.length > 60 ? `${hex.slice(0, 60)}...` : hex}`,
    );
  }
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

const NUMBERS: readonly (readonly [name: string, value: number])[] = [
  ["nan", Number.NaN],
  ["inf", Number.POSITIVE_INFINITY],
  ["-inf", Number.NEGATIVE_INFINITY],
  ["-0", -0],
];

/**
 * The value as JSON.
 *
 * @throws TypeError for values without content: functions, symbols, cyclic values
 */
export function toPortable(value: unknown, above: readonly object[] = []): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (value === undefined) return { $none: true };
  if (typeof value === "bigint") return { $int: String(value) };
  if (typeof value === "number") {
    const special = NUMBERS.find(([, number]) => Object.is(number, value));
    return special === undefined ? value : { $num: special[0] };
  }
  if (typeof value !== "object") throw new TypeError(`a ${typeof value} cannot be written as JSON`);
  if (above.includes(value))
    throw new TypeError("a value that contains itself cannot be written as JSON");
  const inside = [...above, value];
  const inner = (item: unknown): Json => toPortable(item, inside);
  if (ArrayBuffer.isView(value)) {
    return { $hex: toHex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
  }
  if (Array.isArray(value)) return Array.from(value as unknown[], inner);
  if (value instanceof Map) {
    return { $map: [...value].map(([key, item]) => [inner(key), inner(item)]) };
  }
  const members = Object.entries(value).filter(([, item]) => item !== undefined);
  const pairs = members.map(([name, item]) => [name, inner(item)] as const);
  const isPlain = pairs.every(([name]) => !name.startsWith("$") && name !== "__proto__");
  return isPlain ? Object.fromEntries(pairs) : { $fields: pairs };
}

/** Reads a value that `toPortable` wrote. Bytes become a Uint8Array. */
export function fromPortable(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(fromPortable);
  const entries = Object.entries(json);
  const [name, content] = entries[0] ?? [];
  if (entries.length === 1) {
    if (name === "$hex") return plain(fromHex(String(content)));
    if (name === "$int") return BigInt(String(content));
    if (name === "$none") return undefined;
    if (name === "$num") return NUMBERS.find(([key]) => key === content)?.[1];
    if (name === "$map")
      return new Map((fromPortable(content) as [unknown, unknown][]).map((pair) => pair));
    if (name === "$fields") return objectOf(content as [string, unknown][]);
  }
  return objectOf(entries);
}

function objectOf(pairs: readonly (readonly [string, unknown])[]): object {
  const made = {};
  for (const [name, value] of pairs) {
    // Not an assignment: "__proto__" is a member like any other.
    Object.defineProperty(made, name, {
      value: fromPortable(value),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return made;
}
