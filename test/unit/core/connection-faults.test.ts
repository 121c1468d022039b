import { describe, expect, it } from "vitest";
import { MemoryBudget } from "../../../src/core/connection/budget.ts";
import type { OwnConnection } from "../../../src/core/connection/connection.ts";
import type { ServerParts } from "../../../src/core/connection/live.ts";
import { checkedOptions } from "../../../src/core/connection/option-names.ts";
import { closedError } from "../../../src/core/connection/report.ts";
import { costOf } from "../../../src/core/connection/value-cost.ts";
import { CHUNK_COST } from "../../../src/core/memory.ts";
import { skip } from "../../../src/framing/index.ts";
import {
  type CloseInfo,
  Connection,
  type ConnectionOptions,
  defineProtocol,
  fixed,
  type Handlers,
  lines,
  ProtocolError,
  raw,
  type TraceEvent,
  utf8,
} from "../../../src/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { printedLines } from "../../support/printed-lines.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";
import { settle } from "../../support/settle.ts";

// What happens around the end of a connection: limits, faults of both sides, and calls at odd moments.

// Errors of other tests are printed under other names.
const text = lines({ maxFrame: 1024 }).wrap(utf8(), { name: "faulty lines" });
const words = defineProtocol<string>({
  ...text,
  name: "words",
  decodeMany: (bytes, start, end) => text.decode(bytes, start, end).split(" "),
});
const ascii = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(s, (c) => c.charCodeAt(0));
const BAD = Uint8Array.of(0xff, 0x0a);
const never = (): Promise<never> => new Promise<never>(() => {});
/** Memory cost of a connection that holds nothing. */
const BASE = 8192;

type Own = Connection<string> & OwnConnection;

class FullSink extends ScriptedSink {
  end(): void {
    this.calls.push("end");
  }
}

interface Setup {
  readonly handlers?: Handlers<string>;
  readonly options?: ConnectionOptions & ServerParts;
  readonly protocol?: typeof text;
  readonly sink?: ScriptedSink & { buffered?(): number };
  /** Without an `error` handler. */
  readonly isBare?: boolean;
  readonly isOpen?: boolean;
}

/** A connection that records what happens; turns wait in `soon`. */
function setup(given: Setup = {}) {
  const { handlers, options, protocol = text, sink = new FullSink(), isOpen = true } = given;
  const time = new ManualClock();
  const soon: (() => void)[] = [];
  const errors: unknown[] = [];
  const closes: CloseInfo[] = [];
  const clock = {
    now: () => time.now(),
    after: (ms: number, run: () => void) => time.after(ms, run),
    soon: (run: () => void) => void soon.push(run),
  };
  const connection = new Connection<string>(
    protocol,
    sink,
    {
      ...(given.isBare === true ? {} : { error: (_, error) => errors.push(error) }),
      close: (_, info) => closes.push(info),
      ...handlers,
    },
    checkedOptions({ clock, ...options }),
  ) as Own;
  if (isOpen) connection.opened();
  const turn = (): void => {
    for (const run of soon.splice(0)) run();
  };
  return { connection, sink, time, soon, turn, errors, closes };
}

const printed = printedLines();

describe("unread bytes", () => {
  it("and held work together exceed maxQueued with the first byte more", () => {
    const { connection, errors } = setup({ options: { maxQueued: 1000 } });
    connection.hold(600);
    connection.received(ascii(`${"x".repeat(399)}\n`));
    // What is here is at the limit.
    connection.received(ascii("a"));
    expect(errors).toEqual([]);
    connection.received(ascii("b"));
    expect(errors.map(String)).toEqual([
      expect.stringMatching(/^ProtocolError: \d+ unread bytes exceed maxQueued 1000$/),
    ]);
    expect([connection.unread, connection.state]).toEqual([0, "closed"]);
  });

  it("count a frame of several values until the last of them is delivered", () => {
    const { connection, errors } = setup({
      protocol: words,
      handlers: { message: never },
      options: { maxQueued: 1000 },
    });
    connection.received(ascii(`a ${"b".repeat(597)}\n`));
    connection.received(ascii("c".repeat(500)));
    expect(errors).toEqual([]);
    connection.received(ascii("d"));
    expect(errors.map(String)).toEqual([
      `ProtocolError: ${600 + 500 + CHUNK_COST} unread bytes exceed maxQueued 1000`,
    ]);
  });

  it("do not count a frame of several values that was delivered", () => {
    const { connection, errors } = setup({
      protocol: words,
      handlers: { message: (_, value) => (value === "stop" ? never() : undefined) },
      options: { maxQueued: 1000 },
    });
    connection.received(ascii(`a ${"b".repeat(597)}\nstop\n`));
    connection.received(ascii("c".repeat(500)));
    connection.received(ascii("d"));
    expect([errors, connection.unread]).toEqual([[], 501]);
  });

  it("are dropped when the connection ends, also in the middle of a frame of several values", () => {
    const { connection } = setup({
      protocol: words,
      handlers: { message: (c) => c.abort() },
    });
    connection.received(ascii("a b c\nd\n"));
    expect([connection.unread, connection.messages, connection.isReading]).toEqual([0, 1, false]);
  });
});

