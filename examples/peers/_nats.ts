// The protocol of NATS for clients and servers: lines, some of which announce the number of bytes after them.
//
//   MSG <subject> <sid> [reply] <n>\r\n<n bytes>\r\n        PUB <subject> [reply] <n>\r\n<n bytes>\r\n
import {
  decimal,
  decodeUtf8,
  defineProtocol,
  indexOfByte,
  type Protocol,
  ProtocolError,
} from "framewright";

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

const LF = 0x0a;
const SPACE = 0x20;

/** End of the first line, after its CRLF; 0 if it is not here yet. */
function lineEnd(bytes: Uint8Array, start: number, end: number): number {
  const at = indexOfByte(bytes, LF, start, end);
  if (at < 0) return 0;
  if (bytes[at - 1] !== 0x0d)
    throw new ProtocolError("malformed", "the line ends in LF without CR", at);
  return at + 1;
}

/** Number of bytes in the body after a line. */
function bodyLength(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 2;
  while (at > start && bytes[at - 1] !== SPACE) at--;
  return decimal(bytes, at, end - 2);
}

/** Frames in which lines with this verb have a body. */
const framing = (verb: string): Pick<Protocol<never>, "maxFrame" | "measure"> => ({
  maxFrame: 2 ** 20 + 4096,
  measure(bytes, start, end, scan) {
    const line = lineEnd(bytes, start + scan.at, end);
    if (line === 0) {
      // A CR at the end is read again.
      scan.at = Math.max(0, end - start - 1);
      return 0;
    }
    const hasBody = Array.from(`${verb} `).every((c, n) => bytes[start + n] === c.charCodeAt(0));
    return line - start + (hasBody ? bodyLength(bytes, start, line) + 2 : 0);
  },
});

/** The words of the first line, and where it ends. */
function wordsOf(bytes: Uint8Array, start: number, end: number): [readonly string[], number] {
  const line = lineEnd(bytes, start, end);
  return [decodeUtf8(bytes, start, line - 2).split(" "), line];
}

/** The side of a client. */
export const nats = defineProtocol<Sent, Received>({
  name: "nats",
  ...framing("MSG"),
  decode(bytes, start, end) {
    const [words, line] = wordsOf(bytes, start, end);
    const [verb = "", subject = "", sid = "", reply] = words;
    if (verb !== "MSG") return { op: "line", verb, text: words.slice(1).join(" ") };
    const hasReply = words.length === 5;
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

/** The side of a server. */
export const natsServer = defineProtocol<Received, Sent>({
  name: "nats server",
  ...framing("PUB"),
  decode(bytes, start, end) {
    const [words, line] = wordsOf(bytes, start, end);
    const [verb, subject = "", reply] = words;
    if (verb !== "PUB") return { op: "line", text: words.join(" ") };
    const hasReply = words.length === 4;
    const body = bytes.subarray(line, end - 2);
    return { op: "pub", subject, ...(hasReply && { reply: reply! }), body };
  },
  encode(value, out) {
    if (value.op === "line") {
      return out.utf8(`${value.text === "" ? value.verb : `${value.verb} ${value.text}`}\r\n`);
    }
    const reply = value.reply === undefined ? "" : ` ${value.reply}`;
    return out
      .utf8(`MSG ${value.subject} ${value.sid}${reply} ${value.body.length}\r\n`)
      .bytes(value.body)
      .utf8("\r\n");
  },
});
