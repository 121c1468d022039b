import { type Framing, newScan, ProtocolError } from "../core/index.ts";
import { frameLimit } from "./frame-limit.ts";
import { type FramePosition, framing, type WrappingFraming } from "./framing.ts";

/** Frames that end in one of several delimiters; see {@link endedBy}. */
interface Ended {
  readonly name: string;
  readonly maxFrame: number | undefined;
  /** True if all delimiters are text. */
  readonly text: boolean;
  /** The first one is written. */
  readonly delimiters: readonly Uint8Array[];
  /** Finds whichever ends first. */
  readonly find: Framing["measure"];
  /** If it is not `find`. */
  readonly measure?: Framing["measure"] | undefined;
  /** The end of a payload without a delimiter, if there can be such a frame. */
  readonly payloadEndWithout?: FramePosition;
}

/** Makes a framing whose frames end in a delimiter, and refuses payloads that would be read back otherwise. */
export function endedBy({ delimiters, payloadEndWithout, ...ended }: Ended): WrappingFraming {
  const { find, measure = find } = ended;
  const written = delimiters[0]!;
  const byLength = [...delimiters].sort((a, b) => b.length - a.length);

  const payloadEnd: FramePosition = (bytes, start, end) => {
    for (const delimiter of byLength) {
      const at = end - delimiter.length;
      if (at >= start && delimiter.every((byte, i) => bytes[at + i] === byte)) return at;
    }
    if (payloadEndWithout !== undefined) return payloadEndWithout(bytes, start, end);
    throw new ProtocolError("malformed", `frame of ${end - start} bytes ends in no delimiter`, end);
  };

  /** Why this frame would not be read back as it was written; undefined if it would be. */
  const fault = (bytes: Uint8Array, start: number, end: number): string | undefined => {
    // Its own delimiter ends the search, wherever the memory ends.
    const length = measure(bytes, start, bytes.length, newScan());
    const body = end - written.length - start;
    if (length < 0) return "an empty payload would be skipped";
    if (length <= body) return `the payload of ${body} bytes holds a delimiter`;
    if (length === end - start && payloadEnd(bytes, start, end) === start + body) return undefined;
    return `the end of the payload of ${body} bytes would become part of the delimiter`;
  };

  return framing({
    name: ended.name,
    text: ended.text,
    maxFrame: frameLimit(ended.maxFrame, written.length),
    measure,
    recover: (bytes, start, end, scan) => find(bytes, start, end, scan) || -1,
    payloadEnd,
    layout: [
      { name: "payload", kind: "payload", size: "rest" },
      {
        name: "delimiter",
        kind: "delimiter",
        size: written.length,
        ...(delimiters.length === 1
          ? { bytes: written.slice() }
          : { oneOf: delimiters.map((one) => one.slice()) }),
      },
    ],
    close(out, start) {
      out.bytes(written);
      const why = out.examine(start, fault);
      if (why !== undefined) throw new ProtocolError("unencodable", why);
    },
  });
}
