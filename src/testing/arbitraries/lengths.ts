import { Arbitrary, integer, type Random, type Stream, Value } from "fast-check";

/** Options for {@link lengths}. */
export interface LengthsOptions {
  /**
   * Shortest length.
   * @defaultValue 0
   */
  readonly min?: number | undefined;
  /**
   * Longest length: often a protocol's `maxFrame`.
   * @defaultValue 70000, slightly above the 16-bit limit
   */
  readonly max?: number | undefined;
}

// Slightly above the limit of a 16-bit length.
const DEFAULT_MAX = 70_000;

// Lengths at which length fields overflow: seven bits (varints, signed bytes), a byte, two varint bytes,
// two bytes.
const EDGES = [2 ** 7, 2 ** 8, 2 ** 14, 2 ** 16];

/** Lengths from here on cost time, so larger edges are less frequent. */
const LARGE = 2 ** 17;

/**
 * Lengths that find bugs: 0, 1, both sides of 2^7, 2^8, 2^14, 2^16 and of `max`, mixed with many small
 * ones. They shrink like integers, toward `min`.
 *
 * (`fc.nat` and the lengths of `fc.uint8Array` stay near ten at the default size, so they miss a length
 * byte that overflows.)
 *
 * @example
 * ```ts
 * import fc from "fast-check";
 * import { lengths } from "framewright/testing";
 *
 * const made = fc.sample(lengths({ max: 1000 }), { numRuns: 1000, seed: 1 });
 * console.log(made.includes(0), made.includes(255), made.includes(256), made.includes(1000));
 * //=> true true true true
 * console.log(Math.max(...made) <= 1000);
 * //=> true
 * ```
 *
 * @throws RangeError unless `min` and `max` are integers with 0 <= min <= max
 */
export function lengths(options: LengthsOptions = {}): Arbitrary<number> {
  const { min = 0, max = Math.max(DEFAULT_MAX, min) } = options;
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min < 0 || max < min) {
    throw new RangeError(
      `lengths: min and max must be integers with 0 <= min <= max, not ${min} and ${max}`,
    );
  }
  return new Lengths(min, max, max);
}

/**
 * Lengths from `min` to `max`, of which the first cases of a law may make one as long as `reach`.
 * @internal
 */
export function stretchable(min: number, max: number, reach: number): Arbitrary<number> {
  return new Lengths(min, max, Math.max(max, reach));
}

/** A length that was made, and the range in which it can be replaced. */
export interface Made {
  readonly min: number;
  readonly max: number;
  readonly length: number;
}

/** Records the lengths that are made, in order, and replaces one of them. */
export interface Watch {
  readonly made: Made[];
  readonly other?: { readonly at: number; readonly length: number } | undefined;
}

let watch: Watch | undefined;

/** Runs a function and observes the lengths that it makes. */
export function watching<T>(by: Watch, run: () => T): T {
  const outer = watch;
  watch = by;
  try {
    return run();
  } finally {
    watch = outer;
  }
}

class Lengths extends Arbitrary<number> {
  readonly #plain: Arbitrary<number>;
  readonly #min: number;
  readonly #max: number;
  readonly #reach: number;
  readonly #edges: readonly number[];

  constructor(min: number, max: number, reach: number) {
    super();
    this.#min = min;
    this.#max = max;
    this.#reach = reach;
    this.#plain = integer({ min, max: reach });
    this.#edges = EDGES.filter((edge) => edge - 1 >= min && edge - 1 <= max);
  }

  override generate(random: Random): Value<number> {
    const picked = this.#pick(random);
    const isOther = watch?.other !== undefined && watch.other.at === watch.made.length;
    const wanted = isOther ? watch!.other!.length : picked;
    const length = Math.min(Math.max(wanted, this.#min), isOther ? this.#reach : this.#max);
    watch?.made.push({ min: this.#min, max: this.#reach, length });
    return new Value(length, undefined);
  }

  /** Out of 32: ten very small, eight at an edge, eight of medium size, six near `max`. */
  #pick(random: Random): number {
    const kind = random.nextInt(0, 31);
    if (kind < 10) return this.#min + random.nextInt(0, kind < 4 ? 1 : 16);
    if (kind < 18 && this.#edges.length > 0) {
      const edge = this.#edges[random.nextInt(0, this.#edges.length - 1)]!;
      // The field may also count a header, so the range below the edge is wider.
      return edge + (kind < 14 ? random.nextInt(-1, 1) : random.nextInt(-6, 2));
    }
    if (kind < (this.#max > LARGE ? 31 : 26)) {
      return this.#min + random.nextInt(0, Math.min(300, this.#max - this.#min));
    }
    return this.#max - random.nextInt(0, random.nextInt(0, 1) === 0 ? 2 : 24);
  }

  override canShrinkWithoutContext(value: unknown): value is number {
    return this.#plain.canShrinkWithoutContext(value);
  }

  override shrink(value: number): Stream<Value<number>> {
    return this.#plain.shrink(value, undefined);
  }
}
