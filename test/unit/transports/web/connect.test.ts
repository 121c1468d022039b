import { afterEach, describe, expect, it, vi } from "vitest";
import { type CloseInfo, lines, perMessage, utf8 } from "../../../../src/index.ts";
import {
  type ConnectWebSocketOptions,
  connectWebSocket,
  type ReconnectOptions,
  type WebSocketClass,
} from "../../../../src/transports/web/index.ts";
import { FakeWebSocket } from "../../../support/fake-web-socket.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const text = perMessage().wrap(utf8());

/** A client whose sockets a test opens and loses. */
function setup(options: ConnectWebSocketOptions<string> = {}) {
  const sockets: (FakeWebSocket & { args: unknown[] })[] = [];
  class Socket extends FakeWebSocket {
    args: unknown[];
    constructor(...args: unknown[]) {
      super();
      this.readyState = 0;
      this.args = args;
      sockets.push(this);
    }
  }
  const clock = new ManualClock();
  const closes: CloseInfo[] = [];
  let opens = 0;
  const client = connectWebSocket("ws://x", text, {
    WebSocket: Socket as WebSocketClass,
    clock,
    message: () => {},
    open: () => opens++,
    close: (_, info) => closes.push(info),
    ...options,
    boundary: "message",
  });
  const open = (): void => {
    const socket = sockets.at(-1)!;
    socket.readyState = 1;
    socket.emit("open");
  };
  const lose = (code = 1006): void => {
    const socket = sockets.at(-1)!;
    socket.readyState = 3;
    socket.emit("close", { code, reason: "", wasClean: code !== 1006 });
  };
  return { client, clock, sockets, closes, open, lose, opens: () => opens };
}

const patient: ReconnectOptions = { minDelay: 100, maxDelay: 1000, factor: 2, jitter: 0 };

describe("connectWebSocket", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("makes one connection, and no more unless told to", async () => {
    const { client, clock, sockets, closes, open, lose } = setup({ protocols: ["a", "b"] });
    expect(client.state).toBe("connecting");
    expect(client.send("too early")).toBe(false);
    expect(client.connection).toBeUndefined();
    const ready = client.ready();
    open();
    const connection = await ready;
    expect([client.state, client.connection]).toEqual(["open", connection]);
    expect(await client.ready()).toBe(connection);
    expect(client.send("x")).toBe(true);
    await Promise.resolve();
    expect(sockets[0]!.sent).toEqual(["x"]);
    expect(sockets[0]!.args).toEqual(["ws://x", ["a", "b"]]);
    lose();
    clock.advance(100_000);
    expect([client.state, sockets.length]).toEqual(["closed", 1]);
    expect(closes).toMatchObject([{ by: "error", code: 1006 }]);
    await expect(client.ready()).rejects.toMatchObject({ code: "closed" });
    expect(clock.waiting).toBe(0);
  });

  it("says why there is no connection", async () => {
    const { client, lose } = setup();
    const ready = client.ready();
    lose();
    await expect(ready).rejects.toThrow("WebSocket lost (1006)");
  });

  it("waits ever longer between attempts", async () => {
    const { client, clock, sockets, lose } = setup({ reconnect: patient });
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      lose();
      expect(client.state).toBe("waiting");
      const before = sockets.length;
      let waited = 0;
      while (sockets.length === before) {
        clock.advance(50);
        waited += 50;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  it("starts anew with short delays after a connection that has received a message, and only then", () => {
    const { clock, sockets, open, lose, opens } = setup({ reconnect: patient });
    lose();
    clock.advance(100);
    open();
    clock.advance(100_000);
    lose();
    clock.advance(199);
    expect(sockets.length).toBe(2);
    clock.advance(1);
    expect(sockets.length).toBe(3);
    open();
    sockets.at(-1)!.emit("message", { data: "hello" });
    lose();
    clock.advance(100);
    expect(sockets.length).toBe(4);
    expect(opens()).toBe(2);
  });

  it("leaves part of the delay to chance", () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const { clock, sockets, lose } = setup({ reconnect: { ...patient, jitter: 0.4 } });
    lose();
    clock.advance(59);
    expect(sockets.length).toBe(1);
    clock.advance(1);
    expect(sockets.length).toBe(2);
    vi.restoreAllMocks();
  });

  it("gives up after so many attempts, or when told that it makes no sense", async () => {
    const few = setup({ reconnect: { ...patient, attempts: 2 } });
    const ready = few.client.ready();
    for (let i = 0; i < 3; i++) {
      few.lose();
      few.clock.advance(5000);
    }
    expect([few.client.state, few.sockets.length]).toEqual(["closed", 3]);
    await expect(ready).rejects.toMatchObject({ code: "closed" });

    const banned = setup({ reconnect: { ...patient, when: ({ code }) => code !== 4403 } });
    banned.open();
    banned.lose(4403);
    expect(banned.client.state).toBe("closed");
  });

  it("does not come back when it was closed here, in any state", async () => {
    const opened = setup({ reconnect: true });
    opened.open();
    opened.client.close();
    expect(opened.sockets[0]!.closes).toEqual(["1000 "]);
    opened.lose(1000);
    opened.clock.advance(100_000);
    expect([opened.client.state, opened.sockets.length]).toEqual(["closed", 1]);

    const handler = setup({ reconnect: true });
    handler.open();
    handler.client.connection!.close();
    handler.lose(1000);
    expect(handler.client.state).toBe("closed");

    const connecting = setup({ reconnect: true });
    const ready = connecting.client.ready();
    connecting.client.close();
    await expect(ready).rejects.toMatchObject({ code: "closed" });
    expect(connecting.closes).toEqual([{ by: "local" }]);

    const waiting = setup({ reconnect: true });
    waiting.lose();
    waiting.client.close();
    waiting.clock.advance(100_000);
    expect(waiting.sockets.length).toBe(1);
    waiting.client.close();
  });

  it("gives an attempt up that takes too long", () => {
    const { client, clock, sockets, closes } = setup({ connectTimeout: 300, reconnect: patient });
    clock.advance(300);
    expect(closes).toMatchObject([{ by: "error", error: { code: "timeout" } }]);
    expect(client.state).toBe("waiting");
    clock.advance(100);
    expect(sockets.length).toBe(2);

    const endless = setup({ connectTimeout: 0 });
    expect(endless.clock.waiting).toBe(0);
  });

  it("ends with its signal", async () => {
    const controller = new AbortController();
    const { client, open } = setup({ signal: controller.signal, reconnect: true });
    open();
    controller.abort();
    expect(client.state).toBe("closed");

    const late = setup({ signal: controller.signal });
    expect([late.client.state, late.sockets.length]).toEqual(["closed", 0]);
  });

  it("says so where there is no WebSocket", () => {
    vi.stubGlobal("WebSocket", undefined);
    expect(() => connectWebSocket("ws://x", text)).toThrow("pass the class of the package ws");
  });

  it("takes the runtime's WebSocket, and sockets that are open at once", async () => {
    class Socket extends FakeWebSocket {}
    vi.stubGlobal("WebSocket", Socket);
    const client = connectWebSocket("ws://x", lines().wrap(utf8()), { boundary: "stream" });
    expect(client.state).toBe("open");
    expect(await client.ready()).toBe(client.connection);
    client.close();

    class Closed extends FakeWebSocket {
      override readyState = 3;
    }
    vi.stubGlobal("WebSocket", Closed);
    expect(connectWebSocket("ws://x", text).state).toBe("closed");
  });
});
