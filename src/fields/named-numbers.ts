import { checkOptions } from "../core/index.ts";
import { converted } from "./converted.ts";
import type { AnyNumber, Field, Hidden, NumberField } from "./field.ts";
import { malformed, shown, shownName, unencodable, unexpected } from "./field-error.ts";

/**
 * A number that is always the same, such as a version or reserved bits. It is not part of the value: the
 * library writes it, and rejects any other number.
 *
 * @throws RangeError if the field cannot hold the number
 */
export function constant(base: AnyNumber, value: number | bigint): Field<void, void> & Hidden {
  const big = base.node.kind === "int" && base.node.big;
  const wire = big ? BigInt(value) : value;
  return converted<void, void, Hidden>(
    base,
    { kind: "constant", base, value: wire },
    (n: number | bigint, at: number) => {
      if (n !== wire) throw unexpected(wire, n, at);
    },
    () => wire,
    { hidden: true },
  );
}

/** Options for {@link enumOf}. */
export interface EnumOptions<Open extends boolean = boolean> {
  /**
   * Accept numbers without a name, as numbers.
   * @defaultValue false: they are refused
   */
  readonly open?: Open | undefined;
}

/** A field with names for numbers; the tag of a `union`. */
export interface EnumField<Names extends Readonly<Record<string, number>>, In, Out = In>
  extends Field<In, Out> {
  /** Number by name. */
  readonly names: Names;
}

/**
 * Names for numbers. The value is a name; an unknown number is `malformed`, or with `open` the number itself.
 *
 * @throws TypeError if two names have the same number
 *
 * @example
 * ```ts
 * import { decodeFrame, perMessage } from "framewright";
 * import { enumOf, u8 } from "framewright/fields";
 *
 * const color = enumOf(u8, { red: 1, green: 2 });
 * console.log(decodeFrame(perMessage().wrap(color), Uint8Array.of(2)));
 * //=> green
 * ```
 */
export function enumOf<
  const N extends Readonly<Record<string, number>>,
  const O extends boolean = false,
>(
  base: NumberField,
  names: N,
  options: EnumOptions<O> = {},
): EnumField<N, (keyof N & string) | (O extends true ? number : never)> {
  type Value = (keyof N & string) | (O extends true ? number : never);
  checkOptions("enumOf", options, ["open"]);
  const codes = new Map(Object.entries(names));
  const byCode = new Map(Array.from(codes).map(([name, code]) => [code, name]));
  if (byCode.size !== codes.size) throw new TypeError("enumOf: two names have the same number");
  const isOpen = options.open === true;
  return converted<Value, Value, { readonly names: N }>(
    base,
    { kind: "enum", base, names: Object.freeze({ ...names }), open: isOpen },
    (n: number, at: number) => {
      const name = byCode.get(n);
      if (name !== undefined) return name as Value;
      if (isOpen) return n as Value;
      throw malformed(`${n} is not one of ${Array.from(byCode.keys()).join(", ")}`, at);
    },
    (value) => {
      const code = codes.get(value as string);
      if (code !== undefined) return code;
      if (isOpen && typeof value === "number") {
        // Else it would be read back as the name.
        if (!byCode.has(value)) return value;
        throw unencodable(`${value} has the name ${shownName(byCode.get(value))}`);
      }
      throw unencodable(`${shownName(value)} is not one of ${Array.from(codes.keys()).join(", ")}`);
    },
    { names },
  );
}

/**
 * Booleans for the bits of a number, the lowest bit first. Received values have all of them; those missing in
 * a sent value are false. Bits without a name are refused.
 *
 * @throws TypeError if the number has fewer bits than there are names
 */
export function flags<const N extends readonly string[]>(
  base: NumberField,
  names: N,
): Field<
  { readonly [K in N[number]]?: boolean | undefined },
  { readonly [K in N[number]]: boolean }
> {
  const room = base.bits > 0 ? base.bits : 8 * base.fixed;
  if (!(names.length <= Math.min(room, 32))) {
    throw new TypeError(`flags: ${names.length} names, but at most ${Math.min(room, 32)} bits`);
  }
  if (base.node.kind === "int" && base.node.signed) {
    throw new TypeError("flags need an unsigned number");
  }
  const list = Array.from(names);
  return converted<never, never>(
    base,
    { kind: "flags", base, names: list },
    (n: number, at: number) => {
      if (n >= 2 ** list.length) throw malformed(`${n} has bits without a name`, at);
      return Object.fromEntries(list.map((name, i) => [name, ((n >>> i) & 1) === 1])) as never;
    },
    (value: Readonly<Record<string, unknown>>) => {
      if (typeof value !== "object" || value === null) {
        throw unencodable(`flags cannot hold ${shown(value)}`);
      }
      let n = 0;
      list.forEach((name, i) => {
        const on = Object.hasOwn(value, name) ? value[name] : undefined;
        if (on === true) n += 2 ** i;
        else if (on !== false && on !== undefined) {
          throw unencodable(`${JSON.stringify(name)} must be a boolean, not ${shown(on)}`);
        }
      });
      return n;
    },
  ) as never;
}
