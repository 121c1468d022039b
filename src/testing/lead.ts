import { Arbitrary, type Random, type Stream, sample, Value } from "fast-check";
import { type Made, type Watch, watching } from "./arbitraries/lengths.ts";
import { contentOf, type Subject } from "./subject.ts";

/*
 * The first cases of each law are not left to chance: from many values of the arbitrary, one of each kind
 * that is often forgotten (empty, -0, `__proto__`, ...), and values with frames just as long as a length
 * field, a varint or `maxFrame` allows, and one byte shorter and longer. They are values of the arbitrary,
 * made again from the same random numbers: only the length of one part is set, by `lengths`, which `bytes`,
 * `text` and `valuesOf` use.
 */

/** Makes the same value of the arbitrary each time. */
type Recipe = (values: Arbitrary<unknown>) => Value<unknown>;

/** Number of values to search, and number of bytes in them that are enough. */
const SCOUTS = 250;
const ENOUGH = 2 ** 22;
/** fast-check makes every second part of a value a special one. */
const BIAS = 2;
/** Number of values with adjustable lengths to try. */
const MOST_BASES = 4;
const MOST_STEPS = 5;

/**
 * Lengths at which a length field overflows: it counts the whole frame, or the bytes after a header of up
 * to 8 bytes.
 */
const EDGES = [2 ** 7, 2 ** 8, 2 ** 14, 2 ** 16, 2 ** 21];
const [BELOW, ABOVE] = [-2, 8];
/** Above each edge, a frame for headers that are longer. */
const FAR = 300;
/** Frames of this length or more are made only for laws that read each frame once. */
const LARGE = 2 ** 20;

/** A recipe, and the length of its frame. */
export interface Led {
  readonly recipe: Recipe;
  readonly length: number;
}

/** Finds the first cases of all laws for a protocol, from one seed. */
export function leadOf(subject: Subject, values: Arbitrary<unknown>, seed: number): Led[] {
  const [lead] = sample(new Scout(subject, values), { seed, numRuns: 1 });
  return lead!;
}

class Scout extends Arbitrary<Led[]> {
  readonly #subject: Subject;
  readonly #values: Arbitrary<unknown>;

  constructor(subject: Subject, values: Arbitrary<unknown>) {
    super();
    this.#subject = subject;
    this.#values = values;
  }

  override generate(random: Random): Value<Led[]> {
    const kinds = new Set<string>();
    const led: Led[] = [];
    const bases: { state: Random; made: readonly Made[]; length: number }[] = [];
    let content = 0;
    for (let i = 0; i < SCOUTS && content < ENOUGH; i++) {
      const state = random.clone();
      const watch: Watch = { made: [] };
      const { value } = watching(watch, () => this.#values.generate(random, BIAS));
      content += contentOf(value);
      const news = kindsOf(value).filter((kind) => !kinds.has(kind));
      const isBase = bases.length < MOST_BASES && watch.made.some(({ min, max }) => max > min);
      if (news.length === 0 && !isBase) continue;
      const length = this.#subject.lengthOf(value);
      if (length === undefined) continue;
      if (news.length > 0) led.push({ recipe: recipeOf(state), length });
      for (const kind of news) kinds.add(kind);
      if (isBase) bases.push({ state, made: watch.made, length });
    }
    const { maxFrame } = this.#subject.reader();
    for (const target of targets(maxFrame)) {
      for (const { state, made, length } of bases) {
        const found = this.#steer(state, made, length, target);
        if (found === undefined) continue;
        led.push(found);
        break;
      }
    }
    return new Value(led, undefined);
  }

  override canShrinkWithoutContext(_: unknown): _ is Led[] {
    return false;
  }

  override shrink(): Stream<Value<Led[]>> {
    throw new Error("not shrunk");
  }

  /** Finds a value with a frame of the target length, by changing the length of the longest part. */
  #steer(state: Random, made: readonly Made[], length: number, target: number): Led | undefined {
    const at = made.reduce((best, { min, max }, i) => {
      const { min: least, max: most } = made[best]!;
      return max - min > most - least ? i : best;
    }, 0);
    const { min, max } = made[at]!;
    let part = made[at]!.length;
    let now = length;
    for (let step = 0; step < MOST_STEPS; step++) {
      if (now === target) return { recipe: recipeOf(state, { at, length: part }), length: now };
      part += target - now;
      if (part < min || part > max) return undefined;
      const recipe = recipeOf(state, { at, length: part });
      const next = this.#lengthOf(recipe);
      if (next === undefined) return undefined;
      now = next;
    }
    return undefined;
  }

