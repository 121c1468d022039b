import { ProtocolError } from "./errors.ts";

/** True for a promise or another thenable. A message may have a field called `then`. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/**
 * Rejects an asynchronous encoder, which would later write into the bytes of others.
 *
 * @throws ProtocolError `unencodable`
 */
export function refuseThenable(returned: unknown): void {
  if (!isThenable(returned)) return;
  // Nothing else catches the rejection of the promise.
  returned.then(undefined, () => {});
  throw new ProtocolError("unencodable", "encode must be synchronous, but returned a promise");
}
