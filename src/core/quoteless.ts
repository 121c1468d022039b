/*
 * Removes quotations of input from errors of other code. A SyntaxError shows the text that could not be read:
 * `JSON.parse` writes `Unexpected token 'p', "password=hunter2" is not valid JSON`. That text is a peer's
 * payload, which must not reach a log, not even as the cause of an error.
 */

/** Depth to which causes of causes are checked. */
const MOST_LINKS = 8;

interface Shown {
  readonly name: string;
  readonly message: string;
  readonly cause?: unknown;
  readonly stack?: string | undefined;
}

function isSyntaxError(error: unknown): boolean {
  if (error instanceof SyntaxError) return true;
  // An error of another realm is not an instance of ours.
  return error instanceof Object && "message" in error && (error as Shown).name === "SyntaxError";
}

// If V8 reports a position, it quotes nothing.
const POSITION = / in JSON at position \d+(?: \(line \d+ column \d+\))?$/;

/**
 * The message of an error, or of any other thrown value. Only kind and position of a SyntaxError are kept.
 */
export function messageOf(thrown: unknown): string {
  try {
    if (isSyntaxError(thrown)) {
      const { message } = thrown as Shown;
      const [position] = POSITION.exec(message) ?? [];
      if (position !== undefined) return `not valid JSON${position.replace(" in JSON", "")}`;
      return message.includes("JSON") ? "not valid JSON" : "a SyntaxError";
    }
    if (thrown instanceof Error) return thrown.message;
    // A thrown value may be an object that itself throws when it is converted to text.
    return Object(thrown) === thrown ? "an object was thrown" : String(thrown);
  } catch {
    return "an object was thrown";
  }
}

/**
 * The same cause; a copy without the texts that it quotes if it is a SyntaxError, or has one among its own causes.
 */
export function quoteless(cause: unknown, links: number = MOST_LINKS): unknown {
  try {
    if (!(cause instanceof Object) || !("message" in cause)) return cause;
    const error = cause as Shown;
    const inner =
      error.cause === undefined || links === 0 ? undefined : quoteless(error.cause, links - 1);
    if (!isSyntaxError(error) && inner === error.cause) return cause;
    const message = messageOf(error);
    const options = inner === undefined ? undefined : { cause: inner };
    const copy = isSyntaxError(error)
      ? new SyntaxError(message, options)
      : nameless(new Error(message, options), error.name);
    Object.defineProperty(copy, "stack", {
      value: stackOf(error, message),
      configurable: true,
      writable: true,
    });
    return copy;
  } catch {
    // An object that throws when its properties are read.
    return undefined;
  }
}

function nameless(error: Error, name: string): Error {
  Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  return error;
}

/**
 * The locations of a stack, after a message without quotations. V8 repeats the message there, others do not.
 */
function stackOf({ name, message, stack = "" }: Shown, shown: string): string {
  const head = `${name}: ${message}`;
  const places = stack.startsWith(head) ? stack.slice(head.length) : `\n${stack}`;
  const isSafe = message === "" || !places.includes(message);
  return `${name}: ${shown}${isSafe ? places : ""}`;
}
