import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resync, skip } from "../../../src/framing/index.ts";
import {
  type CloseInfo,
  Connection,
  type ConnectionOptions,
  defineProtocol,
  encodeFrame,
  type Handlers,
  json,
  lengthPrefixed,
  lines,
  type Output,
  ProtocolError,
  raw,
  Splitter,
  utf8,
} from "../../../src/index.ts";
import { collectGarbage } from "../../support/garbage.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";

// Guarantees of a connection when peers, handlers and codecs misbehave; see docs/connections.md.

const text = lines({ maxFrame: 64 }).wrap(utf8());
const ascii = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(s, (c) => c.charCodeAt(0));
/** Lets promises settle, and further turns begin. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

/** Printed lines. */
let printed: string[];
let uncaught: unknown[];
const collect = (error: unknown): void => void uncaught.push(error);
let others: NodeJS.UncaughtExceptionListener[];

beforeEach(() => {
  printed = [];
  uncaught = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => void printed.push(line));
  others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", collect);
});

afterEach(() => {
  vi.restoreAllMocks();
  process.removeListener("uncaughtException", collect);
  for (const other of others) process.on("uncaughtException", other);
});

interface Setup {
  readonly handlers?: Handlers<string, string, unknown>;
  readonly options?: ConnectionOptions;
  readonly boundary?: "stream" | "message" | undefined;
}

function setup({ handlers = {}, options = {}, boundary }: Setup = {}) {
  const sink = new ScriptedSink(boundary);
  const clock = new ManualClock();
  const closes: CloseInfo[] = [];
  const close = (_: unknown, info: CloseInfo): unknown => closes.push(info);
  const connection = new Connection<string, string, unknown>(
    text,
    sink,
    { close, ...handlers },
    { clock, ...options },
  );
  connection.opened();
  return { sink, clock, closes, connection };
}

describe("an async message handler", () => {
  it("is awaited: messages stay in order, one at a time", async () => {
    const log: string[] = [];
    const release: (() => void)[] = [];
    const { connection, sink } = setup({
      handlers: {
        message: async (c, value) => {
          log.push(`begin ${value}`);
          await new Promise<void>((resolve) => release.push(resolve));
          log.push(`end ${value}`);
          c.send(value);
        },
      },
    });
    connection.received(ascii("a\nb\nc\n"));
    expect(log).toEqual(["begin a"]);
    expect(sink.calls).toEqual(["pause"]);
    for (let i = 0; i < 3; i++) {
      release.shift()?.();
      await settle();
    }
    expect(log).toEqual(["begin a", "end a", "begin b", "end b", "begin c", "end c"]);
    expect(sink.calls.filter((call) => call.startsWith("write")).join("")).toBe(
      "write a\nwrite b\nwrite c\n",
    );
    expect(sink.calls.at(-1)).toBe("resume");
  });

  it("may run several times at once, if concurrency allows it", async () => {
    const release: (() => void)[] = [];
    let most = 0;
    let running = 0;
    const { connection } = setup({
      handlers: {
        message: async () => {
          most = Math.max(most, ++running);
          await new Promise<void>((resolve) => release.push(resolve));
          running--;
        },
      },
      options: { concurrency: 3 },
    });
    connection.received(ascii("a\nb\nc\nd\ne\n"));
    expect(running).toBe(3);
    while (release.length > 0) {
      release.shift()?.();
      await settle();
    }
    expect([most, running]).toEqual([3, 0]);
  });

  it("still answers everything after the peer's end", async () => {
    const { connection, sink, closes } = setup({
      handlers: {
        message: async (c, value) => {
          await settle();
          c.send(`answer ${value}`);
        },
      },
    });
    connection.received(ascii("1\n2\n3\n"));
    connection.ended();
    for (let i = 0; i < 10; i++) await settle();
    expect(sink.writes.map((bytes) => String.fromCharCode(...bytes)).join("")).toBe(
      "answer 1\nanswer 2\nanswer 3\n",
    );
    expect(sink.calls.at(-1)).toBe("close");
    connection.lost();
    expect(closes).toEqual([{ by: "peer" }]);
  });

  it("that never settles keeps the connection open only for endTimeout", async () => {
    const { connection, closes, clock } = setup({
      handlers: { message: () => new Promise(() => {}) },
      options: { endTimeout: 1000 },
    });
    connection.received(ascii("a\nb\n"));
    connection.ended();
    await settle();
    clock.advance(999);
    expect(closes).toEqual([]);
    clock.advance(1);
    expect(closes[0]).toMatchObject({ by: "error", error: { code: "timeout" } });
    expect((closes[0]!.error as Error).message).toMatch(/2 bytes unread, 1 promises/);
  });
});

