import { describe, expect, it, vi } from "vitest";
import { MemoryBudget } from "../../../src/core/connection/budget.ts";
import type { ServerParts } from "../../../src/core/connection/live.ts";
import { checkedOptions } from "../../../src/core/connection/option-names.ts";
import { skip } from "../../../src/framing/index.ts";
import {
  type CloseInfo,
  Connection,
  type ConnectionOptions,
  defineProtocol,
  encodeFrame,
  type Handlers,
  json,
  lines,
  type MessageProtocol,
  ProtocolError,
  perMessage,
  utf8,
} from "../../../src/index.ts";
import { Requests } from "../../../src/session/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { printedLines } from "../../support/printed-lines.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";
import { printedBy, uncaughtBy } from "../../support/uncaught.ts";

// What a connection answers, case by case. `connection-rows.test.ts` lists all cases, and where the others are tested.

const text = lines({ maxFrame: 64, last: "error" }).wrap(utf8());
const words = defineProtocol<string>({
  ...text,
  name: "words",
  decodeMany: (bytes, start, end) => text.decode(bytes, start, end).split(" "),
});
const ascii = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(s, (c) => c.charCodeAt(0));
const BAD = Uint8Array.of(0xff, 0x0a);
const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};
const never = (): Promise<never> => new Promise<never>(() => {});

/** A sink with everything that a sink may have. */
class FullSink extends ScriptedSink {
  held = 0;
  end(): void {
    this.calls.push("end");
  }
  detach(): unknown {
    return "socket";
  }
  buffered(): number {
    return this.held;
  }
  cork(): void {
    this.calls.push("cork");
  }
  uncork(): void {
    this.calls.push("uncork");
  }
}

interface Setup {
  readonly handlers?: Handlers<string, string, unknown>;
  readonly options?: ConnectionOptions & ServerParts;
  readonly protocol?: MessageProtocol<string, string>;
  readonly boundary?: "stream" | "message";
  readonly isOpen?: boolean;
  /** Without `message` and `error`. */
  readonly isBare?: boolean;
}

/** A connection that writes down what happens; turns that are over wait in `soon`. */
function setup(given: Setup = {}) {
  const { handlers, options, protocol = text, boundary, isOpen = true, isBare = false } = given;
  const sink = new FullSink(boundary);
  const time = new ManualClock();
  const soon: (() => void)[] = [];
  const log: string[] = [];
  const errors: unknown[] = [];
  const closes: CloseInfo[] = [];
  const usual: Handlers<string, string, unknown> = {
    message: (_, value) => void log.push(value),
    error(_, error) {
      log.push("error");
      errors.push(error);
    },
  };
  const connection = new Connection<string, string, unknown>(
    protocol,
    sink,
    {
      ...(isBare ? {} : usual),
      close(_, info) {
        log.push("close");
        closes.push(info);
      },
      ...handlers,
    },
    checkedOptions({
      clock: {
        now: () => time.now(),
        after: (ms: number, run: () => void) => time.after(ms, run),
        soon: (run: () => void) => void soon.push(run),
      },
      ...options,
    }),
  );
  if (isOpen) connection.opened();
  const turns = (): void => {
    while (soon.length > 0) soon.shift()!();
  };
  return { sink, time, soon, turns, log, errors, closes, connection };
}

const codes = (errors: readonly unknown[]): unknown[] =>
  errors.map((error) => (error instanceof ProtocolError ? error.code : error));
const sentBy = (sink: ScriptedSink): string =>
  sink.writes.map((bytes) => String.fromCharCode(...bytes)).join("");

const printed = printedLines();

describe("the state", () => {
  it("is opening while output waits, open while either side is, closing while only output ends", () => {
    const { connection, sink } = setup({ isOpen: false, handlers: { end() {} } });
    expect(connection.state).toBe("opening");
    connection.opened();
    expect(connection.state).toBe("open");
    connection.end();
    expect(connection.state).toBe("open");
    sink.roomy = false;
    const other = setup({ handlers: { end() {} } });
    other.connection.ended();
    expect(other.connection.state).toBe("open");
    other.connection.close();
    expect(other.connection.state).toBe("closing");
    other.connection.lost();
    expect(other.connection.state).toBe("closed");
  });
});

describe("a connection that is lost", () => {
  it.each([undefined, new Error("reset")])(
    "sends nothing from then on, and delivers what came whole before it ends: %s",
    async (error) => {
      const { connection, log } = setup({ handlers: { open: (c) => c.pause() } });
      void connection.closed.then(() => log.push("closed"));
      connection.onInputEnd(() => log.push("input end"));
      connection.received(ascii("a\nb\n"));
      connection.lost(error);
      expect(connection.send("x")).toBe(false);
      await expect(connection.ready()).rejects.toMatchObject({ code: "closed" });
      expect(log).toEqual([]);
      connection.resume();
      await settle();
      const told = error === undefined ? ["input end"] : ["error", "input end"];
      expect(log).toEqual(["a", "b", ...told, "close", "closed"]);
    },
  );

  it("keeps requests until what came whole was handed out, then rejects them", async () => {
    const requests = new Requests<string>({ clock: new ManualClock() });
    const { connection } = setup({
      handlers: {
        open: (c) => c.pause(),
        message: (_, value) => void requests.answer(Number(value), value),
      },
    });
    connection.onInputEnd((error) => requests.end(error));
    const asked = [1, 2].map(() => requests.ask((id) => connection.send(`${id}`)));
    connection.received(ascii("1\n"));
    connection.lost();
    connection.resume();
    expect(await asked[0]).toBe("1");
    await expect(asked[1]).rejects.toMatchObject({ code: "closed" });
  });
});

