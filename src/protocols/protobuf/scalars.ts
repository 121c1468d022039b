import {
  decodeUtf8,
  f32le,
  f64le,
  i32le,
  i64le,
  ProtocolError,
  u32le,
  u64le,
} from "../../core/index.ts";
import { I32, I64, LEN, VARINT, type WireReader } from "./wire.ts";

/**
 * Result types of the scalar types of a `.proto` file. 64-bit integers are bigints, bytes are
 * views.
 */
export interface PeekScalars {
  int32: number;
  uint32: number;
  sint32: number;
  enum: number;
  int64: bigint;
  uint64: bigint;
  sint64: bigint;
  bool: boolean;
  fixed32: number;
  sfixed32: number;
  fixed64: bigint;
  sfixed64: bigint;
  float: number;
  double: number;
  string: string;
  bytes: Uint8Array;
}

interface Scalar<T> {
  /** Its wire type. */
  readonly wire: number;
  /** Returns the value in `bytes[from .. to)`; a VARINT is already in the reader. */
  read(reader: WireReader, from: number, to: number): T;
}

/** Readers of the scalar types. @internal */
export const SCALARS: { readonly [K in keyof PeekScalars]: Scalar<PeekScalars[K]> } = {
  int32: { wire: VARINT, read: (reader) => reader.low | 0 },
  uint32: { wire: VARINT, read: (reader) => reader.low },
  // ZigZag: the lowest bit is the sign.
  sint32: { wire: VARINT, read: ({ low }) => (low >>> 1) ^ -(low & 1) },
  enum: { wire: VARINT, read: (reader) => reader.low | 0 },
  int64: { wire: VARINT, read: (reader) => BigInt.asIntN(64, reader.bigint()) },
  uint64: { wire: VARINT, read: (reader) => reader.bigint() },
  sint64: {
    wire: VARINT,
    read(reader) {
      const value = reader.bigint();
      return (value >> 1n) ^ -(value & 1n);
    },
  },
  bool: { wire: VARINT, read: (reader) => reader.low !== 0 || reader.high !== 0 },
  fixed32: { wire: I32, read: ({ bytes }, from) => u32le(bytes, from) },
  sfixed32: { wire: I32, read: ({ bytes }, from) => i32le(bytes, from) },
  fixed64: { wire: I64, read: ({ bytes }, from) => u64le(bytes, from) },
  sfixed64: { wire: I64, read: ({ bytes }, from) => i64le(bytes, from) },
  float: { wire: I32, read: ({ bytes }, from) => f32le(bytes, from) },
  double: { wire: I64, read: ({ bytes }, from) => f64le(bytes, from) },
  string: { wire: LEN, read: ({ bytes }, from, to) => decodeUtf8(bytes, from, to) },
  bytes: { wire: LEN, read: ({ bytes }, from, to) => bytes.subarray(from, to) },
};

/**
 * Adds the elements of a packed field to `list`: consecutive values without tags.
 *
 * @param reader - a reader of exactly these elements
 * @throws ProtocolError `malformed` if the last one is truncated
 * @internal
 */
export function readPacked(list: unknown[], type: keyof PeekScalars, reader: WireReader): void {
  const { wire, read } = SCALARS[type];
  const { at: from, end } = reader;
  if (wire === VARINT) {
    while (reader.at < end) {
      reader.varint();
      list.push(read(reader, 0, 0));
    }
    return;
  }
  const width = wire === I32 ? 4 : 8;
  const extra = (end - from) % width;
  if (extra > 0) {
    const text = `packed ${type} of ${end - from} bytes is not a multiple of ${width}`;
    throw new ProtocolError("malformed", text, end - extra);
  }
  for (let at = from; at < end; at += width) list.push(read(reader, at, at + width));
}
