import { Arbitrary, type Random, Stream, Value } from "fast-check";
import { type LengthsOptions, lengths, stretchable } from "./lengths.ts";

/** The lengths of the byte arrays, or the protocol that limits them with its `maxFrame`. */
export type BytesOptions = LengthsOptions | { readonly maxFrame: number };

/**
 * Byte arrays with lengths that find bugs (see {@link lengths}) and contents that find bugs: random, all
 * zeros, all ones, text, line ends, and bytes that delimit and escape. A large array costs no more than
 * filling it. They shrink to fewer bytes, then to smaller ones.
 *
 * @param options - a protocol (or any object with a `maxFrame`), or the lengths to make
 * @defaultValue options `{ min: 0, max: 70000 }`
 *
 * @example
 * ```ts
 * import fc from "fast-check";
 * import { lengthPrefixed, raw } from "framewright";
 * import { bytes, laws } from "framewright/testing";
 *
 * const messages = lengthPrefixed({ width: 2 }).wrap(raw());
 * for (const law of laws(messages, bytes(messages), { runs: 20 })) await law.check();
 * console.log(fc.sample(bytes({ min: 3, max: 3 }), 1)[0]?.length);
 * //=> 3
 * ```
 */
export function bytes(options: BytesOptions = {}): Arbitrary<Uint8Array<ArrayBuffer>> {
  const range = "maxFrame" in options ? { max: options.maxFrame } : options;
  return new Bytes(lengths(range), range.min ?? 0);
}

/**
 * The same, with lengths from `min` to `max`, of which the first cases of a law may make one as long as
 * `reach`.
 * @internal
 */
export const stretchableBytes = (
  min: number,
  max: number,
  reach: number,
): Arbitrary<Uint8Array<ArrayBuffer>> => new Bytes(stretchable(min, max, reach), min);

type Filled = Uint8Array<ArrayBuffer>;

const LETTERS = [...Array(26).keys()].map((i) => 0x61 + i);

// Zero, CR, LF, space, quote, comma, digits, colon, brackets, braces, backslash: bytes that delimit and
// escape.
const SIGNS = [0x00, 0x0a, 0x0d, 0x0d, 0x20, 0x22, 0x2c, 0x30, 0x31, 0x3a, 0x5b, 0x5c, 0x7b, 0x7d];
const LINES = [0x0a, 0x0d, 0x61];
const EXTREMES = [0x00, 0x01, 0x7f, 0x80, 0xff];
const PALETTES = [LETTERS, SIGNS, LINES, EXTREMES, [0x00], [0xff]];
/** Bytes that may be lost at the end of a body: line ends, spaces, zeros. */
const LAST = [0x00, 0x0a, 0x0d, 0x20];

/** Longer arrays shrink by length only: no one reads so many bytes one by one. */
const READABLE = 32;

class Bytes extends Arbitrary<Filled> {
  readonly #lengths: Arbitrary<number>;
  readonly #min: number;

  constructor(made: Arbitrary<number>, min: number) {
    super();
    this.#lengths = made;
    this.#min = min;
  }

  override generate(random: Random, bias: number | undefined): Value<Filled> {
    const filled = new Uint8Array(this.#lengths.generate(random, bias).value);
    fill(filled, random);
    return new Value(filled, undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is Filled {
    return value instanceof Uint8Array && this.#lengths.canShrinkWithoutContext(value.length);
  }

  override shrink(value: Filled): Stream<Value<Filled>> {
    const shorter = this.#lengths
      .shrink(value.length, undefined)
      .map((length) => value.slice(0, length.value));
    return shorter
      .join(value.length > READABLE ? plainer(value) : without(value, this.#min))
      .join(value.length > READABLE ? Stream.nil<Filled>() : smaller(value))
      .map((shrunk) => new Value(shrunk, undefined));
  }
}

/** Random numbers are expensive: a long array repeats a short random one, shifted by one byte each time. */
function fill(into: Filled, random: Random): void {
  const kind = random.nextInt(0, 2 * PALETTES.length - 1);
  const palette = PALETTES[kind];
  const drawn = Math.min(into.length, 256);
  for (let i = 0; i < drawn; i++) {
    into[i] = palette ? palette[random.nextInt(0, palette.length - 1)]! : random.nextInt(0, 255);
  }
  const step = palette ? 0 : 1;
  for (let i = drawn; i < into.length; i++) into[i] = into[i - drawn]! + step;
  if (random.nextInt(0, 7) === 0 && drawn > 0) {
    into[into.length - 1] = LAST[random.nextInt(0, LAST.length - 1)]!;
  }
}

/** All zeros, unless the value is all zeros already. */
function* zeroed(value: Filled): IterableIterator<Filled> {
  if (value.some((byte) => byte !== 0)) yield new Uint8Array(value.length);
}

const plainer = (value: Filled): Stream<Filled> => new Stream(zeroed(value));

/** One byte removed, at each position. */
function* eachRemoved(value: Filled, min: number): IterableIterator<Filled> {
  if (value.length <= min) return;
  for (let i = 0; i < value.length; i++) {
    const shrunk = new Uint8Array(value.length - 1);
    shrunk.set(value.subarray(0, i));
    shrunk.set(value.subarray(i + 1), i);
    yield shrunk;
  }
}

const without = (value: Filled, min: number): Stream<Filled> => new Stream(eachRemoved(value, min));

/** Zeros instead of all bytes, of each half, of each quarter ...; then each byte halved. */
function* eachSmaller(value: Filled): IterableIterator<Filled> {
  for (let size = value.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < value.length; at += size) {
      if (!value.subarray(at, at + size).some((byte) => byte !== 0)) continue;
      yield value.slice().fill(0, at, at + size);
    }
  }
  for (let i = 0; i < value.length; i++) {
    if (value[i]! < 2) continue;
    const shrunk = value.slice();
    shrunk[i]! >>= 1;
    yield shrunk;
  }
}

const smaller = (value: Filled): Stream<Filled> => new Stream(eachSmaller(value));
