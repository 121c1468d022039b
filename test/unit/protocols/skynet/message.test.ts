import { describe, expect, it } from "vitest";
import { Connection, encodeFrame, type ProtocolError } from "../../../../src/index.ts";
import {
  answerPackages,
  base64Encode,
  handshakePackages,
  hmacHash,
  type MessageServer,
  type MessageServerOptions,
  messageServer,
  requestPackages,
  SkynetClient,
  type SkynetClientOptions,
  StatusError,
} from "../../../../src/protocols/skynet/index.ts";
import { connect, listen, Network } from "../../../../src/testing/index.ts";
import { bytesOf } from "../../../support/hex.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { settle } from "../../../support/settle.ts";
import { bugsPrintedBy } from "../../../support/uncaught.ts";

const SECRET = bytesOf("2da15323fcfd48ed");
const NAME = "YWxpY2U=@c2FtcGxl#MQ==";
const ascii = (content: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(content));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const handshake = (index: string, secret = SECRET): Uint8Array<ArrayBuffer> => {
  const signed = `${NAME}:${index}`;
  return encodeFrame(handshakePackages(), `${signed}:${base64Encode(hmacHash(secret, signed))}`);
};

/** A server; the test plays its clients. */
function serve(options: Partial<MessageServerOptions> = {}) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const finish: ((answer: string) => void)[] = [];
  const events: string[] = [];
  const server = messageServer({
    request(_, content) {
      asked.push(text(content));
      return new Promise((resolve) => finish.push((answer) => resolve(ascii(answer))));
    },
    open: ({ isConnected }) => void events.push(`open ${isConnected}`),
    close: ({ isConnected }) => void events.push(`close ${isConnected}`),
    clock,
    ...options,
  });
  const login = { uid: "alice", server: "sample", subid: "1", secret: SECRET };
  server.login(login);
  const visit = async (index?: string) => {
    const sink = new ScriptedSink();
    const quiet = { ...server.handlers, error: () => {} };
    const connection = new Connection(server.protocol, sink, quiet, { clock });
    connection.opened();
    if (index !== undefined) connection.received(handshake(index));
    await settle();
    const ask = async (session: number, content: string): Promise<void> => {
      connection.received(encodeFrame(requestPackages(), { session, content: ascii(content) }));
      await settle();
    };
    const lose = async (): Promise<void> => {
      connection.lost();
      await settle();
    };
    /** Returns what was sent since the last call. */
    const said = (): string => sink.writes.splice(0).map(text).join("");
    return { sink, connection, ask, lose, said };
  };
  return { server, clock, asked, finish, events, visit, login };
}

const answer = (content: string, session: number, ok = true): string =>
  text(encodeFrame(answerPackages(), { content: ascii(content), ok, session }));

