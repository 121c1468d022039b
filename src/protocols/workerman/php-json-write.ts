import { fitsInteger, hasLoneSurrogate, ProtocolError, unicodeEscape } from "../../core/index.ts";

/*
 * PHP's json_encode with its default flags (ext/json/json_encoder.c), byte for byte.
 *
 * Differences from JSON.stringify: "/" and everything from U+0080 on is escaped, floats have
 * another form, -0 is kept, bigints are written as 64-bit integers, and values without a JSON form
 * are refused instead of becoming null.
 */

const MOST_DEPTH = 512;

// Most strings need no escape: one test for a whole string. (0x7f is not escaped.)
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the point
const SPECIAL = /["\\/\u0000-\u001f\u0080-\uffff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the point
const EACH_SPECIAL = /["\\/\u0000-\u001f\u0080-\uffff]/g;

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "/": "\\/",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** Returns the JSON text of `value`, pure ASCII. Throws a ProtocolError (`unencodable`). */
export function writePhpJson(value: unknown): string {
  const text = write(value, "", 0);
  if (text === undefined) throw refused(`${typeof value} has no JSON form`);
  return text;
}

/** Returns undefined for values that an object leaves out: undefined, functions, symbols. */
function write(given: unknown, key: string, depth: number): string | undefined {
  const value = hasToJson(given) ? given.toJSON(key) : given;
  switch (typeof value) {
    case "string":
      return writeString(value);
    case "number":
      return writeNumber(value);
    case "bigint":
      if (!fitsInteger(value, 64)) throw refused(`${value} does not fit 64 bits`);
      return String(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (depth === MOST_DEPTH) throw refused(`more than ${MOST_DEPTH} nested arrays, or a cycle`);
      return Array.isArray(value) ? writeList(value, depth + 1) : writeObject(value, depth + 1);
    default:
      return undefined;
  }
}

function hasToJson(value: unknown): value is { toJSON(key: string): unknown } {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { toJSON?: unknown }).toJSON === "function"
  );
}

function writeList(list: readonly unknown[], depth: number): string {
  let text = "[";
  for (let i = 0; i < list.length; i++) {
    const item = write(list[i], String(i), depth);
    if (item === undefined) throw refused(`${typeof list[i]} at index ${i} has no JSON form`);
    text += i === 0 ? item : `,${item}`;
  }
  return `${text}]`;
}

function writeObject(object: object, depth: number): string {
  // A Map, a Set or a byte array would be written as an empty or strange object.
  const kind = Object.prototype.toString.call(object);
  if (kind !== "[object Object]") throw refused(`${kind.slice(8, -1)} has no JSON form`);
  let text = "{";
  for (const [key, value] of Object.entries(object)) {
    const item = write(value, key, depth);
    if (item !== undefined) text += `${text === "{" ? "" : ","}${writeString(key)}:${item}`;
  }
  return `${text}}`;
}

function writeString(text: string): string {
  if (!SPECIAL.test(text)) return `"${text}"`;
  if (hasLoneSurrogate(text)) throw refused("a lone surrogate has no UTF-8 form");
  return `"${text.replace(EACH_SPECIAL, escaped)}"`;
}

function escaped(unit: string): string {
  return SHORT[unit] ?? unicodeEscape(unit);
}

function writeNumber(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "-0" : String(value);
  if (!Number.isFinite(value)) throw refused(`${value} has no JSON form`);
  return writePhpFloat(value);
}

/**
 * Writes a finite float. PHP uses the shortest digits that read back, like JavaScript, but another
 * form: plain from 1e-4 to below 1e17, otherwise with a decimal point and an exponent without
 * leading zeros.
 */
export function writePhpFloat(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa, power] = Math.abs(value).toExponential().split("e") as [string, string];
  const digits = mantissa.replace(".", "");
  const exponent = Number(power);
  const sign = value < 0 ? "-" : "";
  return (
    sign +
    (exponent < -4 || exponent >= 17 ? scientific(digits, exponent) : plain(digits, exponent))
  );
}

function scientific(digits: string, exponent: number): string {
  const sign = exponent < 0 ? "-" : "+";
  return `${digits[0]}.${digits.slice(1) || "0"}e${sign}${Math.abs(exponent)}`;
}

function plain(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = exponent + 1;
  if (digits.length <= whole) return digits.padEnd(whole, "0");
  return `${digits.slice(0, whole)}.${digits.slice(whole)}`;
}

function refused(text: string): ProtocolError {
  return new ProtocolError("unencodable", text);
}
