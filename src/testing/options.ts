import type { Arbitrary } from "fast-check";
import type { Codec } from "../core/index.ts";
import type { RunOptions } from "./settings.ts";

/** What the laws need to know of a protocol beside its values. */
export interface LawOptions<in out In, in out Out> extends RunOptions {
  /**
   * What is received when this value is sent, where that is not the value itself: a default filled in, a field
   * that only one side knows. {@link several} where one frame carries several values.
   * @defaultValue the value itself
   */
  readonly expected?: ((sent: In) => Out | Several<Out>) | undefined;

  /**
   * What reads the frames that the protocol writes: the other side of a protocol whose directions differ, or
   * another implementation of it.
   * @defaultValue the protocol itself
   */
  readonly reader?: Codec<never, Out> | undefined;

  /** Values that the protocol must refuse to write: with it, the law "refusal" is checked. */
  readonly refused?: Arbitrary<unknown> | undefined;

  /**
   * Has each value one encoding only? Then whatever bytes are accepted, also mutated ones, must be what encoding
   * the value gives.
   * @defaultValue false
   */
  readonly canonical?: boolean | undefined;

  /**
   * Are two received values the same?
   * @defaultValue {@link equal}, which compares contents and ignores prototypes
   */
  readonly equal?: ((a: Out, b: Out) => boolean) | undefined;
}

/** The values of one frame; see {@link several}. */
export interface Several<out T> {
  /** In the order of the frame. */
  readonly values: readonly T[];
}

class SeveralValues<T> implements Several<T> {
  readonly values: readonly T[];
  constructor(values: readonly T[]) {
    this.values = values;
  }
}

/**
 * For the option `expected` of `laws`: one sent value arrives as several (a batch, a JSON array).
 *
 * @param values - what `decodeMany` is to give
 */
export function several<T>(values: readonly T[]): Several<T> {
  return new SeveralValues(values);
}

/** @internal */
export function isSeveral(value: unknown): value is Several<unknown> {
  return value instanceof SeveralValues;
}
