import { checkOptions, ProtocolError } from "../core/index.ts";
import { flagged } from "./flagged.ts";
import type { FramingOptions, WrappingFraming } from "./framing.ts";

/** Options for {@link cobs}. */
export interface CobsOptions extends FramingOptions {
  /**
   * Begin each frame with a zero byte, too, which flushes noise on the line. Writing only.
   * @defaultValue false
   */
  readonly leading?: boolean | undefined;
}

/** A block of 254 bytes has no zero after it. */
const FULL = 0xff;

/**
 * COBS (Consistent Overhead Byte Stuffing, Cheshire and Baker): frames that end in a zero byte; each zero of the payload
 * becomes the distance to the next. One byte longer than the payload for each 254 bytes begun.
 *
 * ```text
 *   02 11 01 03 22 33 00             11 00 00 22 33
 *   01 00                            no bytes
 * ```
 *
 * Several zeros in a row are skipped. A distance beyond the end of the frame is `malformed`.
 *
 * @param options - `maxFrame`: longest frame on the wire, including its zero; `leading`
 * @defaultValue maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { encodeFrame, raw } from "framewright";
 * import { cobs } from "framewright/framing";
 *
 * const frame = encodeFrame(cobs().wrap(raw()), Uint8Array.of(0x11, 0, 0, 0x22));
 * console.log(frame.join(" "));
 * //=> 2 17 1 2 34 0
 * ```
 */
export function cobs(options: CobsOptions = {}): WrappingFraming {
  checkOptions("cobs", options, ["maxFrame", "leading"]);
  const { maxFrame, leading = false } = options;
  return flagged({
    name: "cobs",
    maxFrame,
    flag: 0,
    leading,
    pack(out, start) {
      const payload = out.view(start).slice();
      out.truncate(start);
      // One byte for each block begun; a full block at the end begins no further block.
      const room = new Uint8Array(payload.length + 1 + Math.ceil(payload.length / 254));
      let block = 0;
      let to = 1;
      for (const [i, byte] of payload.entries()) {
        if (byte !== 0) room[to++] = byte;
        if (byte === 0 || (to - block === FULL && i < payload.length - 1)) {
          room[block] = to - block;
          block = to++;
        }
      }
      room[block] = to - block;
      out.bytes(room.subarray(0, to));
    },
    unpack(bytes, start, end) {
      const payload = new Uint8Array(end - start - 1);
      let to = 0;
      for (let at = start; at < end; ) {
        const next = at + bytes[at]!;
        // Only possible if the caller did not measure: the frame would have ended there.
        if (next === at) throw new ProtocolError("malformed", "block of 0 bytes", at);
        if (next > end) {
          const text = `block of ${bytes[at]} bytes, ${end - at} are left of the frame`;
          throw new ProtocolError("malformed", text, at);
        }
        payload.set(bytes.subarray(at + 1, next), to);
        to += next - at - 1;
        // A block stands for its bytes and a zero, except at the end of the payload.
        if (bytes[at] !== FULL && next < end) payload[to++] = 0;
        at = next;
      }
      return payload.subarray(0, to);
    },
    locate(bytes, start, end, index) {
      let at = start;
      // Index of the payload's first byte in the block at `at`.
      let first = 0;
      while (at < end) {
        const code = bytes[at]!;
        const length = code === FULL ? code - 1 : code;
        if (index < first + length) return at + 1 + index - first;
        first += length;
        at += code;
      }
      return end;
    },
  });
}
