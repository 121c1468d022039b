import { nameError, ProtocolError, type ProtocolErrorCode } from "../core/index.ts";

/** The error of a request without an answer: a ProtocolError that also tells if the request was sent. */
export class RequestError extends ProtocolError {
  /** False if the request was definitely not sent, so it is safe to repeat. */
  readonly sent: boolean;

  /**
   * @param code - `timeout`, `closed` or `overflow`
   * @param message - one sentence
   * @param sent - true if the request was sent
   * @param options - `cause`: the underlying error
   */
  constructor(
    code: ProtocolErrorCode,
    message: string,
    sent: boolean,
    options?: { readonly cause?: unknown },
  ) {
    super(code, message, undefined, options?.cause === undefined ? undefined : options);
    this.sent = sent;
  }
}

nameError(RequestError, "RequestError", (error) => "sent" in error);

/** Other errors that requests were rejected with, for example the reason of a signal. */
const unsent = new WeakMap<object, boolean>();

/** Remembers, for an error that rejected a request, if the request was sent. */
export function noteSent<T>(error: T, sent: boolean): T {
  if (typeof error !== "object" || error === null) return error;
  // Several requests may be rejected with the same reason.
  unsent.set(error, !sent && unsent.get(error) !== false);
  return error;
}

/**
 * Tells if a rejected request was sent. Also works for errors that are the reason of a signal or that
 * `send` threw.
 *
 * @param error - the error that the promise of `ask` was rejected with
 * @returns false if the request was definitely not sent; true if it was sent, or if the error is unknown
 *
 * @example
 * ```ts
 * import { Requests, wasSent } from "framewright/session";
 *
 * const requests = new Requests<string>();
 * requests.pause();
 * const asked = requests.ask(() => console.log("sent"));
 * requests.end();
 * await asked.catch((error) => console.log(error.code, wasSent(error)));
 * //=> closed false
 * ```
 */
export function wasSent(error: unknown): boolean {
  return !(typeof error === "object" && error !== null && unsent.get(error) === true);
}
