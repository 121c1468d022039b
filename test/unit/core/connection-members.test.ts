import { afterEach, describe, expect, it, vi } from "vitest";
import type { OwnConnection } from "../../../src/core/connection/connection.ts";
import {
  Connection,
  type ConnectionOptions,
  defineProtocol,
  delimited,
  type Handlers,
  lines,
  utf8,
} from "../../../src/index.ts";
import { Loop } from "../../support/loop.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";
import { settle } from "../../support/settle.ts";
import { thrownBy } from "../../support/thrown.ts";
import { printedBy } from "../../support/uncaught.ts";

// Members of a connection that transports and sessions rely on.

const text = lines({ maxFrame: 64 }).wrap(utf8());
const words = defineProtocol<string>({
  ...text,
  name: "words",
  decodeMany: (bytes, start, end) => text.decode(bytes, start, end).split(" "),
});
const ascii = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(s, (c) => c.charCodeAt(0));

type Own = Connection<string> & OwnConnection;

class PeerSink extends ScriptedSink {
  readonly peer = "a peer";
  end(): void {
    this.calls.push("end");
  }
  detach(): unknown {
    return "socket";
  }
}

interface Setup {
  readonly handlers?: Handlers<string>;
  readonly options?: ConnectionOptions;
  readonly protocol?: typeof text;
  readonly sink?: ScriptedSink;
  readonly isOpen?: boolean;
}

