import { describe, expect, it } from "vitest";
import { type CloseInfo, type Connection, lines, utf8 } from "../../../../src/index.ts";
import { type BunSocket, socketHandlers } from "../../../../src/transports/bun/index.ts";

// The real thing is tested by test/runtimes; here a socket that takes as many bytes as a test likes.

const text = lines({ maxFrame: 1000 }).wrap(utf8());
const bytesOf = (s: string): Uint8Array => new TextEncoder().encode(s);

class FakeSocket implements BunSocket {
  room = Infinity;
  written = "";
  readonly calls: string[] = [];
  write(data: Uint8Array): number {
    if (this.room < 0) return -1;
    const taken = Math.min(data.length, this.room);
    this.room -= taken;
    this.written += new TextDecoder().decode(data.subarray(0, taken));
    return taken;
  }
  shutdown(): void {
    this.calls.push("shutdown");
  }
  terminate(): void {
    this.calls.push("terminate");
  }
  pause(): void {
    this.calls.push("pause");
  }
  resume(): void {
    this.calls.push("resume");
  }
}

function setup() {
  const received: string[] = [];
  const closes: CloseInfo[] = [];
  let drains = 0;
  let connection!: Connection<string, string, string>;
  const handlers = socketHandlers(text, {
    context: (socket: FakeSocket) => `context of ${socket.calls.length}`,
    open(opened) {
      connection = opened;
    },
    message: (_, line) => received.push(line),
    drain: () => drains++,
    close: (_, info) => closes.push(info),
    highWater: 10,
  });
  const socket = new FakeSocket();
  handlers.open(socket);
  return { handlers, socket, connection, received, closes, drains: () => drains };
}

describe("sockets of Bun", () => {
  it("become connections, each with its own", async () => {
    const { handlers, socket, connection, received, closes } = setup();
    const other = new FakeSocket();
    handlers.open(other);
    handlers.data(socket, bytesOf("one\ntw"));
    handlers.data(other, bytesOf("other\n"));
    handlers.data(socket, bytesOf("o\n"));
    expect(received).toEqual(["one", "other", "two"]);
    expect(connection.context).toBe("context of 0");
    handlers.end(socket);
    // One turn later: what handlers still have to say goes out.
    await new Promise((resolve) => setImmediate(resolve));
    expect(socket.calls).toEqual(["shutdown"]);
    handlers.close(socket);
    expect(closes).toEqual([{ by: "peer" }]);
  });

  it("keep for later what they do not take", async () => {
    const { handlers, socket, connection, drains } = setup();
    socket.room = 5;
    connection.send("0123456789");
    expect(connection.send("abc")).toBe(false);
    await Promise.resolve();
    expect(socket.written).toBe("01234");
    socket.room = 3;
    handlers.drain(socket);
    expect([socket.written, drains()]).toEqual(["01234567", 0]);
    socket.room = Infinity;
    handlers.drain(socket);
    expect([socket.written, drains()]).toEqual(["0123456789\nabc\n", 1]);
    handlers.drain(socket);
    expect(drains()).toBe(1);
    expect(socket.calls).toEqual([]);
  });

  it("that are closed take nothing, and keep nobody waiting", () => {
    const { handlers, socket, connection } = setup();
    socket.room = -1;
    expect(connection.send("0123456789")).toBe(true);
    expect(connection.queued).toBe(0);
    socket.room = Infinity;
    handlers.drain(socket);
    expect(socket.written).toBe("");
  });

  it("close when everything is out", async () => {
    const { handlers, socket, connection } = setup();
    socket.room = 2;
    connection.send("hello");
    connection.close();
    await Promise.resolve();
    expect([socket.written, socket.calls]).toEqual(["he", []]);
    socket.room = 1;
    handlers.drain(socket);
    expect([socket.written, socket.calls]).toEqual(["hel", []]);
    socket.room = Infinity;
    handlers.drain(socket);
    expect([socket.written, socket.calls]).toEqual(["hello\n", ["shutdown"]]);
  });

  it("pause, resume, and end at once", async () => {
    const { handlers, socket, connection, closes } = setup();
    connection.pause();
    connection.resume();
    socket.room = 1;
    connection.send("hello");
    await Promise.resolve();
    connection.abort();
    expect(socket.calls).toEqual(["pause", "resume", "terminate"]);
    handlers.drain(socket);
    expect(socket.written).toBe("h");
    expect(closes).toEqual([{ by: "local" }]);
  });

  it("say what went wrong", () => {
    const first = setup();
    const failure = new Error("reset");
    first.handlers.error(first.socket, failure);
    first.handlers.close(first.socket);
    expect(first.closes).toEqual([{ by: "error", error: failure }]);

    const second = setup();
    second.socket.room = -1;
    second.connection.send("nobody there");
    second.handlers.close(second.socket, failure);
    expect(second.closes).toEqual([{ by: "error", error: failure }]);
  });

  it("with TLS become connections behind the handshake", () => {
    const socket = Object.assign(new FakeSocket(), { [Symbol.toStringTag]: "TLSSocket" });
    const seen: string[] = [];
    const handlers = socketHandlers(text, {
      context: () => seen.push("context"),
      open: () => seen.push("open"),
      close: (_, { by }) => seen.push(by),
    });
    handlers.open(socket);
    expect(seen).toEqual([]);
    handlers.handshake(socket, true, null);
    expect(seen).toEqual(["context", "open"]);
    handlers.close(socket);
    expect(seen).toEqual(["context", "open", "peer"]);
  });

  it.each([new Error("untrusted"), null])(
    "whose handshake fails tell a client alone: %s",
    (why) => {
      for (const listener of [undefined, {}]) {
        const socket = Object.assign(new FakeSocket(), {
          listener,
          [Symbol.toStringTag]: "TLSSocket",
        });
        const seen: unknown[] = [];
        const handlers = socketHandlers(text, {
          open: () => seen.push("open"),
          error: (_, error) => seen.push(error),
          close: (_, info) => seen.push(info),
        });
        handlers.open(socket);
        handlers.handshake(socket, false, why);
        handlers.close(socket);
        expect(socket.calls).toEqual(["terminate"]);
        const error = why ?? expect.objectContaining({ code: "closed" });
        expect(seen).toEqual(listener === undefined ? [error, { by: "error", error }] : []);
      }
    },
  );

  it("that never opened are nobody's", () => {
    const { handlers } = setup();
    const stranger = new FakeSocket();
    handlers.data(stranger, bytesOf("x\n"));
    handlers.drain(stranger);
    handlers.end(stranger);
    handlers.error(stranger, new Error("refused"));
    handlers.close(stranger);
    expect(stranger.calls).toEqual([]);
  });
});
