import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Command,
  client,
  Push,
  type Reply,
  ReplyError,
  resp,
  Status,
  server,
  type Value,
} from "../../examples/peers/_resp.ts";
import { decodeAll, encodeAll, encodeFrame, Splitter } from "../../src/index.ts";
import { Requests } from "../../src/session/index.ts";
import { connect, listen } from "../../src/transports/node/index.ts";
import { freePort, lacks, type Running, run, start } from "../support/programs.ts";

// The protocol of examples/peers/_resp.ts, compared with redis-parser, with a real Redis, and with
// redis-cli as a client of ours.

const host = "127.0.0.1";

interface TheirOptions {
  returnReply(reply: unknown): void;
  returnError(error: Error): void;
}
// It has no types.
const RedisParser = createRequire(import.meta.url)("redis-parser") as new (
  options: TheirOptions,
) => { execute(bytes: Buffer): void };

/** Returns the common form of both results, with errors as their text. */
function plain(reply: unknown): unknown {
  if (reply instanceof Error) return { error: reply.message };
  return Array.isArray(reply) ? reply.map(plain) : reply;
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
  return chunks;
}

function ourReplies(chunks: readonly Uint8Array[]): unknown[] {
  const protocol = resp({ version: 2, maxFrame: 2 ** 26 });
  const splitter = new Splitter(protocol);
  const read: unknown[] = [];
  for (const chunk of chunks) {
    splitter.push(chunk);
    while (splitter.next()) {
      read.push(plain(protocol.decode(splitter.bytes, splitter.start, splitter.end)));
    }
  }
  splitter.finish();
  return read;
}

function theirReplies(chunks: readonly Uint8Array[]): unknown[] {
  const read: unknown[] = [];
  const keep = (reply: unknown): void => void read.push(plain(reply));
  const parser = new RedisParser({ returnReply: keep, returnError: keep });
  for (const chunk of chunks) parser.execute(Buffer.from(chunk));
  return read;
}

const replies: readonly Value[] = [
  new Status("OK"),
  new ReplyError("WRONGTYPE Operation against a key"),
  0,
  -7,
  123_456_789_012,
  "",
  "hello",
  "gr\u00fc\u00dfe\r\n$5\r\n",
  null,
  [],
  ["a", null, 1, ["b", [new ReplyError("ERR no"), "c"]], []],
  Array.from({ length: 3000 }, (_, n) => `value:${n}`),
  Array.from({ length: 3000 }, (_, n) => n * 7 - 9000),
  Array.from({ length: 200 }, (_, n) => [n, `${n}`, null]),
  "x".repeat(70_000),
];

describe("RESP, compared with redis-parser", () => {
  it.each([1, 3, 100, 1400, 65_536])("reads the same values from chunks of %i bytes", (size) => {
    const few = size > 3 ? replies : replies.slice(0, -1);
    const chunks = cut(encodeAll(resp({ version: 2 }), few), size);
    const ours = ourReplies(chunks);
    expect(ours).toEqual(few.map((one) => plain(one instanceof Status ? one.text : one)));
    expect(ours).toEqual(theirReplies(chunks));
  });
});

/** A client whose commands are answered in order, with pushes in between. */
async function joinRedis(
  port: number,
  version: 2 | 3,
): Promise<{
  ask(...command: Command): Promise<Reply>;
  pushes: (readonly Reply[])[];
  close(): void;
}> {
  const requests = new Requests<Reply>({ ids: "fifo", maxPending: 100_000 });
  const pushes: (readonly Reply[])[] = [];
  const connection = await connect(client({ maxFrame: 2 ** 26 }), {
    host,
    port,
    message(_, reply) {
      if (reply instanceof Push) pushes.push(reply.items);
      else requests.answer(undefined, reply);
    },
  });
  connection.onInputEnd((error) => requests.end(error));
  const ask = (...command: Command): Promise<Reply> =>
    requests.ask(() => connection.send(command), {
      read(reply) {
        if (reply instanceof ReplyError) throw reply;
        return reply;
      },
    }) as Promise<Reply>;
  await ask("HELLO", version);
  return { ask, pushes, close: () => connection.close() };
}

