import { describe, expect, expectTypeOf, it } from "vitest";
import {
  Connection,
  decodeAll,
  decodeFrame,
  encodeFrame,
  ProtocolError,
  raw,
  Splitter,
} from "../../../../src/core/index.ts";
import { perMessage } from "../../../../src/framing/index.ts";
import {
  netpack,
  parse,
  RpcError,
  type RpcPeer,
  type RpcSent,
  sprotoRpc,
} from "../../../../src/protocols/sproto/index.ts";
import { connect, listen, Network } from "../../../../src/testing/index.ts";
import { bytesOf, hexOf } from "../../../support/hex.ts";
import { expectNothingLeft } from "../../../support/nothing-left.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { settle } from "../../../support/settle.ts";
import { fromVector, vectors } from "../../../support/sproto-vectors.ts";

const HEADER = ".package { type 0 : integer  session 1 : integer  ud 2 : string }";

const server = parse(`
  ${HEADER}
  first 0 { request { n 0 : integer }  response { n 0 : integer } }
  fail 1 { response { ok 0 : boolean  why 1 : string } }
  note 2 { request { text 0 : string } }
  sure 3 { response nil }
  late 5 { response { n 0 : integer } }
  unhandled 6 { request { n 0 : integer } }
`);
const client = parse(`
  ${HEADER}
  news 0 { request { text 0 : string } }
  ask 1 { request { n 0 : integer }  response { n 0 : integer } }
`);

const toServer = sprotoRpc({ local: client, remote: server });
const toClient = sprotoRpc({ local: server, remote: client });

type ServerOptions = NonNullable<Parameters<typeof toClient.peers>[0]>;
type ClientOptions = NonNullable<Parameters<typeof toServer.peers>[0]>;

/** A server and its client on a network. */
async function pair(serverOptions: ServerOptions = {}, clientOptions: ClientOptions = {}) {
  const network = new Network({ latency: [1, 5] });
  const { clock } = network;
  /** Received messages on either side. */
  const heard = {
    server: [] as RpcReceived<typeof toClient>[],
    client: [] as RpcReceived<typeof toServer>[],
  };
  const served = toClient.peers({ clock, ...serverOptions });
  const noted = noting(toClient, heard.server);
  // Timers are counted below, without those of the listener.
  const untimed = { firstMessageTimeout: 0, frameTimeout: 0, sendTimeout: 0 };
  const { connections } = listen(noted, { network, port: 1, ...untimed, ...served });
  const here = await network.settle(
    connect(noting(toServer, heard.client), {
      ...{ network, port: 1 },
      ...toServer.peers({ clock, ...clientOptions }),
    }),
  );
  const [there] = connections;
  return { network, there: there!, here, clock, heard, peer: here.context };
}

type RpcReceived<P> = P extends { decode(...bytes: never[]): infer Value } ? Value : never;

/** Wraps a protocol and records what it decodes. */
function noting<P extends { decode(bytes: Uint8Array, start: number, end: number): unknown }>(
  protocol: P,
  heard: unknown[],
): P {
  return {
    ...protocol,
    decode(bytes: Uint8Array, start: number, end: number) {
      const value = protocol.decode(bytes, start, end);
      heard.push(value);
      return value;
    },
  };
}

const soon = (network: Network): Promise<void> => network.run(20);

async function rejected(promise: Promise<unknown>): Promise<RpcError> {
  try {
    await promise;
  } catch (error) {
    return error as RpcError;
  }
  throw new Error("the promise was not rejected");
}

