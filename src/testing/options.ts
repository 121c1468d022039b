import { type Arbitrary, readConfigureGlobal } from "fast-check";
import type { Codec } from "../core/index.ts";
import type { Several } from "./several.ts";

/** Number of runs, and the seed. */
export interface RunOptions {
  /**
   * Number of values. The environment variable FC_NUM_RUNS overrides it.
   * @defaultValue the value of `fc.configureGlobal`, else as many as each law needs: 1000 for fast laws, 60
   *   to 500 for laws that read each frame many times. 100 for `sessions`
   */
  readonly runs?: number | undefined;
  /**
   * Seed of the random numbers. The environment variable FC_SEED overrides it.
   * @defaultValue the value of `fc.configureGlobal`, else a different seed each time
   */
  readonly seed?: number | undefined;
}

/** Options for `laws`: expected values, another reader, values to refuse, number of runs. */
export interface LawOptions<in out In, in out Out> extends RunOptions {
  /**
   * Returns the received value for a sent one, if they differ: with defaults filled in, or without a field
   * that only one side has. Return {@link several} if one frame carries several values.
   * @defaultValue the value itself
   */
  readonly expected?: ((sent: In) => Out | Several<Out>) | undefined;

  /**
   * Reads the frames that the protocol writes: the other side of a protocol with different directions, or
   * another implementation of it.
   * @defaultValue the protocol itself
   */
  readonly reader?: Codec<never, Out> | undefined;

  /** Values that the protocol must refuse to write. With it, the law "refusal" is tested. */
  readonly refused?: Arbitrary<unknown> | undefined;

  /**
   * True if each value has only one encoding. Then all bytes that are accepted, including mutated ones,
   * must equal the encoding of their value; otherwise the law "canonical" is broken. If undefined, the law
   * always holds, and its `notes` list other spellings that are read as the same value. If false, the law
   * is left out.
   * @defaultValue undefined
   */
  readonly canonical?: boolean | undefined;

  /**
   * Returns true for a byte of a frame that readers ignore, for example a reserved one. With `at ===
   * bytes.length`: true if readers ignore extra bytes at the end of a frame, as extensions of a protocol.
   * For the law "every byte counts".
   * @defaultValue no byte is ignored
   */
  readonly ignores?: ((bytes: Uint8Array, at: number) => boolean) | undefined;

  /**
   * Time limit of one call of the protocol, in milliseconds. A call that takes longer breaks the law, and
   * the report shows its bytes. Works only in Node 20.16, 22.3 and newer, and not while a debugger is
   * attached: otherwise such a call hangs the test.
   * @defaultValue 1000
   */
  readonly deadline?: number | undefined;

  /**
   * Compares two received values.
   * @defaultValue {@link equal}, which compares contents and ignores prototypes
   */
  readonly equal?: ((a: Out, b: Out) => boolean) | undefined;
}

/** Options for `laws` with a protocol that only reads; see {@link LawOptions} for the others. */
export interface DecodeOnlyOptions<in out Out>
  extends Omit<LawOptions<Uint8Array, Out>, "reader" | "refused" | "canonical"> {
  /** The arbitrary makes frames, as bytes, and `encode` of the protocol is never called. */
  readonly decodeOnly: true;
}

/**
 * The parameters for fast-check. The environment overrides the options, so you can run longer in CI or
 * replay a failure without editing a test.
 * @internal
 */
export function runParameters(
  options: RunOptions,
  usual?: number,
): { readonly numRuns?: number; readonly seed: number } {
  const configured = readConfigureGlobal();
  const numRuns = variable("FC_NUM_RUNS") ?? options.runs ?? configured.numRuns ?? usual;
  const seed = variable("FC_SEED") ?? options.seed ?? configured.seed ?? anySeed();
  return numRuns === undefined ? { seed } : { numRuns, seed };
}

const anySeed = (): number => Math.floor((Math.random() - 0.5) * 2 ** 32);

interface Host {
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
}

/** The value of an environment variable. Browsers have no environment, and Deno may deny access to it. */
function environment(name: string): string | undefined {
  try {
    return (globalThis as Host).process?.env?.[name];
  } catch {
    return undefined;
  }
}

/** An environment variable that is an integer. */
function variable(name: string): number | undefined {
  const text = environment(name);
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (Number.isInteger(value)) return value;
  throw new RangeError(`${name} must be an integer, not ${JSON.stringify(text)}`);
}
