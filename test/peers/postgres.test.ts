import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import {
  type Connection,
  decodeFrame,
  duplex,
  encodeAll,
  encodeFrame,
  perMessage,
  type Received,
  type Sent,
} from "framewright";
import { connect } from "framewright/node";
import { parse, serialize } from "pg-protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backend, frontend, saslInitial, startup } from "../../examples/peers/postgres.ts";
import { asUser, freePort, lacks, type Running, run, start } from "../support/programs.ts";

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const hex = (frame: Uint8Array): string => Buffer.from(frame).toString("hex");

describe("PostgreSQL, compared with pg-protocol", () => {
  it("writes a client's messages with the same bytes", () => {
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

  it("reads a server's messages as the same", async () => {
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
      { type: "row", data: ["12", null, ""] },
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

type Message = Received<typeof backend>;
const protocol = duplex({ read: backend, write: frontend });

/** A connection to a server, which reads message by message. */
class Client {
  readonly connection: Connection<Sent<typeof frontend>, Message, undefined>;
  readonly #messages: AsyncIterator<Message>;

  constructor(connection: Connection<Sent<typeof frontend>, Message, undefined>) {
    this.connection = connection;
    this.#messages = connection[Symbol.asyncIterator]();
  }

  static async connect(port: number, user: string): Promise<Client> {
    const client = new Client(await connect(protocol, { host: "127.0.0.1", port }));
    const parameters = [
      { name: "user", value: user },
      { name: "database", value: "postgres" },
    ];
    client.connection.sendFrame(encodeFrame(startup, { parameters }));
    return client;
  }

  async next(): Promise<Message> {
    const { value, done } = await this.#messages.next();
    if (done === true) throw new Error("the server has ended the connection");
    return value;
  }

  async untilReady(): Promise<readonly Message[]> {
    const list: Message[] = [];
    for (;;) {
      const message = await this.next();
      list.push(message);
      if (message.type === "ready") return list;
    }
  }

  ask(sql: string): Promise<readonly Message[]> {
    this.connection.send({ type: "query", data: { sql } });
    return this.untilReady();
  }

  async leave(): Promise<void> {
    this.connection.send({ type: "terminate", data: {} });
    expect(await this.#messages.next()).toMatchObject({ done: true });
  }

  /**
   * Answers the server's requests for a password; returns its last message and the methods that it
   * requested.
   */
  async login(
    user: string,
    password: string,
  ): Promise<{ last: Message; asked: readonly string[] }> {
    const asked: string[] = [];
    const send = (data: Uint8Array): unknown => this.connection.send({ type: "password", data });
    let scram: Scram | undefined;
    for (;;) {
      const last = await this.next();
      if (last.type !== "authentication") return { last, asked };
      const { code, data } = last.data;
      asked.push(code);
      switch (code) {
        case "ok":
          return { last, asked };
        case "cleartext":
          send(bytes(`${password}\0`));
          break;
        case "md5": {
          const inner = md5(`${password}${user}`);
          send(bytes(`md5${md5(inner, data.salt)}\0`));
          break;
        }
        case "sasl":
          expect(data.mechanisms).toContain("SCRAM-SHA-256");
          scram = new Scram(password);
          send(
            encodeFrame(perMessage().wrap(saslInitial), {
              mechanism: "SCRAM-SHA-256",
              response: bytes(`n,,${scram.first}`),
            }),
          );
          break;
        case "saslContinue":
          send(bytes(scram!.proof(text(data))));
          break;
        case "saslFinal":
          expect(text(data)).toBe(`v=${scram!.serverSignature}`);
      }
    }
  }
}

const text = (data: Uint8Array): string => Buffer.from(data).toString();

const md5 = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

/** A client of SCRAM-SHA-256 (RFC 5802), in which both sides prove that they have the password. */
class Scram {
  readonly #password: string;
  readonly #nonce = randomBytes(18).toString("base64");
  serverSignature = "";

  constructor(password: string) {
    this.#password = password;
  }

  get first(): string {
    return `n=,r=${this.#nonce}`;
  }

  proof(challenge: string): string {
    const [, nonce, salt, count] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge)!;
    expect(nonce!.startsWith(this.#nonce)).toBe(true);
    const mac = (key: Buffer, data: string): Buffer =>
      createHmac("sha256", key).update(data).digest();
    const key = pbkdf2Sync(this.#password, Buffer.from(salt!, "base64"), +count!, 32, "sha256");
    const own = mac(key, "Client Key");
    const last = `c=biws,r=${nonce}`;
    const all = `${this.first},${challenge},${last}`;
    const signature = mac(createHash("sha256").update(own).digest(), all);
    this.serverSignature = mac(mac(key, "Server Key"), all).toString("base64");
    return `${last},p=${Buffer.from(own.map((byte, i) => byte ^ signature[i]!)).toString("base64")}`;
  }
}

describe.skipIf(lacks({ postgres: "postgresql", initdb: "postgresql" }))(
  "PostgreSQL, with a server",
  () => {
    let folder = "";
    let port = 0;
    let server: Running;
    // It refuses to run as root.
    const owner = asUser("postgres");
    const passwords = { bea: "gr\u00fc\u00df dich", cyd: "old", dan: "plain" };

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "postgres-"));
      chmodSync(folder, 0o700);
      if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid!);
      const data = join(folder, "data");
      const args = ["-U", "ann", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"];
      await run("initdb", ["-D", data, ...args], { ...owner, cwd: folder });
      const methods = { ann: "trust", bea: "scram-sha-256", cyd: "md5", dan: "password" };
      const lines = Object.entries(methods).map(
        ([user, method]) => `host all ${user} 127.0.0.1/32 ${method}\n`,
      );
      writeFileSync(join(data, "pg_hba.conf"), lines.join(""));
      port = await freePort();
      const options = ["-D", data, "-h", "127.0.0.1", "-p", String(port), "-k", folder, "-F"];
      server = await start("postgres", options, port, { ...owner, cwd: folder });
    }, 60_000);
    afterAll(async () => {
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it("logs in, and reads rows, nulls, notices, errors and several statements", async () => {
      const { client, hello } = await eventually(async () => {
        const one = await Client.connect(port, "ann");
        return { client: one, hello: await one.untilReady() };
      });
      expect(hello[0]).toEqual({ type: "authentication", data: { code: "ok", data: {} } });
      expect(hello.map(({ type }) => type)).toContain("keyData");
      expect(hello.at(-1)).toEqual({ type: "ready", data: { status: "idle" } });

      const rows = (list: readonly Message[]): unknown[] =>
        list.flatMap((one) => (one.type === "row" ? [one.data] : []));
      const found = await client.ask("SELECT 1 AS n, NULL, 'gr\u00fc\u00df', ''");
      expect(rows(found)).toEqual([["1", null, "gr\u00fc\u00df", ""]]);
      expect(found[0]).toMatchObject({
        type: "description",
        data: { columns: [{ name: "n", typeId: 23, format: "text" }, {}, {}, {}] },
      });
      const many = await client.ask("SELECT * FROM generate_series(1, 2000); SELECT 'b'");
      expect(rows(many)).toHaveLength(2001);
      expect(many.filter(({ type }) => type === "complete").map(({ data }) => data)).toEqual([
        { tag: "SELECT 2000" },
        { tag: "SELECT 1" },
      ]);
      const [wrong] = await client.ask("SELECT * FROM missing");
      expect(wrong).toMatchObject({
        type: "error",
        data: { fields: expect.arrayContaining([{ kind: "code", text: "42P01" }]) },
      });
      const [notice] = await client.ask("DO $$ BEGIN RAISE NOTICE 'hi'; END $$");
      expect(notice).toMatchObject({
        type: "notice",
        data: { fields: expect.arrayContaining([{ kind: "message", text: "hi" }]) },
      });
      expect(await client.ask("")).toMatchObject([{ type: "empty" }, { type: "ready" }]);
      await client.leave();
    });

    it("logs in with passwords: SCRAM-SHA-256, MD5 and in the clear", async () => {
      const admin = await eventually(async () => {
        const one = await Client.connect(port, "ann");
        await one.untilReady();
        return one;
      });
      for (const [user, password] of Object.entries(passwords)) {
        const encryption = user === "cyd" ? "md5" : "scram-sha-256";
        await admin.ask(`SET password_encryption = '${encryption}'`);
        const made = await admin.ask(`CREATE ROLE ${user} LOGIN PASSWORD '${password}'`);
        expect(made[0]).toMatchObject({ type: "complete" });
      }
      await admin.leave();

      const asked: unknown[] = [];
      for (const [user, password] of Object.entries(passwords)) {
        const client = await Client.connect(port, user);
        const login = await client.login(user, password);
        expect(login.last).toMatchObject({ type: "authentication", data: { code: "ok" } });
        asked.push(login.asked);
        await client.untilReady();
        const [, row] = await client.ask("SELECT current_user");
        expect(row).toEqual({ type: "row", data: [user] });
        await client.leave();

        const stranger = await Client.connect(port, user);
        const { last } = await stranger.login(user, `${password}!`);
        expect(last).toMatchObject({
          type: "error",
          data: { fields: expect.arrayContaining([{ kind: "code", text: "28P01" }]) },
        });
      }
      expect(asked).toEqual([
        ["sasl", "saslContinue", "saslFinal", "ok"],
        ["md5", "ok"],
        ["cleartext", "ok"],
      ]);
    });
  },
);

/** It listens before it accepts logins. */
async function eventually<T>(attempt: () => Promise<T>, tries = 100): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (tries === 0) throw error;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return eventually(attempt, tries - 1);
  }
}
