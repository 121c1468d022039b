import { type AnyField, erased, type Field, makeField, standing } from "./field.ts";
import { malformed, shownName, unencodable, within } from "./field-error.ts";
import { membersOf } from "./members.ts";
import type { EnumField } from "./named-numbers.ts";
import type { NodeOf, UnionCase } from "./node.ts";
import { readNumber } from "./step.ts";
import { makeStruct } from "./struct.ts";
import type { Fields, Flat, Known, StructIn, StructOut } from "./struct-types.ts";

/**
 * One of several structs, chosen by a tag before it. Values are `{ [tag]: name, ...fields of the case }`.
 *
 * @param tag - name of the member that holds the case's name
 * @param base - an `enumOf` with a name for each case
 * @param cases - the fields of each case
 * @throws TypeError if names and cases differ, or a case has a field with the name of the tag
 *
 * @example
 * ```ts
 * import { encodeFrame, perMessage } from "framewright";
 * import { enumOf, u16be, u8, union, utf8 } from "framewright/fields";
 *
 * const command = union("do", enumOf(u8, { move: 1, say: 2 }), {
 *   move: { x: u16be, y: u16be },
 *   say: { text: utf8(u8) },
 * });
 * console.log(encodeFrame(perMessage().wrap(command), { do: "say", text: "hi" }).join(" "));
 * //=> 2 2 104 105
 * ```
 */
export function union<
  const T extends string,
  const N extends Readonly<Record<string, number>>,
  const C extends { readonly [K in keyof N]: Fields },
>(
  tag: T,
  base: EnumField<N, never, unknown>,
  cases: C & { readonly [K in keyof C]: Known<C[K]> },
): Field<
  { [K in keyof N]: Flat<{ [P in T]: K } & StructIn<C[K]>> }[keyof N],
  { [K in keyof N]: Flat<{ [P in T]: K } & StructOut<C[K]>> }[keyof N]
> {
  const { node } = standing(base, "union");
  if (node.kind !== "enum") throw new TypeError("union needs a tag made by enumOf");
  const number = erased(node.base);
  const list = casesOf(tag, node, cases as Readonly<Record<string, Fields>>);
  const byCode = new Map(list.map((one) => [one.code, one]));
  const byName = new Map(list.map((one) => [one.name, one]));
  const names = list.map(({ name }) => name).join(", ");
  const codes = list.map(({ code }) => code).join(", ");
  const bodies = list.map(({ body }) => body);
  const fixed = bodies[0]!.fixed;
  const isFixed = number.fixed >= 0 && fixed >= 0 && bodies.every((body) => body.fixed === fixed);
  return makeField<never, never>({
    node: { kind: "union", tag, base, cases: list },
    fixed: isFixed ? number.fixed + fixed : -1,
    least: number.least + Math.min(...bodies.map(({ least }) => least)),
    open: bodies.some(({ open }) => open),
    read(bytes, at, end, cursor) {
      let one: UnionCase | undefined;
      try {
        const code = readNumber(number, bytes, at, end, cursor) as number;
        one = byCode.get(code);
        if (one === undefined) throw malformed(`${code} is not one of ${codes}`, at);
      } catch (error) {
        throw within(error, tag, "malformed", at);
      }
      return one.body.read(bytes, cursor.at, end, cursor) as never;
    },
    write(value, out) {
      const name = membersOf(value)[tag] as string;
      const one = byName.get(name);
      if (one === undefined) {
        throw within(unencodable(`${shownName(name)} is not one of ${names}`), tag, "unencodable");
      }
      number.write(one.code, out);
      one.body.write(value, out);
    },
  }) as never;
}

function casesOf(
  tag: string,
  { names }: NodeOf<"enum">,
  cases: Readonly<Record<string, Fields>>,
): readonly UnionCase[] {
  for (const name of Object.keys(cases)) {
    if (!Object.hasOwn(names, name)) throw new TypeError(`union: the tag has no name "${name}"`);
  }
  const list = Object.entries(names).map(([name, code]): UnionCase => {
    const fields = Object.hasOwn(cases, name) ? cases[name] : undefined;
    if (fields === undefined) throw new TypeError(`union: there is no case "${name}"`);
    if (Object.hasOwn(fields, tag)) {
      throw new TypeError(`union: case "${name}" has a field "${tag}", which is the tag`);
    }
    return { name, code, body: makeStruct({ [tag]: caseName(name), ...fields }) as AnyField };
  });
  if (list.length === 0) throw new TypeError("union needs at least one case");
  return list;
}

/** A member of no bytes that holds the name of its case. */
function caseName(name: string): Field<string> {
  return makeField<string, string>({
    node: { kind: "tag", value: name },
    fixed: 0,
    least: 0,
    read(_, at, __, cursor) {
      cursor.at = at;
      return name;
    },
    write() {},
  });
}
