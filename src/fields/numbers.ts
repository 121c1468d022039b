import * as core from "../core/index.ts";
import { type Cursor, makeField, type NumberField } from "./field.ts";
import { malformed, shown, tooShort, unencodable } from "./field-error.ts";
import type { FieldNode } from "./node.ts";

type Reader<T> = (bytes: Uint8Array, at: number) => T;
type Writer<T> = (value: T, out: core.Output) => void;

function number<In, Out>(
  node: FieldNode & { readonly type: string; readonly width: number },
  get: Reader<Out>,
  write: Writer<In>,
): NumberField<In, Out> {
  const { width, type } = node;
  return makeField<In, Out, { readonly numeric: true; readonly get: Reader<Out> }>(
    {
      node,
      fixed: width,
      least: width,
      read(bytes, at, end, cursor) {
        if (end - at < width) throw tooShort(type, width, at, end);
        cursor.at = at + width;
        return get(bytes, at);
      },
      write,
    },
    { numeric: true, get },
  );
}

const integer = <In, Out>(
  type: string,
  get: Reader<Out>,
  write: Writer<In>,
): NumberField<In, Out> => {
  const width = Number.parseInt(type.slice(1), 10) / 8;
  const endian = type.endsWith("le") ? "le" : "be";
  const signed = type[0] === "i";
  return number({ kind: "int", type, width, signed, endian, big: width === 8 }, get, write);
};

const float = (type: string, get: Reader<number>, write: Writer<number>): NumberField =>
  number({ kind: "float", type, width: Number.parseInt(type.slice(1), 10) / 8 }, get, write);

/** A 64-bit integer: received as a bigint; safe integers may be sent as numbers. */
export type BigField = NumberField<bigint | number, bigint>;

/** Unsigned byte. */
export const u8: NumberField = /* @__PURE__ */ integer(
  "u8",
  core.u8,
  (value: number, out) => void out.u8(value),
);

/** Signed byte. */
export const i8: NumberField = /* @__PURE__ */ integer(
  "i8",
  core.i8,
  (value: number, out) => void out.i8(value),
);

/** Unsigned 16-bit big-endian integer. */
export const u16be: NumberField = /* @__PURE__ */ integer(
  "u16be",
  core.u16be,
  (value: number, out) => void out.u16be(value),
);

/** Unsigned 16-bit little-endian integer. */
export const u16le: NumberField = /* @__PURE__ */ integer(
  "u16le",
  core.u16le,
  (value: number, out) => void out.u16le(value),
);

/** Signed 16-bit big-endian integer. */
export const i16be: NumberField = /* @__PURE__ */ integer(
  "i16be",
  core.i16be,
  (value: number, out) => void out.i16be(value),
);

/** Signed 16-bit little-endian integer. */
export const i16le: NumberField = /* @__PURE__ */ integer(
  "i16le",
  core.i16le,
  (value: number, out) => void out.i16le(value),
);

/** Unsigned 24-bit big-endian integer. */
export const u24be: NumberField = /* @__PURE__ */ integer(
  "u24be",
  core.u24be,
  (value: number, out) => void out.u24be(value),
);

/** Unsigned 24-bit little-endian integer. */
export const u24le: NumberField = /* @__PURE__ */ integer(
  "u24le",
  core.u24le,
  (value: number, out) => void out.u24le(value),
);

/** Signed 24-bit big-endian integer. */
export const i24be: NumberField = /* @__PURE__ */ integer(
  "i24be",
  core.i24be,
  (value: number, out) => void out.i24be(value),
);

/** Signed 24-bit little-endian integer. */
export const i24le: NumberField = /* @__PURE__ */ integer(
  "i24le",
  core.i24le,
  (value: number, out) => void out.i24le(value),
);

/** Unsigned 32-bit big-endian integer. */
export const u32be: NumberField = /* @__PURE__ */ integer(
  "u32be",
  core.u32be,
  (value: number, out) => void out.u32be(value),
);

/** Unsigned 32-bit little-endian integer. */
export const u32le: NumberField = /* @__PURE__ */ integer(
  "u32le",
  core.u32le,
  (value: number, out) => void out.u32le(value),
);

/** Signed 32-bit big-endian integer. */
export const i32be: NumberField = /* @__PURE__ */ integer(
  "i32be",
  core.i32be,
  (value: number, out) => void out.i32be(value),
);

/** Signed 32-bit little-endian integer. */
export const i32le: NumberField = /* @__PURE__ */ integer(
  "i32le",
  core.i32le,
  (value: number, out) => void out.i32le(value),
);

