import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, connect as dial, type Server as NetServer, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { pieces } from "../../src/framing/index.ts";
import { type CloseInfo, Connection, lines, type Protocol, raw, utf8 } from "../../src/index.ts";
import {
  connect,
  listen,
  type PipeOptions,
  pipe,
  type Server,
} from "../../src/transports/node/index.ts";
import { ScriptedSink } from "../support/scripted-sink.ts";
import { thrownBy } from "../support/thrown.ts";

const host = "127.0.0.1";
const text = lines().wrap(utf8());
const bytes = pieces().wrap(raw());

type Result = readonly [CloseInfo, CloseInfo];

const open: (NetServer | Server<never, unknown, unknown>)[] = [];

afterEach(async () => {
  for (const server of open.splice(0)) {
    if ("connections" in server && server.connections instanceof Set) {
      await (server as Server<never, unknown, unknown>).close({ timeout: 10 });
    } else {
      (server as NetServer).close();
    }
  }
});

/** All that a socket receives. What `node:stream/consumers` has would destroy the socket then. */
async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.resume();
  await once(socket, "end");
  return Buffer.concat(chunks);
}

/** A client and a server as plain sockets, with a proxy between them. */
async function between<A = never, B = never>(
  options: PipeOptions<A, B> = {},
): Promise<{ client: Socket; upstream: Socket; result: Promise<Result> }> {
  const accepted = createServer({ allowHalfOpen: true });
  open.push(accepted);
  accepted.listen(0, host);
  await once(accepted, "listening");
  const { port } = accepted.address() as { port: number };
  let tell: (result: Result) => void = () => {};
  const result = new Promise<Result>((resolve) => {
    tell = resolve;
  });
  const proxy = await listen(bytes, {
    host,
    port: 0,
    async open(connection) {
      const upstream = await connect(bytes, { host, port });
      pipe(connection, upstream, options).then(tell);
    },
  });
  open.push(proxy as unknown as Server<never, unknown, unknown>);
  const client = dial({ host, port: proxy.port, allowHalfOpen: true });
  const [upstream] = (await once(accepted, "connection")) as [Socket];
  return { client, upstream, result };
}

