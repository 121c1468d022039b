import { EQUAL } from "./equal.ts";
import type { Mutant } from "./mutate.ts";

/** A mutant that no test can tell from the source. */
export interface Equal {
  /** Path below src/core. */
  readonly file: string;
  /** The line without indentation. If it occurs more than once, with lines before it. */
  readonly line: string;
  /** `before -> after`, as the run prints it, white space as one space each. */
  readonly change: string;
  /** Which one, if a line has the same change several times. */
  readonly nth?: number;
  /** Why no test can tell. */
  readonly reason: string;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ");

/**
 * The mutants listed in equal.ts, with their reasons.
 *
 * @throws Error if an entry matches none of the mutants, or several
 */
export function equalMutants(
  mutants: readonly Mutant[],
  sources: ReadonlyMap<string, string>,
): ReadonlyMap<Mutant, string> {
  const found = new Map<Mutant, string>();
  for (const { file, line, change, nth, reason } of EQUAL) {
    const wanted = line.split("\n");
    const lines = (sources.get(`src/core/${file}`) ?? "").split("\n").map((text) => text.trim());
    const matching = mutants
      .filter(
        (mutant) =>
          mutant.file === `src/core/${file}` &&
          `${oneLine(mutant.before)} -> ${oneLine(mutant.after)}` === change &&
          lines.slice(mutant.line - wanted.length, mutant.line).join("\n") === line,
      )
      .sort((a, b) => a.start - b.start);
    const chosen = nth === undefined ? matching : matching.slice(nth, nth + 1);
    if (chosen.length !== 1) {
      throw new Error(`equal.ts: ${chosen.length} mutants are ${file}: ${line}: ${change}`);
    }
    found.set(chosen[0]!, reason);
  }
  return found;
}
