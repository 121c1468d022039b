import { type Arbitrary, check, type Parameters, property, tuple } from "fast-check";
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
export interface Rule {
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
  /** Throws `Broken` where the law does not hold. */
  test(subject: Subject, ...args: Ts): void;
}

/** @internal */
export function rule<Ts extends unknown[]>(definition: Definition<Ts>): Rule {
  const { name, why, applies = () => true, cases, test } = definition;
  return {
    name,
    why,
    applies,
    run(subject, parameters) {
      const tried = property(tuple<Ts>(...cases(subject)), (args) => test(subject, ...args));
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
