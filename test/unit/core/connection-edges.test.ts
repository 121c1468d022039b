import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryBudget } from "../../../src/core/connection/budget.ts";
import type { ServerParts } from "../../../src/core/connection/live.ts";
import { checkedOptions } from "../../../src/core/connection/option-names.ts";
import {
  type CloseInfo,
  Connection,
  type ConnectionOptions,
  defineProtocol,
  type Handlers,
  json,
  lines,
  utf8,
} from "../../../src/index.ts";
import { collectGarbage } from "../../support/garbage.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";

// Calls during other calls, ends of both sides, and suspended limits.

const text = lines({ maxFrame: 64 }).wrap(utf8());
const ascii = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(s, (c) => c.charCodeAt(0));
const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

class HalfSink extends ScriptedSink {
  end(): void {
    this.calls.push("end");
  }
}

interface Setup {
  readonly handlers?: Handlers<string, string, unknown>;
  readonly options?: ConnectionOptions & ServerParts;
  readonly sink?: ScriptedSink;
  readonly isOpen?: boolean;
}

function setup({ handlers = {}, options = {}, sink = new HalfSink(), isOpen = true }: Setup = {}) {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const closes: CloseInfo[] = [];
  const connection = new Connection<string, string, unknown>(
    text,
    sink,
    {
      error: (_, error) => errors.push(error),
      close: (_, info) => closes.push(info),
      ...handlers,
    },
    checkedOptions({ clock, ...options }),
  );
  if (isOpen) connection.opened();
  return { sink, clock, errors, closes, connection };
}