describe("a loop over the messages", () => {
  const loop =
    (work: (c: Connection<string, string, unknown>, value: string) => unknown) =>
    async (c: Connection<string, string, unknown>): Promise<void> => {
      for await (const value of c) await work(c, value);
    };

  it.each<[string, (c: Connection<string, string, unknown>) => void]>([
    ["a malformed frame", (c) => c.received(Uint8Array.of(0xff, 0x0a))],
    ["a frame that is cut", (c) => [c.received(ascii("cut")), c.ended()]],
    ["a frame that is too long", (c) => c.received(new Uint8Array(65).fill(0x61))],
    ["a reset", (c) => c.lost(new Error("ECONNRESET"))],
  ])("in an open handler does not turn %s into an uncaught error", async (_, misbehave) => {
    const { connection, closes } = setup({
      handlers: { open: loop((c, value) => c.send(value)) },
      options: { handlerErrors: "throw" },
    });
    misbehave(connection);
    await settle();
    connection.lost();
    await new Promise((resolve) => setImmediate(resolve));
    expect(uncaught).toEqual([]);
    expect(closes).toHaveLength(1);
    expect(closes[0]!.by).toBe("error");
  });

  it("sends all its replies after the peer's end, then closes", async () => {
    const { connection, sink } = setup({
      handlers: {
        open: loop(async (c, value) => {
          await settle();
          c.send(`answer ${value}`);
        }),
      },
    });
    connection.received(ascii("1\n2\n3\n"));
    connection.ended();
    for (let i = 0; i < 10; i++) await settle();
    const sent = sink.writes.map((bytes) => String.fromCharCode(...bytes)).join("");
    expect(sent).toBe("answer 1\nanswer 2\nanswer 3\n");
    expect(sink.calls.at(-1)).toBe("close");
  });
});

describe("a bug in a handler", () => {
  const bugs: [string, () => unknown][] = [
    ["an Error", () => new Error("bug")],
    ["null", () => null],
    ["undefined", () => undefined],
    ["a frozen error", () => Object.freeze(new Error("bug"))],
    [
      "a Proxy that throws",
      () =>
        new Proxy(
          {},
          {
            get() {
              throw new Error("trap");
            },
            getPrototypeOf() {
              throw new Error("trap");
            },
          },
        ),
    ],
  ];
  const ways = ["throws", "rejects"] as const;
  const names = ["open", "message", "drain", "end", "error", "close"] as const;
  const cases = bugs.flatMap(([what, make]) =>
    ways.flatMap((way) => names.map((name) => [name, way, what, make] as const)),
  );

  /** Makes the connection call the handler. */
  async function provoke(name: string, c: Connection<string, string, unknown>): Promise<void> {
    if (name === "message") c.received(ascii("a\n"));
    if (name === "error") c.received(Uint8Array.of(0xff, 0x0a));
    if (name === "end") c.ended();
    if (name === "close") c.abort();
    await settle();
    c.lost();
    await new Promise((resolve) => setImmediate(resolve));
  }

  it.each(cases)("is reported once, if %s %s %s", async (name, way, _, make) => {
    for (const side of ["report", "throw"] as const) {
      printed.length = 0;
      uncaught.length = 0;
      const fail = (): unknown => {
        if (way === "rejects") return Promise.reject(make());
        throw make();
      };
      const sink = new ScriptedSink();
      if (name === "drain") sink.roomy = false;
      const connection = new Connection<string, string, unknown>(
        text,
        sink,
        { message() {}, [name]: fail },
        { clock: new ManualClock(), handlerErrors: side, highWater: 0 },
      );
      connection.opened();
      if (name === "drain") {
        connection.send("x");
        connection.drained();
      }
      await provoke(name, connection);
      const bugsPrinted = printed.filter((line) => line.includes("a handler failed"));
      expect([bugsPrinted.length, uncaught.length], `${side}: ${printed}`).toEqual(
        side === "report" ? [1, 0] : [0, 1],
      );
      expect(connection.state).toBe("closed");
    }
  });

  it("reaches the error handler instead, if there is one", async () => {
    const errors: unknown[] = [];
    const bug = new Error("bug");
    const { connection } = setup({
      handlers: { message: () => Promise.reject(bug), error: (_, error) => errors.push(error) },
    });
    connection.received(ascii("a\n"));
    await settle();
    expect([errors, printed, uncaught]).toEqual([[bug], [], []]);
  });
});

