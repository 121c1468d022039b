import { isMisuse } from "./misuse.ts";
import { messageOf, quoteless } from "./quoteless.ts";

/**
 * The kind of an error. The list is part of the API: codes are never renamed or removed in a minor version,
 * so programs switch on them.
 *
 * | code | meaning | caused by |
 * |---|---|---|
 * | `truncated` | the bytes end inside a frame | peer |
 * | `too-long` | input over a limit | peer |
 * | `malformed` | these bytes cannot be this protocol | peer |
 * | `unencodable` | a value that the protocol cannot write; nothing was written | caller |
 * | `timeout` | nothing arrived in time | peer |
 * | `closed` | the connection is over | - |
 * | `refused` | the other side rejected us, or failed to authenticate | peer |
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
  /** The kind of the error; see {@link ProtocolErrorCode}. */
  readonly code: ProtocolErrorCode;

  /**
   * Position of the error: a codec counts in the bytes it was given; a `Splitter` or a `Connection` counts
   * from the first byte of the stream. Undefined if the error has no position.
   */
  readonly offset?: number | undefined;

  /**
   * Part of the value: names of fields and indices, outermost first, as in `["items", 2, "id"]`. Undefined
   * for protocols without named parts.
   */
  declare readonly path?: readonly (string | number)[] | undefined;

  /**
   * @param code - the kind of the error
   * @param message - one sentence with the number found and the number allowed, never the payload
   * @param offset - index of the wrong byte, in the available bytes
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
 * Sets the name of an error class, and makes `instanceof` hold for errors of another copy of the package.
 * Called after the class, because its body must not mention itself: bundlers and older targets rename classes
 * that do.
 *
 * @param isAlike - checks what else an error of this name must have
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
      try {
        if (Error[Symbol.hasInstance].call(this as never, value)) return true;
        return this === of && value instanceof Error && isNamed(value, name) && isAlike(value);
      } catch {
        // A Proxy that throws when it is looked at.
        return false;
      }
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
 * The same error with `base` added to its offset. A mistake of the program has no offset.
 *
 * A new object, because a codec may throw one shared instance again and again.
 * @internal
 */
export function rebased(error: ProtocolError, base: number): ProtocolError {
  if (isMisuse(error)) return error;
  const offset = error.offset === undefined ? undefined : error.offset + base;
  const { cause, path } = error;
  const moved = new ProtocolError(error.code, error.message, offset, { cause, path });
  // Keep the stack of the place that threw, not of this line.
  if (error.stack !== undefined) moved.stack = error.stack;
  return moved;
}

/**
 * Any thrown value as a ProtocolError: bytes or values on which a codec fails (for example with a RangeError
 * of a DataView) are as invalid as those that it refuses.
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
