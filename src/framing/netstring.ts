import { checkOptions } from "../core/index.ts";
import { digitsFraming } from "./digits.ts";
import type { FramingOptions, WrappingFraming } from "./framing.ts";

const COLON = 0x3a;
const COMMA = 0x2c;

/**
 * Netstrings (https://cr.yp.to/proto/netstrings.txt): length in decimal digits, colon, body, comma.
 *
 * ```text
 *   35 3a 68 65 6c 6c 6f 2c       5:hello,
 *   30 3a 2c                      0:,
 * ```
 *
 * Leading zeros, a missing comma and anything but digits before the colon are `malformed`.
 *
 * @param options - `maxFrame`: largest frame, including length, colon and comma
 * @defaultValue maxFrame 1 MiB
 */
export function netstring(options: FramingOptions = {}): WrappingFraming {
  checkOptions("netstring", options, ["maxFrame"]);
  return digitsFraming({
    name: "netstring",
    maxFrame: options.maxFrame,
    text: true,
    digits: undefined,
    delimiter: Uint8Array.of(COLON),
    trailer: Uint8Array.of(COMMA),
    leadingZeros: false,
    add: 2,
  });
}
