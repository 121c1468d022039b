import { describe, expect, it } from "vitest";
import { limitsOf, maxQueuedOf } from "../../../src/core/connection/limits.ts";
import { skip } from "../../../src/framing/index.ts";
import type { ConnectionOptions } from "../../../src/index.ts";

const none = {
  idleTimeout: Infinity,
  firstMessageTimeout: Infinity,
  frameTimeout: Infinity,
  sendTimeout: Infinity,
};

describe("the limits of a connection", () => {
  it("have defaults", () => {
    expect(limitsOf({})).toEqual({
      ...none,
      highWater: 262_144,
      maxQueued: undefined,
      closeTimeout: 10_000,
      endTimeout: 60_000,
      turn: 8,
      concurrency: 1,
    });
  });

  it("are taken as given, and 0 is none", () => {
    const given = {
      highWater: 1,
      maxQueued: 2,
      idleTimeout: 3,
      firstMessageTimeout: 4,
      frameTimeout: 5,
      sendTimeout: 6,
      closeTimeout: 7,
      endTimeout: 8,
      turn: 9,
      concurrency: 10,
    };
    expect(limitsOf(given)).toEqual(given);
    expect(limitsOf({ closeTimeout: 0, endTimeout: 0, turn: 0 })).toMatchObject({
      closeTimeout: Infinity,
      endTimeout: Infinity,
      turn: Infinity,
    });
    expect(limitsOf({ highWater: 0, maxQueued: 0 })).toMatchObject({ highWater: 0, maxQueued: 0 });
  });

  it("are shared by connections with the same ones", () => {
    const first = limitsOf({ turn: 5 });
    expect(limitsOf({ turn: 5 })).toBe(first);
    expect(limitsOf({ turn: 6 })).not.toBe(first);
    expect(limitsOf({ turn: 5, maxQueued: 100 })).toMatchObject({ turn: 5, maxQueued: 100 });
  });

  it("of what is queued are at least two frames", () => {
    const limits = limitsOf({});
    expect(maxQueuedOf(limits, 1000)).toBe(8_388_608);
    expect(maxQueuedOf(limits, 4_194_304)).toBe(8_388_608);
    expect(maxQueuedOf(limits, 4_194_305)).toBe(8_388_610);
    expect(maxQueuedOf(limitsOf({ maxQueued: 10 }), 1000)).toBe(10);
  });
});

describe("concurrency", () => {
  it("is an integer of at least 1, or Infinity", () => {
    for (const concurrency of [1, 2, 1000, Infinity]) {
      expect(limitsOf({ concurrency }).concurrency).toBe(concurrency);
    }
    for (const odd of [0, -1, 1.5, -Infinity, Number.NaN, "2", null, 2n]) {
      expect(() => limitsOf({ concurrency: odd as number })).toThrow(
        new RangeError(`concurrency must be an integer of at least 1, not ${String(odd)}`),
      );
    }
  });
});

describe("other options", () => {
  const now = (): number => 0;
  const after = () => () => {};

  it.each<[string, ConnectionOptions]>([
    ["a clock without now", { clock: { after } as never }],
    ["a clock without after", { clock: { now } as never }],
    ["a clock that is null", { clock: null as never }],
    ["a signal without addEventListener", { signal: { aborted: false } as never }],
    ["a policy without a splitter", { onInvalid: { kind: "skip" } as never }],
    ["another way to report bugs", { handlerErrors: "print" as never }],
    ["a trace that is no function", { trace: {} as never }],
  ])("are refused: %s", (_, options) => {
    expect(() => limitsOf(options)).toThrow(TypeError);
  });

  it("are accepted if they are whole", () => {
    limitsOf({
      clock: { now, after },
      signal: new AbortController().signal,
      onInvalid: skip(),
      trace() {},
      handlerErrors: "throw",
    });
    limitsOf({ handlerErrors: "report" });
  });
});