describe("promises of a handler that use() replaced", () => {
  it("hold back the new handler and the end, but no iterator", async () => {
    const release: (() => void)[] = [];
    const handlers = {
      message: () => new Promise<void>((resolve) => release.push(resolve)),
    };
    const { connection, log, sink, turns } = setup({ handlers });
    connection.received(ascii("a\nb\n"));
    connection.use(text, { message: (_, value) => void log.push(value) });
    expect(log).toEqual([]);
    release.shift()!();
    await settle();
    expect(log).toEqual(["b"]);

    const iterated = setup({ handlers });
    iterated.connection.received(ascii("a\nb\n"));
    const bare = iterated.connection.use(text);
    const iterator = bare[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: false, value: "b" });
    bare.ended();
    expect((await iterator.next()).done).toBe(true);
    iterated.turns();
    expect(iterated.sink.calls.at(-1)).not.toBe("close");
    release.shift()!();
    await settle();
    iterated.turns();
    expect(iterated.sink.calls.at(-1)).toBe("close");
    turns();
    expect(sink.calls).not.toContain("close");
  });
});

describe("the source", () => {
  it("is paused when bytes come and no message is welcome, not between two messages", async () => {
    const release: (() => void)[] = [];
    const { connection, sink } = setup({
      handlers: { message: () => new Promise<void>((resolve) => release.push(resolve)) },
    });
    for (let i = 0; i < 3; i++) {
      connection.received(ascii("a\n"));
      expect(sink.calls).toEqual([]);
      release.shift()!();
      await settle();
    }
    connection.received(ascii("a\n"));
    connection.received(ascii("b\n"));
    expect(sink.calls).toEqual(["pause"]);
    for (let i = 0; i < 2; i++) {
      expect(sink.calls).toEqual(["pause"]);
      release.shift()!();
      await settle();
    }
    expect(sink.calls).toEqual(["pause", "resume"]);
  });
});

describe("a turn", () => {
  const many = ascii("m\n".repeat(100));

  it("is kept across promises of handlers", async () => {
    const { connection, log, time, soon } = setup({
      handlers: {
        async message(_, value) {
          log.push(value);
          time.advance(1);
        },
      },
    });
    connection.received(many);
    for (let i = 0; i < 100; i++) await settle();
    expect([log.length, soon.length > 0]).toEqual([8, true]);
  });

  it("is kept across next()", async () => {
    const { connection, time, soon } = setup({ isBare: true });
    const iterator = connection[Symbol.asyncIterator]();
    connection.received(many);
    let count = 0;
    const loop = async (): Promise<void> => {
      for (;;) {
        await iterator.next();
        count++;
        time.advance(1);
      }
    };
    void loop();
    for (let i = 0; i < 100; i++) await settle();
    expect([count < 20, soon.length > 0]).toEqual([true, true]);
  });

  it("is followed by after(0) if the clock has no soon", async () => {
    const clock = new ManualClock();
    const log: string[] = [];
    const connection = new Connection<string>(
      text,
      new ScriptedSink(),
      {
        message(_, value) {
          log.push(value);
          clock.advance(1);
        },
      },
      { clock: { now: () => clock.now(), after: (ms, run) => clock.after(ms, run) } },
    );
    connection.opened();
    connection.received(many);
    expect(log).toHaveLength(8);
    await settle();
    expect(log).toHaveLength(8);
    clock.advance(0);
    expect(log.length).toBeGreaterThan(8);
  });

  it("comes to a manual clock without an advance of time", async () => {
    const clock = new ManualClock();
    let ran = 0;
    clock.soon(() => ran++);
    expect(ran).toBe(0);
    await settle();
    expect([ran, clock.now()]).toEqual([1, 0]);
  });

  /** A connection whose turn is over after eight of a hundred messages. */
  function late(given: Handlers<string, string, unknown> = {}, options: ConnectionOptions = {}) {
    const made = setup({
      handlers: {
        message(_, value) {
          made.log.push(value);
          made.time.advance(1);
        },
        ...given,
      },
      options,
    });
    return made;
  }

  it("that is over has ended, lost and drain queue behind the messages", async () => {
    for (const end of ["ended", "lost"] as const) {
      const made = late(
        { end: () => void made.log.push("end"), drain: () => void made.log.push("drain") },
        { highWater: 4 },
      );
      const { connection, log, sink, turns } = made;
      sink.roomy = false;
      connection.send("more than room");
      let isReady = false;
      connection.ready().then(
        () => {
          isReady = true;
        },
        () => {},
      );
      connection.received(many);
      sink.roomy = true;
      connection.drained();
      await settle();
      expect([log.length, isReady]).toEqual([8, false]);
      connection[end](end === "lost" ? new Error("reset") : undefined);
      expect(log).toHaveLength(8);
      turns();
      await settle();
      const last = end === "ended" ? ["end", "drain"] : ["error", "close"];
      expect([log.slice(100).sort(), isReady]).toEqual([last.sort(), end === "ended"]);
      expect(log.slice(0, 100)).toEqual(Array(100).fill("m"));
    }
  });

  it("that is over lets close, abort, pause and use act at once", () => {
    for (const end of ["close", "abort"] as const) {
      const { connection, log, turns } = late();
      connection.received(many);
      connection[end]();
      turns();
      expect(log.filter((line) => line === "m")).toHaveLength(8);
    }
    const paused = late();
    paused.connection.received(many);
    paused.connection.pause();
    paused.turns();
    expect(paused.log).toHaveLength(8);
    paused.connection.resume();
    paused.turns();
    expect(paused.log).toHaveLength(100);
    const switched = late();
    switched.connection.received(many);
    const others: string[] = [];
    switched.connection.use(text, { message: (_, value) => void others.push(value) });
    switched.turns();
    expect([switched.log.length, others.length]).toEqual([8, 92]);
  });
});

describe("onInputEnd", () => {
  it("runs without waiting for promises, and synchronously when input is halted", () => {
    const { connection, log } = setup({
      handlers: { message: never, end: () => void log.push("end") },
    });
    connection.onInputEnd(() => log.push("input end"));
    connection.received(ascii("a\n"));
    connection.ended();
    expect(log).toEqual(["input end"]);
    for (const end of ["close", "abort"] as const) {
      const other = setup();
      other.connection.onInputEnd(() => other.log.push("one"));
      other.connection.onInputEnd(() => other.log.push("two"));
      other.connection[end]();
      other.connection.ended();
      other.connection.lost();
      expect(other.log.filter((line) => line !== "close")).toEqual(["one", "two"]);
    }
  });

  it("is no end handler: our side ends as without it", () => {
    const { connection, sink, turns } = setup();
    connection.onInputEnd(() => {});
    connection.ended();
    turns();
    expect(sink.calls).toEqual(["close"]);
  });
});