describe("a message server", () => {
  it("refuses an index that is not a decimal number, even if Lua accepts it", async () => {
    const { visit } = serve();
    for (const index of ["0x1", "1.5", " 2 ", "1e1", "1e999", "", "9007199254740993"]) {
      const { said, sink } = await visit(index);
      expect([index, said()]).toEqual([index, "\0\x0f400 Bad Request"]);
      expect(sink.calls).toContain("close");
    }
    // None of them has locked the login.
    expect((await visit("1")).said()).toBe("\0\x06200 OK");
  });

  it("closes the older connection once a later one has passed the handshake", async () => {
    const { visit, events } = serve();
    const older = await visit("1");
    const wrong = await visit();
    wrong.connection.received(handshake("2", bytesOf("0102030405060708")));
    await settle();
    expect(wrong.said()).toBe("\0\x10401 Unauthorized");
    expect(older.sink.calls).not.toContain("close");
    const newer = await visit("2");
    expect(older.sink.calls).toContain("close");
    await older.lose();
    await newer.lose();
    expect(events).toEqual(["open true", "open true", "close false"]);
  });

  it("closes the connection of a logged-out user, also after an older one has closed", async () => {
    const { visit, server } = serve();
    const older = await visit("1");
    const newer = await visit("2");
    await older.lose();
    expect([server.logout(NAME), server.logout(NAME), server.size]).toEqual([true, false, 0]);
    expect(newer.sink.calls).toContain("close");
    expect((await visit("3")).said()).toContain("\0\x12404 User Not Found");
  });

  it("starts over for a new login of the same name", async () => {
    const { visit, server, login } = serve();
    const old = await visit("5");
    server.login({ ...login, secret: bytesOf("0102030405060708") });
    expect(old.sink.calls).toContain("close");
    expect(server.user(NAME)).toMatchObject({ uid: "alice", isConnected: false });
    expect((await visit("6")).said()).toContain("401");
  });

  it("replaces an answer that is too long with ok 0, and remembers that", async () => {
    const reported: unknown[] = [];
    const { visit, finish } = serve({ report: (error) => reported.push(error) });
    const one = await visit("1");
    await one.ask(5, "x");
    finish[0]!("x".repeat(65_531));
    await settle();
    expect(one.said()).toContain(answer("", 5, false));
    expect(reported).toMatchObject([{ code: "unencodable" }]);
    await one.lose();
    const two = await visit("2");
    await two.ask(5, "x");
    expect(two.said()).toContain(answer("", 5, false));
  });

  it("prints what a handler throws, and answers with ok 0", async () => {
    const printed = await bugsPrintedBy(async () => {
      const { visit } = serve({ request: () => Promise.reject(new Error("broken")) });
      const one = await visit("1");
      await one.ask(1, "x");
      expect(one.said()).toContain(answer("", 1, false));
    });
    expect(printed).toEqual(["broken"]);
  });

  it("executes a request once even if it is sent again after its answer was ready", async () => {
    const { visit, asked, finish } = serve();
    const one = await visit("1");
    await one.ask(3, "x");
    await one.lose();
    const two = await visit("2");
    finish[0]!("done");
    await settle();
    expect(two.said()).toBe("\0\x06200 OK");
    await two.ask(3, "x");
    expect([two.said(), asked.length]).toEqual([answer("done", 3), 1]);
  });

  it("executes a request once that was sent three times, and again after that conflict", async () => {
    const { visit, asked, finish } = serve();
    const one = await visit("1");
    for (let i = 0; i < 3; i++) await one.ask(2, "x");
    expect(one.sink.calls).toContain("close");
    await one.lose();
    const two = await visit("2");
    await two.ask(2, "x");
    finish[0]!("done");
    await settle();
    expect([two.said(), asked.length]).toEqual([`\0\x06200 OK${answer("done", 2)}`, 1]);
  });

  it("forgets a request that had not begun when its connection was lost, so it runs once later", async () => {
    const { visit, asked, finish } = serve({ concurrency: 1 });
    const one = await visit("1");
    await one.ask(1, "first");
    await one.ask(2, "second");
    expect(asked).toEqual(["first"]);
    const two = await visit("2");
    await two.ask(2, "second");
    await two.ask(1, "first");
    expect(asked).toEqual(["first", "second"]);
    finish[0]!("a");
    finish[1]!("b");
    await settle();
    expect(two.said()).toBe(`\0\x06200 OK${answer("a", 1)}${answer("b", 2)}`);
    expect(asked).toEqual(["first", "second"]);
  });

  it("closes a client that half-closes, and answers it after it reconnects", async () => {
    const { visit, finish } = serve();
    const one = await visit("1");
    await one.ask(1, "x");
    one.connection.ended();
    await settle();
    expect(one.sink.calls).toContain("close");
    await one.lose();
    finish[0]!("done");
    await settle();
    const two = await visit("2");
    await two.ask(1, "");
    expect(two.said()).toContain(answer("done", 1));
  });

  it("leaves nothing open after a client that ends before its handshake", async () => {
    const { visit } = serve();
    const { connection, sink } = await visit();
    connection.received(handshake("1").subarray(0, 9));
    connection.ended();
    await settle();
    expect(sink.calls).toContain("close");
  });

  it("disconnects a client without a handshake after `timeout`, and no other one", async () => {
    const { visit, clock } = serve({ timeout: 100 });
    const silent = await visit();
    const good = await visit("1");
    clock.advance(100);
    await settle();
    expect(silent.sink.calls).toContain("abort");
    expect(good.sink.calls).not.toContain("abort");
  });

  it("keeps handlers that a program passes to the transport together with its own", async () => {
    const { server, clock } = serve();
    const events: string[] = [];
    const sink = new ScriptedSink();
    const handlers = {
      ...server.handlers,
      error: (_: unknown, error: unknown) => void events.push((error as ProtocolError).code),
      close: (_: unknown, { by }: { by: string }) => void events.push(`closed by ${by}`),
    };
    const connection = new Connection(server.protocol, sink, handlers, { clock });
    connection.opened();
    connection.received(handshake("1"));
    await settle();
    connection.received(Uint8Array.of(0, 1, 0));
    await settle();
    connection.lost();
    await settle();
    expect(events).toEqual(["malformed", "closed by error"]);
  });

  it("checks its options and secrets", () => {
    const request = (): Uint8Array => new Uint8Array(0);
    expect(() => messageServer({ request, expired: 0 })).toThrow(RangeError);
    expect(() => messageServer({ request, timeout: -1 })).toThrow(RangeError);
    expect(() => messageServer({ request, expire: 1 } as never)).toThrow("expired");
    const { server, login } = serve();
    expect(() => server.login({ ...login, secret: new Uint8Array(7) })).toThrow("7 bytes");
  });
});

