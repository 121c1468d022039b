import type { RemoteInfo, Socket } from "node:dgram";
import { EventEmitter } from "node:events";
import { json, type MessageProtocol, ProtocolError, utf8 } from "../../../src/core/index.ts";
import { lengthPrefixed, lines, perMessage } from "../../../src/framing/index.ts";
import { equal } from "../../../src/testing/equal.ts";
import { attachDatagram } from "../../../src/transports/node/datagram.ts";
import type { Target } from "../check.ts";

const maxFrame = 40;
const line = lines({ maxFrame }).wrap(utf8());

const cases: readonly {
  readonly name: string;
  readonly protocol: MessageProtocol<string, unknown>;
}[] = [
  { name: "lines", protocol: line },
  { name: "lengths and JSON", protocol: lengthPrefixed({ width: 1, maxFrame }).wrap(json()) },
  { name: "one message", protocol: perMessage({ maxFrame }).wrap(utf8()) },
  {
    name: "words of lines",
    protocol: {
      ...line,
      decodeMany: (bytes, start, end) => line.decode(bytes, start, end).split(" "),
    } as MessageProtocol<string>,
  },
];

/** What a datagram brings, with an error for what follows the last good message. */
type Outcome = readonly unknown[];

const peer = { address: "::1", port: 1, family: "IPv6", size: 0 } as RemoteInfo;

/** All datagrams at one endpoint. */
function told(
  protocol: MessageProtocol<string, unknown>,
  datagrams: readonly Uint8Array[],
): Outcome[] {
  const socket = new EventEmitter() as Socket;
  let outcome: unknown[] = [];
  let isOver = false;
  const add = (what: unknown): void => {
    if (isOver) throw new Error("something behind an error");
    outcome.push(what);
  };
  attachDatagram(socket, protocol, {
    message: (_, value) => add({ value }),
    error(_, error) {
      if (!(error instanceof ProtocolError)) throw new Error(`${error}`);
      add(error.code);
      isOver = true;
    },
  });
  return datagrams.map((bytes) => {
    outcome = [];
    isOver = false;
    socket.emit("message", bytes.slice(), peer);
    return outcome;
  });
}

/*
 * An input is:   case u8 | length u8 | a datagram | length u8 | ...
 */
function split(data: Uint8Array): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  for (let at = 1; at < data.length; ) {
    const end = at + 1 + data[at]!;
    datagrams.push(data.slice(at + 1, end));
    at = end;
  }
  return datagrams;
}

export const target: Target = {
  cases: cases.map(({ name }) => name),
  fuzz(data) {
    const { name, protocol } = cases[(data[0] ?? 0) % cases.length]!;
    const datagrams = split(data);
    const together = told(protocol, datagrams);
    const alone = datagrams.flatMap((datagram) => told(protocol, [datagram]));
    if (!equal(together, alone))
      throw new Error(`${name}: a datagram changes what the next one is`);
    // One behind the other, whole ones are one datagram.
    const whole = together.flatMap((outcome, i) =>
      outcome.length > 0 && outcome.every((what) => typeof what === "object") ? [i] : [],
    );
    if (!("measure" in protocol)) return;
    const joined = Uint8Array.from(whole.flatMap((i) => [...datagrams[i]!]));
    const values = whole.flatMap((i) => together[i]!);
    if (joined.length > 0 && !equal(told(protocol, [joined]), [values])) {
      throw new Error(`${name}: whole frames of several datagrams are not whole in one`);
    }
  },
  seeds() {
    const bytesOf = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));
    const row = (...texts: string[]): number[] =>
      texts.flatMap((text) => [text.length, ...bytesOf(text)]);
    return cases.map((_, i) =>
      Uint8Array.of(i, ...row("a\nb c\n", "cut", "", '\x031.5\x02""', "\x04null", "é\n")),
    );
  },
};
