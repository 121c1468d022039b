import { ProtocolError } from "../errors.ts";
import { now, printError, throwUncaught } from "../host.ts";

/*
 * Reports errors that no handler receives. An error of a peer is one printed line, at a limited rate. A bug
 * in a handler is printed with its stack, or thrown to the host on connections that the program dialled. Each
 * error is reported once, however often it returns through promises.
 */

/**
 * Errors that were reported, so that a handler's promise which rejects with one of them is not reported
 * again.
 */
const reported = new WeakSet<object>();

/** Remembers that an error was reported, or is about to be, and returns it. */
export function markReported<E>(error: E): E {
  if (isObject(error)) reported.add(error);
  return error;
}

/** The error of a closed connection: not a bug of a handler that waited for the connection. */
export function closedError(text: string, cause?: unknown): ProtocolError {
  const options = cause === undefined ? undefined : { cause };
  return markReported(new ProtocolError("closed", text, undefined, options));
}

/** True if this error was reported, or was caused by one that was. */
export function wasReported(error: unknown): boolean {
  return findCause(error, (at) => reported.has(at));
}

/** True if it is this error, or was caused by it. */
export function isCausedBy(error: unknown, origin: unknown): boolean {
  return error === origin || findCause(error, (at) => at === origin);
}

/** Looks for an object among an error and its causes. */
function findCause(error: unknown, is: (at: object) => boolean): boolean {
  let at = error;
  // Chains may be circular, and a cause may be a getter that throws.
  for (let depth = 0; depth < 16 && isObject(at); depth++) {
    if (is(at)) return true;
    try {
      at = (at as { cause?: unknown }).cause;
    } catch {
      return false;
    }
  }
  return false;
}

const isObject = (value: unknown): value is object =>
  (typeof value === "object" && value !== null) || typeof value === "function";

/** Reports a bug in a handler that no `error` handler receives. */
export function reportBug(error: unknown, to: "report" | "throw"): void {
  if (to === "throw") throwUncaught(error);
  else printError(`framewright: a handler failed: ${stackOf(error)}`);
}

/** Any thrown value as text: it may be a Proxy that throws. */
function stackOf(error: unknown): string {
  try {
    if (error instanceof Error) return String(error.stack ?? error);
    return isObject(error) ? "an object was thrown that is not an Error" : String(error);
  } catch {
    return "an object was thrown that cannot be shown";
  }
}

const PAUSE_MS = 10_000;
const MOST_KINDS = 1000;

interface Kind {
  since: number;
  more: number;
}

const kinds = new Map<string, Kind>();

/** Prints an error of a peer: at most one line in ten seconds for each protocol and code. */
export function reportPeer(protocol: string, peer: string | undefined, error: unknown): void {
  if (isPlainReset(error)) return;
  const code = codeOf(error);
  const name = `${protocol} ${code}`;
  const at = now();
  const kind = kinds.get(name);
  if (kind !== undefined && at - kind.since < PAUSE_MS) {
    kind.more++;
    return;
  }
  // The table is bounded, because names may come from users.
  if (kinds.size >= MOST_KINDS) kinds.clear();
  kinds.set(name, { since: at, more: 0 });
  const from = peer === undefined ? "" : ` from ${peer}`;
  const more = kind === undefined || kind.more === 0 ? "" : ` (and ${kind.more} more before)`;
  const text = error instanceof ProtocolError ? `: ${error.message}` : "";
  printError(printable(`framewright: ${protocol}${from}: ${code}${text}${more}`));
}

function codeOf(error: unknown): string {
  try {
    const { code } = error as { code?: unknown };
    if (typeof code === "string") return code;
    return error instanceof Error ? error.name : "failed";
  } catch {
    return "failed";
  }
}

/** True for a peer that just disappeared, which is not worth a line. */
function isPlainReset(error: unknown): boolean {
  const code = codeOf(error);
  // `closed` is the code of transports without such codes: a WebSocket or a link that was lost.
  return code === "ECONNRESET" || code === "EPIPE" || code === "closed";
}

/** Control characters would let a peer write into a terminal. */
function printable(text: string): string {
  return text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern searches for them
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
