import { afterEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import { WebSocket as WsSocket } from "ws";
import {
  type CloseInfo,
  type Connection,
  json,
  lines,
  ProtocolError,
  perMessage,
  raw,
  utf8,
} from "../../../../src/index.ts";
import { attachWebSocket, type WebSocketLike } from "../../../../src/transports/web/index.ts";
import { FakeWebSocket } from "../../../support/fake-web-socket.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const text = perMessage().wrap(utf8());
const bytes = perMessage().wrap(raw());

describe("a WebSocket without a callback", () => {
  it("is looked at until its bytes are out", () => {
    const socket = new FakeWebSocket();
    const clock = new ManualClock();
    let drains = 0;
    const connection = attachWebSocket(socket, bytes, { clock, drain: () => drains++ });
    const message = new Uint8Array(200 * 1024);
    expect(connection.send(message)).toBe(true);
    // The second one fills the socket; the next one is beyond the high-water mark.
    connection.send(message);
    expect(connection.send(message)).toBe(false);
    clock.advance(0);
    expect(socket.sent.length).toBe(2);
    clock.advance(1000);
    expect([socket.sent.length, drains]).toEqual([2, 0]);

    socket.bufferedAmount = 128 * 1024 + 1;
    clock.advance(1000);
    expect([socket.sent.length, drains]).toEqual([2, 0]);

    socket.bufferedAmount = 128 * 1024;
    clock.advance(1000);
    expect([socket.sent.length, drains]).toEqual([3, 0]);
    socket.bufferedAmount = 0;
    clock.advance(1000);
    expect([socket.sent.length, drains]).toEqual([3, 1]);
    expect(clock.waiting).toBe(0);
  });

  it("is not looked at any more once it closes", () => {
    const socket = new FakeWebSocket();
    const clock = new ManualClock();
    const connection = attachWebSocket(socket, bytes, { clock });
    connection.send(new Uint8Array(600 * 1024));
    expect(clock.waiting).toBe(1);
    socket.readyState = 2;
    clock.advance(10);
    expect(clock.waiting).toBe(0);
    connection.send(new Uint8Array(1));
    clock.advance(10);
    expect(socket.sent.length).toBe(1);
  });

  it("may lack bufferedAmount", async () => {
    const socket: Partial<FakeWebSocket> & FakeWebSocket = new FakeWebSocket();
    Object.defineProperty(socket, "bufferedAmount", { value: undefined, writable: false });
    socket.send = (data) => void socket.sent.push(data);
    const connection = attachWebSocket(socket, bytes);
    for (let i = 0; i < 3; i++) expect(connection.send(new Uint8Array(200 * 1024))).toBe(true);
    await Promise.resolve();
    expect(socket.sent.length).toBe(3);
  });
});

it("is sent nothing once it is closing, and that is no reason to wait", async () => {
  const socket = new FakeWebSocket();
  const connection = attachWebSocket(socket, bytes);
  socket.readyState = 2;
  expect(connection.send(new Uint8Array(300 * 1024))).toBe(true);
  await Promise.resolve();
  expect([socket.sent, connection.queued]).toEqual([[], 0]);
});

it("tells what went wrong, where the socket does", () => {
  const refused = new Error("ECONNREFUSED");
  for (const error of [refused, undefined]) {
    const socket = new FakeWebSocket();
    const closes: CloseInfo[] = [];
    const errors: unknown[] = [];
    attachWebSocket(socket, bytes, {
      error: (_, found) => errors.push(found),
      close: (_, info) => closes.push(info),
    });
    socket.emit("error", { error });
    socket.readyState = 3;
    socket.emit("close", { code: 1006, reason: "", wasClean: false });
    const told = error ?? new ProtocolError("closed", "the WebSocket failed");
    expect(errors).toEqual([told]);
    expect(closes).toEqual([{ by: "error", error: told, code: 1006, text: "" }]);
  }
});

it("wants ArrayBuffers, and refuses what is none", () => {
  const socket = new FakeWebSocket();
  const errors: unknown[] = [];
  const closes: CloseInfo[] = [];
  const received: string[] = [];
  attachWebSocket(socket, text, {
    message: (_, value) => received.push(value),
    error: (_, error) => errors.push(error),
    close: (_, info) => closes.push(info),
  });
  expect(socket.binaryType).toBe("arraybuffer");
  const encoded = new TextEncoder().encode("-b-");
  socket.emit("message", { data: "a" });
  socket.emit("message", { data: encoded.slice(1, 2).buffer });
  socket.emit("message", { data: new DataView(encoded.buffer, 1, 1) });
  expect(received).toEqual(["a", "b", "b"]);
  socket.emit("message", { data: new Blob(["c"]) });
  expect(closes).toMatchObject([{ by: "error", error: { name: "TypeError" } }]);
  expect(socket.closes).toEqual(["4011 "]);
  socket.emit("message", { data: "d" });
  expect(received.length).toBe(3);
});

describe("without TextEncoder and TextDecoder", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("sends and receives text", async () => {
    vi.stubGlobal("TextEncoder", undefined);
    vi.stubGlobal("TextDecoder", undefined);
    const socket = new FakeWebSocket();
    const received: string[] = [];
    const connection = attachWebSocket(socket, text, {
      message: (_, value) => received.push(value),
    });
    socket.emit("message", { data: "é€😀" });
    socket.emit("message", { data: "half a pair: \ud83d." });
    expect(received).toEqual(["é€😀", "half a pair: \ufffd."]);
    connection.send("é€😀");
    await Promise.resolve();
    expect(socket.sent).toEqual(["é€😀"]);
  });
});

