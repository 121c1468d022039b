import { u32le, u64le } from "../../core/index.ts";
import { type PeekScalars, readPacked, SCALARS } from "./scalars.ts";
import { I32, I64, LEN, VARINT, WireReader } from "./wire.ts";

/** The type of a field: a scalar of `.proto` files, or the fields wanted of a message in it. */
export type PeekType = keyof PeekScalars | PeekShape;

/**
 * One field that is wanted: its number; number and type; or number, type and `'repeated'`.
 */
export type PeekField =
  | number
  | readonly [field: number, type: PeekType]
  | readonly [field: number, type: PeekType, repeated: "repeated"];

/** The fields that are wanted, by the names that they get. */
export interface PeekShape {
  readonly [name: string]: PeekField;
}

/** The value of a field of which only the number is known. */
export type PeekRaw = Uint8Array | number | bigint;

/** The value of a field, by the type that the shape gives it. */
export type PeekedValue<T> = T extends keyof PeekScalars
  ? PeekScalars[T]
  : T extends PeekShape
    ? Peeked<T>
    : never;

/** What {@link peek} finds: absent fields are undefined, absent repeated ones empty. */
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
 * Chosen fields of a protobuf message, without decoding the rest: enough to route before a message is decoded.
 * The whole message is walked over, so that one that is cut or broken is found out, but nothing is allocated
 * for what is not wanted.
 *
 * A wanted field is given by its number, or by number and type, as a `.proto` file does:
 *
 * | wanted | found |
 * |---|---|
 * | `1` | as the wire has it: LEN and groups a view; VARINT unsigned, a number while that is exact, else a bigint; I32 a number, I64 a bigint, both unsigned |
 * | `[1, "string"]` | by type; 64-bit integers are bigints, `bytes` is a view |
 * | `[1, { seq: [2, "uint32"] }]` | the fields wanted of a message in it; one that comes twice is merged |
 * | `[1, "uint32", "repeated"]` | an array, packed or not, empty where there is none |
 *
 * As in every protobuf decoder, the last one of several wins, a field on the wire with another wire type than
 * its type has is no such field, 32-bit integers are taken modulo 2^32, and overlong varints are read. Text
 * must be UTF-8. Absent fields are undefined: protobuf does not write fields that have their default.
 *
 * @param bytes - holds the message; views in the result share its memory
 * @param shape - the fields that are wanted
 * @param start - where the message begins
 * @param end - where it ends
 * @defaultValue start 0, end `bytes.length`
 * @throws ProtocolError `malformed` with the index of the byte to blame, as `WireReader.next` does, and for text
 *   that is not UTF-8; RangeError when `[start, end)` is no range of the bytes
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
    // A loop over few names costs less than a table that would be made for every call.
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

/** The current value as one of `type`; undefined if its wire type is another one, or if it went to the `list`. */
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
  // Packed; text and bytes, which are LEN themselves, never are.
  if (list !== undefined && reader.type === LEN)
    readPacked(list, type, new WireReader(bytes, from, to));
  return undefined;
}
