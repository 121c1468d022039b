import { checkInteger, checkOptions, indexOfByte, ProtocolError } from "../core/index.ts";
import { flagged } from "./flagged.ts";
import type { FramingOptions, WrappingFraming } from "./framing.ts";

/** The flag and the escapes; see {@link stuffed}. */
export interface StuffedOptions extends FramingOptions {
  /** The byte that ends each frame. */
  readonly flag: number;

  /** The byte before an escaped one. */
  readonly escape: number;

  /**
   * Replacement of a byte after the escape: `{ 0xc0: 0xdc, 0xdb: 0xdd }`, or a number that every escaped byte
   * is XORed with. Flag and escape must be in it.
   */
  readonly map: Readonly<Record<number, number>> | number;

  /**
   * Further bytes that are escaped when written, if `map` is a number: control characters that the line does
   * not transmit.
   * @defaultValue none
   */
  readonly also?: Iterable<number> | undefined;

  /**
   * Begin each frame with the flag, too. A single flag between two frames is read in either case.
   * @defaultValue false
   */
  readonly leading?: boolean | undefined;
}

const KNOWN = ["flag", "escape", "map", "also", "leading", "maxFrame"];

/**
 * Frames that end in a flag, byte by byte (octet stuffing): flags and escapes in the payload are replaced by an escape
 * and another byte.
 *
 * ```text
 * flag 7e, escape 7d, map { 7e: 02, 7d: 01 }      30 7e 08      30 7d 02 08 7e
 * with leading                                                  7e 30 7d 02 08 7e
 * ```
 *
 * Several flags in a row are idle and skipped, so an empty payload is `unencodable`. A byte after an escape
 * that is not in `map` is `malformed`. `maxFrame` counts the bytes on the wire, including escapes and flags.
 *
 * `slip()` and `hdlc()` are built from it.
 *
 * @param options - `flag`, `escape` and `map` are required
 * @defaultValue maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { encodeFrame, raw } from "framewright";
 * import { stuffed, withChecksum, xor8 } from "framewright/framing";
 *
 * // JT/T 808, used by vehicles: flags, escapes and the XOR of all bytes.
 * const jt808 = withChecksum(
 *   stuffed({ flag: 0x7e, escape: 0x7d, map: { 0x7e: 0x02, 0x7d: 0x01 }, leading: true }),
 *   { sum: xor8, width: 1 },
 * ).wrap(raw());
 * const frame = encodeFrame(jt808, Uint8Array.of(0x30, 0x7e, 0x08, 0x7d, 0x55));
 * console.log([...frame].map((byte) => byte.toString(16)).join(" "));
 * //=> 7e 30 7d 2 8 7d 1 55 6e 7e
 * ```
 *
 * @throws RangeError if bytes are missing or ambiguous
 */
export function stuffed(options: StuffedOptions): WrappingFraming {
  checkOptions("stuffed", options, KNOWN);
  return stuffing("stuffed", options);
}

interface Stuffing extends StuffedOptions {
  /** An escape before the flag aborts a frame. */
  readonly abort?: boolean | undefined;
}

/** @internal */
export function stuffing(name: string, options: Stuffing): WrappingFraming {
  const { flag, escape: esc, leading = false, abort } = options;
  checkInteger("flag", flag, 0, 0xff);
  checkInteger("escape", esc, 0, 0xff);
  const images = imagesOf(options);
  const { map } = options;
  const originals = new Int16Array(256).fill(-1);
  if (typeof map === "number") {
    for (let byte = 0; byte < 256; byte++) originals[byte] = byte ^ map;
  } else {
    for (const [byte, image] of images.entries()) if (image >= 0) originals[image] = byte;
  }

  return flagged({
    name,
    maxFrame: options.maxFrame,
    flag,
    leading,
    abort: abort ? esc : undefined,
    pack(out, start) {
      const length = out.length - start;
      const escapes = out.examine(start, (bytes, from, to) => {
        let count = 0;
        for (let at = from; at < to; at++) if (images[bytes[at]!]! >= 0) count++;
        return count;
      });
      if (escapes === 0) return;
      out.reserve(escapes);
      const room = out.view(start);
      // From the end, because the room is there.
      for (let from = length - 1, to = room.length - 1; to > from; from--) {
        const byte = room[from]!;
        const image = images[byte]!;
        room[to--] = image < 0 ? byte : image;
        if (image >= 0) room[to--] = esc;
      }
    },
    unpack(bytes, start, end) {
      const first = indexOfByte(bytes, esc, start, end);
      if (first < 0) return undefined;
      const payload = new Uint8Array(end - start - 1);
      payload.set(bytes.subarray(start, first));
      let to = first - start;
      for (let at = first; at < end; at++) {
        let byte = bytes[at]!;
        if (byte === esc) {
          if (++at === end) throw new ProtocolError("malformed", "escape before the flag", at - 1);
          const original = originals[bytes[at]!]!;
          if (original < 0) {
            throw new ProtocolError("malformed", `byte ${bytes[at]} after an escape`, at);
          }
          byte = original;
        }
        payload[to++] = byte;
      }
      return payload.subarray(0, to);
    },
    locate(bytes, start, end, index) {
      let at = start;
      for (let i = 0; i < index && at < end; i++) at += bytes[at] === esc ? 2 : 1;
      return at;
    },
  });
}

/** The replacement of each byte after the escape, or -1. */
function imagesOf(options: Stuffing): Int16Array {
  const { flag, escape: esc, map, also = [], abort } = options;
  const images = new Int16Array(256).fill(-1);
  const pairs: Iterable<readonly [number, number]> =
    typeof map === "number"
      ? [flag, esc, ...also].map((byte) => [byte, byte ^ map] as const)
      : Object.entries(Object(map) as object).map(
          ([byte, image]) => [Number(byte), image] as const,
        );
  for (const [byte, image] of pairs) {
    checkInteger("a byte of map", byte, 0, 0xff);
    checkInteger("an image of map", image, 0, 0xff);
    images[byte] = image;
  }
  const escaped = Array.from(images).filter((image) => image >= 0);
  check(flag !== esc, "flag and escape are the same");
  check(images[flag]! >= 0 && images[esc]! >= 0, "map must have flag and escape");
  check(!escaped.includes(flag), "map must not give the flag");
  // It would look like the escape before the flag that aborts a frame.
  check(!abort || !escaped.includes(esc), "also must not have a byte that becomes the escape");
  check(new Set(escaped).size === escaped.length, "map replaces two bytes by the same byte");
  check(
    typeof map === "number" || Array.from(also).length === 0,
    "also is for a map that is a number",
  );
  return images;
}

function check(condition: boolean, text: string): void {
  if (!condition) throw new RangeError(`stuffed: ${text}`);
}
