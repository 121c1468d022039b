import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, connect as dial, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { skip } from "../../src/framing/index.ts";
import {
  type Connection,
  type ConnectionOptions,
  type Handlers,
  json,
  lines,
  perMessage,
  type TraceEvent,
} from "../../src/index.ts";
import { counters, textTrace } from "../../src/inspect/index.ts";
import { type BunSocket, socketHandlers } from "../../src/transports/bun/index.ts";
import {
  attach,
  connect,
  connectDatagram,
  listen,
  listenDatagram,
  startTls,
} from "../../src/transports/node/index.ts";
import {
  attachStreams,
  attachWebSocket,
  connectWebSocket,
} from "../../src/transports/web/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { toWeb } from "../support/web-duplex.ts";

const host = "127.0.0.1";
const chat = lines().wrap(json<unknown>(), { name: "chat" });
const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Options = Handlers<unknown> & ConnectionOptions;
/** What the peer of a traced connection does. */
interface Peer {
  write(text: string): unknown;
}

/** A raw socket: what it is sent is of no interest. */
function peerOf(socket: Socket): Peer {
  socket.on("error", () => {});
  socket.resume();
  cleanups.push(() => socket.destroy());
  return socket;
}

/** A server of raw sockets. */
async function rawServer(accept: (socket: Socket) => void): Promise<number> {
  const server = createServer(accept).listen(0, host);
  cleanups.push(() => server.close());
  await once(server, "listening");
  return (server.address() as { port: number }).port;
}

/** A raw socket to a connection that is made of the other end. */
async function attached(make: (socket: Socket) => unknown): Promise<Peer> {
  const port = await rawServer((socket) => void make(socket));
  const socket = dial(port, host);
  await once(socket, "connect");
  return peerOf(socket);
}

async function webSockets(accept: (socket: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ host, port: 0 });
  server.on("connection", accept);
  cleanups.push(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await once(server, "listening");
  return `ws://${host}:${(server.address() as { port: number }).port}`;
}

const bunSocket = (handlers: () => ReturnType<typeof socketHandlers>, extra: object): BunSocket => {
  const socket: BunSocket = {
    write: (data) => data.length,
    shutdown: () => queueMicrotask(() => handlers().close(socket)),
    terminate: () => queueMicrotask(() => handlers().close(socket)),
    pause() {},
    resume() {},
    ...extra,
  };
  return socket;
};

/** Every transport, by what its connections are made with. */
const transports: Record<string, (options: Options) => Promise<Peer>> = {
  async listen(options) {
    const server = await listen(chat, { host, port: 0, ...options });
    cleanups.push(() => server.close({ timeout: 10 }));
    return peerOf(dial(server.port, host));
  },
  async connect(options) {
    let peer: Peer | undefined;
    const port = await rawServer((socket) => {
      peer = peerOf(socket);
    });
    await connect(chat, { host, port, ...options, handlerErrors: "report" });
    await expect.poll(() => peer).toBeDefined();
    return peer!;
  },
  "listen with TLS": async (options) => {
    const server = await listen(chat, { host, port: 0, tls: { key, cert }, ...options });
    cleanups.push(() => server.close({ timeout: 10 }));
    const socket = connectTls({ port: server.port, host, ca: cert, servername: "localhost" });
    return peerOf(socket);
  },
  attach: (options) => attached((socket) => attach(socket, chat, options)),
  "attach of two streams": async (options) => {
    const [readable, writable] = [new PassThrough(), new PassThrough().resume()];
    writable.on("finish", () => readable.end());
    attach({ readable, writable }, chat, options);
    return readable;
  },
  attachStreams: (options) => attached((socket) => attachStreams(toWeb(socket), chat, options)),
  attachWebSocket: async (options) => {
    const url = await webSockets((socket) => void attachWebSocket(socket, chat, options));
    const socket = new WebSocket(url);
    await once(socket, "open");
    return { write: (text) => socket.send(text) };
  },
  connectWebSocket: async (options) => {
    let peer: Peer | undefined;
    const url = await webSockets((socket) => {
      peer = { write: (text) => socket.send(text) };
    });
    const own = { ...options, handlerErrors: "report", WebSocket: WebSocket as never };
    connectWebSocket(url, chat, own as never);
    await expect.poll(() => peer).toBeDefined();
    return peer!;
  },
  "socketHandlers of Bun": async (options) => {
    const handlers = socketHandlers(chat, options as never);
    const socket = bunSocket(() => handlers, { listener: {} });
    handlers.open(socket);
    return { write: (text) => handlers.data(socket, Buffer.from(text)) };
  },
};