describe("an error of the peer without an error handler", () => {
  it("is one printed line, without payload and control characters, at a limited rate", () => {
    const name = `unique \u001b[31m${Math.random()}`;
    const protocol = lines({ maxFrame: 8 }).wrap(utf8(), { name });
    for (let i = 0; i < 5; i++) {
      const connection = new Connection(protocol, new ScriptedSink(), { message() {} });
      connection.opened();
      connection.received(ascii("password=hunter2"));
    }
    expect(printed).toHaveLength(1);
    expect(printed[0]).toContain("too-long");
    expect(printed[0]).toContain("\\u001b");
    expect(printed[0]).not.toContain("\u001b");
    expect(printed[0]).not.toContain("hunter2");
  });

  it("is silent if it is a plain reset", () => {
    const { connection } = setup({ handlers: { message() {} } });
    connection.lost(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
    expect(printed).toEqual([]);
  });
});

describe("a turn", () => {
  it("ends after its time: the rest is delivered in a later one, in order", () => {
    const clock = new ManualClock();
    const later: (() => void)[] = [];
    const given = {
      now: () => clock.now(),
      after: (ms: number, run: () => void) => clock.after(ms, run),
      soon: (run: () => void) => void later.push(run),
    };
    const got: string[] = [];
    const { connection, sink } = setup({
      handlers: {
        message(_, value) {
          got.push(value);
          clock.advance(1);
        },
      },
      options: { clock: given, turn: 8 },
    });
    const all = Array.from({ length: 200 }, (_, i) => `${i}`);
    connection.received(ascii(`${all.join("\n")}\n`));
    connection.ended();
    expect(got).toHaveLength(8);
    expect(sink.calls).toEqual(["pause"]);
    expect(connection.state).toBe("open");
    while (later.length > 0) {
      const before = got.length;
      later.shift()?.();
      expect(got.length - before).toBeLessThanOrEqual(8);
    }
    expect(got).toEqual(all);
    expect(sink.calls.at(-1)).toBe("close");
  });
});

describe("time limits", () => {
  it("end a frame that takes too long, even if single bytes keep arriving", () => {
    const errors: unknown[] = [];
    const { connection, clock } = setup({
      handlers: { message() {}, error: (_, error) => errors.push(error) },
      options: { frameTimeout: 1000 },
    });
    connection.received(ascii("whole\npar"));
    for (let i = 0; i < 4; i++) {
      clock.advance(200);
      connection.received(ascii("t"));
    }
    expect(errors).toEqual([]);
    clock.advance(200);
    expect(errors[0]).toMatchObject({ code: "timeout" });
    expect((errors[0] as Error).message).toContain("a frame was not whole within 1000 ms");
  });

  it("restart for the next frame", () => {
    const errors: unknown[] = [];
    const { connection, clock } = setup({
      handlers: { message() {}, error: (_, error) => errors.push(error) },
      options: { frameTimeout: 1000 },
    });
    for (let i = 0; i < 10; i++) {
      connection.received(ascii("part"));
      clock.advance(600);
      connection.received(ascii("s\n"));
      clock.advance(600);
    }
    expect(errors).toEqual([]);
  });

  it("cut off a peer that takes no bytes while some are queued", () => {
    const errors: unknown[] = [];
    const { connection, clock, sink } = setup({
      handlers: { message() {}, error: (_, error) => errors.push(error) },
      options: { sendTimeout: 1000 },
    });
    sink.roomy = false;
    connection.send("x");
    connection.resume();
    clock.advance(900);
    connection.drained();
    clock.advance(5000);
    expect(errors).toEqual([]);
    connection.send("y");
    connection.resume();
    clock.advance(999);
    expect(errors).toEqual([]);
    clock.advance(251);
    expect(errors[0]).toMatchObject({ code: "timeout" });
    expect(sink.calls.at(-1)).toBe("abort");
  });

  it("do not run while a handler works", () => {
    const errors: unknown[] = [];
    const { connection, clock } = setup({
      handlers: { message: () => new Promise(() => {}), error: (_, error) => errors.push(error) },
      options: { idleTimeout: 100, frameTimeout: 100 },
    });
    connection.received(ascii("a\nb"));
    clock.advance(10_000);
    expect(errors).toEqual([]);
  });

  it.each([
    [{ maxQueued: NaN }, "maxQueued"],
    [{ idleTimeout: -5 }, "idleTimeout"],
    [{ highWater: "8" }, "highWater"],
    [{ closeTimeout: -1 }, "closeTimeout"],
    [{ turn: NaN }, "turn"],
    [{ concurrency: 0 }, "concurrency"],
    [{ concurrency: 1.5 }, "concurrency"],
    [{ handlerErrors: "ignore" }, "handlerErrors"],
  ])("that are none are refused: %o", (options, name) => {
    const make = (): unknown =>
      new Connection(text, new ScriptedSink(), {}, options as ConnectionOptions);
    expect(make).toThrow(name);
  });
});

describe("an encoder", () => {
  const keeping = (): { protocol: ReturnType<typeof defineProtocol<string>>; kept: Output[] } => {
    const kept: Output[] = [];
    const protocol = defineProtocol<string>({
      ...text,
      encode(value, out) {
        kept.push(out);
        text.encode(value, out);
      },
    });
    return { protocol, kept };
  };

  it("cannot write into its output after its call", async () => {
    const { protocol, kept } = keeping();
    const sink = new ScriptedSink();
    const connection = new Connection(protocol, sink, { message() {} });
    connection.opened();
    connection.send("mine");
    for (const write of [
      (out: Output) => out.u8(1),
      (out: Output) => out.bytes(ascii("yours")),
      (out: Output) => out.utf8("x"),
      (out: Output) => out.take(),
      (out: Output) => out.truncate(0),
      (out: Output) => out.insert(0, 1),
      (out: Output) => out.patch(0, 1, 7),
      (out: Output) => out.reserve(1),
      (out: Output) => out.f64be(1),
      (out: Output) => out.u64be(1n),
    ]) {
      expect(() => write(kept[0]!)).toThrow(/lent/);
    }
    await settle();
    expect(sink.calls).toEqual(["write mine\n"]);
    encodeFrame(protocol, "x");
    expect(() => kept[1]!.u8(1)).toThrow(/lent/);
  });

  it("that threw cannot write into its output any more, also inside of later calls of others", async () => {
    const kept: Output[] = [];
    let late: (() => void) | undefined;
    const protocol = defineProtocol<string>({
      ...text,
      encode(value, out) {
        kept.push(out);
        if (value === "throw") throw new Error("bug");
        late?.();
        text.encode(value, out);
      },
    });
    const sink = new ScriptedSink();
    const connection = new Connection(protocol, sink, { message() {} });
    connection.opened();
    connection.send("before");
    expect(() => connection.send("throw")).toThrow();
    const failed = kept[1]!;
    expect(() => failed.u8(1)).toThrow(/lent/);
    late = () => expect(() => failed.u8(1)).toThrow(/lent/);
    connection.send("after");
    await settle();
    expect(sink.calls).toEqual(["write before\nafter\n"]);
  });

  it("cannot change bytes written before its frame", () => {
    const protocol = defineProtocol<number>({
      ...lines(),
      name: "numbers",
      decode: () => 0,
      encode(value, out) {
        if (value === 1) out.truncate(0);
        if (value === 2) out.patch(0, 1, 0x58);
        if (value === 3) out.insert(0, 1);
        if (value === 4) out.take();
        out.utf8(`${value}\n`);
      },
    });
    const sink = new ScriptedSink();
    const connection = new Connection(protocol, sink, { message() {} });
    connection.opened();
    connection.send(0);
    for (const value of [1, 2, 3, 4]) expect(() => connection.send(value)).toThrow(ProtocolError);
    connection.send(5);
    connection.resume();
    expect(sink.calls).toEqual(["write 0\n5\n"]);
  });

  it("that returns a promise is refused, and its late bytes are ignored", async () => {
    const protocol = defineProtocol<string>({
      ...text,
      // JavaScript users may write this; TypeScript rejects it.
      encode: (async (value: string, out: Output) => {
        await settle();
        out.utf8(value);
      }) as unknown as (value: string, out: Output) => void,
    });
    const sink = new ScriptedSink();
    const one = new Connection(protocol, sink, { message() {} });
    one.opened();
    expect(() => one.send("secret")).toThrow(/must be synchronous/);
    const other = setup({ handlers: { message() {} } });
    other.connection.send("a");
    await settle();
    await settle();
    other.connection.send("b");
    await settle();
    expect(other.sink.calls.join("")).not.toContain("secret");
    expect(sink.calls).toEqual([]);
    expect(uncaught).toEqual([]);
  });

  it("that sends on its own connection leaves both frames intact", async () => {
    const sink = new ScriptedSink();
    const protocol = lines({ maxFrame: 1 << 20 }).wrap(json());
    const connection = new Connection(protocol, sink, { message() {} });
    connection.opened();
    connection.send({
      a: 1,
      b: {
        toJSON() {
          connection.send("inner ".repeat(20_000));
          return 2;
        },
      },
      c: 3,
    });
    await settle();
    const sent = sink.writes.map((bytes) => new TextDecoder().decode(bytes)).join("");
    const frames = sent.trimEnd().split("\n");
    expect(frames).toHaveLength(2);
    expect(frames.map((frame) => typeof JSON.parse(frame)).sort()).toEqual(["object", "string"]);
  });

  it("may have its frames transferred to another thread", () => {
    const protocol = lines().wrap(utf8());
    for (let i = 0; i < 3; i++) {
      const frame = encodeFrame(protocol, "moved");
      structuredClone(frame, { transfer: [frame.buffer] });
      expect([...encodeFrame(protocol, "x")]).toEqual([0x78, 0x0a]);
    }
    const { connection, sink } = setup({ handlers: { message() {} } });
    sink.onWrite = (bytes) => {
      sink.calls.push(`${bytes.length}`);
      structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
    };
    for (const value of ["one", "three"]) {
      connection.send(value);
      connection.resume();
    }
    expect(sink.calls.filter((call) => /^\d/.test(call))).toEqual(["4", "6"]);
  });
});

describe("empty arrays", () => {
  it("are never shared: transferring one breaks nothing", () => {
    const splitter = new Splitter(lines());
    const rest = splitter.rest();
    structuredClone(rest, { transfer: [rest.buffer as ArrayBuffer] });
    expect(new Splitter(lines()).rest()).toHaveLength(0);
    splitter.push(ascii("a\n"));
    expect(splitter.next()).toBe(true);
    const { bytes } = new Splitter(lines());
    expect(() => structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] })).not.toThrow();
    const later = new Splitter(lines());
    expect(later.next()).toBe(false);
    expect(later.rest()).toHaveLength(0);
    later.push(ascii("b\nc"));
    expect([later.next(), later.rest()]).toEqual([true, ascii("c")]);
    const messages: string[] = [];
    const { connection } = setup({ handlers: { message: (_, value) => messages.push(value) } });
    connection.received(ascii("d\n"));
    expect(messages).toEqual(["d"]);
  });
});

