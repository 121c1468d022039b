import { type Arbitrary, nat } from "fast-check";

/** The whole that a part refers to. */
export const WHOLE: number = 2 ** 16;

/** A position in input of any length, as a part of {@link WHOLE}: it shrinks toward the beginning. */
export const part: Arbitrary<number> = nat(WHOLE);

/** The position, 0 to `length`, that a part selects. */
export const placeOf = (picked: number, length: number): number =>
  Math.floor((picked / WHOLE) * length);
