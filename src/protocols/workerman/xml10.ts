import { checkOptions, type Protocol, raw, type Scan, utf8, withHint } from "../../core/index.ts";
import { type FramingOptions, frameLimit, framing } from "../../framing/index.ts";
import { belowHeader, malformed } from "./errors.ts";

const DIGITS = 10;
const MOST = 9_999_999_999;
const ZERO = 0x30;

/** Options for {@link xml10}. */
export interface Xml10Options extends FramingOptions {
  /**
   * Values are bytes, not strings: for XML that is not UTF-8.
   * @defaultValue false
   */
  readonly bytes?: boolean | undefined;
}

/**
 * Protocol `XmlProtocol` of Workerman's manual: a total length in ten decimal digits, then text.
 *
 * ```text
 *   0                               10
 *   | total: 10 digits, zero-padded | body: total - 10 bytes |
 *
 *   0000000014<a/>
 *   0000000010            an empty body
 * ```
 *
 * Anything but ten digits is `malformed` (`bad-header`; PHP's `base_convert` skips other
 * characters), as is a total below 10 (`length-below-header`). The body is not parsed: use your own
 * XML parser.
 *
 * @param options - `maxFrame`: largest package, header included; `bytes`: values are byte arrays
 * @defaultValue maxFrame 1 MiB, bytes false
 *
 * @example
 * ```ts
 * import { decodeUtf8, encodeFrame } from "framewright";
 * import { xml10 } from "framewright/workerman";
 *
 * console.log(decodeUtf8(encodeFrame(xml10(), "<a/>")));
 * //=> 0000000014<a/>
 * ```
 */
export function xml10(
  options?: Xml10Options & { readonly bytes?: false | undefined },
): Protocol<string>;
export function xml10(options: Xml10Options & { readonly bytes: true }): Protocol<Uint8Array>;
export function xml10(options: Xml10Options = {}): Protocol<string> | Protocol<Uint8Array> {
  checkOptions("xml10", options, ["maxFrame", "bytes"]);
  const digits = framing({
    hint: withHint,
    name: "xml10",
    maxFrame: frameLimit(options.maxFrame, DIGITS, MOST),
    text: true,
    layout: [
      { name: "length", kind: "length", size: DIGITS, digits: true, add: 0 },
      { name: "payload", kind: "payload", size: "rest" },
    ],
    measure,
    payloadStart: (_, start) => start + DIGITS,
    open: (out) => out.reserve(DIGITS),
    close(out, start) {
      // Above ten digits the length exceeds every maxFrame, which is checked when the frame is
      // written.
      const total = String(out.length - start).padStart(DIGITS, "0");
      for (let i = 0; i < DIGITS; i++) out.patch(start + i, 1, total.charCodeAt(i));
    },
  });
  return options.bytes ? digits.wrap(raw()) : digits.wrap(utf8());
}

function measure(bytes: Uint8Array, start: number, end: number, scan: Scan): number {
  const known = Math.min(DIGITS, end - start);
  let length = scan.count;
  for (let i = scan.at; i < known; i++) {
    const digit = bytes[start + i]! - ZERO;
    if (digit < 0 || digit > 9) {
      const text = `byte ${digit + ZERO} at digit ${i} of ${DIGITS}`;
      throw malformed("bad-header", text, start + i);
    }
    length = 10 * length + digit;
  }
  if (known < DIGITS) {
    scan.at = known;
    scan.count = length;
    return 0;
  }
  if (length < DIGITS) throw belowHeader(length, DIGITS, start);
  return length;
}
