import { type Arbitrary, nat } from "fast-check";

/** What a part is a part of. */
export const WHOLE: number = 2 ** 16;

/** A place in something of any length, as a part of {@link WHOLE}: it shrinks towards the beginning. */
export const part: Arbitrary<number> = nat(WHOLE);

/** The place, 0 to `length`, that a part picks. */
export const placeOf = (picked: number, length: number): number =>
  Math.floor((picked / WHOLE) * length);
