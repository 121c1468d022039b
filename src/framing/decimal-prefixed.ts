import { checkInteger, checkOptions } from "../core/index.ts";
import { digitsFraming, MOST_DIGITS } from "./digits.ts";
import type { FramingOptions, WrappingFraming } from "./framing.ts";
import { toBytes } from "./to-bytes.ts";

/** The form of a frame's length: a fixed number of `digits`, or digits up to a `delimiter`. */
export interface DecimalPrefixedOptions extends FramingOptions {
  /**
   * Number of digits, padded with zeros: 1 to 15.
   * @defaultValue as many as the length needs, up to the delimiter
   */
  readonly digits?: number | undefined;

  /**
   * Delimiter after the digits, as text (UTF-8) or bytes; must not begin with a digit. Required unless
   * `digits` is given.
   * @defaultValue none
   */
  readonly delimiter?: string | Uint8Array | undefined;

  /**
   * Also read lengths with unnecessary leading zeros, which are never written. Only with `delimiter`.
   * @defaultValue false: they are `malformed`
   */
  readonly leadingZeros?: boolean | undefined;

  /**
   * Bytes that the length counts: the payload, or the whole frame from its first digit (only with `digits`).
   * @defaultValue `'body'`
   */
  readonly counts?: "body" | "frame" | undefined;

  /**
   * Added to the number to get the length: for lengths that count other bytes.
   * @defaultValue 0
   */
  readonly adjust?: number | undefined;

  /**
   * Trailer after the payload, as text (UTF-8) or bytes: written, and checked when read. `counts: 'body'`
   * does not count it.
   * @defaultValue none
   */
  readonly trailer?: string | Uint8Array | undefined;
}

const KNOWN = ["digits", "delimiter", "leadingZeros", "counts", "adjust", "trailer", "maxFrame"];

/**
 * Frames that begin with their length in decimal digits: of a fixed number, or up to a delimiter.
 *
 * ```text
 * digits 4                        0 0 0 5 h e l l o        ISO 8583 and other host protocols
 * digits 4, counts 'frame'        0 0 0 9 h e l l o
 * delimiter " "                   5   h e l l o            octet counting of RFC 6587 (syslog)
 * delimiter ":", trailer ","      5 : h e l l o ,          netstrings
 * ```
 *
 * Anything but digits before the delimiter, a wrong delimiter and a wrong trailer are `malformed`.
 *
 * @param options - `digits` or `delimiter` is required
 * @defaultValue maxFrame 1 MiB, or less if the digits cannot express that
 *
 * @example
 * ```ts
 * import { decodeUtf8, encodeFrame, utf8 } from "framewright";
 * import { decimalPrefixed } from "framewright/framing";
 *
 * const messages = decimalPrefixed({ digits: 4 }).wrap(utf8());
 * console.log(decodeUtf8(encodeFrame(messages, "hello")));
 * //=> 0005hello
 * ```
 *
 * @throws RangeError if an option is out of range, or the options contradict each other
 */
export function decimalPrefixed(options: DecimalPrefixedOptions): WrappingFraming {
  checkOptions("decimalPrefixed", options, KNOWN);
  const { digits, counts = "body", adjust = 0, leadingZeros = digits !== undefined } = options;
  check((digits === undefined) !== (options.delimiter === undefined), "give digits or delimiter");
  if (digits !== undefined) checkInteger("digits", digits, 1, MOST_DIGITS);
  check(counts === "body" || counts === "frame", `counts must be "body" or "frame"`);
  check(counts === "body" || digits !== undefined, `counts "frame" needs digits`);
  check(leadingZeros || digits === undefined, "leadingZeros is for lengths with a delimiter");
  checkInteger("adjust", adjust, -(2 ** 32), 2 ** 32);
  const given = [options.delimiter, options.trailer];
  const [delimiter, trailer] = given.map((bytes) => toBytes(bytes ?? "")) as [
    Uint8Array,
    Uint8Array,
  ];
  check(digits !== undefined || delimiter.length > 0, "delimiter is empty");
  check(!(delimiter[0]! >= 0x30 && delimiter[0]! <= 0x39), "delimiter begins with a digit");
  const around = (digits ?? 0) + delimiter.length + trailer.length;
  const add = adjust + (counts === "frame" ? 0 : around);
  check(
    10 ** (digits ?? MOST_DIGITS) - 1 + add >= around,
    `adjust ${adjust} makes every frame shorter than its header`,
  );
  return digitsFraming({
    name: "decimal-prefixed",
    maxFrame: options.maxFrame,
    text: given.every((bytes) => bytes === undefined || typeof bytes === "string"),
    digits,
    delimiter,
    trailer,
    leadingZeros,
    add,
  });
}

function check(condition: boolean, text: string): void {
  if (!condition) throw new RangeError(`decimalPrefixed: ${text}`);
}
