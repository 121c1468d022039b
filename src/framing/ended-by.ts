import { type Framing, newScan, ProtocolError, resetScan } from "../core/index.ts";
import { isAt } from "./find-bytes.ts";
import { frameLimit } from "./frame-limit.ts";
import {
  type FramePosition,
  type FramingDefinition,
  framingOf,
  type TextPath,
  type WrappingFraming,
} from "./framing.ts";
import { textPathOf } from "./text-path.ts";

/** Options for frames that end in one of several delimiters; see {@link endedBy}. */
interface Ended {
  readonly name: string;
  readonly maxFrame: number | undefined;
  /** True if all delimiters are text. */
  readonly text: boolean;
  /** The first one is the one that is written. */
  readonly delimiters: readonly Uint8Array[];
  /** Finds the delimiter that ends first. */
  readonly find: Framing["measure"];
  /** The `measure` of the framing, if it differs from `find`. */
  readonly measure?: Framing["measure"] | undefined;
  /** Finds the end of a payload without a delimiter, if such frames are allowed. */
  readonly payloadEndWithout?: FramePosition;
}

/**
 * Makes a framing for frames that end in a delimiter. Rejects payloads that would be read back differently:
 * when writing, and when reading a payload that ended in a delimiter other than the written one.
 */
export function endedBy({ delimiters, payloadEndWithout, ...ended }: Ended): WrappingFraming {
  const { find, measure = find } = ended;
  const written = delimiters[0]!;
  const byLength = [...delimiters].sort((a, b) => b.length - a.length);

  const tails = lostTails(delimiters);

  /** @throws ProtocolError if the payload `bytes[start .. at)` could not be written */
  const checked = (bytes: Uint8Array, start: number, at: number): number => {
    for (const tail of tails) {
      if (at - tail.length >= start && isAt(bytes, at - tail.length, tail)) {
        throw new ProtocolError("malformed", unwritable(ended.name, at - start, tail), at);
      }
    }
    return at;
  };

  const payloadEnd: FramePosition = (bytes, start, end) => {
    for (const delimiter of byLength) {
      const at = end - delimiter.length;
      if (at < start || !isAt(bytes, at, delimiter)) continue;
      return delimiter === written ? at : checked(bytes, start, at);
    }
    if (payloadEndWithout !== undefined) {
      return checked(bytes, start, payloadEndWithout(bytes, start, end));
    }
    throw new ProtocolError(
      "malformed",
      `frame of ${end - start} bytes does not end in a delimiter`,
      end,
    );
  };

  // Only `fault` uses it, and no call of `measure` is running then.
  const scan = newScan();

  /** Returns why this frame would not be read back as it was written; undefined if it would be. */
  const fault = (bytes: Uint8Array, start: number, end: number): string | undefined => {
    // The search stops at the frame's own delimiter, whatever follows in memory.
    resetScan(scan);
    const length = measure(bytes, start, bytes.length, scan);
    const body = end - written.length - start;
    if (length < 0) return "an empty payload would be skipped";
    if (length <= body) return `the payload of ${body} bytes holds a delimiter`;
    if (length === end - start && payloadEnd(bytes, start, end) === start + body) return undefined;
    return `the end of the payload of ${body} bytes would become part of the delimiter`;
  };

  const definition: FramingDefinition = {
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
  };
  return framingOf(definition, ended.text ? textOf(byLength, written, tails) : undefined);
}

/**
 * The same for text, if all delimiters are control characters, which payloads joined as text never contain.
 */
function textOf(
  byLength: readonly Uint8Array[],
  written: Uint8Array,
  tails: readonly Uint8Array[],
): TextPath | undefined {
  if (!byLength.every((one) => one.every((byte) => byte < 0x20 || byte === 0x7f))) return undefined;
  const ends = byLength.map((one) => String.fromCharCode(...one));
  const closing = String.fromCharCode(...written);
  const lost = tails.map((one) => String.fromCharCode(...one));
  const shortest = ends[ends.length - 1]!;
  return textPathOf({
    closing,
    // The first occurrence ends the frame.
    ending:
      shortest.length === 1 && ends.every((end) => end.endsWith(shortest)) ? shortest : undefined,
    payloadEnd(text, start, end) {
      for (const delimiter of ends) {
        const at = end - delimiter.length;
        if (at < start || !text.startsWith(delimiter, at)) continue;
        if (delimiter === closing || !lost.some((tail) => isBefore(text, start, at, tail)))
          return at;
        break;
      }
      throw new ProtocolError(
        "malformed",
        "no delimiter, or a delimiter that takes part of the payload",
      );
    },
  });
}

const isBefore = (text: string, start: number, at: number, tail: string): boolean =>
  at - tail.length >= start && text.startsWith(tail, at - tail.length);

/**
 * Ends of payloads that become part of a delimiter once the first delimiter is written after them: with LF
 * and CRLF, a CR.
 */
function lostTails(delimiters: readonly Uint8Array[]): readonly Uint8Array[] {
  const written = delimiters[0]!;
  return delimiters.flatMap((delimiter) => {
    const tails: Uint8Array[] = [];
    for (let i = 1; i < delimiter.length; i++) {
      const rest = delimiter.subarray(i);
      if (rest.length <= written.length && isAt(written, 0, rest))
        tails.push(delimiter.slice(0, i));
    }
    return tails;
  });
}

function unwritable(name: string, size: number, tail: Uint8Array): string {
  const last = [...tail].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const instead = name === "lines" ? '; lines({ ending: "\\r\\n" }) takes it' : "";
  return `the payload of ${size} bytes ends in ${last}, which would become part of the delimiter if written${instead}`;
}
