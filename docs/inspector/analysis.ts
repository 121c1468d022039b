import {
  asProtocolError,
  decodeValues,
  forOneStream,
  newScan,
  type Protocol,
  type ProtocolError,
  Splitter,
} from "../../src/core/index.ts";
import type { AnyProtocol } from "../../src/inspect/ready/index.ts";
import { isStream } from "./protocol.ts";

/** A stretch of the stream. */
export interface Span {
  /** `frame`: found by the splitter, or a message; `skipped`: no frame; `waiting`: not a whole frame yet; `refused`. */
  readonly kind: "frame" | "skipped" | "waiting" | "refused";
  readonly start: number;
  readonly end: number;
  /** Why it is refused. */
  readonly error?: ProtocolError | undefined;
}

/** What the splitter says when a chunk has come. */
interface Step {
  readonly start: number;
  readonly end: number;
  /** How many frames became whole. */
  readonly frames: number;
  readonly says: string;
  readonly isError: boolean;
}

/** What became of the bytes. */
export interface Analysis {
  readonly spans: readonly Span[];
  /** How many of the spans are frames. */
  readonly frames: number;
  /** The first chunks, at most {@link MOST_STEPS}. */
  readonly steps: readonly Step[];
  /** Chunks that have no step. */
  readonly unlisted: number;
  /** What the splitter says in the end. */
  readonly last: string;
  readonly error: ProtocolError | undefined;
  /** True if there are more frames than can be shown. */
  readonly isCut: boolean;
}

/** Most chunks whose step is listed. */
export const MOST_STEPS = 100;

/** Most spans that are shown. */
export const MOST_SPANS = 200_000;

/** Frames and chunks between two places where an analysis can wait. */
const PAUSE = 100;

/**
 * Gives a splitter the bytes chunk by chunk. A generator, so that a page can do something else in between.
 *
 * @param edges - where chunks end, ascending, each within the bytes
 * @param ends - true if the stream ends after the last chunk
 */
export function* analyse(
  protocol: AnyProtocol,
  bytes: Uint8Array,
  edges: readonly number[],
  ends: boolean,
): Generator<undefined, Analysis> {
  if (isStream(protocol)) return yield* analyseStream(protocol, bytes, edges, ends);
  return analyseMessages(bytes, edges);
}

function* analyseStream(
  protocol: Protocol<unknown, unknown>,
  bytes: Uint8Array,
  edges: readonly number[],
  ends: boolean,
): Generator<undefined, Analysis> {
  const splitter = new Splitter(forOneStream(protocol));
  const spans: Span[] = [];
  const steps: Step[] = [];
  let [at, frames, unlisted, isCut] = [0, 0, 0, false];
  let error: ProtocolError | undefined;

  /** Gives the splitter something, and takes all frames that are whole then. */
  function* step(start: number, end: number, give: () => void): Generator<undefined, void> {
    const before = frames;
    try {
      give();
      while (!isCut && splitter.next()) {
        const { offset } = splitter;
        if (offset > at) spans.push({ kind: "skipped", start: at, end: offset });
        at = offset + splitter.end - splitter.start;
        spans.push({ kind: "frame", start: offset, end: at });
        frames++;
        isCut = spans.length >= MOST_SPANS;
        if (frames % PAUSE === 0) yield;
      }
    } catch (thrown) {
      error = asProtocolError(thrown, "malformed", "the framing failed");
    }
    if (steps.length >= MOST_STEPS) {
      if (++unlisted % PAUSE === 0) yield;
      return;
    }
    const isEnd = start === end;
    const says = error === undefined ? waitingFor(protocol, bytes, at, end, isEnd) : wordsOf(error);
    const isError = error !== undefined;
    steps.push({
      start,
      end,
      frames: frames - before,
      says: sentences(frames - before, says),
      isError,
    });
    yield;
  }

  let from = 0;
  for (const to of [...edges, bytes.length]) {
    if (to <= from || error !== undefined || isCut) continue;
    const start = from;
    yield* step(start, to, () => splitter.push(bytes.subarray(start, to)));
    from = to;
  }
  if (ends && error === undefined && !isCut) yield* step(from, from, () => splitter.finish());
  if (at < bytes.length && !isCut) {
    const isSkipped = ends || lengthOf(protocol, bytes, at, bytes.length) < 0;
    spans.push({
      kind: error !== undefined ? "refused" : isSkipped ? "skipped" : "waiting",
      start: at,
      end: bytes.length,
      error,
    });
  }
  if (isCut) return { spans, frames, steps, unlisted, last: "", error, isCut };
  const last = error === undefined ? waitingFor(protocol, bytes, at, from, ends) : wordsOf(error);
  return { spans, frames, steps, unlisted, last, error, isCut };
}

