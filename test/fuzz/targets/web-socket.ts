import { json, type MessageProtocol, ProtocolError, utf8 } from "../../../src/core/index.ts";
import { lengthPrefixed, lines, perMessage } from "../../../src/framing/index.ts";
import { goimJson } from "../../../src/protocols/goim/index.ts";
import { equal } from "../../../src/testing/equal.ts";
import { ManualClock } from "../../../src/testing/index.ts";
import { attachWebSocket } from "../../../src/transports/web/web-socket.ts";
import { FakeWebSocket } from "../../support/fake-web-socket.ts";
import type { Target } from "../check.ts";

const maxFrame = 60;
const cases: readonly {
  readonly name: string;
  readonly boundary: "message" | "stream";
  readonly protocol: MessageProtocol<unknown>;
}[] = [
  { name: "text", boundary: "message", protocol: perMessage({ maxFrame }).wrap(utf8()) },
  { name: "JSON", boundary: "message", protocol: perMessage({ maxFrame }).wrap(json()) },
  { name: "lines in messages", boundary: "message", protocol: lines({ maxFrame }).wrap(utf8()) },
  { name: "a stream of lines", boundary: "stream", protocol: lines({ maxFrame }).wrap(utf8()) },
  {
    name: "a stream of lengths",
    boundary: "stream",
    protocol: lengthPrefixed({ width: 2, maxFrame }).wrap(json()),
  },
  { name: "goim in JSON", boundary: "message", protocol: goimJson() },
] as never;

/*
 * An input is:   case u8 | kind u8, bytes ... | kind u8, bytes ... | ...
 *
 * The kind says how long a message is, and as what it comes: text (where its bytes are UTF-8), an ArrayBuffer, a view
 * as `ws` gives it; and now and then that the peer closes.
 */
function split(data: Uint8Array): { kind: number; bytes: Uint8Array<ArrayBuffer> }[] {
  const messages: { kind: number; bytes: Uint8Array<ArrayBuffer> }[] = [];
  for (let at = 1; at < data.length; ) {
    const kind = data[at]!;
    const end = at + 1 + (kind >> 2);
    messages.push({ kind: kind & 3, bytes: data.slice(at + 1, end) });
    at = end;
  }
  return messages;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A message as an event has it. */
function dataOf(kind: number, bytes: Uint8Array<ArrayBuffer>): unknown {
  if (kind === 1) return bytes.buffer;
  if (kind === 2) return Uint8Array.of(9, ...bytes, 9).subarray(1, 1 + bytes.length);
  try {
    return strict.decode(bytes);
  } catch {
    // A WebSocket never gives what is no text as text.
    return bytes.buffer;
  }
}

interface Outcome {
  readonly values: unknown[];
  readonly codes: string[];
  readonly closes: string[];
}

/** One socket's messages, each as its kind says, or all of them as binary ones. */
function told(one: (typeof cases)[number], data: Uint8Array, isBinary: boolean): Outcome {
  const socket = new FakeWebSocket();
  const outcome: Outcome = { values: [], codes: [], closes: socket.closes };
  const clock = new ManualClock();
  let ends = 0;
  const connection = attachWebSocket(socket, one.protocol, {
    clock,
    boundary: one.boundary as "message",
    message(connection, value) {
      if (ends > 0) throw new Error("a message behind the end");
      outcome.values.push(value);
      connection.send(value);
    },
    error(_, error) {
      if (!(error instanceof ProtocolError)) throw new Error(`${error}`);
      outcome.codes.push(error.code);
    },
    close: () => void ends++,
  });
  for (const { kind, bytes } of split(data)) {
    if (kind === 3) {
      socket.readyState = 3;
      socket.emit("close", { code: 1000, reason: "", wasClean: true });
      break;
    }
    socket.emit("message", { data: dataOf(isBinary ? 1 : kind, bytes.slice()) });
  }
  socket.readyState = 3;
  socket.emit("close", { code: 1006, reason: "", wasClean: false });
  if (ends !== 1 || connection.state !== "closed") throw new Error(`closed ${ends} times`);
  if (clock.waiting > 0) throw new Error(`${clock.waiting} timers left`);
  return outcome;
}

export const target: Target = {
  cases: cases.map(({ name }) => name),
  fuzz(data) {
    const one = cases[(data[0] ?? 0) % cases.length]!;
    const given = told(one, data, false);
    const binary = told(one, data, true);
    if (!equal(given, binary)) throw new Error(`${one.name}: text is other than its bytes`);
    // The peer is told once, and in a way that a browser can say.
    const wrong = given.closes.filter((close) => !/^(4002|4009|4008|4011|1000|1005) /.test(close));
    if (given.closes.length > 1 || wrong.length > 0) throw new Error(`closed with ${given.closes}`);
  },
  seeds() {
    const bytesOf = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));
    const row = (kind: number, text: string): number[] => [
      (text.length << 2) | kind,
      ...bytesOf(text),
    ];
    return cases.flatMap((_, i) => [
      Uint8Array.of(i, ...row(0, "a\nb\n"), ...row(1, "hello\n"), ...row(2, '{"a":1}'), 3),
      Uint8Array.of(
        i,
        ...row(0, '[{"ver":1,"op":5,"seq":2,"body":{}}]'),
        ...row(2, "\0\x02"),
        9,
        49,
        50,
      ),
    ]);
  },
};