describe("pipe", () => {
  it("forwards every byte in both directions", async () => {
    const { client, upstream, result } = await between();
    const [up, down] = [randomBytes(3_000_000), randomBytes(5_000_000)];
    client.end(up);
    upstream.end(down);
    const [gotDown, gotUp] = await Promise.all([all(client), all(upstream)]);
    expect([gotUp.equals(up), gotDown.equals(down)]).toEqual([true, true]);
    for (const { error } of await result) expect(error).toBeUndefined();
  });

  it("forwards the end of one side, and bytes that the other side sends afterwards", async () => {
    const { client, upstream, result } = await between();
    client.end("question");
    expect((await all(upstream)).toString()).toBe("question");
    for (let n = 0; n < 5; n++) {
      upstream.write(`answer ${n};`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    upstream.end();
    const answer = (await all(client)).toString();
    expect(answer).toBe("answer 0;answer 1;answer 2;answer 3;answer 4;");
    for (const { error } of await result) expect(error).toBeUndefined();
  });

  it("does the same if the other side ends first", async () => {
    const { client, upstream, result } = await between();
    upstream.end("greeting");
    expect((await all(client)).toString()).toBe("greeting");
    client.write("thanks, ");
    client.end("bye");
    expect((await all(upstream)).toString()).toBe("thanks, bye");
    for (const { error } of await result) expect(error).toBeUndefined();
  });

  it("slows down a side that sends faster than the other one reads, and loses nothing", async () => {
    const { client, upstream } = await between();
    upstream.pause();
    const part = randomBytes(1_048_576);
    let isBlocked = false;
    let sent = 0;
    while (!isBlocked && sent < 256) {
      sent++;
      if (client.write(part)) continue;
      isBlocked = await Promise.race([
        once(client, "drain").then(() => false),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 500)),
      ]);
    }
    expect(isBlocked).toBe(true);
    // Buffers of the system, mostly.
    expect(sent).toBeLessThan(64);
    client.end();
    const got = await all(upstream);
    expect(got.length).toBe(sent * part.length);
    for (let n = 0; n < sent; n++) {
      expect(got.subarray(n * part.length, (n + 1) * part.length).equals(part)).toBe(true);
    }
    upstream.end();
  });

  it("delivers bytes received before a side failed, and closes the other one with an error", async () => {
    const { client, upstream, result } = await between();
    const got = all(client);
    upstream.write("the last words");
    await once(client, "data");
    upstream.resetAndDestroy();
    expect((await got).toString()).toBe("the last words");
    client.end();
    const [a, b] = await result;
    expect(b).toMatchObject({ by: "error", error: { code: "ECONNRESET" } });
    expect(a).toMatchObject({
      by: "error",
      error: { code: "closed", message: "the other connection of the pipe failed" },
    });
    expect((a.error as Error).cause).toBe(b.error);
  });

  it("forwards bytes that wait in the splitter first", async () => {
    const upstreams = createServer({ allowHalfOpen: true });
    open.push(upstreams);
    upstreams.listen(0, host);
    await once(upstreams, "listening");
    const { port } = upstreams.address() as { port: number };
    const proxy = await listen(text, {
      host,
      port: 0,
      async message(connection, line) {
        expect(line).toBe("CONNECT");
        const upstream = await connect(text, { host, port });
        void pipe(connection, upstream);
      },
    });
    open.push(proxy as unknown as Server<never, unknown, unknown>);
    const client = dial({ host, port: proxy.port });
    client.write("CONNECT\nfirst\nsecond, cut");
    const [upstream] = (await once(upstreams, "connection")) as [Socket];
    client.end(" here\nthird");
    expect((await all(upstream)).toString()).toBe("first\nsecond, cut here\nthird");
    upstream.end();
  });

  it("closes the other side if one direction alone cannot end, and keeps messages separate", async () => {
    const sinks = [new ScriptedSink("message"), new ScriptedSink("message")] as const;
    const [a, b] = [new Connection(text, sinks[0]), new Connection(text, sinks[1])];
    const result = pipe(a, b);
    a.opened();
    b.opened();
    a.received(Uint8Array.of(104, 105));
    a.received(Uint8Array.of());
    await Promise.resolve();
    expect(sinks[1].writes.map((w) => [...w])).toEqual([[104, 105], []]);
    expect(sinks[1].textFlags).toEqual([true, true]);
    a.ended();
    await Promise.resolve();
    expect(sinks[1].calls).toContain("close");
    b.lost();
    a.lost();
    expect((await result).map(({ by }) => by)).toEqual(["local", "local"]);
  });

  it("sends messages of a text protocol as text", async () => {
    const sinks = [new ScriptedSink("message"), new ScriptedSink("message")] as const;
    const messages = { ...utf8(), name: "texts", maxFrame: 100 };
    const a = new Connection(messages, sinks[0]);
    const b = new Connection({ ...messages, text: false }, sinks[1]);
    void pipe(a, b);
    a.opened();
    b.opened();
    a.received(Uint8Array.of(104));
    b.received(Uint8Array.of(105));
    await Promise.resolve();
    expect([sinks[0].textFlags, sinks[1].textFlags]).toEqual([[false], [true]]);
  });

  it("closes a connection whose other side is over before it begins", async () => {
    for (const isFirst of [true, false]) {
      const [a, b] = [
        new Connection(text, new ScriptedSink()),
        new Connection(text, new ScriptedSink()),
      ];
      a.opened();
      b.opened();
      a.abort();
      const result = isFirst ? pipe(a, b) : pipe(b, a);
      b.lost();
      expect((await result).map(({ by }) => by)).toEqual(["local", "local"]);
    }
  });

  it("refuses a connection with itself and unknown options, and leaves both unchanged", () => {
    const [sink, other] = [new ScriptedSink(), new ScriptedSink()];
    const received: string[] = [];
    const a = new Connection(text, sink, { message: (_, line) => void received.push(line) });
    const b = new Connection(text, other, { message() {} });
    a.opened();
    b.opened();
    expect(thrownBy(() => pipe(a, a))).toBeInstanceOf(TypeError);
    expect(String(thrownBy(() => pipe(a, b, { taps: {} } as never)))).toContain('"taps"');
    expect(String(thrownBy(() => pipe(a, b, { tap: { c: () => {} } } as never)))).toContain('"c"');
    const tap = { a: { protocol: lines() as unknown as Protocol<never>, message() {} } };
    expect(thrownBy(() => pipe(a, b, { tap }))).toBeInstanceOf(TypeError);
    const asPacket = { a: { bytes: () => {}, message() {} } } as never;
    expect(String(thrownBy(() => pipe(a, b, { tap: asPacket })))).toContain('"message"');
    const noFunction = { b: { bytes: new Uint8Array(1) } } as never;
    expect(String(thrownBy(() => pipe(a, b, { tap: noFunction })))).toContain("a function");
    // In the middle of a frame of several values.
    const batch: Protocol<string> = {
      ...text,
      decodeMany: (bytes, start, end) => text.decode(bytes, start, end).split(" "),
    };
    const errors: unknown[] = [];
    const c: Connection<string> = new Connection(batch, new ScriptedSink(), {
      message(_, word) {
        if (word === "one") errors.push(thrownBy(() => pipe(a, c)));
      },
    });
    c.opened();
    c.received(Buffer.from("one two\n"));
    expect(String(errors[0])).toContain("several values");
    a.received(Buffer.from("still lines\n"));
    expect(received).toEqual(["still lines"]);
    expect(a.protocol.name).toBe("lines");
  });
});