describe("bad input", () => {
  const skipping = (boundary?: "stream" | "message", onInvalid = skip()) => {
    const got: unknown[] = [];
    const made = setup({
      boundary,
      handlers: {
        message: (_, value) => got.push(value),
        skipped: (_, { error, length }) => got.push([error.code, length]),
        error: (_, error) => got.push(error),
      },
      options: { onInvalid, frameTimeout: 1000, firstMessageTimeout: 5000 },
    });
    return { ...made, got };
  };

  it("is skipped and reported with onInvalid, and the next frame is correct", () => {
    const { connection, got } = skipping();
    connection.received(new Uint8Array([...ascii("a\n"), 0xff, 0x0a, ...ascii("b\n")]));
    connection.received(new Uint8Array(100).fill(0x61));
    connection.received(ascii("\nc\n"));
    expect(got[0]).toBe("a");
    expect(got[1]).toEqual(["malformed", 2]);
    expect(got[2]).toBe("b");
    expect(got.at(-1)).toBe("c");
    expect(connection.state).toBe("open");
  });

  it("drops a bad message if messages have boundaries", () => {
    const { connection, got } = skipping("message");
    connection.received(ascii("a\nb"));
    connection.received(Uint8Array.of(0xff, 0x0a));
    connection.received(ascii("c\n"));
    expect(got).toEqual(["a", ["truncated", 1], ["malformed", 2], "c"]);
    expect(() => skipping("message", resync())).toThrow(TypeError);
  });

  it("does not count as a first message", () => {
    const { connection, got, clock } = skipping();
    connection.received(Uint8Array.of(0xff, 0x0a));
    clock.advance(6000);
    expect(got).toMatchObject([["malformed", 2], { code: "timeout" }]);
    expect(connection.state).toBe("closed");
  });

  it("of a frame that never ends is skipped once its time is over", () => {
    const protocol = lengthPrefixed({ width: 1, header: ascii("GO") }).wrap(utf8());
    const got: unknown[] = [];
    const clock = new ManualClock();
    const connection = new Connection<string>(
      protocol,
      new ScriptedSink(),
      {
        message: (_, value) => got.push(value),
        skipped: (_, { length }) => got.push(length),
        error: (_, error) => got.push(error),
      },
      { clock, onInvalid: resync(), frameTimeout: 1000 },
    );
    connection.opened();
    connection.received(ascii("GO\xffGO\x02hi"));
    clock.advance(1000);
    expect(got).toEqual([3, "hi"]);
    expect(connection.state).toBe("open");
  });
});