describe("hold()", () => {
  it("holds back no message, and refuses a cost that is not a number", () => {
    const { connection, log } = setup();
    connection.hold(100);
    connection.received(ascii("a\n"));
    expect(log).toEqual(["a"]);
    for (const cost of [Number.NaN, -1, "5", undefined, 5n]) {
      expect(() => connection.hold(cost as number)).toThrow(/cost must be a number/);
    }
  });

  it("counts into maxQueued together with what is unread", () => {
    const { connection, errors, closes } = setup({ options: { maxQueued: 1000 } });
    connection.pause();
    connection.received(ascii("a\n"));
    connection.hold(600);
    expect(closes).toEqual([]);
    connection.hold(600);
    expect([codes(errors), closes.length]).toEqual([["overflow"], 1]);
  });
});

describe("send", () => {
  it("before open counts into maxQueued, and overflow cuts at once", () => {
    const { connection, sink, errors } = setup({ isOpen: false, options: { maxQueued: 20 } });
    expect(connection.send("0123456789")).toBe(true);
    expect(connection.queued).toBe(11);
    expect(connection.send("0123456789")).toBe(false);
    expect([codes(errors), sink.calls, connection.state]).toEqual([
      ["overflow"],
      ["abort"],
      "closed",
    ]);
  });

  it("above highWater is sent and returns false; drain and ready() follow once, at half of it", async () => {
    const drains: number[] = [];
    const { connection, sink } = setup({
      boundary: "message",
      protocol: perMessage().wrap(utf8()),
      options: { highWater: 300 },
      handlers: { drain: (c) => void drains.push(c.queued) },
    });
    sink.roomy = false;
    const answers = Array.from({ length: 6 }, () => connection.send("x".repeat(36)));
    expect(answers).toEqual([true, true, true, false, false, false]);
    let ready = 0;
    for (let i = 0; i < 2; i++) void connection.ready().then(() => ready++);
    for (let before = connection.queued; before > 0; before = connection.queued) {
      expect([drains.length, ready]).toEqual(before > 150 ? [0, 0] : [1, 2]);
      connection.drained();
      await settle();
    }
    expect([drains.length, ready, sink.writes.length]).toEqual([1, 2, 6]);
    expect(drains[0]).toBeLessThanOrEqual(150);
    expect(drains[0]).toBeGreaterThan(50);
  });

  it.each<[string, (c: Connection<string, string, unknown>) => void]>([
    ["end()", (c) => c.end()],
    ["close()", (c) => c.close()],
    ["abort()", (c) => c.abort()],
    ["a fault", (c) => c.received(BAD)],
    ["a lost connection", (c) => c.lost()],
  ])("after %s returns false, sends nothing, and no drain follows", async (_, end) => {
    const drain = vi.fn();
    const { connection, sink } = setup({ handlers: { drain }, options: { highWater: 4 } });
    sink.roomy = false;
    expect(connection.send("first, and long")).toBe(false);
    const waiting = connection.ready();
    end(connection);
    expect(connection.send("late")).toBe(false);
    expect(connection.sendFrame(ascii("late\n"))).toBe(false);
    await expect(waiting).rejects.toMatchObject({ code: "closed" });
    await expect(connection.ready()).rejects.toMatchObject({ code: "closed" });
    sink.roomy = true;
    connection.drained();
    await settle();
    expect(sentBy(sink)).toBe("first, and long\n");
    expect(drain).not.toHaveBeenCalled();
  });

  it.each<[string, (c: Connection<string, string, unknown>) => void]>([
    ["malformed", (c) => c.received(BAD)],
    ["too-long", (c) => c.received(new Uint8Array(65).fill(0x61))],
    ["truncated", (c) => [c.received(ascii("cut")), c.ended()]],
    ["bug", (c) => c.received(ascii("bug\n"))],
  ])("in the error handler of %s is a last word, and none after it", async (_, misbehave) => {
    const answers: boolean[] = [];
    const { connection, sink } = setup({
      handlers: {
        message() {
          throw new Error("bug");
        },
        async error(c) {
          answers.push(c.send("last word"));
          await undefined;
          answers.push(c.send("too late"));
        },
      },
    });
    misbehave(connection);
    await settle();
    expect(answers).toEqual([true, false]);
    expect(sink.calls).toEqual(["write last word\n", "close"]);
  });

  it("in the error handler of a cut connection returns false", () => {
    const answers: boolean[] = [];
    const { connection, time } = setup({
      handlers: { error: (c) => void answers.push(c.send("last word")) },
      options: { idleTimeout: 100 },
    });
    time.advance(200);
    expect([answers, connection.state]).toEqual([[false], "closed"]);
  });

  it("of what cannot be encoded is a bug of the handler that lets it through", () => {
    const { connection, errors, sink, log } = setup({
      handlers: {
        message(c, value) {
          c.send(value);
          if (value === "caught") expect(() => c.send("two\nlines")).toThrow(ProtocolError);
          else c.send("two\nlines");
        },
      },
    });
    connection.received(ascii("caught\nthrown\nlate\n"));
    expect(codes(errors)).toEqual(["unencodable"]);
    expect([sentBy(sink), log]).toEqual(["caught\nthrown\n", ["error"]]);
    expect(connection.state).toBe("closing");
  });

  it("takes one frame longer than maxQueued, also of text that its sink takes as it is", async () => {
    const closes: CloseInfo[] = [];
    const sink = Object.assign(new ScriptedSink(), { writeText: () => false });
    const connection = new Connection<unknown>(
      lines().wrap(json<unknown>()),
      sink,
      { message() {}, error() {}, close: (_, info) => void closes.push(info) },
      { clock: new ManualClock(), highWater: 100, maxQueued: 1000 },
    );
    connection.opened();
    // 700 characters, 2100 bytes.
    expect(connection.send("\u4e2d".repeat(700))).toBe(false);
    expect([connection.state, connection.queued]).toEqual(["open", 2103]);
    connection.send(1);
    await settle();
    expect(codes(closes.map(({ error }) => error))).toEqual(["overflow"]);
  });

  it("in one turn is one write on a stream, and one a message, corked, where boundaries are kept", async () => {
    for (const boundary of ["stream", "message"] as const) {
      const { connection, sink } = setup({
        boundary,
        handlers: { message: (c, value) => ["1", "2", "3"].map((n) => c.send(value + n)) },
      });
      connection.received(ascii("a\nb\n"));
      const all = ["a1", "a2", "a3", "b1", "b2", "b3"];
      expect(sink.calls).toEqual(
        boundary === "stream"
          ? [`write ${all.join("\n")}\n`]
          : ["cork", ...all.map((line) => `write ${line}\n`), "uncork"],
      );
    }
  });
});