describe("a chunk that is not bytes", () => {
  it("ends the connection with a last word, and is no bug of a handler", () => {
    const { connection, sink } = setup({ handlers: { error: (c) => c.send("sorry") } });
    connection.received("text" as never);
    expect(sink.calls).toEqual(["pause", "write sorry\n", "resume", "close"]);
    const bare = setup({ isBare: true, options: { handlerErrors: "throw" } }).connection;
    bare.received({ length: 5 } as never);
    expect(printed).toEqual([expect.stringMatching(/^framewright: faulty lines: TypeError/)]);
  });
});

describe("time limits at the end", () => {
  it("report a single byte that could not be sent", () => {
    const { connection, sink, time, errors, closes } = setup({ options: { closeTimeout: 100 } });
    sink.roomy = false;
    connection.sendFrame(ascii("\n"));
    connection.close();
    time.advance(100);
    expect(errors.map(String)).toEqual(["ProtocolError: closed after 100 ms with 1 bytes unsent"]);
    expect(closes).toEqual([{ by: "error", error: errors[0] }]);
  });

  it("do not include endTimeout once we close", () => {
    const { connection, sink, time, errors } = setup({
      options: { endTimeout: 100, closeTimeout: 1000 },
    });
    sink.roomy = false;
    connection.send("a");
    connection.close();
    connection.ended();
    time.advance(500);
    expect([errors, connection.state]).toEqual([[], "closing"]);
  });

  it("of the peer stop at its end", () => {
    const { connection, time, errors } = setup({
      handlers: { message() {}, end() {} },
      options: { firstMessageTimeout: 100, frameTimeout: 100, idleTimeout: 100 },
    });
    connection.received(ascii("a\n"));
    connection.ended();
    time.advance(5000);
    expect(errors).toEqual([]);
  });

  it("do not include sendTimeout once the connection is lost", () => {
    const { connection, sink, time, errors } = setup({ options: { sendTimeout: 100 } });
    sink.roomy = false;
    connection.send("a");
    connection.received(ascii("unread\n"));
    expect(connection.flushNow()).toBe(0);
    connection.lost();
    time.advance(500);
    expect([errors, connection.state]).toEqual([[], "open"]);
  });

  it("for sending run for a single byte", () => {
    const { connection, sink, time, errors } = setup({ options: { sendTimeout: 100 } });
    sink.roomy = false;
    connection.sendFrame(ascii("\n"));
    connection.flushNow();
    time.advance(150);
    expect(errors.map(String)).toEqual([
      "ProtocolError: the peer took none of 1 bytes within 100 ms",
    ]);
  });

  it("for our end restart when a promise of a handler settles", async () => {
    let settled = (): void => {};
    const { connection, time, closes } = setup({
      handlers: {
        message: () => new Promise<void>((resolve) => (settled = resolve)),
        end() {},
      },
      options: { endTimeout: 1000 },
    });
    connection.received(ascii("a\n"));
    connection.ended();
    time.advance(900);
    settled();
    await settle();
    time.advance(999);
    expect(closes).toEqual([]);
    time.advance(300);
    expect(closes).toMatchObject([{ by: "error", error: { code: "timeout" } }]);
  });

  it("need no timer for promises of handlers without a trace", () => {
    const { connection, time } = setup({ handlers: { message: never } });
    connection.received(ascii("a\nb\n"));
    expect(time.waiting).toBe(0);
  });
});

