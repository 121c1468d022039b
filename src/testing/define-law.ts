import {
  Arbitrary,
  check,
  limitShrink,
  property,
  type Random,
  type Stream,
  tuple,
  type Value,
} from "fast-check";
import { neverReturns, OVERDUE, within } from "./deadline.ts";
import { Leading, type Led } from "./lead.ts";
import type { Subject } from "./subject.ts";
import { Violation } from "./violation.ts";

/** The outcome of running a law. */
export interface Trial {
  readonly failed: boolean;
  readonly seed: number;
  readonly runs: number;
  readonly shrinks: number;
  /** The arguments of `test` that broke the law. */
  readonly counterexample: readonly unknown[] | undefined;
  readonly error: unknown;
  /** True if a call did not return. */
  readonly hung?: boolean | undefined;
}

/** Settings for running a law. */
export interface Course {
  /** @defaultValue the number that the law needs */
  readonly numRuns?: number | undefined;
  readonly seed: number;
  /** Time limit of a call, in milliseconds. */
  readonly deadline: number;
  /** Returns the first cases. */
  lead(subject: Subject): readonly Led[];
}

/** A law that applies to any protocol; made by `defineLaw`. */
export interface LawDefinition {
  readonly name: string;
  /** One sentence: the failure in practice if a protocol breaks this law. */
  readonly why: string;
  /** Names of laws that the same mistakes break and that describe the mistake better. */
  readonly follows: readonly string[];
  /** True for a law about `encode`. */
  readonly ofEncode: boolean;
  readonly applies: (subject: Subject) => boolean;
  readonly run: (subject: Subject, course: Course) => Trial;
}

/** The definition of a law: its cases, and the test of one case. */
export interface LawParts<Ts extends unknown[]> {
  readonly name: string;
  readonly why: string;
  /**
   * Number of cases.
   * @defaultValue 200
   */
  readonly runs?: number;
  /**
   * True for a law that reads each frame only a few times: it also receives frames of several megabytes.
   * @defaultValue false
   */
  readonly large?: boolean;
  /** @defaultValue none */
  readonly follows?: readonly string[];
  /** @defaultValue false */
  readonly ofEncode?: boolean;
  /** @defaultValue every codec */
  readonly applies?: (subject: Subject) => boolean;
  /** Arbitraries for the arguments of `test`; reports show the first one as the value. */
  cases(subject: Subject): { [K in keyof Ts]: Arbitrary<Ts[K]> };
  /** Throws `Violation` if the law does not hold. */
  test(subject: Subject, ...args: Ts): void;
}

// A smaller counterexample is better, but shrinking must not take a minute.
const MOST_SHRINKS = 1500;
/** A case is given up after this many times the time limit of a call. */
const MOST_TIMES = 60;

/** @internal */
export function defineLaw<Ts extends unknown[]>(parts: LawParts<Ts>): LawDefinition {
  const {
    name,
    why,
    runs = 200,
    large = false,
    follows = [],
    ofEncode = false,
    applies = () => true,
  } = parts;
  return {
    name,
    why,
    follows,
    ofEncode,
    applies,
    run: (subject, course) => withShortStacks(() => run(subject, course)),
  };

  function run(subject: Subject, { numRuns = runs, seed, deadline, lead }: Course): Trial {
    // If the law is interrupted, cases that held need not run again.
    let held = 0;
    let current: { readonly given: Ts; readonly turn: number } | undefined;
    const { values } = subject;
    let begun: { readonly leading: Leading; readonly cases: Arbitrary<Ts> } | undefined;
    const begin = (): NonNullable<typeof begun> => {
      const leading = new Leading(values, lead(subject), large);
      subject.values = leading;
      return { leading, cases: tuple<Ts>(...parts.cases(subject)) };
    };
    const once = (): Trial => {
      begun ??= begin();
      const { leading, cases } = begun;
      let turn = 0;
      let hasFailed = false;
      const turns = new Turns(cases, () => leading.begin(turn));
      const tried = property(limitShrink(turns, MOST_SHRINKS), (given) => {
        const mine = turn++;
        if (!hasFailed && mine < held) return;
        current = { given, turn: mine };
        try {
          parts.test(subject, ...given);
          if (!hasFailed) held = mine + 1;
        } catch (error) {
          hasFailed = true;
          throw error;
        }
      });
      const details = check(tried, { numRuns, seed });
      return {
        failed: details.failed,
        seed: details.seed,
        runs: details.numRuns,
        shrinks: details.numShrinks,
        counterexample: details.counterexample?.[0],
        error: details.errorInstance,
      };
    };
    let last = -1;
    for (let time = deadline / 2; ; time *= 2) {
      const began = Date.now();
      const trial = within(time, once);
      if (trial !== OVERDUE) return trial;
      const call = subject.call;
      const hangs =
        call !== undefined &&
        Date.now() - Math.max(call.since, began) >= deadline / 4 &&
        neverReturns(deadline, call.again);
      const { given, turn = 0 } = current ?? {};
      const isStuck = turn === last && time > MOST_TIMES * deadline;
      last = turn;
      if (!hangs && !isStuck) continue;
      const took = hangs ? deadline : time;
      const what = hangs ? call.what : `the case (last call: ${call?.what ?? "none"})`;
      const error = new Violation(
        `${what} did not return within ${took / 1000} s${hangs && call.bytes ? " for these bytes" : ""}`,
        { bytes: call?.bytes },
      );
      return {
        failed: true,
        seed,
        runs: turn + 1,
        shrinks: 0,
        counterexample: given ?? [call?.value],
        error,
        hung: true,
      };
    }
  }
}

/** Number of stack frames that a report of a codec's error needs. */
const STACK = 8;

/** Codecs throw thousands of errors in a test, and capturing stacks is most of their cost. */
function withShortStacks<T>(run: () => T): T {
  const engine = Error as { stackTraceLimit?: number };
  const before = engine.stackTraceLimit;
  if (before === undefined) return run();
  engine.stackTraceLimit = Math.min(before, STACK);
  try {
    return run();
  } finally {
    engine.stackTraceLimit = before;
  }
}

/** Reports when a case begins. */
class Turns<T> extends Arbitrary<T> {
  readonly #cases: Arbitrary<T>;
  readonly #begin: () => void;

  constructor(cases: Arbitrary<T>, begin: () => void) {
    super();
    this.#cases = cases;
    this.#begin = begin;
  }

  override generate(random: Random, bias: number | undefined): Value<T> {
    this.#begin();
    return this.#cases.generate(random, bias);
  }

  override canShrinkWithoutContext(value: unknown): value is T {
    return this.#cases.canShrinkWithoutContext(value);
  }

  override shrink(value: T, context: unknown): Stream<Value<T>> {
    return this.#cases.shrink(value, context);
  }
}

/**
 * True for a protocol with complete frames; exempts pieces, which depend on how many bytes are available.
 * @internal
 */
export const isFramed = (subject: Subject): boolean => subject.framed && !subject.loose;
