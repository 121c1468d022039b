import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type CloseInfo,
  Connection,
  type ConnectionOptions,
  defineProtocol,
  encodeAll,
  encodeFrame,
  type Handlers,
  json,
  lengthPrefixed,
  lines,
  type MessageProtocol,
  ProtocolError,
  perMessage,
  raw,
  utf8,
} from "../../../src/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";

const text = lines({ maxFrame: 64 }).wrap(utf8());
const ascii = (s: string): Uint8Array => Uint8Array.from(s, (c) => c.charCodeAt(0));
const microtask = (): Promise<void> => Promise.resolve();
/** The next turn, in which a connection ends after its peer. */
const nextTurn = async (): Promise<void> => {
  for (let i = 0; i < 4; i++) await microtask();
};

interface Setup {
  readonly boundary?: "stream" | "message";
  readonly protocol?: MessageProtocol<string, string>;
  readonly handlers?: Handlers<string, string, unknown>;
  readonly options?: ConnectionOptions;
  readonly open?: boolean;
  /** No `message` handler: for iteration. */
  readonly silent?: boolean;
}

/** A connection with a scripted sink; messages, errors and the end are recorded. */
function setup({ boundary, protocol = text, handlers, options, open = true, silent }: Setup = {}) {
  const sink = new ScriptedSink(boundary);
  const clock = new ManualClock();
  const messages: string[] = [];
  const errors: unknown[] = [];
  const closes: CloseInfo[] = [];
  const connection = new Connection<string, string, unknown>(
    protocol,
    sink,
    {
      ...(silent ? {} : { message: (_: unknown, value: string) => messages.push(value) }),
      error: (_, error) => errors.push(error),
      close: (_, info) => closes.push(info),
      ...handlers,
    },
    { clock, ...options },
  );
  if (open) connection.opened();
  return { sink, clock, messages, errors, closes, connection };
}

const codes = (errors: readonly unknown[]): unknown[] =>
  errors.map((error) => (error instanceof ProtocolError ? error.code : error));

describe("receiving", () => {
  it("delivers messages in order, however they are cut", () => {
    const bytes = ascii("one\ntwo\n\nthree\n");
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { connection, messages } = setup();
      connection.received(bytes.slice(0, cut));
      connection.received(bytes.slice(cut));
      expect(messages).toEqual(["one", "two", "", "three"]);
    }
  });

  it("delivers every value of a frame that holds several", () => {
    const words: MessageProtocol<string, string> = {
      ...text,
      decodeMany: (bytes, start, end) => text.decode(bytes, start, end).split(" "),
    };
    const { connection, messages } = setup({ protocol: words });
    connection.received(ascii("a b c\nd\n"));
    expect(messages).toEqual(["a", "b", "c", "d"]);
  });

  it("stops between two values of one frame, and continues there", () => {
    const words: MessageProtocol<string, string> = {
      ...text,
      decodeMany: (bytes, start, end) => text.decode(bytes, start, end).split(" "),
    };
    const got: string[] = [];
    const { connection } = setup({
      protocol: words,
      handlers: {
        message: (c, value) => {
          got.push(value);
          if (value === "a") c.pause();
        },
      },
    });
    connection.received(ascii("a b\nc\n"));
    expect(got).toEqual(["a"]);
    expect(() => connection.use(text)).toThrow(TypeError);
    connection.resume();
    expect(got).toEqual(["a", "b", "c"]);
  });

  it("delivers complete frames before a bad one, and nothing after it", () => {
    const { connection, messages, errors, closes, sink } = setup();
    connection.received(new Uint8Array([...ascii("ok\n"), 0xff, 0x0a, ...ascii("late\n")]));
    expect(messages).toEqual(["ok"]);
    expect(codes(errors)).toEqual(["malformed"]);
    expect((errors[0] as ProtocolError).offset).toBe(3);
    expect(sink.calls).toEqual(["close"]);
    connection.received(ascii("more\n"));
    expect(messages).toEqual(["ok"]);
    connection.lost();
    expect(closes).toEqual([{ by: "error", error: errors[0] }]);
  });

  it("counts offsets from the start of the stream", () => {
    const { connection, errors } = setup();
    for (const chunk of ["four\n", "five", "5\n"]) connection.received(ascii(chunk));
    connection.received(Uint8Array.of(0x61, 0xff, 0x0a));
    expect((errors[0] as ProtocolError).offset).toBe(12);
  });

  it("reports an error of a codec as malformed bytes", () => {
    const tripping = defineProtocol<string>({
      ...text,
      decode: () => {
        throw new RangeError("Offset is outside the bounds of the DataView");
      },
    });
    const { connection, errors } = setup({ protocol: tripping });
    connection.received(ascii("x\n"));
    expect(codes(errors)).toEqual(["malformed"]);
    expect((errors[0] as ProtocolError).cause).toBeInstanceOf(RangeError);
  });

  it("asks for a fresh protocol per connection, with its context", () => {
    const contexts: unknown[] = [];
    const numbered: MessageProtocol<string, string> = defineProtocol<string>({
      ...text,
      perConnection(connection) {
        contexts.push(connection.context);
        let count = 0;
        return { ...text, decode: (b, s, e) => `${++count} ${text.decode(b, s, e)}` };
      },
    });
    for (const name of ["first", "second"]) {
      const { connection, messages } = setup({
        protocol: numbered,
        handlers: { context: () => name },
      });
      connection.received(ascii("a\nb\n"));
      expect(messages).toEqual(["1 a", "2 b"]);
    }
    expect(contexts).toEqual(["first", "second"]);
  });

  it("refuses a protocol without framing on a stream", () => {
    const message = perMessage().wrap(utf8());
    expect(() => new Connection(message, new ScriptedSink())).toThrow(TypeError);
    expect(() => setup().connection.use(message)).toThrow(TypeError);
  });

  const codec = raw();
  it.each<[string, unknown, "stream" | "message", string]>([
    ["a codec", codec, "stream", "a stream needs a framing around the codec"],
    ["a codec", codec, "message", "a codec alone has no limit: add a framing, as in perMessage()"],
    ["a factory of codecs", raw, "stream", "a stream needs a framing around the codec"],
    ["a factory of codecs", raw, "message", "a framing alone reads no values: add .wrap(codec)"],
    ["a framing", lines(), "stream", "a framing alone reads no values: add .wrap(codec)"],
    ["a framing", lines(), "message", "a framing alone reads no values: add .wrap(codec)"],
    ["nothing", undefined, "stream", "a stream needs a framing around the codec"],
    ["null", null, "message", "a framing alone reads no values"],
  ])(
    "is refused if it is %s, on boundary %s: the error tells what to write",
    (_, what, boundary, text) => {
      const wrong = what as never;
      const make = () => new Connection(wrong, new ScriptedSink(boundary));
      expect(make).toThrow(TypeError);
      expect(make).toThrow(`not a protocol: ${text}`);
      const right = lines().wrap(utf8());
      const connection = new Connection(right, new ScriptedSink(boundary));
      expect(() => connection.use(wrong)).toThrow(`not a protocol: ${text}`);
      expect(connection.protocol).toBe(right);
    },
  );

  it("has no unknown options", () => {
    const make = () =>
      new Connection(lines().wrap(utf8()), new ScriptedSink(), {}, { idleTimout: 5 } as never);
    expect(make).toThrow('Connection has no option "idleTimout"');
  });
});

