import { checkOptions } from "../core/index.ts";
import type { FramingOptions, WrappingFraming } from "./framing.ts";
import { stuffing } from "./stuffed.ts";

const END = 0xc0;
const ESC = 0xdb;

/** Options for {@link slip}. */
export interface SlipOptions extends FramingOptions {
  /**
   * Begin each frame with END, which flushes noise on the line, as RFC 1055 advises. Writing only.
   * @defaultValue true
   */
  readonly leading?: boolean | undefined;
}

/**
 * SLIP (RFC 1055): packets between END bytes, as on serial lines.
 *
 * ```text
 *   c0 68 69 c0                      "hi"
 *   c0 01 db dc 02 db dd 03 c0       01 c0 02 db 03
 * ```
 *
 * Packets are read with and without a leading END; several END in a row are skipped, so an empty packet is
 * `unencodable`. Anything but `dc` and `dd` after `db` is `malformed`.
 *
 * @param options - `maxFrame`: longest frame on the wire, including escapes and END; `leading`
 * @defaultValue maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { decodeAll, utf8 } from "framewright";
 * import { slip } from "framewright/framing";
 *
 * const bytes = Uint8Array.of(0xc0, 0x68, 0x69, 0xc0, 0xc0, 0x79, 0x6f, 0xc0);
 * console.log(decodeAll(slip().wrap(utf8()), bytes));
 * //=> [ 'hi', 'yo' ]
 * ```
 */
export function slip(options: SlipOptions = {}): WrappingFraming {
  checkOptions("slip", options, ["maxFrame", "leading"]);
  const { maxFrame, leading = true } = options;
  return stuffing("slip", {
    flag: END,
    escape: ESC,
    map: { [END]: 0xdc, [ESC]: 0xdd },
    leading,
    maxFrame,
  });
}