describe("ready() and flushed()", () => {
  it("resolve when there is room, and when everything is sent", async () => {
    const { connection, sink } = setup({ handlers: { message() {} }, options: { highWater: 4 } });
    await connection.ready();
    await connection.flushed();
    sink.roomy = false;
    expect(connection.send("12345678")).toBe(false);
    connection.send("more");
    const log: string[] = [];
    void connection.ready().then(() => log.push("ready"));
    void connection.flushed().then(() => log.push("flushed"));
    await settle();
    expect(log).toEqual([]);
    sink.roomy = true;
    connection.drained();
    await settle();
    expect(log.sort()).toEqual(["flushed", "ready"]);
  });

  it("reject if that never happens, without ending the process if the promise is not awaited", async () => {
    const { connection, sink } = setup({ handlers: { message() {} }, options: { highWater: 4 } });
    sink.roomy = false;
    connection.send("12345678");
    connection.send("more");
    const ready = connection.ready();
    const flushed = connection.flushed();
    connection.abort();
    await expect(ready).rejects.toMatchObject({ code: "closed" });
    await expect(flushed).rejects.toMatchObject({ code: "closed" });
    await expect(connection.ready()).rejects.toMatchObject({ code: "closed" });
    void connection.ready();
    await new Promise((resolve) => setImmediate(resolve));
    expect(uncaught).toEqual([]);
  });

  it("do not report a bug of a handler that waited when the connection ended", async () => {
    const { connection, sink } = setup({
      handlers: {
        message: async (c) => {
          sink.roomy = false;
          c.send("x".repeat(50));
          c.send("y");
          await c.ready();
        },
      },
      options: { highWater: 4, handlerErrors: "throw" },
    });
    connection.received(ascii("go\n"));
    connection.lost();
    await settle();
    await new Promise((resolve) => setImmediate(resolve));
    expect([uncaught, printed]).toEqual([[], []]);
  });
});

