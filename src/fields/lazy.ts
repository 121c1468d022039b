import { type Field, makeField, standing } from "./field.ts";
import { malformed, unencodable } from "./field-error.ts";

/** A field that limits the depth of recursion. @internal */
export interface Recursive {
  /** Runs one level deeper. */
  deeper<T>(tooDeep: (text: string) => Error, work: () => T): T;
}

/**
 * A field that is described later, for descriptions that contain themselves. It must determine its own end.
 *
 * @param get - returns the field; called once, at the first use
 * @param depth - deepest nesting that is read and written
 * @defaultValue depth 64
 *
 * @example
 * ```ts
 * import { encodeFrame, perMessage } from "framewright";
 * import { array, type Field, lazy, struct, u8 } from "framewright/fields";
 *
 * interface Tree {
 *   readonly id: number;
 *   readonly children: readonly Tree[];
 * }
 * const tree: Field<Tree> = struct({ id: u8, children: array(lazy((): Field<Tree> => tree), u8) });
 * const small = { id: 1, children: [{ id: 2, children: [] }] };
 * console.log(encodeFrame(perMessage().wrap(tree), small).join(" "));
 * //=> 1 1 2 0
 * ```
 */
export function lazy<In, Out = In>(get: () => Field<In, Out>, depth = 64): Field<In, Out> {
  if (!Number.isSafeInteger(depth) || depth < 1) {
    throw new RangeError(`lazy: depth must be an integer of at least 1, not ${depth}`);
  }
  let known: Field<In, Out> | undefined;
  let level = 0;
  const resolve = (): Field<In, Out> => {
    if (known !== undefined) return known;
    const field = get();
    const { open, least } = standing(field, "lazy");
    if (open) throw new TypeError("lazy: the field needs an end of its own; use prefixed(...)");
    if (least === 0) throw new TypeError("lazy: the field may not be empty");
    known = field;
    return known;
  };
  const deeper = <T>(tooDeep: (text: string) => Error, work: () => T): T => {
    if (level >= depth) throw tooDeep(`nested more than ${depth} levels deep`);
    level++;
    try {
      return work();
    } finally {
      level--;
    }
  };
  return makeField<In, Out, Recursive>(
    {
      node: { kind: "lazy", get: resolve, depth },
      least: 1,
      read: (bytes, at, end, cursor) =>
        deeper(
          (text) => malformed(text, at),
          () => resolve().read(bytes, at, end, cursor),
        ),
      write: (value, out) => deeper(unencodable, () => resolve().write(value, out)),
    },
    { deeper },
  );
}