describe("messages of a transport that preserves boundaries", () => {
  it("reports whether its transport preserves boundaries", () => {
    expect(setup().connection.boundary).toBe("stream");
    expect(setup({ boundary: "message" }).connection.boundary).toBe("message");
  });

  it("are decoded separately, each with its complete frames", () => {
    const { connection, messages, errors } = setup({ boundary: "message" });
    connection.received(ascii("a\nb\n"));
    connection.received(ascii(""));
    connection.received(ascii("c\nd"));
    expect(messages).toEqual(["a", "b", "c"]);
    expect(codes(errors)).toEqual(["truncated"]);
    expect((errors[0] as ProtocolError).offset).toBe(2);
  });

  it("need no framing", () => {
    const protocol = perMessage({ maxFrame: 5 }).wrap(utf8());
    const { connection, messages, errors, sink } = setup({ boundary: "message", protocol });
    connection.received(ascii("12345"));
    connection.received(ascii(""));
    expect(messages).toEqual(["12345", ""]);
    connection.send("");
    connection.drained();
    expect(sink.calls).toEqual(["write "]);
    connection.received(ascii("123456"));
    expect(codes(errors)).toEqual(["too-long"]);
  });

  it("are sent one frame per write, as text if the protocol is text", () => {
    const { connection, sink } = setup({
      boundary: "message",
      handlers: {
        message: (c, value) => {
          c.send(`${value}1`);
          c.send(`${value}2`);
          c.sendFrame(encodeFrame(text, `${value}3`));
        },
      },
    });
    connection.received(ascii("x\n"));
    expect(sink.calls).toEqual(["write x1\n", "write x2\n", "write x3\n"]);
    expect(sink.textFlags).toEqual([true, true, true]);
    const binary = setup({ boundary: "message" }).connection;
    const bytes = new ScriptedSink("message");
    const other = new Connection(lengthPrefixed({ width: 1 }).wrap(raw()), bytes);
    other.opened();
    other.send(Uint8Array.of(7));
    other.drained();
    expect(bytes.textFlags).toEqual([false]);
    expect(binary.state).toBe("open");
  });

  it("are sent before the connection closes, including empty ones", () => {
    const blank = perMessage().wrap(utf8());
    const early = setup({ boundary: "message", protocol: blank, open: false });
    early.connection.send("");
    early.connection.close();
    early.connection.opened();
    expect(early.sink.calls).toEqual(["write ", "close"]);
    const { connection, sink } = setup({ boundary: "message", protocol: blank });
    sink.roomy = false;
    connection.send("first");
    connection.drained();
    connection.send("");
    connection.close();
    expect(sink.calls).toEqual(["write first"]);
    sink.roomy = true;
    connection.drained();
    expect(sink.calls).toEqual(["write first", "write ", "close"]);
  });

  it("are limited in number even if they are empty", () => {
    const { connection, errors } = setup({
      boundary: "message",
      protocol: perMessage().wrap(utf8()),
      options: { highWater: 200, maxQueued: 500 },
      open: false,
    });
    const answers = [1, 2, 3, 4].map(() => connection.send(""));
    expect(answers).toEqual([true, true, true, false]);
    expect(connection.queued).toBe(4 * 64);
    for (let n = 4; n < 8; n++) connection.send("");
    expect(codes(errors)).toEqual(["overflow"]);
    expect(connection.state).toBe("closed");
  });

  it("wait in a paused connection, and are bounded", () => {
    const { connection, messages, errors, sink } = setup({
      boundary: "message",
      // 11 bytes, and 200 for each message.
      options: { maxQueued: 11 + 2 * 200 - 1 },
    });
    connection.pause();
    connection.received(ascii("123456\n"));
    connection.received(ascii("789\n"));
    expect(errors).toEqual([]);
    connection.received(ascii("x\n"));
    expect(codes(errors)).toEqual(["overflow"]);
    expect(sink.calls).toEqual(["pause", "abort"]);
    expect(messages).toEqual([]);
  });
});