describe("end()", () => {
  class HalfSink extends ScriptedSink {
    end(): void {
      this.calls.push("end");
    }
  }

  it("ends our side after everything sent; input is still read", async () => {
    const sink = new HalfSink();
    const got: string[] = [];
    const closes: CloseInfo[] = [];
    const connection = new Connection<string>(text, sink, {
      message: (_, value) => got.push(value),
      close: (_, info) => closes.push(info),
    });
    connection.opened();
    connection.send("request");
    connection.end();
    expect(connection.send("late")).toBe(false);
    expect(sink.calls).toEqual(["write request\n", "end"]);
    expect(connection.state).toBe("open");
    connection.received(ascii("answer\n"));
    expect(got).toEqual(["answer"]);
    connection.ended();
    await new Promise((resolve) => setImmediate(resolve));
    connection.lost();
    expect(closes).toEqual([{ by: "local" }]);
  });

  it("is a TypeError if the transport has no half-close", () => {
    const { connection } = setup({ handlers: { message() {} } });
    expect(() => connection.end()).toThrow(TypeError);
  });
});

describe("detach()", () => {
  class HandingSink extends ScriptedSink {
    detach(): unknown {
      return "the socket";
    }
  }

  it("hands over the socket and the unread bytes, and ends the connection", async () => {
    const closes: CloseInfo[] = [];
    const connection = new Connection<string>(text, new HandingSink(), {
      message: (c) => c.pause(),
      close: (_, info) => closes.push(info),
    });
    connection.opened();
    connection.received(ascii("upgrade\n\x01\x02"));
    const { socket, unread } = connection.detach();
    expect([socket, [...unread]]).toEqual(["the socket", [1, 2]]);
    expect(closes).toEqual([{ by: "local" }]);
    expect(connection.send("x")).toBe(false);
    connection.received(ascii("late\n"));
    expect(() => connection.detach()).toThrow(TypeError);
  });

  it("is refused while output waits, and if the transport cannot", () => {
    const sink = new HandingSink();
    sink.roomy = false;
    const connection = new Connection<string>(text, sink, { message() {} });
    connection.opened();
    connection.send("x");
    expect(() => connection.detach()).toThrow(/wait to be sent/);
    expect(() => setup({ handlers: { message() {} } }).connection.detach()).toThrow(TypeError);
  });
});