/** A client; the test plays the server. */
function client(options: Partial<SkynetClientOptions> = {}) {
  const clock = new ManualClock();
  const links: { connection: Connection<string>; sink: ScriptedSink }[] = [];
  const events: unknown[][] = [];
  const made = new SkynetClient({
    connect: (protocol, handlers) => {
      const sink = new ScriptedSink();
      const connection = new Connection(protocol, sink, handlers, { clock });
      links.push({ connection, sink });
      return connection;
    },
    username: NAME,
    secret: SECRET,
    reconnect: { minDelay: 10, maxDelay: 10, jitter: 0 },
    open: () => void events.push(["open"]),
    retry: (_, { error }) => void events.push(["retry", (error as ProtocolError).code]),
    close: (_, error) => void events.push(["close", (error as ProtocolError | undefined)?.code]),
    clock,
    ...options,
  });
  const link = () => links.at(-1)!;
  const said = (): string => link().sink.writes.splice(0).map(text).join("");
  const hear = async (frame: Uint8Array): Promise<void> => {
    link().connection.received(frame);
    await settle();
  };
  const greet = async (status = "200 OK"): Promise<void> => {
    link().connection.opened();
    await settle();
    await hear(encodeFrame(handshakePackages(), status));
  };
  const lose = async (): Promise<void> => {
    link().connection.lost();
    await settle();
    clock.advance(10);
  };
  const reply = (content: string, session: number, ok = true): Promise<void> =>
    hear(encodeFrame(answerPackages(), { content: ascii(content), ok, session }));
  const ask = (content: string, more = {}): Promise<string> =>
    made.request(ascii(content), more).then(text, (error: ProtocolError) => `${error.code}`);
  return { client: made, clock, links, events, said, greet, lose, reply, ask };
}

const request = (content: string, session: number): string =>
  text(encodeFrame(requestPackages(), { content: ascii(content), session }));

