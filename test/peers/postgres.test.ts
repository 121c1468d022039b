import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { decodeFrame, duplex, encodeAll, encodeFrame, type Received, type Sent } from "framewright";
import { connect } from "framewright/node";
import { parse, serialize } from "pg-protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backend, frontend, startup } from "../../examples/peers/postgres.ts";
import { asUser, freePort, lacks, type Running, run, start } from "../support/programs.ts";

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const hex = (frame: Uint8Array): string => Buffer.from(frame).toString("hex");

describe("PostgreSQL, beside pg-protocol", () => {
  it("what a client sends has the same bytes", () => {
    // pg-protocol always adds the encoding, and ends with an empty name.
    const parameters = [
      { name: "user", value: "ann" },
      { name: "database", value: "db" },
      { name: "client_encoding", value: "UTF8" },
    ];
    const ours = encodeFrame(startup, { parameters });
    expect(hex(ours)).toBe(hex(serialize.startup({ user: "ann", database: "db" })));
    expect(decodeFrame(startup, ours)).toEqual({ parameters });
    const sql = "SELECT '\u00fc'";
    expect(hex(encodeFrame(frontend, { type: "query", data: { sql } }))).toBe(
      hex(serialize.query(sql)),
    );
    expect(hex(encodeFrame(frontend, { type: "password", data: bytes("pw\0") }))).toBe(
      hex(serialize.password("pw")),
    );
    expect(hex(encodeFrame(frontend, { type: "terminate", data: {} }))).toBe(hex(serialize.end()));
  });

  it("what a server sends is read as the same", async () => {
    const column = {
      name: "n",
      table: 0,
      attribute: 0,
      typeId: 23,
      typeSize: 4,
      modifier: -1,
      format: "text",
    } as const;
    const fields = [
      { kind: "severity", text: "ERROR" },
      { kind: "code", text: "42P01" },
      { kind: "message", text: "no table" },
    ] as const;
    const messages: readonly Sent<typeof backend>[] = [
      { type: "authentication", data: { code: "ok", data: {} } },
      { type: "authentication", data: { code: "cleartext", data: {} } },
      { type: "authentication", data: { code: "md5", data: { salt: Uint8Array.of(1, 2, 3, 4) } } },
      { type: "authentication", data: { code: "sasl", data: { mechanisms: ["SCRAM-SHA-256"] } } },
      { type: "authentication", data: { code: "saslContinue", data: bytes("r=1") } },
      { type: "authentication", data: { code: "saslFinal", data: bytes("v=2") } },
      { type: "parameter", data: { name: "TimeZone", value: "UTC" } },
      { type: "keyData", data: { process: 7, secret: -9 } },
      { type: "ready", data: { status: "idle" } },
      { type: "description", data: { columns: [column] } },
      { type: "row", data: [bytes("12"), null, new Uint8Array(0)] },
      { type: "complete", data: { tag: "SELECT 1" } },
      { type: "empty", data: {} },
      { type: "notice", data: { fields } },
      { type: "error", data: { fields } },
    ];
    const stream = new PassThrough();
    const read: Record<string, unknown>[] = [];
    const done = parse(stream, (message) => read.push(message as never));
    stream.end(encodeAll(backend, messages));
    await done;
    expect(read).toMatchObject([
      { name: "authenticationOk" },
      { name: "authenticationCleartextPassword" },
      { name: "authenticationMD5Password", salt: Buffer.of(1, 2, 3, 4) },
      { name: "authenticationSASL", mechanisms: ["SCRAM-SHA-256"] },
      { name: "authenticationSASLContinue", data: "r=1" },
      { name: "authenticationSASLFinal", data: "v=2" },
      { name: "parameterStatus", parameterName: "TimeZone", parameterValue: "UTC" },
      { name: "backendKeyData", processID: 7, secretKey: -9 },
      { name: "readyForQuery", status: "I" },
      { name: "rowDescription", fields: [{ name: "n", dataTypeID: 23, dataTypeModifier: -1 }] },
      { name: "dataRow", fields: ["12", null, ""] },
      { name: "commandComplete", text: "SELECT 1" },
      { name: "emptyQuery" },
      { name: "notice", code: "42P01", message: "no table" },
      { name: "error", code: "42P01", message: "no table" },
    ]);
  });
});

