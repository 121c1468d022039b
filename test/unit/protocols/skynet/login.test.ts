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
import { connect, listen, Network, type NetworkOptions } from "../../../../src/testing/index.ts";
import { bytesOf } from "../../../support/hex.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { expectNothingLeft } from "../../../support/nothing-left.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { settle } from "../../../support/settle.ts";
import { bugsPrintedBy } from "../../../support/uncaught.ts";

const KEY = bytesOf("ed163dd753e32ce8");
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const ascii = (line: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(`${line}\n`));

type Login = Awaited<ReturnType<typeof skynetLogin>>;

/** This library's client and server on a network. */
function both(
  serverOptions: Partial<LoginServerOptions> = {},
  clientOptions: Partial<SkynetLoginOptions> = {},
  networkOptions: NetworkOptions = {},
) {
  const network = new Network(networkOptions);
  const { clock } = network;
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
  const { connections } = listen(server.protocol, {
    ...{ network, port: 8001, ...server.handlers },
    error() {},
  });
  const login = (): Promise<Login> =>
    skynetLogin({
      connect: (protocol, handlers) => connect(protocol, { network, port: 8001, ...handlers }),
      token: "alice",
      random: () => KEY,
      clock,
      ...clientOptions,
    });
  return { network, login, secrets, connections };
}

describe("login", () => {
  it("agrees on one secret, and sends the client its subid", async () => {
    const { network, login, secrets, connections } = both();
    const { subid, secret } = await network.settle(login());
    expect([subid, secrets]).toEqual(["7", [secret]]);
    // Both sides have closed.
    await network.run(1000);
    expect(connections.size).toBe(0);
    await expectNothingLeft(network);
  });

  it.each([
    [401, { authenticate: () => undefined }],
    [403, { login: () => undefined }],
  ])(
    "rejects with status %i if a handler returns undefined, and reports nothing",
    async (status, handlers) => {
      const printed = await bugsPrintedBy(async () => {
        const { network, login } = both(handlers);
        const outcome = network.settle(login());
        await expect(outcome).rejects.toBeInstanceOf(StatusError);
        await expect(outcome).rejects.toMatchObject({
          ...{ code: "refused", status, name: "StatusError" },
        });
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
      const { network, login } = both(fails);
      await expect(network.settle(login())).rejects.toMatchObject({ status });
    });
    expect(printed).toEqual([`${name} is broken`]);
    const reported: unknown[] = [];
    const { network, login } = both({ ...fails, report: (error) => reported.push(error) });
    await expect(network.settle(login())).rejects.toMatchObject({ status });
    expect(reported).toEqual([new Error(`${name} is broken`)]);
  });

  it("lets a user log in twice at the same time with `multilogin`", async () => {
    for (const multilogin of [false, true]) {
      let waiting = 0;
      const { network, login } = both({
        multilogin,
        authenticate: () => ({ uid: "alice", server: "sample" }),
        login: () => {
          waiting++;
          return new Promise<never>(() => {});
        },
      });
      const refused: unknown[] = [];
      for (let i = 0; i < 2; i++) login().catch(({ status }) => refused.push(status));
      await network.run(1000);
      expect([waiting, refused]).toEqual(multilogin ? [2, []] : [1, [406]]);
    }
  });

  it("succeeds on both sides or fails with a reason, whatever the network does", async () => {
    let failed = 0;
    for (let seed = 0; seed < 60; seed++) {
      const options = { seed, resets: 0.03, stalls: { chance: 0.05, most: 8000 } };
      const { network, login, secrets, connections } = both({}, { timeout: 5000 }, options);
      const outcome = await network.settle(login().catch((error: unknown) => error));
      if (outcome instanceof Error) {
        failed++;
        expect(["timeout", "closed", "ECONNRESET"]).toContain((outcome as ProtocolError).code);
      } else expect(secrets).toEqual([(outcome as Login).secret]);
      await network.run(60_000);
      expect(connections.size).toBe(0);
      await expectNothingLeft(network);
    }
    // Both outcomes occur.
    expect(failed).toBeGreaterThan(10);
    expect(failed).toBeLessThan(50);
  });
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
  ])("answers the weak public key %s with 401", async (_, key) => {
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

  it("disconnects a client that takes longer than `timeout`", async () => {
    const { clock, sink, connection } = serve({ timeout: 500 });
    clock.advance(499);
    expect(sink.calls).not.toContain("abort");
    clock.advance(1);
    await settle();
    expect(sink.calls).toContain("abort");
    connection.lost();
    expect(await connection.closed).toMatchObject({ by: "error", error: { code: "timeout" } });
  });

  it("closes on a line longer than 8192 bytes without an answer", async () => {
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
  /** A login; the test plays the server. */
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
    expect(await outcome).toContain("malformed: weak public key");
    expect(sink.calls).toContain("abort");
  });

  it("refuses a challenge and a key that are not 8 bytes long", async () => {
    const one = login();
    one.say("QUJD");
    expect(await one.outcome).toBe("malformed: a line of 3 bytes, not of 8");
    const two = login();
    two.say(base64Encode(KEY));
    two.say(base64Encode(new Uint8Array(9)));
    expect(await two.outcome).toBe("malformed: a line of 9 bytes, not of 8");
  });

  it("does not read a base64 line that begins with digits as a status", async () => {
    const { say, sink } = login();
    say("401Unauth7o=");
    await settle();
    expect(sink.calls.filter((call) => call.startsWith("write")).length).toBe(1);
  });

  it("refuses a success before the token", async () => {
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

  it("fails if the connection ends or never opens, or the signal is aborted", async () => {
    const ended = login();
    ended.end();
    expect(await ended.outcome).toBe("closed: closed before the login finished");
    const failed = login({ connect: () => Promise.reject(new Error("no route")) });
    expect(await failed.outcome).toBe("undefined: no route");
    const cancel = new AbortController();
    const aborted = login({ signal: cancel.signal });
    cancel.abort(new Error("enough"));
    expect(await aborted.outcome).toBe("undefined: enough");
    expect(aborted.sink.calls).toContain("abort");
    expect(await login({ signal: cancel.signal }).outcome).toBe("undefined: enough");
  });

  it("cuts a connection that opens after the login was aborted", async () => {
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
  it("are written as in skynet's example", () => {
    expect(text(loginToken({ user: "hello", server: "sample", password: "password" }))).toBe(
      "aGVsbG8=@c2FtcGxl:cGFzc3dvcmQ=",
    );
    expect(username({ uid: "alice1", server: "sample", subid: "12" })).toBe(
      "YWxpY2Ux@c2FtcGxl#MTI=",
    );
  });

  it("round-trip with any bytes in them", () => {
    const password = Uint8Array.of(0, 255, 58, 64);
    const parts = readLoginToken(loginToken({ user: "é", server: "s", password }))!;
    expect([text(parts.user), text(parts.server), parts.password]).toEqual(["é", "s", password]);
  });

  it.each(["", "a", "a@b", "@b:c", "a@:c", "a@b:", "a@b:=c=="])(
    "are undefined for a token of another form: %j",
    (token) => expect(readLoginToken(Buffer.from(token))).toBeUndefined(),
  );
});
