/** The bytes that show a failure. */
export interface Evidence {
  readonly bytes?: Uint8Array | undefined;
  /** The ends of chunks. */
  readonly cuts?: readonly number[] | undefined;
  /** The ends of frames. */
  readonly ends?: readonly number[] | undefined;
  /** Two values, or bytes, that should be equal, with a name for each. */
  readonly sides?:
    | readonly [readonly [name: string, value: unknown], readonly [name: string, value: unknown]]
    | undefined;
}

/**
 * Thrown when a law is broken, while fast-check is still looking for a smaller case.
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