describe("lost()", () => {
  it("counts once: a second error and a second code change nothing", async () => {
    const { connection, closes, errors } = setup();
    const reset = new Error("reset");
    connection.received(ascii("a\n"));
    connection.lost(reset, { code: 1, text: "first" });
    connection.lost(new Error("again"), { code: 2, text: "second" });
    const iterator = connection[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: false, value: "a" });
    await expect(iterator.next()).rejects.toBe(reset);
    expect(errors).toEqual([reset]);
    expect(closes).toEqual([{ by: "error", error: reset, code: 1, text: "first" }]);
  });

  it("after abort() does nothing", () => {
    const { connection, closes } = setup({ isBare: true });
    connection.abort();
    connection.lost(new Error("late"), { code: 1006 });
    expect([closes, printed]).toEqual([[{ by: "local" }], []]);
  });

  it("reports the number of bytes that were dropped", () => {
    const gone: unknown[] = [];
    const made = (): ReturnType<typeof setup> =>
      setup({ options: { gone: (dropped, info) => gone.push([dropped, info.by]) } });
    const { connection, sink } = made();
    sink.roomy = false;
    connection.send("a");
    connection.flushNow();
    connection.send("four");
    connection.lost();
    expect(gone).toEqual([[5, "peer"]]);
    made().connection.lost();
    expect(gone[1]).toEqual([0, "peer"]);
  });

  it("does not call the sink any more, also if the connection is aborted while messages wait", () => {
    const { connection, sink, closes } = setup();
    connection.received(ascii("a\n"));
    connection.lost();
    connection.abort();
    expect([sink.calls, closes]).toEqual([["pause"], [{ by: "local" }]]);
  });

  it("calls onInputEnd if a handler of a remaining message fails", () => {
    const bug = new Error("bug");
    const { connection, errors, closes } = setup({
      handlers: {
        message() {
          throw bug;
        },
      },
    });
    const log: unknown[] = [];
    connection.onInputEnd((error) => log.push(error, connection.state));
    connection.pause();
    connection.received(ascii("a\n"));
    connection.lost();
    connection.resume();
    expect([errors, closes]).toEqual([[bug], [{ by: "error", error: bug }]]);
    expect(log).toEqual([bug, "closing"]);
  });
});

describe("the cost of a connection for its server", () => {
  it("follows what is queued, unread and held", async () => {
    const budget = new MemoryBudget(1_000_000);
    const { connection, sink } = setup({ handlers: { message() {} }, options: { budget } });
    expect(budget.used).toBe(BASE);
    connection.received(ascii("a\n"));
    sink.roomy = false;
    connection.send("12345");
    await settle();
    expect(budget.used).toBe(BASE + 6);
    sink.roomy = true;
    connection.drained();
    expect(budget.used).toBe(BASE);
    connection.pause();
    connection.received(ascii("unread\n"));
    expect(budget.used).toBe(BASE + 7);
    const release = connection.hold(100);
    expect(budget.used).toBe(BASE + 107);
    release();
    connection.resume();
    expect(budget.used).toBe(BASE);
    connection.abort();
    expect(budget.used).toBe(0);
  });

  it("counts what a transport took without asking to wait, until it has sent that", async () => {
    const budget = new MemoryBudget(1_000_000);
    const sink = Object.assign(new FullSink(), { taken: 0, buffered: () => sink.taken });
    const { connection } = setup({ handlers: { message() {} }, sink, options: { budget } });
    sink.taken = 6;
    connection.send("12345");
    await settle();
    expect([connection.queued, budget.used]).toEqual([0, BASE + 6]);
    sink.taken = 14;
    sink.roomy = false;
    connection.send("1234567");
    await settle();
    expect([connection.queued, budget.used]).toEqual([8, BASE + 14]);
    sink.taken = 0;
    sink.roomy = true;
    connection.drained();
    expect(budget.used).toBe(BASE);
  });

  it("counts what a transport received and keeps while it is paused", () => {
    const budget = new MemoryBudget(1_000_000);
    const sink = Object.assign(new FullSink(), { kept: 0, unread: () => sink.kept });
    const { connection } = setup({ handlers: { message() {} }, sink, options: { budget } });
    connection.pause();
    sink.kept = 65_536;
    connection.received(ascii("a"));
    expect(budget.used).toBe(BASE + 1 + 65_536);
    sink.kept = 0;
    connection.resume();
    expect(budget.used).toBe(BASE + 1);
  });

  it("counts the values of a frame while some of them wait", async () => {
    const budget = new MemoryBudget(1_000_000);
    const next: (() => void)[] = [];
    const { connection } = setup({
      protocol: words,
      handlers: { message: () => new Promise<void>((resolve) => next.push(resolve)) },
      options: { budget },
    });
    const line = "one two three four\n";
    connection.received(ascii(line));
    expect(budget.used).toBe(BASE + line.length + costOf(["one", "two", "three", "four"]));
    next.pop()?.();
    await settle();
    // Half of them are delivered, and released.
    expect(budget.used).toBe(BASE + line.length + costOf(["three", "four"]));
    next.pop()?.();
    await settle();
    expect(budget.used).toBe(BASE + line.length + costOf(["four"]));
    next.pop()?.();
    await settle();
    expect(budget.used).toBe(BASE);
  });
});