describe("sending", () => {
  it("waits until the connection is open", async () => {
    const { connection, sink } = setup({ open: false });
    expect(connection.state).toBe("opening");
    expect(connection.send("a")).toBe(true);
    expect(connection.send("b")).toBe(true);
    await microtask();
    expect(sink.calls).toEqual([]);
    expect(connection.queued).toBe(4);
    connection.opened();
    expect(sink.calls).toEqual(["write a\nb\n"]);
    expect(connection.queued).toBe(0);
  });

  it("joins everything sent while a chunk is handled into one write", () => {
    const { connection, sink } = setup({
      handlers: { message: (c, value) => c.send(value.toUpperCase()) },
    });
    connection.received(ascii("a\nb\nc\n"));
    expect(sink.calls).toEqual(["write A\nB\nC\n"]);
  });

  it("joins other sends until the next microtask", async () => {
    const { connection, sink } = setup();
    connection.send("a");
    connection.sendFrame(encodeFrame(text, "b"));
    expect(sink.calls).toEqual([]);
    await microtask();
    expect(sink.calls).toEqual(["write a\nb\n"]);
    connection.send("c");
    await microtask();
    expect(sink.calls).toEqual(["write a\nb\n", "write c\n"]);
  });

  it("joins messages sent by an open handler", () => {
    const { sink } = setup({
      handlers: {
        open: (c) => {
          c.send("hello");
          c.send("world");
        },
      },
    });
    expect(sink.calls).toEqual(["write hello\nworld\n"]);
  });

  it("flushes early above 64 KiB", () => {
    const protocol = lines().wrap(utf8());
    const { connection, sink } = setup({ protocol });
    for (let i = 0; i < 66; i++) connection.send("x".repeat(1023));
    expect(sink.writes.map((bytes) => bytes.length)).toEqual([64 * 1024]);
  });

  it("does not copy a large frame that is encoded already", async () => {
    const { connection, sink } = setup();
    const large = new Uint8Array(100_000);
    connection.send("before");
    connection.sendFrame(large);
    connection.send("after");
    await microtask();
    expect(sink.writes).toHaveLength(3);
    expect(sink.writes[1]).toBe(large);
  });

  it("throws for a value that cannot be encoded, sends none of it, and stays open", async () => {
    const { connection, sink } = setup();
    connection.send("a");
    expect(() => connection.send("two\nlines")).toThrow(ProtocolError);
    expect(() => connection.send("x".repeat(64))).toThrow(/exceeds maxFrame 64/);
    expect(connection.state).toBe("open");
    connection.send("b");
    await microtask();
    expect(sink.calls).toEqual(["write a\nb\n"]);
  });

  it("never writes into bytes that were passed to the sink", async () => {
    const { connection, sink } = setup();
    const seen: string[] = [];
    for (let i = 0; i < 3000; i++) {
      connection.send(`message ${i}`);
      if (i % 7 === 0) await microtask();
    }
    await microtask();
    for (const bytes of sink.writes) seen.push(String.fromCharCode(...bytes));
    expect(seen.join("")).toBe(Array.from({ length: 3000 }, (_, i) => `message ${i}\n`).join(""));
  });

  it("returns false above the high-water mark, and calls drain", () => {
    const drains: number[] = [];
    const { connection, sink } = setup({
      options: { highWater: 10 },
      handlers: { drain: (c) => drains.push(c.queued) },
    });
    sink.roomy = false;
    // Above the mark nothing waits to be joined: the sink is called at once.
    expect(connection.send("0123456789")).toBe(false);
    expect(connection.queued).toBe(11);
    expect(connection.send("x")).toBe(false);
    expect(sink.calls).toEqual(["write 0123456789\n"]);
    connection.drained();
    expect(sink.calls).toEqual(["write 0123456789\n", "write x\n"]);
    expect(drains).toEqual([2]);
    sink.roomy = true;
    connection.drained();
    expect(drains).toEqual([2]);
    expect(connection.send("0123456789")).toBe(true);
  });

  it("joins messages sent by a drain handler, and writes them at once", () => {
    const { connection, sink } = setup({
      options: { highWater: 0 },
      handlers: {
        drain(c) {
          sink.roomy = true;
          c.send("two");
          c.send("three");
        },
      },
    });
    sink.roomy = false;
    expect(connection.send("one")).toBe(false);
    connection.drained();
    expect(sink.calls).toEqual(["write one\n", "write two\n", "write three\n"]);
    const roomy = setup({
      options: { highWater: 20 },
      handlers: {
        drain(c) {
          c.send("two");
          c.send("three");
        },
      },
    });
    roomy.sink.roomy = false;
    roomy.connection.send("123456789012345678901234567890");
    roomy.connection.drained();
    expect(roomy.sink.calls.slice(1)).toEqual(["write two\nthree\n"]);
  });

  it("does not call drain unless send returned false", () => {
    const drain = vi.fn();
    const { connection } = setup({ handlers: { drain } });
    connection.drained();
    expect(drain).not.toHaveBeenCalled();
  });

  it("closes with overflow instead of exhausting memory", () => {
    const { connection, sink, errors, closes } = setup({ options: { maxQueued: 100 } });
    sink.roomy = false;
    let sends = 0;
    while (connection.state === "open" && sends < 1000) {
      connection.send("x".repeat(9));
      sends++;
    }
    expect(sends).toBe(11);
    expect(codes(errors)).toEqual(["overflow"]);
    expect(closes).toEqual([{ by: "error", error: errors[0] }]);
    expect(connection.queued).toBe(0);
    expect(connection.send("x")).toBe(false);
  });

  it("allows a single frame longer than maxQueued", () => {
    const { connection, sink, errors } = setup({ options: { maxQueued: 10 } });
    sink.roomy = false;
    connection.send("x".repeat(60));
    expect(errors).toEqual([]);
    expect(connection.state).toBe("open");
  });

  it("returns false once the connection closes", () => {
    const { connection } = setup();
    connection.close();
    expect(connection.send("a")).toBe(false);
    expect(connection.sendFrame(ascii("a\n") as Uint8Array<ArrayBuffer>)).toBe(false);
    connection.lost();
    expect(connection.send("a")).toBe(false);
  });

  it.each(["stream", "message"] as const)(
    "keeps hardly more memory alive than waits for a slow %s, whatever others write meanwhile",
    async (boundary) => {
      const slow = setup({ boundary });
      slow.sink.roomy = false;
      slow.connection.send("the first one fills it");
      await microtask();
      const other = setup({ boundary });
      for (let i = 0; i < 500; i++) {
        slow.connection.send(`message ${i}`);
        await microtask();
        // A full slab: the next bytes are in another one.
        for (let n = 0; n < 140; n++) other.connection.send("x".repeat(60));
        await microtask();
      }
      const { queued } = slow.connection;
      expect(queued).toBeGreaterThan(500 * 10);
      slow.sink.roomy = true;
      slow.connection.drained();
      const sent = slow.sink.writes.map((bytes) => String.fromCharCode(...bytes)).join("");
      expect(sent.split("\n").slice(1, 501)).toEqual(
        Array.from({ length: 500 }, (_, i) => `message ${i}`),
      );
      // A slab is 8 KiB, and may be shared with earlier and later bytes.
      const alive = new Set(slow.sink.writes.map((bytes) => bytes.buffer));
      const held = Array.from(alive, ({ byteLength }) => byteLength).reduce((a, b) => a + b);
      expect(held).toBeLessThan(2 * queued + 3 * 8192);
    },
  );

  it("survives a sink that calls back while it writes", () => {
    const { connection, sink, messages } = setup({
      handlers: {
        message: (c, value) => {
          messages.push(value);
          if (value.length < 4) c.send(`${value}!`);
        },
      },
    });
    // A loopback: written bytes are received before write returns.
    sink.onWrite = (bytes) => connection.received(bytes);
    connection.received(ascii("a\n"));
    expect(messages).toEqual(["a", "a!", "a!!", "a!!!"]);
  });

  it("accepts a sink that drains before it reports that it is full", async () => {
    const { connection, sink } = setup();
    sink.roomy = false;
    sink.onWrite = () => connection.drained();
    connection.send("a");
    await microtask();
    connection.send("b");
    await microtask();
    expect(sink.calls).toEqual(["write a\n", "write b\n"]);
    expect(connection.queued).toBe(0);
  });

  it("treats a sink that throws as a failed transport", async () => {
    const { connection, sink, errors, closes } = setup();
    const failure = new Error("no such pipe");
    sink.onWrite = () => {
      throw failure;
    };
    connection.send("a");
    await microtask();
    expect(errors).toEqual([failure]);
    expect(closes).toEqual([{ by: "error", error: failure }]);
  });
});