describe("sendFrame", () => {
  it("refuses memory that was transferred away, and received takes it for a failed transport", () => {
    const gone = (): Uint8Array<ArrayBuffer> => {
      const bytes = ascii("gone\n");
      structuredClone(bytes, { transfer: [bytes.buffer] });
      return bytes;
    };
    for (const boundary of ["stream", "message"] as const) {
      const { connection, sink, errors } = setup({ boundary });
      expect(() => connection.sendFrame(gone())).toThrow(/transferred away/);
      expect([sink.calls, connection.state]).toEqual([[], "open"]);
      connection.received(gone());
      expect(errors).toEqual([expect.any(TypeError)]);
    }
  });
});

describe("close() and end() before open", () => {
  it("end at once if nothing is queued, else after open and within closeTimeout", () => {
    const empty = setup({ isOpen: false });
    empty.connection.close();
    expect(empty.closes).toEqual([{ by: "local" }]);
    const queued = setup({ isOpen: false, options: { closeTimeout: 1000 } });
    queued.connection.send("a");
    queued.connection.close();
    expect(queued.closes).toEqual([]);
    queued.time.advance(1500);
    expect(queued.closes).toMatchObject([{ by: "error", error: { code: "timeout" } }]);
    expect(String(queued.closes[0]!.error)).toContain("2 bytes unsent");
    for (const sends of [true, false]) {
      const ended = setup({ isOpen: false });
      if (sends) ended.connection.send("a");
      ended.connection.end();
      expect(ended.sink.calls).toEqual([]);
      ended.connection.opened();
      expect(ended.sink.calls).toEqual(sends ? ["write a\n", "end"] : ["end"]);
      ended.connection.received(ascii("x\n"));
      expect(ended.log).toEqual(["x"]);
    }
  });
});

describe("detach()", () => {
  it("is a TypeError while output is queued, or inside a frame of several values", () => {
    const { connection, sink } = setup();
    sink.roomy = false;
    connection.send("x");
    expect(() => connection.detach()).toThrow(TypeError);
    const half = setup({ protocol: words, handlers: { message: (c) => c.pause() } });
    half.connection.received(ascii("a b\n"));
    expect(() => half.connection.detach()).toThrow(TypeError);
    expect([connection.state, half.connection.state]).toEqual(["open", "open"]);
  });

  it("ends iterators and requests; pending promises go on, and their send returns false", async () => {
    const requests = new Requests<string>({ clock: new ManualClock() });
    const release: (() => void)[] = [];
    const answers: boolean[] = [];
    const { connection, closes } = setup({
      isBare: true,
      handlers: {
        async open(c) {
          await new Promise<void>((resolve) => release.push(resolve));
          answers.push(c.send("late"));
        },
      },
    });
    connection.onInputEnd((error) => requests.end(error));
    const next = connection[Symbol.asyncIterator]().next();
    const asked = requests.ask(() => true);
    const { socket, unread } = connection.detach();
    expect([socket, unread.length]).toEqual(["socket", 0]);
    expect(await next).toEqual({ done: true, value: undefined });
    await expect(asked).rejects.toMatchObject({ code: "closed" });
    expect(closes).toEqual([{ by: "local" }]);
    release[0]!();
    await settle();
    expect(answers).toEqual([false]);
    expect(printed).toEqual([]);
  });
});

describe("sendTimeout", () => {
  it("starts anew as the sink gets emptier, and cuts when it does not", () => {
    const { connection, sink, time, errors } = setup({ options: { sendTimeout: 1000 } });
    sink.roomy = false;
    sink.held = 100;
    connection.send("x");
    connection.resume();
    for (let i = 0; i < 5; i++) {
      time.advance(900);
      sink.held -= 10;
    }
    expect(errors).toEqual([]);
    time.advance(2300);
    expect([codes(errors), sink.calls.at(-1)]).toEqual([["timeout"], "abort"]);
  });
});

describe("close()", () => {
  it("sends what is queued, delivers nothing more, and tells how many bytes were dropped", () => {
    const { connection, sink, log, closes, time } = setup({
      options: { closeTimeout: 1000, highWater: 0 },
    });
    sink.roomy = false;
    connection.send("out");
    connection.send("kept");
    connection.close();
    connection.received(ascii("late\n"));
    sink.roomy = true;
    time.advance(1500);
    expect(log.slice(0, 1)).toEqual(["error"]);
    expect(closes).toMatchObject([{ by: "error", error: { code: "timeout" } }]);
    expect(String(closes[0]!.error)).toContain("bytes unsent");
    expect(sink.calls).toEqual(["write out\n", "abort"]);
  });
});

describe("flushed()", () => {
  it("resolves when the sink has taken all that was sent before the call, and no later than that", async () => {
    const { connection, sink } = setup({ boundary: "message" });
    sink.roomy = false;
    connection.send("one");
    connection.send("two");
    let isFlushed = false;
    void connection.flushed().then(() => {
      isFlushed = true;
    });
    connection.send("three");
    await settle();
    expect([sentBy(sink), isFlushed]).toEqual(["one\n", false]);
    connection.drained();
    await settle();
    expect([sentBy(sink), isFlushed]).toEqual(["one\ntwo\n", true]);
    const last = connection.flushed();
    connection.abort();
    await expect(last).rejects.toMatchObject({ code: "closed" });
    await expect(connection.flushed()).rejects.toMatchObject({ code: "closed" });
  });
});

