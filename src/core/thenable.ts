import { ProtocolError } from "./errors.ts";

/** Is it a promise, or what can be waited for like one? A message may have a field called `then`. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/**
 * Refuses the promise of an encoder that goes on later, and would then write into the bytes of others.
 *
 * @throws ProtocolError `unencodable`
 */
export function refuseThenable(returned: unknown): void {
  if (!isThenable(returned)) return;
  // No one else catches its own failure.
  returned.then(undefined, () => {});
  throw new ProtocolError("unencodable", "encode must be synchronous, but returned a promise");
}