describe("pause, resume and close", () => {
  it("act at once inside a message", () => {
    const got: string[] = [];
    const { connection, sink } = setup({
      handlers: {
        message: (c, value) => {
          got.push(value);
          if (value === "pause") c.pause();
          if (value === "close") {
            c.send("bye");
            c.close();
          }
        },
      },
    });
    connection.received(ascii("a\npause\nb\nclose\nlate\n"));
    expect(got).toEqual(["a", "pause"]);
    expect(sink.calls).toEqual(["pause"]);
    connection.resume();
    expect(got).toEqual(["a", "pause", "b", "close"]);
    // The final message is sent; reading resumes, otherwise the peer's end would not be noticed.
    expect(sink.calls).toEqual(["pause", "resume", "write bye\n", "close"]);
  });

  it("resume inside of the same message changes nothing", () => {
    const got: string[] = [];
    const { connection, sink } = setup({
      handlers: {
        message: (c, value) => {
          got.push(value);
          c.pause();
          c.resume();
        },
      },
    });
    connection.received(ascii("a\nb\n"));
    expect(got).toEqual(["a", "b"]);
    expect(sink.calls).toEqual(["pause", "resume", "pause", "resume"]);
  });

  it("closes one side first, and is closed when the transport reports it", () => {
    const { connection, sink, closes, clock } = setup();
    connection.send("last");
    connection.close();
    expect(connection.state).toBe("closing");
    expect(sink.calls).toEqual(["write last\n", "close"]);
    connection.close();
    connection.ended();
    connection.lost();
    expect(connection.state).toBe("closed");
    expect(closes).toEqual([{ by: "local" }]);
    connection.lost();
    connection.abort();
    expect(closes).toHaveLength(1);
    expect(clock.waiting).toBe(0);
  });

  it("stops waiting for bytes and messages, and closes its sink once", () => {
    const options = { idleTimeout: 100, firstMessageTimeout: 100, closeTimeout: 0 };
    const { connection, sink, clock, closes } = setup({ options });
    connection.close();
    expect(clock.waiting).toBe(0);
    connection.drained();
    clock.advance(1_000_000);
    expect(sink.calls).toEqual(["close"]);
    connection.lost();
    expect(closes).toEqual([{ by: "local" }]);
    const gone = setup({ options });
    gone.connection.lost();
    expect(gone.clock.waiting).toBe(0);
  });

  it("delivers complete messages after the connection was lost, then closes", () => {
    const { connection, messages, closes, errors } = setup();
    const reset = new Error("ECONNRESET");
    connection.pause();
    connection.received(ascii("late\n"));
    connection.lost(reset);
    expect(connection.send("x")).toBe(false);
    expect([messages, errors, closes]).toEqual([[], [], []]);
    connection.resume();
    expect(messages).toEqual(["late"]);
    expect(errors).toEqual([reset]);
    expect(closes).toEqual([{ by: "error", error: reset }]);
  });

  it("waits no longer than endTimeout for a reader after the connection was lost", () => {
    const { connection, clock, closes, errors } = setup({ options: { endTimeout: 100 } });
    connection.pause();
    connection.received(ascii("late\n"));
    connection.lost();
    clock.advance(100);
    expect(codes(errors)).toEqual(["timeout"]);
    expect(closes).toEqual([{ by: "error", error: errors[0] }]);
    expect(connection.state).toBe("closed");
  });

  it("waits for a full sink before it closes, up to closeTimeout", () => {
    const { connection, sink, clock, closes } = setup({ options: { closeTimeout: 500 } });
    sink.roomy = false;
    connection.send("a");
    connection.close();
    expect(sink.calls).toEqual(["write a\n", "close"]);
    const other = setup({ options: { closeTimeout: 500, highWater: 0 } });
    other.sink.roomy = false;
    other.connection.send("a");
    other.connection.send("b");
    other.connection.close();
    expect(other.sink.calls).toEqual(["write a\n"]);
    other.connection.drained();
    expect(other.sink.calls).toEqual(["write a\n", "write b\n", "close"]);
    clock.advance(499);
    expect(closes).toEqual([]);
    clock.advance(1);
    expect(sink.calls.at(-1)).toBe("abort");
    expect(closes[0]).toMatchObject({ by: "error", error: { code: "timeout" } });
    expect((closes[0]!.error as Error).message).toContain("2 bytes unsent");
  });

  it("ends without an error if only the peer's end is missing after closeTimeout", () => {
    const { connection, sink, clock, closes } = setup({ options: { closeTimeout: 500 } });
    connection.send("a");
    connection.close();
    clock.advance(500);
    expect(sink.calls).toEqual(["write a\n", "close", "abort"]);
    expect(closes).toEqual([{ by: "local" }]);
  });

  it("before the connection is open: cancels, unless something was sent", () => {
    const idle = setup({ open: false });
    idle.connection.close();
    expect(idle.sink.calls).toEqual(["abort"]);
    expect(idle.closes).toEqual([{ by: "local" }]);

    const sent = setup({ open: false });
    sent.connection.send("a");
    sent.connection.close();
    expect(sent.sink.calls).toEqual([]);
    sent.connection.opened();
    expect(sent.sink.calls).toEqual(["write a\n", "close"]);
  });

  it("passes the reason to the sink, for transports that can send it to the peer", () => {
    const peaceful = setup();
    peaceful.connection.close();
    expect(peaceful.sink.reasons).toEqual([undefined]);

    const broken = setup();
    broken.connection.received(new Uint8Array(65));
    expect(broken.sink.calls).toEqual(["close"]);
    expect(broken.sink.reasons).toEqual(broken.errors);
    expect(codes(broken.sink.reasons)).toEqual(["too-long"]);
  });

  it("aborts at once, with a reason", () => {
    const { connection, sink, closes } = setup();
    const reason = new Error("enough");
    connection.send("lost");
    connection.abort(reason);
    expect(sink.calls).toEqual(["abort"]);
    expect(closes).toEqual([{ by: "error", error: reason }]);
    const plain = setup();
    // A transport may call `lost` inside of abort.
    plain.sink.abort = () => plain.connection.lost();
    plain.connection.abort();
    expect(plain.closes).toEqual([{ by: "local" }]);
  });
});