describe("SkynetClient", () => {
  it("queues requests until the server has accepted the handshake", async () => {
    const one = client();
    const asked = one.ask("a");
    expect([one.client.state, one.client.pending]).toEqual(["connecting", 1]);
    one.links[0]!.connection.opened();
    await settle();
    expect(one.client.state).toBe("handshake");
    expect(one.said()).toBe(text(handshake("1")));
    await one.greet();
    expect(one.client.state).toBe("open");
    expect(one.said()).toBe(request("a", 1));
    await one.reply("b", 1);
    expect(await asked).toBe("b");
    expect(one.events).toEqual([["open"]]);
  });

  it("sends unanswered requests again after a reconnect, before new ones, and continues numbering", async () => {
    const one = client();
    const asked = [one.ask("a"), one.ask("b")];
    await one.greet();
    await one.reply("A", 1);
    await one.lose();
    const later = one.ask("c");
    one.said();
    await one.greet();
    expect(one.said()).toBe(`${text(handshake("2"))}${request("b", 2)}${request("c", 3)}`);
    await one.reply("C", 3);
    await one.reply("B", 2);
    expect(await Promise.all([...asked, later])).toEqual(["A", "B", "C"]);
    expect(one.events).toEqual([["open"], ["retry", "closed"], ["open"]]);
  });

  it("does not send abandoned requests again, and frees their places", async () => {
    const one = client({ maxInFlight: 1 });
    const cancel = new AbortController();
    const asked = one.ask("a", { signal: cancel.signal });
    await one.greet();
    cancel.abort(Object.assign(new Error("enough"), { code: "enough" }));
    expect(await asked).toBe("enough");
    await one.lose();
    const later = one.ask("b");
    await one.greet();
    expect(one.said()).toBe(`${text(handshake("2"))}${request("b", 2)}`);
    await one.reply("B", 2);
    expect(await later).toBe("B");
  });

  it("keeps the places of abandoned requests until a later one is answered", async () => {
    const one = client({ maxInFlight: 2 });
    await one.greet();
    one.said();
    const first = one.ask("a", { timeout: 5 });
    one.clock.advance(5);
    expect(await first).toBe("timeout");
    const asked = [one.ask("b"), one.ask("c")];
    await settle();
    expect(one.said()).toBe(request("a", 1) + request("b", 2));
    await one.reply("B", 2);
    expect(one.said()).toBe(request("c", 3));
    // Late, and ignored.
    await one.reply("A", 1);
    await one.reply("C", 3);
    expect(await Promise.all(asked)).toEqual(["B", "C"]);
    await one.lose();
    await one.greet();
    expect(one.said()).toBe(text(handshake("2")));
  });

  it("accepts answers that arrive while a request is being written", async () => {
    const one = client();
    await one.greet();
    const { sink, connection } = one.links[0]!;
    sink.onWrite = (bytes) => {
      const [session] = bytes.slice(-1);
      const frame = { content: ascii("now"), ok: true, session: session! };
      connection.received(encodeFrame(answerPackages(), frame));
    };
    expect(await one.ask("a")).toBe("now");
    sink.onWrite = () => {};
    await one.lose();
    await one.greet();
    // It is not sent again.
    expect(one.said()).toBe(text(handshake("2")));
  });

  it("rejects with `refused` if the server's handler failed, and drops unexpected answers", async () => {
    const one = client();
    const asked = one.ask("a");
    await one.greet();
    await one.reply("", 9);
    await one.reply("", 1, false);
    expect(await asked).toBe("refused");
    expect(one.client.state).toBe("open");
  });

  it("skips ahead with its index while the server reports it as expired", async () => {
    const one = client();
    const seen: string[] = [];
    for (let i = 0; i < 4; i++) {
      await one.greet("403 Index Expired");
      seen.push(one.said().split(":")[1]!);
      await one.lose();
    }
    expect(seen).toEqual(["1", "3", "7", "15"]);
    await one.greet();
    await one.lose();
    one.said();
    await one.greet();
    // In steps of one again.
    expect(one.said().split(":")[1]).toBe("32");
  });

  it.each([404, 401, 400])("gives up for good if the server answers with %i", async (status) => {
    const one = client();
    const asked = one.ask("a");
    await one.greet(`${status} Whatever`);
    await one.lose();
    expect(await asked).toBe("closed");
    expect([one.client.state, one.events]).toEqual(["closed", [["close", "refused"]]]);
    expect(one.links.length).toBe(1);
  });

  it("reports by a StatusError that it has to log in again", async () => {
    let end: unknown;
    const one = client({ close: (_, error) => (end = error) });
    await one.greet("404 User Not Found");
    await one.lose();
    expect(end).toBeInstanceOf(StatusError);
    expect((end as StatusError).status).toBe(404);
  });

  it("closes a connection whose server does not answer the handshake, or sends anything else", async () => {
    const one = client({ handshakeTimeout: 50 });
    one.links[0]!.connection.opened();
    one.clock.advance(50);
    await settle();
    expect(one.links[0]!.sink.calls).toContain("abort");
    const two = client({ error: () => {} });
    await two.greet("hello");
    await two.lose();
    expect(two.events).toEqual([["retry", "malformed"]]);
  });

  it("rejects waiting requests when it is closed", async () => {
    const one = client();
    const asked = one.ask("a");
    await one.greet();
    one.client.close();
    expect(await asked).toBe("closed");
    expect(await one.ask("b")).toBe("closed");
    expect(one.events).toEqual([["open"], ["close", undefined]]);
    expect(one.links[0]!.sink.calls).toContain("close");
  });

  it("rejects content that is too long, and continues", async () => {
    const one = client();
    await one.greet();
    expect(await one.ask("x".repeat(65_532))).toBe("unencodable");
    const asked = one.ask("y");
    one.reply("z", 2);
    expect(await asked).toBe("z");
  });

  it("keeps a request waiting without a time limit, over reconnects", async () => {
    const one = client();
    const news = one.ask("news?", { timeout: 0 });
    await one.greet();
    one.clock.advance(1_000_000);
    await one.lose();
    await one.greet();
    await one.reply("news", 1);
    expect(await news).toBe("news");
  });

  it("reports an error of a handler as a bug", async () => {
    const printed = await bugsPrintedBy(async () => {
      const one = client({
        open: () => {
          throw new Error("open is broken");
        },
      });
      await one.greet();
    });
    expect(printed).toEqual(["open is broken"]);
  });

  it("checks its options", () => {
    expect(() => client({ secret: new Uint8Array(7) })).toThrow("7 bytes");
    expect(() => client({ handshakeTimeout: -1 })).toThrow(RangeError);
    expect(() => client({ heartbeat: 1 } as never)).toThrow("maxInFlight");
    expect(() => client({ maxInFlight: 0 })).toThrow(RangeError);
  });
});

