import { getEventListeners, once } from "node:events";
import { readFileSync } from "node:fs";
import { createConnection, createServer, type Server as NetServer, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { lines, utf8 } from "../../src/index.ts";
import { connect, listen } from "../../src/transports/node/index.ts";

// What `listen` and `connect` hand on to Node, and what they do when they fail.

const host = "127.0.0.1";
const text = lines().wrap(utf8());
const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));

const servers: { close(options?: { timeout: number }): Promise<unknown> }[] = [];
function closing<S extends (typeof servers)[number]>(server: S): S {
  servers.push(server);
  return server;
}
afterEach(async () => {
  vi.restoreAllMocks();
  for (const server of servers.splice(0)) await server.close({ timeout: 100 });
});

interface Handle {
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, seconds: number): number;
  listen(backlog: number): number;
}

/** The methods by which Node tells the system of a TCP socket. */
function system(server: NetServer): Handle {
  return Object.getPrototypeOf((server as unknown as { _handle: Handle })._handle) as Handle;
}

describe("the settings of a socket", () => {
  it.each([false, true])("are made, with TLS: %s", async (isSecure) => {
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: 5000 };
    const server = closing(
      await listen(text, {
        ...{ port: 0, host, ...keepAlive },
        tls: isSecure ? { key, cert } : undefined,
        message() {},
      }),
    );
    const noDelays = vi.spyOn(system(server.server), "setNoDelay");
    const keepAlives = vi.spyOn(system(server.server), "setKeepAlive");
    const tls = isSecure ? { ca: cert } : undefined;
    const quiet = await connect(text, { port: server.port!, host, tls });
    expect(keepAlives.mock.calls).toEqual([[true, 5]]);
    const lively = await connect(text, {
      ...{ port: server.port!, host, tls },
      ...{ keepAlive: true, keepAliveInitialDelay: 3000 },
    });
    // Of both ends of both.
    expect(noDelays.mock.calls.length).toBeGreaterThanOrEqual(4);
    // Node 24 gives two settings more.
    expect(keepAlives.mock.calls.map(([on, seconds]) => [on, seconds])).toContainEqual([true, 3]);
    quiet.abort();
    lively.abort();
  });

  it("include those of `net` for the listening socket", async () => {
    const first = closing(await listen(text, { port: 0, host }));
    const listens = vi.spyOn(system(first.server), "listen");
    closing(await listen(text, { port: 0, host, backlog: 17 }));
    expect(listens.mock.calls).toEqual([[17]]);
    const six = await listen(text, { port: 0, host: "::", ipv6Only: true }).catch(() => undefined);
    // A machine without IPv6.
    if (six === undefined) return;
    closing(six);
    await expect(connect(text, { port: six.port!, host })).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
  });

  it("include those of `net` for a client", async () => {
    const froms: unknown[] = [];
    const server = closing(
      await listen(text, {
        port: 0,
        host,
        message() {},
        context: (socket) => void froms.push((socket as Socket).remoteAddress),
      }),
    );
    const asked: string[] = [];
    const connection = await connect(text, {
      port: server.port!,
      host: "somewhere.example",
      // On Linux all of 127/8 is this machine.
      localAddress: process.platform === "linux" ? "127.0.0.9" : host,
      autoSelectFamily: false,
      lookup(name, _options, callback) {
        asked.push(name);
        callback(null, host, 4);
      },
    });
    expect(asked).toEqual(["somewhere.example"]);
    expect(froms).toEqual([process.platform === "linux" ? "127.0.0.9" : host]);
    connection.close();
  });
});

describe("TLS", () => {
  it("sends the host name as server name, unless `servername` is given", async () => {
    const names: string[] = [];
    const server = closing(
      await listen(text, {
        port: 0,
        message() {},
        tls: {
          key,
          cert,
          SNICallback(name, done) {
            names.push(name);
            done(null);
          },
        },
      }),
    );
    const port = server.port!;
    const tls = { ca: cert, rejectUnauthorized: false };
    for (const options of [
      { port, host: "localhost", tls },
      { port, host, tls },
      { port, host: "localhost", tls: { ...tls, servername: "other.example" } },
    ]) {
      (await connect(text, options)).close();
    }
    expect(names).toEqual(["localhost", "other.example"]);
  });
});

describe("a context handler that throws", () => {
  const failure = new Error("thrown by context");

  it("closes only that socket of a server", async () => {
    const failures: unknown[] = [];
    let count = 0;
    const server = closing(
      await listen(text, {
        port: 0,
        host,
        context() {
          if (count++ === 0) throw failure;
        },
        message: (connection, line) => connection.send(line),
        serverError: (error) => failures.push(error),
      }),
    );
    const refused = createConnection({ port: server.port!, host });
    await once(refused, "close");
    expect(failures).toEqual([failure]);
    const connection = await connect(text, { port: server.port!, host });
    connection.send("still here");
    for await (const line of connection) {
      expect(line).toBe("still here");
      connection.close();
    }
  });

  it("is printed without `serverError`, and no other socket is closed", async () => {
    const server = closing(
      await listen(text, {
        port: 0,
        host,
        context() {
          throw failure;
        },
      }),
    );
    const socket = new (await import("node:net")).Socket();
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    server.server.emit("connection", socket);
    expect(printed.mock.calls.flat().join()).toContain(
      "a handler failed: Error: thrown by context",
    );
    expect(socket.destroyed).toBe(true);
  });

  it("ends an attempt to connect, and its socket", async () => {
    const gone: Promise<unknown>[] = [];
    const plain = createServer((socket) => gone.push(once(socket.resume(), "close")));
    plain.listen(0, host);
    await once(plain, "listening");
    const { port } = plain.address() as { port: number };
    const sockets: Socket[] = [];
    const attempt = connect(text, {
      port,
      host,
      context(socket) {
        sockets.push(socket as Socket);
        throw failure;
      },
    });
    await expect(attempt).rejects.toBe(failure);
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
    await Promise.all(gone);
    plain.close();
  });
});

describe("a signal", () => {
  it("aborts a server during its address lookup", async () => {
    const { server, port } = await listen(text, { port: 0, host: "localhost" });
    server.close();
    await once(server, "close");
    const controller = new AbortController();
    const { signal } = controller;
    const attempt = listen(text, { port: port!, host: "localhost", signal });
    controller.abort();
    await expect(attempt).rejects.toBe(signal.reason);
    // Nobody has the port.
    closing(await listen(text, { port: port!, host: "localhost" }));
  });

  it("is released", async () => {
    const { signal } = new AbortController();
    const listeners = (): number => getEventListeners(signal, "abort").length;
    const server = await listen(text, { port: 0, host, signal, message() {} });
    const port = server.port!;
    const connection = await connect(text, { port, host, signal });
    expect(listeners()).toBe(1);
    connection.close();
    await expect.poll(() => connection.state).toBe("closed");
    await expect.poll(listeners).toBe(1);
    server.server.close();
    await expect.poll(listeners).toBe(0);
    await expect(connect(text, { port, host, signal })).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
    await expect.poll(listeners).toBe(0);
    const taken = closing(await listen(text, { port: 0, host }));
    await expect(listen(text, { port: taken.port!, host, signal })).rejects.toThrow("EADDRINUSE");
    expect(listeners()).toBe(0);
  });
});
