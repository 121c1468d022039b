import { type Erased, type Field, makeField } from "./field.ts";
import type { NodeOf } from "./node.ts";
import { makeStruct, visibleNames } from "./struct.ts";
import type { Fields, Known, StructIn, StructOut } from "./struct-types.ts";

/**
 * A struct with one visible member, whose value becomes the value of the struct: for headers that hold only
 * lengths, constants and checksums.
 *
 * @throws TypeError unless exactly one member is visible, and for the same reasons as `struct`
 *
 * @example
 * ```ts
 * import { encodeFrame, perMessage } from "framewright";
 * import { envelope, magic, rest, size, u16be, utf8 } from "framewright/fields";
 *
 * const text = envelope({ mark: magic("T"), length: size(u16be, rest), text: utf8() });
 * console.log(encodeFrame(perMessage().wrap(text), "hi").join(" "));
 * //=> 84 0 2 104 105
 * ```
 */
export function envelope<const S extends Fields>(
  fields: S & Known<S>,
): Field<StructIn<S>[keyof StructIn<S>], StructOut<S>[keyof StructOut<S>]> {
  const inner = makeStruct<S>(fields) as unknown as Erased;
  const { fixed, least, open, node } = inner;
  const names = Array.from(visibleNames(node as NodeOf<"struct">));
  const name = names[0];
  if (name === undefined || names.length > 1) {
    throw new TypeError(
      `envelope needs one visible field, not ${names.length} (${names.join(", ")})`,
    );
  }
  return makeField<never, never>({
    node: { kind: "envelope", inner, name },
    fixed,
    least,
    open,
    read: (bytes, at, end, cursor) =>
      (inner.read(bytes, at, end, cursor) as Readonly<Record<string, never>>)[name]!,
    write: (value, out) => inner.write({ [name]: value }, out),
  }) as never;
}
