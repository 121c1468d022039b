import {
  checkInteger,
  checkOptions,
  type Output,
  ProtocolError,
  varintWidth,
  withHint,
} from "../core/index.ts";
import { frameLimit } from "./frame-limit.ts";
import {
  type FramePosition,
  type FramingOptions,
  framing,
  type WrappingFraming,
  withoutWrap,
} from "./framing.ts";

// 32 bits, seven in each byte.
const USUAL = 5;
const USUAL_MOST = 0xffff_ffff;
// 64 bits; the number must be a safe integer all the same.
const WIDEST = 10;

/** The form of a frame's length. */
export interface VarintPrefixedOptions extends FramingOptions {
  /**
   * Bytes before the length. Only for whole-frame codecs (see {@link WrappingFraming}): `wrap` would lose them.
   * @defaultValue 0
   */
  readonly offset?: number | undefined;

  /**
   * Maximum number of bytes of the length, 1 to 10; more are `malformed`.
   * @defaultValue 5, for lengths up to 2^32-1
   */
  readonly maxBytes?: number | undefined;

  /**
   * Reject lengths that are written in more bytes than necessary.
   * @defaultValue false: they are read
   */
  readonly minimal?: boolean | undefined;
}

/**
 * Frames that begin with the length of their body as an unsigned LEB128 varint, as written by protobuf's
 * `writeDelimitedTo`.
 *
 * ```text
 *   05 68 65 6c 6c 6f             "hello"
 *   85 80 00 68 65 6c 6c 6f       the same, the length overlong: read, never written
 *
 *   30 05 68 65 6c 6c 6f          offset 1: MQTT, whose packets begin with their type
 * ```
 *
 * A length of more than five bytes or above 2^32-1 is `malformed`. An overlong length of up to five bytes is
 * read, as by every protobuf reader, and its bytes are counted as received; with `minimal` it is `malformed`.
 *
 * @param options - `maxFrame`: largest frame, including its length; `offset`: bytes before the length;
 *   `maxBytes`: of the length; `minimal`: reject overlong lengths
 * @defaultValue maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { encodeFrame, utf8, varintPrefixed } from "framewright";
 *
 * console.log(encodeFrame(varintPrefixed().wrap(utf8()), "hello").join(" "));
 * //=> 5 104 101 108 108 111
 * ```
 *
 * @throws RangeError for an option out of range
 */
export function varintPrefixed(options: VarintPrefixedOptions = {}): WrappingFraming {
  checkOptions("varintPrefixed", options, ["maxFrame", "offset", "maxBytes", "minimal"]);
  const { offset = 0, maxBytes = USUAL, minimal = false } = options;
  checkInteger("offset", offset, 0);
  checkInteger("maxBytes", maxBytes, 1, WIDEST);
  const most =
    maxBytes === USUAL ? USUAL_MOST : Math.min(2 ** (7 * maxBytes) - 1, Number.MAX_SAFE_INTEGER);
  const lengthEnd: FramePosition = (bytes, start, end) => {
    const at = start + offset;
    return at + varintWidth(bytes, at, end);
  };

  const made = framing({
    hint: withHint,
    name: "varint-prefixed",
    maxFrame: frameLimit(options.maxFrame, offset + 1, offset + most + maxBytes),
    text: false,
    layout: [
      ...(offset > 0 ? [{ name: "header", kind: "header", size: offset } as const] : []),
      { name: "length", kind: "length", size: "varint", add: offset },
      { name: "payload", kind: "payload", size: "rest" },
    ],
    // `at`: bytes of the frame that were read. `count`: the number so far.
    measure(bytes, start, end, scan) {
      let at = Math.max(scan.at, offset);
      let length = scan.count;
      let scale = at > offset ? 128 ** (at - offset) : 1;
      for (; start + at < end; at++) {
        const byte = bytes[start + at]!;
        length += (byte & 0x7f) * scale;
        if (byte < 0x80) {
          if (byte === 0 && minimal && at > offset) {
            const text = `length in ${at + 1 - offset} bytes, which fewer could hold`;
            throw new ProtocolError("malformed", text, start + offset);
          }
          if (length <= most) return at + 1 + length;
          throw new ProtocolError("malformed", `length ${length} exceeds ${most}`, start + offset);
        }
        if (at + 1 - offset === maxBytes) {
          const text = `length of more than ${maxBytes} bytes`;
          throw new ProtocolError("malformed", text, start + offset);
        }
        scale *= 0x80;
      }
      scan.at = at;
      scan.count = length;
      return 0;
    },
    payloadStart: lengthEnd,
    close(out, start) {
      const length = out.length - start;
      if (length > most) {
        throw new ProtocolError("unencodable", `body of ${length} bytes exceeds ${most}`);
      }
      insertVarint(out, start, length);
    },
  });
  return offset > 0 ? withoutWrap(made, offset, "") : made;
}

/**
 * Inserts a varint at a position of the output: a length before the bytes that were written after it.
 *
 * @param out - the output that holds the bytes
 * @param at - position of the varint; the bytes from there on are moved
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
