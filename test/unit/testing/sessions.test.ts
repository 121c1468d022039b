import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Connection, lines, type Protocol, utf8 } from "../../../src/index.ts";
import {
  equal,
  type Law,
  LawError,
  ManualClock,
  type SessionPlan,
  sessions,
  Wire,
  type WireEnd,
} from "../../../src/testing/index.ts";

interface Talk {
  readonly left: Connection<string>;
  readonly right: Connection<string>;
  readonly sent: { left: string[]; right: string[] };
  readonly came: { left: string[]; right: string[] };
  readonly closed: { left: unknown[]; right: unknown[] };
}

const words = fc.string({ unit: fc.constantFrom("a", "b", "é"), maxLength: 30 });

/** Two connections that say lines to each other. */
function talk(
  protocol: Protocol<string>,
  fault: Partial<SessionPlan<Talk>> = {},
): SessionPlan<Talk> {
  const prefix = (came: string[], sent: string[]): void => {
    if (!equal(came, sent.slice(0, came.length))) throw new Error(`came ${came}, sent ${sent}`);
  };
  return {
    name: "talk",
    runs: 60,
    open({ wire, clock }) {
      const { left, right } = wire();
      const sent: Talk["sent"] = { left: [], right: [] };
      const came: Talk["came"] = { left: [], right: [] };
      const closed: Talk["closed"] = { left: [], right: [] };
      const end = (side: "left" | "right", at: WireEnd): Connection<string> => {
        const connection = new Connection(
          protocol,
          at.sink,
          {
            message: (_, value) => void came[side].push(value),
            close: (_, info) => void closed[side].push(info.by),
          },
          { clock, highWater: 64 },
        );
        at.bind(connection);
        return connection;
      };
      return { left: end("left", left), right: end("right", right), sent, came, closed };
    },
    actions: {
      "left says": {
        values: words,
        when: ({ left }: Talk) => left.state === "opening" || left.state === "open",
        run(talk: Talk, word: string) {
          talk.sent.left.push(word);
          talk.left.send(word);
        },
      },
      "right says": {
        values: words,
        when: ({ right }: Talk) => right.state === "opening" || right.state === "open",
        run(talk: Talk, word: string) {
          talk.sent.right.push(word);
          talk.right.send(word);
        },
      },
      "right pauses": { run: (talk: Talk) => talk.right.pause() },
      "right resumes": { run: (talk: Talk) => talk.right.resume() },
    },
    invariant({ sent, came }) {
      prefix(came.right, sent.left);
      prefix(came.left, sent.right);
    },
    settled({ came, sent }) {
      // What the right does not want stays where it is; all else has come.
      expect(came.left).toEqual(sent.right);
    },
    ...fault,
  };
}

async function broken(law: Law): Promise<LawError> {
  try {
    await law.check();
  } catch (error) {
    expect(error).toBeInstanceOf(LawError);
    return error as LawError;
  }
  throw new Error("the law holds");
}

describe("sessions", () => {
  const protocol = lines().wrap(utf8());

  it("report the shortest script for a protocol that loses lines", async () => {
    const swallows = {
      ...protocol,
      decode(bytes: Uint8Array, start: number, end: number): string {
        const text = protocol.decode(bytes, start, end);
        return text === "b" ? "" : text;
      },
    };
    const error = await broken(sessions(talk(swallows, { runs: 200, seed: 1 })));
    expect(error).toMatchObject({ law: "sessions", protocol: "talk", seed: 1 });
    expect(error.message).toMatch(/value: (left|right) says "b"/);
    expect(error.message).toContain("came , sent b");
  });

  it("fail if the endpoints never stop sending", async () => {
    const law = sessions({
      ...talk(protocol, { runs: 1 }),
      open({ wire, clock }) {
        const { left, right } = wire();
        const echo = {
          message: (connection: Connection<string>, text: string) => connection.send(text),
        };
        const ends = [left, right].map((end) => {
          const connection = new Connection(protocol, end.sink, echo, { clock });
          end.bind(connection);
          return connection;
        });
        ends[0]!.send("again");
        return { left: ends[0]!, right: ends[1]!, sent: { left: [], right: [] }, came: { left: [], right: [] }, closed: { left: [], right: [] } }; // biome-ignore format: short
      },
      actions: {},
      invariant: () => undefined,
    });
    expect((await broken(law)).message).toContain("still busy after 10000 deliveries");
  });

  it("show deliveries as steps of the script", async () => {
    const law = sessions({
      ...talk(protocol, { seed: 3 }),
      invariant({ left, right }: Talk) {
        if (left.state === "open" && right.state === "opening") throw new Error("one is open");
      },
    });
    expect((await broken(law)).message).toMatch(/value: deliver \d+ bytes to the left\n/);
  });
});

