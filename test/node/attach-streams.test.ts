import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { Duplex, PassThrough } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { type CloseInfo, lines, utf8 } from "../../src/index.ts";
import { attach, connect, detachSocket, listen } from "../../src/transports/node/index.ts";

const protocol = lines().wrap(utf8());
const host = "127.0.0.1";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Both ends of a TCP connection. */
async function pair(options: { pauseOnConnect?: boolean } = {}) {
  const server = createServer({ allowHalfOpen: true, ...options }).listen(0, host);
  await once(server, "listening");
  const far = createConnection({
    port: (server.address() as AddressInfo).port,
    host,
    allowHalfOpen: true,
  });
  const [near] = (await once(server, "connection")) as [Socket];
  far.on("error", () => {});
  cleanups.push(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far };
}

describe("attach", () => {
  it("refuses streams of text and of objects immediately", async () => {
    const { near } = await pair();
    near.setEncoding("utf8");
    expect(() => attach(near, protocol)).toThrow(
      new TypeError('the stream delivers text (setEncoding("utf8")): it must deliver bytes'),
    );
    expect(() => attach(new Duplex({ objectMode: true }), protocol)).toThrow("object mode");
    const readable = new PassThrough();
    const writable = new PassThrough({ writableObjectMode: true });
    expect(() => attach({ readable, writable }, protocol)).toThrow("object mode");
  });

  it("refuses options that do not exist", async () => {
    const { near } = await pair();
    const options = { maxQueue: 5 } as object;
    expect(() => attach(near, protocol, options)).toThrow('attach has no option "maxQueue"');
  });

  it("reads a socket that was paused", async () => {
    for (const options of [{ pauseOnConnect: true }, {}]) {
      const { near, far } = await pair(options);
      near.pause();
      far.write("hello\n");
      const line = await new Promise((resolve) => {
        attach(near, protocol, { message: (_, value) => resolve(value) });
      });
      expect(line).toBe("hello");
    }
  });

  it("reads a paused socket only when messages are requested", async () => {
    const { near, far } = await pair();
    near.pause();
    const connection = attach(near, protocol);
    far.write("hello\n");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(near.isPaused()).toBe(true);
    for await (const line of connection) {
      expect(line).toBe("hello");
      connection.close();
    }
  });

  it("delivers nothing more once a handler has destroyed the socket", async () => {
    for (const isAsync of [false, true]) {
      const { near, far } = await pair();
      const heard: string[] = [];
      const closed = new Promise<CloseInfo>((resolve) => {
        attach(near, protocol, {
          message(_, line) {
            heard.push(line);
            if (!isAsync) return void near.destroy();
            return Promise.resolve().then(() => void near.destroy());
          },
          close: (_, info) => resolve(info),
        });
      });
      far.write("one\ntwo\nthree\n");
      expect(await closed).toEqual({ by: "local" });
      expect(heard).toEqual(["one"]);
    }
  });

  it("ends its own direction, and still reads", async () => {
    const { near, far } = await pair();
    const heard: string[] = [];
    const closed = new Promise<CloseInfo>((resolve) => {
      attach(near, protocol, {
        open(connection) {
          connection.send("question");
          connection.end();
        },
        message: (_, line) => heard.push(line),
        close: (_, info) => resolve(info),
      });
    });
    far.resume();
    await once(far, "end");
    far.end("answer\n");
    expect([await closed, heard]).toEqual([{ by: "local" }, ["answer"]]);
  });

  it("writes a large message in slices", async () => {
    const lengths: number[] = [];
    const stream = new Duplex({
      read() {},
      write(chunk: Uint8Array, _encoding, done) {
        lengths.push(chunk.length);
        setImmediate(done);
      },
    });
    const connection = attach(stream, protocol, { message() {} });
    connection.send("x".repeat(200_000));
    connection.send("y");
    connection.close();
    await once(stream, "finish");
    expect(Math.max(...lengths)).toBe(65_536);
    expect(lengths.reduce((sum, length) => sum + length)).toBe(200_003);
    stream.destroy();
  });
});