describe("the peer's end", () => {
  it("closes a connection that has no handler for it, one turn later", async () => {
    const { connection, sink, closes } = setup();
    connection.send("last");
    connection.ended();
    expect(sink.calls).toEqual(["write last\n"]);
    expect(connection.state).toBe("open");
    await nextTurn();
    expect(sink.calls).toEqual(["write last\n", "close"]);
    connection.lost();
    expect(closes).toEqual([{ by: "peer" }]);
  });

  it("leaves the other half open for a handler", () => {
    const { connection, sink, closes } = setup({
      handlers: { end: (c) => c.send("still here") },
    });
    connection.ended();
    expect(connection.state).toBe("open");
    expect(sink.calls).toEqual(["write still here\n"]);
    connection.close();
    connection.lost();
    expect(closes).toEqual([{ by: "local" }]);
  });

  it("inside a frame is an error", () => {
    for (const end of ["ended", "lost"] as const) {
      const { connection, messages, errors, closes, sink } = setup();
      connection.received(ascii("whole\npart"));
      connection[end]();
      expect(messages).toEqual(["whole"]);
      expect(codes(errors)).toEqual(["truncated"]);
      expect((errors[0] as ProtocolError).offset).toBe(6);
      // A lost transport need not be closed.
      expect(sink.calls).toEqual(end === "ended" ? ["close"] : []);
      connection.lost();
      expect(closes).toEqual([{ by: "error", error: errors[0] }]);
    }
  });

  it("waits for a paused reader", async () => {
    const { connection, messages, sink } = setup();
    connection.pause();
    connection.received(ascii("a\n"));
    connection.ended();
    expect(connection.state).toBe("open");
    connection.resume();
    expect(messages).toEqual(["a"]);
    await nextTurn();
    expect(sink.calls.at(-1)).toBe("close");
  });

  it("arrives with code and text if the transport has them", () => {
    const { connection, closes } = setup();
    connection.lost(undefined, { code: 1000, text: "bye" });
    expect(closes).toEqual([{ by: "peer", code: 1000, text: "bye" }]);
  });

  it("with an error reaches error and close", () => {
    const { connection, errors, closes } = setup();
    const reset = new Error("ECONNRESET");
    connection.lost(reset);
    expect(errors).toEqual([reset]);
    expect(closes).toEqual([{ by: "error", error: reset }]);
  });

  it("together with that of the transport leaves nothing to end or to close", () => {
    const ends: string[] = [];
    for (const handlers of [{}, { end: () => ends.push("end") }]) {
      const { connection, sink, closes } = setup({ handlers });
      connection.lost();
      connection.lost(new Error("again"));
      expect(sink.calls).toEqual([]);
      expect(closes).toEqual([{ by: "peer" }]);
    }
    expect(ends).toEqual([]);
  });

  it("with an error while we close is not reported", () => {
    const { connection, errors, closes } = setup();
    connection.close();
    connection.lost(new Error("ECONNRESET"));
    expect(errors).toEqual([]);
    expect(closes).toEqual([{ by: "local" }]);
  });
});

