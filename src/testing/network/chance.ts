/** A source of decisions: each is a number from 0, the least disturbance, up to 1. */
export type Chance = () => number;

/** Endless decisions from a seed (mulberry32). */
export function chanceOf(seed: number): Chance {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Decisions from a list, each a number of 32 bits; after the last one, nothing disturbs the network. */
export function scripted(script: readonly number[]): Chance {
  let at = 0;
  return () => (at < script.length ? (script[at++]! >>> 0) / 2 ** 32 : 0);
}
