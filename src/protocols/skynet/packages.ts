import {
  type Codec,
  duplex,
  latin1,
  type Protocol,
  ProtocolError,
  u32be,
} from "../../core/index.ts";
import { netpack } from "../sproto/index.ts";

/** A request, as a client sends it. */
export interface MessageRequest {
  /** Content of the request: 0 to 65 531 bytes. */
  readonly content: Uint8Array;
  /** Number of the request, u32; its answer has the same. */
  readonly session: number;
}

/** The answer to a request, as the server sends it. */
export interface MessageAnswer {
  /** Content of the answer: 0 to 65 530 bytes; empty if `ok` is false. */
  readonly content: Uint8Array;
  /** False if the server's handler failed. */
  readonly ok: boolean;
  /** Number of the request. */
  readonly session: number;
}

/**
 * Protocol of the first package of each side of a message connection, as text:
 * `username:index:hmac`, then `200 OK` or another status.
 *
 * ```text
 *   | length u16be | text |
 *   00 06 32 30 30 20 4f 4b      200 OK
 * ```
 */
export function handshakePackages(): Protocol<string> {
  return netpack().wrap(latin1(), { name: "skynet handshake" });
}

/**
 * Protocol of the requests of a message connection.
 *
 * ```text
 *   | length u16be | content | session u32be |
 *   00 08 65 63 68 6f 00 00 00 01      "echo", session 1
 * ```
 *
 * @example
 * ```ts
 * import { encodeFrame } from "framewright";
 * import { requestPackages } from "framewright/skynet";
 *
 * const frame = encodeFrame(requestPackages(), { content: Uint8Array.of(0x78), session: 7 });
 * console.log(frame.join(" "));
 * //=> 0 5 120 0 0 0 7
 * ```
 */
export function requestPackages(): Protocol<MessageRequest> {
  return framed("skynet requests", {
    format: { name: "tail", fields: [["session", "u32be"]] },
    decode(bytes, start, end) {
      const at = contentEnd(start, end, 4);
      return { content: bytes.subarray(start, at), session: u32be(bytes, at) };
    },
    encode({ content, session }, out) {
      out.bytes(content).u32be(session);
    },
  });
}

/**
 * Protocol of the answers of a message connection.
 *
 * ```text
 *   | length u16be | content | ok u8 | session u32be |
 *   00 09 65 63 68 6f 01 00 00 00 01      "echo", session 1
 * ```
 */
export function answerPackages(): Protocol<MessageAnswer> {
  return framed("skynet answers", {
    format: {
      name: "tail",
      fields: [
        ["ok", "bool"],
        ["session", "u32be"],
      ],
    },
    decode(bytes, start, end) {
      const at = contentEnd(start, end, 5);
      const ok = bytes[at]!;
      if (ok > 1) throw new ProtocolError("malformed", `ok is ${ok}, not 0 or 1`, at);
      return { content: bytes.subarray(start, at), ok: ok === 1, session: u32be(bytes, at + 1) };
    },
    encode({ content, ok, session }, out) {
      if (typeof ok !== "boolean") throw new ProtocolError("unencodable", "ok must be a boolean");
      out
        .bytes(content)
        .u8(ok ? 1 : 0)
        .u32be(session);
    },
  });
}

/** Protocol of a client after the handshake: writes requests, reads answers. */
export function clientPackages(): Protocol<MessageRequest, MessageAnswer> {
  return duplex({ read: answerPackages(), write: requestPackages() });
}

/** Protocol of a server after the handshake: writes answers, reads requests. */
export function serverPackages(): Protocol<MessageAnswer, MessageRequest> {
  return duplex({ read: requestPackages(), write: answerPackages() });
}

function framed<T>(name: string, codec: Codec<T>): Protocol<T> {
  return netpack().wrap(codec, { name });
}

/** Returns the end of the content, which `count` bytes follow. */
function contentEnd(start: number, end: number, count: number): number {
  if (end - start >= count) return end - count;
  throw new ProtocolError("malformed", `${end - start} bytes, fewer than ${count}`, start);
}
