import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import {
  type CloseInfo,
  type Connection,
  json,
  lengthPrefixed,
  lines,
  ProtocolError,
  perMessage,
  raw,
  utf8,
} from "../../src/index.ts";
import { attach, connect, listen, type Server } from "../../src/transports/node/index.ts";

const host = "127.0.0.1";
const text = lines().wrap(utf8());
const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));

const servers: { close(options?: { timeout: number }): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close({ timeout: 100 });
});
function closing<S extends (typeof servers)[number]>(server: S): S {
  servers.push(server);
  return server;
}

/** A line echo server that writes down what becomes of its connections. */
async function echo() {
  const errors: unknown[] = [];
  const closes: CloseInfo[] = [];
  let closed: () => void = () => {};
  const oneClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const server = await listen(text, {
    port: 0,
    host,
    message: (connection, line) => connection.send(line),
    error: (_, error) => errors.push(error),
    close: (_, info) => {
      closes.push(info);
      closed();
    },
  });
  return { server: closing(server), errors, closes, oneClosed };
}

async function next<T>(connection: AsyncIterable<T>): Promise<T | undefined> {
  for await (const value of connection) return value;
  return undefined;
}

/** A bare socket, and all it reads until the other side ends. */
function bare(port: number | undefined, options: { allowHalfOpen?: boolean } = {}) {
  const socket: Socket = createConnection({ port: port!, host, ...options });
  let read = "";
  socket.on("data", (chunk) => {
    read += chunk;
  });
  const end = new Promise<string>((resolve) => {
    socket.on("error", () => {});
    socket.on("close", () => resolve(read));
  });
  return { socket, end };
}

