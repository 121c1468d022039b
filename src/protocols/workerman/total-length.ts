import { type Codec, type Format, type Protocol, u32be, withHint } from "../../core/index.ts";
import { type FramingOptions, frameLimit, framing } from "../../framing/index.ts";
import { belowHeader } from "./errors.ts";

/** Bytes of the length. */
const WIDTH = 4;
/** What they can say. */
const MOST = 0xffff_ffff;

/** What tells the packages with a total length in front from each other. */
interface Parts<In, Out> {
  readonly name: string;
  /** Bytes of the whole header, the four of the length included. */
  readonly header: number;
  /** The bytes behind the length. */
  readonly codec: Codec<In, Out>;
  /** Looks at a whole header: throws where no package can begin like this. */
  check?(bytes: Uint8Array, start: number, length: number): void;
  /** For tools, if the payload is not all that there is to say. */
  readonly format?: Format | undefined;
}

/**
 * Packages that begin with their total length, header included: Frame, JsonInt, BinaryTransfer, GatewayWorker.
 *
 * ```text
 *   0               4             header
 *   | total: u32 BE | more header | body: total - header bytes |
 * ```
 *
 * A length below the header or above `maxFrame` is refused as soon as it is here. Any other length is reported once
 * the header is complete, as the reference does.
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
        // Nothing before that is worth another call.
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
