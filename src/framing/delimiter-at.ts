import type { Framing } from "../core/index.ts";
import { isAt } from "./find-bytes.ts";

/**
 * Returns which delimiter ended a frame, for codecs that see whole frames: for example to distinguish a
 * prompt from a line, or a command with a reply from one without.
 *
 * @param framing - of `delimited` or `lines`
 * @param bytes - the frame is `bytes[start .. end)`
 * @returns the index of the delimiter, in the order given to `delimited`; for `lines` that of `[ending, other]`;
 *   -1 for a last line without one
 * @throws TypeError for a framing without delimiters
 *
 * @example
 * ```ts
 * import { decodeAll, decodeUtf8, defineProtocol, delimited } from "framewright";
 * import { delimiterAt } from "framewright/framing";
 *
 * const framing = delimited(["\r\n", "> "]);
 * const telnet = defineProtocol<never, { text: string; isPrompt: boolean }>({
 *   ...framing,
 *   name: "telnet",
 *   decode: (bytes, start, end) => ({
 *     text: decodeUtf8(bytes, start, framing.payloadEnd(bytes, start, end)),
 *     isPrompt: delimiterAt(framing, bytes, start, end) === 1,
 *   }),
 *   encode() {},
 * });
 * const bytes = Uint8Array.from("Welcome\r\nlogin> ", (c) => c.charCodeAt(0));
 * console.log(decodeAll(telnet, bytes).map(({ text, isPrompt }) => `${text}: ${isPrompt}`));
 * //=> [ 'Welcome: false', 'login: true' ]
 * ```
 */
export function delimiterAt(
  framing: Framing,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const part = framing.layout?.at(-1);
  if (part?.kind !== "delimiter") {
    throw new TypeError("delimiterAt needs a framing with delimiters, like delimited() or lines()");
  }
  let found = -1;
  let longest = 0;
  for (const [i, delimiter] of (part.oneOf ?? [part.bytes!]).entries()) {
    const { length } = delimiter;
    if (length > longest && start + length <= end && isAt(bytes, end - length, delimiter)) {
      found = i;
      longest = length;
    }
  }
  return found;
}
