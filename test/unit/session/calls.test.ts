import { describe, expect, it } from "vitest";
import { Connection, json, lines } from "../../../src/index.ts";
import { Calls } from "../../../src/session/calls.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

/** A connection that notes what is held and what has failed. */
function noting() {
  const failures: unknown[] = [];
  const held = { now: 0, most: 0 };
  return {
    failures,
    held,
    hold(cost: number): () => void {
      held.now += cost;
      held.most = Math.max(held.most, held.now);
      return () => {
        held.now -= cost;
      };
    },
    failed(error: unknown): void {
      failures.push(error);
    },
  };
}

describe("calls", () => {
  it("start in order, a bounded number at a time", async () => {
    const connection = noting();
    const log: string[] = [];
    const release: (() => void)[] = [];
    const calls = new Calls<number>({
      connection,
      concurrency: 2,
      run(call) {
        log.push(`begin ${call}`);
        return new Promise<void>((resolve) => release.push(resolve));
      },
    });
    for (let call = 0; call < 5; call++) calls.add(call, 10);
    expect(log).toEqual(["begin 0", "begin 1"]);
    expect([calls.running, calls.waiting, connection.held.now]).toEqual([2, 3, 50]);
    release[1]!();
    await settle();
    expect(log.at(-1)).toBe("begin 2");
    expect(connection.held.now).toBe(40);
    for (let i = 0; i < 5; i++) {
      release[i]?.();
      await settle();
    }
    expect(log).toEqual([0, 1, 2, 3, 4].map((call) => `begin ${call}`));
    expect([calls.running, calls.waiting, connection.held.now]).toEqual([0, 0, 0]);
  });

  it("that add calls are not interrupted by them", () => {
    const log: string[] = [];
    const calls = new Calls<number>({
      connection: noting(),
      run(call) {
        log.push(`begin ${call}`);
        if (call < 3) calls.add(call + 1);
        log.push(`end ${call}`);
      },
    });
    calls.add(1);
    expect(log.join(", ")).toBe("begin 1, end 1, begin 2, end 2, begin 3, end 3");
  });

  it("that fail are failures of the connection, and the next ones run", async () => {
    const connection = noting();
    const [thrown, rejected] = [new Error("thrown"), new Error("rejected")];
    const ran: number[] = [];
    const calls = new Calls<number>({
      connection,
      concurrency: 1,
      run(call) {
        ran.push(call);
        if (call === 0) throw thrown;
        return call === 1 ? Promise.reject(rejected) : undefined;
      },
    });
    for (const call of [0, 1, 2]) calls.add(call);
    await settle();
    expect(connection.failures).toEqual([thrown, rejected]);
    expect([ran, connection.held.now]).toEqual([[0, 1, 2], 0]);
  });

  it("can be dropped while they wait", () => {
    const connection = noting();
    const ran: number[] = [];
    const calls = new Calls<number>({
      connection,
      concurrency: 1,
      run(call) {
        ran.push(call);
        return new Promise(() => {});
      },
    });
    for (const call of [0, 1, 2]) calls.add(call, 7);
    calls.clear();
    expect([ran, calls.waiting, connection.held.now]).toEqual([[0], 0, 7]);
  });

  it.each([0, -1, 0.5, NaN])("cannot run %d at a time", (concurrency) => {
    expect(() => new Calls({ connection: noting(), run() {}, concurrency })).toThrow(RangeError);
  });

  it("of a flood end the connection with overflow, instead of starting them all", () => {
    const sink = new ScriptedSink();
    const errors: unknown[] = [];
    let begun = 0;
    const connection: Connection<number> = new Connection<number>(
      lines().wrap(json<number>()),
      sink,
      {
        message(_, call): void {
          calls.add(call);
        },
        error: (_, error) => errors.push(error),
      },
      { clock: new ManualClock(), maxQueued: 64 * 1024 },
    );
    const calls = new Calls<number>({
      connection,
      run() {
        begun++;
        return new Promise(() => {});
      },
    });
    connection.opened();
    const flood = "1\n".repeat(1000);
    connection.received(Uint8Array.from(flood, (c) => c.charCodeAt(0)));
    expect(errors).toMatchObject([{ code: "overflow" }]);
    expect(sink.calls.at(-1)).toBe("abort");
    expect(begun).toBe(64);
    expect(calls.waiting).toBeLessThan(100);
  });
});
