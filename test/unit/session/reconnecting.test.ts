import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { type CloseInfo, Connection, encodeFrame, lines, utf8 } from "../../../src/index.ts";
import {
  type Reconnecting,
  type ReconnectingOptions,
  reconnecting,
} from "../../../src/session/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";
import { settle } from "../../support/settle.ts";
import { bugsPrintedBy } from "../../support/uncaught.ts";

const protocol = lines().wrap(utf8());
type Carried = Connection<string>;

function setup(
  options: ReconnectingOptions<string> = {},
  how: (connection: Carried, signal: AbortSignal) => Carried | Promise<Carried> = (it) => it,
) {
  const clock = new ManualClock();
  const links: Carried[] = [];
  const sinks: ScriptedSink[] = [];
  const failures: number[] = [];
  const log: unknown[][] = [];
  const client = reconnecting(
    (attempt) => {
      failures.push(attempt.failures);
      const sink = new ScriptedSink();
      const connection = new Connection(protocol, sink, { message() {}, error() {} }, { clock });
      links.push(connection);
      sinks.push(sink);
      return how(connection, attempt.signal as AbortSignal);
    },
    {
      clock,
      random: () => 0.5,
      retry: ({ failures: n, delay, error }) => {
        log.push(["retry", n, delay, (error as { code?: string }).code ?? String(error)]);
      },
      close: (error) => log.push(["close", (error as { code?: string } | undefined)?.code]),
      ...options,
    },
  );
  const link = (): Carried => links.at(-1)!;
  const message = (): void => link().received(encodeFrame(protocol, "hello"));
  return { client, clock, links, link, sinks, failures, log, message };
}

/** Delays of clients that never connect. */
function delays(options: ReconnectingOptions<string>, count: number): number[] {
  const { clock, link, log } = setup({ ...options, connectTimeout: 0 });
  for (let i = 0; i < count; i++) {
    link().lost();
    clock.advance(1e7);
  }
  return log.map(([, , delay]) => Math.round(delay as number));
}

