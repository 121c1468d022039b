/**
 * Descriptions of formats, from which codec, framing, types, test values and an annotated view follow.
 *
 * @packageDocumentation
 */
export { array, until } from "./array.ts";
export { bits, flag } from "./bits.ts";
export { bytes, magic } from "./bytes.ts";
export { codec } from "./codec.ts";
export {
  checksum,
  count,
  type Describer,
  present,
  rest,
  type SizeOptions,
  shown,
  size,
  whole,
} from "./describers.ts";
export { envelope } from "./envelope.ts";
export type {
  AnyField,
  AnyNumber,
  Cursor,
  Field,
  Hidden,
  Length,
  MayLack,
  Names,
  NumberField,
} from "./field.ts";
/** @internal Not in the declarations, like the names it exports. */
export * from "./in-house.ts";
export { lazy } from "./lazy.ts";
export { checked, type Mapping, mapped, type ValueSchema } from "./mapped.ts";
export { match } from "./match.ts";
export { constant, type EnumField, type EnumOptions, enumOf, flags } from "./named-numbers.ts";
export type { Charset, FieldNode, Sum, UnionCase } from "./node.ts";
export {
  type BigField,
  f32be,
  f32le,
  f64be,
  f64le,
  i8,
  i16be,
  i16le,
  i24be,
  i24le,
  i32be,
  i32le,
  i48be,
  i48le,
  i64be,
  i64le,
  u8,
  u16be,
  u16le,
  u24be,
  u24le,
  u32be,
  u32le,
  u48be,
  u48le,
  u64be,
  u64le,
  type VarintOptions,
  varint,
} from "./numbers.ts";
export { optional, withDefault } from "./optional.ts";
export { align, ignored, type PadOptions, pad } from "./padding.ts";
export { prefixed } from "./prefixed.ts";
export { type DescribedProtocol, type ProtocolOfOptions, protocolOf } from "./protocol-of.ts";
export { type StructField, type StructOptions, strict, struct } from "./struct.ts";
export type {
  Fields,
  Flat,
  Known,
  Match,
  StructIn,
  StructOut,
} from "./struct-types.ts";
export { ascii, cstring, latin1, utf8 } from "./text.ts";
export { union } from "./union.ts";
