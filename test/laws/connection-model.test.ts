import fc from "fast-check";
import { afterEach, beforeEach, describe, it, vi } from "vitest";
import { type Place, type Plan, type Step, World } from "../support/connection-model.ts";

// A connection under any calls in any order, also from inside of its own handlers, beside a slow and simple model.

const environment = typeof process === "undefined" ? {} : process.env;
// MODEL_RUNS=2000 MODEL_SEEDS=40 looks far and wide, in some minutes.
const RUNS = Number(environment.MODEL_RUNS ?? 400);
const SEEDS = Number(environment.MODEL_SEEDS ?? 1);

const which = fc.nat({ max: 2 });
const isError = fc.boolean();
const word = fc.constantFrom("w#", "w# w#", "w# w# w#", "x#");
const line = fc.oneof(
  { weight: 30, arbitrary: word.map((text) => `${text}\n`) },
  { weight: 3, arbitrary: fc.constantFrom("part#", "#") },
  { weight: 1, arbitrary: fc.constantFrom("bad#!\n", `${"l".repeat(700)}\n`) },
);
const plain: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("bytes" as const),
      words: fc.array(line, { minLength: 1, maxLength: 5 }),
      cut: fc.nat({ max: 12 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("many" as const), count: fc.constantFrom(65, 130) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom("send" as const, "frame" as const),
      size: fc.constantFrom(0, 5, 25, 60, 500),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("next" as const), which }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("return" as const, "hold" as const, "release" as const),
      which,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("lost" as const, "abort" as const), isError }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      isRejected: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.constantFrom(1, 9, 1500, 2200, 2200, 5000, 9000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("use" as const),
      many: fc.boolean(),
      message: fc.boolean(),
      end: fc.boolean(),
    }),
  },
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...(["ended", "drained", "drained", "full", "pause", "resume", "resume"] as const),
        ...(["end", "close", "turns", "turns", "turns", "opened", "ready", "flushed"] as const),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "detach" } as const) },
);
const places: Place[] = ["open", "message", "drain", "end", "error", "write", "encode", "input"];
const sinkPlaces: Place[] = [
  ...(["sinkPause", "sinkResume", "sinkEnd", "sinkClose", "sinkAbort", "buffered"] as const),
];
const inner: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: plain },
  { weight: 2, arbitrary: fc.constant({ do: "promise" } as const) },
  { weight: 1, arbitrary: fc.constantFrom({ do: "throw" } as const) },
);
const armed: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("arm" as const),
  where: fc.oneof(
    { weight: 2, arbitrary: fc.constant("message" as const) },
    fc.constantFrom(...places),
  ),
  step: inner,
});
const brokenSink: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("arm" as const),
  where: fc.constantFrom(...sinkPlaces),
  step: fc.constant({ do: "throw" } as const),
});
const step = fc.oneof(
  { weight: 30, arbitrary: plain },
  { weight: 10, arbitrary: armed },
  { weight: 1, arbitrary: brokenSink },
);

const plan: fc.Arbitrary<Plan> = fc.record({
  boundary: fc.constantFrom("stream" as const, "message" as const),
  concurrency: fc.integer({ min: 1, max: 3 }),
  message: fc.boolean(),
  end: fc.boolean(),
  many: fc.boolean(),
  isTimed: fc.boolean(),
  isTextSink: fc.boolean(),
  isContextBroken: fc.oneof(
    { weight: 60, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  steps: fc
    .tuple(
      fc.oneof({ weight: 9, arbitrary: fc.constant<Step>({ do: "opened" }) }, step),
      fc.array(step, { minLength: 1, maxLength: 40, size: "max" }),
    )
    .map(([first, rest]) => [first, ...rest]),
});

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a connection", () => {
  it("behaves as its model under any calls in any order", { timeout: 600_000 }, async () => {
    const { seed = 1 } = fc.readConfigureGlobal();
    for (let i = 0; i < SEEDS; i++) {
      await fc.assert(
        fc.asyncProperty(plan, async (given) => {
          await new World(given).run();
        }),
        { numRuns: RUNS, seed: seed + i },
      );
    }
  });
});
