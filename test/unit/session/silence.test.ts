import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Connection, lines, utf8 } from "../../../src/index.ts";
import { watchSilence } from "../../../src/session/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";
import { printedBy } from "../../support/uncaught.ts";

const protocol = lines().wrap(utf8());

function setup(options: Partial<Parameters<typeof watchSilence>[0]> = {}) {
  const clock = new ManualClock();
  const silences: [at: number, times: number][] = [];
  const connection = new Connection(protocol, new ScriptedSink(), { message() {} }, { clock });
  connection.opened();
  const stop = watchSilence({
    ...{ connection, clock, timeout: 100 },
    silent: (times) => silences.push([clock.now(), times]),
    ...options,
  });
  const byte = (): void => connection.received(Uint8Array.of(0x61));
  return { clock, silences, connection, stop, byte };
}

describe("watchSilence", () => {
  it("behaves like a simple model", () => {
    const moments = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { maxLength: 40 });
    const property = fc.property(fc.integer({ min: 1, max: 200 }), moments, (timeout, bytes) => {
      const { clock, silences, byte } = setup({ timeout });
      const wanted: [number, number][] = [];
      let since = 0;
      for (let now = 1; now <= 1000; now++) {
        clock.advance(1);
        if ((now - since) % timeout === 0) wanted.push([now, (now - since) / timeout]);
        if (bytes.includes(now)) {
          byte();
          since = now;
        }
      }
      expect(silences).toEqual(wanted);
      expect(clock.waiting).toBe(1);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("aborts a silent connection with timeout by default, and stops", async () => {
    const { clock, connection } = setup({ silent: undefined });
    clock.advance(99);
    expect(connection.state).toBe("open");
    clock.advance(1);
    const { error } = await connection.closed;
    expect(error).toMatchObject({ code: "timeout", message: "no byte within 100 ms" });
    expect(clock.waiting).toBe(0);
  });

  it("reports a silent peer like other errors: to the error handler, or as one printed line", async () => {
    const errors: unknown[] = [];
    const lines = await printedBy(() => {
      for (const handlers of [{}, { error: (_: unknown, error: unknown) => errors.push(error) }]) {
        const clock = new ManualClock();
        const all = { message() {}, ...handlers };
        const connection = new Connection(protocol, new ScriptedSink(), all, { clock });
        connection.opened();
        watchSilence({ connection, clock, timeout: 100 });
        clock.advance(100);
        expect(connection.state).toBe("closed");
      }
    });
    expect(errors).toMatchObject([{ code: "timeout" }]);
    expect(lines).toEqual(["framewright: lines: timeout: no byte within 100 ms"]);
  });

  it("expects no byte while our side does not read", () => {
    const { clock, silences, connection } = setup();
    clock.advance(150);
    connection.pause();
    clock.advance(10_000);
    connection.resume();
    clock.advance(100);
    expect(silences).toEqual([
      [100, 1],
      [10_200, 1],
    ]);
  });

  it("stops when its stop function is called, and with the connection", () => {
    const one = setup();
    one.stop();
    const other = setup();
    other.connection.abort();
    const { connection, clock } = other;
    watchSilence({ connection, clock, timeout: 100 });
    for (const { clock, silences } of [one, other]) {
      clock.advance(1000);
      expect([silences, clock.waiting]).toEqual([[], 0]);
    }
  });

  it("aborts a connection whose handler throws", async () => {
    const broken = new Error("cannot");
    const { clock, connection } = setup({
      silent() {
        throw broken;
      },
    });
    clock.advance(100);
    expect((await connection.closed).error).toBe(broken);
    expect(clock.waiting).toBe(0);
  });

  it("watches nothing with a timeout of Infinity, and refuses invalid ones", () => {
    const { clock } = setup({ timeout: Infinity });
    expect(clock.waiting).toBe(0);
    for (const timeout of [0, -1, Number.NaN]) {
      expect(() => setup({ timeout })).toThrow(`timeout must be more than 0 ms, not ${timeout}`);
    }
    expect(() => setup({ interval: 5 } as object)).toThrow("interval");
  });
});
