import { Arbitrary, integer, type Random, type Stream, Value } from "fast-check";

/** Which lengths to make. */
export interface LengthsOptions {
  /**
   * Shortest length.
   * @defaultValue 0
   */
  readonly min?: number | undefined;
  /**
   * Longest length: often a protocol's `maxFrame`.
   * @defaultValue 70000, a little more than 16 bits can count
   */
  readonly max?: number | undefined;
}

// A little more than a 16-bit length can say.
const DEFAULT_MAX = 70_000;

// Where length fields run over: seven bits (varints, signed bytes), a byte, two varint bytes, two bytes.
const EDGES = [2 ** 7, 2 ** 8, 2 ** 14, 2 ** 16];

/** From here on a length costs time, so that edges above it come less often. */
const LARGE = 2 ** 17;

/**
 * Lengths where bugs live: 0, 1, both sides of 2^7, 2^8, 2^14, 2^16 and of `max`, between many small ones. They
 * shrink as integers do, towards `min`.
 *
 * (`fc.nat` and the lengths of `fc.uint8Array` stay near ten at the default size: a length byte that
 * overflows survives them.)
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
 * @throws RangeError when `min` and `max` are not integers with 0 <= min <= max
 */
export function lengths(options: LengthsOptions = {}): Arbitrary<number> {
  const { min = 0, max = Math.max(DEFAULT_MAX, min) } = options;
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min < 0 || max < min) {
    throw new RangeError(`lengths: no integers from ${min} to ${max}`);
  }
  return new Lengths(min, max);
}

/** A length that was made, and what it could have been. */
export interface Made {
  readonly min: number;
  readonly max: number;
  readonly length: number;
}

/** Lengths that are made meanwhile, in order; and one of them that is to be another one. */
export interface Watch {
  readonly made: Made[];
  readonly other?: { readonly at: number; readonly length: number } | undefined;
}

let watch: Watch | undefined;

/** Runs a function, and sees the lengths that are made by it. */
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
  readonly #edges: readonly number[];

  constructor(min: number, max: number) {
    super();
    this.#min = min;
    this.#max = max;
    this.#plain = integer({ min, max });
    this.#edges = EDGES.filter((edge) => edge - 1 >= min && edge - 1 <= max);
  }

  override generate(random: Random): Value<number> {
    const picked = this.#pick(random);
    const isOther = watch?.other !== undefined && watch.other.at === watch.made.length;
    const wanted = isOther ? watch!.other!.length : picked;
    const length = Math.min(Math.max(wanted, this.#min), this.#max);
    watch?.made.push({ min: this.#min, max: this.#max, length });
    return new Value(length, undefined);
  }

  /** Of 32: ten tiny ones, eight at an edge, eight of middling size, six near `max`. */
  #pick(random: Random): number {
    const kind = random.nextInt(0, 31);
    if (kind < 10) return this.#min + random.nextInt(0, kind < 4 ? 1 : 16);
    if (kind < 18 && this.#edges.length > 0) {
      const edge = this.#edges[random.nextInt(0, this.#edges.length - 1)]!;
      // The field may count a header too, so the side below is wider.
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
