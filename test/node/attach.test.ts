import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, createSecureContext, TLSSocket } from "node:tls";
import { expect, it } from "vitest";
import { type CloseInfo, lines, utf8 } from "../../src/index.ts";
import { attach } from "../../src/transports/node/index.ts";

const protocol = lines().wrap(utf8());

/** Both ends of a TCP connection; the server's side waits for what the other one did. */
async function pair(): Promise<{ near: Socket; far: Socket; stop: () => void }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const far = createConnection({ port, host: "127.0.0.1" });
  const [near] = (await once(server, "connection")) as [Socket];
  return { near, far, stop: () => void server.close() };
}

/** Attaches late, and waits for the end. */
function endOf(socket: Socket): Promise<CloseInfo> {
  return new Promise<CloseInfo>((resolve) => {
    attach(socket, protocol, { message() {}, close: (_, info) => resolve(info) });
  });
}

it("reports a socket that was closed before it was attached", async () => {
  const { near, far, stop } = await pair();
  near.resume();
  far.end();
  await once(near, "end");
  near.end();
  await once(near, "close");
  expect(await endOf(near)).toEqual({ by: "peer" });
  stop();
});

it("reports a socket that failed before it was attached", async () => {
  const { near, far, stop } = await pair();
  const failure = new Error("pulled out");
  near.on("error", () => {});
  near.destroy(failure);
  await new Promise<void>((resolve) => near.once("close", () => resolve()));
  expect(await endOf(near)).toEqual({ by: "error", error: failure });
  far.destroy();
  stop();
});

it("keeps little more memory alive than the bytes queued in a socket, whatever other sockets write", async () => {
  // Takes one chunk, and is never done with it.
  const sink = new Duplex({
    writableHighWaterMark: 100_000,
    read() {},
    write() {},
  });
  const other = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const [slow, busy] = [sink, other].map((socket) => attach(socket, protocol, { message() {} }));
  const written: Uint8Array[] = [];
  const { write } = sink;
  sink.write = ((chunk: Uint8Array) => {
    written.push(chunk);
    return Reflect.apply(write, sink, [chunk]) as boolean;
  }) as typeof sink.write;
  for (let i = 0; i < 200; i++) {
    expect(slow!.send(`message ${i}`)).toBe(true);
    await Promise.resolve();
    // A slab's worth: what is written next lies in another one.
    busy!.send("x".repeat(8192));
    await Promise.resolve();
  }
  expect(written).toHaveLength(200);
  const held = Array.from(new Set(written.map(({ buffer }) => buffer)), (one) => one.byteLength);
  expect(held.reduce((sum, length) => sum + length)).toBeLessThan(200 * 12 + 2 * 65_536);
  sink.destroy();
  other.destroy();
});

it("reports a peer that ended before the socket was attached, and can still answer it", async () => {
  const { near, far, stop } = await pair();
  near.resume();
  far.end();
  await once(near, "end");
  const got: Buffer[] = [];
  far.on("data", (chunk: Buffer) => got.push(chunk));
  const gone = once(far, "close");
  const closed = new Promise<CloseInfo>((resolve) => {
    attach(near, protocol, {
      message() {},
      end(connection) {
        connection.send("bye");
        connection.close();
      },
      close: (_, info) => resolve(info),
    });
  });
  expect(await closed).toEqual({ by: "local" });
  await gone;
  expect(Buffer.concat(got).toString()).toBe("bye\n");
  stop();
});

it("waits for the handshake of a socket that is upgraded to TLS", async () => {
  const { near, far, stop } = await pair();
  const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
  const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));
  const secureContext = createSecureContext({ cert, key });
  const server = attach(new TLSSocket(near, { isServer: true, secureContext }), protocol, {
    message: (connection, line) => connection.send(line.toUpperCase()),
  });
  expect(server.state).toBe("opening");
  const secure = connectTls({ socket: far, ca: cert, servername: "localhost" });
  const client = attach(secure, protocol);
  client.send("hello");
  for await (const line of client) {
    expect(line).toBe("HELLO");
    client.close();
  }
  await expect.poll(() => server.state).toBe("closed");
  stop();
});

it("does not open if the certificate of such a socket's peer is not trusted", async () => {
  const { near, far, stop } = await pair();
  const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
  const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));
  new TLSSocket(near, { isServer: true, key, cert }).on("error", () => {});
  let opened = 0;
  const info = await new Promise<CloseInfo>((resolve) => {
    attach(connectTls({ socket: far, servername: "localhost" }), protocol, {
      open: () => opened++,
      message() {},
      close: (_, closed) => resolve(closed),
    });
  });
  expect(info).toMatchObject({ by: "error", error: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" } });
  expect(opened).toBe(0);
  stop();
});

it("reports the end and the failure of a stream that never emits `close`", async () => {
  const make = (): Duplex =>
    new Duplex({ emitClose: false, read() {}, write: (_chunk, _encoding, done) => done() });
  const follow = (stream: Duplex): { closed: Promise<CloseInfo>; lines: string[] } => {
    const heard: string[] = [];
    const closed = new Promise<CloseInfo>((resolve) => {
      attach(stream, protocol, {
        message: (_, line) => heard.push(line),
        close: (_, info) => resolve(info),
        closeTimeout: 0,
      });
    });
    return { closed, lines: heard };
  };
  const ended = make();
  const first = follow(ended);
  ended.push("a\nb\n");
  ended.push(null);
  expect([await first.closed, first.lines]).toEqual([{ by: "peer" }, ["a", "b"]]);
  const broken = make();
  const second = follow(broken);
  const failure = new Error("pulled out");
  broken.destroy(failure);
  expect(await second.closed).toEqual({ by: "error", error: failure });
  const gone = make();
  gone.on("error", () => {});
  gone.destroy(failure);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await follow(gone).closed).toEqual({ by: "error", error: failure });
});

/** A connection in a pause; the peer can reach it. */
async function pausedPair() {
  const { near, far, stop } = await pair();
  far.on("error", () => {});
  let tell: (info: CloseInfo) => void = () => {};
  const closed = new Promise<CloseInfo>((resolve) => {
    tell = resolve;
  });
  const connection = attach(near, protocol, { message() {}, close: (_, info) => tell(info) });
  connection.pause();
  return { near, far, connection, closed, stop };
}

it("reports a reset and the end during a pause, while there is room for received bytes", async () => {
  const reset = await pausedPair();
  reset.far.resetAndDestroy();
  expect(await reset.closed).toMatchObject({ by: "error", error: { code: "ECONNRESET" } });
  reset.stop();
  const ended = await pausedPair();
  ended.far.end();
  expect(await ended.closed).toEqual({ by: "peer" });
  ended.stop();
});

it("reports a reset at the next send, when bytes received during a pause have filled the socket", async () => {
  const { near, far, connection, closed, stop } = await pausedPair();
  const block = Buffer.alloc(65_536);
  while (far.write(block) || near.readableLength < near.readableHighWaterMark) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  far.resetAndDestroy();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(connection.state).toBe("open");
  connection.send("are you there?");
  expect(await closed).toMatchObject({ by: "error", error: { code: "ECONNRESET" } });
  stop();
});

it("ends both connections over one stream if the program destroys it", async () => {
  const { near, far, stop } = await pair();
  const ends = [endOf(near), endOf(near)];
  near.destroy();
  const infos = await Promise.all(ends);
  expect(infos.map(({ by, error }) => ({ by, error }))).toEqual([
    { by: "local", error: undefined },
    { by: "local", error: undefined },
  ]);
  far.destroy();
  stop();
});
