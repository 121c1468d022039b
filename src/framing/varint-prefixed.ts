import { type Output, ProtocolError } from "../core/index.ts";
import { frameLimit } from "./frame-limit.ts";
import { type FramingOptions, framing, type WrappingFraming } from "./framing.ts";

// 32 bits, seven in each byte.
const WIDEST = 5;
const MOST = 0xffff_ffff;

/** What {@link varintPrefixed} can be given. */
export interface VarintPrefixedOptions extends FramingOptions {
  /**
   * Refuse lengths that are written in more bytes than they need.
   * @defaultValue false: they are read
   */
  readonly minimal?: boolean | undefined;
}

/**
 * Frames that begin with the length of their body as an unsigned LEB128 varint: what protobuf's
 * `writeDelimitedTo` writes.
 *
 * ```text
 *   05 68 65 6c 6c 6f             "hello"
 *   85 80 00 68 65 6c 6c 6f       the same, the length overlong: read, never written
 * ```
 *
 * A length of more than five bytes or above 2^32-1 is `malformed`. An overlong length of up to five bytes is
 * read, as every protobuf reader does, its bytes counted as they came; with `minimal` it is `malformed`.
 *
 * @param options - `maxFrame`: largest whole frame, length included; `minimal`: refuse overlong lengths
 * @defaultValue maxFrame 1 MiB
 */
export function varintPrefixed(options: VarintPrefixedOptions = {}): WrappingFraming {
  const { minimal = false } = options;
  return framing({
    name: "varint-prefixed",
    maxFrame: frameLimit(options.maxFrame, 1, MOST + WIDEST),
    text: false,
    measure(bytes, start, end) {
      const width = prefixWidth(bytes, start, end);
      if (width === 0) return 0;
      if (minimal && width > 1 && bytes[start + width - 1] === 0) {
        const text = `length in ${width} bytes, which fewer could hold`;
        throw new ProtocolError("malformed", text, start);
      }
      let length = 0;
      for (let i = width - 1; i >= 0; i--) length = length * 0x80 + (bytes[start + i]! & 0x7f);
      if (length <= MOST) return width + length;
      throw new ProtocolError("malformed", `length ${length} exceeds 2^32-1`, start);
    },
    payloadStart: (bytes, start, end) => start + prefixWidth(bytes, start, end),
    close(out, start) {
      const length = out.length - start;
      if (length > MOST) {
        throw new ProtocolError("unencodable", `body of ${length} bytes exceeds 2^32-1`);
      }
      insertVarint(out, start, length);
    },
  });
}

/** Bytes of the varint at `start`, or 0 while its last one is not here. */
function prefixWidth(bytes: Uint8Array, start: number, end: number): number {
  for (let width = 1; width <= WIDEST; width++) {
    if (start + width > end) return 0;
    if (bytes[start + width - 1]! < 0x80) return width;
  }
  throw new ProtocolError("malformed", `length of more than ${WIDEST} bytes`, start);
}

/**
 * Inserts a varint at a position of the output: a length before the bytes that were written after it.
 *
 * @param out - the output that holds the bytes
 * @param at - position of the varint; the bytes from there on move back
 * @param value - an integer from 0 to 2^53-1
 */
export function insertVarint(out: Output, at: number, value: number): void {
  let width = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) width++;
  out.insert(at, width);
  let rest = value;
  for (let i = 0; i < width; i++) {
    out.patch(at + i, 1, (rest % 0x80) | (i < width - 1 ? 0x80 : 0));
    rest = Math.floor(rest / 0x80);
  }
}
