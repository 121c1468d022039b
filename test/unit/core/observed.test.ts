import { channel } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Trace, TraceEvent } from "../../../src/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";

type Module = typeof import("../../../src/core/observed.ts");

let module: Module;
let printed: string[];

beforeEach(async () => {
  vi.stubEnv("FRAMEWRIGHT_DEBUG", undefined);
  vi.resetModules();
  module = await import("../../../src/core/observed.ts");
  printed = [];
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const event = (name: string): TraceEvent => ({ type: "opened", name, at: 0 }) as never;

/** Runs what waits for promises. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What a program has in place of `framewright/inspect`: keeps what would be printed. */
const inspector = () =>
  vi.fn(async () => ({
    textTrace:
      ({ filter }: { readonly filter: string }): Trace =>
      ({ name }) =>
        void printed.push(`${filter} ${name}`),
  }));

describe("a connection that nothing else observes", () => {
  it.each([undefined, "", "0", "false"])("keeps its options: FRAMEWRIGHT_DEBUG=%s", (value) => {
    vi.stubEnv("FRAMEWRIGHT_DEBUG", value);
    const load = inspector();
    const [own, none] = [{ trace: () => {} }, { trace: undefined }];
    expect(module.observed(own, load)).toBe(own);
    expect(module.observed(none, load)).toBe(none);
    expect(load).not.toHaveBeenCalled();
  });
});

describe("FRAMEWRIGHT_DEBUG", () => {
  it.each(["1", "00", "falsey"])(
    "prints all events, the early ones once it can: %s",
    async (value) => {
      vi.stubEnv("FRAMEWRIGHT_DEBUG", value);
      const own: string[] = [];
      const load = inspector();
      const options = { highWater: 5, trace: ({ name }: TraceEvent) => void own.push(name) };
      const { trace, highWater } = module.observed(options, load);
      const second = module.observed({ trace: undefined }, load).trace as Trace | undefined;
      trace(event("a"));
      second?.(event("b"));
      expect([printed, own, highWater]).toEqual([[], ["a"], 5]);
      await settled();
      expect(printed).toEqual([`${value} a`, `${value} b`]);
      trace(event("c"));
      await settled();
      expect(printed).toEqual([`${value} a`, `${value} b`, `${value} c`]);
      expect([own, load.mock.calls.length]).toEqual([["a", "c"], 1]);
    },
  );

  it("keeps the first 10,000 events until it can print", async () => {
    vi.stubEnv("FRAMEWRIGHT_DEBUG", "x");
    const trace = module.observed({ trace: undefined }, inspector()).trace as unknown as Trace;
    for (let i = 0; i < 10_002; i++) trace(event(String(i)));
    await settled();
    expect([printed.length, printed.at(-1)]).toEqual([10_000, "x 9999"]);
  });

  it("prints nothing, and keeps nothing, if the inspector was left out of a bundle", async () => {
    vi.stubEnv("FRAMEWRIGHT_DEBUG", "x");
    const own: string[] = [];
    const load = vi.fn(() => Promise.reject(new Error("no such module")));
    const { trace } = module.observed(
      { trace: ({ name }: TraceEvent) => void own.push(name) },
      load,
    );
    trace(event("a"));
    await settled();
    trace(event("b"));
    expect([own, printed, load.mock.calls.length]).toEqual([["a", "b"], [], 1]);
  });

  it("applies to connections from its next change on", async () => {
    const load = inspector();
    expect(module.observed({ trace: undefined }, load).trace).toBeUndefined();
    vi.stubEnv("FRAMEWRIGHT_DEBUG", "one");
    const first = module.observed({ trace: undefined }, load).trace as unknown as Trace;
    vi.stubEnv("FRAMEWRIGHT_DEBUG", "two");
    const second = module.observed({ trace: undefined }, load).trace as unknown as Trace;
    first(event("a"));
    second(event("b"));
    await settled();
    expect(printed).toEqual(["one a", "two b"]);
    vi.stubEnv("FRAMEWRIGHT_DEBUG", "0");
    expect(module.observed({ trace: undefined }, load).trace).toBeUndefined();
  });

  it("prints events of sessions by the module of the first transport, early ones too", async () => {
    vi.stubEnv("FRAMEWRIGHT_DEBUG", "x");
    const source = { name: "session", clock: new ManualClock(), trace: undefined };
    const tell = module.teller(source)!;
    tell({ type: "opened" } as never);
    await settled();
    expect(printed).toEqual([]);
    const [load, other] = [inspector(), inspector()];
    module.observed({ trace: undefined }, load);
    module.observed({ trace: undefined }, other);
    module.teller(source);
    await settled();
    expect(printed).toEqual(["x session"]);
    vi.stubEnv("FRAMEWRIGHT_DEBUG", "y");
    module.teller(source)!({ type: "opened" } as never);
    await settled();
    expect(printed).toEqual(["x session", "y session"]);
    expect([load.mock.calls.length, other.mock.calls.length]).toEqual([2, 0]);
  });
});

describe("the channel framewright:trace", () => {
  it("gets the events of connections that began while it had a subscriber", () => {
    const seen: unknown[] = [];
    const subscriber = (message: unknown): void => void seen.push((message as TraceEvent).name);
    const own: string[] = [];
    const options = { trace: ({ name }: TraceEvent) => void own.push(name) };
    channel("framewright:trace").subscribe(subscriber);
    try {
      const { trace } = module.observed(options, inspector());
      trace(event("a"));
    } finally {
      channel("framewright:trace").unsubscribe(subscriber);
    }
    expect([seen, own]).toEqual([["a"], ["a"]]);
    expect(module.observed(options, inspector())).toBe(options);
  });
});

describe("the events of a session", () => {
  it("have its name, its time and its connection, and may be traced by a function that throws", () => {
    const clock = new ManualClock();
    clock.advance(7);
    const events: TraceEvent[] = [];
    const connection = {} as NonNullable<TraceEvent["connection"]>;
    const source = { name: "chat", clock, connection: () => connection };
    const trace = (one: TraceEvent): void => {
      events.push(one);
      throw new Error("a trace that fails");
    };
    const reported = vi.spyOn(console, "error").mockImplementation(() => {});
    const tell = module.teller({ ...source, trace })!;
    expect(() => tell({ type: "opened" } as never)).not.toThrow();
    expect(reported).toHaveBeenCalledTimes(1);
    expect(events).toEqual([{ type: "opened", name: "chat", connection, at: clock.now() }]);
    expect(module.teller({ ...source, trace: undefined })).toBeUndefined();
  });
});
