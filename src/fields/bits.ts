import { bitsText } from "./bits-text.ts";
import { describedStruct } from "./described-struct.ts";
import { type Field, makeField, type NumberField } from "./field.ts";
import { outsideOfStruct, shown, unencodable } from "./field-error.ts";

/**
 * An unsigned number of `count` bits, a part of one to four bytes. Adjacent ones in a struct share bytes, and
 * the first one takes the highest bits (see the option `bits` of `struct`). Together they must fill whole
 * bytes.
 *
 * @param count - 1 to 32
 * @throws RangeError for another count
 *
 * @example
 * ```ts
 * import { encodeFrame, perMessage } from "framewright";
 * import { bits, struct, u8 } from "framewright/fields";
 *
 * const header = struct({ version: bits(4), length: bits(4), ttl: u8 });
 * console.log(encodeFrame(perMessage().wrap(header), { version: 4, length: 5, ttl: 64 }).join(" "));
 * //=> 69 64
 * ```
 */
export function bits(count: number): NumberField {
  if (!Number.isInteger(count) || count < 1 || count > 32) {
    throw new RangeError(`bits takes 1 to 32 bits, not ${String(count)}`);
  }
  const limit = 2 ** count;
  return makeField<number, number, object>(
    {
      node: { kind: "bits", bits: count },
      fixed: 0,
      least: 0,
      bits: count,
      read: outsideOfStruct,
      write: outsideOfStruct,
    },
    {
      numeric: true,
      layOut: describedStruct,
      fromBits: (n: number) => n,
      toBits(value: number) {
        if (value >>> 0 === value && value < limit) return value;
        throw unencodable(`${bitsText(count)} cannot hold ${shown(value)}`);
      },
    },
  ) as NumberField;
}

/** One bit as a boolean; a member of a struct like {@link bits}. */
export const flag: Field<boolean> = /* @__PURE__ */ makeFlag();

function makeFlag(): Field<boolean> {
  const base = bits(1);
  return makeField<boolean, boolean, object>(
    {
      node: { kind: "flag", base },
      fixed: 0,
      least: 0,
      bits: 1,
      read: outsideOfStruct,
      write: outsideOfStruct,
    },
    {
      layOut: describedStruct,
      fromBits: (n: number) => n === 1,
      toBits(value: unknown) {
        if (typeof value === "boolean") return value ? 1 : 0;
        throw unencodable(`flag cannot hold ${shown(value)}`);
      },
    },
  );
}