function analyseMessages(bytes: Uint8Array, edges: readonly number[]): Analysis {
  const spans: Span[] = [];
  let from = 0;
  for (const to of [...edges, bytes.length]) {
    if (to <= from) continue;
    spans.push({ kind: "frame", start: from, end: to });
    from = to;
    if (spans.length >= MOST_SPANS) break;
  }
  return {
    spans,
    frames: spans.length,
    steps: spans.slice(0, MOST_STEPS).map(({ start, end }) => {
      const says = "One message. There is no splitter: the transport keeps messages apart.";
      return { start, end, frames: 1, says, isError: false };
    }),
    unlisted: Math.max(0, spans.length - MOST_STEPS),
    last: "each chunk is one message",
    error: undefined,
    isCut: from < bytes.length,
  };
}

/** What a splitter waits for that has read `at` bytes of `end`. */
function waitingFor(
  protocol: Protocol<unknown, unknown>,
  bytes: Uint8Array,
  at: number,
  end: number,
  isEnd: boolean,
): string {
  const here = end - at;
  if (here === 0) return isEnd ? "The stream ends between two frames." : "Nothing is left over.";
  if (isEnd) return `${are(here)} skipped at the end.`;
  const length = lengthOf(protocol, bytes, at, end);
  if (length < 0) return `Skips ${count(here, "byte")} without a frame.`;
  if (length <= here)
    return `Waits: ${are(here)} here, which is not enough to tell how long the frame is.`;
  return `Waits: ${are(here)} here of a frame of ${count(length, "byte")}, ${length - here} to come.`;
}

const are = (n: number): string => `${count(n, "byte")} ${n === 1 ? "is" : "are"}`;

function lengthOf(
  protocol: Protocol<unknown, unknown>,
  bytes: Uint8Array,
  at: number,
  end: number,
): number {
  try {
    return protocol.measure(bytes, at, Math.min(end, at + protocol.maxFrame), newScan());
  } catch {
    return 0;
  }
}

const sentences = (frames: number, says: string): string =>
  frames === 0 ? says : `${count(frames, "frame")}. ${says}`;

const wordsOf = ({ code, message, offset }: ProtocolError): string =>
  `Error ${code}: ${message}${offset === undefined ? "" : ` (at byte ${offset})`}.`;

/** `1 byte`, `2,000 bytes`. */
export function count(n: number, what: string): string {
  return `${n.toLocaleString("en-US")} ${what}${n === 1 ? "" : "s"}`;
}

/** What `decode` says of a frame: its values, or why not. */
export function decoded(
  protocol: AnyProtocol,
  bytes: Uint8Array,
  { start, end, error }: Span,
): { readonly values: readonly unknown[]; readonly error?: ProtocolError | undefined } {
  if (error !== undefined) return { values: [], error };
  try {
    return { values: decodeValues(forOneStream(protocol), bytes, start, end) };
  } catch (thrown) {
    return { values: [], error: asProtocolError(thrown, "malformed", "decode failed") };
  }
}