describe("handlers that throw", () => {
  const bug = new Error("bug");
  const uncaught: unknown[] = [];
  const collect = (error: unknown): void => {
    uncaught.push(error);
  };
  let others: NodeJS.UncaughtExceptionListener[] = [];

  beforeEach(() => {
    uncaught.length = 0;
    others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", collect);
  });
  afterEach(() => {
    process.removeListener("uncaughtException", collect);
    for (const other of others) process.on("uncaughtException", other);
  });
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it("end their connection, through error", () => {
    const { connection, errors, closes, sink } = setup({
      handlers: {
        message: (c, value) => {
          c.send("before");
          if (value === "b") throw bug;
        },
      },
    });
    connection.received(ascii("a\nb\nc\n"));
    expect(errors).toEqual([bug]);
    expect(sink.calls).toEqual(["write before\nbefore\n", "close"]);
    connection.lost();
    expect(closes).toEqual([{ by: "error", error: bug }]);
  });

  it("asynchronously count as well", async () => {
    const { connection, errors } = setup({ handlers: { message: () => Promise.reject(bug) } });
    connection.received(ascii("a\n"));
    await settled();
    expect(errors).toEqual([bug]);
    expect(connection.state).toBe("closing");
  });

  it("are uncaught errors without an error handler, if handlerErrors is throw", async () => {
    for (const handlers of [
      { open: () => Promise.reject(bug), error: undefined },
      {
        open: () => {
          throw bug;
        },
        error: undefined,
      },
      {
        open: (c: Connection<string, string, unknown>) => c.close(),
        close: () => {
          throw bug;
        },
      },
      {
        open: (c: Connection<string, string, unknown>) => c.close(),
        close: () => Promise.reject(bug),
      },
    ]) {
      const { connection } = setup({ handlers, options: { handlerErrors: "throw" } });
      await settled();
      connection.lost();
      await settled();
      expect(uncaught).toEqual([bug]);
      uncaught.length = 0;
    }
  });

  it("in the error handler itself are uncaught, and the connection closes all the same", async () => {
    const { connection, sink } = setup({
      handlers: {
        error: () => {
          throw bug;
        },
      },
      options: { handlerErrors: "throw" },
    });
    connection.received(Uint8Array.of(0xff, 0x0a));
    await settled();
    expect(uncaught).toEqual([bug]);
    expect(sink.calls).toEqual(["close"]);
  });

  it("after closing still reach error, without changing how it ended", () => {
    const { connection, errors, closes } = setup({
      handlers: {
        message: (c) => {
          c.close();
          throw bug;
        },
      },
    });
    connection.received(ascii("a\n"));
    connection.lost();
    expect(errors).toEqual([bug]);
    expect(closes).toEqual([{ by: "local" }]);
  });

  it("are not mixed up with errors of the peer", async () => {
    const { connection } = setup({ handlers: { error: undefined } });
    connection.received(Uint8Array.of(0xff, 0x0a));
    await settled();
    expect(uncaught).toEqual([]);
  });

  it("may send a final message after an error", () => {
    const { connection, sink } = setup({
      handlers: { error: (c) => c.send("that was wrong") },
    });
    connection.received(Uint8Array.of(0xff, 0x0a));
    expect(sink.calls).toEqual(["write that was wrong\n", "close"]);
  });

  it("may abort in the error handler", () => {
    const { connection, sink, closes } = setup({ handlers: { error: (c) => c.abort() } });
    connection.received(Uint8Array.of(0xff, 0x0a));
    expect(sink.calls).toEqual(["abort"]);
    expect(closes[0]?.by).toBe("error");
  });
});

