import { describe, expect, expectTypeOf, it } from "vitest";
import {
  type CloseInfo,
  Connection,
  decodeAll,
  decodeFrame,
  encodeFrame,
} from "../../../../src/index.ts";
import { ErrorReply } from "../../../../src/protocols/protobuf/index.ts";
import { connect, listen, Network } from "../../../../src/testing/index.ts";
import { bytesOf } from "../../../support/hex.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { expectNothingLeft } from "../../../support/nothing-left.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { settle } from "../../../support/settle.ts";
import { game, type LoginResp } from "./game.ts";

type Options = NonNullable<Parameters<typeof game.client>[0]>;

/** A client, a server that the test plays, on a network of messages; and the client's requests. */
async function open(options: Options = {}) {
  const network = new Network({ boundary: "message", latency: [1, 5] });
  const { clock } = network;
  const client = game.client({ clock, ...options });
  const asked: string[] = [];
  const untimed = { firstMessageTimeout: 0, frameTimeout: 0, sendTimeout: 0 };
  const { connections } = listen(game.serverProtocol, {
    ...{ network, port: 1, ...untimed },
    message(_, received) {
      asked.push(received.kind === "request" ? `${received.seq} ${received.type}` : received.code);
    },
  });
  const connection = await network.settle(
    connect(game.clientProtocol, { network, port: 1, ...client.handlers }),
  );
  const [server] = connections;
  return { client, network, clock, connection, server: server!, asked };
}

/** Waits until a message has arrived. */
const soon = (network: Network): Promise<void> => network.run(20);
const login = (userid: number) =>
  ({ kind: "response", to: "game.LoginReq", message: { userid } }) as const;

