import { type AnyNumber, type Field, makeField, standing } from "./field.ts";
import { leftOver } from "./field-error.ts";
import { lengthField, readLength, writeBehind } from "./length.ts";

/**
 * Any field after its length in bytes. The field must use exactly that many bytes.
 *
 * @param prefix - the length: an integer field or a varint
 * @throws TypeError if the prefix is another field
 */
export function prefixed<In, Out>(prefix: AnyNumber, inner: Field<In, Out>): Field<In, Out> {
  const length = lengthField(prefix, "prefixed");
  const { least } = standing(inner, "prefixed");
  return makeField<In, Out>({
    node: { kind: "prefixed", prefix, inner },
    least: length.least + least,
    read(bytes, at, end, cursor) {
      const stop = readLength(length, bytes, at, end, cursor);
      const value = inner.read(bytes, cursor.at, stop, cursor);
      if (cursor.at !== stop) throw leftOver(cursor.at, stop);
      return value;
    },
    write(value, out) {
      writeBehind(length, out, () => inner.write(value, out));
    },
  });
}