function setup(given: Setup = {}) {
  const { handlers = {}, options, protocol = text, sink = new PeerSink(), isOpen = true } = given;
  const clock = new ManualClock();
  const connection = new Connection<string>(protocol, sink, handlers, { clock, ...options }) as Own;
  if (isOpen) connection.opened();
  return { connection, sink, clock };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("unread", () => {
  it("counts bytes that are not delivered, also those of an incomplete frame", () => {
    const { connection } = setup({ handlers: { message() {} } });
    expect(connection.unread).toBe(0);
    connection.received(ascii("a\nbc"));
    expect(connection.unread).toBe(2);
    connection.pause();
    connection.received(ascii("d\ne\n"));
    expect(connection.unread).toBe(6);
  });

  it("is 1 in the middle of a frame of several values, and 0 after its last value", () => {
    const found: number[] = [];
    const { connection } = setup({
      protocol: words,
      handlers: { message: () => void found.push(connection.unread) },
    });
    connection.received(ascii("a b\n"));
    expect(found).toEqual([1, 0]);
    expect(connection.unread).toBe(0);
  });
});

describe("isBehind", () => {
  /** A connection whose turn is over with `rest` bytes unread; a quarter of maxQueued is the limit. */
  function behind(maxQueued: number) {
    const loop = new Loop();
    const connection = new Connection<string>(
      text,
      new ScriptedSink(),
      {
        message() {
          loop.time += 1;
        },
      },
      { clock: loop.clock, maxQueued },
    ) as Own;
    connection.opened();
    connection.received(ascii("0123456\n".repeat(100)));
    return connection;
  }

  it("is true if more than a quarter of maxQueued waits only for the next turn", () => {
    const rest = behind(1_000_000).unread;
    expect(rest).toBe(8 * (100 - 8));
    expect(behind(4 * rest).isBehind).toBe(false);
    expect(behind(4 * rest - 4).isBehind).toBe(true);
  });

  it("is false while the input waits for anything else", () => {
    const connection = behind(1000);
    expect(connection.isBehind).toBe(true);
    connection.pause();
    expect(connection.isBehind).toBe(false);
  });

  it("is false while little waits", () => {
    const { connection } = setup({ handlers: { message() {} } });
    connection.received(ascii("a\n"));
    expect(connection.isBehind).toBe(false);
  });
});

describe("members", () => {
  it("show the peer, the handlers and how bugs are reported", () => {
    const message = (): void => {};
    const { connection } = setup({ handlers: { message } });
    expect([connection.peer, connection.handlers.message]).toEqual(["a peer", message]);
    expect((connection as { handlerErrors?: unknown }).handlerErrors).toBe("report");
    const dialled = setup({ options: { handlerErrors: "throw" } }).connection;
    expect((dialled as { handlerErrors?: unknown }).handlerErrors).toBe("throw");
  });

  it("lastByteAt is the time of the last bytes, or at first that of the connection", () => {
    const clock = new ManualClock();
    clock.advance(500);
    const { connection } = setup({ options: { clock }, handlers: { message() {} } });
    expect(connection.lastByteAt).toBe(500);
    clock.advance(100);
    expect(connection.lastByteAt).toBe(500);
    connection.received(ascii("x"));
    expect(connection.lastByteAt).toBe(600);
  });

  it("messages counts one for which the handler throws", () => {
    const { connection } = setup({
      handlers: {
        error() {},
        message(_, value) {
          if (value === "b") throw new Error("bug");
        },
      },
    });
    connection.received(ascii("a\nb\nc\n"));
    expect(connection.messages).toBe(2);
  });

  it("closed is one promise, and resolves also if it is requested after the end", async () => {
    const { connection } = setup();
    const { closed } = connection;
    expect(connection.closed).toBe(closed);
    connection.abort();
    expect(await closed).toEqual({ by: "local" });
    expect(connection.closed).toBe(closed);
    const other = setup().connection;
    other.lost(undefined, { code: 1000, text: "bye" });
    expect(await other.closed).toEqual({ by: "peer", code: 1000, text: "bye" });
  });

  it("signal is one signal, which is aborted as soon as the connection is lost", () => {
    const { connection } = setup();
    const { signal } = connection;
    expect([connection.signal === signal, signal.aborted]).toEqual([true, false]);
    // A message that no one reads yet: the connection is not over.
    connection.received(ascii("a\n"));
    connection.lost(new Error("reset"));
    expect([connection.state, connection.signal === signal]).toEqual(["open", true]);
    expect([signal.aborted, signal.reason]).toEqual([true, new Error("reset")]);
  });

  it("signal is aborted if it is requested after the connection was lost", () => {
    const { connection } = setup();
    connection.received(ascii("a\n"));
    connection.lost(new Error("reset"));
    expect(connection.state).toBe("open");
    expect([connection.signal.aborted, connection.signal.reason]).toEqual([
      true,
      new Error("reset"),
    ]);
  });

  it("flushNow() writes what is queued, and returns how many bytes the sink did not take", () => {
    const { connection, sink } = setup();
    connection.send("a");
    expect([connection.flushNow(), sink.calls.at(-1)]).toEqual([0, "write a\n"]);
    sink.roomy = false;
    connection.send("b");
    expect(connection.flushNow()).toBe(0);
    connection.send("see");
    expect([connection.flushNow(), sink.calls.at(-1)]).toEqual([4, "write b\n"]);
  });
});

describe("the option signal", () => {
  it("does nothing until it is aborted", async () => {
    const controller = new AbortController();
    const { connection } = setup({ options: { signal: controller.signal } });
    await settle();
    expect(connection.state).toBe("open");
    controller.abort(new Error("enough"));
    expect(connection.state).toBe("closed");
    expect(await connection.closed).toEqual({ by: "error", error: new Error("enough") });
  });
});

describe("sendFrame", () => {
  it("refuses anything that is not a Uint8Array", () => {
    const { connection } = setup();
    for (const odd of ["text", [1, 2], new DataView(new ArrayBuffer(1)), undefined]) {
      expect(thrownBy(() => connection.sendFrame(odd as never))).toEqual(
        new TypeError("a frame must be a Uint8Array"),
      );
    }
    expect(connection.queued).toBe(0);
  });
});

describe("send with a trace", () => {
  it("returns the same as without", () => {
    const { connection } = setup({ options: { trace() {}, highWater: 4 } });
    expect([connection.send("a"), connection.send("bcdefgh")]).toEqual([true, true]);
    const { connection: full, sink } = setup({ options: { trace() {}, highWater: 4 } });
    sink.roomy = false;
    expect([full.send("a"), full.send("bcdefgh")]).toEqual([true, false]);
  });
});

describe("the source", () => {
  it("stays paused after resume() if no one reads", () => {
    const { connection, sink } = setup();
    expect(sink.calls).toEqual(["pause"]);
    connection.resume();
    expect(sink.calls).toEqual(["pause"]);
  });

  it("is not paused by use() before the connection is open", () => {
    const { connection, sink } = setup({ isOpen: false });
    connection.use(text);
    expect(sink.calls).toEqual([]);
    connection.opened();
    expect(sink.calls).toEqual(["pause"]);
  });
});

describe("use()", () => {
  it("begins a turn: time before it does not count", () => {
    const loop = new Loop();
    const got: string[] = [];
    const connection = new Connection<string>(
      delimited("|", { maxFrame: 1024 }).wrap(utf8()),
      new ScriptedSink(),
      { message: (_, value) => void got.push(value) },
      { clock: loop.clock },
    );
    connection.opened();
    connection.received(ascii("x\n".repeat(100)));
    loop.time += 100;
    connection.use(text, { message: (_, value) => void got.push(value) });
    expect(got).toHaveLength(100);
    expect(loop.isBusy).toBe(false);
  });

  it("applies the limit of the new protocol to unread bytes", () => {
    const large = lines({ maxFrame: 8_388_608 }).wrap(utf8());
    const { connection } = setup({ handlers: { error() {} } });
    connection.use(large, { error() {} });
    // More than the 8 MiB of the first protocol, less than twice the limit of this one.
    connection.received(new Uint8Array(8_400_000));
    connection.received(ascii("a"));
    expect(connection.state).toBe("open");
  });
});

describe("detach()", () => {
  it("writes what was sent in the same turn first", () => {
    const { connection, sink } = setup();
    connection.send("last");
    expect(connection.detach().socket).toBe("socket");
    expect(sink.calls).toContain("write last\n");
  });

  it("is refused with the reason", () => {
    const bare = setup({ sink: new ScriptedSink() }).connection;
    expect(thrownBy(() => bare.detach()).message).toBe(
      "this transport cannot hand its socket over",
    );
    const { connection: lost } = setup();
    lost.received(ascii("a\n"));
    lost.lost();
    expect(lost.state).toBe("open");
    expect(thrownBy(() => lost.detach()).message).toBe("detach() of a connection that is over");
    const { connection: aborted } = setup();
    aborted.abort();
    expect(thrownBy(() => aborted.detach()).message).toBe("detach() of a connection that is over");
    const { connection: ending } = setup({ handlers: { message() {} } });
    ending.end();
    expect(thrownBy(() => ending.detach()).message).toMatch(/^detach\(\) while 0 bytes wait/);
    const { connection: waiting } = setup({ isOpen: false });
    expect(thrownBy(() => waiting.detach()).message).toMatch(/^detach\(\) while 0 bytes wait/);
  });

  it("is refused while the sink holds a single byte", () => {
    const { connection, sink } = setup();
    sink.roomy = false;
    connection.sendFrame(ascii("\n"));
    expect(thrownBy(() => connection.detach()).message).toBe(
      "detach() while 1 bytes wait to be sent",
    );
    connection.drained();
    expect(connection.detach().unread).toEqual(new Uint8Array(0));
  });

  it("is refused while a value is being encoded", () => {
    const refused: string[] = [];
    const encoding = defineProtocol<string>({
      ...text,
      name: "encoding",
      encode(value, out) {
        refused.push(thrownBy(() => connection.detach()).message);
        text.encode(value, out);
      },
    });
    const { connection, sink } = setup({ protocol: encoding });
    connection.send("a");
    expect(refused).toEqual(["detach() while 0 bytes wait to be sent"]);
    expect(connection.flushNow()).toBe(0);
    expect(sink.calls.at(-1)).toBe("write a\n");
  });

  it("leaves the socket alone afterwards, even if a session aborts the connection meanwhile", () => {
    const { connection, sink } = setup();
    const log: string[] = [];
    connection.onInputEnd(() => {
      // Input is over: this runs at once.
      connection.onInputEnd(() => log.push("input end"));
      connection.abort();
    });
    connection.onClose(({ by }) => log.push(by));
    connection.detach();
    expect(log).toEqual(["input end", "local"]);
    expect(sink.calls).toEqual(["pause"]);
  });
});

describe("onOpen()", () => {
  it("calls each function once when the connection opens, before the open handler", () => {
    const log: string[] = [];
    const { connection } = setup({ isOpen: false, handlers: { open: () => log.push("handler") } });
    connection.onOpen(() => log.push("first"));
    connection.onOpen(() => log.push("second"));
    const cancel = connection.onOpen(() => log.push("cancelled"));
    cancel();
    cancel();
    connection.opened();
    expect(log).toEqual(["first", "second", "handler"]);
    connection.opened();
    expect(log).toHaveLength(3);
  });

  it("calls it at once if the connection is open, and never if that is over", () => {
    const log: string[] = [];
    const { connection } = setup();
    const cancel = connection.onOpen(() => log.push("at once"));
    cancel();
    connection.abort();
    expect(connection.onOpen(() => log.push("too late"))).toBeTypeOf("function");
    expect(log).toEqual(["at once"]);
  });
});

describe("a function that is cancelled while others run", () => {
  it.each<["onOpen" | "onClose" | "onInputEnd", (connection: Own) => void]>([
    ["onOpen", (connection) => connection.opened()],
    ["onClose", (connection) => connection.abort()],
    ["onInputEnd", (connection) => connection.abort()],
  ])("is not called: %s", (name, happen) => {
    const { connection } = setup({ isOpen: false });
    const log: string[] = [];
    connection[name](() => {
      log.push("first");
      cancel();
    });
    const cancel = connection[name](() => log.push("second"));
    happen(connection);
    expect(log).toEqual(["first"]);
  });
});

describe("onClose() and onInputEnd()", () => {
  it("call each function once, with how it ended", () => {
    const bug = new Error("enough");
    const log: unknown[] = [];
    const { connection } = setup();
    connection.onInputEnd((error) => log.push(["input end", error]));
    connection.onInputEnd(() => log.push("input end, too"));
    connection.onClose((info) => log.push(info));
    connection.onClose(() => log.push("closed, too"));
    connection.onClose(() => log.push("cancelled"))();
    connection.onInputEnd(() => log.push("cancelled"))();
    connection.abort(bug);
    const info = { by: "error", error: bug };
    expect(log).toEqual([["input end", bug], "input end, too", info, "closed, too"]);
    connection.onInputEnd((error) => log.push(error))();
    connection.onClose((late) => log.push(late))();
    expect(log.slice(4)).toEqual([bug, info]);
  });
});

describe("opened()", () => {
  it.each<[string, (connection: Own) => void]>([
    ["was opened before", (connection) => connection.opened()],
    ["was aborted", (connection) => connection.abort()],
    ["was closed", (connection) => connection.close()],
    ["was lost", (connection) => connection.lost()],
  ])("does nothing if the connection %s", (_, happen) => {
    const log: string[] = [];
    const { connection, sink } = setup({
      isOpen: false,
      handlers: { message() {}, open: () => log.push("open") },
    });
    happen(connection);
    const [opens, calls] = [log.length, sink.calls.length];
    connection.opened();
    expect([log.length, sink.calls.length]).toEqual([opens, calls]);
  });

  it("after close() sends what is queued, and neither calls open nor limits the peer's time", () => {
    const log: string[] = [];
    const { connection, sink, clock } = setup({
      isOpen: false,
      handlers: { open: () => log.push("open"), error: () => log.push("error") },
      options: { firstMessageTimeout: 100, idleTimeout: 100, closeTimeout: 5000 },
    });
    connection.onOpen(() => log.push("onOpen"));
    connection.send("last");
    connection.close();
    connection.opened();
    expect(sink.calls).toEqual(["write last\n", "close"]);
    clock.advance(1000);
    expect([log, connection.state]).toEqual([[], "closing"]);
  });

  it("calls no open handler if the sink cannot pause", () => {
    const log: unknown[] = [];
    const sink = new PeerSink();
    sink.pause = () => {
      throw new Error("no pause");
    };
    const { connection } = setup({
      isOpen: false,
      sink,
      handlers: { open: () => log.push("open"), error: (_, error) => log.push(error) },
    });
    connection.opened();
    expect([log, connection.state]).toEqual([[new Error("no pause")], "closed"]);
  });

  it("does not count the time of the open handler if no one reads yet", () => {
    const errors: unknown[] = [];
    const clock = new ManualClock();
    const { connection } = setup({
      handlers: { open: () => clock.advance(60), error: (_, error) => errors.push(error) },
      options: { clock, firstMessageTimeout: 100 },
    });
    void connection[Symbol.asyncIterator]()
      .next()
      .catch(() => {});
    clock.advance(99);
    expect(errors).toEqual([]);
    clock.advance(26);
    expect(errors).toMatchObject([{ code: "timeout" }]);
  });

  it("restarts endTimeout if the peer ended before", () => {
    const { connection, clock } = setup({
      isOpen: false,
      handlers: { error() {} },
      options: { endTimeout: 1000 },
    });
    connection.received(ascii("a\n"));
    connection.ended();
    clock.advance(900);
    connection.opened();
    clock.advance(999);
    expect(connection.state).toBe("open");
    clock.advance(300);
    expect(connection.state).toBe("closed");
  });
});

describe("hold()", () => {
  it("allows maxQueued together with unread bytes, and a byte more is an overflow", async () => {
    const made = (cost: number): { connection: Own; errors: unknown[] } => {
      const errors: unknown[] = [];
      const { connection } = setup({
        handlers: { error: (_, error) => errors.push(error) },
        options: { maxQueued: 1000 },
      });
      connection.received(ascii("123456789\n"));
      connection.hold(cost);
      return { connection, errors };
    };
    const rest = 1000 - 10;
    expect(made(rest)).toMatchObject({ connection: { state: "open" }, errors: [] });
    const { connection, errors } = made(rest + 1);
    expect(connection.state).toBe("closed");
    expect(String(errors[0])).toBe("ProtocolError: 1001 unread bytes exceed maxQueued 1000");
  });

  it("that is too much is no bug of a handler", async () => {
    const printed = await printedBy(() => {
      const { connection } = setup({ options: { maxQueued: 1000, handlerErrors: "throw" } });
      connection.hold(1001);
    });
    expect(printed).toEqual([
      expect.stringMatching(/^framewright: .*: overflow: 1001 unread bytes exceed maxQueued 1000$/),
    ]);
  });
});

describe("end() after the peer's end", () => {
  it("is the peer's end, not ours", async () => {
    const { connection, sink } = setup({ handlers: { message() {}, end() {} } });
    connection.ended();
    connection.end();
    await settle();
    expect(sink.calls).toEqual(["end", "close"]);
    connection.lost();
    expect(await connection.closed).toEqual({ by: "peer" });
  });
});

describe("an iterator that begins after the peer's clean end", () => {
  it("is done, also if the connection is aborted with an error meanwhile", async () => {
    const { connection } = setup({ handlers: { end: () => {} } });
    connection.ended();
    connection.abort(new Error("later"));
    const values = connection[Symbol.asyncIterator]();
    expect(await values.next()).toEqual({ done: true, value: undefined });
  });
});
