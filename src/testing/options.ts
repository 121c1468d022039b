import { type Arbitrary, type Parameters, readConfigureGlobal } from "fast-check";
import type { Codec } from "../core/index.ts";
import type { Several } from "./several.ts";

/** How often a law is tried, and from which seed. */
export interface RunOptions {
  /**
   * Number of values that each law is tried with. The environment variable FC_NUM_RUNS overrides it.
   * @defaultValue the one of `fc.configureGlobal`, else 100
   */
  readonly runs?: number | undefined;
  /**
   * Seed of the random numbers. The environment variable FC_SEED overrides it.
   * @defaultValue the one of `fc.configureGlobal`, else another one each time
   */
  readonly seed?: number | undefined;
}

/** Options of `laws`: what is received, who reads, what must be refused, how often. */
export interface LawOptions<in out In, in out Out> extends RunOptions {
  /**
   * The value that is received for a sent one, if it is not the same: with defaults filled in, or without a field
   * that only one side has. Return {@link several} if one frame carries several values.
   * @defaultValue the value itself
   */
  readonly expected?: ((sent: In) => Out | Several<Out>) | undefined;

  /**
   * Reads the frames that the protocol writes: the other side of a protocol whose directions differ, or another
   * implementation of it.
   * @defaultValue the protocol itself
   */
  readonly reader?: Codec<never, Out> | undefined;

  /** Values that the protocol must refuse to write. With it, the law "refusal" is tested. */
  readonly refused?: Arbitrary<unknown> | undefined;

  /**
   * True if each value has only one encoding. Then all bytes that are accepted, mutated ones too, must be what
   * encoding their value gives: the law "canonical".
   * @defaultValue false
   */
  readonly canonical?: boolean | undefined;

  /**
   * Returns true for a byte of a frame that readers ignore, such as a reserved one. With `at === bytes.length`: true if they
   * ignore further bytes at the end of a frame, as extensions of a protocol. For the law "every byte counts".
   * @defaultValue none is ignored
   */
  readonly ignores?: ((bytes: Uint8Array, at: number) => boolean) | undefined;

  /**
   * Compares two received values.
   * @defaultValue {@link equal}, which compares contents and ignores prototypes
   */
  readonly equal?: ((a: Out, b: Out) => boolean) | undefined;
}

/**
 * The parameters for fast-check. The environment overrides the options: so a longer run in CI, or the replay of
 * a failure, needs no edit of a test.
 * @internal
 */
export function runParameters(options: RunOptions): Parameters<unknown> {
  const configured = readConfigureGlobal();
  const numRuns = variable("FC_NUM_RUNS") ?? options.runs ?? configured.numRuns ?? 100;
  const seed = variable("FC_SEED") ?? options.seed ?? configured.seed;
  return seed === undefined ? { numRuns } : { numRuns, seed };
}

interface Host {
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
}

/** What the environment says; browsers have none, and in Deno a program may not be allowed to read it. */
function environment(name: string): string | undefined {
  try {
    return (globalThis as Host).process?.env?.[name];
  } catch {
    return undefined;
  }
}

/** An integer in the environment. */
function variable(name: string): number | undefined {
  const text = environment(name);
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (Number.isInteger(value)) return value;
  throw new RangeError(`${name} must be an integer, not ${JSON.stringify(text)}`);
}
