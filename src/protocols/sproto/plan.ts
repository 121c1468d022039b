import type { SchemaField, SchemaType } from "./schema.ts";

/** The form of a field for reading and writing, from its kind, its star and its parentheses. */
type Operation =
  | "integer"
  | "fixed"
  | "boolean"
  | "double"
  | "text"
  | "blob"
  | "struct"
  | "integers"
  | "fixeds"
  | "booleans"
  | "doubles"
  | "texts"
  | "blobs"
  | "structs"
  | "keyed"
  | "entries";

/** A field, prepared for an engine. */
export interface FieldPlan {
  readonly field: SchemaField;
  readonly name: string;
  readonly tag: number;
  /** `Type.field`, for error texts. */
  readonly label: string;
  readonly op: Operation;
  /** 10^n of `integer(n)`, 0 of a plain integer. */
  readonly factor: number;
  /** True if every object inherits a property of this name: then only an own one counts. */
  readonly inherited: boolean;
  /** Index of a struct's type, or -1. */
  readonly type: number;
}

/** Returns the fields of a type, in ascending order of their tags. */
export function planOf(type: SchemaType): readonly FieldPlan[] {
  return type.fields.map((field) => ({
    field,
    name: field.name,
    tag: field.tag,
    label: `${type.name}.${field.name}`,
    op: operationOf(field),
    factor: field.decimals === undefined ? 0 : 10 ** field.decimals,
    inherited: INHERITED.has(field.name),
    type: field.type?.index ?? -1,
  }));
}

// A fixed list instead of a look-up, so that generated code is the same everywhere (ECMA-262,
// 20.1.3, B.2.2).
const INHERITED: ReadonlySet<string> = new Set([
  "constructor",
  "hasOwnProperty",
  "isPrototypeOf",
  "propertyIsEnumerable",
  "toLocaleString",
  "toString",
  "valueOf",
  "__proto__",
  "__defineGetter__",
  "__defineSetter__",
  "__lookupGetter__",
  "__lookupSetter__",
]);

const SINGLE = {
  integer: "integer",
  boolean: "boolean",
  string: "text",
  binary: "blob",
  double: "double",
  struct: "struct",
} as const;

function operationOf({ kind, array, decimals, key, value }: SchemaField): Operation {
  const single = kind === "integer" && decimals !== undefined ? "fixed" : SINGLE[kind];
  if (!array) return single;
  if (value !== undefined) return "entries";
  return key === undefined ? `${single}s` : "keyed";
}

/**
 * Maximum bytes of a type's records, with the u32 length and the u16 count before them: one record
 * per field, and one more if a gap may precede it.
 */
export function roomOf(fields: readonly FieldPlan[]): number {
  return 6 + 4 * fields.length;
}

/** Returns the skip word for the tags from `next` to before `tag`. */
export function skipWord(next: number, tag: number): number {
  return (tag - next - 1) * 2 + 1;
}