describe("a promise of message that never settles", () => {
  it("leaves the source paused, and the limits of the peer stand still", () => {
    const { connection, sink, time, errors } = setup({
      handlers: { message: never },
      options: { idleTimeout: 100, frameTimeout: 100 },
    });
    connection.received(ascii("a\nb\npart"));
    time.advance(100_000);
    expect([sink.calls, errors]).toEqual([["pause"], []]);
    const first = setup({
      handlers: { message: () => {}, open: (c) => c.pause() },
      options: { firstMessageTimeout: 100 },
    });
    first.time.advance(100_000);
    expect(first.errors).toEqual([]);
  });
});

describe("resume()", () => {
  it("delivers before it returns, within the time of the turn", () => {
    const { connection, log, time, turns } = setup({
      handlers: {
        message(_, value) {
          log.push(value);
          time.advance(1);
        },
      },
    });
    connection.pause();
    connection.received(ascii("m\n".repeat(100)));
    expect(log).toEqual([]);
    connection.resume();
    expect(log.length).toBeGreaterThan(0);
    expect(log.length).toBeLessThan(100);
    turns();
    expect(log).toHaveLength(100);
  });
});

describe("use()", () => {
  it("refuses handlers that it does not have, as the constructor does", () => {
    const { connection, log } = setup();
    for (const make of [
      (handlers: object) => void connection.use(text, handlers),
      (handlers: object) => void new Connection(text, new ScriptedSink(), handlers),
    ]) {
      expect(() => make({ mesage() {} })).toThrow(
        'Connection has no option "mesage"; use context, open, message, drain, end, error, skipped, close, highWater',
      );
      expect(() => make({ message: "x" })).toThrow("message must be a function, not string");
      expect(() => make({ close: null })).toThrow("close must be a function, not null");
      expect(() => make(null as never)).toThrow("not null");
      make({ message: undefined });
    }
    connection.use(text, { message: (_, value) => void log.push(value) });
    connection.received(ascii("a\n"));
    expect(log).toEqual(["a"]);
  });

  it("ignores options among its handlers, which the constructor takes as transports do", () => {
    const time = new ManualClock();
    const errors: unknown[] = [];
    const handlers = {
      idleTimeout: 100,
      sendTimeout: undefined,
      closeTimeout: 5,
      error: (_: unknown, error: unknown) => void errors.push(error),
    };
    const options = { clock: time, closeTimeout: 1000 };
    const connection = new Connection(text, new ScriptedSink(), handlers, options);
    connection.opened();
    connection.pause();
    connection.resume();
    connection.use(text, { ...handlers, message() {} });
    time.advance(150);
    expect(codes(errors)).toEqual(["timeout"]);
    const wrong: object = { idleTimeout: Number.NaN };
    expect(() => new Connection(text, new ScriptedSink(), wrong)).toThrow(RangeError);
  });

  it("in the middle of a frame of several values is a TypeError, after its last value none", () => {
    const got: string[] = [];
    const { connection } = setup({
      protocol: words,
      handlers: {
        message(c, value) {
          const change = () =>
            void c.use(text, { message: (_, other) => void got.push(`new ${other}`) });
          if (value === "a") expect(change).toThrow(TypeError);
          else change();
        },
      },
    });
    connection.received(ascii("a b\nc d\n"));
    expect(got).toEqual(["new c d"]);
  });
});

describe("received()", () => {
  it.each<[string, (c: Connection<string, string, unknown>) => void]>([
    ["ended", (c) => c.ended()],
    ["lost", (c) => c.lost()],
    ["closed", (c) => c.close()],
    ["aborted", (c) => c.abort()],
    ["at fault", (c) => c.received(BAD)],
  ])("of a connection that is %s is ignored, whatever comes", (_, end) => {
    const { connection, log } = setup();
    end(connection);
    const before = [...log];
    for (const bytes of [ascii("a\n"), BAD, "text", null, undefined, 5]) {
      connection.received(bytes as Uint8Array);
    }
    connection.ended();
    expect(log).toEqual(before);
  });

  it("takes what is not bytes for a failed transport, and throws nothing", () => {
    for (const bytes of ["text", null, undefined, 5, [1], new ArrayBuffer(2)]) {
      const { connection, errors } = setup();
      connection.received(bytes as never);
      expect(errors).toEqual([expect.any(TypeError)]);
    }
  });
});

