import { ProtocolError } from "../../core/index.ts";

/*
 * Close codes of a WebSocket (RFC 6455, section 7.4.1):
 *
 *   1000 done   1002 protocol violation by the peer   1008 peer rejected   1009 message too long
 *   1011 error on this side
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

// A close frame holds at most 125 bytes, 2 of them the code.
const MAX_TEXT = 123;

/**
 * Returns the text that the peer may see. Texts of protocol errors contain numbers, never payload. Other
 * errors stay private, as does a text that repeats the text of another error.
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
 * Closes with the matching code. Browsers, and runtimes that follow their rules, let a program send only
 * 1000 and 3000 to 4999: there, 4002 replaces 1002, and so on.
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

/** Answers the peer's close with the same code, if the runtime can send it. */
export function answerClose(
  socket: { close(code?: number): void },
  code: number | undefined,
): void {
  try {
    socket.close(code);
  } catch {
    // 1005: the peer sent no code.
    socket.close();
  }
}