/** Unsigned 48-bit big-endian integer. */
export const u48be: NumberField = /* @__PURE__ */ integer(
  "u48be",
  core.u48be,
  (value: number, out) => void out.u48be(value),
);

/** Unsigned 48-bit little-endian integer. */
export const u48le: NumberField = /* @__PURE__ */ integer(
  "u48le",
  core.u48le,
  (value: number, out) => void out.u48le(value),
);

/** Signed 48-bit big-endian integer. */
export const i48be: NumberField = /* @__PURE__ */ integer(
  "i48be",
  core.i48be,
  (value: number, out) => void out.i48be(value),
);

/** Signed 48-bit little-endian integer. */
export const i48le: NumberField = /* @__PURE__ */ integer(
  "i48le",
  core.i48le,
  (value: number, out) => void out.i48le(value),
);

/** Unsigned 64-bit big-endian integer, a bigint. */
export const u64be: BigField = /* @__PURE__ */ integer(
  "u64be",
  core.u64be,
  (value: bigint | number, out) => void out.u64be(value),
);

/** Unsigned 64-bit little-endian integer, a bigint. */
export const u64le: BigField = /* @__PURE__ */ integer(
  "u64le",
  core.u64le,
  (value: bigint | number, out) => void out.u64le(value),
);

/** Signed 64-bit big-endian integer, a bigint. */
export const i64be: BigField = /* @__PURE__ */ integer(
  "i64be",
  core.i64be,
  (value: bigint | number, out) => void out.i64be(value),
);

/** Signed 64-bit little-endian integer, a bigint. */
export const i64le: BigField = /* @__PURE__ */ integer(
  "i64le",
  core.i64le,
  (value: bigint | number, out) => void out.i64le(value),
);

/** 32-bit big-endian float. */
export const f32be: NumberField = /* @__PURE__ */ float(
  "f32be",
  core.f32be,
  (value: number, out) => void out.f32be(value),
);

/** 32-bit little-endian float. */
export const f32le: NumberField = /* @__PURE__ */ float(
  "f32le",
  core.f32le,
  (value: number, out) => void out.f32le(value),
);

/** 64-bit big-endian float. */
export const f64be: NumberField = /* @__PURE__ */ float(
  "f64be",
  core.f64be,
  (value: number, out) => void out.f64be(value),
);

/** 64-bit little-endian float. */
export const f64le: NumberField = /* @__PURE__ */ float(
  "f64le",
  core.f64le,
  (value: number, out) => void out.f64le(value),
);

/** Options for {@link varint}. */
export interface VarintOptions {
  /**
   * Reject numbers that are written longer than necessary (`80 00` for 0).
   * @defaultValue false
   */
  readonly minimal?: boolean | undefined;
}

/**
 * Unsigned LEB128 varint, as protobuf and MQTT write it, of at most `most` bytes.
 *
 * Numbers above 2^53 - 1 are refused in both directions.
 *
 * @param most - 1 to 8 bytes
 * @defaultValue most 5, enough for 32 bits
 * @throws RangeError for another `most`
 */
export function varint(most = 5, options: VarintOptions = {}): NumberField {
  core.checkOptions("varint", options, ["minimal"]);
  const { minimal = false } = options;
  if (!Number.isInteger(most) || most < 1 || most > 8) {
    throw new RangeError(`varint takes 1 to 8 bytes, not ${String(most)}`);
  }
  const limit = Math.min(2 ** (7 * most), Number.MAX_SAFE_INTEGER + 1);
  return makeField<number, number, { readonly numeric: true }>(
    {
      node: { kind: "varint", most, minimal },
      least: 1,
      read(bytes, at, end, cursor: Cursor) {
        let value = 0;
        for (let i = 0, scale = 1; i < most; i++, scale *= 128) {
          if (at + i >= end) throw tooShort("varint", i + 1, at, end);
          const byte = bytes[at + i]!;
          value += (byte & 0x7f) * scale;
          if (byte > 0x7f) continue;
          if (minimal && i > 0 && byte === 0) throw malformed(`varint of ${value} is too long`, at);
          if (value >= limit) throw malformed("varint exceeds 2^53 - 1", at);
          cursor.at = at + i + 1;
          return value;
        }
        throw malformed(`varint of more than ${most} bytes`, at);
      },
      write(value, out) {
        if (!(value < limit))
          throw unencodable(`varint of ${most} bytes cannot hold ${shown(value)}`);
        out.varint(value);
      },
    },
    { numeric: true },
  );
}