describe("the peer's end", () => {
  it("inside of a frame is told after all that was whole, unless the framing takes the rest", () => {
    const { connection, log, errors } = setup({ protocol: words });
    connection.received(ascii("a b\nc\ncut"));
    connection.ended();
    expect([log, codes(errors)]).toEqual([["a", "b", "c", "error"], ["truncated"]]);
    const lenient = setup({ protocol: lines({ last: "accept" }).wrap(utf8()) });
    lenient.connection.received(ascii("a\nrest"));
    lenient.connection.ended();
    expect(lenient.log).toEqual(["a", "rest"]);
  });

  it("calls the end handler once, after the last promise of message", async () => {
    const release: (() => void)[] = [];
    const { connection, log, sink, turns } = setup({
      handlers: {
        message(_, value) {
          log.push(value);
          return new Promise<void>((resolve) => release.push(resolve));
        },
        end: () => void log.push("end"),
      },
    });
    connection.received(ascii("a\nb\n"));
    connection.ended();
    for (let i = 0; i < 2; i++) {
      expect(log).not.toContain("end");
      release.shift()!();
      await settle();
    }
    connection.ended();
    turns();
    expect([log, connection.state, sink.calls.includes("close")]).toEqual([
      ["a", "b", "end"],
      "open",
      false,
    ]);
  });

  it("with an end handler is bounded by endTimeout after the last byte sent, not while its promise is pending", async () => {
    let release = (): void => {};
    const { connection, time, closes } = setup({
      handlers: {
        end: () =>
          new Promise<void>((resolve) => {
            release = resolve;
          }),
      },
      options: { endTimeout: 1000 },
    });
    connection.ended();
    time.advance(10_000);
    expect(closes).toEqual([]);
    release();
    await settle();
    for (let i = 0; i < 4; i++) {
      time.advance(900);
      connection.send("still here");
      await settle();
    }
    expect(closes).toEqual([]);
    time.advance(2300);
    expect(closes).toMatchObject([{ by: "error", error: { code: "timeout" } }]);
  });

  type Holder = (made: ReturnType<typeof setup>) => () => unknown;
  const waiting = () => {
    let release = (): void => {};
    const promise = new Promise<void>((resolve) => {
      release = resolve;
    });
    return { promise, release: () => release() };
  };
  const holders: Record<string, { handlers: Handlers<string, string, unknown>; hold: Holder }> = {};
  for (const name of ["open", "message", "drain"] as const) {
    const { promise, release } = waiting();
    holders[`a promise of ${name}`] = {
      handlers: { [name]: () => promise },
      hold: ({ connection, sink }) => {
        connection.received(ascii("a\n"));
        sink.roomy = false;
        connection.send("x".repeat(50));
        sink.roomy = true;
        connection.drained();
        return release;
      },
    };
  }
  holders["what is held"] = { handlers: {}, hold: ({ connection }) => connection.hold(1) };
  holders["an iterator"] = {
    handlers: { message: undefined },
    hold: ({ connection }) => {
      const iterator = connection[Symbol.asyncIterator]();
      void iterator.next();
      connection.received(ascii("a\n"));
      return () => iterator.return?.();
    },
  };

  it.each(Object.keys(holders))("waits for %s, then our side ends one turn later", async (name) => {
    const { handlers, hold } = holders[name]!;
    const made = setup({ handlers, options: { highWater: 4 } });
    const release = hold(made);
    const { connection, sink, turns, closes } = made;
    connection.ended();
    await settle();
    turns();
    expect(sink.calls).not.toContain("close");
    await release();
    await settle();
    expect(sink.calls).not.toContain("close");
    turns();
    expect(sink.calls.at(-1)).toBe("close");
    connection.lost();
    expect(closes).toEqual([{ by: "peer" }]);
  });

  it.each<[string, (made: ReturnType<typeof setup>) => unknown, RegExp]>([
    ["unread messages", ({ connection }) => connection.pause(), /4 bytes unread, 0 promises/],
    ["holds", ({ connection }) => [connection.hold(1), connection.hold(1)], /and 2 holds/],
    ["promises", () => {}, /2 bytes unread, 1 promises/],
  ])("at endTimeout with %s left is a timeout that says how many", (what, hold, said) => {
    const handlers = what === "promises" ? { message: never } : {};
    const made = setup({ options: { endTimeout: 1000 }, handlers });
    hold(made);
    const { connection, time, closes } = made;
    connection.received(ascii("a\nb\n"));
    connection.ended();
    time.advance(1300);
    expect(closes).toMatchObject([{ by: "error", error: { code: "timeout" } }]);
    expect(String(closes[0]!.error)).toMatch(said);
  });
});

describe("iterators", () => {
  it("share the messages in the order of their calls", async () => {
    const { connection } = setup({ isBare: true });
    const [a, b] = [connection[Symbol.asyncIterator](), connection[Symbol.asyncIterator]()];
    const asked = [a.next(), b.next(), a.next(), b.next()];
    connection.received(ascii("1\n2\n3\n4\n"));
    expect((await Promise.all(asked)).map(({ value }) => value)).toEqual(["1", "2", "3", "4"]);
  });

  it("get what was whole before a fault, then one next() rejects, later ones are done", async () => {
    const { connection } = setup({ isBare: true });
    const [a, b] = [connection[Symbol.asyncIterator](), connection[Symbol.asyncIterator]()];
    const asked = [a.next(), b.next(), a.next()];
    connection.received(new Uint8Array([...ascii("1\n"), ...BAD]));
    const [first, second, third] = await Promise.allSettled(asked);
    expect(first).toMatchObject({ value: { value: "1" } });
    expect(second).toMatchObject({ status: "rejected", reason: { code: "malformed" } });
    expect(third).toMatchObject({ value: { done: true } });
    expect(await b.next()).toEqual({ done: true, value: undefined });
  });
});