describe("for sessions", () => {
  it("onInputEnd runs once, after the last message and before the end handler", async () => {
    const log: string[] = [];
    const { connection } = setup({
      handlers: { message: (_, value) => log.push(value), end: () => log.push("end") },
    });
    connection.onInputEnd(() => log.push("input end"));
    const cancelled = connection.onInputEnd(() => log.push("cancelled"));
    cancelled();
    connection.received(ascii("a\n"));
    connection.ended();
    await settle();
    connection.abort();
    expect(log).toEqual(["a", "input end", "end"]);
    connection.onInputEnd(() => log.push("at once"));
    expect(log.at(-1)).toBe("at once");
  });

  it("hold keeps our side open after the peer's end, and counts into the limit", async () => {
    const { connection, sink } = setup({ handlers: { message() {} } });
    const release = connection.hold(100);
    connection.ended();
    await settle();
    expect(sink.calls).toEqual([]);
    release();
    release();
    await settle();
    expect(sink.calls).toEqual(["close"]);
    const full = setup({ handlers: { message() {} }, options: { maxQueued: 1000 } });
    full.connection.hold(600);
    expect(full.connection.state).toBe("open");
    full.connection.hold(600);
    expect(full.closes[0]).toMatchObject({ error: { code: "overflow" } });
  });
});

describe("closed and signal", () => {
  it("report how it ended, even if they are first read afterwards", async () => {
    const { connection } = setup({ handlers: { message() {} } });
    const { signal, closed } = connection;
    expect(signal.aborted).toBe(false);
    const reason = new Error("enough");
    connection.abort(reason);
    expect(await closed).toEqual({ by: "error", error: reason });
    expect([signal.aborted, signal.reason]).toEqual([true, reason]);
    expect(await connection.closed).toEqual({ by: "error", error: reason });
    const other = setup({ handlers: { message() {} } });
    other.connection.abort();
    expect(other.connection.signal.aborted).toBe(true);
  });
});

