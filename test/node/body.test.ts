import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as dial, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { body } from "../../src/framing/index.ts";
import {
  type CloseInfo,
  Connection,
  encodeFrame,
  json,
  lines,
  type Protocol,
  utf8,
} from "../../src/index.ts";
import {
  connect,
  type ListenOptions,
  listen,
  type Server,
} from "../../src/transports/node/index.ts";
import { ScriptedSink } from "../support/scripted-sink.ts";
import { thrownBy } from "../support/thrown.ts";

const host = "127.0.0.1";
const headers = lines().wrap(json<{ size: number }>());
const servers: Server<never, unknown, unknown>[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close({ timeout: 10 });
});

async function serve(
  options: Omit<ListenOptions<{ size: number }>, "port" | "host" | "path">,
): Promise<Socket> {
  const server = await listen(headers, { ...options, host, port: 0 });
  servers.push(server as unknown as Server<never, unknown, unknown>);
  return dial({ host, port: server.port });
}

/** A header and its body, in one piece. */
const upload = (bytes: Buffer): Buffer =>
  Buffer.concat([encodeFrame(headers, { size: bytes.length }), bytes]);

describe("body", () => {
  it("reads exactly the bytes of each body, however they are cut", async () => {
    const bodies = [0, 1, 65_535, 65_536, 65_537, 1_000_000].map((size) => randomBytes(size));
    const got: Buffer[] = [];
    const client = await serve({
      async message(connection, { size }) {
        const parts: Uint8Array[] = [];
        for await (const piece of body(connection, size)) {
          expect(piece.length).toBeLessThanOrEqual(65_536);
          parts.push(piece);
        }
        got.push(Buffer.concat(parts));
      },
    });
    const all = Buffer.concat(bodies.map(upload));
    client.write(all);
    await expect.poll(() => got.length).toBe(bodies.length);
    for (let at = 0, size = 1; at < all.length; at += size, size = (size * 7) % 100_003) {
      client.write(all.subarray(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => got.length).toBe(2 * bodies.length);
    got.forEach((g, n) => void expect(g.equals(bodies[n % bodies.length]!)).toBe(true));
    client.destroy();
  });

  it("works between the messages of a loop, and in a handler that does not wait", async () => {
    const text = lines().wrap(utf8());
    const server = await listen(text, {
      host,
      port: 0,
      message(connection, line) {
        const parts: string[] = [];
        const read = async (): Promise<void> => {
          for await (const piece of body(connection, Number(line))) {
            parts.push(String.fromCharCode(...piece));
          }
          connection.send(parts.join("").toUpperCase());
        };
        void read();
      },
    });
    servers.push(server as unknown as Server<never, unknown, unknown>);
    const connection = await connect(text, { host, port: server.port });
    connection.sendFrame(Uint8Array.from("3\nabc2\nde0\n", (c) => c.charCodeAt(0)));
    const answers: string[] = [];
    for await (const line of connection) {
      answers.push(line);
      if (answers.length === 3) break;
    }
    expect(answers).toEqual(["ABC", "DE", ""]);
    // Of the answer to this, four bytes are read as a body, and the rest as a line.
    connection.sendFrame(Uint8Array.from("6\nuvwxyz", (c) => c.charCodeAt(0)));
    const pieces: number[] = [];
    for await (const piece of body(connection, 4)) pieces.push(...piece);
    for await (const line of connection) {
      expect(line).toBe("YZ");
      connection.close();
    }
    expect(String.fromCharCode(...pieces)).toBe("UVWX");
  });

  it("reads several bodies after one header, and keeps a protocol that was chosen since", async () => {
    const got: string[] = [];
    const client = await serve({
      async message(connection, { size }) {
        for (let n = 0; n < 2; n++) {
          for await (const piece of body(connection, size)) got.push(String.fromCharCode(...piece));
        }
        got.push("|");
        if (size === 3)
          connection.use(lines().wrap(utf8()), { message: (_, line) => got.push(line) });
      },
    });
    const two = encodeFrame(headers, { size: 2 });
    const three = encodeFrame(headers, { size: 3 });
    client.write(Buffer.concat([two, Buffer.from("abcd"), three, Buffer.from("efghijline\n")]));
    await expect.poll(() => got.join("")).toBe("abcd|efghij|line");
    client.destroy();
  });

  it("slows the peer down while a piece is processed", async () => {
    let read = 0;
    let goOn = (): void => {};
    const size = 256 * 1024 * 1024;
    const client = await serve({
      async message(connection) {
        for await (const piece of body(connection, size)) {
          read += piece.length;
          if (read > 100_000) await new Promise<void>((resolve) => (goOn = resolve));
        }
      },
      handlerErrors: "report",
    });
    client.on("error", () => {});
    client.write(encodeFrame(headers, { size }));
    const part = Buffer.alloc(1_048_576);
    let sent = 0;
    let isBlocked = false;
    while (!isBlocked && sent < size) {
      sent += part.length;
      if (client.write(part)) continue;
      isBlocked = await Promise.race([
        once(client, "drain").then(() => false),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 500)),
      ]);
    }
    expect(isBlocked).toBe(true);
    // What the system holds.
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    const before = read;
    goOn();
    await expect.poll(() => read).toBeGreaterThan(before);
    client.destroy();
  });

  it.each([
    ["break", false],
    ["a throw", true],
  ])("skips the rest after %s, and continues after it", async (_, isThrown) => {
    const got: (number | string)[] = [];
    const client = await serve({
      async message(connection, { size }) {
        got.push(size);
        if (size !== 500_000) return;
        try {
          for await (const piece of body(connection, size)) {
            expect(piece.length).toBeGreaterThan(0);
            if (isThrown) throw new Error("enough");
            break;
          }
        } catch (error) {
          got.push((error as Error).message);
        }
      },
    });
    // A body that looks like headers all over.
    const line = encodeFrame(headers, { size: 6 });
    const rest = Buffer.alloc(500_000, line);
    client.write(upload(rest));
    client.write(encodeFrame(headers, { size: 7 }));
    client.write(upload(rest));
    client.write(encodeFrame(headers, { size: 8 }));
    const one = isThrown ? [500_000, "enough"] : [500_000];
    await expect.poll(() => got).toEqual([...one, 7, ...one, 8]);
    client.destroy();
  });

  it("throws truncated if the peer ends inside the body, and closes the connection with it", async () => {
    const errors: unknown[] = [];
    const caught: unknown[] = [];
    const closes: CloseInfo[] = [];
    const client = await serve({
      async message(connection) {
        try {
          for await (const _ of body(connection, 10)) {
          }
        } catch (error) {
          caught.push(error);
          throw error;
        }
      },
      error: (_, error) => errors.push(error),
      close: (_, info) => closes.push(info),
    });
    client.end(Buffer.concat([encodeFrame(headers, { size: 10 }), Buffer.from("1234567")]));
    await expect.poll(() => closes.length).toBe(1);
    expect(caught).toEqual([
      expect.objectContaining({
        code: "truncated",
        message: "the connection ended after 7 of the 10 bytes of a body",
      }),
    ]);
    expect(errors).toEqual(caught);
    expect(closes[0]).toEqual({ by: "error", error: caught[0] });
  });

  it("throws the error that ended the connection, and `closed` if this side closed it", async () => {
    const caught: unknown[] = [];
    const closes: CloseInfo[] = [];
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const options = {
      async message(connection: Connection<{ size: number }>): Promise<void> {
        try {
          for await (const piece of body(connection, 10)) {
            if (piece[0] === 99) connection.close();
            if (piece[0] === 98) connection.abort(new Error("no more"));
          }
        } catch (error) {
          caught.push(error);
          // This one is the program's own.
          if ((error as Error).message !== "no more") throw error;
        }
      },
      close: (_: unknown, info: CloseInfo) => closes.push(info),
    };
    for (const word of ["c", "b"]) {
      const client = await serve(options);
      client.on("error", () => {});
      client.write(Buffer.concat([encodeFrame(headers, { size: 10 }), Buffer.from(word)]));
      await once(client, "close");
    }
    const idle = await serve({ ...options, idleTimeout: 20 });
    idle.write(encodeFrame(headers, { size: 10 }));
    idle.on("error", () => {});
    await once(idle, "close");
    await expect.poll(() => closes.length).toBe(3);
    expect(caught).toEqual([
      expect.objectContaining({ code: "closed" }),
      new Error("no more"),
      expect.objectContaining({ code: "timeout" }),
    ]);
    expect(closes.map(({ by }) => by)).toEqual(["local", "error", "error"]);
    // One line for the peer that was silent, none for handlers.
    expect(log.mock.calls.flat().filter((line) => String(line).includes("handler"))).toEqual([]);
    log.mockRestore();
  });

  it("keeps the state of a stateful protocol, and returns the same end twice", async () => {
    const made: number[] = [];
    const stateful: Protocol<string> = {
      ...lines().wrap(utf8()),
      perConnection() {
        let count = 0;
        made.push(0);
        const own = lines().wrap(utf8());
        return {
          ...own,
          decode: (bytes, start, end) => `${++count} ${own.decode(bytes, start, end)}`,
          perConnection: stateful.perConnection!,
        };
      },
    };
    const received: string[] = [];
    const connection = new Connection(stateful, new ScriptedSink());
    connection.opened();
    connection.received(Buffer.from("a\nxyzb\n"));
    for await (const line of connection) {
      received.push(line);
      if (received.length === 3) break;
      const bytes = body(connection, 3);
      for await (const piece of bytes) received.push(String.fromCharCode(...piece));
      expect([await bytes.next(), await bytes.return?.()]).toEqual([
        { done: true, value: undefined },
        { done: true, value: undefined },
      ]);
    }
    expect(received).toEqual(["1 a", "xyz", "2 b"]);
    expect(made.length).toBe(1);
  });

  it("refuses an invalid number", () => {
    const connection = new Connection(headers, new ScriptedSink());
    for (const n of [-1, 1.5, Number.NaN, 2 ** 53]) {
      expect(thrownBy(() => body(connection, n))).toBeInstanceOf(RangeError);
    }
  });
});