describe("a client", () => {
  it("sends one request at a time, and matches responses", async () => {
    const { client, network, server, asked } = await open();
    const first = client.request("game.LoginReq", { account: "a" });
    const second = client.request("game.GetPlayerInfoReq", { userid: 7 });
    expectTypeOf(first).toEqualTypeOf<Promise<LoginResp>>();
    await soon(network);
    expect(asked).toEqual(["1 game.LoginReq"]);
    expect(client.pending).toBe(2);
    server.send(login(5));
    expect(String((await network.settle(first)).userid)).toBe("5");
    await soon(network);
    expect(asked).toEqual(["1 game.LoginReq", "2 game.GetPlayerInfoReq"]);
    const player = { nickname: "x" };
    server.send({ kind: "response", to: "game.GetPlayerInfoReq", message: { player } });
    expect(await network.settle(second)).toMatchObject({ player });
    expect(client.pending).toBe(0);
    await expectNothingLeft(network);
  });

  it("works with this library's server", async () => {
    const network = new Network({ boundary: "message" });
    const answers = game.answer({
      "game.LoginReq": async ({ account, header }) => ({ userid: account.length + header!.seq }),
    });
    listen(game.serverProtocol, { network, port: 1, ...answers });
    const client = game.client({ clock: network.clock });
    expect(Object.isFrozen(client.handlers)).toBe(true);
    await network.settle(connect(game.clientProtocol, { network, port: 1, ...client.handlers }));
    const responses = await network.settle(
      Promise.all(
        ["a", "bb", "ccc"].map((account) => client.request("game.LoginReq", { account })),
      ),
    );
    expect(responses.map(({ userid }) => Number(userid))).toEqual([2, 4, 6]);
  });

  it("matches each error to its request", async () => {
    const { client, network, server } = await open();
    for (const seq of [1, 0]) {
      const request = client.request("game.LoginReq", { account: "a" }).catch((error) => error);
      server.send({ kind: "error", seq, code: "NO_SUCH_ACCOUNT", text: "who?" });
      const error: unknown = await network.settle(request);
      expect(error).toBeInstanceOf(ErrorReply);
      expect(error).toMatchObject({
        name: "ErrorReply",
        code: "refused",
        reply: "NO_SUCH_ACCOUNT",
        text: "who?",
        message: "NO_SUCH_ACCOUNT: who?",
      });
    }
    expect(client.pending).toBe(0);
  });

  it("ignores errors of other requests, or passes them to `unmatched`", async () => {
    const unexpected: unknown[] = [];
    for (const options of [
      {},
      { unmatched: (got: unknown) => unexpected.push(got) },
    ] as Options[]) {
      const { client, network, server, connection } = await open(options);
      const request = client.request("game.LoginReq", { account: "a" });
      server.send({ kind: "error", seq: 99, code: "OLD", text: "" });
      await soon(network);
      expect(client.pending).toBe(1);
      server.send(login(1));
      await network.settle(request);
      server.send({ kind: "error", seq: 0, code: "LATE", text: "" });
      await soon(network);
      expect(connection.state).toBe("open");
    }
    expect(unexpected).toEqual([
      { kind: "error", seq: 99, code: "OLD", text: "" },
      { kind: "error", seq: 0, code: "LATE", text: "" },
    ]);
  });

  it("closes the connection on an unexpected response, or passes it to `unmatched`", async () => {
    const closed: CloseInfo[] = [];
    const { network, server, connection } = await open({ close: (_, info) => closed.push(info) });
    server.send(login(1));
    await soon(network);
    expect(connection.state).toBe("closed");
    expect(closed).toMatchObject([{ by: "error", error: { code: "malformed" } }]);

    const unexpected: unknown[] = [];
    const other = await open({ unmatched: (received) => unexpected.push(received) });
    other.server.send(login(1));
    await soon(other.network);
    expect(unexpected).toEqual([{ kind: "response", bytes: bytesOf("1001") }]);
    expect(other.connection.state).toBe("open");
  });

  it("receives pushes, also while a request waits", async () => {
    const notices: string[] = [];
    const { client, network, server } = await open({
      push: {
        "game.Notice": ({ text }) => {
          expectTypeOf(text).toEqualTypeOf<string>();
          notices.push(text);
        },
      },
    });
    const request = client.request("game.LoginReq", { account: "a" });
    server.send({ kind: "push", type: "game.Notice", message: { text: "one" } });
    server.send(login(1));
    server.send({ kind: "push", type: "game.Notice", message: { text: "two" } });
    await network.settle(request);
    await soon(network);
    expect(notices).toEqual(["one", "two"]);
    // A handler is optional.
    const deaf = await open();
    deaf.server.send({ kind: "push", type: "game.Notice", message: { text: "x" } });
    await soon(deaf.network);
    expect(deaf.connection.state).toBe("open");
  });

  it("times out: the connection closes, because the response may still arrive", async () => {
    const closed: CloseInfo[] = [];
    const { client, network, connection } = await open({
      timeout: 50,
      close: (_, info) => closed.push(info),
    });
    const first = client.request("game.LoginReq", { account: "a" }).catch((error) => error);
    await network.run(30);
    const second = client.request("game.LoginReq", { account: "b" }).catch((error) => error);
    await network.run(19);
    expect(client.pending).toBe(2);
    await network.run(1);
    expect(await first).toMatchObject({
      code: "timeout",
      message: "game.LoginReq: no answer within 50 ms",
    });
    expect(await second).toMatchObject({ code: "closed", cause: { code: "timeout" } });
    expect(connection.state).toBe("closed");
    expect(closed).toMatchObject([{ by: "error", error: { code: "timeout" } }]);
    await soon(network);
    await expectNothingLeft(network);
  });

  it("aborts a request by its signal, and the next one waits for its late response", async () => {
    const { client, network, connection, server } = await open({ timeout: 50 });
    const controller = new AbortController();
    const { signal } = controller;
    const first = client.request("game.LoginReq", { account: "a" }, { signal });
    const second = client.request("game.LoginReq", { account: "b" });
    controller.abort(new Error("no longer"));
    await expect(first).rejects.toThrow("no longer");
    expect(client.pending).toBe(1);
    server.send(login(1));
    await soon(network);
    server.send(login(2));
    expect(String((await network.settle(second)).userid)).toBe("2");
    // If it never arrives, the next request waits until its own timeout.
    const again = new AbortController();
    const lost = client.request("game.LoginReq", { account: "c" }, { signal: again.signal });
    const waiting = client.request("game.LoginReq", { account: "d" }).catch((error) => error);
    again.abort();
    await expect(lost).rejects.toBe(again.signal.reason);
    await network.run(50);
    expect(await waiting).toMatchObject({ code: "timeout", sent: false });
    expect(connection.state).toBe("closed");
  });

  it("times out an unsent request without closing the connection", async () => {
    const clock = new ManualClock();
    const client = game.client({ clock, timeout: 50 });
    const early = client.request("game.LoginReq", { account: "a" }).catch((error) => error);
    clock.advance(50);
    expect(await early).toMatchObject({ code: "timeout" });
    expect(client.pending).toBe(0);
  });

  it("has no timers if the timeout is 0 or Infinity", async () => {
    const { client, network } = await open({ timeout: 0 });
    void client.request("game.LoginReq", { account: "a" });
    await soon(network);
    await expectNothingLeft(network);
  });

  it("sends requests made before the connection is open, and again over a new one", async () => {
    const client = game.client({ clock: new ManualClock(), open: () => void opened++ });
    let opened = 0;
    const connect = () => {
      const sink = new ScriptedSink("message");
      const connection = new Connection(game.clientProtocol, sink, client.handlers);
      return { sink, connection };
    };
    const one = connect();
    const early = client.request("game.LoginReq", { account: "a" });
    one.connection.opened();
    expect(one.sink.writes).toHaveLength(1);
    one.connection.received(encodeFrame(game.serverProtocol, login(1)));
    expect(String((await early).userid)).toBe("1");
    const cut = client.request("game.LoginReq", { account: "b" }).catch((error) => error);
    one.connection.lost(new Error("cable"));
    expect(await cut).toMatchObject({ code: "closed", cause: { message: "cable" } });

    const two = connect();
    two.connection.opened();
    const late = client.request("game.LoginReq", { account: "c" });
    two.connection.received(encodeFrame(game.serverProtocol, login(2)));
    expect(String((await late).userid)).toBe("2");
    expect(opened).toBe(2);

    // The end of an old connection does not affect the new one.
    const three = connect();
    three.connection.opened();
    const asked = client.request("game.LoginReq", { account: "d" });
    two.connection.lost();
    three.connection.received(encodeFrame(game.serverProtocol, login(3)));
    expect(String((await asked).userid)).toBe("3");
  });

  it("rejects waiting requests if a connection never opens", async () => {
    const client = game.client({ clock: new ManualClock() });
    const connection = new Connection(
      game.clientProtocol,
      new ScriptedSink("message"),
      client.handlers,
    );
    const request = client.request("game.LoginReq", { account: "a" }).catch((error) => error);
    connection.lost(new Error("no such host"));
    expect(await request).toMatchObject({ code: "closed" });
  });

  it("rejects a message that cannot be written, and continues", async () => {
    const { client, network, server } = await open();
    const wrong = client.request("game.LoginReq", { account: 5 } as never).catch((error) => error);
    const right = client.request("game.LoginReq", { account: "a" });
    expect(await wrong).toMatchObject({ code: "unencodable" });
    await soon(network);
    server.send(login(3));
    expect(String((await network.settle(right)).userid)).toBe("3");
  });

  it("rejects a response that is not of its type, and continues", async () => {
    const { client, network, connection, server } = await open();
    const wrong = client.request("game.LoginReq", { account: "a" }).catch((error) => error);
    connection.received(bytesOf("02000000 0a05"));
    expect(await wrong).toMatchObject({ code: "malformed" });
    const right = client.request("game.LoginReq", { account: "a" });
    server.send(login(3));
    await network.settle(right);
  });

  it("limits the number of waiting requests", async () => {
    const { client } = await open({ maxPending: 2 });
    void client.request("game.LoginReq", { account: "a" });
    void client.request("game.LoginReq", { account: "b" });
    const third = await client.request("game.LoginReq", { account: "c" }).catch((error) => error);
    expect(third).toMatchObject({ code: "overflow" });
  });

  it("queues notifications until the connection is open, in order with requests", () => {
    const client = game.client({ clock: new ManualClock() });
    const sink = new ScriptedSink("message");
    const connection = new Connection(game.clientProtocol, sink, client.handlers);
    expect(client.notify("common.ErrorResp", { message: "one" })).toBe(true);
    void client.request("game.LoginReq", { account: "two" }).catch(() => {});
    expect(() => client.notify("nope" as never, {} as never)).toThrow();
    expect(sink.writes).toEqual([]);
    connection.opened();
    const sent = sink.writes.flatMap((bytes) => decodeAll(game.serverProtocol, bytes));
    expect(sent).toMatchObject([
      { type: "common.ErrorResp", seq: 1, message: { message: "one" } },
      { type: "game.LoginReq", seq: 2, message: { account: "two" } },
    ]);
  });

  it("allows only requests with a response", async () => {
    const { client, network, asked } = await open();
    const one = client
      // @ts-expect-error it has no response
      .request("common.ErrorResp", {})
      .catch((error: unknown) => error);
    expect(await one).toBeInstanceOf(TypeError);
    expect(client.notify("common.ErrorResp", { message: "x" })).toBe(true);
    await soon(network);
    expect(asked).toEqual(["1 common.ErrorResp"]);
  });

  it("sends version, time and client version in its headers", async () => {
    const client = game.client({
      ...{ clock: new ManualClock(), extras: () => ({ version: 3, clientVersion: "1.0" }) },
    });
    const sink = new ScriptedSink("message");
    new Connection(game.clientProtocol, sink, client.handlers).opened();
    void client.request("game.LoginReq", { account: "a" });
    await settle();
    const received = decodeFrame(game.serverProtocol, sink.writes[0]!);
    expect(received).toMatchObject({
      message: { header: { msgType: "game.LoginReq", seq: 1, version: 3, clientVersion: "1.0" } },
    });
  });

  it("requires valid limits", () => {
    for (const wrong of [Number.NaN, -1, "3" as never]) {
      expect(() => game.client({ timeout: wrong })).toThrow(RangeError);
      expect(() => game.client({ maxPending: wrong })).toThrow(
        `maxPending must be a number of at least 0, not ${wrong}`,
      );
    }
  });

  it("has the types of its service", () => {
    // @ts-expect-error no such push
    game.client({ push: { "game.Nope": () => {} } });
  });
});
