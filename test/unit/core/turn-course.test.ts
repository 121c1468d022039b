import { describe, expect, it } from "vitest";
import { Connection, type ConnectionOptions, lines, utf8 } from "../../../src/index.ts";
import { Loop } from "../../support/loop.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";

const text = lines({ maxFrame: 4096 }).wrap(utf8());
const chunk = (count: number, length = 2): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(`${"x".repeat(length - 1)}\n`.repeat(count), (c) => c.charCodeAt(0));

/** A connection whose handler takes `ms`; records at which message the clock is asked, and calls of the sink. */
function course(loop: Loop, ms: number | (() => number), options: ConnectionOptions = {}) {
  const log: (number | string)[] = [];
  let got = 0;
  const sink = new ScriptedSink();
  const noted = (call: string): void => void log.push(call);
  sink.pause = () => noted("pause");
  sink.resume = () => noted("resume");
  const connection = new Connection<string>(
    text,
    sink,
    {
      message() {
        got++;
        loop.time += typeof ms === "number" ? ms : ms();
      },
    },
    {
      clock: {
        ...loop.clock,
        now() {
          log.push(got);
          return loop.time;
        },
      },
      ...options,
    },
  );
  connection.opened();
  log.length = 0;
  return { connection, log, got: () => got };
}

/** Runs all rounds: what is recorded in each, after its duration. */
function rounds(loop: Loop, log: (number | string)[]): string[] {
  const all: string[] = [];
  while (loop.isBusy) {
    const took = loop.round();
    all.push(`${took}: ${log.splice(0).join(" ")}`);
  }
  return all;
}

describe("the clock is asked more often the longer handlers take, until the turn is over", () => {
  // Times are sums of powers of 2, so limits are met exactly. Each row: what happens at once, and in the next rounds.
  it.each<[number, string, string[]]>([
    [0, "0 8 24 56 120 184", []],
    [1 / 64, "0 8 24 56 88 120 152 184 216", ["0: "]],
    [3 / 128, "0 8 24 56 88 120 152 184 216", ["0: "]],
    [
      1 / 16,
      "0 8 16 24 32 40 48 56 64 72 80 88 96 104 112 120 128 pause",
      ["4: 128 136 144 152 160 168 176 184 192", "3: 192 200 208 216 224 232 240 resume", "0: "],
    ],
    [
      1 / 8,
      "0 8 16 24 32 40 48 56 64 pause",
      [
        "4: 64 72 80 88 96",
        "4: 96 104 112 120 128",
        "4: 128 136 144 152 160",
        "4: 160 168 176 184 192",
      ],
    ],
    [
      3 / 16,
      "0 8 12 16 20 24 28 32 36 40 44 pause",
      [
        "4.5: 44 48 52 56 60 64 68",
        "4.5: 68 72 76 80 84 88 92",
        "4.5: 92 96 100 104 108 112 116",
        "4.5: 116 120 124 128 132 136 140",
      ],
    ],
    [1, "0 8 pause", ["4: 8 12", "4: 12 14 15 16", "4: 16 17 18 19 20", "4: 20 21 22 23 24"]],
    [16, "0 8 pause", ["64: 8 12", "32: 12 14", "16: 14 15", "16: 15 16"]],
  ])("%d ms", (ms, first, next) => {
    const loop = new Loop();
    loop.time = 1000;
    const { connection, log } = course(loop, ms);
    connection.received(chunk(240));
    expect(log.splice(0).join(" ")).toBe(first);
    expect(rounds(loop, log).slice(0, 4)).toEqual(next);
  });

  it("also if they are slow only for some time", () => {
    const loop = new Loop();
    loop.time = 1000;
    let count = 0;
    const { connection, log } = course(loop, () => (count++ % 100 === 50 ? 3 : 0));
    connection.received(chunk(600));
    expect(log.splice(0).join(" ")).toBe("0 8 24 56 72 104 168 200 264 pause");
    expect(rounds(loop, log)).toEqual([
      "9: 264 296 360 392 456 488 552",
      "0: 552 584 resume",
      "0: ",
    ]);
  });

  it("if a turn has another length", () => {
    const loop = new Loop();
    loop.time = 1000;
    const { connection, log } = course(loop, 1 / 4, { turn: 16 });
    connection.received(chunk(240));
    expect(log.splice(0).join(" ")).toBe("0 8 16 24 32 40 48 56 64 pause");
    expect(rounds(loop, log)).toEqual([
      "8: 64 72 80 88 96",
      "8: 96 104 112 120 128",
      "8: 128 136 144 152 160",
      "8: 160 168 176 184 192",
      "8: 192 200 208 216 224",
      "4: 224 232 240 resume",
      "0: ",
    ]);
  });

  it("and never if turns have no end", () => {
    const loop = new Loop();
    const { connection, log } = course(loop, 1, { turn: 0 });
    connection.received(chunk(240));
    expect(log).toEqual([0]);
  });
});

