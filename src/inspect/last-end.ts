import type { Draft } from "./part.ts";

/** The end of the last leaf: parts are in order. */
export function lastEnd(part: Draft): number {
  let one = part;
  while (one.parts !== undefined) {
    const last = one.parts.at(-1);
    if (last === undefined) return one.start;
    one = last;
  }
  return one.end;
}
