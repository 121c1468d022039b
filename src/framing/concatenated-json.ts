import { checkOptions, newScan, ProtocolError, type Scan, withHint } from "../core/index.ts";
import { frameLimit } from "./frame-limit.ts";
import { type FramingOptions, framing, type WrappingFraming } from "./framing.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Consecutive JSON objects and arrays, with nothing or white space between them.
 *
 * ```text
 *   {"a":1}{"b":[2,3]}
 *   [4] {"c":"}"}
 * ```
 *
 * A frame ends where the brackets are balanced; the codec checks whether it is JSON. Other values have no end
 * of their own (12 and 3, or 123?): they are `malformed` to read and `unencodable` to write. Each byte is
 * looked at once.
 *
 * @param options - `maxFrame`: largest object or array
 * @defaultValue maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { decodeAll, json } from "framewright";
 * import { concatenatedJson } from "framewright/framing";
 *
 * const bytes = Uint8Array.from('{"a":1}[2]\n', (c) => c.charCodeAt(0));
 * console.log(decodeAll(concatenatedJson().wrap(json()), bytes));
 * //=> [ { a: 1 }, [ 2 ] ]
 * ```
 */
export function concatenatedJson(options: FramingOptions = {}): WrappingFraming {
  checkOptions("concatenatedJson", options, ["maxFrame"]);
  return framing({
    hint: withHint,
    name: "concatenated-json",
    maxFrame: frameLimit(options.maxFrame, 2),
    text: true,
    layout: [{ name: "payload", kind: "payload", size: "rest" }],
    measure,
    recover(bytes, start, end, scan) {
      // `state`: 1 after the first call. In the first call the bad value itself begins at `start`.
      let at = scan.state === 0 ? start + 1 : start;
      scan.state = 1;
      while (at < end && !isOpening(bytes[at]!)) at++;
      if (at < end) return at - start;
      scan.at = at - start;
      return -1;
    },
    close(out, start) {
      const isOne = out.examine(
        start,
        (bytes, from, to) => from < to && measure(bytes, from, to, newScan()) === to - from,
      );
      if (isOne) return;
      throw new ProtocolError("unencodable", "the payload is not one JSON object or array");
    },
  });
}

// `count`: open brackets. `state`: position relative to a string.
const OUTSIDE = 0;
const INSIDE = 1;
const ESCAPED = 2;

function measure(bytes: Uint8Array, start: number, end: number, scan: Scan): number {
  let { at, state, count } = scan;
  if (at === 0) {
    while (at < end - start && isSpace(bytes[start + at]!)) at++;
    if (at > 0) return -at;
    if (!isOpening(bytes[start]!)) {
      const text = `byte ${bytes[start]} does not begin a JSON object or array`;
      throw new ProtocolError("malformed", text, start);
    }
  }
  for (; start + at < end; at++) {
    const byte = bytes[start + at]!;
    if (state === ESCAPED) {
      state = INSIDE;
    } else if (state === INSIDE) {
      if (byte === QUOTE) state = OUTSIDE;
      else if (byte === BACKSLASH) state = ESCAPED;
    } else if (byte === QUOTE) {
      state = INSIDE;
    } else if (isOpening(byte)) {
      count++;
    } else if ((byte === 0x7d || byte === 0x5d) && --count === 0) {
      return at + 1;
    }
  }
  scan.at = at;
  scan.state = state;
  scan.count = count;
  return 0;
}

const isOpening = (byte: number): boolean => byte === 0x7b || byte === 0x5b;

const isSpace = (byte: number): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