describe("the trace of every transport", () => {
  it.each(Object.entries(transports))("has every event: %s", async (_, open) => {
    const clock = new ManualClock();
    const events: TraceEvent[] = [];
    const settles: (() => void)[] = [];
    const peer = await open({
      clock,
      onInvalid: skip(),
      trace: (event) => events.push(event),
      message(connection: Connection<unknown>, value) {
        if (value === 1) return new Promise<void>((resolve) => settles.push(resolve));
        connection.send({ echo: value });
        if (value === 3) throw new Error("a bug");
        return undefined;
      },
      error() {},
    });
    const types = (): string[] => events.map(({ type }) => type);
    await peer.write("no JSON\n");
    await expect.poll(types).toContain("skipped");
    await peer.write("1\n2\n3\n");
    await expect.poll(() => settles.length).toBe(1);
    // Input waits for a promise.
    await expect.poll(types).toContain("paused");
    expect(types()).not.toContain("stuck");
    clock.advance(10_000);
    expect(types()).toContain("stuck");
    settles[0]!();
    await expect.poll(types).toContain("error");
    await expect
      .poll(() => {
        clock.advance(1000);
        return types();
      })
      .toContain("closed");
    const all = ["opened", "received", "skipped", "message", "paused", "stuck", "queued", "sent"];
    expect(types()).toEqual(expect.arrayContaining([...all, "error", "closed"]));
    expect(types().at(-1)).toBe("closed");
    const { connection } = events.find(({ type }) => type === "opened")!;
    expect(connection).toBeDefined();
    for (const event of events) {
      expect(event.name).toBe("chat");
      if (event.type !== "listening") expect(event.connection).toBe(connection);
    }
  });

  it("shows how a connection is opened, on both sides", async () => {
    const [server, client]: [TraceEvent[], TraceEvent[]] = [[], []];
    const listening = await listen(chat, {
      ...{ host, port: 0, tls: { key, cert }, alpn: { chat } },
      trace: (event) => server.push(event),
      message: (peer, value) => void peer.send(value),
    });
    cleanups.push(() => listening.close({ timeout: 10 }));
    const connection = await connect(chat, {
      ...{ host: "localhost", family: 4, port: listening.port },
      tls: { ca: cert, ALPNProtocols: ["chat"] },
      trace: (event) => client.push(event),
    });
    connection.send(1);
    for await (const _ of connection) connection.close();
    await listening.close();
    expect(server.slice(0, 4)).toMatchObject([
      { type: "listening", on: `${host}:${listening.port}`, connection: undefined },
      { type: "accepted", from: expect.stringContaining(`${host}:`) },
      { type: "secured", version: expect.stringContaining("TLS"), alpn: "chat" },
      { type: "opened" },
    ]);
    expect(client.slice(0, 4)).toMatchObject([
      { type: "connecting", to: `localhost:${listening.port}` },
      { type: "lookup", host: "localhost", address: host, error: undefined },
      { type: "secured", version: expect.stringContaining("TLS"), alpn: "chat" },
      { type: "opened" },
    ]);
  });

  it("shows TLS that starts on an open connection", async () => {
    const events: TraceEvent[] = [];
    const server = await listen(chat, {
      ...{ host, port: 0, error() {} },
      message(peer) {
        peer.send("go on");
        startTls(peer, chat, { side: "server", tls: { key, cert }, message() {} }).catch(() => {});
      },
    });
    cleanups.push(() => server.close({ timeout: 10 }));
    const trace = (event: TraceEvent): void => void events.push(event);
    const connection = await connect(chat, { host, port: server.port, trace, error() {} });
    connection.send("STARTTLS");
    for await (const _ of connection) break;
    const secure = await startTls(connection, chat, {
      side: "client",
      tls: { ca: cert, servername: "localhost" },
    });
    expect(events.filter(({ type }) => type === "secured")).toMatchObject([
      { version: expect.stringContaining("TLS"), alpn: undefined },
    ]);
    secure.close();
  });

  it("shows failed connections and lookups", async () => {
    const events: TraceEvent[] = [];
    const trace = (event: TraceEvent): void => void events.push(event);
    const closed = await rawServer(() => {});
    await cleanups.pop()!();
    await expect(connect(chat, { host, port: closed, trace })).rejects.toThrow("ECONNREFUSED");
    expect(events.map(({ type }) => type)).toEqual(["connecting", "error", "closed"]);
    events.length = 0;
    const lookup = (_: string, __: unknown, answer: (error: Error) => void): void =>
      void setImmediate(() => answer(new Error("no such host")));
    const failing = { host: "chat.invalid", port: 1, lookup: lookup as never, trace };
    await expect(connect(chat, failing)).rejects.toThrow("no such host");
    expect(events.map(({ type }) => type)).toEqual(["connecting", "lookup", "error", "closed"]);
    expect(events[1]).toMatchObject({ host: "chat.invalid", address: undefined });
  });

  it("shows connections that a server refuses", async () => {
    const events: TraceEvent[] = [];
    const refused = () => events.filter((event) => event.type === "refused");
    const trace = (event: TraceEvent): void => void events.push(event);
    const full = await listen(chat, { host, port: 0, maxConnections: 1, trace, message() {} });
    cleanups.push(() => full.close({ timeout: 10 }));
    const first = dial(full.port, host);
    peerOf(first);
    await expect.poll(() => full.connections.size).toBe(1);
    peerOf(dial(full.port, host));
    await expect.poll(refused).toHaveLength(1);
    expect(refused()[0]).toMatchObject({
      from: expect.stringContaining(`${host}:`),
      error: { message: "maxConnections is 1" },
    });

    events.length = 0;
    const secure = await listen(chat, { host, port: 0, tls: { key, cert }, trace, message() {} });
    cleanups.push(() => secure.close({ timeout: 10 }));
    const plain = dial(secure.port, host);
    peerOf(plain);
    plain.write("no TLS\n".repeat(10));
    await expect.poll(refused).toHaveLength(1);

    events.length = 0;
    vi.spyOn(console, "error").mockImplementation(() => {});
    const failing = await listen(chat, {
      ...{ host, port: 0, trace },
      context() {
        throw new Error("no context");
      },
    });
    cleanups.push(() => failing.close({ timeout: 10 }));
    peerOf(dial(failing.port, host));
    await expect.poll(refused).toHaveLength(1);
    expect(refused()[0]).toMatchObject({ error: { message: "no context" } });
  });

  it("shows what Bun accepts, secures and refuses", () => {
    const events: TraceEvent[] = [];
    const trace = (event: TraceEvent): void => void events.push(event);
    vi.spyOn(console, "error").mockImplementation(() => {});
    const handlers = socketHandlers(chat, { trace, message() {} });
    const tls = {
      ...{ [Symbol.toStringTag]: "TLSSocket", listener: {} },
      ...{ remoteAddress: "192.0.2.1", remotePort: 4000 },
    };
    const good = bunSocket(() => handlers, { ...tls, getTLSVersion: () => "TLSv1.3" });
    handlers.open(good);
    handlers.handshake(good, true);
    const bad = bunSocket(() => handlers, tls);
    handlers.open(bad);
    handlers.handshake(bad, false);
    expect(events).toMatchObject([
      { type: "accepted", from: "192.0.2.1:4000" },
      { type: "secured", version: "TLSv1.3", alpn: undefined },
      { type: "opened" },
      { type: "refused", from: "192.0.2.1:4000" },
    ]);
    events.length = 0;
    const failing = socketHandlers(chat, {
      trace,
      context() {
        throw new Error("no context");
      },
    });
    failing.open(bunSocket(() => failing, { listener: {} }));
    failing.open(bunSocket(() => failing, {}));
    expect(events).toMatchObject([{ type: "refused", error: { message: "no context" } }]);
  });

  it("shows datagrams", async () => {
    const notices = perMessage().wrap(json<unknown>(), { name: "notices" });
    const events: TraceEvent[] = [];
    vi.spyOn(console, "error").mockImplementation(() => {});
    const endpoint = await listenDatagram(notices, {
      host,
      trace: (event) => events.push(event),
      message(own, value, peer) {
        own.send([{ echo: value }], peer);
        if (value === 2) throw new Error("a bug");
      },
    });
    const client = await connectDatagram(notices, { host, port: endpoint.port });
    client.send([1]);
    const types = (): string[] => events.map(({ type }) => type);
    await expect.poll(types).toContain("sent");
    client.send([2]);
    await expect.poll(types).toContain("error");
    const stranger = createSocket("udp4");
    stranger.send("no JSON", endpoint.port, host);
    await expect.poll(() => types().filter((type) => type === "error")).toHaveLength(2);
    stranger.close();
    await client.close();
    await endpoint.close();
    expect(types()).toEqual([
      ...["listening", "received", "message", "queued", "sent"],
      ...["received", "message", "queued", "sent", "error", "received", "error", "closed"],
    ]);
    expect(new Set(events.map(({ name }) => name))).toEqual(new Set(["notices"]));
  });
});