describe("time limits", () => {
  it("continue once an async handler is done", async () => {
    const release: (() => void)[] = [];
    const { connection, clock, errors } = setup({
      handlers: { message: () => new Promise<void>((resolve) => release.push(resolve)) },
      options: { idleTimeout: 1000 },
    });
    connection.received(ascii("a\n"));
    clock.advance(10_000);
    release[0]!();
    await settle();
    clock.advance(999);
    expect(errors).toEqual([]);
    clock.advance(300);
    expect(errors).toMatchObject([{ code: "timeout" }]);
  });

  it("count bytes received while they were suspended", () => {
    const { connection, clock, errors } = setup({
      handlers: { message() {} },
      options: { idleTimeout: 1000 },
    });
    connection.pause();
    clock.advance(5000);
    connection.received(ascii("a\n"));
    clock.advance(5000);
    connection.resume();
    clock.advance(999);
    expect(errors).toEqual([]);
    clock.advance(300);
    expect(errors).toMatchObject([{ code: "timeout" }]);
  });

  it("allow the full time for a frame that began during a pause", () => {
    const { connection, clock, errors } = setup({
      handlers: { message() {} },
      options: { frameTimeout: 1000 },
    });
    connection.pause();
    connection.received(ascii("part"));
    clock.advance(5000);
    connection.resume();
    clock.advance(999);
    expect(errors).toEqual([]);
    clock.advance(300);
    expect(errors).toMatchObject([{ code: "timeout" }]);
  });

  it("continue after a pause for a frame that received more bytes meanwhile", () => {
    const { connection, clock, errors } = setup({
      handlers: { message() {} },
      options: { frameTimeout: 1000 },
    });
    for (let i = 0; i < 3; i++) {
      connection.received(ascii("x"));
      clock.advance(400);
      connection.pause();
      connection.received(ascii("y"));
      clock.advance(5000);
      connection.resume();
    }
    clock.advance(300);
    expect(errors.map(String)).toEqual(["ProtocolError: a frame was not whole within 1000 ms"]);
  });

  it("are suspended after the only iterator has returned", async () => {
    const { connection, clock, errors } = setup({ options: { idleTimeout: 1000 } });
    const iterator = connection[Symbol.asyncIterator]();
    void iterator.next();
    clock.advance(500);
    await iterator.return?.();
    clock.advance(10_000);
    expect(errors).toEqual([]);
    const next = iterator.next();
    clock.advance(499);
    expect(errors).toEqual([]);
    clock.advance(300);
    expect(errors).toMatchObject([{ code: "timeout" }]);
    await expect(next).rejects.toBe(errors[0]);
  });

  it("for sending do not run before the connection is open", async () => {
    const { connection, clock, errors, sink } = setup({
      handlers: { message() {} },
      options: { sendTimeout: 1000 },
      isOpen: false,
    });
    connection.send("early");
    await settle();
    clock.advance(10_000);
    expect(errors).toEqual([]);
    connection.opened();
    expect(sink.calls).toEqual(["write early\n"]);
  });

  it("for our end restart with every message taken", async () => {
    const { connection, clock, closes } = setup({ options: { endTimeout: 1000 } });
    const iterator = connection[Symbol.asyncIterator]();
    connection.received(ascii("a\nb\nc\n"));
    connection.ended();
    for (const value of ["a", "b", "c"]) {
      clock.advance(900);
      expect(await iterator.next()).toEqual({ done: false, value });
    }
    expect(closes).toEqual([]);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("for our end run although a promise of open is pending, if end was called", () => {
    const { connection, clock, closes } = setup({
      handlers: { open: () => new Promise(() => {}), message() {}, end() {} },
      options: { endTimeout: 1000 },
    });
    connection.ended();
    clock.advance(1300);
    expect(closes).toMatchObject([{ by: "error", error: { code: "timeout" } }]);
  });

  it("of other connections continue if a sink fails to report its buffer", () => {
    const sink = Object.assign(new ScriptedSink(), {
      buffered(): number {
        throw new Error("no socket");
      },
    });
    sink.roomy = false;
    const { connection, clock, closes } = setup({
      handlers: { message() {} },
      options: { sendTimeout: 1000 },
      sink,
    });
    connection.send("x");
    connection.resume();
    clock.advance(2000);
    expect(closes).toHaveLength(1);
  });
});

describe("a lost connection", () => {
  it("is closed at once by close() in a handler of a remaining message", () => {
    const got: string[] = [];
    const { connection, closes, errors } = setup({
      handlers: {
        message(c, value) {
          got.push(value);
          if (value === "b") c.close();
        },
      },
    });
    connection.pause();
    connection.received(ascii("a\nb\nc\n"));
    connection.lost(new Error("reset"));
    connection.resume();
    expect(got).toEqual(["a", "b"]);
    expect(closes).toEqual([{ by: "local" }]);
    expect(errors).toEqual([]);
  });

  it("reports its error after the remaining messages, even if a handler failed before", () => {
    const bug = new Error("bug");
    const { connection, closes, errors } = setup({
      handlers: {
        message() {
          throw bug;
        },
      },
    });
    connection.pause();
    connection.received(ascii("a\n"));
    connection.lost(new Error("reset"));
    connection.resume();
    expect(errors).toEqual([bug]);
    expect(closes).toEqual([{ by: "error", error: bug }]);
  });

  it("has the error as the cause if the remaining messages are not read", () => {
    const reset = new Error("reset");
    const { connection, closes, errors, clock } = setup({ options: { endTimeout: 1000 } });
    connection.received(ascii("a\n"));
    connection.lost(reset);
    expect(closes).toEqual([]);
    clock.advance(1000);
    expect(errors).toMatchObject([{ code: "timeout", cause: reset }]);
    expect(closes).toEqual([{ by: "error", error: errors[0] }]);
  });

  it("delivers nothing and ends at once if it was never open", () => {
    const log: string[] = [];
    const { connection, closes } = setup({
      handlers: { message: (_, value) => log.push(value) },
      isOpen: false,
    });
    connection.onInputEnd(() => log.push("input end"));
    connection.received(ascii("a\n"));
    connection.lost();
    expect(log).toEqual(["input end"]);
    expect(closes).toEqual([{ by: "peer" }]);
  });

  it("calls the error handler of every connection that one error ends", () => {
    const reset = new Error("reset");
    const both = [setup(), setup()];
    for (const { connection } of both) connection.lost(reset);
    for (const { errors, closes } of both) {
      expect(errors).toEqual([reset]);
      expect(closes).toEqual([{ by: "error", error: reset }]);
    }
  });

  it("continues with the handlers passed to use()", () => {
    const got: string[] = [];
    const { connection, closes } = setup();
    connection.received(ascii("a\nb\n"));
    connection.lost();
    connection.use(text, {
      message: (_, value) => got.push(value),
      close: (_, info) => closes.push(info),
    });
    expect(got).toEqual(["a", "b"]);
    expect(closes).toEqual([{ by: "peer" }]);
  });

  it("is not printed if an iterator received the error", async () => {
    const print = vi.spyOn(console, "error").mockImplementation(() => {});
    const connection = new Connection(lines().wrap(utf8(), { name: "told" }), new ScriptedSink());
    connection.opened();
    const next = connection[Symbol.asyncIterator]().next();
    connection.lost(new Error("unreachable"));
    await expect(next).rejects.toThrow("unreachable");
    expect(print).not.toHaveBeenCalled();
    print.mockRestore();
  });
});

describe("an error", () => {
  it("of the transport is reported, also if a session closes because of it", () => {
    const reset = new Error("reset");
    const { connection, errors, closes } = setup({ handlers: { message() {} } });
    connection.onInputEnd(() => connection.close());
    connection.lost(reset);
    expect(errors).toEqual([reset]);
    expect(closes).toEqual([{ by: "error", error: reset }]);
  });

  it("of the sink occurs once: nothing is written to it while the error handler runs", () => {
    const { connection, sink, errors } = setup({
      handlers: { message() {}, error: (c) => void errors.push(c.send("last word")) },
    });
    sink.onWrite = () => {
      throw new Error("broken");
    };
    connection.send("a");
    connection.resume();
    expect(errors).toEqual([false]);
    expect(sink.calls).toEqual(["write a\n", "abort"]);
  });

  it("of a handler's promise is printed if it occurs after close", async () => {
    const print = vi.spyOn(console, "error").mockImplementation(() => {});
    let reject = (_: Error): void => {};
    const { connection, errors, closes } = setup({
      handlers: { message: () => new Promise((_, no) => (reject = no)) },
      options: { handlerErrors: "throw" },
    });
    connection.received(ascii("a\n"));
    connection.abort();
    reject(new Error("late"));
    await settle();
    expect(errors).toEqual([]);
    expect(closes).toEqual([{ by: "local" }]);
    expect(print).toHaveBeenCalledTimes(1);
    print.mockRestore();
  });
});

describe("use() after the peer's end", () => {
  it("ends our side if the new handlers have no end", async () => {
    const { connection, sink } = setup({ handlers: { message() {}, end() {} } });
    connection.ended();
    await settle();
    expect(sink.calls).toEqual([]);
    connection.use(text, { message() {} });
    await settle();
    expect(sink.calls).toEqual(["close"]);
  });

  it("calls the new end handler, if there is one", async () => {
    const log: string[] = [];
    const { connection, sink } = setup({ handlers: { message() {} } });
    connection.ended();
    connection.use(text, { message() {}, end: () => log.push("end") });
    await settle();
    expect([log, sink.calls]).toEqual([["end"], []]);
  });
});

describe("detach() while we close", () => {
  it("is refused, because unread bytes are dropped", () => {
    const sink = Object.assign(new HalfSink(), { detach: () => "socket" });
    const { connection } = setup({ sink });
    const log: unknown[] = [];
    connection.received(ascii("a\n"));
    connection.onInputEnd(() => {
      try {
        connection.detach();
      } catch (error) {
        log.push(error);
      }
    });
    connection.close();
    expect(log).toEqual([expect.any(TypeError)]);
  });
});

describe("an empty message", () => {
  it("holds no frame, so the end does not wait for it", async () => {
    const sink = new ScriptedSink("message");
    const { connection, closes } = setup({ sink });
    connection.received(ascii("a\n"));
    connection.received(new Uint8Array(0));
    connection.lost();
    expect(await connection[Symbol.asyncIterator]().next()).toEqual({ done: false, value: "a" });
    expect(closes).toEqual([{ by: "peer" }]);
  });
});

describe("the peer's end", () => {
  it("before open takes effect after open", async () => {
    const log: string[] = [];
    const { connection } = setup({
      handlers: { open: () => log.push("open"), end: () => log.push("end") },
      isOpen: false,
    });
    connection.onInputEnd(() => log.push("input end"));
    connection.ended();
    expect(log).toEqual([]);
    connection.opened();
    expect(log).toEqual(["open", "input end", "end"]);
  });

  it("closes the connection after our own, also with an end handler", async () => {
    const { connection, sink } = setup({ handlers: { message() {}, end() {} } });
    connection.end();
    connection.ended();
    await settle();
    expect(sink.calls).toEqual(["end", "close"]);
    const other = setup({ handlers: { message() {}, end: (c) => c.end() } });
    other.connection.ended();
    await settle();
    expect(other.sink.calls).toEqual(["end", "close"]);
  });
});

describe("end() before open", () => {
  it("refuses later sends, and input is still read", () => {
    const log: string[] = [];
    const { connection, sink } = setup({
      handlers: { open: () => log.push("open"), message: (_, value) => log.push(value) },
      isOpen: false,
    });
    expect(connection.send("a")).toBe(true);
    connection.end();
    expect(connection.send("b")).toBe(false);
    connection.opened();
    expect(sink.calls).toEqual(["write a\n", "end"]);
    connection.received(ascii("x\n"));
    expect(log).toEqual(["open", "x"]);
  });
});

describe("end() while we close", () => {
  it("changes nothing: the sink closes once everything is sent", () => {
    const { connection, sink } = setup({ handlers: { message() {} } });
    connection.onInputEnd(() => connection.end());
    connection.send("a");
    connection.close();
    expect(sink.calls).toEqual(["write a\n", "close"]);
  });
});

describe("pause() while we close", () => {
  it("does not prevent the transport from noticing the peer's end", () => {
    const { connection, sink } = setup({ handlers: { message() {} } });
    connection.close();
    connection.pause();
    expect(sink.calls).toEqual(["close"]);
  });
});

describe("calls inside of write", () => {
  it.each(["abort", "lost"] as const)("%s leaves nothing queued", (end) => {
    const { connection, sink, closes } = setup({ handlers: { message() {} } });
    sink.roomy = false;
    sink.onWrite = () => connection[end]();
    connection.send("x");
    connection.resume();
    expect([connection.queued, closes.length]).toEqual([0, 1]);
  });

  it("count only unwritten messages as dropped", async () => {
    const sink = new ScriptedSink("message");
    const { connection, closes } = setup({ handlers: { message() {} }, sink });
    let written = 0;
    sink.onWrite = () => {
      if (++written === 2) connection.lost();
    };
    for (const word of ["one", "two", "three"]) connection.send(word);
    connection.close();
    expect(closes).toMatchObject([{ by: "error", error: { code: "closed" } }]);
    expect((closes[0]!.error as Error).message).toContain(" 6 bytes");
    expect(connection.queued).toBe(0);
  });

  it("flushed() waits for the messages that follow", async () => {
    const sink = new ScriptedSink("message");
    const { connection } = setup({ handlers: { message() {} }, sink });
    const log: string[] = [];
    sink.onWrite = (bytes) => {
      log.push(`write ${bytes.length}`);
      if (log.length === 1) void connection.flushed().then(() => log.push("flushed"));
      sink.roomy = log.length !== 2;
    };
    for (const word of ["a", "bb", "ccc"]) connection.send(word);
    await settle();
    expect(log).toEqual(["write 2", "write 3"]);
    connection.drained();
    await settle();
    expect(log).toEqual(["write 2", "write 3", "write 4", "flushed"]);
  });
});

describe("calls inside of encode", () => {
  const sending = (inside: () => void): unknown => ({
    a: "first",
    toJSON() {
      inside();
      return "whole";
    },
  });

  function jsonSetup(boundary: "stream" | "message") {
    const sink = new ScriptedSink(boundary);
    const protocol = lines().wrap(json<unknown>());
    const connection = new Connection(
      protocol,
      sink,
      { message() {} },
      {
        highWater: 4,
        clock: new ManualClock(),
      },
    );
    connection.opened();
    return { sink, connection };
  }

  describe.each(["stream", "message"] as const)("on a %s", (boundary) => {
    it.each(["close", "resume", "drained"] as const)(
      "%s() leaves the frame whole",
      async (call) => {
        const { sink, connection } = jsonSetup(boundary);
        connection.send([
          1,
          sending(() => {
            connection.send("inner and long");
            connection[call]();
          }),
        ]);
        await settle();
        const sent = sink.writes.map((bytes) => String.fromCharCode(...bytes)).join("");
        expect(sent.split("\n").sort()).toEqual(["", '"inner and long"', '[1,"whole"]']);
      },
    );

    it("abort() leaves nothing queued", async () => {
      const { sink, connection } = jsonSetup(boundary);
      connection.send([1, sending(() => connection.abort())]);
      await settle();
      expect([connection.queued, connection.state, sink.calls]).toEqual([0, "closed", ["abort"]]);
    });
  });
});

describe("bytes that a failed transport drops while we close", () => {
  it("are not a clean end", () => {
    const failure = new Error("failed");
    const { connection, sink, closes } = setup({ handlers: { message() {} } });
    sink.roomy = false;
    connection.send("a");
    connection.resume();
    connection.send("b");
    connection.close();
    sink.onWrite = () => {
      throw failure;
    };
    sink.roomy = true;
    connection.send("c");
    connection.drained();
    expect(closes).toEqual([{ by: "error", error: failure }]);
  });
});

describe("a server's budget", () => {
  it.each<[string, (c: Connection<string, string, unknown>) => void]>([
    ["aborted by its handler", (c) => c.received(ascii("abort\n"))],
    ["lost", (c) => c.lost()],
    ["closed", (c) => [c.close(), c.lost()]],
  ])("forgets a connection that is %s", (_, end) => {
    const budget = new MemoryBudget(1 << 20);
    const { connection } = setup({
      handlers: { message: (c) => c.abort() },
      options: { budget },
    });
    const release = connection.hold(100);
    expect(budget.used).toBeGreaterThan(8192);
    end(connection);
    expect([connection.state, budget.used]).toEqual(["closed", 0]);
    release();
    connection.hold(5)();
    expect(budget.used).toBe(0);
  });
});

describe("held work", () => {
  it("leaves the server's budget as soon as it is released, once", () => {
    const budget = new MemoryBudget(1 << 20);
    const { connection } = setup({ handlers: { message() {} }, options: { budget } });
    const before = budget.used;
    const release = connection.hold(100);
    expect(budget.used).toBe(before + 100);
    release();
    expect(budget.used).toBe(before);
    release();
    expect(budget.used).toBe(before);
  });
});

describe("a sink that throws while it writes", () => {
  it("has taken nothing: all bytes count as dropped", () => {
    const sink = new ScriptedSink();
    sink.write = () => {
      throw new Error("broken");
    };
    const dropped: number[] = [];
    const { connection } = setup({
      handlers: { message() {} },
      options: { gone: (bytes) => dropped.push(bytes) },
      sink: sink as never,
    });
    connection.send("twelve bytes");
    connection.close();
    expect([connection.state, dropped]).toEqual(["closed", [13]]);
  });
});

describe("a chunk that was read", () => {
  const big = defineProtocol<Uint8Array>({
    ...lines({ maxFrame: 1 << 20 }),
    name: "copies",
    decode: (bytes, start, end) => bytes.slice(start, end),
    encode: (value, out) => out.bytes(value),
  });
  let chunk: Uint8Array | undefined;
  let ref: WeakRef<ArrayBufferLike>;
  beforeEach(() => {
    chunk = new Uint8Array(64 * 1024).fill(0x0a, -1);
    ref = new WeakRef(chunk.buffer);
  });
  afterEach(() => {
    chunk = undefined;
  });

  it.each(["stream", "message"] as const)(
    "is let go while its last message is handled, on a %s",
    async (boundary) => {
      const connection = new Connection(big, new ScriptedSink(boundary), {
        message: () => new Promise(() => {}),
      });
      connection.opened();
      connection.received(chunk!);
      chunk = undefined;
      await collectGarbage();
      expect(ref.deref()).toBeUndefined();
      expect(connection.state).toBe("open");
    },
  );

  it("is released while its rest is not read", async () => {
    const connection = new Connection(big, new ScriptedSink("message"));
    connection.opened();
    const next = connection[Symbol.asyncIterator]().next();
    chunk!.set([0x78, 0x0a], chunk!.length - 2);
    chunk!.set([0x0a], chunk!.length - 4);
    connection.received(chunk!);
    chunk = undefined;
    await next;
    await collectGarbage();
    expect(ref.deref()).toBeUndefined();
    expect(connection.state).toBe("open");
  });
});

it("offsets of errors count in the whole message, even after parts were released", () => {
  const framed = lines().wrap(utf8());
  const errors: unknown[] = [];
  const connection = new Connection(framed, new ScriptedSink("message"), {
    message: (c) => c.pause(),
    error: (_, error) => errors.push(error),
  });
  connection.opened();
  const message = new Uint8Array(5000).fill(0x61);
  message[3999] = 0x0a;
  message[4998] = 0xff;
  message[4999] = 0x0a;
  connection.received(message);
  connection.resume();
  expect(errors).toMatchObject([{ code: "malformed", offset: 4998 }]);
});
