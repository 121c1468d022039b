/*
 * What a schema says, after parsing a text or loading a bundle: the one model that the bundle writer, both
 * engines and the generator of code read.
 */

/** What a field holds, one value of it: the wire knows five kinds, `binary` is a string without UTF-8. */
export type FieldKind = "integer" | "boolean" | "string" | "binary" | "double" | "struct";

/** A field of a type. */
export interface SchemaField {
  readonly name: string;
  /** 0 .. 32766 */
  readonly tag: number;
  readonly kind: FieldKind;
  /** The type of a struct; undefined for all other kinds. */
  readonly type: SchemaType | undefined;
  /** `integer(n)`: the wire carries the value times 10^n. Undefined for a plain integer. */
  readonly decimals: number | undefined;
  /** `*X`: a list of values, or a map. */
  readonly array: boolean;
  /** `*T(key)` and `*T()`: the field of T that is the key of the map. */
  readonly key: SchemaField | undefined;
  /** `*T()`: the field of T that is the value; T has these two fields only. */
  readonly value: SchemaField | undefined;
}

/** A type, its fields in ascending order of their tags. */
export interface SchemaType {
  /** Full name: `Outer.Inner`. */
  readonly name: string;
  /** Position among all types, as bundles number them. */
  readonly index: number;
  readonly fields: readonly SchemaField[];
}

/** A remote call, or a push. */
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

/** The largest tag, and the largest index of a type: what fits an inline value of 16 bits. */
export const MAX_TAG = 32766;

/** The largest n of `integer(n)`: 10^10 overflows the C int of the reference. */
export const MAX_DECIMALS = 9;

/** For building: the model is made in two steps, because types refer to each other. */
export type Building<T> = { -readonly [K in keyof T]: T[K] };
