import { type Framing, newScan, ProtocolError, withHint } from "../core/index.ts";
import { frameLimit } from "./frame-limit.ts";
import { type FramingOptions, framing, type WrappingFraming } from "./framing.ts";

/** Options for framings that begin with a header of text. */
export interface HeaderOptions extends FramingOptions {
  /**
   * Largest header, including its end; a longer one is `too-long`.
   * @defaultValue 8 KiB, or `maxFrame` if that is less
   */
  readonly maxHeader?: number | undefined;
}

const USUAL_HEADER = 8192;

/** A header of text that contains the length of the payload; see {@link headerFraming}. */
interface HeaderBlock {
  readonly name: string;
  readonly text: boolean;
  /** Name of the header line that contains the length; undefined if a function of the user computes it. */
  readonly lengthIn?: string | undefined;
  /** The end of the header. */
  readonly end: Uint8Array;
  /** Measures the header, including its end. */
  readonly find: Framing["measure"];
  /** Returns how many bytes follow the header `bytes[start .. end)`, which is passed without its end. */
  length(bytes: Uint8Array, start: number, end: number): number;
  /** Finds the next header; see {@link Framing.recover}. */
  readonly recover?: Framing["recover"];
  /** Returns the header of a payload of so many bytes, including its end, as Latin-1. */
  write(length: number): string;
}

/** Makes a framing by a header of text; `headed` and `contentLength` are built from it. */
export function headerFraming(block: HeaderBlock, options: HeaderOptions): WrappingFraming {
  const { end: mark, find } = block;
  const maxFrame = frameLimit(options.maxFrame, mark.length + 1);
  const maxHeader = frameLimit(
    options.maxHeader ?? Math.min(USUAL_HEADER, maxFrame),
    mark.length,
    maxFrame,
  );

  const measure: Framing["measure"] = (bytes, start, end, scan) => {
    const stop = Math.min(end, start + maxHeader);
    const header = find(bytes, start, stop, scan);
    if (header > 0) {
      const length = block.length(bytes, start, start + header - mark.length);
      if (length >= 0) return header + length;
      throw new ProtocolError("malformed", `header of a payload of ${length} bytes`, start);
    }
    if (stop - start < maxHeader) return 0;
    const text = `header does not end within the ${maxHeader} bytes of maxHeader`;
    throw new ProtocolError("too-long", text, start);
  };

  return framing({
    hint: withHint,
    name: block.name,
    maxFrame,
    text: block.text,
    layout: [
      { name: "header", kind: "header", size: "rest", lengthIn: block.lengthIn },
      { name: "end", kind: "delimiter", size: mark.length, bytes: mark.slice() },
      { name: "payload", kind: "payload", size: "rest" },
    ],
    measure,
    recover: block.recover,
    payloadStart: (bytes, start, end) => start + find(bytes, start, end, newScan()),
    close(out, start) {
      const body = out.length - start;
      const header = block.write(body);
      out.insert(start, header.length);
      const room = out.view(start);
      for (let i = 0; i < header.length; i++) room[i] = header.charCodeAt(i);
      const isFaithful = out.examine(
        start,
        (bytes, from, to) =>
          find(bytes, from, to, newScan()) === header.length &&
          measure(bytes, from, to, newScan()) === to - from,
      );
      if (isFaithful) return;
      const text = `header of ${header.length} bytes would not be read as that of ${body} bytes`;
      throw new ProtocolError("unencodable", text);
    },
  });
}
