import { givesObject, type Reading } from "./decoding.ts";
import type { SchemaField } from "./schema.ts";

/**
 * Returns what the reference's `default` does: every field with its empty value, and nested structs
 * without fields.
 */
export function defaultOf(fields: readonly SchemaField[], reading: Reading): object {
  return Object.fromEntries(fields.map((field) => [field.name, emptyOf(field, reading)]));
}

function emptyOf(field: SchemaField, reading: Reading): unknown {
  const { kind, array, key, decimals } = field;
  if (key !== undefined) return givesObject(key, reading) ? Object.create(null) : new Map();
  if (array) return [];
  switch (kind) {
    case "integer":
      return decimals === undefined && reading.int64 === "bigint" ? 0n : 0;
    case "double":
      return 0;
    case "boolean":
      return false;
    case "string":
      return reading.strings === "utf8" ? "" : new Uint8Array(0);
    case "binary":
      return new Uint8Array(0);
    case "struct":
      return {};
  }
}