describe("detachSocket", () => {
  it("returns the socket with its unread bytes, and without listeners", async () => {
    const { near, far } = await pair();
    const before = near.eventNames().map((name) => [name, near.listenerCount(name)]);
    const closes: CloseInfo[] = [];
    const socket = await new Promise<Duplex>((resolve) => {
      attach(near, protocol, {
        message(connection, line) {
          connection.send(line.toUpperCase());
          queueMicrotask(() => resolve(detachSocket(connection)));
          connection.pause();
        },
        close: (_, info) => closes.push(info),
      });
      far.write("upgrade\nraw bytes");
    });
    expect(socket).toBe(near);
    expect(closes).toEqual([{ by: "local" }]);
    expect(near.eventNames().map((name) => [name, near.listenerCount(name)])).toEqual(before);
    expect(Object.hasOwn(near, "destroy")).toBe(false);
    const [answer] = await once(far, "data");
    expect(String(answer)).toBe("UPGRADE\n");
    const got: Buffer[] = [];
    near.on("data", (chunk: Buffer) => got.push(chunk));
    near.resume();
    far.write(", and more");
    await expect.poll(() => Buffer.concat(got).toString()).toBe("raw bytes, and more");
  });

  it("refuses after the peer has ended, and continues", async () => {
    const { near, far } = await pair();
    const closed = new Promise<CloseInfo>((resolve) => {
      attach(near, protocol, {
        message() {},
        end(connection) {
          expect(() => detachSocket(connection)).toThrow("after the peer has ended");
          connection.close();
        },
        close: (_, info) => resolve(info),
      });
    });
    far.end("x\n");
    far.resume();
    expect(await closed).toEqual({ by: "local" });
  });
});

describe("errors", () => {
  it("name the peer", async () => {
    const printed: string[] = [];
    const { error } = console;
    console.error = (line: string) => void printed.push(line);
    cleanups.push(() => {
      console.error = error;
    });
    const named = lines().wrap(utf8(), { name: "named" });
    const server = await listen(named, { port: 0, host, message() {} });
    cleanups.push(() => server.close());
    const client = createConnection({ port: server.port, host });
    await once(client, "connect");
    const { localPort } = client;
    client.end(Uint8Array.of(0xff, 10));
    await once(client.resume(), "close");
    expect(printed).toHaveLength(1);
    expect(printed[0]).toMatch(new RegExp(`^framewright: named from 127.0.0.1:${localPort}: `));
  });

  it("of an attempt to connect are reported to the caller, and not printed", async () => {
    const printed: string[] = [];
    const { error } = console;
    console.error = (line: string) => void printed.push(line);
    cleanups.push(() => {
      console.error = error;
    });
    const { port, server } = await listen(protocol, { port: 0, host });
    server.close();
    await once(server, "close");
    await expect(connect(protocol, { port, host })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(printed).toEqual([]);
  });
});

describe("the two streams of a child process", () => {
  /** Attaches to a child that runs `program`. */
  function start(program: string) {
    const child = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "pipe", "inherit"] });
    cleanups.push(() => child.kill("SIGKILL"));
    const heard: string[] = [];
    let resolve = (_: CloseInfo): void => {};
    const closed = new Promise<CloseInfo>((done) => {
      resolve = done;
    });
    const connection = attach({ readable: child.stdout, writable: child.stdin }, protocol, {
      message: (_, line) => heard.push(line),
      error() {},
      close: (_, info) => resolve(info),
    });
    return { child, connection, heard, closed };
  }

  it("close as soon as the child is done", async () => {
    const { connection, closed, child } = start("process.stdin.pipe(process.stdout)");
    const exit = once(child, "exit");
    connection.send("hello");
    connection.close();
    await exit;
    const started = Date.now();
    expect(await closed).toEqual({ by: "local" });
    expect(Date.now() - started).toBeLessThan(1000);
  });

  it("deliver the last output of a child that reads nothing, and fail after it", async () => {
    const { connection, heard, closed } = start(`
      require("node:fs").closeSync(0);
      setTimeout(() => process.stdout.write("usage: ...\\n"), 100);
    `);
    connection.send("x".repeat(1_000_000));
    expect(await closed).toMatchObject({ by: "error", error: { code: "EPIPE" } });
    expect(heard).toEqual(["usage: ..."]);
  });

  it("give `context` the pair", async () => {
    const readable = new PassThrough();
    const writable = new PassThrough();
    const given = { readable, writable };
    const connection = attach(given, protocol, {
      context: (streams) => streams.readable,
      message: (opened, line) => opened.send(line),
    });
    expect(connection.context).toBe(readable);
    readable.end("echo\n");
    const [chunk] = await once(writable, "data");
    expect(String(chunk)).toBe("echo\n");
    expect(await connection.closed).toEqual({ by: "peer" });
  });
});
