// A coverage-guided fuzzer: inputs that reach a counter, or a number of times, that none reached before are kept
// and mutated further. Everything follows from one seed.

import { concat } from "../support/chunks.ts";

/** Numbers below a limit. */
export interface Dice {
  below(limit: number): number;
}

/** Numbers from 0 to 2^32-1: xorshift128, by George Marsaglia. */
export function random(seed: number): Dice {
  let [x, y, z, w] = [seed | 0 || 1, 362436069, 521288629, 88675123];
  const next = (): number => {
    const t = x ^ (x << 11);
    [x, y, z] = [y, z, w];
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return w >>> 0;
  };
  for (let i = 0; i < 16; i++) next();
  return { below: (limit) => (limit > 0 ? next() % limit : 0) };
}

const NOTHING: Uint8Array = new Uint8Array(0);

const BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x0d, 0x20, 0x22, 0x30, 0x39, 0x3a, 0x7b, 0x7d];
const NUMBERS = [
  0,
  1,
  2,
  4,
  16,
  0x7f,
  0x80,
  0xff,
  0x100,
  0x7fff,
  0x8000,
  0xffff,
  0x10000,
  2 ** 31 - 1,
];

/** How often, in classes: 1, 2, 3, 4-7, 8-15, 16-31, 32-127, more. One bit each. */
export function classOf(count: number): number {
  if (count < 4) return 1 << (count - 1);
  if (count < 8) return 8;
  if (count < 16) return 16;
  if (count < 32) return 32;
  return count < 128 ? 64 : 128;
}

/** What a fuzzer works with. */
export interface FuzzerOptions {
  /** Takes an input; throws when something is wrong. */
  readonly run: (input: Uint8Array) => void;
  /** Counted up while `run` runs. */
  readonly counters: Uint32Array;
  /** What mutation begins with. */
  readonly seeds: readonly Uint8Array[];
  readonly seed: number;
  readonly maxLength?: number;
}

/** Tries one input after the other. */
export interface Fuzzer {
  /** One input: the seeds first, then mutations. True when it reached something new. */
  step(): boolean;
  /** Inputs that did. */
  readonly corpus: readonly Uint8Array[];
  readonly runs: number;
  /** The input of the last step. */
  readonly current: Uint8Array;
  /** Counters that any input has reached. */
  readonly reached: number;
}

export function fuzzer(options: FuzzerOptions): Fuzzer {
  const { run, counters, seeds, seed, maxLength = 4096 } = options;
  const dice = random(seed);
  const reached = new Uint8Array(counters.length);
  const corpus: Uint8Array[] = [];
  let runs = 0;
  let current = NOTHING;

  const tryInput = (input: Uint8Array): boolean => {
    current = input;
    runs++;
    counters.fill(0);
    run(input);
    let isNew = false;
    for (let i = 0; i < counters.length; i++) {
      const count = counters[i]!;
      if (count === 0) continue;
      const bit = classOf(count);
      if ((reached[i]! & bit) === 0) {
        reached[i]! |= bit;
        isNew = true;
      }
    }
    if (isNew) corpus.push(input);
    return isNew;
  };

  const pick = (): Uint8Array => corpus[dice.below(corpus.length)] ?? NOTHING;
  const mutated = (): Uint8Array => {
    let input: Uint8Array = pick().slice();
    for (let left = 1 + dice.below(4); left > 0; left--) {
      input = mutate(input, dice, pick);
    }
    return input.length > maxLength ? input.subarray(0, maxLength) : input;
  };

  const waiting = [...seeds, NOTHING];
  return {
    step: () => tryInput(waiting.shift() ?? mutated()),
    corpus,
    get runs() {
      return runs;
    },
    get current() {
      return current;
    },
    get reached() {
      return reached.reduce((sum, bits) => sum + (bits > 0 ? 1 : 0), 0);
    },
  };
}

function mutate(input: Uint8Array, dice: Dice, other: () => Uint8Array): Uint8Array {
  const at = dice.below(input.length + 1);
  switch (dice.below(9)) {
    case 0: // a bit
      if (at < input.length) input[at]! ^= 1 << dice.below(8);
      return input;
    case 1: // a telling byte
      if (at < input.length) input[at] = BYTES[dice.below(BYTES.length)]!;
      return input;
    case 2: // any byte
      if (at < input.length) input[at] = dice.below(256);
      return input;
    case 3: // a telling number, of two or four bytes, in either order
      return number(input, at, dice);
    case 4: // one more or less: lengths
      if (at < input.length) input[at]! += dice.below(2) === 0 ? 1 : -1;
      return input;
    case 5: // some bytes more
      return concat([input.subarray(0, at), bytesOf(dice), input.subarray(at)]);
    case 6: // some less
      return concat([input.subarray(0, at), input.subarray(at + 1 + dice.below(8))]);
    case 7: // a piece again
      return concat([input.subarray(0, at + dice.below(32)), input.subarray(at)]);
    default: {
      // the end of another one
      const tail = other();
      return concat([input.subarray(0, at), tail.subarray(dice.below(tail.length + 1))]);
    }
  }
}

function number(input: Uint8Array, at: number, dice: Dice): Uint8Array {
  const width = dice.below(2) === 0 ? 2 : 4;
  if (at + width > input.length) return input;
  const value = NUMBERS[dice.below(NUMBERS.length)]!;
  const little = dice.below(2) === 0;
  const view = new DataView(input.buffer, input.byteOffset);
  if (width === 2) view.setUint16(at, value, little);
  else view.setUint32(at, value, little);
  return input;
}

const bytesOf = (dice: Dice): Uint8Array =>
  Uint8Array.from({ length: 1 + dice.below(8) }, () => dice.below(256));

/** The same crash from fewer and plainer bytes, as far as a few thousand tries go. */
export function smaller(input: Uint8Array, crashes: (input: Uint8Array) => boolean): Uint8Array {
  let best = input;
  let tries = 4000;
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length && tries > 0; tries--) {
      const shorter = concat([best.subarray(0, at), best.subarray(at + size)]);
      if (crashes(shorter)) best = shorter;
      else at += size;
    }
  }
  for (let at = 0; at < best.length && tries > 0; at++, tries--) {
    const plainer = best.slice();
    plainer[at] = 0;
    if (best[at] !== 0 && crashes(plainer)) best = plainer;
  }
  return best;
}