describe("a handler's promise that rejects with the end of another connection", () => {
  it("ends the connection without another report", async () => {
    const ended = closedError("the other one is closed");
    const { connection, errors, closes, sink } = setup({
      handlers: { message: () => Promise.reject(ended) },
    });
    connection.received(ascii("a\nb\n"));
    await settle();
    expect(sink.calls.at(-1)).toBe("close");
    connection.lost();
    expect([errors, closes]).toEqual([[], [{ by: "error", error: ended }]]);
    expect(connection.messages).toBe(1);
  });

  it("does not keep a lost connection from delivering the rest", async () => {
    const ended = closedError("the other one is closed");
    const got: string[] = [];
    const { connection, errors, closes } = setup({
      handlers: {
        message(_, value) {
          got.push(value);
          return value === "a" ? Promise.reject(ended) : undefined;
        },
      },
    });
    connection.pause();
    connection.received(ascii("a\nb\nc\n"));
    connection.lost();
    connection.resume();
    await settle();
    expect([got, errors, closes]).toEqual([["a", "b", "c"], [], [{ by: "peer" }]]);
  });
});

describe("our end after the peer's", () => {
  it("is planned once, when nothing is pending any more", async () => {
    const settled: (() => void)[] = [];
    const { connection, soon, turn, sink } = setup({
      handlers: {
        open: () => new Promise<void>((resolve) => settled.push(resolve)),
        message: () => new Promise<void>((resolve) => settled.push(resolve)),
      },
    });
    const release = connection.hold(1);
    connection.received(ascii("a\n"));
    connection.ended();
    await settle();
    expect(soon).toHaveLength(0);
    for (const each of settled) {
      each();
      await settle();
      expect(soon).toHaveLength(0);
    }
    release();
    expect(soon).toHaveLength(1);
    // Another change in the same turn.
    connection.hold(1)();
    expect(soon).toHaveLength(1);
    expect(sink.calls).not.toContain("close");
    turn();
    expect(sink.calls.at(-1)).toBe("close");
  });

  it.each(["open", "message"] as const)("waits for held work and a promise of %s", async (name) => {
    let settled = (): void => {};
    const { connection, soon } = setup({
      handlers: {
        message() {},
        [name]: () => new Promise<void>((resolve) => (settled = resolve)),
      },
    });
    connection.hold(1);
    connection.received(ascii("a\n"));
    connection.ended();
    await settle();
    expect(soon).toHaveLength(0);
    settled();
    await settle();
    expect(soon).toHaveLength(0);
  });

  it("waits again if work begins before it comes", () => {
    const { connection, soon, turn, sink } = setup({ handlers: { message() {} } });
    connection.ended();
    expect(soon).toHaveLength(1);
    const release = connection.hold(1);
    turn();
    expect(sink.calls).toEqual([]);
    release();
    turn();
    expect(sink.calls).toEqual(["close"]);
  });

  it("calls no end handler that is given once we close", () => {
    const log: string[] = [];
    const { connection, sink } = setup({ handlers: { message() {} } });
    sink.roomy = false;
    connection.ended();
    connection.send("a");
    connection.flushNow();
    connection.close();
    connection.use(text, { message() {}, end: () => log.push("end") });
    expect(log).toEqual([]);
  });
});