describe("chunks of one round", () => {
  it("share one turn, and begin another one after a pause of the peer", () => {
    const loop = new Loop();
    loop.time = 1000;
    const { connection, log } = course(loop, 0.5);
    for (let i = 0; i < 8; i++) connection.received(chunk(3));
    const first = log.splice(0).join(" ");
    const then = rounds(loop, log);
    loop.time += 20;
    for (let i = 0; i < 6; i++) {
      connection.received(chunk(3));
      loop.time += 1;
    }
    expect([first, then, log.splice(0).join(" "), rounds(loop, log)]).toEqual([
      "0 3 6 8 9 12 12 14 15 16 pause 16 16",
      ["4: 16 18 20 22 24", "0: 24 resume", "0: "],
      "24 26 27 28 29 30 30 31 32 33 33 34 pause 34 34",
      ["4: 34 35 36 37 38 39 40 41 42", "0: 42 resume", "0: "],
    ]);
  });

  it("share it with other connections of the same clock", () => {
    const loop = new Loop();
    loop.time = 1000;
    const { clock } = loop;
    const both = [course(loop, 0.25, { clock }), course(loop, 0.25, { clock })];
    const found: string[] = [];
    const note = (took: number): void => {
      const each = both.map(({ got, log }) => [got(), ...log.splice(0)].join(" "));
      found.push(`${took}: ${each.join(", ")}`);
    };
    for (let i = 0; i < 6; i++) {
      for (const { connection } of both) connection.received(chunk(i < 4 ? 4 : 20));
    }
    note(loop.time - 1000);
    while (loop.isBusy) note(loop.round());
    expect(found).toEqual([
      "9.5: 21 pause, 17 pause",
      "4: 37, 17",
      "4.25: 37, 34",
      "4: 53, 34",
      "4: 53, 50",
      "2.25: 56 resume, 56 resume",
      "0: 56, 56",
    ]);
  });

  it("count from the time when the first of them came", () => {
    const loop = new Loop();
    loop.time = 1000;
    const { connection, log } = course(loop, 0.25);
    // Not enough for a round by itself.
    connection.received(chunk(4));
    loop.time += 100;
    connection.received(chunk(100));
    expect(log.splice(0).join(" ")).toBe("0 4 8 16 20 24 28 32 36 pause");
    expect(rounds(loop, log)).toEqual([
      "4: 36 40 44 48 52",
      "4: 52 56 60 64 68",
      "4: 68 72 76 80 84",
      "4: 84 88 92 96 100",
      "1: 100 104 resume",
      "0: ",
    ]);
  });

  it.each<[number, string, string[]]>([
    [992, "1016 1024 1080 pause 1088", ["0: 1344 resume", "0: "]],
    [991, "1016 1024 1080 1088 1144 pause", ["0: 1344 resume", "0: "]],
  ])(
    "with 64 KiB or more of fast messages, 64 of them of %d bytes, end with a rest",
    (length, first, then) => {
      const loop = new Loop();
      loop.time = 1000;
      const { connection, log } = course(loop, 1 / 128);
      connection.received(chunk(64, length));
      for (let i = 0; i < 20; i++) connection.received(chunk(64));
      const begun = log.splice(0);
      expect(begun.slice(begun.indexOf(1016)).join(" ")).toMatch(new RegExp(`^${first}`));
      expect(rounds(loop, log)).toEqual(then);
    },
  );
});
