import { type AnyField, erased, type Field, makeField, standing } from "./field.ts";
import { outsideOfStruct } from "./field-error.ts";
import type { FieldNode } from "./node.ts";

/**
 * A field whose values are those of `base` in another form, for bytes and for bits.
 *
 * @param from - converts a value that was read; may call users' functions
 * @param to - converts a value to be written
 * @internal
 */
export function converted<In, Out, More extends object = object>(
  base: AnyField,
  node: FieldNode,
  from: (raw: never, at: number) => Out,
  to: (value: In) => unknown,
  more?: More,
): Field<In, Out> & More {
  const inner = base?.bits > 0 ? erased(base) : standing(base, node.kind);
  const { fixed, least, bits, open, text } = inner;
  const sizes = { fixed, least, bits, open, ...(text === true && { text }) };
  const meaning = from as (raw: unknown, at: number) => Out;
  if (bits > 0) {
    return makeField<In, Out, object>(
      { node, ...sizes, read: outsideOfStruct, write: outsideOfStruct },
      {
        ...more,
        layOut: inner.layOut,
        fromBits: (n: number, at: number) => meaning(inner.fromBits!(n, at), at),
        toBits: (value: In) => inner.toBits!(to(value)),
      },
    ) as Field<In, Out> & More;
  }
  return makeField<In, Out, More>(
    {
      node,
      ...sizes,
      read(bytes, at, end, cursor) {
        const raw = inner.read(bytes, at, end, cursor);
        const stop = cursor.at;
        const value = meaning(raw, at);
        cursor.at = stop;
        return value;
      },
      write(value, out) {
        inner.write(to(value), out);
      },
    },
    more,
  );
}
