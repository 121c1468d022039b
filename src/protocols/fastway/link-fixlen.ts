import { type Codec, checkInteger, checkOptions, type Endian, withHint } from "../../core/index.ts";
import { framing, lengthPrefixed, type WrappingFraming } from "../../framing/index.ts";

/** Options for {@link linkFixlen}. Limits count the body alone, in bytes. */
export interface LinkFixlenOptions {
  /** Width of the length in bytes. */
  readonly width: 1 | 2 | 4 | 8;

  /** Byte order of the length. */
  readonly endian: Endian;

  /**
   * Longest body to read, in bytes; a longer one is `too-long`.
   * @defaultValue 1 MiB; 255 or 65535 if the width cannot express more
   */
  readonly maxReceive?: number | undefined;

  /**
   * Longest body to write, in bytes; a longer one is `unencodable`. (The Go library has this option
   * but ignores it.)
   * @defaultValue `maxReceive`
   */
  readonly maxSend?: number | undefined;
}

const MIB = 1024 * 1024;

/**
 * Framing of github.com/funny/link's FixLen codec: an unsigned length in bytes, then the body.
 *
 * ```text
 *   width 2, endian 'le'     02 00 48 69
 *   width 4, endian 'be'     00 00 00 02 48 69
 *   width 1                  00                   an empty body
 * ```
 *
 * A body holds exactly one value. Wrap {@link linkJson} for the usual FixLen over Json.
 *
 * @param options - `width`, `endian`; `maxReceive`, `maxSend`
 * @throws RangeError for another width or byte order, or a limit that is not an integer >= 0
 *
 * @example
 * ```ts
 * import { encodeFrame, raw } from "framewright";
 * import { linkFixlen } from "framewright/fastway";
 *
 * const messages = linkFixlen({ width: 2, endian: "le", maxReceive: 1024 }).wrap(raw());
 * console.log(encodeFrame(messages, Uint8Array.of(72, 105)).join(" "));
 * //=> 2 0 72 105
 * ```
 */
export function linkFixlen(options: LinkFixlenOptions): WrappingFraming {
  checkOptions("linkFixlen", options, ["width", "endian", "maxReceive", "maxSend"]);
  const { width, endian } = options;
  if (![1, 2, 4, 8].includes(width)) {
    throw new RangeError(`linkFixlen: width must be 1, 2, 4 or 8, not ${width}`);
  }
  if (endian !== "be" && endian !== "le") {
    throw new RangeError(`linkFixlen: endian must be "be" or "le", not ${endian}`);
  }
  const most = Math.min(2 ** (8 * width) - 1, Number.MAX_SAFE_INTEGER - width);
  const { maxReceive: receive = MIB, maxSend: send = receive } = options;
  const maxReceive = limit("maxReceive", receive, most);
  const maxSend = limit("maxSend", send, most);
  const prefixed = lengthPrefixed({
    width,
    endian,
    maxFrame: width + Math.max(maxReceive, maxSend),
  });
  const fixlen = framing({
    hint: withHint,
    name: "link FixLen",
    maxFrame: width + maxReceive,
    maxSend: width + maxSend,
    layout: prefixed.layout,
    measure: prefixed.measure,
    tooLong: (length, limit) =>
      `too-large: body of ${length - width} bytes exceeds maxReceive ${limit - width}`,
    payloadStart: (_, start) => start + width,
    open: (out) => out.reserve(width),
    close: (out, start) => out.patch(start, width, out.length - start - width, endian),
  });
  return Object.freeze<WrappingFraming>({
    ...fixlen,
    wrap: (codec, wrapped) => fixlen.wrap(oneValue(codec), wrapped),
  });
}

/** Without `decodeMany`: two values in one body are an error, not two messages. */
function oneValue<In, Out>(codec: Codec<In, Out>): Codec<In, Out> {
  return {
    decode: (bytes, start, end) => codec.decode(bytes, start, end),
    encode: (value, out) => codec.encode(value, out),
  };
}

function limit(name: string, value: number, most: number): number {
  checkInteger(`linkFixlen: ${name}`, value, 0);
  return Math.min(value, most);
}
