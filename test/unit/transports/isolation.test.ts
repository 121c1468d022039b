import { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import { type CloseInfo, type Handlers, lines, perMessage, utf8 } from "../../../src/index.ts";
import { type BunSocket, socketHandlers } from "../../../src/transports/bun/index.ts";
import { attach } from "../../../src/transports/node/index.ts";
import { attachStreams, attachWebSocket } from "../../../src/transports/web/index.ts";
import { FakeWebSocket } from "../../support/fake-web-socket.ts";

/*
 * Whatever a handler does, on every transport: its bug is reported once, ends its own connection, and is no uncaught
 * exception of the process.
 */

type Options = Handlers<string> & { handlerErrors?: "report" | "throw" };

/** The peer of a connection. */
interface Peer {
  say(text: string): void;
  end(): void;
}

const framed = lines().wrap(utf8());
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

const transports: Record<string, (options: Options) => Peer> = {
  "a Duplex"(options) {
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    attach(stream, framed, options);
    return {
      say: (text) => void stream.push(text),
      end: () => void stream.push(null),
    };
  },
  "web streams"(options) {
    const incoming = new TransformStream<Uint8Array, Uint8Array>();
    const writer = incoming.writable.getWriter();
    const writable = new WritableStream<Uint8Array<ArrayBuffer>>();
    attachStreams({ readable: incoming.readable, writable }, framed, options);
    return {
      say: (text) => void writer.write(bytesOf(text)).catch(() => {}),
      end: () => void writer.close().catch(() => {}),
    };
  },
  "a WebSocket"(options) {
    const socket = new FakeWebSocket();
    const close = (): void => {
      if (socket.readyState === 3) return;
      socket.readyState = 3;
      socket.emit("close", { code: 1000, reason: "", wasClean: true });
    };
    const { close: shut } = socket;
    socket.close = (...args) => {
      Reflect.apply(shut, socket, args);
      queueMicrotask(close);
    };
    attachWebSocket(socket, perMessage().wrap(utf8()), options);
    return {
      say: (text) => socket.emit("message", { data: text.trimEnd() }),
      end: close,
    };
  },
  "a socket of Bun"(options) {
    const socket: BunSocket = {
      write: (data) => data.length,
      shutdown: () => queueMicrotask(() => handlers.close(socket)),
      terminate: () => queueMicrotask(() => handlers.close(socket)),
      pause() {},
      resume() {},
    };
    const handlers = socketHandlers(framed, options);
    handlers.open(socket);
    return {
      say: (text) => handlers.data(socket, bytesOf(text)),
      end: () => handlers.end(socket),
    };
  },
};

const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);
let printed: MockInstance<typeof console.error>;

beforeEach(() => {
  printed = vi.spyOn(console, "error").mockImplementation(() => {});
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
});
afterEach(() => {
  process.off("uncaughtException", note);
  process.off("unhandledRejection", note);
  expect(uncaught.splice(0)).toEqual([]);
  vi.restoreAllMocks();
});

const bug = (name: string): Error => new Error(`bug in ${name}`);
const failures = {
  throws(name: string): never {
    throw bug(name);
  },
  rejects: (name: string): Promise<never> => Promise.reject(bug(name)),
};

const settle = async (): Promise<void> => {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setTimeout(resolve, 2));
};

