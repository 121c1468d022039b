import { exactFrame, type FrameLayout, type Framing } from "../core/index.ts";
import type { AnyField } from "../fields/index.ts";
import { explainFrame } from "./explain-frame.ts";
import { addUnread, errorOf, explainWith } from "./explain-with.ts";
import type { Part } from "./part.ts";

/** What {@link explain} can explain: a description, a protocol made of one, or a framing with a `layout`. */
export type Explainable =
  | AnyField
  | { readonly field: AnyField; readonly name?: string | undefined }
  | {
      readonly layout?: FrameLayout | undefined;
      /** The description of the payload. */
      readonly payload?: AnyField | undefined;
      readonly name?: string | undefined;
      readonly measure?: Framing["measure"] | undefined;
      readonly maxFrame?: number | undefined;
    };

/**
 * Explains bytes piece by piece, also where they are wrong: then the parts before the fault are there, the rest is one
 * part `?`, and `error` is what `decode` throws. Never throws because of bytes.
 *
 * For a framing and its payload: `explain({ ...lengthPrefixed({ width: 2 }), payload: chat }, frame)`.
 *
 * @param what - a description, a protocol made by `protocolOf`, or a framing
 * @param bytes - one frame or message
 * @param start - where it begins
 * @param end - where it ends
 * @defaultValue all of `bytes`
 * @throws TypeError if `what` has neither a description nor a layout
 *
 * @example
 * ```ts
 * import { bytes, size, struct, u8 } from "framewright/fields";
 * import { explain, hexView } from "framewright/inspect";
 *
 * const packet = struct({ kind: u8, length: size(u8, "body"), body: bytes() });
 * const frame = Uint8Array.of(7, 2, 0x68, 0x69);
 * console.log(hexView(explain(packet, frame), frame));
 * //=> 0000  07     kind    u8     7
 * //=> 0001  02     length  u8     2  (bytes of body)
 * //=> 0002  68 69  body    bytes  2 bytes "hi"
 * ```
 */
export function explain(
  what: Explainable,
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Part {
  if ("node" in what) return explainWith(what, "", bytes, start, end);
  if ("field" in what) return explainWith(what.field, what.name ?? "", bytes, start, end);
  const { layout, payload, name = "", measure, maxFrame = Number.MAX_SAFE_INTEGER } = what;
  if (layout === undefined) {
    throw new TypeError("explain needs a description, or a framing with a layout");
  }
  const root = explainFrame(layout, payload, name, bytes, start, end);
  if (measure === undefined || root.error !== undefined) return root;
  try {
    exactFrame({ maxFrame, measure }, bytes, start, end);
  } catch (thrown) {
    root.error = errorOf(thrown);
    addUnread(root, bytes, end, root.error.message);
  }
  return root;
}
