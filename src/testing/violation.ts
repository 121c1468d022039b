/** The bytes that show what is wrong. */
export interface Evidence {
  readonly bytes?: Uint8Array | undefined;
  /** Where chunks end. */
  readonly cuts?: readonly number[] | undefined;
  /** Where frames end. */
  readonly ends?: readonly number[] | undefined;
  /** Two values, or bytes, that should be the same, and what they are called. */
  readonly sides?:
    | readonly [readonly [name: string, value: unknown], readonly [name: string, value: unknown]]
    | undefined;
}

/**
 * A law found broken, while fast-check is still looking for a smaller case.
 * @internal
 */
export class Violation extends Error {
  readonly evidence: Evidence;

  constructor(text: string, evidence: Evidence = {}, options?: { readonly cause?: unknown }) {
    super(text, options);
    this.evidence = evidence;
  }
}

/** @internal */
export function demand(
  holds: boolean,
  text: () => string,
  evidence?: Evidence | (() => Evidence),
): asserts holds {
  if (!holds) throw new Violation(text(), typeof evidence === "function" ? evidence() : evidence);
}
