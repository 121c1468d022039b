import type { ProtocolError } from "../errors.ts";
import { isThenable } from "../thenable.ts";
import type { OwnConnection } from "./connection.ts";
import { reportBug, wasReported } from "./report.ts";

/**
 * Calls a function whose error no handler receives. An error or rejection is passed to `failed`, once.
 *
 * @param failed - receives the error; by default it is printed
 * @returns its result; undefined if it threw
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

/** How bugs on this connection are reported: sessions and virtual connections inherit it. */
export function handlerErrorsOf(connection: unknown): "report" | "throw" {
  // Not in the interface: a connection of another copy of the package may lack it.
  const { handlerErrors } = (connection ?? {}) as { readonly handlerErrors?: unknown };
  return handlerErrors === "throw" ? "throw" : "report";
}

/**
 * Ends a connection for an error of its peer, which is reported like others: to the `error` handler or in one
 * printed line.
 */
export function cutOff(connection: { abort(error?: unknown): void }, error: ProtocolError): void {
  const own = connection as Partial<OwnConnection>;
  // A connection of another copy of the package may lack it.
  if (own.faulted === undefined) connection.abort(error);
  else own.faulted(error, true);
}