describe("a sink that cannot tell its buffer", () => {
  it("is a failed transport", () => {
    const broken = new Error("no socket");
    const sink = Object.assign(new FullSink(), {
      buffered(): number {
        throw broken;
      },
    });
    sink.roomy = false;
    const { connection, errors, closes } = setup({ sink, options: { sendTimeout: 1000 } });
    connection.send("x");
    connection.flushNow();
    expect([errors, closes]).toEqual([[broken], [{ by: "error", error: broken }]]);
    expect(sink.calls.at(-1)).toBe("abort");
  });
});

describe("while the error handler runs", () => {
  it("nothing is delivered", () => {
    const got: string[] = [];
    const { connection, closes } = setup({
      handlers: {
        message: (_, value) => void got.push(value),
        error: (c) => c.resume(),
      },
      options: { maxQueued: 100 },
    });
    connection.pause();
    connection.received(ascii("a\nb\n"));
    connection.hold(200);
    expect([got, closes.length]).toEqual([[], 1]);
  });

  it("no drain handler is called", () => {
    const log: string[] = [];
    const { connection, sink } = setup({
      handlers: {
        message() {},
        drain: () => log.push("drain"),
        error(c) {
          log.push("error");
          c.drained();
        },
      },
      options: { highWater: 1 },
    });
    sink.roomy = false;
    expect(connection.send("abc")).toBe(false);
    connection.received(BAD);
    expect(log).toEqual(["error"]);
  });

  it("abort() does not hide that bytes could not be sent while we closed", () => {
    const broken = new Error("broken");
    const { connection, sink, closes } = setup({ handlers: { error: (c) => c.abort() } });
    sink.roomy = false;
    connection.sendFrame(ascii("\n"));
    connection.flushNow();
    connection.sendFrame(ascii("\n"));
    connection.close();
    sink.onWrite = () => {
      throw broken;
    };
    connection.drained();
    expect(closes).toEqual([{ by: "error", error: broken }]);
  });
});

describe("how a connection ended", () => {
  it("is the first error, whatever fails later", () => {
    const { connection, sink, errors, closes } = setup({ handlers: { message() {} } });
    sink.roomy = false;
    connection.send("a");
    connection.flushNow();
    connection.send("b");
    connection.received(BAD);
    expect(connection.state).toBe("closing");
    sink.onWrite = () => {
      throw new Error("broken");
    };
    connection.drained();
    expect(errors).toEqual([expect.any(ProtocolError), new Error("broken")]);
    expect(closes).toEqual([{ by: "error", error: errors[0] }]);
  });

  it("is the first error, also if it is aborted afterwards", () => {
    for (const reason of [undefined, new Error("enough")]) {
      const { connection, errors, closes } = setup({ handlers: { message() {} } });
      connection.received(BAD);
      connection.abort(reason);
      expect(closes).toEqual([{ by: "error", error: errors[0] }]);
    }
  });

  it("is our close, even if a handler fails meanwhile", async () => {
    let reject = (_: unknown): void => {};
    const bug = new Error("bug");
    const { connection, sink, errors, closes } = setup({
      handlers: { message: () => new Promise((_, no) => (reject = no)) },
    });
    connection.received(ascii("a\n"));
    sink.roomy = false;
    connection.send("queued");
    connection.close();
    reject(bug);
    await settle();
    sink.roomy = true;
    connection.drained();
    connection.lost();
    expect([errors, closes]).toEqual([[bug], [{ by: "local" }]]);
  });

  it("is not our close if that is aborted with an error", () => {
    const enough = new Error("enough");
    const { connection, closes } = setup();
    connection.close();
    connection.abort(enough);
    expect(closes).toEqual([{ by: "error", error: enough }]);
  });

  it("does not change afterwards", async () => {
    const { connection, closes } = setup();
    connection.abort();
    connection.abort(new Error("late"));
    connection.faulted(new ProtocolError("malformed", "late, too"), true);
    connection.faulted(new ProtocolError("malformed", "late as well"), false);
    expect(closes).toEqual([{ by: "local" }]);
    expect(await connection.closed).toEqual({ by: "local" });
  });

  it("reaches iterators that begin afterwards: an error once, else none", async () => {
    const enough = new Error("enough");
    const { connection } = setup();
    connection.abort(enough);
    const iterator = connection[Symbol.asyncIterator]();
    await expect(iterator.next()).rejects.toBe(enough);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    const other = setup().connection;
    other.abort();
    const done = await other[Symbol.asyncIterator]().next();
    expect(done).toEqual({ done: true, value: undefined });
  });

  it("is no error for iterators if a handler fails after our close", async () => {
    let reject = (_: unknown): void => {};
    const { connection, errors } = setup({
      handlers: { open: () => new Promise((_, no) => (reject = no)) },
    });
    connection.close();
    reject(new Error("late"));
    await settle();
    expect(errors).toHaveLength(1);
    const done = await connection[Symbol.asyncIterator]().next();
    expect(done).toEqual({ done: true, value: undefined });
  });
});