describe("iteration", () => {
  it("delivers every message, and slows the peer down while no message is requested", async () => {
    const { connection, sink } = setup({ silent: true });
    expect(sink.calls).toEqual(["pause"]);
    const messages = connection[Symbol.asyncIterator]();
    const first = messages.next();
    expect(sink.calls).toEqual(["pause", "resume"]);
    connection.received(ascii("a\nb\n"));
    expect(await first).toEqual({ done: false, value: "a" });
    connection.received(ascii("c\n"));
    expect(sink.calls).toEqual(["pause", "resume", "pause"]);
    expect((await messages.next()).value).toBe("b");
    expect((await messages.next()).value).toBe("c");
    expect(sink.calls).toEqual(["pause", "resume", "pause"]);
    const last = messages.next();
    expect(sink.calls.at(-1)).toBe("resume");
    connection.ended();
    expect(await last).toEqual({ done: true, value: undefined });
    expect(await messages.next()).toEqual({ done: true, value: undefined });
    expect(sink.calls.at(-1)).toBe("close");
  });

  it("can be left and taken up again", async () => {
    const { connection } = setup({ silent: true });
    connection.received(ascii("a\nb\nc\n"));
    for await (const value of connection) {
      expect(value).toBe("a");
      break;
    }
    expect(connection.state).toBe("open");
    const rest: string[] = [];
    connection.ended();
    for await (const value of connection) rest.push(value);
    expect(rest).toEqual(["b", "c"]);
  });

  it("loses no message to an iterator that was left while it waited", async () => {
    const { connection, sink } = setup({ silent: true });
    const left = connection[Symbol.asyncIterator]();
    const pending = left.next();
    expect(await left.return?.()).toEqual({ done: true, value: undefined });
    expect(await pending).toEqual({ done: true, value: undefined });
    connection.received(ascii("a\nb\n"));
    expect(sink.calls.at(-1)).toBe("pause");
    connection.ended();
    const got: string[] = [];
    for await (const value of connection) got.push(value);
    expect(got).toEqual(["a", "b"]);
  });

  it("delivers complete messages, then throws the error once", async () => {
    const { connection, errors } = setup({ silent: true });
    connection.received(ascii("a\nb\ncut"));
    connection.ended();
    const got: string[] = [];
    const loop = async (): Promise<void> => {
      for await (const value of connection) got.push(value);
    };
    await expect(loop()).rejects.toMatchObject({ code: "truncated", offset: 4 });
    expect(got).toEqual(["a", "b"]);
    expect(codes(errors)).toEqual(["truncated"]);
    await loop();
  });

  it("delivers complete messages even if the connection is lost", async () => {
    for (const error of [undefined, new Error("ECONNRESET")]) {
      const { connection, closes } = setup({ silent: true });
      connection.received(ascii("a\nb\n"));
      connection.lost(error);
      expect(closes).toHaveLength(0);
      const messages = connection[Symbol.asyncIterator]();
      expect((await messages.next()).value).toBe("a");
      expect((await messages.next()).value).toBe("b");
      if (error === undefined) expect((await messages.next()).done).toBe(true);
      else await expect(messages.next()).rejects.toBe(error);
      expect(closes).toHaveLength(1);
      expect((await messages.next()).done).toBe(true);
    }
  });

  it("reports a lost connection that was cut inside a frame", async () => {
    const { connection } = setup({ silent: true });
    connection.received(ascii("a\ncut"));
    connection.lost();
    const messages = connection[Symbol.asyncIterator]();
    expect((await messages.next()).value).toBe("a");
    await expect(messages.next()).rejects.toMatchObject({ code: "truncated" });
  });

  it("ends pending calls of next when we close or abort", async () => {
    const closing = setup({ silent: true });
    const one = closing.connection[Symbol.asyncIterator]().next();
    const two = closing.connection[Symbol.asyncIterator]().next();
    closing.connection.close();
    expect(await one).toEqual({ done: true, value: undefined });
    expect(await two).toEqual({ done: true, value: undefined });

    const aborted = setup({ silent: true });
    const reason = new Error("enough");
    const next = aborted.connection[Symbol.asyncIterator]().next();
    aborted.connection.abort(reason);
    await expect(next).rejects.toBe(reason);
  });

  it("throws an error once, even if its output was cut off afterwards", async () => {
    const { connection, errors, clock, closes } = setup({ silent: true });
    connection.received(Uint8Array.of(0xff, 0x0a));
    const messages = connection[Symbol.asyncIterator]();
    await expect(messages.next()).rejects.toMatchObject({ code: "malformed" });
    clock.advance(60_000);
    expect(closes).toHaveLength(1);
    expect(codes(errors)).toEqual(["malformed"]);
    expect(await messages.next()).toEqual({ done: true, value: undefined });
  });

  it("calls the end handler before our side is closed", async () => {
    const { connection } = setup({ silent: true, handlers: { end: (c) => c.send("more") } });
    const next = connection[Symbol.asyncIterator]().next();
    connection.ended();
    expect((await next).done).toBe(true);
    expect(connection.state).toBe("open");
    // And for later calls.
    expect((await connection[Symbol.asyncIterator]().next()).done).toBe(true);
  });

  it("notices the end even if no one iterates", async () => {
    const { connection, sink } = setup({ silent: true });
    connection.ended();
    await nextTurn();
    expect(sink.calls).toEqual(["pause", "resume", "close"]);
  });

  it("is refused with a message handler", async () => {
    const { connection } = setup();
    expect(() => connection[Symbol.asyncIterator]()).toThrow(TypeError);
    const iterated = setup({ silent: true });
    const messages = iterated.connection[Symbol.asyncIterator]();
    const waiting = messages.next();
    expect(() => iterated.connection.use(text, { message: () => {} })).toThrow(TypeError);
    iterated.connection.received(ascii("a\n"));
    await waiting;
    iterated.connection.use(text, { message: () => {} });
    await expect(messages.next()).rejects.toThrow(TypeError);
  });

  it("limits the input kept for it", () => {
    const { connection, errors } = setup({ silent: true, options: { maxQueued: 8 } });
    connection.received(ascii("12345\n"));
    connection.received(ascii("6789\n"));
    connection.received(ascii("x\n"));
    expect(codes(errors)).toEqual(["overflow"]);
  });
});

