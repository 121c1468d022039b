import { describe, expect, it } from "vitest";
import { Connection, type ProtocolError } from "../../../../src/index.ts";
import {
  base64Encode,
  type LoginServerOptions,
  loginServer,
  loginToken,
  readLoginToken,
  type SkynetLoginOptions,
  StatusError,
  skynetLogin,
  username,
} from "../../../../src/protocols/skynet/index.ts";
import { bytesOf } from "../../../support/hex.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { bugsPrintedBy } from "../../../support/uncaught.ts";
import { settle, Wire } from "../../../support/wire.ts";

const KEY = bytesOf("ed163dd753e32ce8");
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const ascii = (line: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(`${line}\n`));

/** A client and a server of ours at both ends of a wire. */
function both(
  serverOptions: Partial<LoginServerOptions> = {},
  clientOptions: Partial<SkynetLoginOptions> = {},
) {
  const clock = new ManualClock();
  const wire = new Wire(clock, "stream", () => 1);
  const secrets: Uint8Array[] = [];
  const server = loginServer({
    authenticate: (token) => ({ uid: text(token), server: "sample" }),
    login({ secret }) {
      secrets.push(secret);
      return "7";
    },
    random: () => bytesOf("9ab17ed8b0c6b1a3"),
    clock,
    ...serverOptions,
  });
  const outcome = skynetLogin({
    connect(protocol, handlers) {
      const [near, far] = wire.ends;
      const quiet = { ...server.handlers, error: () => {} };
      far.carry(new Connection(server.protocol, far, quiet, { clock }));
      const connection = new Connection(protocol, near, handlers, { clock });
      near.carry(connection);
      return connection;
    },
    token: "alice",
    random: () => KEY,
    clock,
    ...clientOptions,
  }).catch((error: StatusError) => error);
  const flow = async (): Promise<void> => {
    for (let i = 0; i < 12; i++) {
      clock.advance(40);
      await settle();
    }
  };
  return { clock, wire, outcome, secrets, flow };
}

describe("login", () => {
  it("gives client and server one secret, and the client its subid", async () => {
    const { outcome, secrets, flow, wire } = both();
    await flow();
    const login = await outcome;
    expect(login).toMatchObject({ subid: "7" });
    expect(secrets).toEqual([(login as { secret: Uint8Array }).secret]);
    // Both sides have closed.
    expect(wire.ends.map(({ connection }) => connection?.state)).toEqual(["closed", "closed"]);
  });

  it.each([
    [401, { authenticate: () => undefined }],
    [403, { login: () => undefined }],
  ])(
    "rejects with status %i if a handler returns undefined, and reports nothing",
    async (status, handlers) => {
      const printed = await bugsPrintedBy(async () => {
        const { outcome, flow } = both(handlers);
        await flow();
        const error = (await outcome) as StatusError;
        expect(error).toBeInstanceOf(StatusError);
        expect([error.code, error.status, error.name]).toEqual(["refused", status, "StatusError"]);
      });
      expect(printed).toEqual([]);
    },
  );

  it.each([
    [401, "authenticate"],
    [403, "login"],
  ])("rejects with status %i if %s fails, and reports that", async (status, name) => {
    const fails = { [name]: () => Promise.reject(new Error(`${name} is broken`)) };
    const printed = await bugsPrintedBy(async () => {
      const { outcome, flow } = both(fails);
      await flow();
      expect(await outcome).toMatchObject({ status });
    });
    expect(printed).toEqual([`${name} is broken`]);
    const reported: unknown[] = [];
    const { outcome, flow } = both({ ...fails, report: (error) => reported.push(error) });
    await flow();
    expect(await outcome).toMatchObject({ status });
    expect(reported).toEqual([new Error(`${name} is broken`)]);
  });

  it("lets a user log in twice at a time with `multilogin`", async () => {
    const waiting: ((subid: string) => void)[] = [];
    const login = (): Promise<string> => new Promise((resolve) => waiting.push(resolve));
    const clock = new ManualClock();
    for (const multilogin of [false, true]) {
      const server = loginServer({
        authenticate: () => ({ uid: "alice", server: "sample" }),
        login,
        random: () => KEY,
        multilogin,
        clock,
      });
      const lines = await Promise.all([1, 2].map(() => statusOfLogin(server, clock)));
      expect(lines).toEqual(multilogin ? ["", ""] : ["", "406 Not Acceptable\n"]);
      waiting.splice(0);
    }
  });

  /** Plays a client that knows all keys; returns what the server says after the token, so far. */
  async function statusOfLogin(
    server: ReturnType<typeof loginServer>,
    clock: ManualClock,
  ): Promise<string> {
    const sink = new ScriptedSink();
    const connection = new Connection(server.protocol, sink, server.handlers, { clock });
    let client!: Connection<string>;
    const near = new ScriptedSink();
    const login = skynetLogin({
      connect: (protocol, handlers) => {
        client = new Connection(protocol, near, handlers, { clock });
        return client;
      },
      token: "t",
      random: () => KEY,
      clock,
    });
    login.catch(() => {});
    connection.opened();
    client.opened();
    for (let i = 0; i < 3; i++) {
      await settle();
      for (const bytes of sink.writes.splice(0, i === 2 ? 0 : 9)) client.received(bytes);
      await settle();
      for (const bytes of near.writes.splice(0)) connection.received(bytes);
    }
    await settle();
    return sink.writes.map(text).join("");
  }
});

