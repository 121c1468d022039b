/**
 * What went wrong, in one word. The list is part of the API: codes are never renamed or removed in a
 * minor version, so programs switch on them.
 *
 * | code | meaning | whose fault |
 * |---|---|---|
 * | `truncated` | the bytes end inside a frame | peer |
 * | `too-long` | input over a limit | peer |
 * | `malformed` | these bytes cannot be this protocol | peer |
 * | `unencodable` | a value that the protocol cannot write; nothing was written | caller |
 * | `timeout` | nothing came in time | peer |
 * | `closed` | the connection is over | - |
 * | `refused` | the other side said no, or failed to prove itself | peer |
 * | `overflow` | too much unsent output or unread input | peer or caller |
 */
export type ProtocolErrorCode =
  | "truncated"
  | "too-long"
  | "malformed"
  | "unencodable"
  | "timeout"
  | "closed"
  | "refused"
  | "overflow";

/**
 * The one error class of this library. Switch on its `code`.
 *
 * Some runtimes load an ESM and a CommonJS copy of the package side by side; an error of one copy is an
 * `instanceof` the class of the other.
 *
 * @example
 * ```ts
 * import { decodeFrame, lines, ProtocolError, utf8 } from "framewright";
 *
 * try {
 *   decodeFrame(lines().wrap(utf8()), Uint8Array.of(0x68, 0x69));
 * } catch (error) {
 *   if (error instanceof ProtocolError) console.log(error.code, error.offset);
 * }
 * //=> truncated 0
 * ```
 */
export class ProtocolError extends Error {
  static {
    ProtocolError.prototype.name = "ProtocolError";
  }

  /** Is it a ProtocolError, of this copy of the package or of another one? */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: the class that was asked is the point
    const isOurs = super[Symbol.hasInstance](value);
    // biome-ignore lint/complexity/noThisInStatic: a subclass knows only its own
    if (isOurs || this !== ProtocolError) return isOurs;
    return value instanceof Error && value.name === "ProtocolError" && "code" in value;
  }

  /** What went wrong; see {@link ProtocolErrorCode}. */
  readonly code: ProtocolErrorCode;

  /**
   * Where: code of a codec counts in the bytes it was given; what a `Splitter` or a `Connection`
   * reports counts from the first byte of the stream. Undefined where no byte is to blame.
   */
  readonly offset?: number | undefined;

  /**
   * @param code - what went wrong
   * @param message - one sentence with the number found and the number allowed, never the payload
   * @param offset - index of the byte to blame, in the bytes at hand
   * @param options - `cause`: the error underneath, if another one was caught
   */
  constructor(
    code: ProtocolErrorCode,
    message: string,
    offset?: number,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.offset = offset;
  }
}

/**
 * The same error, its offset counted from elsewhere: `base` is added to it.
 *
 * A new object, because a codec may throw one shared instance again and again.
 * @internal
 */
export function rebased(error: ProtocolError, base: number): ProtocolError {
  const offset = error.offset === undefined ? undefined : error.offset + base;
  const moved = new ProtocolError(error.code, error.message, offset, { cause: error.cause });
  // The place that threw is what a reader wants to see, not this line.
  if (error.stack !== undefined) moved.stack = error.stack;
  return moved;
}

/**
 * Any thrown thing as a ProtocolError: bytes or values that make a codec trip (a RangeError of a
 * DataView, say) are as bad as bytes or values that it refuses.
 * @internal
 */
export function asProtocolError(
  thrown: unknown,
  code: ProtocolErrorCode,
  what: string,
  offset?: number,
): ProtocolError {
  if (thrown instanceof ProtocolError) return thrown;
  // What is no error may be an object that throws when it is shown.
  const text =
    thrown instanceof Error
      ? thrown.message
      : Object(thrown) === thrown
        ? "an object was thrown"
        : String(thrown);
  return new ProtocolError(code, `${what}: ${text}`, offset, { cause: thrown });
}
