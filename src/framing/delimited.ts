import { checkOptions, isBytes } from "../core/index.ts";
import { endedBy } from "./ended-by.ts";
import { findBytes, isAt } from "./find-bytes.ts";
import type { FramingOptions, WrappingFraming } from "./framing.ts";
import { toBytes } from "./to-bytes.ts";

/**
 * Frames that end in a delimiter.
 *
 * ```text
 * delimited("\0")              68 65 6c 6c 6f 00
 * delimited(["\n", "\r\n"])    68 65 6c 6c 6f 0a   written and read
 *                              68 65 6c 6c 6f 0d 0a   read
 * ```
 *
 * A frame ends where the first delimiter ends; if two end in the same place, the longer one is removed. A
 * payload that would be read back differently (it contains a delimiter, or its end forms one with the
 * delimiter after it: "a" before "aa", CR before LF) is `unencodable`; if it was received with another
 * delimiter than the first, it is `malformed`. `maxFrame` bytes without a delimiter are `too-long`. A search
 * continues where the last one stopped, so work is linear for any chunks.
 *
 * `delimiterAt` of `framewright/framing` returns which delimiter ended a frame.
 *
 * @param delimiters - text (as UTF-8) or bytes, of any length; if there are several, the first one is written
 * @param options - `maxFrame`: largest frame, including the delimiter
 * @defaultValue maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { decodeAll, delimited, utf8 } from "framewright";
 *
 * const sentences = delimited([". ", "! "]).wrap(utf8());
 * const bytes = Uint8Array.from("Hello! It works. ", (c) => c.charCodeAt(0));
 * console.log(decodeAll(sentences, bytes).join("|"));
 * //=> Hello|It works
 * ```
 *
 * @throws RangeError for no delimiter, an empty one, or one that begins another (the longer one would
 *   never be found)
 */
export function delimited(
  delimiters: string | Uint8Array | readonly (string | Uint8Array)[],
  options: FramingOptions = {},
): WrappingFraming {
  checkOptions("delimited", options, ["maxFrame"]);
  const given = typeof delimiters === "string" || isBytes(delimiters) ? [delimiters] : delimiters;
  const all = given.map(toBytes);
  check(all);
  return endedBy({
    name: "delimited",
    maxFrame: options.maxFrame,
    text: given.every((delimiter) => typeof delimiter === "string"),
    delimiters: all,
    find: findBytes(all),
  });
}

function check(delimiters: readonly Uint8Array[]): void {
  if (delimiters.length === 0) throw new RangeError("delimited: no delimiter given");
  for (const [i, delimiter] of delimiters.entries()) {
    if (delimiter.length === 0) throw new RangeError(`delimited: delimiter ${i} is empty`);
    for (const [j, other] of delimiters.entries()) {
      if (i !== j && isAt(other, 0, delimiter)) {
        throw new RangeError(`delimited: delimiter ${i} begins delimiter ${j}`);
      }
    }
  }
}