  /** The length of the frame; undefined if the value cannot be made, or not be written. */
  #lengthOf(recipe: Recipe): number | undefined {
    let value: unknown;
    try {
      ({ value } = recipe(this.#values));
    } catch {
      return undefined;
    }
    return this.#subject.lengthOf(value);
  }
}

const recipeOf =
  (state: Random, other?: Watch["other"]): Recipe =>
  (values) =>
    watching({ made: [], other }, () => values.generate(state.clone(), BIAS));

/** Target lengths of frames, ascending. */
function targets(maxFrame: number): readonly number[] {
  const all = [maxFrame - 1, maxFrame, maxFrame + 1];
  for (const edge of EDGES) {
    const [from, to] = edge >= LARGE ? [-1, 5] : [BELOW, ABOVE];
    for (let add = from; add <= to; add++) all.push(edge + add);
    if (edge < LARGE) all.push(edge + FAR);
  }
  const within = all.filter((length) => length > 0 && length <= maxFrame + 1);
  // Longer frames are too slow for any test.
  return [...new Set(within)].filter((length) => length <= 2 ** 22).sort((a, b) => a - b);
}

const DEEPEST = 6;

/** The special kinds of a value and of its contents. */
function kindsOf(value: unknown, depth = 0): readonly string[] {
  if (value === undefined || value === null) return [String(value)];
  if (typeof value === "string") {
    if (value === "") return ["empty text"];
    return value === "__proto__" ? ["__proto__ as a text"] : ["text"];
  }
  if (typeof value === "number") return [numberKind(value)];
  if (typeof value !== "object") return [`${typeof value} ${value}`.slice(0, 12)];
  if (ArrayBuffer.isView(value)) return [value.byteLength === 0 ? "no bytes" : "bytes"];
  if (depth >= DEEPEST) return [];
  if (Array.isArray(value)) {
    const kind = value.length === 0 ? "empty list" : value.length === 1 ? "list of one" : "list";
    return [kind, ...value.slice(0, 20).flatMap((item) => kindsOf(item, depth + 1))];
  }
  if (value instanceof Map || value instanceof Set) {
    return [value.size === 0 ? "empty map" : "map", ...kindsOf([...value], depth + 1)];
  }
  const names = Object.keys(value);
  const kinds = names.length === 0 ? ["empty object"] : [];
  if (names.includes("__proto__")) kinds.push("__proto__");
  if (names.includes("")) kinds.push("empty name");
  return [...kinds, ...Object.values(value).flatMap((item) => kindsOf(item, depth + 1))];
}

function numberKind(value: number): string {
  if (Object.is(value, -0)) return "-0";
  if (value === 0 || !Number.isFinite(value)) return String(value);
  if (!Number.isInteger(value)) return value < 0 ? "negative fraction" : "fraction";
  return value < 0 ? "negative" : "positive";
}

/**
 * Content above this size counts as large; a law receives a limited amount of it. For large frames, see
 * LARGE.
 */
const BIG = 2 ** 15;
const MOST = 2 ** 22;
const MOST_LARGE = 2 ** 24;
const MOST_AGAIN = 40;

/**
 * The values of a law: of the first ones, every second one is a lead value. Large values become rare after
 * many bytes were written, so a law takes about the same time for each protocol, with the same cases for
 * the same seed.
 * @internal
 */
export class Leading extends Arbitrary<unknown> {
  readonly #values: Arbitrary<unknown>;
  readonly #lead: readonly Led[];
  #next: Led | undefined;
  readonly #most: number;
  #written = 0;

  constructor(values: Arbitrary<unknown>, lead: readonly Led[], takesLarge: boolean) {
    super();
    this.#values = values;
    this.#most = takesLarge ? MOST_LARGE : MOST;
    this.#lead = takesLarge ? lead : lead.filter(({ length }) => length < LARGE);
  }

  /** Begins a case: its first value may be a lead value. */
  begin(turn: number): void {
    if (turn === 0) this.#written = 0;
    this.#next = turn % 2 === 0 ? this.#lead[turn / 2] : undefined;
  }

  override generate(random: Random, bias: number | undefined): Value<unknown> {
    const led = this.#next;
    this.#next = undefined;
    if (led !== undefined) return led.recipe(this.#values);
    for (let tries = 0; ; tries++) {
      const made = this.#values.generate(random, bias);
      const content = contentOf(made.value_);
      const isBig = content > BIG;
      if (isBig && this.#written > this.#most && tries < MOST_AGAIN) continue;
      if (isBig) this.#written += content;
      return made;
    }
  }

  override canShrinkWithoutContext(value: unknown): value is unknown {
    return this.#values.canShrinkWithoutContext(value);
  }

  override shrink(value: unknown, context: unknown): Stream<Value<unknown>> {
    return this.#values.shrink(value, context);
  }
}