describe("FRAMEWRIGHT_DEBUG and counters", () => {
  it("show the events of servers and of clients that connect again", async () => {
    const printed: string[] = [];
    vi.spyOn(console, "error").mockImplementation((line: string) => void printed.push(line));
    vi.stubEnv("FRAMEWRIGHT_DEBUG", "chat");
    const { trace, protocols } = counters();
    const server = await listen(chat, { host, port: 0, trace, message() {} });
    const client = connect(chat, {
      ...{ host, port: server.port, trace },
      reconnect: { minDelay: 1, jitter: 0 },
      error() {},
    });
    const connection = await client.ready();
    connection.abort(new Error("gone"));
    await expect.poll(() => client.connection !== undefined).toBe(true);
    client.close();
    await server.close({ timeout: 10 });
    vi.unstubAllEnvs();
    await expect.poll(() => printed.join("\n")).toMatch(/ chat retry 1 in 1 ms: Error: gone/);
    const all = printed.join("\n");
    expect(all).toMatch(/ chat listening on 127\.0\.0\.1:\d+/);
    expect(all).toMatch(/ #\d+ chat connecting to 127\.0\.0\.1:\d+/);
    expect(all).toMatch(/ #\d+ chat accepted from 127\.0\.0\.1:\d+/);
    expect(protocols.get("chat")).toMatchObject({ accepted: 2, retries: 1 });
  });

  it("write every event in words", () => {
    const printed: string[] = [];
    const trace = textTrace({ write: (line) => printed.push(line.replace(/^\S+ /, "")) });
    const common = { name: "chat", at: 0, connection: undefined } as const;
    const error = new Error("why");
    const events = [
      { type: "connecting", to: undefined },
      { type: "lookup", host: "a", address: undefined, error },
      { type: "lookup", host: "a", address: "192.0.2.1", error: undefined },
      { type: "secured", version: undefined, alpn: undefined },
      { type: "secured", version: "TLSv1.3", alpn: "chat" },
      { type: "accepted", from: undefined },
      { type: "refused", from: undefined, error },
      { type: "asked", id: 1 },
      { type: "answered", id: 1, ms: 5, error: undefined },
      { type: "answered", id: 1, ms: 5, error },
      { type: "unanswered", id: 1, error },
      { type: "unanswered", id: undefined, error },
      { type: "retry", failures: 2, delay: 1000.4, error },
      { type: "heartbeat" },
      { type: "missed", ms: 10 },
    ] as const;
    for (const event of events) trace({ ...common, ...event });
    expect(printed).toEqual([
      "chat connecting",
      "chat lookup a: Error: why",
      "chat lookup a: 192.0.2.1",
      "chat secured by TLS",
      "chat secured by TLSv1.3, chat",
      "chat accepted",
      "chat refused a connection: Error: why",
      "chat asked 1",
      "chat answered 1 after 5 ms",
      "chat answered 1 after 5 ms with Error: why",
      "chat unanswered 1: Error: why",
      "chat unanswered (unsent): Error: why",
      "chat retry 2 in 1000 ms: Error: why",
      "chat heartbeat",
      "chat missed: no byte for 10 ms",
    ]);
    const { trace: counting, protocols } = counters();
    for (const event of events) counting({ ...common, ...event });
    expect(protocols.get("chat")).toMatchObject({
      ...{ accepted: 1, refused: 1, asked: 1, answered: 2, unanswered: 2 },
      ...{ retries: 1, heartbeats: 1, missed: 1, opened: 0 },
    });
  });
});
