import { type Arbitrary, check, limitShrink, type Parameters, property, tuple } from "fast-check";
import type { Subject } from "./subject.ts";

/** The outcome of running a law. */
export interface Trial {
  readonly failed: boolean;
  readonly seed: number;
  readonly runs: number;
  readonly shrinks: number;
  /** What broke the law: the arguments of `test`. */
  readonly counterexample: readonly unknown[] | undefined;
  readonly error: unknown;
}

/** A law that any protocol can be put to; made by `defineLaw`. */
export interface LawDefinition {
  readonly name: string;
  /** One sentence: what goes wrong if a protocol breaks it. */
  readonly why: string;
  readonly applies: (subject: Subject) => boolean;
  readonly run: (subject: Subject, parameters: Parameters<unknown>) => Trial;
}

/** A law as it is written: its cases, and the test of one of them. */
export interface LawParts<Ts extends unknown[]> {
  readonly name: string;
  readonly why: string;
  /** @defaultValue every codec */
  readonly applies?: (subject: Subject) => boolean;
  /** The arguments of `test`; a report shows the first one as the value. */
  cases(subject: Subject): { [K in keyof Ts]: Arbitrary<Ts[K]> };
  /** Throws `Violation` if the law does not hold. */
  test(subject: Subject, ...args: Ts): void;
}

// Smaller is better, but not worth a minute for the last byte.
const MOST_SHRINKS = 1500;

/** @internal */
export function defineLaw<Ts extends unknown[]>(parts: LawParts<Ts>): LawDefinition {
  const { name, why, applies = () => true, cases, test } = parts;
  return {
    name,
    why,
    applies,
    run(subject, parameters) {
      const args = limitShrink(tuple<Ts>(...cases(subject)), MOST_SHRINKS);
      const tried = property(args, (given) => test(subject, ...given));
      const details = check(tried, parameters as Parameters<[Ts]>);
      return {
        failed: details.failed,
        seed: details.seed,
        runs: details.numRuns,
        shrinks: details.numShrinks,
        counterexample: details.counterexample?.[0],
        error: details.errorInstance,
      };
    },
  };
}

/** True for frames of a stream; pieces, which depend on how many bytes are at hand, are excused. @internal */
export const isFramed = (subject: Subject): boolean => subject.framed && !subject.loose;
