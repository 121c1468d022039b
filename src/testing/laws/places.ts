import { type Arbitrary, array } from "fast-check";
import { part, placeOf } from "../arbitraries/part.ts";

/**
 * Up to this length every place is tried; above it, the header's region, the last bytes, and some places
 * between.
 */
const SMALL = 64;
const HEADER = 40;
const TAIL = 8;

/** Some places in long input, as fractions. */
export const somePlaces: Arbitrary<number[]> = array(part, { maxLength: 12 });

/** Numbers from `from` to `to` in order: all of them, or few enough that a law stays linear. */
export function places(from: number, to: number, some: readonly number[]): number[] {
  if (to - from <= SMALL) return range(from, to);
  const between = some.map((picked) => from + placeOf(picked, to - from));
  const all = [...range(from, from + HEADER), ...between, ...range(to - TAIL, to)];
  return [...new Set(all)].sort((a, b) => a - b);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}