it("keeps what ws brings without a copy", () => {
  const socket = new FakeWebSocket();
  socket.binaryType = "nodebuffer";
  attachWebSocket(socket, bytes);
  expect(socket.binaryType).toBe("nodebuffer");
});

it("keeps what comes during a pause, up to maxQueued, and says 1008 as a browser may", () => {
  const socket = new FakeWebSocket();
  const connection = attachWebSocket(socket, text, { maxQueued: 1607 });
  for (let i = 0; i < 8; i++) socket.emit("message", { data: "x" });
  expect(connection.state).toBe("open");
  socket.emit("message", { data: "x" });
  expect(connection.state).toBe("closed");
  expect(socket.closes).toEqual(["4008 1608 unread bytes exceed maxQueued 1607"]);
});

it("tells the peer no more than a close frame holds", () => {
  const socket = new FakeWebSocket();
  const long = lines().wrap({
    ...utf8(),
    decode(): string {
      throw new ProtocolError("malformed", `ü${"x".repeat(200)}`);
    },
  });
  attachWebSocket(socket, long, { message: () => {} });
  socket.emit("message", { data: "\n" });
  expect(socket.closes).toEqual([`4002 ?${"x".repeat(122)}`]);
});

it("answers the peer's close where the socket does not do it by itself, as in workerd", () => {
  for (const [readyState, code, answer] of [
    [2, 1000, ["1000 "]],
    [2, 1005, ["1005 "]],
    [3, 1000, []],
  ] as const) {
    const socket = new FakeWebSocket();
    const closes: CloseInfo[] = [];
    attachWebSocket(socket, text, { message: () => {}, close: (_, info) => closes.push(info) });
    socket.readyState = readyState;
    socket.emit("close", { code, reason: "bye", wasClean: true });
    expect(closes).toEqual([{ by: "peer", code, text: "bye" }]);
    expect(socket.closes).toEqual(answer);
  }
});

it("says that a WebSocket failed, where the browser does not say why", () => {
  const socket = new FakeWebSocket();
  socket.readyState = 0;
  const closes: CloseInfo[] = [];
  const connection = attachWebSocket(socket, text, { close: (_, info) => closes.push(info) });
  connection.send("never");
  socket.emit("error");
  socket.emit("close", { code: 1006, reason: "", wasClean: false });
  expect(closes).toMatchObject([{ by: "error", code: 1006, error: { code: "closed" } }]);
  expect(socket.sent).toEqual([]);
});

it("puts frames of a stream into binary messages, joined", async () => {
  const socket = new FakeWebSocket();
  const connection = attachWebSocket(socket, lines().wrap(utf8()), { boundary: "stream" });
  connection.send("a");
  connection.send("b");
  await Promise.resolve();
  expect(socket.sent).toEqual([new TextEncoder().encode("a\nb\n")]);
});

