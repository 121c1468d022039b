import { isMisuse } from "./misuse.ts";
import { messageOf, quoteless } from "./quoteless.ts";

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
 * Some programs load two copies of the package (ESM beside CommonJS, or another version inside a dependency); an
 * error of one copy is an `instanceof` the class of the other.
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
  /** What went wrong; see {@link ProtocolErrorCode}. */
  readonly code: ProtocolErrorCode;

  /**
   * Where: a codec counts in the bytes it was given; a `Splitter` or a `Connection` counts from the first byte of
   * the stream. Undefined if no single byte is to blame.
   */
  readonly offset?: number | undefined;

  /**
   * Which part of the value: names of fields and indices, outermost first, as in `["items", 2, "id"]`. Undefined
   * for protocols without named parts.
   */
  declare readonly path?: readonly (string | number)[] | undefined;

  /**
   * @param code - what went wrong
   * @param message - one sentence with the number found and the number allowed, never the payload
   * @param offset - index of the byte to blame, in the bytes at hand
   * @param options - `cause`: the underlying error, if another one was caught (a SyntaxError, which quotes the text
   *   that it could not read, is replaced by a copy that does not); `path`: which part of the value
   */
  constructor(
    code: ProtocolErrorCode,
    message: string,
    offset?: number,
    options?: {
      readonly cause?: unknown;
      readonly path?: readonly (string | number)[] | undefined;
    },
  ) {
    super(
      message,
      options !== undefined && "cause" in options ? { cause: quoteless(options.cause) } : undefined,
    );
    this.code = code;
    this.offset = offset;
    if (options?.path !== undefined) this.path = options.path;
  }
}

nameError(ProtocolError, "ProtocolError", (error) => "code" in error);

/**
 * Gives an error class its name, and makes `instanceof` hold for errors of another copy of the package. Done after
 * the class, whose body then never mentions itself: bundlers and older targets rename classes that do.
 *
 * @param isAlike - what an error of this name must have besides
 * @internal
 */
export function nameError(
  of: new (...args: never[]) => Error,
  name: string,
  isAlike: (error: Error) => boolean = () => true,
): void {
  Object.defineProperty(of.prototype, "name", { value: name, configurable: true, writable: true });
  Object.defineProperty(of, Symbol.hasInstance, {
    // A subclass inherits this, and only recognises its own.
    value(this: unknown, value: unknown): boolean {
      if (Error[Symbol.hasInstance].call(this as never, value)) return true;
      return this === of && value instanceof Error && isNamed(value, name) && isAlike(value);
    },
  });
}

/** True if this is the name of the error's class, or of a class that it extends. */
function isNamed(error: Error, name: string): boolean {
  for (
    let at: object | null = error;
    at !== null;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    if (Object.getOwnPropertyDescriptor(at, "name")?.value === name) return true;
  }
  return false;
}

/**
 * The same error, its offset counted from elsewhere: `base` is added to it. A mistake of the program has none.
 *
 * A new object, because a codec may throw one shared instance again and again.
 * @internal
 */
export function rebased(error: ProtocolError, base: number): ProtocolError {
  if (isMisuse(error)) return error;
  const offset = error.offset === undefined ? undefined : error.offset + base;
  const { cause, path } = error;
  const moved = new ProtocolError(error.code, error.message, offset, { cause, path });
  // The place that threw is what a reader wants to see, not this line.
  if (error.stack !== undefined) moved.stack = error.stack;
  return moved;
}

/**
 * Any thrown thing as a ProtocolError: bytes or values that make a codec trip (a RangeError of a
 * DataView, say) are as bad as bytes or values that it refuses.
 *
 * @throws the error itself if it is a mistake of the program, see `misuse`
 * @internal
 */
export function asProtocolError(
  thrown: unknown,
  code: ProtocolErrorCode,
  what: string,
  offset?: number,
): ProtocolError {
  if (thrown instanceof ProtocolError) return thrown;
  if (isMisuse(thrown)) throw thrown;
  return new ProtocolError(code, `${what}: ${messageOf(thrown)}`, offset, { cause: thrown });
}
