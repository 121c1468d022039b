import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Connection, lines, utf8 } from "../../../src/index.ts";
import { heartbeat } from "../../../src/session/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";

const protocol = lines().wrap(utf8());

function setup(options: Partial<Parameters<typeof heartbeat>[0]> = {}) {
  const clock = new ManualClock();
  const beats: number[] = [];
  const connection = new Connection(protocol, new ScriptedSink(), { message() {} }, { clock });
  connection.opened();
  const stop = heartbeat({
    connection,
    clock,
    interval: 100,
    send: () => beats.push(clock.now()),
    ...options,
  });
  const byte = (): void => connection.received(Uint8Array.of(0x61));
  return { clock, beats, connection, stop, byte };
}

describe("heartbeat", () => {
  it("sends at each interval, the first time after `first`", () => {
    const { clock, beats, byte } = setup({ first: 0 });
    for (let i = 0; i < 3; i++) {
      clock.advance(50);
      byte();
      clock.advance(50);
    }
    expect(beats).toEqual([0, 100, 200, 300]);
  });

  it("behaves like a simple model", () => {
    // At each millisecond a byte may come: the model looks at all of them.
    const times = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { maxLength: 40 });
    const property = fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 200 }),
      times,
      (interval, timeout, bytes) => {
        const { clock, connection, byte, beats } = setup({ interval, timeout });
        let diedAt: number | undefined;
        connection.onClose(() => {
          diedAt = clock.now();
        });
        let since: number | undefined;
        let wanted: number | undefined;
        for (let now = 1; now <= 1000 && wanted === undefined; now++) {
          clock.advance(1);
          if (since !== undefined && now === since + timeout) {
            const start = since;
            if (!bytes.some((at) => at >= start && at < now)) wanted = now;
            since = undefined;
          }
          if (wanted === undefined && now % interval === 0) since ??= now;
          if (bytes.includes(now)) byte();
        }
        expect(diedAt).toBe(wanted);
        const last = wanted ?? 1000;
        expect(beats.every((at, i) => at === (i + 1) * interval && at <= last)).toBe(true);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  it("aborts a silent connection with timeout, and stops", async () => {
    const { clock, connection, beats } = setup({ timeout: 30 });
    clock.advance(129);
    expect(connection.state).toBe("open");
    clock.advance(1);
    expect(await connection.closed).toMatchObject({ by: "error", error: { code: "timeout" } });
    clock.advance(1000);
    expect([beats, clock.waiting]).toEqual([[100], 0]);
  });

  it.each([0, Infinity])("expects no byte with a timeout of %s", (timeout) => {
    const { clock, connection } = setup({ timeout });
    clock.advance(10_000);
    expect([connection.state, clock.waiting]).toEqual(["open", 1]);
  });

  it("expects no byte while our side does not read", () => {
    const { clock, connection } = setup();
    connection.pause();
    clock.advance(10_000);
    expect(connection.state).toBe("open");
    connection.resume();
    clock.advance(200);
    expect(connection.state).toBe("closed");
  });

  it("stops when its stop function is called, and with the connection", () => {
    const one = setup();
    one.stop();
    one.connection.abort();
    const other = setup();
    other.connection.lost();
    expect([one.clock.waiting, other.clock.waiting]).toEqual([0, 0]);
    const { connection, clock } = other;
    heartbeat({ connection, clock, interval: 5, send: () => {} });
    expect(clock.waiting).toBe(0);
  });

  it("aborts a connection if sending a heartbeat fails", async () => {
    const broken = new Error("cannot");
    const { clock, connection } = setup({
      send() {
        throw broken;
      },
    });
    clock.advance(100);
    expect((await connection.closed).error).toBe(broken);
  });

  it("refuses invalid times", () => {
    for (const options of [{ interval: 0 }, { timeout: -1 }, { first: Number.NaN }]) {
      expect(() => setup(options)).toThrow(RangeError);
    }
    expect(() => setup({ interwal: 5 } as object)).toThrow(TypeError);
  });
});
