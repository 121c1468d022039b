import { ProtocolError } from "./errors.ts";
import type { Framing } from "./protocol.ts";

/**
 * Explains bytes with which no frame can begin, for common causes: a peer that speaks another protocol, or
 * the other byte order. The hint may depend on how many bytes are available.
 *
 * @param length - the length that the framing read, if the frame is only too long
 */
export function withHint(
  error: ProtocolError,
  framing: Framing,
  bytes: Uint8Array,
  start: number,
  end: number,
  length = 0,
): ProtocolError {
  const first = String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 8)));
  const other = otherProtocol(first);
  const hint = other ? `these bytes look like ${other}` : otherOrder(framing, bytes, start, length);
  if (hint === undefined) return error;
  const { code, message, offset, cause, path, stack } = error;
  const told = new ProtocolError(code, `${message}; ${hint}`, offset, { cause, path });
  // Consoles print the stack, which begins with the message.
  if (stack !== undefined) told.stack = stack.replace(message, () => told.message);
  return told;
}

function otherProtocol(first: string): string | undefined {
  if (/^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT) /.test(first)) return "an HTTP request";
  if (first.startsWith("HTTP/")) return "an HTTP response";
  if (first.startsWith("SSH-")) return "SSH";
  // A record of type 22, handshake, and of version 3.x.
  return first.startsWith("\x16\x03") ? "a TLS handshake" : undefined;
}

/** The length in the other byte order, if that is a plausible length. */
function otherOrder(
  { layout = [], maxFrame }: Framing,
  bytes: Uint8Array,
  start: number,
  length: number,
): string | undefined {
  let at = start;
  for (const { kind, size, endian, add = 0 } of layout) {
    if (length === 0 || typeof size !== "number") return undefined;
    if (kind === "length") {
      if (endian === undefined) return undefined;
      let other = add;
      for (let i = 0; i < size; i++) {
        other += bytes[endian === "le" ? at + size - 1 - i : at + i]! * 256 ** i;
      }
      const isLength = other >= at + size - start && other <= maxFrame;
      return isLength ? `in the other byte order it would have ${other}` : undefined;
    }
    at += size;
  }
  return undefined;
}
