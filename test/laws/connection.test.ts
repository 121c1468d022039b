import fc from "fast-check";
import {
  Connection,
  lengthPrefixed,
  lines,
  type Protocol,
  perMessage,
  utf8,
} from "../../src/index.ts";
import { equal, type SessionPlan, sessions, type WireEnd } from "../../src/testing/index.ts";
import { keeps } from "../support/laws.ts";

// Two connections under random scripts: what their users do, every byte late and in pieces, full wires, wires that
// are cut, time limits that run out.

type Side = "left" | "right";

interface Talk {
  readonly ends: { readonly [K in Side]: Connection<string> };
  /** What each side has said while it could. */
  readonly said: { readonly [K in Side]: string[] };
  /** What each side has heard. */
  readonly heard: { readonly [K in Side]: string[] };
  /** How each side's connection ended. */
  readonly closed: { readonly [K in Side]: string[] };
}

const words = fc.string({ unit: fc.constantFrom("a", "é", "😀"), maxLength: 30 });
const other = { left: "right", right: "left" } as const;
const sides: readonly Side[] = ["left", "right"];

function demand(holds: boolean, text: string): void {
  if (!holds) throw new Error(text);
}

/** What came is the beginning of what was said, in order, nothing twice. */
function inOrder({ said, heard, closed }: Talk): void {
  for (const side of sides) {
    const came = heard[side];
    const sent = said[other[side]];
    demand(equal(came, sent.slice(0, came.length)), `${side} heard ${came}; said was ${sent}`);
    demand(closed[side].length <= 1, `${side} was closed ${closed[side]}`);
  }
}

function talk(
  protocol: Protocol<string>,
  plan: Partial<SessionPlan<Talk>> = {},
): SessionPlan<Talk> {
  return {
    name: protocol.name,
    runs: 40,
    open({ wire, clock }) {
      const { left, right } = wire();
      const both = (): { [K in Side]: string[] } => ({ left: [], right: [] });
      const [said, heard, closed] = [both(), both(), both()];
      const end = (side: Side, at: WireEnd): Connection<string> => {
        const connection = new Connection(
          protocol,
          at.sink,
          {
            message: (_, word) => void heard[side].push(word),
            close: (_, { by }) => void closed[side].push(by),
          },
          { clock, highWater: 64 },
        );
        at.bind(connection);
        return connection;
      };
      return { ends: { left: end("left", left), right: end("right", right) }, said, heard, closed };
    },
    actions: {
      "left says": { values: words, run: (talk: Talk, word: string) => say(talk, "left", word) },
      "right says": { values: words, run: (talk: Talk, word: string) => say(talk, "right", word) },
      "right pauses": { run: ({ ends }: Talk) => ends.right.pause() },
      "right resumes": { run: ({ ends }: Talk) => ends.right.resume() },
    },
    invariant: inOrder,
    settled({ ends, said, heard }) {
      demand(equal(heard.left, said.right), `left heard ${heard.left} of ${said.right}`);
      ends.right.resume();
    },
    ...plan,
  };
}

function say({ ends, said }: Talk, side: Side, word: string): void {
  const { state } = ends[side];
  if (state === "opening" || state === "open") said[side].push(word);
  ends[side].send(word);
}

const closing = {
  "left says": { values: words, run: (talk: Talk, word: string) => say(talk, "left", word) },
  "left closes": { run: ({ ends }: Talk) => ends.left.close() },
  "right closes": { run: ({ ends }: Talk) => ends.right.close() },
};

/** Both or none are over; who was closed by its peer has heard everything. */
function bothOver({ ends, said, heard, closed }: Talk): void {
  const isOver = sides.some((side) => ends[side].state !== "open");
  for (const side of sides) {
    demand(closed[side].length === (isOver ? 1 : 0), `${side} was closed ${closed[side]}`);
  }
  if (closed.left[0] === "local" && closed.right[0] === "peer") {
    demand(equal(heard.right, said.left), `right heard ${heard.right} of ${said.left}`);
  }
}

const line = lines().wrap(utf8());
const message = perMessage().wrap(utf8()) as Protocol<string>;

keeps("connections with much room", [sessions(talk(line, { capacity: 10_000 }))]);
keeps("connections on a wire that is full at once", [sessions(talk(line, { capacity: 5 }))]);
keeps("connections with a length in front", [
  sessions(talk(lengthPrefixed({ width: 2 }).wrap(utf8()))),
]);
keeps("connections on messages", [sessions(talk(message, { boundary: "message" }))]);
keeps("connections that close", [sessions(talk(line, { actions: closing, settled: bothOver }))]);
keeps("connections whose wire is cut", [
  sessions(
    talk(line, {
      severs: true,
      settled({ ends, closed }) {
        // A paused connection keeps what has arrived, and ends once that is read.
        ends.right.resume();
        const isCut = ends.left.state === "closed";
        const wanted = isCut ? "error error" : " ";
        const found = `${closed.left} ${closed.right}`;
        demand(found === wanted, `closed by ${found}, not ${wanted}`);
      },
    }),
  ),
]);
