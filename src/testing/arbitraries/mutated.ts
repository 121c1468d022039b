import {
  Arbitrary,
  array,
  constant,
  constantFrom,
  nat,
  oneof,
  record,
  tuple,
  uint8Array,
} from "fast-check";
import { joined } from "../subject.ts";
import { part, placeOf } from "./part.ts";

/** A change of bytes at a fraction of their length; scaled by {@link mutate}. */
export interface Mutation {
  readonly kind: "flip" | "set" | "insert" | "delete" | "repeat" | "end";
  /** The position: a `part`, or at most 64 for one of the first bytes, which often hold a header. */
  readonly part: number;
  /** Number of bytes to delete or repeat. */
  readonly count: number;
  readonly byte: number;
  readonly bytes: Uint8Array;
}

/** One to four mutations. */
export const mutations: Arbitrary<readonly Mutation[]> = array(
  record({
    kind: constantFrom("flip", "set", "insert", "delete", "repeat", "end"),
    part: oneof(nat(4), nat(64), part),
    count: nat(8),
    byte: oneof(constantFrom(0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff, 0x0a, 0x0d, 0x30, 0x3a), nat(255)),
    bytes: uint8Array({ minLength: 1, maxLength: 8 }),
  }),
  { minLength: 1, maxLength: 4 },
);

/** The bytes after all mutations, in their own memory. */
export function mutate(bytes: Uint8Array, steps: readonly Mutation[]): Uint8Array<ArrayBuffer> {
  let all = Uint8Array.from(bytes);
  for (const { kind, part: picked, count, byte, bytes: extra } of steps) {
    // Small parts are indices of the first bytes.
    const at = picked <= 64 ? Math.min(picked, all.length) : placeOf(picked, all.length);
    if (kind === "flip" && at < all.length) all[at]! ^= 1 << (byte & 7);
    else if (kind === "set" && at < all.length) all[at] = byte;
    else if (kind === "insert") all = join(all.subarray(0, at), extra, all.subarray(at));
    else if (kind === "delete") all = join(all.subarray(0, at), all.subarray(at + 1 + count));
    else if (kind === "repeat") all = join(all.subarray(0, at + 1 + count), all.subarray(at));
    else if (kind === "end") all = join(all.subarray(0, at));
  }
  return all;
}

const join = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> => joined(parts).bytes;

/**
 * Damaged bytes: one to four mutations, each of which flips a bit, sets a byte to 0, 7f, 80 or ff, inserts,
 * deletes or repeats bytes, or cuts off the end. They represent a hostile or broken peer, if `bytes` are
 * those of a correct one.
 *
 * @param bytes - the bytes, or an arbitrary of them
 *
 * @example
 * ```ts
 * import fc from "fast-check";
 * import { encodeFrame, ProtocolError, decodeFrame, netstring, utf8 } from "framewright";
 * import { mutated } from "framewright/testing";
 *
 * const words = netstring().wrap(utf8());
 * fc.assert(
 *   fc.property(mutated(encodeFrame(words, "hello")), (bytes) => {
 *     try {
 *       decodeFrame(words, bytes);
 *     } catch (error) {
 *       return error instanceof ProtocolError;
 *     }
 *     return true;
 *   }),
 * );
 * ```
 */
export function mutated(
  bytes: Uint8Array | Arbitrary<Uint8Array>,
): Arbitrary<Uint8Array<ArrayBuffer>> {
  const good = bytes instanceof Arbitrary ? bytes : constant(bytes);
  return tuple(good, mutations).map(([all, steps]) => mutate(all, steps));
}
