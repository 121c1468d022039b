import { checkOptions, type Framing } from "../core/index.ts";
import { endedBy } from "./ended-by.ts";
import { findByte } from "./find-byte.ts";
import type { FramingOptions, WrappingFraming } from "./framing.ts";

const LF = 0x0a;
const CR = 0x0d;

/** Options for {@link lines}. */
export interface LinesOptions extends FramingOptions {
  /**
   * A last line without an end: `'error'` reports it as `truncated`, `'accept'` reads it as a line, as many
   * text files need. Then a peer that dies in the middle of a line looks like one that finished. Reading
   * only.
   * @defaultValue `'error'`
   */
  readonly last?: "error" | "accept" | undefined;

  /**
   * Skip empty lines, such as keep-alives. An empty payload is then `unencodable`.
   * @defaultValue false
   */
  readonly skipEmpty?: boolean | undefined;

  /**
   * The line end that is written. Both are always read.
   * @defaultValue `'\n'`
   */
  readonly ending?: "\n" | "\r\n" | undefined;
}

/**
 * Lines of text or bytes. LF and CRLF are read; LF is written, or CRLF on request. A payload that contains an
 * LF, or ends in a CR before an LF, is `unencodable`. With LF as the ending, a line that ends in CR CR LF is
 * `malformed`, because its payload could not be written; with the ending CRLF it is read and written.
 *
 * ```text
 *   68 65 6c 6c 6f 0a
 *   68 65 6c 6c 6f 0d 0a
 * ```
 *
 * @param options - `maxFrame`: longest line, including its end; `last`, `skipEmpty`, `ending`
 * @defaultValue maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { decodeAll, lines, utf8 } from "framewright";
 *
 * const text = lines({ last: "accept", skipEmpty: true }).wrap(utf8());
 * const bytes = Uint8Array.from("one\n\ntwo", (c) => c.charCodeAt(0));
 * console.log(decodeAll(text, bytes));
 * //=> [ 'one', 'two' ]
 * ```
 *
 * @throws RangeError for a value that an option does not have
 */
export function lines(options: LinesOptions = {}): WrappingFraming {
  checkOptions("lines", options, ["maxFrame", "last", "skipEmpty", "ending"]);
  const { last = "error", skipEmpty = false, ending = "\n" } = options;
  if (last !== "error" && last !== "accept") {
    throw new RangeError(`lines: last must be "error" or "accept"`);
  }
  if (ending !== "\n" && ending !== "\r\n") {
    throw new RangeError(`lines: ending must be "\\n" or "\\r\\n"`);
  }
  const needsMore = last === "accept" || skipEmpty;
  const both = [Uint8Array.of(LF), Uint8Array.of(CR, LF)];
  return endedBy({
    name: "lines",
    maxFrame: options.maxFrame,
    text: true,
    delimiters: ending === "\n" ? both : both.reverse(),
    find: findLf,
    ...(needsMore && { measure: measureLine(last === "accept", skipEmpty) }),
    ...(last === "accept" && { payloadEndWithout: withoutCr }),
  });
}

/** The LF ends both. */
const findLf = /* @__PURE__ */ findByte(LF);

function measureLine(acceptsLast: boolean, skipsEmpty: boolean): Framing["measure"] {
  return (bytes, start, end, scan) => {
    const length = findLf(bytes, start, end, scan);
    if (length === 0) {
      if (!acceptsLast || !scan.ended) return 0;
      const isEmpty = skipsEmpty && withoutCr(bytes, start, end) === start;
      return isEmpty ? start - end : end - start;
    }
    let at = start;
    if (skipsEmpty) {
      // All empty lines that are available.
      while (at < end) {
        const lf = bytes[at] === CR ? at + 1 : at;
        if (lf === end || bytes[lf] !== LF) break;
        at = lf + 1;
      }
    }
    return at > start ? start - at : length;
  };
}

/** A last line whose LF was cut off still ends in its CR. */
function withoutCr(bytes: Uint8Array, start: number, end: number): number {
  return end > start && bytes[end - 1] === CR ? end - 1 : end;
}
