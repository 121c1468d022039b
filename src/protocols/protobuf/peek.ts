import { u32le, u64le } from "../../core/index.ts";
import { type PeekScalars, readPacked, SCALARS } from "./scalars.ts";
import { I32, I64, LEN, VARINT, WireReader } from "./wire.ts";

/** The type of a field: a scalar of `.proto` files, or the shape of a nested message. */
export type PeekType = keyof PeekScalars | PeekShape;

/** One field to find: its number; number and type; or number, type and `'repeated'`. */
export type PeekField =
  | number
  | readonly [field: number, type: PeekType]
  | readonly [field: number, type: PeekType, repeated: "repeated"];

/** The fields to find, by the names that they get in the result. */
export interface PeekShape {
  readonly [name: string]: PeekField;
}

/** The value of a field without a type in the shape. */
export type PeekRaw = Uint8Array | number | bigint;

/** The value of a field, by its type in the shape. */
export type PeekedValue<T> = T extends keyof PeekScalars
  ? PeekScalars[T]
  : T extends PeekShape
    ? Peeked<T>
    : never;

/** The result of {@link peek}: absent fields are undefined, absent repeated ones empty. */
export type Peeked<S extends PeekShape> = {
  -readonly [K in keyof S]: S[K] extends number
    ? PeekRaw | undefined
    : S[K] extends readonly [number, infer T, "repeated"]
      ? PeekedValue<T>[]
      : S[K] extends readonly [number, infer T]
        ? PeekedValue<T> | undefined
        : never;
};

/**
 * Reads chosen fields of a protobuf message without decoding the rest, for example to route it. The
 * whole message is scanned, so a truncated or broken one is detected, but nothing is allocated for
 * other fields.
 *
 * Name a field by its number, or by number and type, as in a `.proto` file:
 *
 * | shape | result |
 * |---|---|
 * | `1` | by wire type: LEN and groups a view; VARINT unsigned, a number if exact, else a bigint; I32 a number, I64 a bigint, both unsigned |
 * | `[1, "string"]` | by type; 64-bit integers are bigints, `bytes` is a view |
 * | `[1, { seq: [2, "uint32"] }]` | fields of a nested message; if it occurs twice, merged |
 * | `[1, "uint32", "repeated"]` | an array, packed or not, empty if absent |
 *
 * As in every protobuf decoder, the last of several values wins, a field with the wrong wire type
 * is ignored, 32-bit integers are taken modulo 2^32, and overlong varints are accepted. Text must
 * be UTF-8. Absent fields are undefined: protobuf does not write fields that have their default.
 *
 * @param bytes - the bytes that contain the message; views in the result share their memory
 * @param shape - the fields to read
 * @param start - start of the message
 * @param end - end of the message
 * @defaultValue start 0, end `bytes.length`
 * @throws ProtocolError `malformed` with the index of the invalid byte, like `WireReader.next`, and
 *   for text that is not UTF-8; RangeError if `[start, end)` is not a range of the bytes
 *
 * @example
 * ```ts
 * import { peek } from "framewright/protobuf";
 *
 * // header { msg_type: "hi", seq: 7 }, account: "bob"
 * const message = Uint8Array.of(10, 6, 10, 2, 104, 105, 16, 7, 18, 3, 98, 111, 98);
 * const { header } = peek(message, { header: [1, { type: [1, "string"], seq: [2, "uint32"] }] });
 * console.log(header?.type, header?.seq);
 * //=> hi 7
 * ```
 */
export function peek<const S extends PeekShape>(
  bytes: Uint8Array,
  shape: S,
  start = 0,
  end: number = bytes.length,
): Peeked<S> {
  const found = nothingOf(shape);
  fill(found, shape, new WireReader(bytes, start, end));
  return found as Peeked<S>;
}

type Found = Record<string, unknown>;

function nothingOf(shape: PeekShape): Found {
  const found: Found = {};
  for (const name in shape) {
    const field = shape[name]!;
    found[name] = typeof field !== "number" && field.length === 3 ? [] : undefined;
  }
  return found;
}

function fill(found: Found, shape: PeekShape, reader: WireReader): void {
  while (reader.next()) {
    // A loop over few names costs less than making a table for every call.
    for (const name in shape) {
      const field = shape[name]!;
      if (typeof field === "number") {
        if (field === reader.field) found[name] = rawValue(reader);
      } else if (field[0] === reader.field) {
        const list = field.length === 3 ? (found[name] as unknown[]) : undefined;
        const value = typedValue(reader, field[1], list, found[name]);
        if (value === undefined) continue;
        if (list === undefined) found[name] = value;
        else list.push(value);
      }
    }
  }
}

function rawValue(reader: WireReader): PeekRaw {
  const { bytes, type, from, to } = reader;
  if (type === VARINT) return reader.number();
  if (type === I32) return u32le(bytes, from);
  if (type === I64) return u64le(bytes, from);
  return bytes.subarray(from, to);
}

/**
 * Returns the current value as `type`; undefined if its wire type does not match, or if it was
 * added to `list`.
 */
function typedValue(
  reader: WireReader,
  type: PeekType,
  list: unknown[] | undefined,
  before: unknown,
): unknown {
  const { bytes, from, to } = reader;
  if (typeof type !== "string") {
    if (reader.type !== LEN) return undefined;
    const found = list === undefined && before !== undefined ? (before as Found) : nothingOf(type);
    fill(found, type, new WireReader(bytes, from, to));
    return found;
  }
  const { wire, read } = SCALARS[type];
  if (reader.type === wire) return read(reader, from, to);
  // Packed. Text and bytes, which are LEN themselves, are never packed.
  if (list !== undefined && reader.type === LEN)
    readPacked(list, type, new WireReader(bytes, from, to));
  return undefined;
}
