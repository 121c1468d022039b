import type { Framing } from "../../core/index.ts";
import { type Erased, erased, type Field, makeField } from "../field.ts";
import { aimOf, type DescribedProtocol } from "../protocol-of.ts";
import { build, type Fast, generate, generateMeasure } from "./generate.ts";

/**
 * Returns the same description or protocol, read and written by generated code that is as fast as code by
 * hand. Values, bytes and errors are the same. If the runtime forbids `new Function` (a content security
 * policy, Cloudflare Workers), it returns its argument.
 *
 * Your functions in the description (`mapped`, `checked`, `codec`) may be called twice for input that is
 * refused.
 *
 * @example
 * ```ts
 * import { encodeFrame } from "framewright";
 * import { protocolOf, struct, u8, utf8 } from "framewright/fields";
 * import { compiled } from "framewright/fields/compiled";
 *
 * const names = compiled(protocolOf(struct({ id: u8, name: utf8(u8) }), { name: "names" }));
 * console.log(encodeFrame(names, { id: 1, name: "x" }).join(" "));
 * //=> 1 1 120
 * ```
 */
export function compiled<In, Out>(protocol: DescribedProtocol<In, Out>): DescribedProtocol<In, Out>;
/** The same description, read and written by generated code. */
export function compiled<In, Out>(field: Field<In, Out>): Field<In, Out>;
export function compiled(
  what: Field<never, unknown> | DescribedProtocol<never, unknown>,
): Field<never, unknown> | DescribedProtocol<never, unknown> {
  if (!("field" in what)) return compiledField(erased(what)) as unknown as Field<never, unknown>;
  const field = compiledField(erased(what.field)) as unknown as Field<never, unknown>;
  if (field === what.field) return what;
  const { decode, encode } = field;
  return Object.freeze({ ...what, field, decode, encode, measure: compiledMeasure(what) });
}

function compiledField(field: Erased): Erased {
  if (field.bits > 0 || field.layOut !== undefined) return field;
  const generated = generate(field);
  let fast: Fast;
  try {
    fast = build(generated);
  } catch {
    return field;
  }
  return withFast(field, fast);
}

/** Fast for complete frames, unchanged for all others. */
function compiledMeasure(protocol: DescribedProtocol<never, unknown>): Framing["measure"] {
  const { field, measure } = protocol;
  if (field.fixed >= 0) return measure;
  const generated = generateMeasure(erased(field), aimOf(protocol), measure);
  return generated === undefined ? measure : build(generated);
}

/**
 * The field with fast functions; input that they refuse is passed to the closures, which report the error.
 */
function withFast(field: Erased, { read, write, decode }: Fast): Erased {
  const { node, fixed, least, open, text, hidden, mayLack } = field;
  return makeField<unknown, unknown, object>(
    {
      node,
      fixed,
      least,
      open,
      ...(text === true && { text }),
      read(bytes, at, end, cursor) {
        try {
          return read(bytes, at, end, cursor);
        } catch {
          return field.read(bytes, at, end, cursor);
        }
      },
      write(value, out) {
        const start = out.length;
        try {
          write(value, out);
        } catch {
          out.truncate(start);
          field.write(value, out);
        }
      },
    },
    { decode, ...(hidden && { hidden }), ...(mayLack && { mayLack }) },
  );
}
