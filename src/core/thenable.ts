import { ProtocolError } from "./errors.ts";
import { misuse } from "./misuse.ts";

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

/**
 * Refuses a codec whose decoder is asynchronous: no one would take the errors of its promises.
 *
 * @throws TypeError
 */
export function checkSync(codec: unknown): void {
  const functions = Object(codec) as Record<string, unknown>;
  for (const name of ["decode", "decodeMany"]) {
    const { [Symbol.toStringTag]: tag } = Object(functions[name]) as {
      [Symbol.toStringTag]?: unknown;
    };
    if (tag === "AsyncFunction") throw new TypeError(`${name} must be synchronous`);
  }
}

/**
 * What `decodeMany` returned, if it is an array: of another thing, such as a promise, all values would be lost.
 *
 * @throws TypeError (a misuse)
 */
export function checkValues<Out>(values: readonly Out[]): readonly Out[] {
  if (Array.isArray(values)) return values;
  const other: unknown = values;
  // No one else catches its own failure.
  if (isThenable(other)) other.then(undefined, () => {});
  const found = other === null ? "null" : isThenable(other) ? "a promise" : typeof other;
  throw misuse(`decodeMany must return an array, not ${found}`);
}
