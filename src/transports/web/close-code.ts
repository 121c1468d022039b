import { ProtocolError } from "../../core/index.ts";

/*
 * Why a WebSocket is closed, in the codes of RFC 6455, section 7.4.1:
 *
 *   1000 done   1002 the peer broke the protocol   1008 the peer is not welcome   1009 its message is too long
 *   1011 the fault is on this side
 */

const DONE = 1000;
const OUR_FAULT = 1011;

function codeOf(error: unknown): number {
  if (error === undefined) return DONE;
  if (!(error instanceof ProtocolError)) return OUR_FAULT;
  switch (error.code) {
    case "truncated":
    case "malformed":
      return 1002;
    case "too-long":
      return 1009;
    case "timeout":
    case "refused":
    case "overflow":
      return 1008;
    default:
      return OUR_FAULT;
  }
}

// A close frame holds at most 125 bytes, two of which are the code.
const MAX_TEXT = 123;

/**
 * What the peer may know: texts of protocol errors hold numbers, never payload. Other errors are ours alone, and so is
 * a text that repeats that of another error.
 */
function textOf(error: unknown): string {
  if (!(error instanceof ProtocolError)) return "";
  if (isForeign(error.cause)) return error.code;
  return error.message.replace(/[^ -~]/g, "?").slice(0, MAX_TEXT);
}

/** True if a cause is an error of other code, or has one among its own causes. */
function isForeign(cause: unknown): boolean {
  if (cause === undefined) return false;
  return !(cause instanceof ProtocolError) || isForeign(cause.cause);
}

/**
 * Closes with the code that fits. Browsers (and all that follow their rules) let a program send no code but 1000
 * and 3000 to 4999: there it is 4002 in place of 1002, and so on.
 */
export function closeWith(
  socket: { close(code?: number, reason?: string): void },
  error: unknown,
): void {
  const code = codeOf(error);
  const text = textOf(error);
  try {
    socket.close(code, text);
  } catch {
    socket.close(code + 3000, text);
  }
}

/** Answers the peer's close with the same code, where it can be said. */
export function answerClose(
  socket: { close(code?: number): void },
  code: number | undefined,
): void {
  try {
    socket.close(code);
  } catch {
    // 1005: the peer gave none.
    socket.close();
  }
}
