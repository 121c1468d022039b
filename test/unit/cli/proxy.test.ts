import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, connect as dial, type Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { execute } from "../../../src/cli/run.ts";
import { encodeAll, json, lines, utf8 } from "../../../src/index.ts";
import { goim } from "../../../src/protocols/goim/index.ts";
import { connect, listen, type Server } from "../../../src/transports/node/index.ts";
import { lacks, run } from "../../support/programs.ts";

const host = "127.0.0.1";
const files = mkdtempSync(join(tmpdir(), "framewright-"));
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const chat = lines().wrap(json<unknown>());

interface Running {
  out: string;
  errors: string;
  readonly stop: AbortController;
  readonly code: Promise<number>;
}

const running: Running[] = [];
const servers: (Server<never, unknown, unknown> | NetServer)[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) {
    one.stop.abort();
    await one.code;
  }
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => rmSync(files, { recursive: true, force: true }));

/** Starts the command; `input` are lines for its standard input, which then stays open. */
function framewright(args: string[], input?: AsyncIterable<string>): Running {
  const stop = new AbortController();
  const started = { out: "", errors: "", stop } as Running & { code: Promise<number> };
  running.push(started);
  (started as { code: Promise<number> }).code = execute(args, {
    out: { write: (text) => (started.out += text) },
    errors: { write: (text) => (started.errors += text) },
    input,
    stop: stop.signal,
  });
  return started;
}

/** The port in what it says. */
async function portOf(started: Running): Promise<number> {
  const found = (): string | undefined =>
    /(?::|to )(?:127\.0\.0\.1:)?(\d+)( is forwarded|\n)/.exec(started.errors)?.[1];
  await expect.poll(found, { timeout: 30_000 }).toBeDefined();
  return Number(found());
}

async function echo(options: object = {}): Promise<number> {
  const server = await listen(chat, {
    host,
    port: 0,
    message: (peer, value) => void peer.send({ echo: value }),
    error() {},
    ...options,
  });
  servers.push(server as never);
  return server.port!;
}

/** Asks one thing and awaits the answer. */
async function ask(port: number, value: unknown, options: object = {}): Promise<unknown> {
  const client = await connect(chat, { host, port, ...options });
  client.send(value);
  for await (const answer of client) {
    client.close();
    await client.closed;
    return answer;
  }
  return undefined;
}