describe.skipIf(
  lacks({
    "redis-server": "redis-server",
    "redis-cli": "redis-tools",
    "redis-benchmark": "redis-tools",
  }),
)("a real Redis", () => {
  const folder = mkdtempSync(join(tmpdir(), "framewright-redis-"));
  let port: number;
  let redis: Running;
  beforeAll(async () => {
    port = await freePort();
    const where = ["--port", String(port), "--bind", host, "--dir", folder];
    const memory = ["--save", "", "--appendonly", "no", "--enable-debug-command", "yes"];
    redis = await start("redis-server", [...where, ...memory], port);
  });
  afterAll(async () => {
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([2, 3] as const)("answers commands of RESP %i", async (version) => {
    const { ask, close } = await joinRedis(port, version);
    expect(await ask("FLUSHALL")).toBe("OK");
    expect(await ask("SET", "greeting", "gr\u00fc\u00dfe")).toBe("OK");
    expect(await ask("GET", "greeting")).toBe("gr\u00fc\u00dfe");
    expect(await ask("GET", "nothing")).toBeNull();
    expect(await ask("INCRBY", "n", "9223372036854775807")).toBe(9223372036854775807n);
    expect(await ask("DECRBY", "m", 5)).toBe(-5);
    await expect(ask("INCR", "greeting")).rejects.toMatchObject({ code: "ERR" });
    await expect(ask("LPUSH", "greeting", "x")).rejects.toMatchObject({ code: "WRONGTYPE" });
    await ask("HSET", "h", "a", 1, "b", 2);
    await ask("SADD", "s", "x");
    await ask("ZADD", "z", "1.5", "x");
    const [hash, set, score] = [
      await ask("HGETALL", "h"),
      await ask("SMEMBERS", "s"),
      await ask("ZSCORE", "z", "x"),
    ];
    if (version === 2) {
      expect([hash, set, score]).toEqual([["a", "1", "b", "2"], ["x"], "1.5"]);
    } else {
      const pairs = [
        ["a", "1"],
        ["b", "2"],
      ] as const;
      expect([hash, set, score]).toEqual([new Map(pairs), new Set(["x"]), 1.5]);
    }
    const nested = await ask("EVAL", "return {1, {2, {'three', {err = 'FOUR four'}}}, {}}", 0);
    expect(plain(nested)).toEqual([1, [2, ["three", { error: "FOUR four" }]], []]);
    close();
  });

  it("sends every type of RESP 3", async () => {
    const { ask, pushes, close } = await joinRedis(port, 3);
    const types: [string, unknown][] = [
      ["string", "Hello World"],
      ["integer", 12345],
      ["double", 3141 / 1000],
      ["null", null],
      ["array", [0, 1, 2]],
      ["set", new Set([0, 1, 2])],
      [
        "map",
        new Map([
          [0, false],
          [1, true],
          [2, false],
        ]),
      ],
      ["attrib", "Some real reply following the attribute"],
      ["verbatim", "This is a verbatim\nstring"],
      ["true", true],
      ["false", false],
      ["bignum", 1234567999999999999999999999999999999n],
    ];
    for (const [type, value] of types) {
      expect(await ask("DEBUG", "PROTOCOL", type), type).toEqual(value);
    }
    // The push triggered by this command arrives before its answer.
    await ask("DEBUG", "PROTOCOL", "push").catch(() => {});
    expect(pushes).toEqual([["server-cpu-usage", 42]]);
    close();
  });

  it("answers 20,000 pipelined commands in order", async () => {
    const { ask, close } = await joinRedis(port, 3);
    await ask("FLUSHALL");
    const asked = Array.from({ length: 20_000 }, (_, n) =>
      n % 2 === 0 ? ask("SET", `key:${n}`, `value ${n}`) : ask("GET", `key:${n - 1}`),
    );
    (await Promise.all(asked)).forEach((reply, n) => {
      if (reply !== (n % 2 === 0 ? "OK" : `value ${n - 1}`))
        throw new Error(`reply ${n}: ${reply}`);
    });
    close();
  });

  it.each([2, 3] as const)("sends an array of 100,000 values, RESP %i", async (version) => {
    const { ask, close } = await joinRedis(port, version);
    await ask("DEL", "list");
    const values = Array.from({ length: 100_000 }, (_, n) => `value:${n}`);
    for (let n = 0; n < values.length; n += 10_000) {
      await ask("RPUSH", "list", ...values.slice(n, n + 10_000));
    }
    expect(await ask("LRANGE", "list", 0, -1)).toEqual(values);
    close();
  });

  it("sends invalidations of keys that others change", async () => {
    const other = await joinRedis(port, 2);
    const cached = await joinRedis(port, 3);
    await cached.ask("CLIENT", "TRACKING", "ON");
    await cached.ask("SET", "cached", "1");
    expect(await cached.ask("GET", "cached")).toBe("1");
    await other.ask("SET", "cached", "2");
    await expect.poll(() => cached.pushes).toEqual([["invalidate", ["cached"]]]);
    expect(await cached.ask("GET", "cached")).toBe("2");
    cached.close();
    other.close();
  });

  it("sends messages that others publish, in order, while commands are answered", async () => {
    const publisher = await joinRedis(port, 2);
    const received: unknown[] = [];
    const subscriber = await connect(client(), {
      host,
      port,
      message: (_, reply) => received.push(reply instanceof Push ? reply.items : reply),
    });
    for (const command of [
      ["HELLO", 3],
      ["SUBSCRIBE", "news"],
    ] as const) {
      subscriber.send(command);
    }
    await expect.poll(() => received.length).toBe(2);
    for (let n = 0; n < 500; n++) {
      subscriber.send(["ECHO", `echo ${n}`]);
      await publisher.ask("PUBLISH", "news", `message ${n}`);
    }
    await expect.poll(() => received.length).toBe(1002);
    const pushed = received.slice(1).filter((one) => Array.isArray(one));
    expect(pushed.slice(1)).toEqual(
      Array.from({ length: 500 }, (_, n) => ["message", "news", `message ${n}`]),
    );
    const answered = received.slice(1).filter((one) => typeof one === "string");
    expect(answered).toEqual(Array.from({ length: 500 }, (_, n) => `echo ${n}`));
    subscriber.close();
    publisher.close();
  });

  it("reads the commands of redis-cli and redis-benchmark as a server", async () => {
    const data = new Map<string, string>();
    const commands: string[] = [];
    const ours = await listen(server(), {
      host,
      port: 0,
      message(connection, command) {
        const [name = "", key = "", value = ""] = command;
        // redis-cli first requests the list of commands.
        if (name !== "COMMAND") commands.push(command.join(" "));
        switch (name.toUpperCase()) {
          case "SET":
            data.set(key, value);
            return void connection.send(new Status("OK"));
          case "GET":
            return void connection.send(data.get(key) ?? null);
          case "ECHO":
            return void connection.send([key, 1, ["nested", null]]);
          default:
            return void connection.send(new ReplyError(`ERR unknown command '${name}'`));
        }
      },
    });
    const where = ["-h", host, "-p", String(ours.port)];
    const input = 'SET greeting "gr\u00fc\u00dfe"\nGET greeting\nGET nothing\nECHO hi\nNONE\n';
    const printed = (await run("redis-cli", where, { input })).toString();
    // Empty lines: a null, the null in an array, and those after an error.
    expect(printed.split("\n").filter((line) => line !== "")).toEqual([
      "OK",
      "gr\u00fc\u00dfe",
      "hi",
      "1",
      "nested",
      "ERR unknown command 'NONE'",
    ]);
    expect(commands.slice(0, 5)).toEqual([
      "SET greeting gr\u00fc\u00dfe",
      "GET greeting",
      "GET nothing",
      "ECHO hi",
      "NONE",
    ]);
    const load = ["-t", "set,get", "-n", "20000", "-P", "16", "-c", "10", "-r", "100", "-q"];
    const report = (await run("redis-benchmark", [...where, ...load])).toString();
    expect(report).toMatch(/SET: [\d.]+ requests per second/);
    expect(report).toMatch(/GET: [\d.]+ requests per second/);
    expect(data.size).toBeGreaterThan(90);
    await ours.close();
  });

  it("works with redis-cli --pipe", async () => {
    const input = Buffer.from(
      encodeAll(client(), [
        ["SET", "piped", "1"],
        ["INCRBY", "piped", 41],
      ]),
    );
    const said = await run("redis-cli", ["-h", host, "-p", String(port), "--pipe"], { input });
    expect(said.toString()).toContain("errors: 0, replies: 2");
    const { ask, close } = await joinRedis(port, 3);
    expect(await ask("GET", "piped")).toBe("42");
    close();
    expect(decodeAll(server(), encodeFrame(client(), ["GET", "piped"]))).toEqual([
      ["GET", "piped"],
    ]);
  });
});
