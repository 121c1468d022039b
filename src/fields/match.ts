import { describedStruct } from "./described-struct.ts";
import { type AnyField, type Erased, type Field, makeField, standing } from "./field.ts";
import { outsideOfStruct } from "./field-error.ts";
import type { Fields, Match } from "./struct-types.ts";

/**
 * A member of a struct whose form depends on a member before it. The struct becomes a discriminated union.
 *
 * @param tag - name of the member that selects the case
 * @param cases - a field for each value of the tag: a name of its enum, a number, `true` or `false`
 * @param otherwise - for all other values; without it they are refused
 * @throws TypeError if there are no cases
 *
 * @example
 * ```ts
 * import { decodeFrame, perMessage } from "framewright";
 * import { enumOf, match, struct, u32be, u8, utf8 } from "framewright/fields";
 *
 * const item = struct({
 *   type: enumOf(u8, { number: 1, text: 2 }),
 *   value: match("type", { number: u32be, text: utf8() }),
 * });
 * const read = decodeFrame(perMessage().wrap(item), Uint8Array.of(2, 0x68, 0x69));
 * if (read.type === "text") console.log(read.value.toUpperCase());
 * //=> HI
 * ```
 */
export function match<
  const T extends string,
  const C extends Fields,
  O extends AnyField | undefined = undefined,
>(tag: T, cases: C, otherwise?: O): Field<never, unknown> & Match<T, C, O> {
  const all: Erased[] = Object.values(cases).map((field) => standing(field, "match"));
  if (all.length === 0) throw new TypeError("match needs at least one case");
  if (otherwise !== undefined) all.push(standing(otherwise, "match"));
  const { fixed } = all[0]!;
  return makeField<never, unknown, object>(
    {
      node: { kind: "match", tag, cases: Object.freeze({ ...cases }), otherwise },
      fixed: all.every((field) => field.fixed === fixed) ? fixed : -1,
      least: Math.min(...all.map(({ least }) => least)),
      open: all.some(({ open }) => open),
      read: outsideOfStruct,
      write: outsideOfStruct,
    },
    { layOut: describedStruct },
  ) as never;
}
