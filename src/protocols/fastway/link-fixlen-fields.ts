import { checkOptions, type Endian } from "../../core/index.ts";
import {
  type AnyNumber,
  bytes,
  type Field,
  prefixed,
  u8,
  u16be,
  u16le,
  u32be,
  u32le,
  u64be,
  u64le,
} from "../../fields/index.ts";
import type { LinkFixlenOptions } from "./link-fixlen.ts";

/**
 * Describes the frames of {@link linkFixlen}, for tools. `body` describes the body; `bytes()` by
 * default.
 *
 * @param options - `width` and `endian` of the length
 * @throws RangeError for another width or byte order
 *
 * @example
 * ```ts
 * import { encodeFrame, perMessage } from "framewright";
 * import { linkFixlenFields } from "framewright/fastway";
 * import { utf8 } from "framewright/fields";
 *
 * const frames = perMessage().wrap(linkFixlenFields({ width: 2, endian: "le" }, utf8()));
 * console.log(encodeFrame(frames, "Hi").join(" "));
 * //=> 2 0 72 105
 * ```
 */
export function linkFixlenFields(
  options: Pick<LinkFixlenOptions, "width" | "endian">,
): Field<Uint8Array>;
export function linkFixlenFields<In, Out>(
  options: Pick<LinkFixlenOptions, "width" | "endian">,
  body: Field<In, Out>,
): Field<In, Out>;
export function linkFixlenFields(
  options: Pick<LinkFixlenOptions, "width" | "endian">,
  body: Field<never, unknown> = bytes(),
): Field<never, unknown> {
  checkOptions("linkFixlenFields", options, ["width", "endian"]);
  return prefixed(lengthOf(options.width, options.endian), body);
}

function lengthOf(width: number, endian: Endian): AnyNumber {
  const isBig = endian === "be";
  if (!isBig && endian !== "le") {
    throw new RangeError(`linkFixlenFields: endian must be "be" or "le", not ${endian}`);
  }
  switch (width) {
    case 1:
      return u8;
    case 2:
      return isBig ? u16be : u16le;
    case 4:
      return isBig ? u32be : u32le;
    case 8:
      return isBig ? u64be : u64le;
    default:
      throw new RangeError(`linkFixlenFields: width must be 1, 2, 4 or 8, not ${width}`);
  }
}