describe("what ends a connection", () => {
  const options = { idleTimeout: 5000, sendTimeout: 3000, closeTimeout: 4000 };
  type Act = (made: ReturnType<typeof setup>) => unknown;
  const unreadable: Act = ({ connection }) => {
    connection.pause();
    for (let i = 0; i < 20; i++) connection.received(ascii("0123456789\n"));
  };
  const FAULTS: readonly [string, string | undefined, Act, ConnectionOptions?][] = [
    ["malformed bytes", "malformed", ({ connection }) => connection.received(BAD)],
    ["a long frame", "too-long", ({ connection }) => connection.received(new Uint8Array(65))],
    [
      "a cut frame",
      "truncated",
      ({ connection }) => [connection.received(ascii("x")), connection.ended()],
    ],
    ["silence", "timeout", ({ time }) => time.advance(6000)],
    ["no first message", "timeout", ({ time }) => time.advance(1000), { firstMessageTimeout: 500 }],
    [
      "a frame that drips",
      "timeout",
      ({ connection, time }) => [connection.received(ascii("x")), time.advance(1000)],
      { frameTimeout: 500 },
    ],
    [
      "a peer that does not read",
      "timeout",
      ({ connection, sink, time }) => {
        sink.roomy = false;
        connection.send("x");
        connection.ready();
        connection.resume();
        time.advance(4500);
      },
    ],
    ["too much unread", "overflow", unreadable, { maxQueued: 100 }],
    [
      "too much unsent",
      "overflow",
      ({ connection, sink }) => {
        sink.roomy = false;
        for (let i = 0; i < 20; i++) connection.send("0123456789");
      },
      { maxQueued: 100 },
    ],
    ["a failed transport", undefined, ({ connection }) => connection.lost(new Error("EIO"))],
    [
      "a sink that throws",
      undefined,
      ({ connection, sink }) => {
        sink.onWrite = () => {
          throw new Error("EIO");
        };
        connection.send("x");
        connection.resume();
      },
    ],
  ];
  /** The transport says that all is over, as it would after closing. */
  const over = async ({ connection }: ReturnType<typeof setup>): Promise<void> => {
    await settle();
    connection.lost();
    await settle();
  };

  it.each(FAULTS)(
    "%s reaches error once, then close, and prints nothing",
    async (_, code, act, more) => {
      const made = setup({ options: { ...options, ...more } });
      act(made);
      await over(made);
      const { errors, closes, log } = made;
      expect(errors).toHaveLength(1);
      if (code !== undefined) expect(codes(errors)).toEqual([code]);
      expect(closes).toEqual([{ by: "error", error: errors[0] }]);
      expect(log.filter((line) => line === "close" || line === "error")).toEqual([
        "error",
        "close",
      ]);
      expect(await made.connection.closed).toEqual(closes[0]);
      expect(printed).toEqual([]);
    },
  );

  it.each(FAULTS)(
    "%s prints one line without an error handler and an iterator",
    async (_, __, act, more) => {
      const lines = await printedBy(async () => {
        const made = setup({
          options: { ...options, ...more },
          isBare: true,
          handlers: { message() {} },
        });
        act(made);
        await over(made);
        expect(made.closes).toMatchObject([{ by: "error" }]);
      });
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^framewright: lines: /);
    },
  );

  it.each(FAULTS.filter(([name]) => name !== "too much unread"))(
    "%s rejects an iterator once, and then prints nothing",
    async (_, __, act, more) => {
      const lines = await printedBy(async () => {
        const made = setup({ options: { ...options, ...more }, isBare: true });
        const iterator = made.connection[Symbol.asyncIterator]();
        const asked = [iterator.next(), iterator.next()];
        act(made);
        await over(made);
        const results = await Promise.allSettled(asked);
        expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
        expect((results[0] as PromiseRejectedResult).reason).toBe(made.closes[0]!.error);
        expect((await iterator.next()).done).toBe(true);
      });
      expect(lines).toEqual([]);
    },
  );

  it.each(FAULTS)(
    "%s is over within closeTimeout, though the peer does nothing",
    (_, __, act, more) => {
      const made = setup({ options: { ...options, ...more } });
      act(made);
      made.turns();
      made.time.advance(options.closeTimeout + 1000);
      expect(made.closes).toHaveLength(1);
      expect(made.connection.state).toBe("closed");
    },
  );

  it("is clean if a side closes: no error, iterators are done", async () => {
    const CLEAN: readonly [CloseInfo["by"], Act][] = [
      ["peer", (made) => [made.connection.ended(), made.turns()]],
      ["peer", ({ connection }) => connection.lost()],
      ["local", ({ connection }) => connection.close()],
      ["local", ({ connection }) => connection.abort()],
      ["local", (made) => [made.connection.end(), made.connection.ended(), made.turns()]],
    ];
    for (const [by, act] of CLEAN) {
      const made = setup({ isBare: true });
      const iterator = made.connection[Symbol.asyncIterator]();
      const next = iterator.next();
      act(made);
      expect(await next).toEqual({ done: true, value: undefined });
      made.turns();
      await over(made);
      expect(made.closes).toEqual([{ by }]);
      expect(made.connection.signal.aborted).toBe(true);
    }
    expect(printed).toEqual([]);
  });
});

describe("an error that comes back through a handler's promise", () => {
  const wrap = (error: unknown): Error => new Error("wrapped", { cause: error });

  it.each([
    ["the same", (error: unknown) => error],
    ["one that it caused", wrap],
    ["one that was caused by one that it caused", (error: unknown) => wrap(wrap(error))],
  ])("is no second report: %s", async (_, back) => {
    for (const isBug of [true, false]) {
      const bug = new Error("bug");
      const errors: unknown[] = [];
      const { connection } = setup({
        isBare: true,
        options: { handlerErrors: "throw" },
        handlers: {
          async open(c) {
            try {
              for await (const _value of c);
            } catch (error) {
              throw back(error);
            }
          },
          drain() {
            throw bug;
          },
          error: (_connection, error) => void errors.push(error),
        },
      });
      const uncaught = await uncaughtBy(() => {
        if (isBug) connection.failed(bug);
        else connection.received(BAD);
      });
      expect(uncaught).toEqual([]);
      expect(errors).toHaveLength(1);
      if (isBug) expect(errors).toEqual([bug]);
    }
    expect(printed).toEqual([]);
  });
});

describe("an error that throws when it is looked at", () => {
  const trap = (): never => {
    throw new Error("trap");
  };
  const hostile = (): unknown =>
    new Proxy({}, { get: trap, getPrototypeOf: trap, has: trap, ownKeys: trap });

  it.each<[string, (c: Connection<string, string, unknown>) => unknown]>([
    ["the transport", (c) => c.lost(hostile())],
    ["a program that aborts", (c) => c.abort(hostile())],
    ["a session", (c) => c.failed(hostile())],
  ])("from %s harms no one", async (_, act) => {
    const uncaught = await uncaughtBy(() => {
      const { connection, closes } = setup({ isBare: true, handlers: { message() {} } });
      act(connection);
      connection.lost();
      expect(closes).toHaveLength(1);
      expect(closes[0]!.by).toBe("error");
    });
    expect(uncaught).toEqual([]);
  });

  it.each(["decode", "measure", "encode"] as const)("from %s is a ProtocolError", (name) => {
    const broken = defineProtocol<string>({
      ...text,
      [name]: () => {
        throw hostile();
      },
    });
    const { connection, errors } = setup({ protocol: broken });
    if (name === "encode") {
      expect(() => connection.send("x")).toThrow(ProtocolError);
      return;
    }
    connection.received(ascii("x\n"));
    expect(codes(errors)).toEqual(["malformed"]);
  });
});

