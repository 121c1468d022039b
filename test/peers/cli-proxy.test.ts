import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { client } from "../../examples/peers/_resp.ts";
import { encodeAll } from "../../src/index.ts";
import { goim } from "../../src/protocols/goim/index.ts";
import { connect, listen } from "../../src/transports/node/index.ts";
import { asUser, freePort, lacks, type Running, run, start } from "../support/programs.ts";
import {
  decoded,
  decodedLines,
  example,
  peerProtocol,
  recorded,
  valuesOf,
} from "../support/recorded.ts";

// `framewright proxy --quiet --record` between real programs: their output is the same as without
// it, and the recording can be decoded completely.

const host = "127.0.0.1";
const folder = mkdtempSync(join(tmpdir(), "framewright-proxy-"));
const running: Running[] = [];
afterAll(async () => {
  for (const { stop } of running) await stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(lacks({ "redis-server": "redis-server", "redis-cli": "redis-tools" }))(
  "redis-cli through framewright proxy",
  () => {
    it("inserts 100,000 values, and all are recorded", { timeout: 120_000 }, async () => {
      const port = await freePort();
      const where = ["--port", String(port), "--bind", host, "--dir", folder];
      running.push(
        await start("redis-server", [...where, "--save", "", "--appendonly", "no"], port),
      );
      const commands = Array.from(
        { length: 100_000 },
        (_, n) => ["SET", `key:${n}`, `value ${n}`] as const,
      );
      const input = Buffer.from(encodeAll(client(), commands));
      const path = await recorded(port, async (to) => {
        const said = await run("redis-cli", ["-h", host, "-p", String(to), "--pipe"], { input });
        expect(said.toString()).toContain("errors: 0, replies: 100000");
      });
      const { asked, replied } = await decodedLines(path, port, [
        ...["--protocol", `${example("_resp.ts")}#server`],
        ...["--replies", `${example("_resp.ts")}#client`],
      ]);
      expect(valuesOf(asked.slice(0, commands.length))).toEqual(commands);
      // Then redis-cli sends an empty line, which is not RESP, and an ECHO of random bytes, which
      // are not text.
      const rest = asked.slice(commands.length).map(({ offset, error }) => [offset, error?.code]);
      expect(rest).toEqual([[input.length, "malformed"]]);
      expect(replied).toHaveLength(100_001);
      expect(new Set(valuesOf(replied.slice(0, -1)))).toEqual(new Set(["OK"]));
      expect(replied.at(-1)!.offset).toBe(500_000);
      const size = await run("redis-cli", ["-h", host, "-p", String(port), "DBSIZE"]);
      expect(size.toString()).toBe("100000\n");
    });
  },
);

describe.skipIf(lacks({ postgres: "postgresql", initdb: "postgresql", psql: "postgresql-client" }))(
  "psql through framewright proxy",
  () => {
    it("prints 100,000 rows, and all are recorded", { timeout: 120_000 }, async () => {
      const port = await freePort();
      const user = asUser("postgres");
      const data = mkdtempSync(join(tmpdir(), "framewright-postgres-"));
      if (user.uid !== undefined) chownSync(data, user.uid, user.gid!);
      const options = { ...user, cwd: data };
      await run("initdb", ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], options);
      const args = ["-D", data, "-p", String(port), "-h", host, "-k", data, "-F"];
      const server = await start("postgres", args, port, options);
      running.push({
        process: server.process,
        async stop() {
          await server.stop();
          rmSync(data, { recursive: true, force: true });
        },
      });
      const sql = "select n, repeat('x', n % 10), null from generate_series(1, 100000) n";
      const psql = (to: number): Promise<Buffer> =>
        run("psql", ["-h", host, "-p", String(to), "-U", "postgres", "-At", "-c", sql], {
          env: {
            ...process.env,
            PGCONNECT_TIMEOUT: "10",
            PGSSLMODE: "disable",
            PGGSSENCMODE: "disable",
          },
        });
      let direct: Buffer = Buffer.alloc(0);
      // A new server may still be starting up.
      const lengthOf = async (): Promise<number> => {
        direct = await psql(port).catch(() => Buffer.alloc(0));
        return direct.length;
      };
      await expect.poll(lengthOf, { timeout: 30_000 }).toBeGreaterThan(500_000);
      const path = await recorded(port, async (to) =>
        expect((await psql(to)).equals(direct)).toBe(true),
      );
      const { asked, replied } = await decoded(path, port, [
        ...["--protocol", `${peerProtocol("postgres.ts")}#client`],
        ...["--replies", `${example("postgres.ts")}#backend`],
      ]);
      expect(valuesOf(asked)).toEqual([
        expect.objectContaining({
          parameters: expect.arrayContaining([{ name: "user", value: "postgres" }]),
        }),
        expect.objectContaining({ type: "query", data: { sql } }),
        expect.objectContaining({ type: "terminate" }),
      ]);
      const rows = valuesOf(replied)
        .map((value) => value as { type: string; data: unknown })
        .filter(({ type }) => type === "row");
      expect(rows.length).toBe(100_000);
      expect(rows[12_344]!.data).toEqual(["12345", "xxxxx", null]);
    });
  },
);

describe("a client of goim through framewright proxy", () => {
  it("exchanges 100,000 packets, and all are recorded", { timeout: 120_000 }, async () => {
    const protocol = goim();
    const server = await listen(protocol, {
      host,
      port: 0,
      message: (peer, packet) => void peer.send({ ...packet, op: packet.op + 1 }),
    });
    const bodies = Array.from({ length: 50_000 }, (_, n) => Uint8Array.of(n, n >> 8));
    const path = await recorded(server.port, async (port) => {
      const connection = await connect(protocol, { host, port });
      let received = 0;
      const done = (async () => {
        for await (const { seq, body } of connection) {
          expect([seq, body[1]]).toEqual([received, (received >> 8) & 255]);
          if (++received === bodies.length) break;
        }
      })();
      for (const [seq, body] of bodies.entries()) {
        if (!connection.send({ op: 4, seq, body })) await connection.ready();
      }
      await done;
      connection.close();
      await connection.closed;
    });
    await server.close();
    const { asked, replied } = await decoded(path, server.port, ["--protocol", "goim"]);
    for (const [op, messages] of [
      [4, asked],
      [5, replied],
    ] as const) {
      const values = messages.map(({ value }) => value as { op: number; seq: number });
      expect(values.map((value) => [value.op, value.seq])).toEqual(bodies.map((_, n) => [op, n]));
    }
  });
});