describe("netpack", () => {
  const packages = netpack().wrap(raw());
  const packed = vectors.netpack.filter(({ what }) => what === "pack");
  it.each(packed)("$name", ({ payload, frame, frameLength }) => {
    const bytes = encodeFrame(packages, payloadOf(payload!));
    expect(bytes.length).toBe(frameLength);
    expect(hexOf(bytes)).toMatch(new RegExp(`^${hexOf(bytesOf(frame!))}`));
  });

  const streams = vectors.netpack.filter(({ what }) => what === "stream");
  it.each(streams)("$name", ({ chunks, messages }) => {
    const splitter = new Splitter(packages);
    const found: string[] = [];
    for (const chunk of chunks!) {
      splitter.push(bytesOf(chunk));
      while (splitter.next()) {
        found.push(hexOf(packages.decode(splitter.bytes, splitter.start, splitter.end)));
      }
    }
    expect(found).toEqual(messages!.map((message) => hexOf(payloadOf(message))));
  });

  it("refuses netpack-65536", () => {
    expect(() => encodeFrame(packages, new Uint8Array(65536))).toThrow(ProtocolError);
  });
});

/** A payload: hex, or a repetition. */
function payloadOf(payload: unknown): Uint8Array {
  return typeof payload === "object" && payload !== null && "$repHex" in payload
    ? (fromVector(payload) as Uint8Array)
    : bytesOf(payload as string);
}

describe("sprotoRpc", () => {
  const sproto = parse(vectors.schemas.rpc!);
  const rpc = sprotoRpc({ local: sproto, remote: sproto });

  it.each(vectors.rpc.filter(({ schema }) => schema === "rpc"))("$name", (one) => {
    const { proto: name, session } = one;
    const [args, ud] = [fromVector(one.request), fromVector(one.ud)];
    const request = encodeFrame(rpc, { kind: "request", name, args, session, ud });
    expect(hexOf(request)).toBe(hexOf(bytesOf(one.requestFramedHex)));
    const came = { kind: "request", name, args: fromVector(one.dispatched), session, ud };
    expect(decodeFrame(rpc, request)).toEqual(came);
    if (session === undefined || one.responseFramedHex === undefined) return;
    const [answer, beside] = [fromVector(one.response), fromVector(one.responseUd)];
    const sent: RpcSent = { kind: "response", name, args: answer, session, ud: beside };
    const response = encodeFrame(rpc, sent);
    expect(hexOf(response)).toBe(hexOf(bytesOf(one.responseFramedHex)));
    expect(decodeFrame(rpc, response)).toMatchObject({ kind: "response", session, ud: beside });
  });

  it("delivers requests with unknown tags, and refuses bytes that are not a message", () => {
    expect(decodeFrame(rpc, bytesOf("00030501c6"))).toEqual({
      kind: "unknown",
      tag: 98,
      session: undefined,
      ud: undefined,
    });
    for (const hex of ["0000", "000100", "0001ff", "000355010a"]) {
      expect(() => decodeFrame(rpc, bytesOf(hex))).toThrow(ProtocolError);
    }
  });

  it("refuses names and bodies that are not in the schema", () => {
    expect(() => encodeFrame(rpc, { kind: "request", name: "nope" })).toThrow("nope not found");
    expect(() => encodeFrame(rpc, { kind: "response", name: "no", session: 1 })).toThrow("no not");
    const args = { x: 1 };
    expect(() => encodeFrame(rpc, { kind: "request", name: "ping", args })).toThrow(
      "the protocol has no body",
    );
    expect(() => encodeFrame(rpc, { kind: "response", name: "ack", session: 1, args })).toThrow(
      "the protocol has no body (protocol ack, session 1)",
    );
    const token = new Uint8Array(70_000);
    for (let i = 0; i < token.length; i++) token[i] = i;
    expect(() => encodeFrame(rpc, { kind: "request", name: "login", args: { token } })).toThrow(
      ProtocolError,
    );
  });

  it("works over messages if the transport preserves boundaries", () => {
    const bare = sprotoRpc({ local: sproto, remote: sproto, framing: perMessage() });
    const bytes = encodeFrame(bare, { kind: "request", name: "ping", session: 11 });
    expect(hexOf(bytes)).toBe("15020e18");
    expect(decodeFrame(bare, bytes)).toMatchObject({ name: "ping" });
    expect("measure" in bare).toBe(false);
    expect(Object.isFrozen(bare)).toBe(true);
    expect(netpack({ maxFrame: 100 }).maxFrame).toBe(100);
  });

  it("requires the type of the header", () => {
    const other = parse(".A {}");
    expect(() => sprotoRpc({ local: other, remote: sproto })).toThrow("type package not found");
  });
});