/** This library's client and server, on a network that keeps breaking at any place. */
describe("client and server", () => {
  it("execute every request once, and answer each, however often the connection is cut", async () => {
    const network = new Network({ seed: 7, latency: [0, 30], resets: 0.02 });
    const { clock } = network;
    const executed: string[] = [];
    const later = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
    const server: MessageServer = messageServer({
      async request(_, content) {
        executed.push(text(content));
        await later(executed.length % 50);
        return content;
      },
      clock,
    });
    server.login({ uid: "alice", server: "sample", subid: "1", secret: SECRET });
    listen(server.protocol, { network, port: 8888, ...server.handlers });
    let opened = 0;
    const one = new SkynetClient({
      connect: (protocol, handlers) => connect(protocol, { network, port: 8888, ...handlers }),
      open: () => void opened++,
      username: NAME,
      secret: SECRET,
      reconnect: { minDelay: 5, maxDelay: 5, jitter: 0 },
      timeout: 0,
      clock,
    });
    const wanted = Array.from({ length: 600 }, (_, i) => `request ${i}`);
    const answers = wanted.map(async (content, i) => {
      await later(7 * i);
      return text(await one.request(ascii(content)));
    });
    expect(await network.settle(Promise.all(answers))).toEqual(wanted);
    expect(executed.sort()).toEqual([...wanted].sort());
    expect(opened).toBeGreaterThan(10);
    one.close();
  });
});