it("keeps hardly more memory alive than waits in a socket, whatever others write meanwhile", async () => {
  // As those of `ws`, which keep what they are given.
  const [slow, busy] = [new FakeWebSocket(), new FakeWebSocket()].map((socket) => {
    const emitter = Object.assign(socket, { on() {} });
    return { socket, connection: attachWebSocket(emitter, bytes, { message() {} }) };
  });
  for (let i = 0; i < 200; i++) {
    expect(slow!.connection.send(Uint8Array.of(i))).toBe(true);
    await Promise.resolve();
    // A slab's worth: what is written next lies in another one.
    busy!.connection.send(new Uint8Array(8192));
    await Promise.resolve();
    busy!.socket.bufferedAmount = 0;
  }
  const sent = slow!.socket.sent as Uint8Array[];
  expect(sent.map(([first]) => first)).toEqual(Array.from({ length: 200 }, (_, i) => i));
  const held = Array.from(new Set(sent.map(({ buffer }) => buffer)), (one) => one.byteLength);
  expect(held.reduce((sum, length) => sum + length)).toBeLessThan(200 + 2 * 65_536);
});

it("has types for every WebSocket there is", () => {
  expectTypeOf<WebSocket>().toExtend<WebSocketLike>();
  expectTypeOf<WsSocket>().toExtend<WebSocketLike>();
  const check = (socket: WsSocket): void => {
    const connection = attachWebSocket(socket, perMessage().wrap(json<1, 2>()), {
      context: () => new Map<string, number>(),
      message(connection, value) {
        expectTypeOf(value).toEqualTypeOf<2>();
        connection.context.set("x", value);
      },
    });
    expectTypeOf(connection).toEqualTypeOf<Connection<1, 2, Map<string, number>>>();
    attachWebSocket(socket, lines().wrap(utf8()), {
      boundary: "stream",
      message: (_, value) => expectTypeOf(value).toEqualTypeOf<string>(),
    });
    // @ts-expect-error a protocol without framing cannot read a stream
    attachWebSocket(socket, text, { boundary: "stream" });
  };
  expect(check).toBeTypeOf("function");
  expect(WsSocket).toBeTypeOf("function");
});

/** A socket as WeChat's adapter has it: no `addEventListener`, no `wasClean`, and nothing but text and ArrayBuffers. */
class MiniGameSocket {
  readyState = 0;
  readonly sent: (string | ArrayBuffer)[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null = null;
  onclose: ((event: { code?: number; reason?: string }) => void) | null = null;
  onerror: ((event?: { errMsg: string }) => void) | null = null;

  send(data: string | ArrayBuffer): void {
    if (typeof data !== "string" && !(data instanceof ArrayBuffer)) throw new TypeError("invalid");
    this.sent.push(data);
  }

  close(code = 1000, reason = ""): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
}

describe("a WebSocket without addEventListener", () => {
  it("is read by onmessage, and sent ArrayBuffers", async () => {
    const socket = new MiniGameSocket();
    const came: number[][] = [];
    const connection = attachWebSocket(socket, bytes, {
      message: (_, message) => void came.push([...message]),
    });
    connection.send(Uint8Array.of(1, 2));
    expect(socket.sent).toEqual([]);
    socket.open();
    connection.send(Uint8Array.of(3));
    await undefined;
    expect(socket.sent).toEqual([Uint8Array.of(1, 2).buffer, Uint8Array.of(3).buffer]);
    socket.onmessage!({ data: Uint8Array.of(4, 5).buffer });
    expect(came).toEqual([[4, 5]]);
    connection.close();
    expect(await connection.closed).toEqual({ by: "local", code: 1000, text: "" });
  });

  it("carries text as text", async () => {
    const socket = new MiniGameSocket();
    const came: string[] = [];
    const connection = attachWebSocket(socket, text, {
      message: (_, message) => void came.push(message),
    });
    socket.open();
    connection.send("grüße");
    await undefined;
    socket.onmessage!({ data: "🦀" });
    expect([socket.sent, came]).toEqual([["grüße"], ["🦀"]]);
    connection.abort();
  });

  it.each([
    [{ code: 1001, reason: "gone" }, undefined],
    [{ code: 1006 }, "WebSocket lost (1006)"],
    [{}, "the WebSocket was closed already"],
  ])("is lost cleanly unless its close frame never came: %j", async (event, message) => {
    const socket = new MiniGameSocket();
    const connection = attachWebSocket(socket, bytes, { message() {}, error() {} });
    socket.open();
    socket.readyState = 3;
    socket.onclose!(event);
    const { error } = await connection.closed;
    expect((error as Error | undefined)?.message).toBe(message);
  });

  it("reports an error that comes without an event", async () => {
    const socket = new MiniGameSocket();
    const connection = attachWebSocket(socket, bytes, { message() {}, error() {} });
    socket.onerror!();
    socket.onclose!({ code: 1006 });
    expect((await connection.closed).error).toMatchObject({ message: "the WebSocket failed" });
  });
});