describe("a login server", () => {
  function serve(options: Partial<LoginServerOptions> = {}) {
    const clock = new ManualClock();
    const sink = new ScriptedSink();
    const errors: (string | undefined)[] = [];
    const server = loginServer({
      authenticate: () => ({ uid: "alice", server: "sample" }),
      login: () => "1",
      random: () => KEY,
      clock,
      ...options,
    });
    const handlers = {
      ...server.handlers,
      error: (_: unknown, error: unknown) => void errors.push((error as ProtocolError).code),
    };
    const connection = new Connection(server.protocol, sink, handlers, { clock });
    connection.opened();
    return { clock, sink, connection, errors };
  }

  it.each([
    ["1", "0100000000000000"],
    ["p - 1", "c4ffffffffffffff"],
    ["p", "c5ffffffffffffff"],
    ["p + 1", "c6ffffffffffffff"],
  ])("answers the public key %s with 401: anyone could guess the secret", async (_, key) => {
    const { sink, connection } = serve();
    await settle();
    connection.received(ascii(base64Encode(bytesOf(key))));
    await settle();
    expect(text(Buffer.concat(sink.writes)).endsWith("401 Unauthorized\n")).toBe(true);
    expect(sink.calls).toContain("close");
  });

  it("closes the connection of a client that ends before its token, with nothing left open", async () => {
    const { connection, sink } = serve();
    await settle();
    connection.received(ascii(base64Encode(KEY)));
    connection.ended();
    await settle();
    expect(sink.calls).toContain("close");
    connection.lost();
    expect(await connection.closed).toEqual({ by: "peer" });
  });

  it("cuts a client that takes longer than `timeout`", async () => {
    const { clock, sink, connection } = serve({ timeout: 500 });
    clock.advance(499);
    expect(sink.calls).not.toContain("abort");
    clock.advance(1);
    await settle();
    expect(sink.calls).toContain("abort");
    connection.lost();
    expect(await connection.closed).toMatchObject({ by: "error", error: { code: "timeout" } });
  });

  it("ends a line longer than 8192 bytes without an answer", async () => {
    const { connection, sink, errors } = serve();
    await settle();
    connection.received(new Uint8Array(8192).fill(0x41));
    await settle();
    expect(errors).toEqual(["too-long"]);
    expect(sink.writes.length).toBe(1);
  });

  it("checks its options", () => {
    const needed = { authenticate: () => undefined, login: () => undefined, random: () => KEY };
    expect(() => loginServer({ ...needed, timeout: -1 })).toThrow(RangeError);
    expect(() => loginServer({ ...needed, multiLogin: true } as never)).toThrow("multilogin");
  });
});

