import { checkOptions } from "../../core/index.ts";
import type { AnyField } from "../../fields/index.ts";
import type { Explainable } from "../explain.ts";
import { descriptionOf } from "../lua/descriptions.ts";
import { snake } from "./names.ts";
import { KsyWriter } from "./writer.ts";

/** Options for {@link ksy}. */
export interface KsyOptions {
  /** The id of the specification, and the name of the class that Kaitai's compiler generates. */
  readonly name: string;
}

/**
 * Makes a Kaitai Struct specification of one frame or message, as plain data. Written as JSON it is a valid
 * `.ksy` file, because JSON is YAML.
 *
 * Kaitai checks constants and magic numbers, and follows lengths, counts and presence. Values of `mapped`
 * are shown as they are on the wire; the conditions of `checked` are left out; checksums are read but not
 * verified; and data that only a codec can read is bytes.
 *
 * @param what - a description, a protocol made from one, or a ready protocol with a description
 * @throws TypeError without a description, or for a field that Kaitai cannot express, with its name in the
 *   message
 *
 * @example
 * ```ts
 * import { goim } from "framewright/goim";
 * import { ksy } from "framewright/inspect";
 *
 * const { meta, seq } = ksy(goim(), { name: "goim" });
 * console.log(meta, seq[0]);
 * //=> { id: 'goim', 'bit-endian': 'be' } { id: 'packet_length', type: 's4be', doc: 'bytes of the whole struct' }
 * ```
 */
export function ksy(what: Explainable, options: KsyOptions): KsySpecification {
  checkOptions("ksy", options, ["name"]);
  const name = snake(options.name);
  const field = fieldOf(what);
  if (field === undefined) {
    throw new TypeError(
      "ksy needs a description, or a protocol that has one: a layout is not enough",
    );
  }
  const writer = new KsyWriter();
  const seq = writer.members(field, name);
  return {
    meta: { id: name, "bit-endian": "be" },
    seq,
    ...(writer.types.size > 0 && { types: Object.fromEntries(writer.types) }),
    ...(writer.enums.size > 0 && { enums: Object.fromEntries(writer.enums) }),
  };
}

/** A specification, in the form that Kaitai's compiler accepts. */
export interface KsySpecification {
  readonly meta: { readonly id: string; readonly "bit-endian": "be" };
  readonly seq: readonly Readonly<Record<string, unknown>>[];
  readonly types?: Readonly<Record<string, unknown>>;
  readonly enums?: Readonly<Record<string, unknown>>;
}

function fieldOf(what: Explainable): AnyField | undefined {
  if ("node" in what) return what;
  const described = descriptionOf(what);
  return what.field ?? (described?.isFrame === true ? described.field : undefined);
}
