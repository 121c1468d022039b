import type { Equal } from "./equal-mutants.ts";

/**
 * Mutants that change nothing but speed, or a value that no one can observe. A mutant belongs here only if no test can
 * tell it from the source: not if it changes an error, a text, memory that is held, or how often a user's function is
 * called.
 */
export const EQUAL: readonly Equal[] = [
  {
    file: "output.ts",
    line: "if (length > 8) this.#slab.set(given, at);",
    change: "length > 8 -> length >= 8",
    reason: "eight bytes are copied by a call or by hand",
  },
];
