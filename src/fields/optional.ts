import { isBytes } from "../core/index.ts";
import { converted } from "./converted.ts";
import { type Field, type MayLack, makeField, standing } from "./field.ts";
import { unencodable } from "./field-error.ts";

/**
 * A field that may be missing. It is present if a `present` field of its struct is set; without one, if bytes
 * are left in the window, so only optional fields and fixed ones can follow it.
 *
 * A sent value may omit the key. A received value always has it; undefined stands for a missing field.
 */
export function optional<In, Out>(
  inner: Field<In, Out>,
): Field<In | undefined, Out | undefined> & MayLack {
  standing(inner, "optional");
  return makeField<In | undefined, Out | undefined, MayLack>(
    {
      node: { kind: "optional", inner },
      least: 0,
      open: true,
      read(bytes, at, end, cursor) {
        if (at !== end) return inner.read(bytes, at, end, cursor);
        cursor.at = at;
        return undefined;
      },
      write(value, out) {
        if (value === undefined) return;
        const start = out.length;
        inner.write(value, out);
        if (out.length > start) return;
        throw unencodable("a value of no bytes could not be told from a missing one");
      },
    },
    { mayLack: true },
  );
}

/**
 * A field that may be omitted when sending: `value` is written then. A received value always has it.
 *
 * @param value - the default; bytes are copied
 */
export function withDefault<In, Out>(
  inner: Field<In, Out>,
  value: NoInfer<In>,
): Field<In | undefined, Out> & MayLack {
  const kept = isBytes(value) ? (value.slice() as typeof value) : value;
  return converted<In | undefined, Out, MayLack>(
    inner,
    { kind: "default", inner, value: kept },
    (raw: Out) => raw,
    (given) => (given === undefined ? kept : given),
    { mayLack: true },
  );
}