describe("framewright proxy", () => {
  it("shows the messages of both directions as JSON, with time and connection", async () => {
    const to = await echo();
    const proxy = framewright([
      "proxy",
      "--listen",
      "0",
      "--to",
      `${host}:${to}`,
      "--protocol",
      "lines+json",
      "--json",
    ]);
    const port = await portOf(proxy);
    expect(await ask(port, 1)).toEqual({ echo: 1 });
    expect(await ask(port, ["two"])).toEqual({ echo: ["two"] });
    await expect.poll(() => proxy.errors, { timeout: 30_000 }).toContain("#2 closed\n");
    const shown = proxy.out
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    expect(shown).toMatchObject([
      { connection: 1, from: "client", offset: 0, size: 2, value: 1 },
      { connection: 1, from: "server", offset: 0, size: 11, value: { echo: 1 } },
      { connection: 2, from: "client", value: ["two"] },
      { connection: 2, from: "server", value: { echo: ["two"] } },
    ]);
    for (const { time } of shown) expect(Date.parse(time)).toBeGreaterThan(Date.now() - 60_000);
    proxy.stop.abort();
    expect(await proxy.code).toBe(0);
  });

  it("shows a line for each message, and passes on what it does not understand", async () => {
    const echoed = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(
      0,
      host,
    );
    servers.push(echoed);
    await new Promise((resolve) => echoed.once("listening", resolve));
    const { port: to } = echoed.address() as { port: number };
    const proxy = framewright([
      "proxy",
      "--listen",
      "0",
      "--to",
      `${host}:${to}`,
      "--protocol",
      "lines+json",
    ]);
    const port = await portOf(proxy);
    const sent = Buffer.from('{"a":"\\u0001"}\nno JSON\n{"b":2}\nhalf');
    const received = await new Promise<Buffer>((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = dial({ host, port, allowHalfOpen: true }, () => socket.end(sent));
      socket.on("data", (chunk) => chunks.push(chunk));
      socket.on("end", () => resolve(Buffer.concat(chunks)));
      socket.on("error", reject);
    });
    expect(received.equals(sent)).toBe(true);
    await expect.poll(() => proxy.errors, { timeout: 30_000 }).toContain("#1 closed\n");
    const shown = proxy.out.split("\n").map((line) => line.replace(/^\S+ /, ""));
    const both = [
      '15 B  {"a":"\\u0001"}',
      "8 B  no longer decoded: malformed: 7 bytes are not JSON: expected a value at character 0 of 7",
      '8 B  {"b":2}',
      "4 B  no longer decoded: truncated: ",
    ];
    for (const arrow of [">", "<"]) {
      const found = shown.filter((line) => line.startsWith(`#1 ${arrow} `));
      expect(found).toHaveLength(4);
      both.forEach((line, n) => void expect(found[n]).toContain(`#1 ${arrow} ${line}`));
    }
  });

  it("speaks TLS with either side", async () => {
    const tls = {
      cert: readFileSync(fixture("tls-cert.pem")),
      key: readFileSync(fixture("tls-key.pem")),
    };
    const to = await echo({ tls });
    const files = ["--cert", fixture("tls-cert.pem"), "--key", fixture("tls-key.pem")];
    const args = [
      "--to",
      `tls://localhost:${to}`,
      "--ca",
      fixture("tls-cert.pem"),
      "--protocol",
      "lines+json",
      "--json",
    ];
    const proxy = framewright(["proxy", "--listen", "localhost:0", ...args, ...files]);
    await expect.poll(() => proxy.errors, { timeout: 30_000 }).toContain("is forwarded");
    const port = Number(/localhost:(\d+) is forwarded/.exec(proxy.errors)![1]);
    const answer = await ask(port, "secret", { host: "localhost", tls: { ca: tls.cert } });
    expect(answer).toEqual({ echo: "secret" });
    expect(proxy.out).toContain('"value":"secret"');
  });

  it("says that it cannot connect, and ends the client's connection", async () => {
    const proxy = framewright([
      "proxy",
      "--listen",
      "0",
      "--to",
      `${host}:1`,
      "--quiet",
      "--protocol",
      "goim",
    ]);
    const port = await portOf(proxy);
    await expect(ask(port, 1, { error() {} })).resolves.toBeUndefined();
    const loud = framewright(["proxy", "--listen", "0", "--to", `${host}:1`, "--protocol", "goim"]);
    await ask(await portOf(loud), 1, { error() {} });
    await expect
      .poll(() => loud.errors)
      .toMatch(/cannot connect to 127\.0\.0\.1:1: .*ECONNREFUSED/);
    expect(proxy.errors).not.toContain("ECONNREFUSED");
  });

  /** 300 packets and their answers through a proxy that records. */
  let upstream: number | undefined;
  async function recorded(): Promise<string> {
    const path = join(files, "x.pcapng");
    const server = await listen(goim(), {
      host,
      port: 0,
      message: (peer, packet) => void peer.send({ ...packet, op: packet.op + 1 }),
    });
    servers.push(server as never);
    upstream = server.port;
    const proxy = framewright([
      "proxy",
      "--listen",
      "0",
      "--to",
      `${host}:${server.port}`,
      "--quiet",
      "--record",
      path,
    ]);
    const client = await connect(goim(), { host, port: await portOf(proxy) });
    for (let seq = 0; seq < 300; seq++) {
      client.send({ ver: 1, op: 4, seq, body: new Uint8Array(seq * 20) });
    }
    let count = 0;
    for await (const _ of client) if (++count === 300) break;
    client.close();
    await client.closed;
    proxy.stop.abort();
    expect(await proxy.code).toBe(0);
    expect(proxy.out).toBe("");
    return path;
  }

  it("records a capture that framewright decode reads", async () => {
    const path = await recorded();
    const decoded = framewright(["decode", path, "--protocol", "goim", "--json"]);
    expect(await decoded.code).toBe(0);
    const shown = decoded.out
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    const ops = (op: number): number[] =>
      shown.filter(({ value }) => value.op === op).map(({ value }) => value.seq);
    const all = Array.from({ length: 300 }, (_, n) => n);
    expect([ops(4), ops(5)]).toEqual([all, all]);
    const ends = new Set(shown.flatMap(({ from, to }) => [from, to]));
    expect([...ends].filter((end) => end === `${host}:${upstream}`)).toHaveLength(1);
    expect(ends.size).toBe(2);
  });

  it.skipIf(!existsSync("/dev/full"))("goes on if the recording cannot be written", async () => {
    const proxy = framewright([
      ...["proxy", "--listen", "0", "--to", `${host}:${await echo()}`],
      ...["--quiet", "--record", "/dev/full"],
    ]);
    const client = await connect(chat, { host, port: await portOf(proxy) });
    client.send([1]);
    for await (const answer of client) {
      expect(answer).toEqual({ echo: [1] });
      client.close();
    }
    expect(proxy.errors.match(/cannot write .*ENOSPC/g)).toHaveLength(1);
    proxy.stop.abort();
    expect(await proxy.code).toBe(0);
  });

  it.skipIf(lacks({ tshark: "tshark" }))("records a capture that Wireshark reads", async () => {
    const path = await recorded();
    const fields = ["-T", "fields", "-e", "ip.src", "-e", "tcp.len", "-e", "tcp.analysis.flags"];
    const out = await run("tshark", ["-r", path, ...fields, "-o", "ip.check_checksum:TRUE"]);
    const rows = out
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
    const frames = encodeAll(
      goim(),
      Array.from({ length: 300 }, (_, seq) => ({ op: 4, seq, body: new Uint8Array(seq * 20) })),
    );
    expect(rows.reduce((sum, [, length]) => sum + Number(length), 0)).toBe(2 * frames.length);
    expect(rows.filter(([, , flags]) => (flags ?? "") !== "")).toEqual([]);
    const conversations = await run("tshark", ["-r", path, "-q", "-z", "conv,tcp"]);
    expect(conversations.toString().match(/<->/g)).toHaveLength(1);
    const bad = await run("tshark", ["-r", path, "-Y", "_ws.malformed || ip.checksum.status == 0"]);
    expect(bad.toString()).toBe("");
  });

  it.each<[string, string[], RegExp]>([
    ["nothing", ["proxy"], /--listen and --to are required/],
    [
      "a place that is none",
      ["proxy", "--listen", "x:y", "--to", "a:1"],
      /--listen "x:y" is not host:port/,
    ],
    ["no protocol", ["proxy", "--listen", "0", "--to", "a:1"], /no --protocol given/],
    [
      "a key alone",
      ["proxy", "--listen", "0", "--to", "a:1", "--key", "k"],
      /--cert and --key require each other/,
    ],
    ["--ca without TLS", ["proxy", "--listen", "0", "--to", "a:1", "--ca", "k"], /are for tls:/],
    ["nothing to talk to", ["talk", "--protocol", "lines"], /either host:port or --listen/],
    [
      "a protocol without frames",
      ["talk", "a:1", "--protocol", "json"],
      /has no framing for a stream/,
    ],
  ])("refuses %s in one line, with exit code 2", async (_, args, message) => {
    const { code, ...rest } = framewright(args);
    expect(await code).toBe(2);
    expect(running.at(-1)!.errors).toMatch(message);
    expect(rest.out).toBe("");
  });
});