describe.skipIf(lacks({ postgres: "postgresql", initdb: "postgresql" }))(
  "PostgreSQL, with a server",
  () => {
    let folder = "";
    let port = 0;
    let server: Running;
    // It refuses to run as root.
    const owner = asUser("postgres");

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "postgres-"));
      chmodSync(folder, 0o700);
      if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid!);
      const data = join(folder, "data");
      const args = [
        "-D",
        data,
        "-U",
        "ann",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-locale",
        "--no-sync",
      ];
      await run("initdb", args, { ...owner, cwd: folder });
      port = await freePort();
      const options = ["-D", data, "-h", "127.0.0.1", "-p", String(port), "-k", folder, "-F"];
      server = await start("postgres", options, port, { ...owner, cwd: folder });
    }, 60_000);
    afterAll(async () => {
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it("logs in, and reads rows, nulls, notices, errors and several statements", async () => {
      type Message = Received<typeof backend>;
      const protocol = duplex({ read: backend, write: frontend });
      const login = async () => {
        const client = await connect(protocol, { host: "127.0.0.1", port });
        const messages = client[Symbol.asyncIterator]();
        const untilReady = async (): Promise<readonly Message[]> => {
          const list: Message[] = [];
          for (;;) {
            const { value, done } = await messages.next();
            if (done === true) throw new Error("the server has ended the connection");
            list.push(value!);
            if (value!.type === "ready") return list;
          }
        };
        const parameters = [
          { name: "user", value: "ann" },
          { name: "database", value: "postgres" },
        ];
        client.sendFrame(encodeFrame(startup, { parameters }));
        return { client, messages, untilReady, hello: await untilReady() };
      };
      const { client, messages, untilReady, hello } = await eventually(login);
      expect(hello[0]).toEqual({ type: "authentication", data: { code: "ok", data: {} } });
      expect(hello.map(({ type }) => type)).toContain("keyData");
      expect(hello.at(-1)).toEqual({ type: "ready", data: { status: "idle" } });

      const ask = (sql: string): Promise<readonly Message[]> => {
        client.send({ type: "query", data: { sql } });
        return untilReady();
      };
      const rows = (list: readonly Message[]): unknown[] =>
        list.flatMap((one) =>
          one.type === "row"
            ? [one.data.map((value) => (value === null ? null : Buffer.from(value).toString()))]
            : [],
        );
      const found = await ask("SELECT 1 AS n, NULL, 'gr\u00fc\u00df', ''");
      expect(rows(found)).toEqual([["1", null, "gr\u00fc\u00df", ""]]);
      expect(found[0]).toMatchObject({
        type: "description",
        data: { columns: [{ name: "n", typeId: 23, format: "text" }, {}, {}, {}] },
      });
      const many = await ask("SELECT * FROM generate_series(1, 2000); SELECT 'b'");
      expect(rows(many)).toHaveLength(2001);
      expect(many.filter(({ type }) => type === "complete").map(({ data }) => data)).toEqual([
        { tag: "SELECT 2000" },
        { tag: "SELECT 1" },
      ]);
      const [wrong] = await ask("SELECT * FROM missing");
      expect(wrong).toMatchObject({
        type: "error",
        data: { fields: expect.arrayContaining([{ kind: "code", text: "42P01" }]) },
      });
      const [notice] = await ask("DO $$ BEGIN RAISE NOTICE 'hi'; END $$");
      expect(notice).toMatchObject({
        type: "notice",
        data: { fields: expect.arrayContaining([{ kind: "message", text: "hi" }]) },
      });
      expect(await ask("")).toMatchObject([{ type: "empty" }, { type: "ready" }]);
      client.send({ type: "terminate", data: {} });
      expect(await messages.next()).toMatchObject({ done: true });
    });
  },
);

/** Listens before it lets anyone in. */
async function eventually<T>(attempt: () => Promise<T>, tries = 100): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (tries === 0) throw error;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return eventually(attempt, tries - 1);
  }
}
