import fc from "fast-check";
import {
  decimal,
  decodeUtf8,
  defineProtocol,
  type Protocol,
  ProtocolError,
} from "../../../../src/index.ts";
import { text } from "../../../../src/testing/index.ts";
import { ascii, find, type Saboteur, saboteur } from "../saboteurs/saboteur.ts";

/*
 * Lines with a payload, as NATS: MSG, a subject, how many bytes follow, CRLF, these bytes, CRLF.
 */

interface Message {
  readonly subject: string;
  readonly payload: string;
}

const CRLF = ascii("\r\n");
const HEAD = /^MSG ([!-~]+) (\d+)$/;
const LONGEST = 120;

/** Where the line ends, and what it says; undefined if it is not all here. */
function lineOf(
  all: Uint8Array,
  start: number,
  end: number,
  from = start,
): { readonly subject: string; readonly size: number; readonly next: number } | undefined {
  const at = find(all, CRLF, from, Math.min(end, start + LONGEST));
  if (at < 0) {
    if (end - start >= LONGEST)
      throw new ProtocolError("malformed", "a line without an end", start);
    return undefined;
  }
  const match = HEAD.exec(String.fromCharCode(...all.subarray(start, at)));
  if (match === null) throw new ProtocolError("malformed", "not a message", start);
  const digits = match[2]!;
  return { subject: match[1]!, size: decimal(all, at - digits.length, at), next: at + 2 };
}

const measure: Protocol<Message>["measure"] = (all, start, end) => {
  const line = lineOf(all, start, end);
  return line === undefined ? 0 : line.next + line.size + 2 - start;
};

function messageOf(all: Uint8Array, start: number, end: number, isStrict = true): Message {
  const line = lineOf(all, start, end)!;
  const stop = line.next + line.size;
  if (isStrict && find(all, CRLF, stop, end) !== stop) {
    throw new ProtocolError("malformed", "no CRLF after the payload", stop);
  }
  return { subject: line.subject, payload: decodeUtf8(all, line.next, stop) };
}

const sizeOf = (value: string): number => new TextEncoder().encode(value).length;

export function nats(fault: Partial<Protocol<Message>> = {}): Protocol<Message> {
  return defineProtocol<Message>({
    name: "nats",
    maxFrame: 2000,
    measure,
    decode: (all, start, end) => messageOf(all, start, end),
    encode({ subject, payload }, out) {
      if (!/^[!-~]+$/.test(subject)) throw new ProtocolError("unencodable", "not a subject");
      out.utf8(`MSG ${subject} ${sizeOf(payload)}\r\n${payload}\r\n`);
    },
    ...fault,
  });
}

export const messages: fc.Arbitrary<Message> = fc.record({
  subject: fc.string({ unit: fc.constantFrom("a", ".", "b"), minLength: 1, maxLength: 9 }),
  payload: text({ max: 500 }),
});

export const linesWithPayload: readonly Saboteur[] = [
  saboteur(
    "characters are counted, not bytes",
    "measure equals length",
    nats({
      encode: ({ subject, payload }, out) =>
        void out.utf8(`MSG ${subject} ${payload.length}\r\n${payload}\r\n`),
    }),
    messages,
  ),
  saboteur(
    "the line end after the payload is not looked at",
    "every byte counts",
    nats({ decode: (all, start, end) => messageOf(all, start, end, false) }),
    messages,
  ),
  saboteur(
    "a subject with a space in it is written",
    "refusal",
    nats({
      encode: ({ subject, payload }, out) =>
        void out.utf8(`MSG ${subject} ${sizeOf(payload)}\r\n${payload}\r\n`),
    }),
    messages,
    { refused: fc.constantFrom({ subject: "a b", payload: "" }, { subject: "", payload: "x" }) },
  ),
  saboteur(
    "goes on after a CR, and misses the LF",
    "resumed measure",
    nats({
      measure(all, start, end, scan) {
        const line = lineOf(all, start, end, start + scan.at);
        if (line !== undefined) return line.next + line.size + 2 - start;
        scan.at = end - start;
        return 0;
      },
    }),
    messages,
  ),
  saboteur("the reader allows less than the writer", "limit invariance", nats(), messages, {
    reader: nats({ maxFrame: 200 }),
  }),
];
