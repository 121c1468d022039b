import { isBytes } from "./memory.ts";

/**
 * A value as one line of JSON, with the values that JSON lacks in objects of one key: bytes as `{"$bytes":"0aff"}`, a
 * bigint as `{"$int":"123"}`, a Map as `{"$map":[[key, value]]}`, a Set as `{"$set":[...]}`, an error as
 * `{"$error":"message"}`. {@link parseValue} reads it back.
 */
export function valueText(value: unknown): string {
  return JSON.stringify(jsonOf(value, [])) ?? "null";
}

function jsonOf(value: unknown, within: readonly object[]): unknown {
  if (typeof value === "bigint") return { $int: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { $number: String(value) };
  if (typeof value !== "object" || value === null) return value;
  if (isBytes(value)) return { $bytes: hexOf(value) };
  if (within.includes(value)) return "[circular]";
  const inside = [...within, value];
  const each = (one: unknown): unknown => jsonOf(one, inside);
  if (Array.isArray(value)) return value.map(each);
  if (value instanceof Map) return { $map: Array.from(value).map((pair) => pair.map(each)) };
  if (value instanceof Set) return { $set: Array.from(value).map(each) };
  if (value instanceof Error) return { $error: value.message };
  if ("toJSON" in value && typeof value.toJSON === "function") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, each(one)]));
}

/** Reads the text that {@link valueText} wrote. @throws SyntaxError if it is not JSON */
export function parseValue(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => revived(value));
}

function revived(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value);
  if (entries.length !== 1) return value;
  const [key, inner] = entries[0]!;
  if (key === "$bytes" && typeof inner === "string") return bytesOf(inner);
  if (key === "$int" && typeof inner === "string") return BigInt(inner);
  if (key === "$number" && typeof inner === "string") return Number(inner);
  if (key === "$map" && Array.isArray(inner)) return new Map(inner as [unknown, unknown][]);
  if (key === "$set" && Array.isArray(inner)) return new Set(inner);
  return value;
}

/** Bytes in hex, two digits each. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** @throws SyntaxError for anything but pairs of hex digits, with white space between them */
function bytesOf(hex: string): Uint8Array {
  const digits = hex.replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new SyntaxError("$bytes holds pairs of hex digits");
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}
