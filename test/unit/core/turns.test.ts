import { describe, expect, it } from "vitest";
import {
  Connection,
  type ConnectionOptions,
  defineProtocol,
  type Handlers,
  lines,
  utf8,
} from "../../../src/index.ts";
import { Loop } from "../../support/loop.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";

// The time that a connection delivers before others have their turn, measured by a clock that handlers
// advance.

const text = lines({ maxFrame: 64 }).wrap(utf8());
const ascii = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(s, (c) => c.charCodeAt(0));
const numbered = (count: number): string =>
  Array.from({ length: count }, (_, i) => `${i}\n`).join("");

interface Setup {
  /** Duration of the handler in ms. */
  readonly ms: number;
  readonly options?: ConnectionOptions;
  readonly handlers?: Handlers<string>;
  readonly boundary?: "stream" | "message";
}

function setup(loop: Loop, { ms, options, handlers, boundary }: Setup) {
  const sink = new ScriptedSink(boundary);
  const got: string[] = [];
  const connection = new Connection<string>(
    text,
    sink,
    {
      message(_, value) {
        got.push(value);
        loop.time += ms;
      },
      ...handlers,
    },
    { clock: loop.clock, ...options },
  );
  connection.opened();
  return { connection, sink, got };
}

describe("a turn", () => {
  it.each([0.02, 0.1, 1, 5])(
    "of handlers that take %d ms each is over after 8 ms, or one handler",
    (ms) => {
      const loop = new Loop();
      const { connection, got } = setup(loop, { ms });
      const count = Math.max(3000, Math.round(50 / ms));
      connection.received(ascii(numbered(count)));
      // The duration of handlers is not known at first: the clock is checked after eight.
      expect(loop.time).toBeLessThanOrEqual(8 + 8 * ms);
      const took = loop.finish();
      expect(got).toHaveLength(count);
      expect(got.at(-1)).toBe(`${count - 1}`);
      // Later ones are half as long, since others may have chunks of their own.
      for (const each of took.slice(2)) expect(each).toBeLessThanOrEqual(Math.max(5.5, ms));
    },
  );

  it("asks the clock once in 64 messages if they take no time", () => {
    const loop = new Loop();
    const { connection } = setup(loop, { ms: 0 });
    connection.received(ascii(numbered(1000)));
    loop.asked = 0;
    connection.received(ascii(numbered(6400)));
    expect(loop.asked).toBeLessThanOrEqual(102);
    expect(loop.asked).toBeGreaterThanOrEqual(100);
    expect(loop.isBusy).toBe(false);
  });

  it("is shared by all connections of a clock: many busy ones delay others no more than one does", () => {
    const loop = new Loop();
    const busy = Array.from({ length: 50 }, () => setup(loop, { ms: 0.1 }));
    const quiet = setup(loop, { ms: 0 });
    // Warm-up: afterwards the duration of their handlers is known.
    for (const { connection } of busy) connection.received(ascii(numbered(200)));
    loop.finish();
    const since = loop.time;
    for (const { connection } of busy) connection.received(ascii(numbered(200)));
    // One has its turn, each of the others at most the messages between two checks.
    expect(loop.time - since).toBeLessThanOrEqual(8 + 50 * 1);
    while (loop.isBusy) {
      expect(loop.round()).toBeLessThanOrEqual(4 + 1);
      const before = quiet.got.length;
      quiet.connection.received(ascii("x\n"));
      expect(quiet.got).toHaveLength(before + 1);
    }
    for (const { got } of busy) expect(got).toHaveLength(400);
    expect(quiet.sink.calls).not.toContain("pause");
  });

  it("is given to all in the order in which they began to wait", () => {
    const loop = new Loop();
    const ends: number[] = [];
    const all = Array.from({ length: 5 }, (_, i) => {
      let left = 500;
      return setup(loop, {
        ms: 1,
        handlers: {
          message() {
            loop.time += 1;
            if (--left === 0) ends.push(i);
          },
        },
      });
    });
    for (const { connection } of all) connection.received(ascii(numbered(500)));
    loop.finish();
    expect(ends).toEqual([0, 1, 2, 3, 4]);
  });

  it.each(["stream", "message"] as const)(
    "is not begun anew by each of many chunks that come in the same round, on boundary %s",
    (boundary) => {
      const loop = new Loop();
      const { connection, sink, got } = setup(loop, { ms: 0.5, boundary });
      // Each by itself is done within a turn.
      for (let i = 0; i < 320; i++) connection.received(ascii(`${i}\n`));
      expect(loop.time).toBeLessThanOrEqual(8 + 0.5 * 8);
      expect(sink.calls).toEqual(["pause"]);
      loop.finish();
      expect(got).toHaveLength(320);
      expect(sink.calls).toEqual(["pause", "resume"]);
    },
  );

  it("that many chunks with fast handlers take together ends with a pause of the source, and nothing is kept", () => {
    const loop = new Loop();
    const { connection, sink, got } = setup(loop, { ms: 0.01 });
    let chunks = 0;
    const chunk = ascii(
      "a line of about a hundred bytes, as they are common in text"
        .padEnd(63)
        .concat("\n")
        .repeat(500),
    );
    while (!sink.calls.includes("pause") && chunks < 50) {
      connection.received(chunk.slice());
      chunks++;
    }
    expect(loop.time).toBeGreaterThanOrEqual(8);
    expect(loop.time).toBeLessThanOrEqual(8 + 7);
    // A transport that cannot be paused is not made to fill memory.
    for (let i = 0; i < 100; i++) connection.received(chunk.slice());
    expect(got).toHaveLength(500 * (100 + chunks));
    loop.finish();
    expect(sink.calls).toEqual(["pause", "resume"]);
  });

  it("begins with the first bytes, also if no one reads yet", () => {
    const loop = new Loop();
    loop.time = 50;
    const { connection, got } = setup(loop, { ms: 0, handlers: { message: undefined } });
    connection.received(ascii(numbered(100)));
    connection.use(text, { message: (_, value) => got.push(value) });
    expect(got).toHaveLength(100);
    expect(loop.isBusy).toBe(false);
  });

  it("has the length of the option, and no end at 0", () => {
    const loop = new Loop();
    const short = setup(loop, { ms: 0.1, options: { turn: 2 } });
    short.connection.received(ascii(numbered(100)));
    expect(short.got.length).toBeLessThanOrEqual(20 + 8);
    loop.finish();
    const endless = setup(loop, { ms: 1, options: { turn: 0 } });
    endless.connection.received(ascii(numbered(500)));
    expect(endless.got).toHaveLength(500);
    expect(loop.isBusy).toBe(false);
  });

  it("holds for values of one frame, too", () => {
    const loop = new Loop();
    let ms = 1;
    const words = defineProtocol<string>({
      ...lines({ maxFrame: 65_536 }),
      name: "words",
      decode: () => "",
      decodeMany: (bytes, start, end) =>
        String.fromCharCode(...bytes.subarray(start, end - 1)).split(" "),
      encode(value, out) {
        out.utf8(value).u8(0x0a);
      },
    });
    let got = 0;
    const connection = new Connection(
      words,
      new ScriptedSink(),
      {
        message() {
          got++;
          loop.time += ms;
        },
      },
      { clock: loop.clock },
    );
    connection.opened();
    connection.received(ascii(`${"x ".repeat(999)}x\n`));
    expect(got).toBe(8);
    for (const each of loop.finish().slice(2)) expect(each).toBeLessThanOrEqual(5);
    expect(got).toBe(1000);
    // The clock is checked less and less often if they take no time.
    ms = 0;
    connection.received(ascii(`${"x ".repeat(999)}x\n`));
    loop.asked = 0;
    connection.received(ascii(`${"x ".repeat(6399)}x\n`));
    expect(loop.asked).toBeLessThanOrEqual(105);
    expect(got).toBe(1000 + 1000 + 6400);
  });

  it("of a connection that was closed meanwhile does not hold up others", () => {
    const loop = new Loop();
    const first = setup(loop, { ms: 1 });
    const second = setup(loop, { ms: 1 });
    first.connection.received(ascii(numbered(100)));
    second.connection.received(ascii(numbered(100)));
    const delivered = first.got.length;
    first.connection.abort();
    loop.finish();
    expect(first.got).toHaveLength(delivered);
    expect(second.got).toHaveLength(100);
  });
});
