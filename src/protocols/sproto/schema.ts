/*
 * A schema after parsing a text or loading a bundle: the model that the bundle writer, both engines
 * and the code generator use.
 */

/** Kind of one value of a field: the wire has five, and `binary` is a string without UTF-8. */
export type FieldKind = "integer" | "boolean" | "string" | "binary" | "double" | "struct";

/** A field of a type. */
export interface SchemaField {
  readonly name: string;
  /** 0 .. 32766 */
  readonly tag: number;
  readonly kind: FieldKind;
  /** The type of a struct; undefined for all other kinds. */
  readonly type: SchemaType | undefined;
  /** `integer(n)`: the wire holds the value times 10^n. Undefined for a plain integer. */
  readonly decimals: number | undefined;
  /** `*X`: a list of values, or a map. */
  readonly array: boolean;
  /** `*T(key)` and `*T()`: the field of T that is the key of the map. */
  readonly key: SchemaField | undefined;
  /** `*T()`: the field of T that is the value; T has only these two fields. */
  readonly value: SchemaField | undefined;
}

/** A type, with its fields in ascending order of their tags. */
export interface SchemaType {
  /** Full name: `Outer.Inner`. */
  readonly name: string;
  /** Index among all types, as in bundles. */
  readonly index: number;
  readonly fields: readonly SchemaField[];
}

/** A remote call, or a notification. */
export interface SchemaProtocol {
  readonly name: string;
  /** 0 .. 32766 */
  readonly tag: number;
  readonly request: SchemaType | undefined;
  readonly response: SchemaType | undefined;
  /** `response nil`: an empty answer is expected. */
  readonly confirm: boolean;
}

/** All types in the order of the bundle, all protocols in ascending order of their tags. */
export interface Schema {
  readonly types: readonly SchemaType[];
  readonly protocols: readonly SchemaProtocol[];
}

/** The largest tag, and the largest index of a type: the maximum of an inline value of 16 bits. */
export const MAX_TAG = 32766;

/** The largest n of `integer(n)`: 10^10 overflows the reference's C int. */
export const MAX_DECIMALS = 9;

/** Makes a type writable: the model is built in two steps, because types refer to each other. */
export type Building<T> = { -readonly [K in keyof T]: T[K] };
