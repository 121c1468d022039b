import { type Arbitrary, check, limitShrink, type Parameters, property, tuple } from "fast-check";
import type { Subject } from "./subject.ts";

/** How it went. */
export interface Trial {
  readonly failed: boolean;
  readonly seed: number;
  readonly runs: number;
  readonly shrinks: number;
  /** What broke the law: the arguments of `test`. */
  readonly counterexample: readonly unknown[] | undefined;
  readonly error: unknown;
}

/** A law, before a protocol is put to it. */
export interface LawDefinition {
  readonly name: string;
  /** One sentence: what goes wrong for who breaks it. */
  readonly why: string;
  readonly applies: (subject: Subject) => boolean;
  readonly run: (subject: Subject, parameters: Parameters<unknown>) => Trial;
}

interface Definition<Ts extends unknown[]> {
  readonly name: string;
  readonly why: string;
  /** @defaultValue every codec */
  readonly applies?: (subject: Subject) => boolean;
  /** What it is tried with; the first one is what a report shows as the value. */
  cases(subject: Subject): { [K in keyof Ts]: Arbitrary<Ts[K]> };
  /** Throws `Violation` where the law does not hold. */
  test(subject: Subject, ...args: Ts): void;
}

// Smaller is better, but nobody waits a minute for the last byte.
const MOST_SHRINKS = 1500;

/** @internal */
export function defineLaw<Ts extends unknown[]>(definition: Definition<Ts>): LawDefinition {
  const { name, why, applies = () => true, cases, test } = definition;
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

/** @internal */
export const isFramed = (subject: Subject): boolean => subject.framed;