describe("abort()", () => {
  it("delivers nothing that arrives while others are told", () => {
    const got: string[] = [];
    const { connection, sink } = setup({ handlers: { message: (_, value) => got.push(value) } });
    connection.onInputEnd(() => connection.received(ascii("a\n")));
    sink.abort = () => connection.received(ascii("b\n"));
    connection.abort();
    expect([got, connection.unread]).toEqual([[], 0]);
  });
});

describe("the trace event stuck", () => {
  const stuck = async (happen: (connection: Own) => unknown, handlers: Handlers<string>) => {
    const events: TraceEvent[] = [];
    const { connection, time } = setup({
      handlers,
      options: { trace: (event) => events.push(event) },
    });
    happen(connection);
    await settle();
    time.advance(20_000);
    return events.filter(({ type }) => type === "stuck");
  };

  it("needs only one byte that waits", async () => {
    const found = await stuck((c) => c.received(ascii("a\nb")), { message: never });
    expect(found).toMatchObject([{ promises: 1, unread: 1, ms: 10_000 }]);
  });

  it("is not reported if nothing waits, if no promise is pending, or if reading is paused", async () => {
    expect(await stuck((c) => c.received(ascii("a\n")), { message: never })).toEqual([]);
    expect(await stuck((c) => c.received(ascii("a\nb")), { message() {} })).toEqual([]);
    const paused = (c: Own): void => {
      c.received(ascii("a\nb\n"));
      c.pause();
      c.received(ascii("c\n"));
    };
    expect(await stuck(paused, { message: never })).toEqual([]);
    expect(await stuck((c) => c.received(ascii("a\n")), {})).toEqual([]);
  });
});

describe("a sink that calls back while it is aborted", () => {
  it("does not change how the connection ended", () => {
    const reason = new Error("enough");
    const { connection, sink, closes } = setup();
    const { signal } = connection;
    sink.abort = () => connection.lost(new Error("of the transport"), { code: 1006 });
    connection.abort(reason);
    expect([closes, signal.reason]).toEqual([[{ by: "error", error: reason }], reason]);
  });
});

describe("bytes in the sink", () => {
  const buffering = (held: () => number): FullSink & { buffered(): number } =>
    Object.assign(new FullSink(), { buffered: held });

  it.each([
    ["count as unsent when the time to close is over", () => 7, 12],
    [
      "count as what was queued if the sink cannot tell them",
      () => {
        throw new Error("no socket");
      },
      7,
    ],
  ])("%s", (_, buffered: () => number, unsent) => {
    const { connection, sink, time, closes } = setup({
      sink: buffering(buffered),
      options: { closeTimeout: 1000 },
    });
    sink.roomy = false;
    connection.send("a");
    connection.flushNow();
    connection.send("four");
    connection.close();
    time.advance(1000);
    expect(String(closes[0]!.error)).toBe(
      `ProtocolError: closed after 1000 ms with ${unsent} bytes unsent`,
    );
  });

  it("are counted as dropped once", () => {
    const gone: number[] = [];
    const made = (): ReturnType<typeof setup> =>
      setup({ sink: buffering(() => 7), options: { gone: (dropped) => void gone.push(dropped) } });
    const { connection } = made();
    connection.send("four");
    connection.abort();
    expect(gone).toEqual([12]);
    const { connection: lost } = made();
    lost.received(ascii("a\n"));
    lost.lost();
    lost.abort();
    expect(gone).toEqual([12, 0]);
  });
});