describe.each(Object.keys(transports))("%s", (transport) => {
  const make = transports[transport]!;

  describe.each(["throws", "rejects"] as const)("with a handler that %s", (kind) => {
    const fail = failures[kind];

    it.each(["open", "message", "end"])("in `%s` prints the bug once and closes", async (name) => {
      const closes: CloseInfo[] = [];
      const peer = make({
        message() {},
        close: (_, info) => closes.push(info),
        [name]: () => fail(name),
      });
      peer.say("one\n");
      await settle();
      // A WebSocket has no end of its own: there it is over.
      peer.end();
      await settle();
      const isCalled = name !== "end" || transport !== "a WebSocket";
      expect(printed.mock.calls.map(([line]) => String(line).split("\n")[0])).toEqual(
        isCalled ? [`framewright: a handler failed: Error: bug in ${name}`] : [],
      );
      expect(closes).toMatchObject(
        isCalled ? [{ by: "error", error: { message: `bug in ${name}` } }] : [{}],
      );
    });

    it("in `message` tells the `error` handler alone, if there is one", async () => {
      const errors: unknown[] = [];
      const closes: CloseInfo[] = [];
      const peer = make({
        message: () => fail("message"),
        error: (_, error) => errors.push(error),
        close: (_, info) => closes.push(info),
        handlerErrors: "throw",
      });
      peer.say("one\n");
      peer.say("two\n");
      await settle();
      peer.end();
      await settle();
      expect(errors).toEqual([bug("message")]);
      expect(closes).toMatchObject([{ by: "error", error: errors[0] }]);
      expect(printed).not.toHaveBeenCalled();
    });

    it("in `close` prints the bug once", async () => {
      const peer = make({
        message: (connection) => connection.close(),
        close: () => fail("close"),
      });
      peer.say("one\n");
      await settle();
      peer.end();
      await settle();
      expect(printed).toHaveBeenCalledTimes(1);
      expect(printed.mock.calls[0]?.[0]).toContain("Error: bug in close");
    });
  });
});

describe.each(["at once", "after it has awaited something"])(
  "a handler that terminates its socket %s",
  (when) => {
    /** Says three lines in one chunk, and waits until the connection is closed. */
    async function heardOf(
      begin: (
        options: Options,
        terminate: (close: () => void) => () => void,
      ) => (text: string) => void,
    ): Promise<{ heard: string[]; closes: CloseInfo[]; calls: number }> {
      const heard: string[] = [];
      const closes: CloseInfo[] = [];
      let calls = 0;
      let terminate = (): void => {};
      const say = begin(
        {
          message(_, line) {
            heard.push(line);
            if (when === "at once") return void terminate();
            return Promise.resolve().then(() => terminate());
          },
          close: (_, info) => closes.push(info),
        },
        (close) => () => {
          calls++;
          close();
        },
      );
      terminate = () => socket.terminate?.();
      say("one\ntwo\nthree\n");
      await settle();
      return { heard, closes, calls };
    }
    let socket: { terminate?(): void };
    const expected = { heard: ["one"], closes: [{ by: "local" }], calls: 1 };

    it("gets no further message of a WebSocket", async () => {
      const found = await heardOf((options, terminate) => {
        const fake = Object.assign(new FakeWebSocket(), {
          terminate: terminate(() => {
            fake.readyState = 3;
            fake.emit("close", { code: 1006, reason: "", wasClean: false });
          }),
        });
        socket = fake;
        attachWebSocket(fake, framed, { ...options, boundary: "stream" });
        return (text) => fake.emit("message", { data: bytesOf(text).buffer });
      });
      expect(found).toMatchObject(expected);
    });

    it("gets no further message of a socket of Bun", async () => {
      const found = await heardOf((options, terminate) => {
        const handlers = socketHandlers(framed, options);
        const own: BunSocket = {
          write: (data) => data.length,
          shutdown() {},
          // Bun calls `close` before `terminate` returns.
          terminate: terminate(() => handlers.close(own)),
          pause() {},
          resume() {},
        };
        socket = own;
        handlers.open(own);
        return (text) => handlers.data(own, bytesOf(text));
      });
      expect(found).toMatchObject(expected);
    });
  },
);

describe("socketHandlers", () => {
  it("close a socket whose `context` throws, and print why", () => {
    const calls: string[] = [];
    const socket: BunSocket = {
      write: (data) => data.length,
      shutdown: () => void calls.push("shutdown"),
      terminate: () => void calls.push("terminate"),
      pause() {},
      resume() {},
    };
    socketHandlers(framed, { context: () => failures.throws("context") }).open(socket);
    expect(calls).toEqual(["terminate"]);
    expect(printed.mock.calls[0]?.[0]).toContain("Error: bug in context");
  });
});

it.each([
  ["attachStreams", (options: object) => attachStreams({}, framed, options)],
  ["attachWebSocket", (options: object) => attachWebSocket(new FakeWebSocket(), framed, options)],
  ["socketHandlers", (options: object) => socketHandlers(framed, options)],
])("%s refuses options that do not exist and invalid limits", (name, call) => {
  expect(() => call({ openTimeout: 1 })).toThrow(`${name} has no option "openTimeout"`);
  expect(() => call({ maxQueued: Number.NaN })).toThrow(RangeError);
});
