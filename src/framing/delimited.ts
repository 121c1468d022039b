import { encodeUtf8Into, indexOfByte, isBytes, newScan, ProtocolError } from "../core/index.ts";
import { frameLimit } from "./frame-limit.ts";
import { type FramingOptions, framing, type WrappingFraming } from "./framing.ts";

const LF = 0x0a;
const CR = 0x0d;

/**
 * Frames that end in a delimiter.
 *
 * ```text
 * delimited("\0")              68 65 6c 6c 6f 00
 * delimited(["\n", "\r\n"])    68 65 6c 6c 6f 0a   written and read
 *                              68 65 6c 6c 6f 0d 0a   read
 * ```
 *
 * A frame ends where a delimiter ends first; where two end in the same place, the longer one is cut off. A
 * payload that would be read back otherwise (it holds a delimiter, or ends in what becomes one with the
 * delimiter behind it: "a" before "aa", CR before LF) is `unencodable`. `maxFrame` bytes without a delimiter
 * are `too-long`. A search goes on where the last one stopped, so work is linear for any chunks.
 *
 * @param delimiters - text (as UTF-8) or bytes, of any length; of several, the first one is written
 * @param options - `maxFrame`: largest whole frame, delimiter included
 * @defaultValue maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { decodeAll, delimited, utf8 } from "framewright";
 *
 * const sentences = delimited([". ", "! "]).wrap(utf8());
 * const bytes = Uint8Array.from("Hello! It works. ", (c) => c.charCodeAt(0));
 * console.log(decodeAll(sentences, bytes).join("|"));
 * //=> Hello|It works
 * ```
 *
 * @throws RangeError for an empty delimiter, none at all, or one that begins another (the longer one would
 *   never be found)
 */
export function delimited(
  delimiters: string | Uint8Array | readonly (string | Uint8Array)[],
  options: FramingOptions = {},
): WrappingFraming {
  const given = typeof delimiters === "string" || isBytes(delimiters) ? [delimiters] : delimiters;
  const text = given.every((delimiter) => typeof delimiter === "string");
  const all = given.map(toBytes);
  check(all);
  // Where a longer one ends in a shorter one, looking for the shorter finds both.
  const needles = all.filter(
    (one) => !all.some((other) => other !== one && isAt(one, one.length - other.length, other)),
  );
  const [needle] = needles;
  const measure =
    needles.length === 1 && needle!.length === 1 ? measureByte(needle![0]!) : measureAny(needles);
  return delimitedBy("delimited", all, text, measure, options);
}

function check(delimiters: readonly Uint8Array[]): void {
  if (delimiters.length === 0) throw new RangeError("delimited: no delimiter given");
  for (const [i, delimiter] of delimiters.entries()) {
    if (delimiter.length === 0) throw new RangeError(`delimited: delimiter ${i} is empty`);
    for (const [j, other] of delimiters.entries()) {
      if (i !== j && isAt(other, 0, delimiter)) {
        throw new RangeError(`delimited: delimiter ${i} begins delimiter ${j}`);
      }
    }
  }
}

/**
 * Lines of text or bytes: LF is written, LF or CRLF is read. A payload with an LF in it, or a CR at its end,
 * is `unencodable`.
 *
 * @param options - `maxFrame`: longest line, its end included
 * @defaultValue maxFrame 1 MiB
 */
export function lines(options: FramingOptions = {}): WrappingFraming {
  // LF alone is looked for: it ends both. (And who only reads lines need not carry a search for anything longer.)
  return delimitedBy(
    "lines",
    [Uint8Array.of(LF), Uint8Array.of(CR, LF)],
    true,
    measureByte(LF),
    options,
  );
}