describe("Wire", () => {
  function ends(wire: Wire): { left: string[]; right: string[] } {
    const log = { left: [] as string[], right: [] as string[] };
    for (const side of ["left", "right"] as const) {
      const note = (what: string) => (): void => void log[side].push(what);
      wire[side].bind({
        opened: note("opened"),
        received: (bytes) => void log[side].push(`received ${bytes}`),
        ended: note("ended"),
        drained: note("drained"),
        lost: (error) => void log[side].push(error === undefined ? "lost" : `lost ${error}`),
      });
    }
    return log;
  }
  const open = (wire: Wire): void => {
    wire.deliver("left");
    wire.deliver("right");
  };

  it("delivers in order and in pieces, and reports when there is room again", () => {
    const wire = new Wire({ capacity: 3 });
    expect(wire.deliver("left")).toBe(false);
    const log = ends(wire);
    open(wire);
    expect(wire.isQuiet).toBe(true);
    expect(wire.left.sink.write(Uint8Array.of(1, 2), false)).toBe(true);
    expect(wire.left.sink.write(Uint8Array.of(3, 4), false)).toBe(false);
    expect(wire.pending).toBe(4);
    wire.right.sink.pause();
    expect(wire.deliver("right")).toBe(false);
    wire.right.sink.resume();
    while (wire.deliver("right", 1));
    expect(log).toEqual({
      left: ["opened", "drained"],
      right: ["opened", "received 1", "received 2", "received 3", "received 4"],
    });
  });

  it("ends after the last byte, and is over when both sides have ended", () => {
    const wire = new Wire();
    const log = ends(wire);
    open(wire);
    wire.left.sink.write(Uint8Array.of(1), false);
    wire.left.sink.close();
    wire.left.sink.write(Uint8Array.of(9), false);
    while (wire.deliver("right"));
    expect(wire.isOver).toBe(false);
    wire.right.sink.close();
    while (wire.deliver("left") || wire.deliver("right"));
    expect(log).toEqual({
      left: ["opened", "ended", "lost"],
      right: ["opened", "received 1", "ended", "lost"],
    });
    expect(wire.isOver).toBe(true);
    wire.sever();
    expect(log.left).toHaveLength(3);
  });

  it("delivers whole messages", () => {
    const wire = new Wire({ boundary: "message" });
    const log = ends(wire);
    open(wire);
    wire.left.sink.write(Uint8Array.of(1, 2), false);
    wire.deliver("right", 1);
    expect(log.right).toEqual(["opened", "received 1,2"]);
  });

  it("reports an abort to the other end and drops undelivered bytes", () => {
    const wire = new Wire();
    const log = ends(wire);
    open(wire);
    wire.left.sink.write(Uint8Array.of(1), false);
    wire.left.sink.abort();
    wire.right.sink.write(Uint8Array.of(1), false);
    while (wire.deliver("left") || wire.deliver("right"));
    expect(log).toEqual({
      left: ["opened"],
      right: ["opened", "lost Error: the other end aborted"],
    });
  });
});

describe("ManualClock", () => {
  it("runs timers in order and on time, including timers that timers start", () => {
    const clock = new ManualClock();
    const log: string[] = [];
    const note = (what: string) => (): void => void log.push(`${what} at ${clock.now()}`);
    clock.after(20, note("b"));
    clock.after(10, () => {
      note("a")();
      clock.after(5, note("c"));
    });
    const off = clock.after(12, note("never"));
    off();
    expect(clock.waiting).toBe(2);
    clock.advance(100);
    expect(log).toEqual(["a at 10", "c at 15", "b at 20"]);
    expect(clock.now()).toBe(100);
    clock.after(-5, note("late"));
    clock.advance(0);
    expect(log.at(-1)).toBe("late at 100");
  });
});