describe("a decoder that is asynchronous", () => {
  it("is refused: nobody would take the errors of its promises", () => {
    const decode = (async () => "x") as unknown as typeof text.decode;
    const codec = { ...utf8(), decode };
    for (const make of [
      () => lines().wrap(codec),
      () => perMessage().wrap(codec),
      () => new Connection({ ...text, decode }, new ScriptedSink()),
      () => new Connection({ ...text, decode }, new ScriptedSink("message")),
      () => setup().connection.use({ ...text, decode }),
    ]) {
      expect(make).toThrow("decode must be synchronous");
    }
  });

  it.each([
    ["a promise", () => Promise.reject(new Error("late"))],
    ["null", () => null],
    ["undefined", () => undefined],
    ["string", () => "ab"],
    ["object", () => new Set(["a"])],
  ])(
    "or returns %s for several values is told of, and loses nothing in silence",
    async (found, many) => {
      const broken = defineProtocol<string>({ ...text, decodeMany: many as never });
      const errors: unknown[] = [];
      const uncaught = await uncaughtBy(() => {
        const { connection } = setup({
          protocol: broken,
          handlers: { error: (_, error) => void errors.push(error) },
          options: { onInvalid: skip() },
        });
        connection.received(ascii("a\n"));
      });
      expect(errors.map(String)).toEqual([
        `TypeError: decodeMany must return an array, not ${found}`,
      ]);
      expect(uncaught).toEqual([]);
    },
  );
});

describe("limits", () => {
  const TIMES = [
    ...["idleTimeout", "firstMessageTimeout", "frameTimeout", "sendTimeout"],
    ...["closeTimeout", "endTimeout", "turn"],
  ] as const;
  const make = (options: object): unknown => new Connection(text, new ScriptedSink(), {}, options);

  it.each([...TIMES, "maxQueued", "highWater"])("%s is a number of at least 0", (name) => {
    for (const value of [Number.NaN, -1, "5", null, 5n, {}]) {
      expect(() => make({ [name]: value })).toThrow(RangeError);
    }
    for (const value of [0, Infinity, 5, undefined]) make({ [name]: value });
  });

  it.each([0, Infinity])("that are %s are none", async (none) => {
    const { connection, sink, time, closes } = setup({
      handlers: { end() {} },
      options: Object.fromEntries(TIMES.map((name) => [name, none])),
    });
    connection.received(ascii("part"));
    sink.roomy = false;
    connection.send("x");
    await settle();
    time.advance(10_000_000);
    connection.received(ascii("\n"));
    connection.ended();
    time.advance(10_000_000);
    connection.close();
    time.advance(10_000_000);
    expect([closes, time.waiting]).toEqual([[], 0]);
  });

  it.each([
    ["signal", { signal: {} }, "signal must be an AbortSignal"],
    ["signal", { signal: null }, "signal must be an AbortSignal"],
    ["clock", { clock: {} }, "clock must be a Clock"],
    ["trace", { trace: 5 }, "trace must be a function, not number"],
    ["onInvalid", { onInvalid: skip }, "onInvalid must be a policy: skip() or resync()"],
    ["onInvalid", { onInvalid: "skip" }, "onInvalid must be a policy"],
  ])("and the option %s are checked before the context is made", (_, options, said) => {
    const context = vi.fn();
    const given = options as ConnectionOptions;
    expect(() => new Connection(text, new ScriptedSink(), { context }, given)).toThrow(said);
    expect(context).not.toHaveBeenCalled();
  });

  it("a sink without a boundary is refused", () => {
    for (const sink of [undefined, {}, { boundary: "streams" }]) {
      expect(() => new Connection(text, sink as never)).toThrow(/boundary must be/);
    }
  });

  it.each([
    ["firstMessageTimeout", ""],
    ["frameTimeout", "part"],
    ["idleTimeout", ""],
  ] as const)(
    "%s stops while none is welcome, goes on with its rest, and stops at the end",
    (name, sent) => {
      const begin = () => {
        const made = setup({ handlers: { end() {} }, options: { [name]: 1000 } });
        made.connection.received(ascii(sent));
        made.time.advance(600);
        return made;
      };
      const paused = begin();
      paused.connection.pause();
      paused.time.advance(50_000);
      paused.connection.resume();
      paused.time.advance(399);
      expect(paused.errors).toEqual([]);
      paused.time.advance(251);
      expect(codes(paused.errors)).toEqual(["timeout"]);
      if (sent !== "") return;
      const ended = begin();
      ended.connection.ended();
      ended.time.advance(50_000);
      expect(ended.errors).toEqual([]);
    },
  );

  it("frameTimeout is not begun by bytes that are no frame, and stopped by them", () => {
    const { connection, time, errors } = setup({
      protocol: lines({ skipEmpty: true }).wrap(utf8()),
      options: { frameTimeout: 1000 },
    });
    for (let i = 0; i < 20; i++) {
      connection.received(ascii("\n"));
      time.advance(500);
    }
    connection.received(ascii("\n\npart"));
    time.advance(999);
    expect(errors).toEqual([]);
    time.advance(300);
    expect(codes(errors)).toEqual(["timeout"]);
  });

  it("have defaults: only close and end are limited, and 8 MiB or two frames may wait", () => {
    const { connection, time, closes } = setup({ handlers: { end() {} } });
    connection.received(ascii("part"));
    time.advance(100_000_000);
    expect(closes).toEqual([]);
    connection.received(ascii("\n"));
    connection.ended();
    time.advance(59_999);
    expect(closes).toEqual([]);
    time.advance(1001);
    expect(closes).toMatchObject([{ by: "error" }]);
    const closing = setup();
    closing.connection.close();
    closing.time.advance(9999);
    expect(closing.closes).toEqual([]);
    closing.time.advance(1001);
    expect(closing.closes).toEqual([{ by: "local" }]);
  });

  it("count values of frames, holds, and what is unread, queued and in the sink into a server's budget", () => {
    const budget = new MemoryBudget(1 << 30);
    const { connection, sink } = setup({
      protocol: words,
      options: { budget },
      handlers: { message: never },
    });
    const at = (): number => budget.used;
    expect(at()).toBe(8192);
    let before = at();
    const grows = (): void => {
      expect(at()).toBeGreaterThan(before);
      before = at();
    };
    connection.received(ascii("a b c\n"));
    grows();
    connection.received(ascii("unread\n"));
    grows();
    connection.hold(10);
    grows();
    sink.roomy = false;
    connection.sendFrame(encodeFrame(text, "in the sink"));
    connection.resume();
    grows();
    connection.sendFrame(encodeFrame(text, "queued"));
    connection.resume();
    grows();
    connection.abort();
    expect(at()).toBe(0);
  });
});
