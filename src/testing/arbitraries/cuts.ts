import { type Arbitrary, array, constant, integer, oneof, record } from "fast-check";
import { part, placeOf, WHOLE } from "./part.ts";

/**
 * Cuts for bytes that are not known yet: fractions of their length and distances from frame ends, so that
 * cuts and values shrink independently. Scaled by {@link cutPositions}.
 */
export type Cuts = readonly Cut[] | { readonly step: number };

interface Cut {
  /** The position, as a part of {@link WHOLE}. */
  readonly part: number;
  /** Distance in bytes from the end of the frame that `part` selects; without it, `part` selects a byte. */
  readonly near?: number | undefined;
}

/**
 * All bytes at once, cuts anywhere, cuts around the ends of frames (near headers), and steps of equal size.
 */
export const cuts: Arbitrary<Cuts> = oneof(
  {
    arbitrary: array(
      oneof(record({ part, near: integer({ min: -6, max: 24 }) }), record({ part })),
      { maxLength: 8 },
    ),
    weight: 6,
  },
  { arbitrary: record({ step: integer({ min: 1, max: 7 }) }), weight: 1 },
  { arbitrary: constant({ step: 1 }), weight: 1 },
);

// One byte per chunk, but never more chunks than this: a law stays linear in the number of bytes.
const MOST_CHUNKS = 2048;

/**
 * Positions in `length` bytes, in order; two equal positions make an empty chunk.
 *
 * @param ends - the ends of the frames, in order, for cuts near a frame's end
 */
export function cutPositions(spec: Cuts, length: number, ends: readonly number[]): number[] {
  if ("step" in spec) {
    const step = Math.max(spec.step, Math.ceil(length / MOST_CHUNKS));
    const positions: number[] = [];
    for (let at = step; at < length; at += step) positions.push(at);
    return positions;
  }
  const starts = [0, ...ends];
  return spec
    .map(({ part: picked, near }) => {
      if (near === undefined) return placeOf(picked, length);
      const at = starts[Math.floor((picked / (WHOLE + 1)) * starts.length)]! + near;
      return Math.min(Math.max(at, 0), length);
    })
    .sort((a, b) => a - b);
}

/**
 * The pieces between cuts. Each is a view into its own memory, poisoned around it, as sockets deliver them.
 */
export function cutUp(bytes: Uint8Array, positions: readonly number[]): Uint8Array<ArrayBuffer>[] {
  let start = 0;
  return [...positions, bytes.length].map((end, i) => {
    const around = 3 + (i % 5);
    const memory = new Uint8Array(end - start + 2 * around).fill(0xa5);
    memory.set(bytes.subarray(start, end), around);
    const chunk = memory.subarray(around, around + end - start);
    start = end;
    return chunk;
  });
}