describe("listen and connect", () => {
  it("refuse options without an address, or with two", async () => {
    const nowhere = {} as { port: number };
    await expect(listen(text, nowhere)).rejects.toThrow(/^no address: pass a port /);
    await expect(listen(text, nowhere)).rejects.toThrow(TypeError);
    await expect(connect(text, nowhere)).rejects.toThrow(/^no address: pass a port /);
    const both = { port: 0, path: "/nowhere" } as unknown as { port: number };
    await expect(listen(text, both)).rejects.toThrow("pass either a port or a path");
    await expect(connect(text, both)).rejects.toThrow(TypeError);
  });

  it("refuse a bare framing, a bare codec and a protocol for messages", async () => {
    for (const [wrong, advice] of [
      [lines(), "add .wrap(codec)"],
      [utf8(), "needs a framing"],
      [perMessage().wrap(utf8()), "needs a framing"],
      [undefined, "needs a framing"],
    ] as const) {
      const given = wrong as unknown as typeof text;
      const refusal = expect.objectContaining({
        name: "TypeError",
        message: expect.stringContaining(advice),
      });
      await expect(listen(given, { port: 0, host })).rejects.toEqual(refusal);
      await expect(connect(given, { port: 1, host })).rejects.toEqual(refusal);
      expect(() => attach(new Duplex(), given)).toThrow(refusal);
    }
  });

  it("make a server in one line", async () => {
    const jsonLines = lines().wrap(json());
    const server = closing(
      await listen(jsonLines, {
        port: 0,
        host,
        message: (connection) => connection.send({ code: 0, msg: "ok" }),
      }),
    );
    const connection = await connect(jsonLines, { port: server.port!, host });
    connection.send({ type: "message", content: "hello" });
    expect(await next(connection)).toEqual({ code: 0, msg: "ok" });
    connection.close();
  });

  it("give each connection its own context, made from its socket", async () => {
    const server = closing(
      await listen(text, {
        port: 0,
        host,
        context: (socket) => ({ from: (socket as Socket).remoteAddress, count: 0 }),
        message: (connection) => {
          connection.context.count++;
          connection.send(`${connection.context.from} ${connection.context.count}`);
        },
      }),
    );
    for (let i = 0; i < 2; i++) {
      const connection = await connect(text, { port: server.port!, host });
      connection.send("x");
      connection.send("x");
      expect(await next(connection)).toBe(`${host} 1`);
      expect(await next(connection)).toBe(`${host} 2`);
      connection.close();
    }
  });

  it("work over a Unix domain socket", async () => {
    const folder = mkdtempSync(join(tmpdir(), "framewright-"));
    const path = join(folder, "socket");
    const server = closing(
      await listen(text, { path, message: (connection, line) => connection.send(line) }),
    );
    expect(server.port).toBeUndefined();
    const connection = await connect(text, { path });
    connection.send("hello");
    expect(await next(connection)).toBe("hello");
    connection.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it("work over TLS, and send before the handshake is over", async () => {
    const server = closing(
      await listen(text, {
        port: 0,
        host,
        tls: { key, cert },
        message: (connection, line) => connection.send(line.toUpperCase()),
      }),
    );
    const connection = await connect(text, {
      port: server.port!,
      host,
      tls: { ca: cert },
      open: (opened) => opened.send("first"),
    });
    expect(await next(connection)).toBe("FIRST");
    connection.close();
  });

  it("refuse a server with an untrusted certificate", async () => {
    const server = closing(await listen(text, { port: 0, host, tls: { key, cert } }));
    await expect(connect(text, { port: server.port!, host, tls: true })).rejects.toMatchObject({
      code: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
  });

  it("report why they fail", async () => {
    const { server } = await echo();
    await expect(listen(text, { port: server.port!, host })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    const port = server.port!;
    await server.close();
    await expect(connect(text, { port, host })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("report a connection that closes before it was open", async () => {
    const { server } = await echo();
    const attempt = connect(text, {
      port: server.port!,
      host,
      context: (socket) => queueMicrotask(() => socket.destroy()),
    });
    await expect(attempt).rejects.toMatchObject({ code: "closed" });
  });

  it("accept at most maxConnections connections", async () => {
    const server = closing(await listen(text, { port: 0, host, maxConnections: 1 }));
    const first = await connect(text, { port: server.port!, host });
    const second = bare(server.port);
    expect(await second.end).toBe("");
    first.close();
  });
});

describe("an AbortSignal", () => {
  it("aborts an attempt", async () => {
    const reason = new Error("too late");
    const signal = AbortSignal.abort(reason);
    await expect(connect(text, { port: 1, host, signal })).rejects.toBe(reason);
    await expect(listen(text, { port: 0, host, signal })).rejects.toBe(reason);
    // A server that never shakes hands.
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, host, resolve));
    const { port } = silent.address() as { port: number };
    const controller = new AbortController();
    const attempt = connect(text, { port, host, tls: true, signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    await expect(attempt).rejects.toBe(reason);
    silent.close();
  });

  it("cuts an open connection, and closes a server", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const server = await listen(text, { port: 0, host, signal });
    const closes: CloseInfo[] = [];
    const connection = await connect(text, {
      port: server.port!,
      host,
      signal,
      close: (_, info) => closes.push(info),
    });
    const down = new Promise((resolve) => server.server.on("close", resolve));
    controller.abort();
    await down;
    expect(connection.state).toBe("closed");
    expect(closes).toMatchObject([{ by: "error", error: { name: "AbortError" } }]);
  });
});

describe("closing", () => {
  it("waits until everything that was sent has left, on both sides", async () => {
    const big = "x".repeat(500_000);
    const server = closing(
      await listen(text, {
        port: 0,
        host,
        message: (connection) => {
          for (let i = 0; i < 4; i++) connection.send(big);
          connection.close();
        },
      }),
    );
    const connection = await connect(text, { port: server.port!, host });
    connection.send("go");
    let count = 0;
    for await (const line of connection) {
      expect(line.length).toBe(big.length);
      count++;
    }
    expect(count).toBe(4);
  });

  it("half: a client that ends its half still gets its answers", async () => {
    const { server, closes, oneClosed } = await echo();
    const { socket, end } = bare(server.port, { allowHalfOpen: true });
    socket.end("a\nb\n");
    expect(await end).toBe("a\nb\n");
    await oneClosed;
    expect(closes).toEqual([{ by: "peer" }]);
  });

  it("half: a server with an end handler answers when it likes", async () => {
    const server = closing(
      await listen(text, {
        port: 0,
        host,
        message: () => {},
        end: (connection) => {
          setTimeout(() => {
            connection.send("later");
            connection.close();
          }, 20);
        },
      }),
    );
    const { socket, end } = bare(server.port, { allowHalfOpen: true });
    socket.end("question\n");
    expect(await end).toBe("later\n");
  });

  it("of a server lets its connections finish", async () => {
    const { server, closes } = await echo();
    const { socket, end } = bare(server.port);
    socket.write("a\n");
    await new Promise((resolve) => socket.once("data", resolve));
    expect(server.connections.size).toBe(1);
    await server.close();
    expect(server.connections.size).toBe(0);
    expect(await end).toBe("a\n");
    expect(closes).toEqual([{ by: "local" }]);
  });

  it("of a server cuts connections that do not", async () => {
    const { server, closes } = await echo();
    // Its half stays open whatever the server does.
    const { socket, end } = bare(server.port, { allowHalfOpen: true });
    socket.write("a\n");
    await new Promise((resolve) => socket.once("data", resolve));
    await server.close({ timeout: 50 });
    expect(closes).toEqual([{ by: "local" }]);
    socket.destroy();
    await end;
  });

  it("of a server does not wait for an endless TLS handshake", async () => {
    const server = await listen(text, { port: 0, host, tls: { key, cert } });
    const { socket, end } = bare(server.port);
    await once(server.server, "connection");
    await server.close({ timeout: Number.POSITIVE_INFINITY });
    expect(await end).toBe("");
    expect(socket.destroyed).toBe(true);
  });

  it("of a server cuts no connection if the timeout is Infinity", async () => {
    const { server } = await echo();
    const { socket, end } = bare(server.port, { allowHalfOpen: true });
    socket.write("a\n");
    await once(socket, "data");
    const closed = server.close({ timeout: Number.POSITIVE_INFINITY });
    // It has ended its half by then, and waits for ours.
    await once(socket, "end");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([socket.destroyed, server.connections.size]).toEqual([false, 1]);
    socket.end();
    await closed;
    await end;
  });

  it("of a server opens no further connections", async () => {
    let opened = 0;
    const server = await listen(text, {
      port: 0,
      host,
      tls: { key, cert },
      message() {},
      open: () => opened++,
    });
    // Stays when the server ends its half.
    const stays = { message() {}, end() {} };
    const first = await connect(text, { port: server.port!, host, tls: { ca: cert }, ...stays });
    await expect.poll(() => opened).toBe(1);
    const { socket } = bare(server.port);
    await once(server.server, "connection");
    const closed = server.close();
    // Its handshake comes too late.
    const late = connectTls({ socket, ca: cert });
    late.on("error", () => {});
    await new Promise<void>((resolve) => late.once("close", () => resolve()));
    first.close();
    await closed;
    expect(opened).toBe(1);
  });

  it("in the middle of a frame is reported", async () => {
    const { server, errors, closes, oneClosed } = await echo();
    const { socket, end } = bare(server.port, { allowHalfOpen: true });
    socket.end("whole\ncut off");
    expect(await end).toBe("whole\n");
    await oneClosed;
    expect(errors).toMatchObject([{ code: "truncated", offset: 6 }]);
    expect(closes).toEqual([{ by: "error", error: errors[0] }]);
  });

  it("by the peer's reset is reported", async () => {
    const { server, errors, oneClosed } = await echo();
    const { socket } = bare(server.port);
    socket.write("a\n");
    await new Promise((resolve) => socket.once("data", resolve));
    socket.resetAndDestroy();
    await oneClosed;
    expect(errors).toMatchObject([{ code: "ECONNRESET" }]);
  });
});

describe("a bad frame", () => {
  it("ends only its own connection, after the frames before it were delivered", async () => {
    const { server, errors } = await echo();
    const good = await connect(text, { port: server.port!, host });
    const { socket, end } = bare(server.port);
    socket.write(Buffer.from([0x61, 0x0a, 0xff, 0x0a, 0x62, 0x0a]));
    expect(await end).toBe("a\n");
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(ProtocolError);
    good.send("still here");
    expect(await next(good)).toBe("still here");
    good.close();
  });
});

describe("backpressure", () => {
  const blobs = lengthPrefixed({ width: 4 }).wrap(raw());
  const blob = new Uint8Array(64 * 1024);

  it("stops a sender while its peer does not read, until drain", async () => {
    const total = 200;
    let sent = 0;
    let refusals = 0;
    let highest = 0;
    const pump = (connection: Connection<Uint8Array>): void => {
      while (sent < total) {
        sent++;
        const isRoomy = connection.send(blob);
        highest = Math.max(highest, connection.queued);
        if (!isRoomy) {
          refusals++;
          return;
        }
      }
      connection.close();
    };
    const server: Server<Uint8Array> = closing(
      await listen(blobs, { port: 0, host, message() {}, open: pump, drain: pump }),
    );
    const connection = await connect(blobs, { port: server.port!, host });
    // Nobody reads for a while: the server must stall far below the total.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(sent).toBeLessThan(total);
    let received = 0;
    for await (const message of connection) {
      expect(message.length).toBe(blob.length);
      received++;
    }
    expect(received).toBe(total);
    expect(refusals).toBeGreaterThan(0);
    expect(highest).toBeLessThan(1024 * 1024);
  });

  it("slows a peer down while a connection is paused", async () => {
    let received = 0;
    let paused: Connection<Uint8Array> | undefined;
    const server = closing(
      await listen(blobs, {
        port: 0,
        host,
        message: (connection) => {
          received++;
          if (paused === undefined) {
            paused = connection;
            connection.pause();
          }
        },
      }),
    );
    const connection = await connect(blobs, { port: server.port!, host });
    const total = 100;
    for (let i = 0; i < total; i++) connection.send(blob);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(received).toBe(1);
    expect(connection.queued).toBeGreaterThan(0);
    paused?.resume();
    while (received < total) await new Promise((resolve) => setTimeout(resolve, 5));
    connection.close();
  });
});

describe("attach", () => {
  it("accepts any Duplex", async () => {
    const written: string[] = [];
    const duplex = new Duplex({
      read() {},
      write(chunk, _, done) {
        written.push(String(chunk));
        done();
      },
    });
    const closes: CloseInfo[] = [];
    attach(duplex, text, {
      message: (connection, line) => connection.send(`${line}!`),
      close: (_, info) => closes.push(info),
    });
    duplex.push("hel");
    duplex.push("lo\nworld\n");
    duplex.push(null);
    await new Promise((resolve) => duplex.once("close", resolve));
    expect(written.join("")).toBe("hello!\nworld!\n");
    expect(closes).toEqual([{ by: "peer" }]);
  });

  it("waits for a socket that is connecting", async () => {
    const { server } = await echo();
    const socket = createConnection({ port: server.port!, host });
    const connection = attach(socket, text);
    expect(connection.state).toBe("opening");
    connection.send("early");
    expect(await next(connection)).toBe("early");
    connection.close();
  });

  it("writes nothing to a stream that is gone", async () => {
    const { server } = await echo();
    const socket = createConnection({ port: server.port!, host });
    const errors: unknown[] = [];
    const connection = attach(socket, text, { message() {}, error: (_, e) => errors.push(e) });
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.destroy();
    connection.send("too late");
    await new Promise((resolve) => socket.once("close", resolve));
    expect(errors).toEqual([]);
    expect(connection.state).toBe("closed");
  });
});

it("keeps the listening socket's own errors out of connections", async () => {
  const failures: Error[] = [];
  const server = closing(
    await listen(text, { port: 0, host, serverError: (error) => failures.push(error) }),
  );
  const failure = new Error("EMFILE");
  server.server.emit("error", failure);
  expect(failures).toEqual([failure]);
});