/** The first delimiter is written; `measure` finds whichever ends first. */
function delimitedBy(
  name: string,
  delimiters: readonly Uint8Array[],
  text: boolean,
  measure: Measure,
  options: FramingOptions,
): WrappingFraming {
  const written = delimiters[0]!;
  const byLength = [...delimiters].sort((a, b) => b.length - a.length);

  const payloadEnd = (bytes: Uint8Array, start: number, end: number): number => {
    for (const delimiter of byLength) {
      const at = end - delimiter.length;
      if (at >= start && isAt(bytes, at, delimiter)) return at;
    }
    throw new ProtocolError("malformed", `frame of ${end - start} bytes ends in no delimiter`, end);
  };

  /** Would this frame be read back as it was written? Its own delimiter ends the search, wherever the memory does. */
  const isFaithful = (bytes: Uint8Array, start: number, end: number): boolean =>
    measure(bytes, start, bytes.length, newScan()) === end - start &&
    payloadEnd(bytes, start, end) === end - written.length;

  return framing({
    name,
    maxFrame: frameLimit(options.maxFrame, written.length),
    text,
    measure,
    payloadEnd,
    close(out, start) {
      const body = out.length - start;
      out.bytes(written);
      if (out.examine(start, isFaithful)) return;
      throw new ProtocolError("unencodable", `a delimiter is in the ${body} bytes of the payload`);
    },
  });
}

function toBytes(delimiter: string | Uint8Array): Uint8Array {
  if (typeof delimiter !== "string") return Uint8Array.from(delimiter);
  // Not through an Output: who only reads has no need to carry one.
  const room = new Uint8Array(3 * delimiter.length);
  return room.slice(0, encodeUtf8Into(delimiter, room, 0));
}

/** Do the bytes at `at` begin with `part`? */
function isAt(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  if (at < 0) return false;
  for (let i = 0; i < part.length; i++) if (bytes[at + i] !== part[i]) return false;
  return true;
}

type Measure = WrappingFraming["measure"];

function measureByte(delimiter: number): Measure {
  return (bytes, start, end, scan) => {
    const at = indexOfByte(bytes, delimiter, start + scan.at, end);
    if (at >= 0) return at + 1 - start;
    scan.at = end - start;
    return 0;
  };
}

/**
 * Searches for all needles at once with one automaton (Aho and Corasick, 1975): each byte is looked at once, however
 * many needles there are and however they overlap, and whatever the peer sends.
 */
function measureAny(needles: readonly Uint8Array[]): Measure {
  const { classes, width, next, accepts } = automaton(needles);
  const [first] = needles[0]!;
  const only = needles.every((needle) => needle[0] === first) ? first : undefined;
  return (bytes, start, end, scan) => {
    let { state } = scan;
    for (let at = start + scan.at; at < end; at++) {
      if (state === 0 && only !== undefined) {
        at = indexOfByte(bytes, only, at, end);
        if (at < 0) break;
      }
      state = next[state * width + classes[bytes[at]!]!]!;
      if (accepts[state] === 1) return at + 1 - start;
    }
    scan.at = end - start;
    scan.state = state;
    return 0;
  };
}

interface Automaton {
  /** For each byte its column in `next`; bytes of no needle share column 0. */
  readonly classes: Uint16Array;
  /** Columns of a row in `next`. */
  readonly width: number;
  /** For each state and column the state that follows. State 0: nothing of any needle is matched. */
  readonly next: Int32Array;
  /** For each state, 1 if a needle ends there. */
  readonly accepts: Uint8Array;
}

function automaton(needles: readonly Uint8Array[]): Automaton {
  const classes = new Uint16Array(256);
  let width = 1;
  for (const needle of needles) {
    for (const byte of needle) if (classes[byte] === 0) classes[byte] = width++;
  }
  const most = 1 + needles.reduce((sum, needle) => sum + needle.length, 0);
  const next = new Int32Array(most * width).fill(-1);
  const accepts = new Uint8Array(most);
  let count = 1;
  for (const needle of needles) {
    let state = 0;
    for (const byte of needle) {
      const at = state * width + classes[byte]!;
      if (next[at]! < 0) next[at] = count++;
      state = next[at]!;
    }
    accepts[state] = 1;
  }
  // Level by level: a state that cannot go on goes on as the longest proper suffix that is a beginning, too.
  const suffix = new Int32Array(count);
  const queue = [0];
  for (const state of queue) {
    for (let column = 0; column < width; column++) {
      const at = state * width + column;
      const fallback = state === 0 ? 0 : next[suffix[state]! * width + column]!;
      if (next[at]! < 0) {
        next[at] = fallback;
      } else {
        suffix[next[at]!] = fallback;
        if (accepts[fallback] === 1) accepts[next[at]!] = 1;
        queue.push(next[at]!);
      }
    }
  }
  return { classes, width, next, accepts };
}
