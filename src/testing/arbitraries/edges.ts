import { type Arbitrary, constantFrom, integer, oneof } from "fast-check";

/** Integers of a field; its limits and values around zero are more frequent. */
export function field(min: number, max: number): Arbitrary<number> {
  const edges = [0, 1, -1, min, min + 1, max - 1, max];
  const within = edges.filter((edge) => edge >= min && edge <= max);
  return oneof(
    { withCrossShrink: true },
    { arbitrary: integer({ min, max }), weight: 2 },
    { arbitrary: constantFrom(...within), weight: 1 },
  );
}

/** Values of an unsigned 32-bit field. */
export const u32: Arbitrary<number> = field(0, 0xffff_ffff);
