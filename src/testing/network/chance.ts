/** Where decisions come from: each is a number from 0, the quietest that can happen, up to 1. */
export type Chance = () => number;

/** Endless decisions by a seed (mulberry32). */
export function chanceOf(seed: number): Chance {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Decisions one by one, each a number of 32 bits; behind the last one all is quiet. */
export function scripted(script: readonly number[]): Chance {
  let at = 0;
  return () => (at < script.length ? (script[at++]! >>> 0) / 2 ** 32 : 0);
}
