// Shared by all copies of the package.
const MARK: unique symbol = Symbol.for("framewright.misuse") as never;

/**
 * Makes an error for a mistake of the program that appears only while bytes are read, such as a `parse` that
 * returns a promise. Unlike other errors of a codec it is not turned into `malformed`: the peer did nothing
 * wrong.
 */
export function misuse(text: string): TypeError {
  return Object.defineProperty(new TypeError(text), MARK, { value: true });
}

/** True for an error that `misuse` made. */
export function isMisuse(error: unknown): boolean {
  try {
    return error instanceof TypeError && MARK in error;
  } catch {
    // A Proxy that throws when it is looked at.
    return false;
  }
}
