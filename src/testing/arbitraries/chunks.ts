import { Arbitrary, constant, tuple } from "fast-check";
import { cutPositions, cuts, cutUp } from "./cuts.ts";

/**
 * The same bytes in arbitrary chunks, as a socket might deliver them: whole, cut anywhere, one byte at a
 * time, with empty chunks between; each chunk is a view into a larger, poisoned buffer. Cuts are stored as
 * fractions, so they shrink independently of the bytes.
 *
 * @param bytes - the bytes, or an arbitrary of them
 *
 * @example
 * ```ts
 * import fc from "fast-check";
 * import { chunks } from "framewright/testing";
 *
 * const cut = fc.sample(chunks(Uint8Array.of(1, 2, 3)), { numRuns: 50, seed: 1 });
 * console.log(cut.every((pieces) => pieces.flatMap((piece) => [...piece]).join() === "1,2,3"));
 * //=> true
 * ```
 */
export function chunks(
  bytes: Uint8Array | Arbitrary<Uint8Array>,
): Arbitrary<Uint8Array<ArrayBuffer>[]> {
  const whole = bytes instanceof Arbitrary ? bytes : constant(bytes);
  return tuple(whole, cuts).map(([all, spec]) => cutUp(all, cutPositions(spec, all.length, [])));
}