describe("use", () => {
  it("leaves room for the frames of the new protocol", () => {
    const { connection, messages, errors } = setup();
    const large = lines({ maxFrame: 16 * 1024 * 1024 }).wrap(utf8());
    connection.use(large, { message: (_, value) => void messages.push(value) });
    connection.received(new Uint8Array(9 * 1024 * 1024).fill(0x61));
    // Bytes in flight when the source was paused.
    connection.pause();
    connection.received(ascii("b\n"));
    connection.resume();
    expect(errors).toEqual([]);
    expect(messages.map((message) => message.length)).toEqual([9 * 1024 * 1024 + 1]);
  });

  it("switches from the next frame on, inside a message", () => {
    const numbers: unknown[] = [];
    const { connection } = setup({
      handlers: {
        message: (c, value) => {
          expect(value).toBe("upgrade");
          c.use(lengthPrefixed({ width: 1 }).wrap(json()), {
            message: (_, value) => numbers.push(value),
          });
        },
      },
    });
    connection.received(ascii("upgrade\n\x011\x03[2]\x02"));
    connection.received(ascii("33"));
    expect(numbers).toEqual([1, [2], 33]);
  });

  it("reads bytes again that were incomplete for the old protocol", () => {
    const got: unknown[] = [];
    const { connection } = setup();
    connection.received(ascii("\x02hi"));
    connection.use(lengthPrefixed({ width: 1 }).wrap(utf8()), {
      message: (_, value) => got.push(value),
    });
    expect(got).toEqual(["hi"]);
  });

  it("speaks the new protocol", async () => {
    const { connection, sink } = setup();
    connection.send("old");
    const changed = connection.use(lengthPrefixed({ width: 1 }).wrap(json()), { message() {} });
    changed.send([1]);
    await microtask();
    expect(sink.calls).toEqual(["write old\n", "write \x03[1]"]);
  });

  it("switches from handlers to iteration", async () => {
    const { connection, sink } = setup();
    const changed = connection.use(text);
    expect(sink.calls).toEqual(["pause"]);
    const next = changed[Symbol.asyncIterator]().next();
    connection.received(ascii("a\n"));
    expect((await next).value).toBe("a");
  });
});

describe("time", () => {
  it("ends a connection that stays idle", () => {
    const { connection, clock, errors, sink } = setup({ options: { idleTimeout: 100 } });
    clock.advance(60);
    connection.received(ascii("part"));
    clock.advance(99);
    expect(errors).toEqual([]);
    clock.advance(1);
    expect(codes(errors)).toEqual(["timeout"]);
    expect((errors[0] as Error).message).toContain("100 ms");
    expect(sink.calls).toEqual(["abort"]);
    expect(clock.waiting).toBe(0);
  });

  it("does not count silence that we asked for", () => {
    const { connection, clock, errors } = setup({
      options: { idleTimeout: 100, firstMessageTimeout: 50 },
    });
    connection.pause();
    clock.advance(1000);
    expect(errors).toEqual([]);
    connection.resume();
    clock.advance(49);
    connection.received(ascii("a\n"));
    clock.advance(99);
    expect(errors).toEqual([]);
    clock.advance(1);
    expect(codes(errors)).toEqual(["timeout"]);
    for (const options of [{ idleTimeout: 100 }, { firstMessageTimeout: 100 }]) {
      const silent = setup({ options });
      silent.connection.pause();
      silent.clock.advance(190);
      silent.connection.resume();
      silent.clock.advance(99);
      expect(silent.errors).toEqual([]);
      silent.clock.advance(1);
      expect(codes(silent.errors)).toEqual(["timeout"]);
    }
  });

  it("requires a first message in time, and single bytes do not count", () => {
    const { connection, clock, errors } = setup({ options: { firstMessageTimeout: 100 } });
    for (let i = 0; i < 5; i++) {
      connection.received(ascii("x"));
      clock.advance(20);
    }
    expect(codes(errors)).toEqual(["timeout"]);
    expect((errors[0] as Error).message).toContain("no message");
  });

  it("is content with a first message", () => {
    const { connection, clock, errors } = setup({ options: { firstMessageTimeout: 100 } });
    clock.advance(99);
    connection.received(ascii("a\n"));
    clock.advance(1000);
    expect(errors).toEqual([]);
    expect(clock.waiting).toBe(0);
  });
});

describe("hostile peers", () => {
  it("receive only a ProtocolError, and cost no more than the limits", () => {
    for (let seed = 1; seed < 200; seed++) {
      let state = seed;
      const random = (): number => {
        state = (state * 1103515245 + 12345) & 0x7fffffff;
        return state >> 16;
      };
      const protocol = lengthPrefixed({ width: 2, maxFrame: 100 }).wrap(utf8());
      const { connection, errors } = setup({ protocol });
      for (let i = 0; i < 50; i++) {
        connection.received(Uint8Array.from({ length: random() % 40 }, () => random() & 0xff));
      }
      connection.ended();
      for (const error of errors) expect(error).toBeInstanceOf(ProtocolError);
      expect(errors.length).toBeLessThanOrEqual(1);
    }
  });

  it("do not disturb each other: one output serves all connections", () => {
    const pair = [setup(), setup()] as const;
    for (const { connection } of pair) connection.send("x");
    pair[0].connection.abort();
    pair[1].connection.close();
    expect(pair[1].sink.calls).toEqual(["write x\n", "close"]);
  });
});

it("encodes a broadcast once", async () => {
  let encodings = 0;
  const counted = defineProtocol<string>({
    ...text,
    encode: (value, out) => {
      encodings++;
      text.encode(value, out);
    },
  });
  const all = Array.from({ length: 10 }, () => setup({ protocol: counted }));
  const frame = encodeAll(counted, ["news"]);
  for (const { connection } of all) connection.sendFrame(frame);
  await microtask();
  expect(encodings).toBe(1);
  for (const { sink } of all) expect(sink.calls).toEqual(["write news\n"]);
});