describe("the option signal", () => {
  it("aborts the connection, even if it was aborted before, and is released at the end", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    const { connection, closes } = setup({
      handlers: { message() {} },
      options: { signal: controller.signal },
    });
    expect(connection.state).toBe("open");
    controller.abort(reason);
    expect(closes).toEqual([{ by: "error", error: reason }]);
    const late = setup({ handlers: { message() {} }, options: { signal: controller.signal } });
    await settle();
    expect(late.closes).toEqual([{ by: "error", error: reason }]);
    let listeners = 0;
    const counting = {
      aborted: false,
      addEventListener: () => void listeners++,
      removeEventListener: () => void listeners--,
    };
    const over = setup({ handlers: { message() {} }, options: { signal: counting } });
    expect(listeners).toBe(1);
    over.connection.abort();
    expect(listeners).toBe(0);
  });
});

describe("a sink", () => {
  it.each(["write", "pause", "resume", "close", "abort"] as const)(
    "whose %s throws is a transport that failed, and close is called once",
    async (name) => {
      const { connection, sink, closes } = setup({ handlers: { message() {} } });
      const failure = new Error(`${name} failed`);
      sink[name] = () => {
        throw failure;
      };
      connection.pause();
      connection.resume();
      connection.send("x");
      await settle();
      connection.close();
      connection.abort();
      await settle();
      expect(closes).toHaveLength(1);
      connection.received(ascii("a\n"));
      connection.ended();
      connection.drained();
      connection.lost();
      expect(closes).toHaveLength(1);
    },
  );
});

describe("memory", () => {
  it("counts waiting tiny chunks at their memory cost", () => {
    const { connection, closes } = setup({
      handlers: { message() {} },
      options: { maxQueued: 64 * 1024 },
    });
    connection.pause();
    let sent = 0;
    // Each in memory of its own, as a WebSocket delivers them; collected ones cost their bytes.
    while (closes.length === 0 && sent < 1_000_000) {
      connection.received(new Uint8Array(1));
      sent++;
    }
    expect(closes[0]).toMatchObject({ error: { code: "overflow" } });
    expect(sent).toBeLessThanOrEqual(66 * 1024);
  });

  it("does not keep a chunk alive for a few bytes of an unfinished frame", async () => {
    const protocol = lines({ maxFrame: 1 << 20 }).wrap(raw({ copy: true }));
    const connection = new Connection(protocol, new ScriptedSink(), { message() {} });
    connection.opened();
    let chunk: Uint8Array | undefined = new Uint8Array(64 * 1024).fill(0x61);
    chunk[64 * 1024 - 2] = 0x0a;
    const ref = new WeakRef(chunk.buffer);
    connection.received(chunk);
    chunk = undefined;
    await collectGarbage();
    expect(ref.deref()).toBeUndefined();
    expect(connection.state).toBe("open");
  });

  it("releases the values of a frame once they are delivered", async () => {
    let made: WeakRef<object> | undefined;
    const protocol = defineProtocol<object>({
      ...lines(),
      name: "objects",
      decode: () => ({}),
      decodeMany() {
        const values = [{ big: 1 }, { big: 2 }];
        made = new WeakRef(values);
        return values;
      },
      encode: (_, out) => out.utf8("x\n"),
    });
    const connection = new Connection(protocol, new ScriptedSink(), { message() {} });
    connection.opened();
    connection.received(ascii("x\n"));
    await collectGarbage();
    expect(made?.deref()).toBeUndefined();
    expect(connection.state).toBe("open");
  });

  it("releases unread input when the connection is over", async () => {
    const { connection } = setup({ handlers: { message() {} } });
    connection.pause();
    let chunk: Uint8Array | undefined = new Uint8Array(100_000);
    const ref = new WeakRef(chunk.buffer);
    connection.received(chunk);
    chunk = undefined;
    connection.abort();
    await collectGarbage();
    expect(ref.deref()).toBeUndefined();
    expect(connection.state).toBe("closed");
  });
});
