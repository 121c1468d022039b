import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect as dial, type Server } from "node:net";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loggingProxy } from "../../examples/_logging-proxy.ts";
import { lines, type Protocol, utf8 } from "../../src/index.ts";
import { asUser, freePort, lacks, type Running, run, start } from "../support/programs.ts";

// Runs redis-cli, psql and mosquitto_pub through the logging proxy of the examples, between two
// recorders:
//
//   program -> recorder -> logging proxy -> recorder -> server
//
// Both recorders must see the same bytes, even if the log could not decode them.

const host = "127.0.0.1";
const text: Protocol<never, string> = lines({ maxFrame: 200 }).wrap(utf8());
const refusing: Protocol<never, string> = {
  ...text,
  measure() {
    throw new Error("a decoder that never works");
  },
};

const folder = mkdtempSync(`${tmpdir()}/framewright-peers-`);
const running: Running[] = [];
afterAll(async () => {
  for (const { stop } of running) await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Forwards connections, and records both directions of each. */
async function recorder(
  to: number,
): Promise<{ server: Server; port: number; seen: () => string[]; open: () => number }> {
  const streams: Buffer[][] = [];
  let open = 0;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = dial({ host, port: to, allowHalfOpen: true });
    for (const [from, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      const stream: Buffer[] = [];
      streams.push(stream);
      open++;
      from.on("data", (bytes) => stream.push(bytes));
      from.on("error", () => other.destroy());
      from.on("close", () => open--);
      from.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    server,
    port: (server.address() as { port: number }).port,
    seen: () => streams.map((stream) => Buffer.concat(stream).toString("latin1")),
    open: () => open,
  };
}

/** Runs a program that connects to a port, through recorders and the proxy. */
async function through(
  port: number,
  protocol: Protocol<never, string>,
  work: (port: number) => Promise<void>,
): Promise<{ log: string[]; bytes: number }> {
  const log: string[] = [];
  const back = await recorder(port);
  const proxy = await loggingProxy({ host, port: back.port }, protocol, (line) => log.push(line));
  const front = await recorder(proxy.port);
  await work(front.port);
  await expect.poll(() => [front.open(), back.open()], { timeout: 10_000 }).toEqual([0, 0]);
  await proxy.close({ timeout: 1000 });
  front.server.close();
  back.server.close();
  const [sent, arrived] = [front.seen(), back.seen()];
  expect(sent.length).toBeGreaterThan(0);
  expect(sent.map((bytes) => bytes.length)).toEqual(arrived.map((bytes) => bytes.length));
  sent.forEach((bytes, n) => void expect(bytes === arrived[n], `stream ${n}`).toBe(true));
  return { log, bytes: sent.join("").length };
}

describe.skipIf(lacks({ "redis-server": "redis-server", "redis-cli": "redis-tools" }))(
  "redis-cli through the logging proxy",
  () => {
    let port: number;
    beforeAll(async () => {
      port = await freePort();
      const where = ["--port", String(port), "--bind", host, "--dir", folder];
      running.push(
        await start("redis-server", [...where, "--save", "", "--appendonly", "no"], port),
      );
    });

    it("prints the same as without it, and is logged", async () => {
      const commands = [
        "SET greeting hello",
        "GET greeting",
        'SET binary "\\x00\\xff\\r\\n\\x80"',
        "GET binary",
        "RPUSH list a b c",
        "LRANGE list 0 -1",
        "NOSUCHCOMMAND",
        "DEL list",
      ].join("\n");
      const cli = (to: number, ...more: string[]) =>
        run("redis-cli", ["-h", host, "-p", String(to), ...more], { input: commands });
      const direct = await cli(port);
      const { log } = await through(port, text, async (to) => {
        expect((await cli(to)).equals(direct)).toBe(true);
      });
      expect(log).toContain('< "$5"');
      const third = await cli(port, "-3");
      await through(port, refusing, async (to) => {
        expect((await cli(to, "-3")).equals(third)).toBe(true);
      });
    });

    it("carries a mass insertion of 5 MB", async () => {
      const value = "v".repeat(500);
      const input = Array.from({ length: 10_000 }, (_, n) => `SET key:${n} ${value}\r\n`).join("");
      const { bytes } = await through(port, refusing, async (to) => {
        const said = await run("redis-cli", ["-h", host, "-p", String(to), "--pipe"], { input });
        expect(said.toString()).toContain("errors: 0, replies: 10000");
      });
      expect(bytes).toBeGreaterThan(5_000_000);
    });
  },
);

describe.skipIf(lacks({ mosquitto: "mosquitto", mosquitto_pub: "mosquitto-clients" }))(
  "mosquitto_pub through the logging proxy",
  () => {
    let port: number;
    beforeAll(async () => {
      port = await freePort();
      const config = `${folder}/mosquitto.conf`;
      writeFileSync(config, `listener ${port} ${host}\nallow_anonymous true\nuser root\n`);
      running.push(await start("mosquitto", ["-c", config], port));
    });

    it("publishes the same bytes, at every quality of service", async () => {
      for (const qos of ["0", "1", "2"]) {
        for (const protocol of [text, refusing]) {
          const input = Buffer.from(
            Array.from({ length: 300_000 }, (_, n) => (n * 7 + n / 256) & 0xff),
          );
          const topic = `framewright/${qos}`;
          await through(port, protocol, async (to) => {
            const args = ["-h", host, "-p", String(to), "-t", topic, "-q", qos, "-r", "-s"];
            await run("mosquitto_pub", args, { input });
          });
          const args = ["-h", host, "-p", String(port), "-t", topic, "-C", "1", "-N", "-W", "10"];
          expect((await run("mosquitto_sub", args)).equals(input)).toBe(true);
        }
      }
    });
  },
);

describe.skipIf(lacks({ postgres: "postgresql", initdb: "postgresql", psql: "postgresql-client" }))(
  "psql through the logging proxy",
  () => {
    let port: number;
    beforeAll(async () => {
      port = await freePort();
      const user = asUser("postgres");
      const data = mkdtempSync(`${tmpdir()}/framewright-postgres-`);
      if (user.uid !== undefined) chownSync(data, user.uid, user.gid!);
      const options = { ...user, cwd: data };
      await run("initdb", ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], options);
      const args = ["-D", data, "-p", String(port), "-h", host, "-k", data, "-F"];
      const { process, stop } = await start("postgres", args, port, options);
      running.push({
        process,
        async stop() {
          await stop();
          rmSync(data, { recursive: true, force: true });
        },
      });
    });

    it("prints the same as without it, for queries, errors and COPY", async () => {
      const script = [
        "create temp table t (n int, s text);",
        "insert into t select n, repeat('x', n % 100) from generate_series(1, 20000) n;",
        "select count(*), sum(length(s)) from t;",
        "select * from t order by n;",
        "select 1 / 0;",
        "copy t to stdout;",
        "copy t from stdin;\n1\tone\n2\ttwo\n\\.",
        "select count(*) from t;",
      ].join("\n");
      const psql = (to: number) =>
        run("psql", ["-h", host, "-p", String(to), "-U", "postgres", "-At", "-f", "-"], {
          input: script,
          env: { ...process.env, PGCONNECT_TIMEOUT: "10" },
        });
      let direct: Buffer = Buffer.alloc(0);
      // A new server may still be starting up.
      await expect
        .poll(
          async () => {
            direct = await psql(port);
            return direct.length;
          },
          { timeout: 20_000 },
        )
        .toBeGreaterThan(1_000_000);
      for (const protocol of [text, refusing]) {
        const { log } = await through(port, protocol, async (to) => {
          expect((await psql(to)).equals(direct)).toBe(true);
        });
        expect(log.some((line) => line.includes("not logged any more"))).toBe(true);
      }
    });
  },
);
