import { type Framing, indexOfByte } from "../core/index.ts";
import { findByte } from "./find-byte.ts";

/** Measures frames that end at the first end of one of these delimiters. */
export function findBytes(needles: readonly Uint8Array[]): Framing["measure"] {
  // If a longer one ends in a shorter one, a search for the shorter finds both.
  const shortest = needles.filter(
    (one) => !needles.some((other) => other !== one && isAt(one, one.length - other.length, other)),
  );
  const [first] = shortest;
  return shortest.length === 1 && first!.length === 1 ? findByte(first![0]!) : findAny(shortest);
}

/** True if the bytes at `at` begin with `part`. */
export function isAt(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  if (at < 0) return false;
  for (let i = 0; i < part.length; i++) if (bytes[at + i] !== part[i]) return false;
  return true;
}

/**
 * Searches for all needles at once with one automaton (Aho and Corasick, 1975): each byte is looked at once,
 * for any number of needles, any overlap and any input.
 */
function findAny(needles: readonly Uint8Array[]): Framing["measure"] {
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
  /** The column in `next` for each byte; bytes that are in no needle share column 0. */
  readonly classes: Uint16Array;
  /** Columns of a row in `next`. */
  readonly width: number;
  /** The next state for each state and column. State 0: no part of any needle is matched. */
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
  // Level by level: a state without a transition continues as its longest proper suffix that is also a
  // prefix.
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
