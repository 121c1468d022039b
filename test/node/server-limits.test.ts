import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type CloseInfo,
  type Connection,
  lengthPrefixed,
  lines,
  raw,
  utf8,
} from "../../src/index.ts";
import { connect, listen, type Server } from "../../src/transports/node/index.ts";

// What a server does about peers that take their time or its memory, and how it closes.

const host = "127.0.0.1";
const text = lines().wrap(utf8());
const blobs = lengthPrefixed({ width: 4, maxFrame: 30_000_000 }).wrap(raw());
const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function closing<S extends Pick<Server<never>, "close">>(server: S): S {
  cleanups.push(() => server.close({ timeout: 50 }));
  return server;
}

/** A bare client, which reads nothing unless told to. */
async function dial(port: number): Promise<Socket> {
  const socket = createConnection({ port, host });
  socket.on("error", () => {});
  cleanups.push(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

describe("limits", () => {
  it.each([
    ["maxMemory", Number.NaN],
    ["maxConnections", -1],
    ["firstMessageTimeout", "8"],
    ["sendTimeout", Number.NaN],
    ["frameTimeout", -1],
  ])("of a server are checked: %s %s", async (name, value) => {
    const options = { port: 0, host, [name]: value } as { port: number };
    await expect(listen(text, options)).rejects.toThrow(`${name} must be a number of at least 0`);
  });

  it("of a client are checked too", async () => {
    await expect(connect(text, { port: 1, connectTimeout: Number.NaN })).rejects.toThrow(
      "connectTimeout must be a number",
    );
  });

  it("that do not exist are refused with those that do", async () => {
    const options = { port: 1, host, openTimeout: 5 } as { port: number };
    await expect(listen(text, options)).rejects.toThrow(
      /^listen has no option "openTimeout"; use .*firstMessageTimeout/,
    );
    await expect(connect(text, options)).rejects.toThrow(/^connect has no option "openTimeout"/);
  });

  it("end a peer that is slow with its first message, or with a frame", async () => {
    const errors: unknown[] = [];
    const server = closing(
      await listen(text, {
        ...{ port: 0, host, firstMessageTimeout: 40, frameTimeout: 40 },
        message() {},
        error: (_, error) => errors.push(error),
      }),
    );
    const silent = await dial(server.port);
    await once(silent.resume(), "close");
    const slow = await dial(server.port);
    slow.write("a message\nhalf");
    const drip = setInterval(() => slow.write("."), 5);
    // What dripped in after the end makes it a reset.
    await new Promise((resolve) => slow.resume().once("close", resolve));
    clearInterval(drip);
    expect(errors).toMatchObject([
      { code: "timeout", message: expect.stringContaining("no message within 40 ms") },
      { code: "timeout", message: expect.stringContaining("a frame was not whole within 40 ms") },
    ]);
  });

  it("cut a peer that sends and never reads", async () => {
    const errors: unknown[] = [];
    const server = closing(
      await listen(text, {
        ...{ port: 0, host, sendTimeout: 100, maxQueued: Infinity },
        message: (connection) => connection.send("x".repeat(500_000)),
        error: (_, error) => errors.push(error),
      }),
    );
    const socket = await dial(server.port);
    const asking = setInterval(() => socket.write("more\n"), 5);
    cleanups.push(() => clearInterval(asking));
    await expect.poll(() => errors).toMatchObject([{ code: "timeout" }]);
    expect(server.connections.size).toBe(0);
  });

  it("do not affect a peer that reads a large message slowly", async () => {
    const size = 6_000_000;
    const errors: unknown[] = [];
    const server = closing(
      await listen(blobs, {
        ...{ port: 0, host, sendTimeout: 2000 },
        open: (connection) => connection.send(new Uint8Array(size)),
        error: (_, error) => errors.push(error),
      }),
    );
    const socket = await dial(server.port);
    let taken = 0;
    socket.on("data", (chunk) => {
      taken += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 30);
    });
    await expect.poll(() => taken, { timeout: 30_000 }).toBe(size + 4);
    expect(errors).toEqual([]);
  });

  it("of memory end the largest connection of a server, and no other", async () => {
    const errors: unknown[] = [];
    const server = closing(
      await listen(blobs, {
        ...{ port: 0, host, maxMemory: 4_000_000, maxQueued: Infinity },
        message: (connection, bytes) => {
          for (let i = 0; i < bytes[0]!; i++) connection.send(new Uint8Array(1_000_000));
        },
        error: (_, error) => errors.push(error),
      }),
    );
    const small = await connect(blobs, { port: server.port, host });
    const greedy = await dial(server.port);
    greedy.write(Uint8Array.of(0, 0, 0, 1, 100));
    await expect.poll(() => errors).toMatchObject([{ code: "overflow" }]);
    expect(String(errors[0])).toContain("above maxMemory 4000000");
    small.send(Uint8Array.of(1));
    for await (const bytes of small) {
      expect(bytes.length).toBe(1_000_000);
      small.close();
    }
  });

  it("of a TLS handshake end it", async () => {
    const server = closing(
      await listen(text, { port: 0, host, tls: { key, cert, handshakeTimeout: 50 } }),
    );
    const socket = await dial(server.port);
    await once(socket.resume(), "close");
  });

  it("of a first message count from when a TLS connection was accepted", async () => {
    const errors: unknown[] = [];
    const server = closing(
      await listen(text, {
        ...{ port: 0, host, tls: { key, cert }, firstMessageTimeout: 900 },
        message() {},
        error: (_, error) => errors.push(error),
      }),
    );
    const socket = await dial(server.port);
    await new Promise((resolve) => setTimeout(resolve, 600));
    const secure = connectTls({ socket, rejectUnauthorized: false });
    await once(secure.resume(), "close");
    // What the handshake took is not given twice.
    const [, left] = /no message within ([0-9.]+) ms/.exec(String(errors[0])) ?? [];
    expect(Number(left)).toBeLessThanOrEqual(320);
  });

  it("of an attempt to connect end it, and its socket", async () => {
    const sockets: Socket[] = [];
    // Takes the connection and never shakes hands.
    const mute = createServer((socket) =>
      sockets.push(socket.on("error", () => {}).resume()),
    ).listen(0, host);
    cleanups.push(() => mute.close());
    await once(mute, "listening");
    const { port } = mute.address() as { port: number };
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    const attempt = connect(text, { port, host, tls: { ca: cert }, connectTimeout: 50 });
    await expect(attempt).rejects.toMatchObject({
      code: "timeout",
      message: "no connection within 50 ms",
    });
    await expect.poll(() => sockets.every(({ destroyed }) => destroyed)).toBe(true);
    expect(printed).not.toHaveBeenCalled();
  });

  it("end with the connection: its lookup may hang", async () => {
    const attempt = connect(text, {
      port: 1,
      host: "slow.example",
      connectTimeout: 30,
      lookup() {},
    });
    await expect(attempt).rejects.toMatchObject({ code: "timeout" });
  });
});

describe("server.connections", () => {
  it("has a connection from `open` on until `close`", async () => {
    const seen: [string, boolean][] = [];
    const has = (name: string, connection: Connection<string>): void => {
      seen.push([name, server.connections.has(connection)]);
    };
    const server: Server<string, string, undefined, number> = closing(
      await listen(text, {
        ...{ port: 0, host },
        open: (connection) => has("open", connection),
        message: (connection) => {
          has("message", connection);
          connection.use(text, { close: (used) => has("close", used) });
        },
      }),
    );
    (await dial(server.port)).end("x\n");
    await expect.poll(() => seen.length).toBe(3);
    expect(seen).toEqual([
      ["open", true],
      ["message", true],
      ["close", false],
    ]);
    expect(server.connections.size).toBe(0);
  });
});

describe("server.close()", () => {
  it.each(["open", "message", "end", "error", "close"] as const)(
    "may be called and awaited in `%s`",
    async (name) => {
      let done = (_: unknown): void => {};
      const result = new Promise((resolve) => {
        done = resolve;
      });
      const started = Date.now();
      let isCalled = false;
      const stop = async (): Promise<void> => {
        if (isCalled) return;
        isCalled = true;
        done(await server.close());
      };
      const server: Server<string, string, undefined, number> = await listen(text, {
        ...{ port: 0, host },
        message() {},
        ...(name === "error" ? {} : { error() {} }),
        [name]: stop,
      });
      const client = await dial(server.port);
      client.resume();
      if (name === "error") client.end("half");
      else client.end("x\n");
      expect(await result).toEqual({ dropped: 0 });
      expect(Date.now() - started).toBeLessThan(3000);
      expect(server.connections.size).toBe(0);
    },
  );

  it("counts what it dropped, and no connection calls that a clean end", async () => {
    const closes: CloseInfo[] = [];
    const server = await listen(blobs, {
      ...{ port: 0, host },
      open: (connection) => connection.send(new Uint8Array(20_000_000)),
      close: (_, info) => closes.push(info),
    });
    await dial(server.port);
    await expect.poll(() => server.connections.size).toBe(1);
    const { dropped } = await server.close({ timeout: 50 });
    expect(dropped).toBeGreaterThan(5_000_000);
    expect(dropped).toBeLessThan(20_000_100);
    expect(closes).toMatchObject([{ by: "error", error: { code: "timeout" } }]);
    expect(String(closes[0]?.error)).toContain("with bytes unsent");
  });

  it("is called by `await using`", async () => {
    const server = await listen(text, { port: 0, host });
    await server[Symbol.asyncDispose]();
    expect(server.server.listening).toBe(false);
  });
});
