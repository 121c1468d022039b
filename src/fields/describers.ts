import { checkOptions } from "../core/index.ts";
import { bits } from "./bits.ts";
import { describedStruct } from "./described-struct.ts";
import {
  type AnyNumber,
  erased,
  type Field,
  type Hidden,
  type MayLack,
  makeField,
  type Names,
} from "./field.ts";
import { lengthField } from "./length.ts";
import type { FieldNode, Sum } from "./node.ts";

/** For `size` and `checksum`: the whole struct, from its first byte on. */
export const whole = "*";

/** For `size` and `checksum`: everything after this field in the struct. */
export const rest = ">";

/**
 * A field that describes others: written and checked by the library. Use `shown` to see it in received
 * values.
 */
export interface Describer<out T extends string> extends Field<void, void>, Hidden, Names<T> {}

function describer<T extends string>(base: AnyNumber, node: FieldNode): Describer<T> {
  const { fixed, least, bits, read, fromBits, toBits } = erased(base);
  return makeField<never, never, object>(
    {
      node,
      fixed,
      least,
      bits,
      read: read as never,
      // Counts and presences are written like plain numbers; sizes and checksums later.
      write: erased(base).write as never,
    },
    { hidden: true, layOut: describedStruct, ...(bits > 0 && { fromBits, toBits }) },
  ) as unknown as Describer<T>;
}

/** Options for {@link size}. */
export interface SizeOptions {
  /**
   * Added to the number of bytes.
   * @defaultValue 0
   */
  readonly add?: number | undefined;
  /**
   * Bytes that the number counts as one; other multiples are refused.
   * @defaultValue 1
   */
  readonly unit?: number | undefined;
}

/**
 * The size of other fields in bytes: of the field `from`, of all from `from` to `to`, of the {@link whole}
 * struct or of the {@link rest} after this field. It is not part of the value.
 *
 * The number on the wire is `(bytes + add) / unit`. It limits the window of the fields that it counts, which
 * must use all of it.
 *
 * @param base - an integer, a varint or bits
 * @throws TypeError for another base, RangeError if `unit` is not an integer >= 1 or `add` not an integer
 *
 * @example
 * ```ts
 * import { encodeFrame, perMessage } from "framewright";
 * import { bytes, size, struct, u16be, u8 } from "framewright/fields";
 *
 * // A header extension with its length in words of 4 bytes, before a payload.
 * const packet = struct({ words: size(u8, "extension", { unit: 4 }), extension: bytes(), payload: bytes() });
 * const frame = encodeFrame(perMessage().wrap(packet), {
 *   extension: new Uint8Array(4),
 *   payload: Uint8Array.of(9),
 * });
 * console.log(frame.join(" "));
 * //=> 1 0 0 0 0 9
 * ```
 */
export function size<const T extends string>(
  base: AnyNumber,
  from: T,
  options?: SizeOptions,
): Describer<T>;
/** The size of the fields from `from` to `to`, in bytes. */
export function size<const T extends string, const U extends string>(
  base: AnyNumber,
  from: T,
  to: U,
  options?: SizeOptions,
): Describer<T | U>;
export function size(
  base: AnyNumber,
  from: string,
  to?: string | SizeOptions,
  more?: SizeOptions,
): Describer<string> {
  const options = (typeof to === "object" ? to : more) ?? {};
  checkOptions("size", options, ["add", "unit"]);
  const { add = 0, unit = 1 } = options;
  if (!Number.isSafeInteger(add)) throw new RangeError(`size: add must be an integer, not ${add}`);
  if (!Number.isSafeInteger(unit) || unit < 1) {
    throw new RangeError(`size: unit must be an integer of at least 1, not ${unit}`);
  }
  lengthField(base, "size", true);
  const last = typeof to === "string" ? to : from;
  return describer<string>(base, { kind: "size", base, from, to: last, add, unit });
}

/**
 * The number of items of the list `target`, an `array(item)` without a length. It is not part of the value.
 *
 * @throws TypeError if the base is not an integer, a varint or bits
 */
export function count<const T extends string>(base: AnyNumber, target: T): Describer<T> {
  lengthField(base, "count", true);
  return describer<T>(base, { kind: "count", base, target });
}

/**
 * Marks whether the `optional` field `target` is present: 1 or 0. When it is read, any number except 0 means
 * that it is. It is not part of the value.
 *
 * @param base - an integer, a varint or bits
 * @defaultValue base one bit
 * @throws TypeError for another base
 */
export function present<const T extends string>(
  target: T,
  base: AnyNumber = bits(1),
): Describer<T> {
  lengthField(base, "present", true);
  return describer<T>(base, { kind: "present", base, target });
}

/**
 * A checksum of other fields: of those from `from` to `to`, of {@link whole} or {@link rest}, or of
 * everything before it in the struct. Its own bytes count as zeros. It is not part of the value.
 *
 * @param base - an integer
 * @param sum - the checksum of `bytes[start .. end)`; its `name` appears in error texts
 * @throws TypeError if the base is not an integer
 */
export function checksum<const T extends string = "*", const U extends string = T>(
  base: AnyNumber,
  sum: Sum & { readonly name?: string },
  from?: T,
  to?: U,
): Describer<T | U> {
  if (lengthField(base, "checksum").node.kind !== "int") {
    throw new TypeError("checksum: the base must be an integer");
  }
  if (typeof sum !== "function") throw new TypeError("checksum needs a function");
  const name = sum.name || "checksum";
  return describer<T | U>(base, { kind: "checksum", base, name, sum, from, to });
}

/**
 * Makes the number of a describer visible to receivers. The member is always present in received values; it
 * may be omitted when sending, and is ignored there.
 *
 * @throws TypeError if the field does not describe others
 *
 * @example
 * ```ts
 * import { decodeFrame, perMessage } from "framewright";
 * import { bytes, shown, size, struct, u8 } from "framewright/fields";
 *
 * const packet = perMessage().wrap(struct({ length: shown(size(u8, "body")), body: bytes() }));
 * console.log(decodeFrame(packet, Uint8Array.of(1, 7)).length);
 * //=> 1
 * ```
 */
export function shown<T extends string>(
  field: Describer<T>,
): Field<number | bigint | undefined, number> & MayLack & Names<T> {
  const { hidden, layOut, ...others } = erased(field);
  if (hidden !== true || layOut === undefined || field.node.kind === "align") {
    throw new TypeError(`shown needs size, count, present or checksum, not "${field.node.kind}"`);
  }
  return Object.freeze({ ...others, layOut, mayLack: true }) as never;
}