describe("reconnecting", () => {
  it("uses gRPC's delays by default", () => {
    expect(delays({}, 13)).toEqual([
      ...[1000, 1600, 2560, 4096, 6554, 10_486, 16_777, 26_844, 42_950, 68_719, 109_951],
      ...[120_000, 120_000],
    ]);
    expect(delays({ random: () => 0 }, 1)).toEqual([800]);
    expect(delays({ random: () => 0.999_999 }, 1)).toEqual([1200]);
  });

  it("uses custom delays", () => {
    const own = { minDelay: 10, maxDelay: 100, factor: 3, jitter: 0 };
    expect(delays(own, 5)).toEqual([10, 30, 90, 100, 100]);
    expect(delays({ ...own, jitter: 1, random: () => 0 }, 2)).toEqual([0, 0]);
  });

  it("resets the delay after the first valid message, not after connecting", () => {
    const { clock, link, log, message, failures } = setup({ jitter: 0 });
    for (let i = 0; i < 2; i++) {
      link().opened();
      // A byte is no message, and one that is broken is none.
      link().received(Uint8Array.of(i === 0 ? 0x61 : 0xff));
      link().lost();
      clock.advance(10_000);
    }
    link().opened();
    message();
    link().lost();
    expect(log.map(([, n, delay]) => [n, delay])).toEqual([
      [1, 1000],
      [2, 1600],
      [1, 1000],
    ]);
    clock.advance(1000);
    expect(failures).toEqual([0, 1, 2, 1]);
  });

  it("reports its state, and returns the open connection", async () => {
    const { client, clock, link, message } = setup();
    expectTypeOf(client).toEqualTypeOf<Reconnecting<string>>();
    expect([client.state, client.connection, client.send("x")]).toEqual([
      ...["connecting", undefined, false],
    ]);
    const ready = client.ready();
    link().opened();
    expect([client.state, client.connection, client.send("x")]).toEqual(["open", link(), true]);
    expect(await ready).toBe(link());
    message();
    const first = link();
    first.lost();
    expect([client.state, client.connection, client.send("x")]).toEqual([
      ...["waiting", undefined, false],
    ]);
    const again = client.ready();
    clock.advance(1000);
    link().opened();
    expect(await again).toBe(link());
    expect(link()).not.toBe(first);
    client.close();
    await expect(client.ready()).rejects.toMatchObject({ code: "closed" });
  });

  it("gives up after `attempts` failures in a row", async () => {
    const { client, clock, link, links, log } = setup({ attempts: 2 });
    const ready = client.ready();
    for (let i = 0; i < 3; i++) {
      link().lost(new Error("no route"));
      clock.advance(10_000);
    }
    await expect(ready).rejects.toThrow("no route");
    expect([client.state, links.length, clock.waiting]).toEqual(["closed", 3, 0]);
    expect(log.map(([name]) => name)).toEqual(["retry", "retry", "close"]);
  });

  it("gives up if `when` returns false, which receives the result of `explain`", () => {
    const seen: CloseInfo[] = [];
    const { client, link } = setup({
      explain: (info) => ({ ...info, text: "banned" }),
      when(info) {
        seen.push(info);
        return false;
      },
    });
    link().lost(undefined, { code: 4403 });
    expect([client.state, seen]).toEqual(["closed", [{ by: "peer", code: 4403, text: "banned" }]]);
  });

  it("does not replace a connection that this side closed", () => {
    const { client, link, log } = setup();
    link().opened();
    link().abort();
    expect([client.state, log]).toEqual(["closed", [["close", undefined]]]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no"))],
  ])("tries again if connect %s", async (_, how) => {
    const { client, clock, log, links } = setup({ jitter: 0 }, how as never);
    await settle();
    expect([client.state, log]).toEqual(["waiting", [["retry", 1, 1000, "Error: no"]]]);
    clock.advance(1000);
    await settle();
    expect(links.length).toBe(2);
    client.close();
  });

  it("aborts an attempt that takes too long, and a connection that opens too late", async () => {
    const signals: AbortSignal[] = [];
    let arrive = (): void => {};
    const { client, clock, links, log } = setup(
      { connectTimeout: 50 },
      (connection, signal) =>
        new Promise((resolve) => {
          signals.push(signal);
          arrive = () => resolve(connection);
        }),
    );
    clock.advance(50);
    expect(log).toMatchObject([["retry", 1, 1000, "timeout"]]);
    expect(signals[0]).toMatchObject({ aborted: true, reason: { code: "timeout" } });
    arrive();
    await settle();
    expect(links[0]!.state).toBe("closed");
    clock.advance(1000);
    client.close();
    expect(signals[1]).toMatchObject({ aborted: true, reason: { code: "closed" } });
    arrive();
    await settle();
    expect([links[1]!.state, clock.waiting]).toEqual(["closed", 0]);

    const direct = setup({ connectTimeout: 50 });
    direct.clock.advance(50);
    expect([direct.link().state, direct.log.length]).toEqual(["closed", 1]);
    expect(setup({ connectTimeout: 0 }).clock.waiting).toBe(0);
  });

  it("closes in any state, once, and with its signal", () => {
    for (const when of ["connecting", "open", "waiting"]) {
      const controller = new AbortController();
      const { client, clock, link, log, sinks } = setup({ signal: controller.signal });
      if (when !== "connecting") link().opened();
      if (when === "waiting") link().lost();
      if (when === "open") controller.abort();
      else client.close();
      client.close();
      link().lost();
      clock.advance(1e6);
      expect([client.state, sinks.length]).toEqual(["closed", 1]);
      expect(log.filter(([name]) => name === "close")).toEqual([["close", undefined]]);
    }
    const { client, links } = setup({ signal: AbortSignal.abort() });
    expect([client.state, links.length]).toEqual(["closed", 0]);
  });

  it("prints errors of its handlers, and continues", async () => {
    const bugs = await bugsPrintedBy(() => {
      const { client, link, clock, links } = setup({
        retry() {
          throw new Error("mine");
        },
        open: () => Promise.reject(new Error("mine, later")),
      });
      link().opened();
      link().lost();
      clock.advance(2000);
      expect(links.length).toBe(2);
      client.close();
    });
    expect(bugs.sort()).toEqual(["mine", "mine, later"]);
  });

  it("refuses invalid options", () => {
    expect(() => setup({ atempts: 3 } as object)).toThrow('no option "atempts"');
    expect(() => setup({ factor: 0.5 })).toThrow("factor must be at least 1");
    expect(() => setup({ jitter: 2 })).toThrow("jitter must be at most 1");
    expect(() => setup({ minDelay: Number.NaN })).toThrow(RangeError);
    expect(() => setup({ connectTimeout: -1 })).toThrow(RangeError);
  });

  it("behaves like a simple model", () => {
    const event = fc.oneof(
      fc.constantFrom("open", "message", "lose", "close link", "close"),
      fc.integer({ min: 1, max: 3000 }),
    );
    const property = fc.property(fc.array(event, { maxLength: 60, size: "max" }), (events) => {
      const options = { jitter: 0, connectTimeout: 500, attempts: 4, maxDelay: 2000 };
      const { client, clock, link, links, message } = setup(options);
      // The model counts milliseconds.
      const model = { state: "connecting", failures: 0, left: 500, attempts: 1, proven: false };
      const fail = (isOurs: boolean): void => {
        if (model.proven) model.failures = 0;
        model.proven = false;
        model.failures++;
        if (isOurs || model.failures > 4) model.state = "closed";
        else {
          model.state = "waiting";
          model.left = Math.min(2000, 1000 * 1.6 ** (model.failures - 1));
        }
      };
      const pass = (): void => {
        if (model.state !== "connecting" && model.state !== "waiting") return;
        model.left -= 1;
        if (model.left > 0) return;
        if (model.state === "connecting") fail(false);
        else Object.assign(model, { state: "connecting", left: 500, attempts: model.attempts + 1 });
      };
      for (const event of events) {
        const hasLink = model.state === "connecting" || model.state === "open";
        if (typeof event === "number") {
          clock.advance(event);
          for (let i = 0; i < event; i++) pass();
        } else if (event === "close") {
          client.close();
          model.state = "closed";
        } else if (event === "open") {
          link().opened();
          if (model.state === "connecting") model.state = "open";
        } else if (event === "message" && model.state === "open") {
          message();
          model.proven = true;
        } else if (event === "lose") {
          link().lost(new Error("lost"));
          if (hasLink) fail(false);
        } else if (event === "close link") {
          link().abort();
          if (hasLink) fail(true);
        }
        expect([client.state, links.length]).toEqual([model.state, model.attempts]);
      }
      client.close();
      link().abort();
      expect(clock.waiting).toBe(0);
    });
    fc.assert(property, { numRuns: 300 });
  });
});
