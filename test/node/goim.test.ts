import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import {
  decodeFrame,
  decodeUtf8,
  encodeAll,
  encodeFrame,
  type ProtocolError,
  Splitter,
} from "../../src/index.ts";
import {
  type AuthToken,
  authToken,
  Comet,
  GoimClient,
  goim,
  goimJson,
  onlineCount,
  operationList,
  operations,
  type ReceivedAuthToken,
  type Retry,
  roomId,
} from "../../src/protocols/goim/index.ts";
import { connect, listen } from "../../src/transports/node/index.ts";
import { attachWebSocket } from "../../src/transports/web/index.ts";
import { decoded, type Message, peerProtocol, recorded, valuesOf } from "../support/recorded.ts";

const { v2 } = operations;
const host = "127.0.0.1";
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

/** Values that come one by one, to be waited for. */
function queue<T>() {
  const values: T[] = [];
  let wake = (): void => {};
  return {
    put(value: T): void {
      values.push(value);
      wake();
    },
    async take(): Promise<T> {
      while (values.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return values.shift()!;
    },
  };
}

async function serve() {
  const comet = new Comet<ReceivedAuthToken>({
    authenticate(token) {
      const user = decodeFrame(authToken, token);
      const { key, room_id: room, accepts } = user;
      return { user, room, accepts, ...(key && { key }) };
    },
  });
  const server = await listen(comet.protocol, {
    port: 0,
    host,
    ...comet.handlers,
  });
  toClose.push(() => server.close());
  const url = await webSockets((socket) => {
    attachWebSocket(socket, comet.messageProtocol, comet.handlers);
  });
  return { comet, port: server.port!, url };
}

/** A WebSocket server at the one path that goim has. */
async function webSockets(serveSocket: (socket: WebSocket) => unknown): Promise<string> {
  const server = new WebSocketServer({ host, port: 0, path: "/sub" });
  toClose.push(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  server.on("connection", serveSocket);
  await once(server, "listening");
  return `ws://${host}:${(server.address() as AddressInfo).port}/sub`;
}

function follow(where: number | string, token: AuthToken) {
  const pushes = queue<[number, string]>();
  const retries = queue<unknown>();
  const online = queue<number>();
  const client = new GoimClient({
    connect: (protocol, handlers) =>
      typeof where === "number"
        ? connect(protocol, { port: where, host, ...handlers })
        : attachWebSocket(new WebSocket(where), protocol, handlers),
    token: encodeFrame(authToken, token),
    reconnect: { minDelay: 10, maxDelay: 50 },
    push: (_, packet) => pushes.put([packet.op, decodeUtf8(packet.body)]),
    online: (_, count) => online.put(count),
    retry: (_, { error }: Retry) => retries.put((error as ProtocolError).code ?? error),
  });
  toClose.push(() => client.close());
  return { client, pushes, retries, online };
}

describe("goim over real sockets", () => {
  it("serves TCP and WebSocket clients alike", async () => {
    const { comet, port, url } = await serve();
    const tcp = follow(port, { mid: 1, room_id: "live://1", accepts: [1000] });
    const ws = follow(url, {
      mid: 2n ** 60n,
      room_id: "live://1",
      key: "k",
      accepts: [1000, 1001],
    });
    // The heartbeat behind the token says how many are there.
    expect([1, 2]).toContain(await tcp.online.take());
    expect([1, 2]).toContain(await ws.online.take());
    expect([...comet.room("live://1")].map(({ user }) => user.mid).sort()).toEqual([1n, 2n ** 60n]);

    comet.pushRoom("live://1", { op: 7000, body: text("one") }, { op: 7001, body: text("two") });
    comet.broadcast({ op: 1000, body: text("all") });
    comet.broadcast({ op: 1001, body: text("some") });
    comet.push("k", { op: 1001, body: text("you") });
    for (const { pushes } of [tcp, ws]) {
      expect(await pushes.take()).toEqual([7000, "one"]);
      expect(await pushes.take()).toEqual([7001, "two"]);
      expect(await pushes.take()).toEqual([1000, "all"]);
    }
    expect(await ws.pushes.take()).toEqual([1001, "some"]);
    expect(await ws.pushes.take()).toEqual([1001, "you"]);

    const room = encodeFrame(roomId, "live://2");
    const replies = await Promise.all([
      tcp.client.request(v2.changeRoom, room),
      tcp.client.request(v2.subscribe, encodeFrame(operationList, [1001])),
      tcp.client.request(v2.send, text("hi")),
    ]);
    expect(replies.map(({ op, body }) => [op, decodeUtf8(body)])).toEqual([
      [13, "live://2"],
      [15, "1001"],
      [4, ""],
    ]);
    expect([comet.room("live://1").size, comet.room("live://2").size]).toEqual([1, 1]);
    comet.broadcast({ op: 1001, body: text("now both") });
    expect(await tcp.pushes.take()).toEqual([1001, "now both"]);
    expect(await ws.pushes.take()).toEqual([1001, "now both"]);
  });

  it.each(["TCP", "WebSocket"])(
    "comes back over %s when the server drops it",
    async (transport) => {
      const { comet, port, url } = await serve();
      const { client, retries, online } = follow(transport === "TCP" ? port : url, { mid: 1 });
      for (let i = 0; i < 3; i++) {
        await online.take();
        for (const { connection } of comet.sessions) connection.abort();
        expect(["closed", "ECONNRESET"]).toContain(await retries.take());
      }
      await online.take();
      expect(client.state).toBe("open");
    },
  );

  it("tries again if no one listens", async () => {
    const server = createServer();
    server.listen(0, host);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    const { client, retries } = follow(port, { mid: 1 });
    expect(await retries.take()).toBe("ECONNREFUSED");
    expect(await retries.take()).toBe("ECONNREFUSED");
    client.close();
    await expect(client.request(v2.send)).rejects.toMatchObject({ code: "closed" });
  });

  it("reads the bytes of a server one by one, and in one piece", async () => {
    const protocol = goim();
    const pushes = Array.from({ length: 5 }, (_, i) => ({ op: 1000 + i, body: text(`${i}`) }));
    const server = createServer((socket: Socket) => {
      const splitter = new Splitter(protocol);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("data", async (chunk) => {
        splitter.push(Uint8Array.from(chunk));
        while (splitter.next()) {
          const { op, seq } = protocol.decode(splitter.bytes, splitter.start, splitter.end);
          if (op === v2.auth) socket.write(encodeFrame(protocol, { op: v2.authReply, seq }));
          if (op !== v2.heartbeat) continue;
          const count = encodeFrame(onlineCount, 3);
          const bytes = encodeAll(protocol, [
            { op: v2.heartbeatReply, seq, body: count },
            ...pushes,
          ]);
          for (const byte of bytes) {
            socket.write(Uint8Array.of(byte));
            await new Promise((resolve) => setImmediate(resolve));
          }
          socket.write(encodeAll(protocol, pushes));
        }
      });
    });
    server.listen(0, host);
    await once(server, "listening");
    toClose.push(() => server.close());
    const { pushes: heard, online } = follow((server.address() as AddressInfo).port, { mid: 1 });
    expect(await online.take()).toBe(3);
    for (let round = 0; round < 2; round++) {
      for (const { op } of pushes) expect(await heard.take()).toEqual([op, `${op - 1000}`]);
    }
  });

  it("speaks JSON of v1.2 over a text WebSocket", async () => {
    const comet = new Comet<unknown, unknown>({
      dialect: "v1",
      protocol: goimJson({ side: "server" }),
      authenticate: (user) => ({ user, room: "all" }),
    });
    const url = await webSockets((socket) => {
      attachWebSocket(socket, comet.messageProtocol, comet.handlers);
    });
    const pushes = queue<unknown>();
    const opened = queue<true>();
    const client = new GoimClient({
      dialect: "v1",
      protocol: goimJson({ side: "client" }),
      token: 123,
      connect: (protocol, handlers) => attachWebSocket(new WebSocket(url), protocol, handlers),
      open: () => opened.put(true),
      push: (_, packet) => pushes.put(packet.body),
    });
    toClose.push(() => client.close());
    await opened.take();
    const reply = await client.request(operations.v1.send, { say: "<hi>" });
    expect([reply.op, reply.body]).toEqual([5, { say: "<hi>" }]);
    comet.pushRoom("all", { op: 5, body: 1 }, { op: 5, body: [2] });
    expect([await pushes.take(), await pushes.take()]).toEqual([1, [2]]);
  });

  it("is decoded completely from captures of TCP and WebSockets", {
    timeout: 120_000,
  }, async () => {
    const { comet, port, url } = await serve();
    const webPort = Number(new URL(url).port);
    for (const [number, where, protocol] of [
      [port, (to: number) => to, "goim:flatten=true"],
      [webPort, (to: number) => `ws://${host}:${to}/sub`, `${peerProtocol("web-goim.ts")}#binary`],
    ] as const) {
      const path = await recorded(number, async (to) => {
        const { client, pushes, online } = follow(where(to), { mid: 1, room_id: "live://1" });
        await online.take();
        await client.request(v2.send, text("hi"));
        comet.pushRoom(
          "live://1",
          { op: 7000, body: text("one") },
          { op: 7001, body: text("two") },
        );
        for (const op of [7000, 7001]) expect((await pushes.take())[0]).toBe(op);
        client.close();
        while (comet.sessions.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      });
      const { asked, replied } = await decoded(path, number, ["--protocol", protocol]);
      const opsOf = (messages: readonly Message[]): unknown[] =>
        valuesOf(messages)
          .flat()
          .flatMap((value) => (value as { op?: number }).op ?? []);
      expect(opsOf(asked)).toEqual([v2.auth, v2.heartbeat, v2.send]);
      expect(opsOf(replied)).toEqual([v2.authReply, v2.heartbeatReply, v2.send, 7000, 7001]);
    }
  });

  it("leaves no socket open when it is closed while it connects", async () => {
    // A server that never says a word of TLS: the attempt would go on for minutes.
    const silent = createServer();
    const came = once(silent, "connection");
    await once(silent.listen(0, host), "listening");
    toClose.push(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const client = new GoimClient({
      connect: (protocol, handlers) => connect(protocol, { host, port, tls: true, ...handlers }),
      token: text("token"),
    });
    const [socket] = (await came) as [Socket];
    socket.on("error", () => {});
    const gone = once(socket.resume(), "close");
    client.close();
    await gone;
    expect(client.state).toBe("closed");
  });

  it("reaches a thousand connections with one encoding", async () => {
    const { comet, port } = await serve();
    let heard = 0;
    const all = queue<true>();
    const everybody = queue<true>();
    const count = 1000;
    const protocol = goim();
    for (let i = 0; i < count; i++) {
      const connection = await connect(protocol, {
        port,
        host,
        message: (_, { op }) => {
          if (op === v2.authReply && comet.sessions.size === count) everybody.put(true);
          if (op === 1000 && ++heard === 3 * count) all.put(true);
        },
      });
      connection.send({ op: v2.auth, body: encodeFrame(authToken, { mid: i + 1, room_id: "r" }) });
      toClose.push(() => connection.abort());
    }
    await everybody.take();
    let encoded = 0;
    const packet = {
      op: 1000,
      get body() {
        encoded++;
        return text("x".repeat(1024));
      },
    };
    expect(comet.pushRoom("r", packet, packet, packet)).toBe(count);
    await all.take();
    expect([heard, encoded]).toEqual([3 * count, 3]);
  }, 60_000);
});
