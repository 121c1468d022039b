/** The values of one frame; see {@link several}. */
export interface Several<out T> {
  /** The values, in the order of the frame. */
  readonly values: readonly T[];
}

class SeveralValues<T> implements Several<T> {
  readonly values: readonly T[];
  constructor(values: readonly T[]) {
    this.values = values;
  }
}

/**
 * For the option `expected` of `laws`, if one sent value is received as several (a batch, a JSON array).
 *
 * @param values - the values that `decodeMany` must return
 */
export function several<T>(values: readonly T[]): Several<T> {
  return new SeveralValues(values);
}

/** @internal */
export function isSeveral(value: unknown): value is Several<unknown> {
  return value instanceof SeveralValues;
}
