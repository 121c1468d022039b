import { type Arbitrary, readConfigureGlobal } from "fast-check";
import type { Codec } from "../core/index.ts";
import type { Several } from "./several.ts";

/** How often a law is tried, and from which seed. */
export interface RunOptions {
  /**
   * Number of values. The environment variable FC_NUM_RUNS overrides it.
   * @defaultValue the one of `fc.configureGlobal`, else as many as each law needs: 1000 for laws that cost little, 60
   *   to 500 for laws that read each frame many times. 100 for `sessions`
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
   * encoding their value gives, or the law "canonical" is broken. If it is not given, the law always holds, and its
   * `notes` list other spellings that are read as the same value. With false it is left out.
   * @defaultValue undefined
   */
  readonly canonical?: boolean | undefined;

  /**
   * Returns true for a byte of a frame that readers ignore, such as a reserved one. With `at === bytes.length`: true if they
   * ignore further bytes at the end of a frame, as extensions of a protocol. For the law "every byte counts".
   * @defaultValue none is ignored
   */
  readonly ignores?: ((bytes: Uint8Array, at: number) => boolean) | undefined;

  /**
   * How long one call of the protocol may take, in milliseconds. A law with a call that does not return by then is
   * broken, and its report shows the bytes. Only in Node 20.16, 22.3 and newer, and not while a debugger is attached:
   * elsewhere such a call hangs the test.
   * @defaultValue 1000
   */
  readonly deadline?: number | undefined;

  /**
   * Compares two received values.
   * @defaultValue {@link equal}, which compares contents and ignores prototypes
   */
  readonly equal?: ((a: Out, b: Out) => boolean) | undefined;
}

/** Options of `laws` for a protocol that only reads; see {@link LawOptions} for the others. */
export interface DecodeOnlyOptions<in out Out>
  extends Omit<LawOptions<Uint8Array, Out>, "reader" | "refused" | "canonical"> {
  /** The arbitrary makes frames, as bytes, and `encode` of the protocol is not called. */
  readonly decodeOnly: true;
}

/**
 * The parameters for fast-check. The environment overrides the options: so a longer run in CI, or the replay of
 * a failure, needs no edit of a test.
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