describe("an error of the peer", () => {
  it("is not printed while a caller receives it in another way", () => {
    const { connection } = setup({ isBare: true, options: { isTold: () => true } });
    connection.lost(new RangeError("told"));
    const { connection: other, errors } = setup({ options: { isTold: () => true } });
    other.lost(new RangeError("told, too"));
    expect([printed, errors]).toEqual([[], [new RangeError("told, too")]]);
    const { connection: untold } = setup({ isBare: true, options: { isTold: () => false } });
    untold.lost(new SyntaxError("untold"));
    expect(printed).toEqual([expect.stringMatching(/^framewright: faulty lines: SyntaxError/)]);
  });

  it("after other frames of its chunk is no bug of a handler, and counts no message", () => {
    const protocol = defineProtocol<string>({
      ...text,
      name: `late ${Math.random()}`,
      measure(bytes, start, end, scan) {
        if (bytes[start] === 0x21) throw new ProtocolError("malformed", "no line", start);
        return text.measure(bytes, start, end, scan);
      },
    });
    const { connection, closes } = setup({
      protocol,
      handlers: { message() {} },
      isBare: true,
      options: { handlerErrors: "throw" },
    });
    connection.received(ascii("abc\n"));
    connection.received(ascii("d\n!\n"));
    expect(connection.messages).toBe(2);
    expect(printed).toEqual([expect.stringMatching(/: malformed: no line/)]);
    connection.lost();
    expect(closes).toMatchObject([{ by: "error", error: { code: "malformed", offset: 6 } }]);
  });

  it("is the transport's if that failed in the middle of a frame", () => {
    const reset = new Error("reset");
    const { connection, errors, closes } = setup({ handlers: { message() {} } });
    connection.received(ascii("a\nb"));
    connection.lost(reset);
    expect([errors, closes]).toEqual([[reset], [{ by: "error", error: reset }]]);
  });
});

describe("the end of a lost connection", () => {
  it("does not change afterwards", async () => {
    const { connection } = setup();
    connection.lost();
    connection.faulted(new ProtocolError("malformed", "late"), false);
    expect(await connection.closed).toEqual({ by: "peer" });
    expect(connection.signal.reason).toMatchObject({ code: "closed" });
  });
});

describe("a connection that is one of the largest of its server", () => {
  it("is aborted with an error that tells why, and is no bug of a handler", async () => {
    const budget = new MemoryBudget(20_000);
    const { connection, errors, sink } = setup({ options: { budget, maxQueued: 100_000 } });
    const bare = setup({ isBare: true, options: { budget, maxQueued: 100_000 } });
    connection.hold(30_000);
    bare.connection.hold(30_000);
    await settle();
    expect(sink.calls).toEqual(["pause", "abort"]);
    expect(errors.map(String)).toEqual([
      "ProtocolError: all connections take 76384 bytes, above maxMemory 20000; this one holds 38192",
    ]);
    expect(bare.connection.state).toBe("closed");
    expect(printed).toEqual([
      expect.stringContaining("framewright: faulty lines: overflow: all conn"),
    ]);
  });
});

describe("the text of a timeout", () => {
  it("names what was missing", () => {
    const { connection, time, errors } = setup({
      handlers: { message() {} },
      options: { idleTimeout: 100 },
    });
    connection.received(ascii("a\n"));
    time.advance(200);
    expect(errors.map(String)).toEqual(["ProtocolError: no byte within 100 ms"]);
  });

  it("of our end counts the promises of all handlers, and is no bug of a handler", async () => {
    const { connection, time, closes } = setup({
      isBare: true,
      handlers: { open: never, message: never },
      options: { endTimeout: 100, handlerErrors: "throw" },
    });
    connection.hold(1);
    connection.received(ascii("a\nb\n"));
    connection.ended();
    await settle();
    time.advance(200);
    expect(String(closes[0]!.error)).toBe(
      "ProtocolError: our side did not end within 100 ms of the peer's: 2 bytes unread, 2 promises and 1 holds pending",
    );
    expect(printed.join()).not.toContain("a handler failed");
  });
});

describe("an empty line that waits", () => {
  it("pauses the source, and is delivered after the peer's end", async () => {
    const got: string[] = [];
    const next: (() => void)[] = [];
    const { connection, sink } = setup({
      handlers: {
        message(_, value) {
          got.push(value);
          return new Promise<void>((resolve) => next.push(resolve));
        },
      },
    });
    connection.received(ascii("a\n\n"));
    expect(sink.calls).toEqual(["pause"]);
    connection.ended();
    next[0]?.();
    await settle();
    expect(got).toEqual(["a", ""]);
  });
});