describe("skynetLogin", () => {
  /** A login whose server the test plays. */
  function login(options: Partial<SkynetLoginOptions> = {}) {
    const clock = new ManualClock();
    const sink = new ScriptedSink();
    let connection!: Connection<string>;
    const outcome = skynetLogin({
      connect: (protocol, handlers) => {
        connection = new Connection(protocol, sink, handlers, { clock });
        connection.opened();
        return connection;
      },
      token: { user: "alice", server: "sample", password: "pw" },
      random: () => KEY,
      clock,
      ...options,
    }).then(
      () => "logged in",
      (error: ProtocolError) => `${error.code}: ${error.message}`,
    );
    return {
      clock,
      sink,
      outcome,
      say: (line: string) => connection.received(ascii(line)),
      end: () => connection.lost(),
    };
  }

  it.each([
    ["0", "0000000000000000"],
    ["1", "0100000000000000"],
    ["p - 1", "c4ffffffffffffff"],
    ["2^64 - 1", "ffffffffffffffff"],
  ])("refuses the server's public key %s", async (_, key) => {
    const { say, outcome, sink } = login();
    say(base64Encode(KEY));
    say(base64Encode(bytesOf(key)));
    expect(await outcome).toContain("malformed: a public key");
    expect(sink.calls).toContain("abort");
  });

  it("refuses a challenge and a key that have not 8 bytes", async () => {
    const one = login();
    one.say("QUJD");
    expect(await one.outcome).toBe("malformed: a line of 3 bytes, not of 8");
    const two = login();
    two.say(base64Encode(KEY));
    two.say(base64Encode(new Uint8Array(9)));
    expect(await two.outcome).toBe("malformed: a line of 9 bytes, not of 8");
  });

  it("takes a line of base64 that begins with digits for no status", async () => {
    const { say, sink } = login();
    say("401Unauth7o=");
    await settle();
    expect(sink.calls.filter((call) => call.startsWith("write")).length).toBe(1);
  });

  it("refuses a success that comes before the token", async () => {
    const { say, outcome } = login();
    say("200 MQ==");
    expect(await outcome).toBe("malformed: status 200 before the token");
  });

  it("limits the time of each step", async () => {
    const one = login({ timeout: 100 });
    one.clock.advance(100);
    expect(await one.outcome).toBe("timeout: no challenge within 100 ms");
    const two = login({ timeout: 100 });
    two.clock.advance(99);
    two.say(base64Encode(KEY));
    two.clock.advance(99);
    two.say(base64Encode(bytesOf("eabeaab255ef76a1")));
    two.clock.advance(100);
    expect(await two.outcome).toBe("timeout: no status within 100 ms");
  });

  it("fails when the connection ends or never opens, or the signal is aborted", async () => {
    const ended = login();
    ended.end();
    expect(await ended.outcome).toBe("closed: closed before the login was over");
    const failed = login({ connect: () => Promise.reject(new Error("no route")) });
    expect(await failed.outcome).toBe("undefined: no route");
    const cancel = new AbortController();
    const aborted = login({ signal: cancel.signal });
    cancel.abort(new Error("enough"));
    expect(await aborted.outcome).toBe("undefined: enough");
    expect(aborted.sink.calls).toContain("abort");
    expect(await login({ signal: cancel.signal }).outcome).toBe("undefined: enough");
  });

  it("cuts a connection that comes after it was given up", async () => {
    const clock = new ManualClock();
    const sink = new ScriptedSink();
    let arrive!: (connection: Connection<string>) => void;
    let made!: Connection<string>;
    const cancel = new AbortController();
    const outcome = skynetLogin({
      connect: (protocol, handlers) => {
        made = new Connection(protocol, sink, handlers, { clock });
        return new Promise((resolve) => {
          arrive = resolve;
        });
      },
      token: "t",
      random: () => KEY,
      signal: cancel.signal,
      clock,
    });
    cancel.abort(new Error("enough"));
    await expect(outcome).rejects.toThrow("enough");
    arrive(made);
    await settle();
    expect(sink.calls).toContain("abort");
  });
});

describe("tokens and names", () => {
  it("are written as skynet's example does", () => {
    expect(text(loginToken({ user: "hello", server: "sample", password: "password" }))).toBe(
      "aGVsbG8=@c2FtcGxl:cGFzc3dvcmQ=",
    );
    expect(username({ uid: "alice1", server: "sample", subid: "12" })).toBe(
      "YWxpY2Ux@c2FtcGxl#MTI=",
    );
  });

  it("are read back, bytes of any kind in them", () => {
    const password = Uint8Array.of(0, 255, 58, 64);
    const parts = readLoginToken(loginToken({ user: "é", server: "s", password }))!;
    expect([text(parts.user), text(parts.server), parts.password]).toEqual(["é", "s", password]);
  });

  it.each(["", "a", "a@b", "@b:c", "a@:c", "a@b:", "a@b:=c=="])(
    "are undefined for a token of another form: %j",
    (token) => expect(readLoginToken(Buffer.from(token))).toBeUndefined(),
  );
});