describe("peers", () => {
  it("send requests and answer them, in both directions", async () => {
    const { network, peer } = await pair(
      {
        on: {
          first: async ({ n }, call) => {
            const answer = await call.peer.request("ask", { n });
            return { n: Number(answer.n) + 1 };
          },
          sure: () => {},
        },
      },
      { on: { ask: ({ n }) => ({ n: Number(n) * 2 }) } },
    );
    const answer = await network.settle(peer.request("first", { n: 20 }));
    expectTypeOf(answer.n).toEqualTypeOf<number | bigint | undefined>();
    expect(answer).toEqual({ n: 41 });
    expect(await network.settle(peer.request("sure"))).toBeUndefined();
    expect(peer.pending).toBe(0);
  });

  it("have types for names, requests and responses", async () => {
    const { peer } = await pair();
    const never = async (): Promise<void> => {
      // @ts-expect-error no such protocol
      await peer.request("nope");
      // @ts-expect-error n is a number
      await peer.request("first", { n: "1" });
      // @ts-expect-error nothing to say
      peer.notify("sure", { n: 1 });
    };
    expectTypeOf(never).toBeFunction();
    const options: ServerOptions = {
      // @ts-expect-error n is a number
      on: { first: () => ({ n: "1" }) },
    };
    expectTypeOf(options).toBeObject();
    expectTypeOf(peer.request("sure")).toEqualTypeOf<Promise<undefined>>();
  });

  it("send notifications", async () => {
    const notes: unknown[] = [];
    const news: unknown[] = [];
    const { network, peer, there, heard } = await pair(
      {
        on: {
          note: ({ text }, call) => {
            notes.push([text, call.session, call.ud]);
          },
        },
      },
      { on: { news: ({ text }) => void news.push(text) } },
    );
    expect(peer.notify("note", { text: "hi" }, { ud: "x" })).toBe(true);
    await soon(network);
    expect(notes).toEqual([["hi", undefined, "x"]]);
    expect(heard.client).toEqual([]);
    there.context.notify("news", { text: "hello" });
    await soon(network);
    expect(news).toEqual(["hello"]);
  });

  it("answer in the order in which handlers finish", async () => {
    const finish: ((value: { n: number }) => void)[] = [];
    const { network, peer } = await pair({
      on: { late: () => new Promise((resolve) => finish.push(resolve)) },
    });
    const first = peer.request("late");
    const second = peer.request("late");
    await soon(network);
    finish[1]!({ n: 2 });
    expect(await network.settle(second)).toEqual({ n: 2 });
    finish[0]!({ n: 1 });
    expect(await network.settle(first)).toEqual({ n: 1 });
  });

  it("carry user data with request and answer", async () => {
    const seen: unknown[] = [];
    const { network, peer, heard } = await pair({
      on: {
        sure: (_, call) => {
          seen.push(call.ud, call.name);
          call.answerUd = "back";
        },
      },
    });
    await network.settle(peer.request("sure", undefined, { ud: "there" }));
    expect(seen).toEqual(["there", "sure"]);
    expect(heard.client).toMatchObject([{ ud: "back" }]);
  });

  it("accept answers that arrive before the request has returned", async () => {
    const sink = new ScriptedSink();
    const here = new Connection(toServer, sink, toServer.peers());
    here.opened();
    const answer = { kind: "response", name: "first", session: 1, args: { n: 5 } } as const;
    sink.onWrite = () => here.received(encodeFrame(toClient, answer));
    // Above 64 KiB a write is sent at once, from within `send`.
    here.send({ kind: "request", name: "note", args: { text: "x".repeat(60_000) } });
    expect(await here.context.request("first", { n: 5 })).toEqual({ n: 5 });
  });

  it("time out, and drop late answers", async () => {
    const finish: ((value: object) => void)[] = [];
    const strays: string[] = [];
    const { network, peer, clock } = await pair(
      { on: { late: () => new Promise((resolve) => finish.push(resolve)) } },
      { timeout: 100, unmatched: (error) => void strays.push(error.message) },
    );
    const promise = peer.request("late");
    const patient = peer.request("late", undefined, { timeout: 0 });
    const begun = clock.now();
    const error = await rejected(network.settle(promise));
    expect(clock.now()).toBe(begun + 100);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code: "timeout", protocol: "late", session: 1 });
    expect(error.message).toBe("no answer within 100 ms (protocol late, session 1)");
    finish[0]!({ n: 1 });
    await soon(network);
    expect(strays).toEqual(["unknown session (session 1)"]);
    await network.run(10_000);
    finish[1]!({ n: 2 });
    expect(await network.settle(patient)).toEqual({ n: 2 });
    // An answer cancels its timer.
    const answered = peer.request("late");
    await soon(network);
    finish[2]!({ n: 3 });
    await network.settle(answered);
    await expectNothingLeft(network);
  });

  it("drop late answers silently without `unmatched`", async () => {
    const { network, here, there } = await pair();
    there.send({ kind: "response", name: "sure", session: 9 });
    await soon(network);
    expect(here.state).toBe("open");
  });

  it("limit the number of waiting requests", async () => {
    const late = () => new Promise<never>(() => {});
    const { peer } = await pair({ on: { late } }, { maxPending: 2 });
    const waiting = [peer.request("late"), peer.request("late")];
    const error = await rejected(peer.request("late"));
    expect(error).toMatchObject({ code: "overflow", protocol: "late" });
    expect(peer.pending).toBe(2);
    peer.connection!.abort();
    for (const promise of waiting) expect((await rejected(promise)).code).toBe("closed");
  });

  it("reject all waiting requests when the connection ends", async () => {
    const ends: unknown[] = [];
    const { network, peer } = await pair(
      { on: { late: () => new Promise<never>(() => {}) } },
      { close: (_, info) => void ends.push(info.by) },
    );
    const waiting = peer.request("late");
    peer.connection!.abort(new Error("cable"));
    const error = await rejected(waiting);
    expect(error).toMatchObject({ code: "closed", protocol: "late", session: 1 });
    expect((error.cause as Error).message).toBe("cable");
    expect(ends).toEqual(["error"]);
    await soon(network);
    await expectNothingLeft(network);
    expect(await rejected(peer.request("sure"))).toMatchObject({ code: "closed" });
    expect(peer.notify("note")).toBe(false);
  });

  it("queue requests until the connection is open, and reject them if it never is", async () => {
    const sink = new ScriptedSink();
    const opened: RpcPeer<never>[] = [];
    const handlers = toServer.peers({ open: (peer) => void opened.push(peer as RpcPeer<never>) });
    const connection = new Connection(toServer, sink, handlers);
    void connection.context.request("sure").catch(() => {});
    expect([connection.context.pending, sink.writes.length]).toEqual([1, 0]);
    connection.opened();
    expect([opened, sink.writes.length]).toEqual([[connection.context], 1]);
    connection.abort();

    const never = new Connection(toServer, new ScriptedSink(), toServer.peers({ error: () => {} }));
    const asked = rejected(never.context.request("sure"));
    never.lost(new Error("no route"));
    expect(await asked).toMatchObject({ code: "closed", protocol: "sure", sent: false });
  });

  it("abort a request by its signal, before and after it is sent", async () => {
    const strays: string[] = [];
    const finish: (() => void)[] = [];
    const { network, peer, heard } = await pair(
      { on: { late: () => new Promise((resolve) => finish.push(() => resolve({ n: 1 }))) } },
      { unmatched: (error) => void strays.push(error.message) },
    );
    const controller = new AbortController();
    const asked = peer.request("late", undefined, { signal: controller.signal });
    await soon(network);
    controller.abort(new Error("no longer"));
    await expect(asked).rejects.toThrow("no longer");
    expect(peer.pending).toBe(0);
    finish[0]!();
    await soon(network);
    expect(strays).toEqual(["unknown session (session 1)"]);
    const again = peer.request("late", undefined, { signal: controller.signal });
    await expect(again).rejects.toThrow("no longer");
    await soon(network);
    expect(heard.server.length).toBe(1);
  });

  it("return false from notify, without an error, after the connection has ended", async () => {
    const handlers = toClient.peers();
    const never = new Connection(toClient, new ScriptedSink(), handlers);
    never.lost();
    expect(never.context.notify("news", { text: "too late" })).toBe(false);
    const { network, there, heard } = await pair();
    there.close();
    expect(there.state).toBe("closing");
    expect(there.context.notify("news", { text: "too late" })).toBe(false);
    there.abort();
    expect(there.context.notify("news", { text: "too late" })).toBe(false);
    await soon(network);
    expect(heard.client).toEqual([]);
    expect(() => there.context.notify("nope" as never, {} as never)).toThrow(TypeError);
  });

  it("queue notifications until the connection is open, in order with requests", () => {
    const sink = new ScriptedSink();
    const connection = new Connection(toServer, sink, toServer.peers({ maxPending: 3 }));
    const peer = connection.context;
    expect(peer.notify("note", { text: "one" })).toBe(true);
    void peer.request("first", { n: 2 }).catch(() => {});
    expect(peer.notify("note", { text: "three" })).toBe(true);
    // The queue is bounded, and invalid values are refused at once.
    expect(peer.notify("note", { text: "four" })).toBe(false);
    expect(() => peer.notify("note", { text: 5 } as never)).toThrow("not the number 5");
    expect(sink.writes).toEqual([]);
    connection.opened();
    const sent = sink.writes.flatMap((bytes) => decodeAll(toClient, bytes));
    expect(sent).toMatchObject([
      { name: "note", args: { text: "one" }, session: undefined },
      { name: "first", args: { n: 2 }, session: 1 },
      { name: "note", args: { text: "three" }, session: undefined },
    ]);
  });

  it("keep nothing of a request that cannot be written", async () => {
    const { network, peer } = await pair();
    const error = await rejected(peer.request("first", { n: 1.5 }));
    expect(error.code).toBe("unencodable");
    expect(peer.pending).toBe(0);
    await expectNothingLeft(network);
    expect(await rejected(peer.request("nope" as "sure"))).toBeInstanceOf(TypeError);
    expect(() => peer.notify("nope" as "sure")).toThrow("nope not found");
  });

  it("reject a request whose answer cannot be read, and stay open", async () => {
    const { peer, here } = await pair();
    const promise = peer.request("first", { n: 1 });
    // {session 1}, then a body whose integer has no bytes: 0200 0100 0400 | 0100 0000 00000000
    here.received(bytesOf("0006550201040100"));
    const error = await rejected(promise);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code: "malformed", protocol: "first", session: 1 });
    expect(here.state).toBe("open");
    expect(peer.pending).toBe(0);
  });

  it("close the connection when a handler fails, or send the result of `failed`", async () => {
    const errors: unknown[] = [];
    const options = {
      on: {
        fail: () => {
          throw new Error("broken");
        },
        late: async () => {
          throw new Error("broken later");
        },
        first: () => ({ n: 0.5 }),
      },
      error: (_: unknown, error: unknown) => void errors.push((error as Error).message),
    };
    for (const name of ["fail", "late", "first"] as const) {
      const { network, peer, there } = await pair(options);
      const promise = peer.request(name).catch(() => "rejected");
      await soon(network);
      expect(there.state).not.toBe("open");
      peer.connection!.abort();
      expect(await promise).toBe("rejected");
    }
    expect(errors).toEqual([
      "broken",
      "broken later",
      "first.response.n is an integer (beyond 2^53 a bigint), not the number 0.5",
    ]);
    const calls: string[] = [];
    const { network, peer, there, heard } = await pair({
      ...options,
      failed: (error, call) => {
        calls.push(call.name);
        if (call.name === "first") return undefined;
        const answer = { ok: false, why: (error as Error).message };
        return call.name === "fail" ? answer : Promise.resolve({ n: -1 });
      },
    });
    expect(await network.settle(peer.request("fail"))).toEqual({ ok: false, why: "broken" });
    expect(await network.settle(peer.request("late"))).toEqual({ n: -1 });
    const { length } = heard.client;
    void peer.request("first", {}, { timeout: 0 }).catch(() => {});
    await soon(network);
    expect(calls).toEqual(["fail", "late", "first"]);
    expect(heard.client.length).toBe(length);
    expect(there.state).toBe("open");
  });

  it("drop requests without a handler, or report them", async () => {
    const strays: string[] = [];
    for (const stray of [undefined, (error: RpcError) => void strays.push(error.message)]) {
      const { network, there, peer } = await pair({ on: { first: undefined }, unmatched: stray });
      peer.notify("unhandled", { n: 1 });
      const promise = peer.request("first", { n: 1 });
      await soon(network);
      there.received(bytesOf("00030501c6"));
      expect(there.state).toBe("open");
      peer.connection!.abort();
      expect(await rejected(promise)).toMatchObject({ code: "closed" });
    }
    expect(strays).toEqual([
      "no handler (protocol unhandled)",
      "no handler (protocol first, session 1)",
      "no such protocol (protocol tag 98)",
    ]);
  });

  it("do not use inherited properties as handlers", async () => {
    const text: string = `${HEADER} constructor 1 { response nil } toString 2 {}`;
    const rpc = sprotoRpc({ local: parse(text), remote: parse(text) });
    const strays: string[] = [];
    const handlers = rpc.peers({ on: {}, unmatched: (error) => void strays.push(error.message) });
    const connection = new Connection(rpc, new ScriptedSink(), handlers);
    connection.opened();
    for (const name of ["constructor", "toString"]) {
      connection.received(encodeFrame(rpc, { kind: "request", name, session: 1 }));
    }
    expect(strays).toEqual([
      "no handler (protocol constructor, session 1)",
      "no handler (protocol toString, session 1)",
    ]);
  });

  it("number their sessions, and reuse free numbers", async () => {
    const { network, peer, heard } = await pair({
      on: { sure: () => {}, late: () => new Promise<never>(() => {}) },
    });
    void peer.request("late").catch(() => {});
    for (let i = 0; i < 2; i++) await network.settle(peer.request("sure"));
    expect(peer.pending).toBe(1);
    const sent = heard.server.map((value) => value.kind === "request" && value.session);
    expect(sent).toEqual([1, 2, 3]);
  });

  it("answer with a struct that has a field called then", async () => {
    const then = "then";
    const text: string = `${HEADER} when 1 { response { then 0 : string } }`;
    const rpc = sprotoRpc({ local: parse(text), remote: parse(text) });
    const sink = new ScriptedSink();
    const connection = new Connection(
      rpc,
      sink,
      rpc.peers({ on: { when: () => ({ [then]: "later" }) } }),
    );
    connection.opened();
    connection.received(encodeFrame(rpc, { kind: "request", name: "when", session: 1 }));
    await settle();
    expect(connection.state).toBe("open");
    expect(sink.writes.length).toBe(1);
  });

  it("require valid limits", async () => {
    for (const wrong of [Number.NaN, -1, "5" as never]) {
      expect(() => toServer.peers({ timeout: wrong })).toThrow(RangeError);
      expect(() => toServer.peers({ maxPending: wrong })).toThrow(
        `maxPending must be a number of at least 0, not ${wrong}`,
      );
      const { peer } = await pair();
      await expect(peer.request("late", undefined, { timeout: wrong })).rejects.toThrow(RangeError);
      expect(peer.pending).toBe(0);
    }
  });

  it("close the connection on bytes that are not a message", async () => {
    const { there } = await pair();
    there.received(bytesOf("0000"));
    expect(there.state).not.toBe("open");
  });
});
