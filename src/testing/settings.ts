import { type Parameters, readConfigureGlobal } from "fast-check";

/** How often, and from which seed. */
export interface RunOptions {
  /**
   * Values that each law is tried with. The environment variable FC_NUM_RUNS overrides it.
   * @defaultValue what `fc.configureGlobal` says, else 100
   */
  readonly runs?: number | undefined;
  /**
   * Start of the random numbers; the environment variable FC_SEED overrides it.
   * @defaultValue what `fc.configureGlobal` says, else another one each time
   */
  readonly seed?: number | undefined;
}

/**
 * What fast-check is to be run with. The environment has the last word: it is where a longer run in CI, or the
 * replay of a failure, is asked for without editing a test.
 * @internal
 */
export function settings(options: RunOptions): Parameters<unknown> {
  const configured = readConfigureGlobal();
  const numRuns = variable("FC_NUM_RUNS") ?? options.runs ?? configured.numRuns ?? 100;
  const seed = variable("FC_SEED") ?? options.seed ?? configured.seed;
  return seed === undefined ? { numRuns } : { numRuns, seed };
}

interface Host {
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
}

/** An integer in the environment; browsers have none. */
function variable(name: string): number | undefined {
  const text = (globalThis as Host).process?.env?.[name];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (Number.isInteger(value)) return value;
  throw new RangeError(`${name} must be an integer, not ${JSON.stringify(text)}`);
}