describe("the tap of a pipe", () => {
  it("receives the messages of both sides", async () => {
    const seen: string[] = [];
    const { client, upstream, result } = await between<string, string>({
      tap: {
        a: { protocol: text, message: (line) => seen.push(`> ${line}`) },
        b: { protocol: text, message: (line) => seen.push(`< ${line}`) },
      },
    });
    client.write("ping\n");
    await once(upstream, "data");
    upstream.end("pong\n");
    client.end();
    await Promise.all([all(client), all(upstream), result]);
    expect(seen).toEqual(["> ping", "< pong"]);
  });

  it("cannot change, stop or slow down the traffic", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const data = randomBytes(1_000_000);
    const errors: unknown[] = [];
    const bug = new Error("a bug of the tap");
    const throwing: Protocol<never, string> = {
      ...text,
      measure: () => {
        throw bug;
      },
    };
    const taps: PipeOptions<string, unknown>["tap"][] = [
      // A decoder that throws, a protocol that these bytes are not, and one that cuts a frame.
      {
        a: { protocol: throwing, message() {}, error: (error) => errors.push(error) },
        b: { protocol: lines({ maxFrame: 4 }).wrap(utf8()), message() {} },
      },
      // A function that throws, and one that writes into the bytes.
      {
        a() {
          throw bug;
        },
        b: (given) => given.fill(0),
      },
      // Promises: one that never settles, one that is rejected.
      {
        a: () => new Promise(() => {}),
        b: { protocol: bytes, message: () => Promise.reject(bug), error: (e) => errors.push(e) },
      },
      // An error handler that throws.
      {
        a: {
          protocol: throwing,
          message() {},
          error() {
            throw bug;
          },
        },
        b: { protocol: throwing, message() {}, error: () => Promise.reject(bug) },
      },
    ];
    for (const tap of taps) {
      const { client, upstream, result } = await between<string, unknown>({ tap });
      client.end(data);
      upstream.end(data);
      const got = await Promise.all([all(client), all(upstream)]);
      expect(got.map((g) => g.equals(data))).toEqual([true, true]);
      for (const { error } of await result) expect(error).toBeUndefined();
    }
    expect(errors).toEqual([expect.objectContaining({ cause: bug }), bug]);
    expect(log).toHaveBeenCalled();
    log.mockRestore();
  });

  it("receives the forwarded bytes themselves if it is { bytes }, and none after it has thrown", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const [from, to] = [new ScriptedSink(), new ScriptedSink()];
    const a = new Connection(bytes, from);
    const b = new Connection(bytes, to);
    a.opened();
    b.opened();
    const seen: Uint8Array[] = [];
    const tap = {
      a: { bytes: (given: Uint8Array) => seen.push(given) },
      b: {
        bytes() {
          throw new Error("a bug of the tap");
        },
      },
    };
    void pipe(a, b, { tap });
    const chunk = new TextEncoder().encode("forwarded");
    a.received(chunk);
    b.received(chunk);
    b.received(chunk);
    a.ended();
    await b.flushed();
    expect(seen.map(({ buffer }) => buffer)).toEqual([chunk.buffer]);
    expect(seen[0]!.buffer).toBe(chunk.buffer);
    expect(Buffer.concat(to.writes)).toEqual(Buffer.from("forwarded"));
    expect(Buffer.concat(from.writes)).toEqual(Buffer.from("forwardedforwarded"));
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
  });

  it("receives one error, even for a frame that is cut off", async () => {
    const errors: unknown[] = [];
    const { client, upstream, result } = await between<string>({
      tap: { a: { protocol: text, message() {}, error: (error) => errors.push(error) } },
    });
    client.end("no end of the line");
    upstream.end();
    await Promise.all([all(client), all(upstream), result]);
    expect(errors).toEqual([expect.objectContaining({ code: "truncated" })]);
  });
});
