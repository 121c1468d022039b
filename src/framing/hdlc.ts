import { checkOptions, crc16, crc32 } from "../core/index.ts";
import type { FramingOptions, WrappingFraming } from "./framing.ts";
import { stuffing } from "./stuffed.ts";
import { withChecksum } from "./with-checksum.ts";

/** Options for {@link hdlc}. */
export interface HdlcOptions extends FramingOptions {
  /**
   * Bits of the frame check sequence; 0 for none, if something else checks the frame.
   * @defaultValue 16
   */
  readonly fcs?: 0 | 16 | 32 | undefined;

  /**
   * Further bytes to escape when writing: control characters that the line does not transmit (the ACCM of
   * PPP). All escaped bytes are read.
   * @defaultValue none
   */
  readonly also?: Iterable<number> | undefined;

  /**
   * Begin each frame with a flag, too. Writing only.
   * @defaultValue true
   */
  readonly leading?: boolean | undefined;
}

/**
 * HDLC-like framing by octets (RFC 1662, as used by PPP on serial lines): flags, escapes and a frame check
 * sequence.
 *
 * ```text
 *   7e | ff 03 c0 21 ... | FCS, lowest byte first | 7e
 *
 *   7e in the payload: 7d 5e        7d: 7d 5d
 * ```
 *
 * The payload is everything between flag and FCS: address and control belong to the codec. A wrong FCS is
 * `malformed`; idle flags, and frames aborted by the sender (`7d 7e`), are skipped.
 *
 * @param options - `maxFrame`: longest frame on the wire; `fcs`, `also`, `leading`
 * @defaultValue maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { encodeFrame, raw } from "framewright";
 * import { hdlc } from "framewright/framing";
 *
 * const frame = encodeFrame(hdlc().wrap(raw()), Uint8Array.of(0xff, 0x03, 0x7e));
 * console.log([...frame].map((byte) => byte.toString(16)).join(" "));
 * //=> 7e ff 3 7d 5e ae b0 7e
 * ```
 *
 * @throws RangeError for an `fcs` that does not exist
 */
export function hdlc(options: HdlcOptions = {}): WrappingFraming {
  checkOptions("hdlc", options, ["maxFrame", "fcs", "also", "leading"]);
  const { maxFrame, fcs = 16, also, leading = true } = options;
  if (![0, 16, 32].includes(fcs)) throw new RangeError(`hdlc: fcs must be 0, 16 or 32, not ${fcs}`);
  const framing = stuffing("hdlc", {
    flag: 0x7e,
    escape: 0x7d,
    map: 0x20,
    also,
    leading,
    maxFrame,
    abort: true,
  });
  if (fcs === 0) return framing;
  return withChecksum(
    framing,
    fcs === 16
      ? { sum: crc16("ibm-sdlc"), width: 2, endian: "le" }
      : { sum: crc32(), width: 4, endian: "le" },
  );
}
