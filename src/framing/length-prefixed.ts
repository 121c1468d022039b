import {
  checkInteger,
  checkOptions,
  type Endian,
  hexByte,
  isBytes,
  ProtocolError,
  type Scan,
  u16be,
  u16le,
  u32be,
  u32le,
  withHint,
} from "../core/index.ts";
import { findMark } from "./find-mark.ts";
import { frameLimit } from "./frame-limit.ts";
import { type FramingOptions, framing, type WrappingFraming, withoutWrap } from "./framing.ts";

/**
 * Options for {@link lengthPrefixed}: how the length of a frame is written. Lengths and offsets are in
 * bytes.
 */
export interface LengthPrefixedOptions extends FramingOptions {
  /** Width of the length field. */
  readonly width: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

  /**
   * Byte order of the length field.
   * @defaultValue `'be'`
   */
  readonly endian?: Endian | undefined;

  /**
   * The bytes that the length counts: those after the length field (`'body'`), or the whole frame from its
   * first byte (`'frame'`).
   * @defaultValue `'body'`
   */
  readonly counts?: "body" | "frame" | undefined;

  /**
   * Number of bytes before the length field. Without `header`, use it only with whole-frame codecs (see
   * {@link WrappingFraming}): `wrap` would lose these bytes.
   * @defaultValue the length of `header`, or 0
   */
  readonly offset?: number | undefined;

  /**
   * The bytes before the length field (a magic number, a version). They are written, and checked when read.
   * @defaultValue none
   */
  readonly header?: Uint8Array | undefined;

  /**
   * Added to the value of the field to get the length, for fields that count differently (for example, that
   * leave out a checksum).
   * @defaultValue 0
   */
  readonly adjust?: number | undefined;
}

/**
 * Frames that begin with their length, as an unsigned integer. skynet, goim, Kafka, DNS over TCP and most
 * custom protocols use it.
 *
 * ```text
 * width 2                          00 05 68 65 6c 6c 6f
 * width 2, counts 'frame'          00 07 68 65 6c 6c 6f
 * width 2, endian 'le'             05 00 68 65 6c 6c 6f
 * width 2, header [ca]             ca 00 05 68 65 6c 6c 6f
 * width 2, adjust 1                00 04 68 65 6c 6c 6f
 *
 * length of the frame = value of the field + adjust + (counts 'frame' ? 0 : offset + width)
 * ```
 *
 * A length below the size of the header is `malformed`. A length above `maxFrame` is `too-long` as soon as
 * the field has arrived. A body that is too long for the field is `unencodable`.
 *
 * @example
 * ```ts
 * import { encodeFrame, lengthPrefixed, utf8 } from "framewright";
 *
 * const messages = lengthPrefixed({ width: 2 }).wrap(utf8());
 * console.log(encodeFrame(messages, "hello").join(" "));
 * //=> 0 5 104 101 108 108 111
 * ```
 *
 * @throws RangeError if an option is out of range, or the options contradict each other
 */
export function lengthPrefixed(options: LengthPrefixedOptions): WrappingFraming {
  checkOptions("lengthPrefixed", options, KNOWN);
  const { width, endian = "be", counts = "body", adjust = 0, header } = options;
  const offset = options.offset ?? header?.length ?? 0;
  checkInteger("width", width, 1, 8);
  check(endian === "be" || endian === "le", `endian must be "be" or "le", not ${endian}`);
  check(counts === "body" || counts === "frame", `counts must be "body" or "frame"`);
  // A larger number would make the imprecise value of an 8-byte field a valid length again.
  checkInteger("adjust", adjust, -(2 ** 32), 2 ** 32);
  checkInteger("offset", offset, 0);
  check(
    header === undefined || (isBytes(header) && header.length === offset),
    `header must be a Uint8Array of ${offset} bytes, not ${header?.length}`,
  );
  const read = lengthReader(width, endian === "be");
  const start = offset + width;
  /** Length of a frame with a field value of 0. */
  const base = adjust + (counts === "frame" ? 0 : start);
  const most = Math.min(2 ** (8 * width) - 1, Number.MAX_SAFE_INTEGER) + base;
  check(most >= start, `adjust ${adjust} makes every frame shorter than its header`);
  // The caller may change its array later; frames must not change.
  const magic = header && Uint8Array.from(header);

  const made = framing({
    hint: withHint,
    name: `length-prefixed u${8 * width}${width === 1 ? "" : endian}`,
    maxFrame: frameLimit(options.maxFrame, Math.max(base, start), most),
    text: false,
    layout: [
      ...(offset > 0
        ? [{ name: "header", kind: "header", size: offset, bytes: magic?.slice() } as const]
        : []),
      { name: "length", kind: "length", size: width, endian, add: base },
      { name: "payload", kind: "payload", size: "rest" },
    ],
    measure(bytes, at, end, scan) {
      if (magic !== undefined) checkHeader(magic, bytes, at, end, scan);
      if (end - at < start) {
        // Another call is useless before the last byte of the field has arrived.
        if (magic === undefined) scan.at = start;
        return 0;
      }
      const length = base + read(bytes, at + offset);
      if (length >= start) return length;
      throw belowHeader(length - base, length, start, at + offset);
    },
    ...(magic?.length && { recover: findMark(magic) }),
    payloadStart: (_, at) => at + start,
    open(out) {
      if (magic !== undefined) out.bytes(magic);
      out.reserve(width);
    },
    close(out, at) {
      const length = out.length - at;
      if (length < base || length > most) {
        const text = `frame of ${length} bytes does not fit a length field from 0 to ${most - base}`;
        throw new ProtocolError("unencodable", text);
      }
      out.patch(at + offset, width, length - base, endian);
    },
  });
  return offset > 0 && magic === undefined
    ? withoutWrap(made, offset, "give `header`, which is written and checked, or ")
    : made;
}

const KNOWN = ["width", "endian", "counts", "offset", "header", "adjust", "maxFrame"];

function check(condition: boolean, text: string): void {
  if (!condition) throw new RangeError(`lengthPrefixed: ${text}`);
}

function belowHeader(field: number, length: number, header: number, at: number): ProtocolError {
  const text = `length field ${field} means a frame of ${length} bytes, but its header has ${header}`;
  return new ProtocolError("malformed", text, at);
}

/** Checks each byte only once, so a long header that arrives in small pieces stays linear. */
function checkHeader(
  header: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
  scan: Scan,
): void {
  const known = Math.min(header.length, end - start);
  for (let i = scan.at; i < known; i++) {
    if (bytes[start + i] !== header[i]) {
      const text = `header byte ${i} is ${hexByte(bytes[start + i]!)}, not ${hexByte(header[i]!)}`;
      throw new ProtocolError("malformed", text, start + i);
    }
  }
  scan.at = known;
}

/**
 * Returns a reader of the length field. The low digits of an 8-byte field may be imprecise, but such a
 * number is far above every maxFrame.
 */
function lengthReader(width: number, isBig: boolean): (bytes: Uint8Array, at: number) => number {
  if (width === 4) return isBig ? u32be : u32le;
  if (width === 2) return isBig ? u16be : u16le;
  return (bytes, at) => {
    let value = 0;
    for (let i = 0; i < width; i++) {
      value = value * 0x100 + bytes[isBig ? at + i : at + width - 1 - i]!;
    }
    return value;
  };
}
