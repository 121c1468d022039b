import { nameError, ProtocolError, type ProtocolErrorCode } from "../core/index.ts";

/** Why a request has no answer: a ProtocolError that says whether the request was sent. */
export class RequestError extends ProtocolError {
  /** False if the request certainly was not sent, so that it can be repeated without harm. */
  readonly sent: boolean;

  /**
   * @param code - `timeout`, `closed` or `overflow`
   * @param message - one sentence
   * @param sent - whether the request was sent
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

/** Other errors that requests were rejected with, such as the reason of a signal. */
const unsent = new WeakMap<object, boolean>();

/** Remembers whether a request was sent that was rejected with this error. */
export function noteSent<T>(error: T, sent: boolean): T {
  if (typeof error !== "object" || error === null) return error;
  // Several requests may be rejected with one reason.
  unsent.set(error, !sent && unsent.get(error) !== false);
  return error;
}

/**
 * Tells whether the request was sent that was rejected with this error, also where the error is the reason of a signal
 * or was thrown by `send`.
 *
 * @param error - what the promise of `ask` was rejected with
 * @returns false if the request certainly was not sent; true if it was, or if nothing is known of the error
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
