import type { ProtocolError } from "../errors.ts";
import { isThenable } from "../thenable.ts";
import type { OwnConnection } from "./connection.ts";
import { reportBug, wasReported } from "./report.ts";

/**
 * Calls something whose failure no one takes. What it throws, or is rejected with, goes to `failed`, once.
 *
 * @param failed - by default the bug is printed
 * @returns what it returned; undefined if it threw
 */
export function guard(
  call: () => unknown,
  failed: (error: unknown) => void = (error) => reportBug(error, "report"),
): unknown {
  try {
    const result = call();
    if (isThenable(result)) {
      Promise.resolve(result).then(undefined, (error) => {
        if (!wasReported(error)) failed(error);
      });
    }
    return result;
  } catch (error) {
    failed(error);
    return undefined;
  }
}

/** What becomes of bugs on this connection: sessions and virtual connections inherit it. */
export function handlerErrorsOf(connection: unknown): "report" | "throw" {
  // Not in the interface: a connection of another copy of the package may lack it.
  const { handlerErrors } = (connection ?? {}) as { readonly handlerErrors?: unknown };
  return handlerErrors === "throw" ? "throw" : "report";
}

/** Ends a connection for a fault of its peer: told of as others are, to the `error` handler or in one printed line. */
export function cutOff(connection: { abort(error?: unknown): void }, error: ProtocolError): void {
  const own = connection as Partial<OwnConnection>;
  // A connection of another copy of the package may have no such thing.
  if (own.faulted === undefined) connection.abort(error);
  else own.faulted(error, true);
}