describe("bad input that is skipped", () => {
  it("leaves the source paused if the skipped handler pauses", () => {
    const { connection, sink } = setup({
      handlers: { message() {}, skipped: (c) => c.pause() },
      options: { onInvalid: skip() },
    });
    connection.received(BAD);
    expect(sink.calls).toEqual(["pause"]);
    connection.received(ascii("a\n"));
    expect([connection.messages, connection.unread]).toEqual([0, 2]);
  });

  it.each([
    ["one value", text],
    ["several values", words],
  ])("is counted anew after each good frame of %s", (_, protocol) => {
    const { connection, errors } = setup({
      protocol,
      handlers: { message() {} },
      options: { onInvalid: skip({ most: 100 }) },
    });
    for (let i = 0; i < 20; i++) {
      connection.received(Uint8Array.of(...ascii("good\n"), ...BAD));
    }
    expect([errors, connection.messages]).toEqual([[], 20]);
    for (let i = 0; i < 100 && errors.length === 0; i++) connection.received(BAD);
    expect(errors).toHaveLength(1);
  });
});

describe("a handler of a frame of several values that throws", () => {
  it("ends the connection before the next value", () => {
    const bug = new Error("bug");
    const { connection, errors } = setup({
      protocol: words,
      handlers: {
        message() {
          throw bug;
        },
      },
    });
    connection.received(ascii("a b\nc\n"));
    expect([errors, connection.messages]).toEqual([[bug], 1]);
  });
});

describe("pause() while a promise of a handler is pending", () => {
  it("holds back the next message after the promise has settled", async () => {
    let settled = (): void => {};
    const { connection } = setup({
      handlers: { message: () => new Promise<void>((resolve) => (settled = resolve)) },
    });
    connection.received(ascii("a\nb\n"));
    connection.pause();
    settled();
    await settle();
    expect(connection.messages).toBe(1);
    connection.resume();
    expect(connection.messages).toBe(2);
  });

  it("holds back messages for an iterator that begins to wait", async () => {
    const { connection } = setup();
    connection.pause();
    connection.received(ascii("a\n"));
    const next = connection[Symbol.asyncIterator]().next();
    await settle();
    expect(connection.messages).toBe(0);
    connection.resume();
    expect(await next).toEqual({ done: false, value: "a" });
  });
});

describe("drain while messages wait for the next turn", () => {
  it("is called after them, also if reading is paused meanwhile", () => {
    const log: string[] = [];
    const { connection, sink, time, turn } = setup({
      handlers: {
        message: () => void (log.length === 0 && time.advance(20)),
        drain: () => log.push("drain"),
      },
      options: { highWater: 1 },
    });
    sink.roomy = false;
    connection.send("full");
    connection.received(ascii("a\n".repeat(20)));
    expect(connection.messages).toBeLessThan(20);
    connection.pause();
    sink.roomy = true;
    connection.drained();
    expect(log).toEqual([]);
    turn();
    expect(log).toEqual(["drain"]);
  });
});

describe("a frame that lies in one chunk", () => {
  it.each(["stream", "message"] as const)("is a view of it, on a %s", (boundary) => {
    const got: Uint8Array[] = [];
    const connection = new Connection(fixed(2).wrap(raw()), new ScriptedSink(boundary), {
      message: (_, value) => void got.push(value),
    });
    connection.opened();
    // A small part of a large buffer, which would be copied if it had to wait.
    const memory = new Uint8Array(100_000);
    connection.received(memory.subarray(10, 12));
    expect(got[0]!.buffer).toBe(memory.buffer);
    connection.pause();
    connection.received(memory.subarray(20, 22));
    connection.resume();
    expect(got[1]!.buffer.byteLength).toBe(2);
  });
});

describe("the write that joins what is sent", () => {
  it("is planned once: what is sent meanwhile waits for the next one", async () => {
    const { connection, sink } = setup({ handlers: { message() {} } });
    connection.send("a");
    queueMicrotask(() => connection.send("c"));
    connection.send("b");
    queueMicrotask(() => connection.send("d"));
    await settle();
    expect(sink.calls).toEqual(["write a\nb\n", "write c\nd\n"]);
  });

  it("is not planned by a handler, whose messages are written when it returns", async () => {
    const { connection, sink } = setup({ handlers: { message: (c) => void c.send("a") } });
    connection.received(ascii("x\n"));
    queueMicrotask(() => connection.send("b"));
    connection.send("c");
    await settle();
    expect(sink.calls).toEqual(["write a\n", "write c\nb\n"]);
  });
});
