import { type Codec, type Format, type Protocol, u32be, withHint } from "../../core/index.ts";
import { type FramingOptions, frameLimit, framing } from "../../framing/index.ts";
import { belowHeader } from "./errors.ts";

/** Width of the length in bytes. */
const WIDTH = 4;
/** Largest value of the length field. */
const MOST = 0xffff_ffff;

/** The differences between packages that begin with a total length. */
interface Parts<In, Out> {
  readonly name: string;
  /** Size of the whole header in bytes, with the four of the length. */
  readonly header: number;
  /** Codec of the bytes after the length. */
  readonly codec: Codec<In, Out>;
  /** Checks a whole header; throws if a package cannot begin like this. */
  check?(bytes: Uint8Array, start: number, length: number): void;
  /** Description for tools, if there is more than the payload. */
  readonly format?: Format | undefined;
}

/**
 * Makes a protocol of packages that begin with their total length, header included: Frame, JsonInt,
 * BinaryTransfer, GatewayWorker.
 *
 * ```text
 *   0               4             header
 *   | total: u32 BE | more header | body: total - header bytes |
 * ```
 *
 * A length below the header or above `maxFrame` is refused as soon as it arrives. Any other length
 * is reported once the header is complete, as the reference does.
 */
export function totalLength<In, Out>(
  parts: Parts<In, Out>,
  options: FramingOptions,
): Protocol<In, Out> {
  const { name, header, codec, check, format } = parts;
  const maxFrame = frameLimit(options.maxFrame, header, MOST);
  const protocol = framing({
    hint: withHint,
    name,
    maxFrame,
    layout: [
      { name: "length", kind: "length", size: WIDTH, endian: "be", add: 0 },
      { name: "payload", kind: "payload", size: "rest" },
    ],
    measure(bytes, start, end, scan) {
      if (end - start < WIDTH) return 0;
      const length = u32be(bytes, start);
      if (length < header) throw belowHeader(length, header, start);
      if (length > maxFrame) return length;
      if (end - start < header) {
        // Measuring again before the whole header is here is useless.
        scan.at = header;
        return 0;
      }
      check?.(bytes, start, length);
      return length;
    },
    payloadStart: (_, start) => start + WIDTH,
    open: (out) => out.reserve(WIDTH),
    close: (out, start) => out.patch(start, WIDTH, out.length - start),
  }).wrap(codec);
  return format === undefined ? protocol : Object.freeze({ ...protocol, format });
}
