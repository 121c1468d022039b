// The protocol of NATS, as a client speaks it: lines, of which some say how many bytes follow them.
//
//   MSG <subject> <sid> [reply] <n>\r\n<n bytes>\r\n        PUB <subject> [reply] <n>\r\n<n bytes>\r\n
import { decimal, decodeUtf8, defineProtocol, indexOfByte, ProtocolError } from "framewright";

export type Received =
  | {
      readonly op: "msg";
      readonly subject: string;
      readonly sid: string;
      readonly reply?: string;
      readonly body: Uint8Array;
    }
  | { readonly op: "line"; readonly verb: string; readonly text: string };

export type Sent =
  | {
      readonly op: "pub";
      readonly subject: string;
      readonly reply?: string;
      readonly body: Uint8Array;
    }
  | { readonly op: "line"; readonly text: string };

const MSG = 0x4d;
const LF = 0x0a;
const SPACE = 0x20;

/** Where the first line ends: behind its CRLF; 0 if it is not here. */
function lineEnd(bytes: Uint8Array, start: number, end: number): number {
  const at = indexOfByte(bytes, LF, start, end);
  if (at < 0) return 0;
  if (bytes[at - 1] !== 0x0d)
    throw new ProtocolError("malformed", "a line ends in LF without CR", at);
  return at + 1;
}

/** Bytes of the body that follows a MSG line. */
function bodyLength(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 2;
  while (at > start && bytes[at - 1] !== SPACE) at--;
  return decimal(bytes, at, end - 2);
}

export const nats = defineProtocol<Sent, Received>({
  name: "nats",
  maxFrame: 2 ** 20 + 4096,
  measure(bytes, start, end, scan) {
    const line = lineEnd(bytes, start + scan.at, end);
    if (line === 0) {
      // A CR that is last is looked at again.
      scan.at = Math.max(0, end - start - 1);
      return 0;
    }
    const isMessage = bytes[start] === MSG;
    return line - start + (isMessage ? bodyLength(bytes, start, line) + 2 : 0);
  },
  decode(bytes, start, end) {
    const line = lineEnd(bytes, start, end);
    const text = decodeUtf8(bytes, start, line - 2);
    const [verb = "", subject = "", sid = "", reply] = text.split(" ");
    if (verb !== "MSG") return { op: "line", verb, text: text.slice(verb.length + 1) };
    const hasReply = text.split(" ").length === 5;
    return {
      op: "msg",
      subject,
      sid,
      ...(hasReply && { reply: reply! }),
      body: bytes.subarray(line, end - 2),
    };
  },
  encode(value, out) {
    if (value.op === "line") return out.utf8(`${value.text}\r\n`);
    const reply = value.reply === undefined ? "" : ` ${value.reply}`;
    return out
      .utf8(`PUB ${value.subject}${reply} ${value.body.length}\r\n`)
      .bytes(value.body)
      .utf8("\r\n");
  },
});