describe("framewright talk", () => {
  /** Lines that come when they are given. */
  function typed(): { input: AsyncIterable<string>; type(line: string): void; end(): void } {
    const waiting: string[] = [];
    let isOver = false;
    let wake: () => void = () => {};
    async function* input(): AsyncGenerator<string> {
      for (;;) {
        while (waiting.length > 0) yield waiting.shift()!;
        if (isOver) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    return {
      input: input(),
      type(line) {
        waiting.push(`${line}\n`);
        wake();
      },
      end() {
        isOver = true;
        wake();
      },
    };
  }

  it("sends lines of JSON and shows what comes, until input ends", async () => {
    const to = await echo({ end: (peer: { end(): void }) => peer.end() });
    const { input, type, end } = typed();
    const talk = framewright(["talk", `${host}:${to}`, "--protocol", "lines+json"], input);
    type('{"hello":1}');
    await expect.poll(() => talk.out, { timeout: 30_000 }).toBe('{"echo":{"hello":1}}\n');
    type("no JSON");
    type("[2]");
    await expect.poll(() => talk.out.split("\n")[1], { timeout: 30_000 }).toBe('{"echo":[2]}');
    expect(talk.errors).toMatch(/^framewright: line 2 is not sent: .*\n$/);
    type("3");
    end();
    expect(await talk.code).toBe(0);
    expect(talk.out.split("\n")[2]).toBe('{"echo":3}');
  });

  it("writes bytes and large integers as objects of one key, both ways", async () => {
    const seen: unknown[] = [];
    const server = await listen(goim(), {
      host,
      port: 0,
      message(peer, packet) {
        seen.push(packet);
        peer.send({ op: 3, seq: packet.seq, body: Uint8Array.of(1, 255) });
      },
    });
    servers.push(server as never);
    const { input, type } = typed();
    const talk = framewright(["talk", `${host}:${server.port}`, "--protocol", "goim"], input);
    type('{"op":2,"seq":7,"body":{"$bytes":"68 69"}}');
    await expect
      .poll(() => talk.out, { timeout: 30_000 })
      .toBe('{"ver":1,"op":3,"seq":7,"body":{"$bytes":"01ff"}}\n');
    expect(seen).toMatchObject([{ op: 2, seq: 7, body: Uint8Array.of(104, 105) }]);
  });

  it("waits for connections, and speaks another protocol in each direction", async () => {
    const { input, type, end } = typed();
    const args = ["--protocol", "lines+utf8", "--replies", "lines+json"];
    const talk = framewright(["talk", "--listen", "0", ...args], input);
    await expect.poll(() => talk.errors, { timeout: 30_000 }).toContain("waiting for connections");
    const port = Number(/:(\d+)\n/.exec(talk.errors)![1]);
    const client = await connect(lines().wrap(utf8()), { host, port });
    client.send("plain text");
    await expect.poll(() => talk.out, { timeout: 30_000 }).toBe('"plain text"\n');
    type('{"answer":42}');
    for await (const line of client) {
      expect(line).toBe('{"answer":42}');
      break;
    }
    client.close();
    end();
    expect(await talk.code).toBe(0);
  });

  it("ends with 1 if the connection fails", async () => {
    const refused = framewright(["talk", `${host}:1`, "--protocol", "goim"], typed().input);
    expect(await refused.code).toBe(1);
    expect(refused.errors).toContain("ECONNREFUSED");
    const to = await echo({
      message: (peer: { sendFrame(bytes: Uint8Array): void }) =>
        peer.sendFrame(Buffer.from("junk\n")),
    });
    const { input, type } = typed();
    const talk = framewright(["talk", `${host}:${to}`, "--protocol", "lines+json"], input);
    type("1");
    expect(await talk.code).toBe(1);
    expect(talk.errors).toContain("are not JSON");
  });
});
