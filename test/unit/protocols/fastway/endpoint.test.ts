import { describe, expect, expectTypeOf, it } from "vitest";
import {
  type CloseInfo,
  Connection,
  encodeFrame,
  json,
  lines,
  ProtocolError,
  perMessage,
  utf8,
} from "../../../../src/index.ts";
import {
  type Dialect,
  type EndpointOptions,
  type FastwayLink,
  type FastwayMessage,
  fastway,
  fastwayClient,
  fastwayServer,
  type GatewayCommand,
  type VirtualConnection,
} from "../../../../src/protocols/fastway/index.ts";
import { RecordedPeer, settled } from "../../../support/fastway-peer.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";

type Value<D extends Dialect> = FastwayMessage | GatewayCommand<D>;

/** A client, and both directions of its link to the gateway. */
function setup<D extends Dialect, In = Uint8Array, Out = In, Context = undefined>(
  dialect: D,
  options: EndpointOptions<In, Out, Context> = {},
  maxPacket?: number,
) {
  const clock = new ManualClock();
  const peer = new RecordedPeer(fastway({ dialect, maxPacket }) as never, clock);
  const endpoint = fastwayClient(peer.connection, { clock, ...options });
  const gateway = fastway({ dialect, side: "gateway" });
  const both = fastway({ dialect });
  return {
    clock,
    peer,
    endpoint,
    /** Sends values from the gateway. */
    say: async (...values: Value<D>[]): Promise<void> => {
      for (const value of values) {
        peer.connection.received(encodeFrame(gateway, value as never));
      }
      await settled();
    },
    /** Returns what the gateway received since the last call. */
    heard: async (): Promise<unknown[]> => {
      await settled();
      const values: unknown[] = [];
      for (let p = peer.takePacket(); p.length > 0; p = peer.takePacket()) {
        const value = both.decode(p, 0, p.length);
        values.push(value.type === "message" ? [value.connId, ...value.message] : value);
      }
      return values;
    },
  };
}

const message = (connId: number, ...bytes: number[]): FastwayMessage => ({
  type: "message",
  connId,
  message: Uint8Array.from(bytes),
});
const accept = (connId: number, remoteId: number) =>
  ({ type: "accept", connId, remoteId }) as const;
const close = (connId: number) => ({ type: "close", connId }) as const;

/** Returns how a promise was rejected. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error instanceof ProtocolError ? error.code : error;
  }
  return "nothing";
}

/** Reads everything from a connection, then how it ended. */
async function readAll(connection: AsyncIterable<Uint8Array>): Promise<unknown[]> {
  const read: unknown[] = [];
  try {
    for await (const bytes of connection) read.push([...bytes]);
    read.push("end");
  } catch (error) {
    read.push((error as ProtocolError).code);
  }
  return read;
}

describe("dialling", () => {
  it("matches answers of v2 by their order", async () => {
    const { endpoint, say, heard } = setup("v2");
    const dials = [endpoint.dial(1), endpoint.dial(2), endpoint.dial(1)];
    expect(await heard()).toEqual([1, 2, 1].map((remoteId) => ({ type: "dial", remoteId })));
    await say(accept(7, 1), { type: "refuse", remoteId: 2 }, accept(9, 1));
    expect((await dials[0]!).connId).toBe(7);
    expect(await rejection(dials[1]!)).toBe("refused");
    expect(await dials[2]).toMatchObject({ connId: 9, remoteId: 1, state: "open" });
    expect(endpoint.size).toBe(2);
  });

  it("matches answers of v1 by id, in any order", async () => {
    const { endpoint, say, heard } = setup("v1");
    const dials = [endpoint.dial(1), endpoint.dial(2)];
    expect(await heard()).toEqual([{ type: "new" }, { type: "new" }]);
    await say({ type: "open", connId: 5 }, { type: "open", connId: 6 });
    expect(await heard()).toEqual([
      { type: "dial", connId: 5, remoteId: 1 },
      { type: "dial", connId: 6, remoteId: 2 },
    ]);
    // An Accept for another id is an incoming connection, not the answer.
    await say(accept(8, 3), { type: "refuse", connId: 6 }, accept(5, 1));
    expect((await dials[0]!).connId).toBe(5);
    expect(await rejection(dials[1]!)).toBe("refused");
    for await (const incoming of endpoint) {
      expect(incoming).toMatchObject({ connId: 8, remoteId: 3 });
      break;
    }
  });

  it.each([
    ["v1", { type: "open", connId: 1 }],
    ["v1", { type: "refuse", connId: 1 }],
    ["v2", { type: "accept", connId: 1, remoteId: 1 }],
    ["v2", { type: "refuse", remoteId: 1 }],
  ] as const)("ends the link of %s on an unexpected answer: %j", async (dialect, value) => {
    const { endpoint, say } = setup(dialect);
    await say(value as never);
    expect((await endpoint.closed).error).toMatchObject({ code: "malformed" });
    expect(await rejection(endpoint.dial(1))).toBe("closed");
  });

  it("closes the link of v1 if an id is given twice", async () => {
    const { endpoint, say } = setup("v1");
    const dials = [endpoint.dial(1), endpoint.dial(2)];
    await say({ type: "open", connId: 5 }, { type: "open", connId: 5 });
    expect(await Promise.all(dials.map(rejection))).toEqual(["closed", "closed"]);
  });

  it("closes the link of v2 on an answer to another dial", async () => {
    const { endpoint, say } = setup("v2");
    const dial = endpoint.dial(1);
    await say({ type: "refuse", remoteId: 2 });
    expect(await rejection(dial)).toBe("closed");
    const other = setup("v2");
    const second = other.endpoint.dial(1);
    await other.say({ type: "connect", connId: 4, remoteId: 9 }, accept(4, 1));
    expect(await rejection(second)).toBe("closed");
    expect((await other.endpoint.closed).error).toMatchObject({
      message: "connection 4 is open already",
    });
  });

  it("times out, but keeps the place of the dial", async () => {
    const { endpoint, say, heard, clock } = setup("v2", { pingInterval: 0 });
    const slow = endpoint.dial(1, { timeout: 100 });
    const patient = endpoint.dial(2, { timeout: 0 });
    await heard();
    clock.advance(100);
    expect(await rejection(slow)).toBe("timeout");
    await say(accept(3, 1));
    expect(await heard()).toEqual([close(3)]);
    // Until the echo of our Close its messages are ignored.
    await say(message(3, 1), close(3), accept(4, 2));
    expect((await patient).connId).toBe(4);
    expect(await heard()).toEqual([]);
    await say(message(3, 2));
    expect(await heard()).toEqual([close(3)]);
    expect(clock.waiting).toBe(0);
  });

  it("can be aborted", async () => {
    const { endpoint, say, heard, clock } = setup("v1");
    const controller = new AbortController();
    const dial = endpoint.dial(1, { signal: controller.signal });
    await say({ type: "open", connId: 1 });
    controller.abort(new Error("not now"));
    expect(await rejection(dial)).toEqual(new Error("not now"));
    await heard();
    await say(accept(1, 1));
    expect(await heard()).toEqual([close(1)]);
    // Nothing more is sent until the echo arrives.
    await say(message(1, 9));
    expect(await heard()).toEqual([]);
    const aborted = AbortSignal.abort("never");
    expect(await rejection(endpoint.dial(1, { signal: aborted }))).toBe("never");
    expect(await heard()).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  it("leaves no timer and no listener, however it ends", async () => {
    const { endpoint, say, clock } = setup("v2", { pingInterval: 0 });
    const listeners = new Set<() => void>();
    const signal = {
      aborted: false,
      addEventListener: (_: "abort", listener: () => void) => void listeners.add(listener),
      removeEventListener: (_: "abort", listener: () => void) => void listeners.delete(listener),
    };
    const dials = [1, 2, 3].map((id) => endpoint.dial(id, { signal, timeout: 1000 * id }));
    expect([listeners.size > 0, clock.waiting]).toEqual([true, 3]);
    await say(accept(1, 1), { type: "refuse", remoteId: 2 });
    expect([listeners.size, clock.waiting]).toEqual([1, 1]);
    clock.advance(3000);
    expect([listeners.size, clock.waiting]).toEqual([0, 0]);
    expect(await Promise.all(dials.slice(1).map(rejection))).toEqual(["refused", "timeout"]);
    expect((await dials[0]!).state).toBe("open");
  });

  it("refuses invalid ids before anything is sent", async () => {
    const { endpoint, heard } = setup("v1");
    for (const id of [-1, 1.5, 2 ** 32, Number.NaN]) {
      expect(await rejection(endpoint.dial(id))).toBe("unencodable");
    }
    expect(await heard()).toEqual([]);
  });

  it("closes connection 0, which the first gateways allow", async () => {
    const { endpoint, say, heard } = setup("v1");
    const dial = endpoint.dial(1);
    await say({ type: "open", connId: 0 }, accept(0, 1));
    expect(await rejection(dial)).toBe("closed");
    expect((await heard()).at(-1)).toEqual(close(0));
  });
});

describe("messages that overtake their Accept", () => {
  it.each(["v1", "v2"] as const)("are kept in order in %s", async (dialect) => {
    const { endpoint, say, heard } = setup(dialect);
    const dial = endpoint.dial(5);
    if (dialect === "v1") await say({ type: "open", connId: 3 } as never);
    await heard();
    await say(
      message(3, 1),
      message(3),
      message(3, 2),
      close(3),
      message(3, 9),
      accept(3, 5) as never,
    );
    expect(await readAll(await dial)).toEqual([[1], [], [2], "end"]);
    expect(endpoint.size).toBe(0);
    expect(await heard()).toEqual([]);
  });

  it("are closed once no dial can be theirs", async () => {
    const { endpoint, say, heard } = setup("v2");
    const dials = [endpoint.dial(5), endpoint.dial(6)];
    await heard();
    await say(message(3, 1), message(4, 1), close(8), accept(3, 5));
    expect(await heard()).toEqual([]);
    await say({ type: "refuse", remoteId: 6 });
    expect(await heard()).toEqual([close(4)]);
    expect(await rejection(dials[1]!)).toBe("refused");
    expect((await dials[0]!).connId).toBe(3);
    const v1 = setup("v1");
    const refused = v1.endpoint.dial(1);
    await v1.say({ type: "open", connId: 2 }, message(2, 1), message(9, 1));
    expect((await v1.heard()).at(-1)).toEqual(close(9));
    await v1.say({ type: "refuse", connId: 2 });
    expect(await rejection(refused)).toBe("refused");
  });

  it("are kept up to a limit, and never with a gap", async () => {
    const { endpoint, say, heard } = setup("v2");
    const dials = [endpoint.dial(5), endpoint.dial(6), endpoint.dial(7), endpoint.dial(8)];
    await heard();
    const large = { ...message(3), message: new Uint8Array(500_000) };
    await say(large, large);
    expect(await heard()).toEqual([]);
    await say(large, large, message(4, 1));
    // The third is one too many: the connection is given up. There is still room for others.
    expect(await heard()).toEqual([close(3)]);
    // A dropped connection uses no room.
    await say({ ...large, connId: 4 }, { ...large, connId: 4 });
    expect(await heard()).toEqual([]);
    await say(close(3), accept(3, 5), accept(4, 6));
    expect(await rejection(dials[0]!)).toBe("overflow");
    expect((await dials[1]!).state).toBe("open");
    // The number of ids is bounded, too; connections refused then may have lost their first
    // messages.
    await say(...Array.from({ length: 20_000 }, (_, i) => message(100 + i)));
    expect((await heard()).length).toBeGreaterThan(1000);
    // There is no room to record its end either; that is harmless.
    await say(close(50_000));
    // It never sent a message, but that is unknown by now; so the other end gets a Close.
    await say(accept(30_000, 7));
    expect(await heard()).toEqual([close(30_000)]);
    expect(await rejection(dials[2]!)).toBe("overflow");
    await say({ type: "refuse", remoteId: 8 });
    await rejection(dials[3]!);
    // No dial is pending: there is room again.
    await heard();
    const next = endpoint.dial(9);
    await say(message(40_000, 1), accept(40_000, 9));
    expect((await next).connId).toBe(40_000);
  }, 20_000);

  it("free their room when their connection takes them", async () => {
    const { endpoint, say, heard } = setup("v2");
    const dials = [1, 2, 3, 4, 5].map((id) => endpoint.dial(id));
    await heard();
    for (const id of [1, 2, 3, 4]) {
      const large = { ...message(id), message: new Uint8Array(500_000) };
      await say(large, large, accept(id, id));
      expect((await dials[id - 1]!).connId).toBe(id);
    }
    expect(await heard()).toEqual([]);
  });

  it("may belong to an incoming connection", async () => {
    const { endpoint, say, heard } = setup("v2");
    const dial = endpoint.dial(5);
    await heard();
    await say(message(4, 1), { type: "connect", connId: 4, remoteId: 9 }, message(4, 2));
    await say({ type: "refuse", remoteId: 5 });
    expect(await rejection(dial)).toBe("refused");
    expect(await heard()).toEqual([]);
    await say(close(4));
    for await (const connection of endpoint) {
      expect(await readAll(connection)).toEqual([[1], [2], "end"]);
      break;
    }
  });

  it("are dropped for an incoming connection, too, if there were too many", async () => {
    const { endpoint, say, heard } = setup("v2", { message: () => {} });
    void endpoint.dial(5);
    await heard();
    const large = { ...message(4), message: new Uint8Array(500_000) };
    await say(large, large, large, { type: "connect", connId: 4, remoteId: 9 });
    expect(await heard()).toEqual([close(4), close(4)]);
    expect(endpoint.size).toBe(0);
  });
});

describe("a virtual connection", () => {
  async function opened<In = Uint8Array, Out = In>(
    options: EndpointOptions<In, Out> = {},
    maxPacket?: number,
  ) {
    const all = setup("v2", {}, maxPacket);
    const dial = all.endpoint.dial<In, Out>(1, options as never);
    await all.say(accept(1, 1));
    await all.heard();
    return { ...all, connection: await dial };
  }

  it("sends and receives complete messages, including empty ones", async () => {
    const { connection, say, heard } = await opened();
    connection.send(Uint8Array.of(1));
    connection.send(new Uint8Array(0));
    expect(await heard()).toEqual([[1, 1], [1]]);
    await say(message(1, 5), message(1), close(1));
    expect(await readAll(connection)).toEqual([[5], [], "end"]);
    expect(connection.send(Uint8Array.of(1))).toBe(false);
    expect(await heard()).toEqual([]);
  });

  it("sends Close once, and is gone when the echo arrives", async () => {
    const closes: CloseInfo[] = [];
    const { connection, endpoint, say, heard } = await opened({
      message: () => {},
      close: (_: unknown, info: CloseInfo) => closes.push(info),
    });
    connection.close();
    connection.close();
    expect(await heard()).toEqual([close(1)]);
    expect(connection.state).toBe("closing");
    // Both ends may close at the same time: then two Closes arrive.
    await say(message(1, 1), close(1), close(1));
    expect(connection.state).toBe("closed");
    expect(closes).toEqual([{ by: "local" }]);
    expect(endpoint.size).toBe(0);
    expect(await heard()).toEqual([]);
  });

  it("stops waiting for an echo after a while", async () => {
    const { connection, endpoint, clock, say, heard } = await opened({ closeTimeout: 50 });
    connection.close();
    clock.advance(50);
    expect(connection.state).toBe("closed");
    expect(endpoint.size).toBe(0);
    // One Close is enough, even without an echo.
    expect(await heard()).toEqual([close(1)]);
    await say(message(1, 1), close(1));
    expect(await heard()).toEqual([]);
  });

  it("can be aborted by its user", async () => {
    const { connection, endpoint, say, heard } = await opened();
    connection.abort();
    expect(await heard()).toEqual([close(1)]);
    expect(endpoint.size).toBe(0);
    await say(message(1, 1), close(1));
    expect(await heard()).toEqual([]);
  });

  it("delivers everything before the Close to a paused reader", async () => {
    const got: unknown[] = [];
    const { connection, say } = await opened({
      message: (_: unknown, bytes: Uint8Array) => got.push([...bytes]),
      close: (_: unknown, info: CloseInfo) => got.push(info.by),
    });
    connection.pause();
    await say(message(1, 1), message(1, 2), close(1));
    expect(got).toEqual([]);
    // The other end is gone: messages sent now are lost.
    connection.send(Uint8Array.of(1));
    connection.resume();
    expect(got).toEqual([[1], [2]]);
    await settled();
    expect(got).toEqual([[1], [2], "peer"]);
    expect(connection.state).toBe("closed");
  });

  it("is closed alone if it reads too slowly", async () => {
    const { connection, endpoint, say, heard } = await opened({ maxQueued: 1000 });
    const second = endpoint.dial(2);
    await say(accept(2, 2));
    await heard();
    for (let i = 0; i < 20; i++) await say(message(1, i), message(2, i));
    expect(connection.state).toBe("closed");
    expect(await heard()).toEqual([{ type: "close", connId: 1 }]);
    expect((await second).state).toBe("open");
    expect((await readAll(connection)).at(-1)).toBe("overflow");
  });

  it("carries any protocol, limited by the packet", async () => {
    const protocol = lines().wrap(json<{ n: number | string }>());
    const { connection, say, heard } = await opened({ protocol } as never, 64);
    const typed = connection as unknown as VirtualConnection<{ n: number | string }>;
    expect(typed.protocol.maxFrame).toBe(60);
    typed.send({ n: 1 });
    expect(await heard()).toEqual([[1, ...new TextEncoder().encode('{"n":1}\n')]]);
    expect(() => typed.send({ n: "x".repeat(60) })).toThrow(/exceeds maxFrame 60/);
    await say({ ...message(1), message: new TextEncoder().encode('{"n":2}\n{"n":3}\n') });
    const got: unknown[] = [];
    for await (const value of typed) if (got.push(value) === 2) break;
    expect(got).toEqual([{ n: 2 }, { n: 3 }]);
    // A protocol whose limit fits in a packet is used unchanged.
    const small = perMessage({ maxFrame: 10 }).wrap(utf8());
    const other = await opened({ protocol: small } as never);
    expect(other.connection.protocol).toBe(small);
  });

  it("waits for room on the link, and calls `drain`", async () => {
    const sink = new ScriptedSink();
    const link = new Connection(fastway({ dialect: "v2" }), sink, {}, { highWater: 100 });
    link.opened();
    const endpoint = fastwayClient(link, { pingInterval: 0 });
    let drains = 0;
    const dial = endpoint.dial(1, { timeout: 0, highWater: 50, drain: () => drains++ });
    await settled();
    link.received(encodeFrame(fastway({ dialect: "v2" }), accept(1, 1)));
    const connection = await dial;
    sink.roomy = false;
    sink.writes.length = 0;
    for (let i = 0; i < 10; i++) {
      connection.send(new Uint8Array(100));
      await settled();
    }
    expect(connection.send(new Uint8Array(100))).toBe(false);
    expect(drains).toBe(0);
    sink.roomy = true;
    link.drained();
    await settled();
    expect(drains).toBe(1);
    expect(sink.writes.reduce((sum, bytes) => sum + bytes.length, 0)).toBe(11 * 108);
  });
});

describe("incoming connections", () => {
  it("are served by handlers, with their own context", async () => {
    const { endpoint, say, heard } = setup("v2", {
      protocol: perMessage().wrap(utf8()),
      context: ({ connId, remoteId }) => ({ name: `${connId}/${remoteId}` }),
      message: (connection, text) => {
        expectTypeOf(text).toBeString();
        connection.send(`${connection.context.name}: ${text}`);
      },
    });
    await say({ type: "connect", connId: 2, remoteId: 7 }, message(2, 104, 105));
    expect(await heard()).toEqual([[2, ...new TextEncoder().encode("2/7: hi")]]);
    expect(() => endpoint[Symbol.asyncIterator]()).toThrow(TypeError);
  });

  it("wait to be iterated, up to the backlog", async () => {
    const { endpoint, say, heard } = setup("v2", { backlog: 2 });
    for (const connId of [1, 2, 3]) await say({ type: "connect", connId, remoteId: 1 });
    expect(await heard()).toEqual([close(3)]);
    await say(close(3), message(1, 5), close(1));
    const got: unknown[] = [];
    for await (const connection of endpoint) {
      got.push(connection.connId);
      if (connection.connId === 1) got.push(await readAll(connection));
      if (got.length === 3) break;
    }
    expect(got).toEqual([1, [[5], "end"], 2]);
    // An iterator that was left, or never started, ends.
    const left = await endpoint[Symbol.asyncIterator]().return?.();
    expect(left).toEqual({ done: true, value: undefined });
    // A pending `next` is served at once, whatever the backlog.
    const next = endpoint[Symbol.asyncIterator]().next();
    await say({ type: "connect", connId: 4, remoteId: 1 });
    expect((await next).value?.connId).toBe(4);
  });

  it("are not lost to an iterator that was left while it waited", async () => {
    const { endpoint, say } = setup("v2");
    const left = endpoint[Symbol.asyncIterator]();
    const pending = left.next();
    expect(await left.return?.()).toEqual({ done: true, value: undefined });
    expect(await pending).toEqual({ done: true, value: undefined });
    await say({ type: "connect", connId: 1, remoteId: 1 });
    expect((await endpoint[Symbol.asyncIterator]().next()).value?.connId).toBe(1);
  });

  it("are refused on connection 0 and with an id in use", async () => {
    const { endpoint, say, heard } = setup("v1");
    await say(accept(0, 1));
    expect(await heard()).toEqual([close(0)]);
    await say(accept(1, 1), accept(1, 2));
    expect((await endpoint.closed).error).toMatchObject({ code: "malformed" });
  });
});

describe("unknown connections and pings", () => {
  it("answers a message with Close, and does not answer a Close", async () => {
    const { say, heard } = setup("v1");
    await say(message(4, 1), close(5));
    expect(await heard()).toEqual([close(4)]);
  });

  it("answers a ping of v1, but not of v2", async () => {
    const v1 = setup("v1");
    await v1.say({ type: "ping" }, { type: "ping" });
    expect(await v1.heard()).toEqual([{ type: "ping" }, { type: "ping" }]);
    const v2 = setup("v2");
    await v2.say({ type: "ping" });
    expect(await v2.heard()).toEqual([]);
  });

  it("sends pings in v2, and accepts any packet as an answer", async () => {
    const { endpoint, say, heard, clock } = setup("v2", { pingInterval: 1000, pingTimeout: 300 });
    clock.advance(1000);
    expect(await heard()).toEqual([{ type: "ping" }]);
    clock.advance(299);
    await say({ type: "ping" });
    clock.advance(700);
    expect(await heard()).toEqual([]);
    clock.advance(1);
    await say(close(9));
    clock.advance(1000);
    expect(await heard()).toEqual([{ type: "ping" }, { type: "ping" }]);
    clock.advance(300);
    expect((await endpoint.closed).error).toMatchObject({ code: "timeout" });
    expect(clock.waiting).toBe(0);
  });

  it("expects no answer to its pings if pingTimeout is 0", async () => {
    const { heard, clock, endpoint } = setup("v2", { pingInterval: 1000, pingTimeout: 0 });
    clock.advance(3000);
    expect((await heard()).length).toBe(3);
    expect([clock.waiting, endpoint.size]).toEqual([1, 0]);
    await expect(Promise.race([endpoint.closed, "open"])).resolves.toBe("open");
  });

  it("sends no pings in v1, or if pingInterval is 0", async () => {
    for (const { clock, heard } of [setup("v1"), setup("v2", { pingInterval: 0 })]) {
      clock.advance(100_000);
      expect(await heard()).toEqual([]);
    }
  });
});

describe("the end of the link", () => {
  it("fails dials and connections, with an error instead of a Close", async () => {
    const { endpoint, say, peer } = setup("v2");
    const dials = [endpoint.dial(1), endpoint.dial(2)];
    await say(accept(1, 1), { type: "connect", connId: 5, remoteId: 6 }, message(5, 1));
    const connection = await dials[0]!;
    peer.hangUp();
    await settled();
    expect(await readAll(connection)).toEqual(["closed"]);
    expect(await rejection(dials[1]!)).toBe("closed");
    expect((await endpoint.closed).by).toBe("peer");
    expect(endpoint.size).toBe(0);
    // Earlier connections can still be iterated.
    const incoming: unknown[] = [];
    for await (const one of endpoint) incoming.push(await readAll(one));
    expect(incoming).toEqual([[[1], "closed"]]);
  });

  it("hints at the wrong port if the first bytes are not a packet", async () => {
    const challenge = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const lost = setup("v2");
    const dial = lost.endpoint.dial(1);
    lost.peer.connection.received(challenge);
    expect((await lost.endpoint.closed).error).toMatchObject({
      code: "too-long",
      offset: 0,
      message:
        "too-large: Length 67305985 exceeds maxPacket 524288: is it the gateway's port for servers?",
    });
    expect(await rejection(dial)).toBe("closed");
    // No hint after a valid packet, or for commands of the other dialect.
    const known = setup("v2");
    await known.say({ type: "ping" });
    known.peer.connection.received(challenge);
    expect((await known.endpoint.closed).error).toMatchObject({
      message: "too-large: Length 67305985 exceeds maxPacket 524288",
    });
    const other = setup("v2");
    other.peer.connection.received(Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 1));
    expect((await other.endpoint.closed).error).toMatchObject({
      message: 'short-command: "accept" has Length 5, needs 13',
    });
  });

  it("rejects pending iterators with the reason", async () => {
    const { endpoint, peer } = setup("v2");
    const next = endpoint[Symbol.asyncIterator]().next();
    peer.connection.received(Uint8Array.of(3, 0, 0, 0));
    expect(await rejection(next)).toBe("malformed");
    // Only once: a later loop just ends.
    expect((await endpoint[Symbol.asyncIterator]().next()).done).toBe(true);
    const other = setup("v2");
    const iterator = other.endpoint[Symbol.asyncIterator]();
    const done = iterator.next();
    other.endpoint.close();
    other.peer.hangUp();
    expect(await done).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("closes connections first when `close` is called", async () => {
    const { endpoint, say, heard, peer } = setup("v2");
    const dials = [endpoint.dial(1), endpoint.dial(1)];
    await say(accept(1, 1));
    const connection = await dials[0]!;
    await heard();
    connection.send(Uint8Array.of(1));
    endpoint.close();
    endpoint.close();
    expect(await heard()).toEqual([[1, 1], close(1)]);
    expect(await rejection(endpoint.dial(1))).toBe("closed");
    expect(peer.isClosed).toBe(false);
    // Connections that arrive meanwhile are refused.
    await say({ type: "connect", connId: 2, remoteId: 1 }, accept(3, 1));
    expect(await heard()).toEqual([close(2), close(3)]);
    expect(await rejection(dials[1]!)).toBe("closed");
    await say(close(1));
    expect(peer.isClosed).toBe(true);
    const idle = setup("v2");
    idle.endpoint.close();
    expect(idle.peer.isClosed).toBe(true);
    expect((await readAll(connection)).at(-1)).toBe("end");
  });

  it("is noticed even if it came before the endpoint", async () => {
    const clock = new ManualClock();
    for (const make of [
      (link: FastwayLink) => fastwayClient(link, { clock }),
      (link: FastwayLink) => fastwayServer(link, { clock, serverId: 1 }),
    ]) {
      const peer = new RecordedPeer(fastway({ dialect: "v2" }), clock);
      peer.hangUp();
      const endpoint = make(peer.connection);
      expect((await endpoint.closed).by).toBe("peer");
      expect(await rejection(endpoint.dial(1))).toBe("closed");
    }
    expect(clock.waiting).toBe(0);
  });
});

describe("options and links of endpoints", () => {
  it.each(["backlog", "pingInterval", "pingTimeout", "authTimeout"])(
    "refuses an invalid limit: %s",
    (name) => {
      const link = new Connection(fastway({ dialect: "v2" }), new ScriptedSink());
      const options = { serverId: 1, [name]: Number.NaN };
      expect(() => fastwayServer(link, options)).toThrow(`${name} must be a number of at least 0`);
      // The connection is untouched and can still be used.
      expect(() => fastwayServer(link, { serverId: 1, authTimeout: 0 })).not.toThrow();
    },
  );

  it("refuses an invalid timeout of a dial", async () => {
    const { endpoint, heard } = setup("v2");
    expect(await rejection(endpoint.dial(1, { timeout: Number.NaN }))).toBeInstanceOf(RangeError);
    expect(await heard()).toEqual([]);
  });

  it("require a connection that speaks fastway, from this end", () => {
    const sink = new ScriptedSink();
    const text = new Connection(lines().wrap(utf8()), sink);
    expect(() => fastwayClient(text)).toThrow(/fastway\(\{ dialect \}\)/);
    const gateway = new Connection(fastway({ dialect: "v1", side: "gateway" }), sink);
    expect(() => fastwayClient(gateway)).toThrow(/gateway's end/);
    const half = Object.assign(Object.create(lines().wrap(utf8())), { dialect: "v2" });
    expect(() => fastwayClient(new Connection(half, sink))).toThrow(/fastway\(\{ dialect \}\)/);
  });
});

describe("a server", () => {
  function server(options: object = {}) {
    const clock = new ManualClock();
    const peer = new RecordedPeer(fastway({ dialect: "v2" }), clock);
    const link = peer.connection;
    const endpoint = fastwayServer(link, { clock, serverId: 9, key: "key", ...options });
    return { clock, peer, endpoint };
  }

  it("answers the challenge first, in chunks of any size", async () => {
    const { peer, endpoint } = server();
    const dial = endpoint.dial(3);
    await settled();
    expect(peer.bytes).toHaveLength(0);
    for (let i = 0; i < 8; i++) peer.connection.received(Uint8Array.of(i));
    await settled();
    expect(peer.take(20).subarray(16)).toEqual(Uint8Array.of(9, 0, 0, 0));
    expect(peer.takePacket()).toHaveLength(13);
    peer.connection.received(encodeFrame(fastway({ dialect: "v2" }), accept(1, 3)));
    expect((await dial).connId).toBe(1);
  });

  it("explains a close before any packet", async () => {
    const { peer, endpoint } = server();
    const dial = endpoint.dial(3);
    peer.connection.received(new Uint8Array(8));
    peer.hangUp();
    expect((await endpoint.closed).error).toMatchObject({ code: "refused" });
    expect(await rejection(dial)).toBe("closed");
    expect(await rejection(endpoint[Symbol.asyncIterator]().next())).toBe("refused");
    // A gateway that did not read everything resets the connection; the explanation is the same.
    const cut = server();
    cut.peer.connection.received(new Uint8Array(8));
    const reset = new Error("read ECONNRESET");
    cut.peer.connection.lost(reset);
    expect((await cut.endpoint.closed).error).toMatchObject({ code: "refused", cause: reset });
    // No explanation if this side closed, or after a packet.
    const own = server();
    own.peer.connection.received(new Uint8Array(8));
    own.endpoint.abort();
    expect(await own.endpoint.closed).toEqual({ by: "local" });
    const known = server();
    known.peer.connection.received(new Uint8Array(8));
    known.peer.connection.received(encodeFrame(fastway({ dialect: "v2" }), { type: "ping" }));
    known.peer.hangUp();
    expect(await known.endpoint.closed).toEqual({ by: "peer" });
  });

  it("times out without a challenge", async () => {
    const { clock, endpoint, peer } = server();
    const dial = endpoint.dial(1, { timeout: 0 });
    peer.connection.received(new Uint8Array(7));
    clock.advance(5000);
    expect((await endpoint.closed).error).toMatchObject({ code: "timeout" });
    expect(await rejection(dial)).toBe("closed");
    const patient = server({ authTimeout: 0, pingInterval: 0 });
    patient.clock.advance(1e9);
    expect(patient.peer.connection.state).toBe("open");
    patient.peer.hangUp();
    expect((await patient.endpoint.closed).by).toBe("peer");
  });

  it("requires a valid id", () => {
    expect(() => server({ serverId: -1 })).toThrow(RangeError);
    expect(() => server({ serverId: undefined })).toThrow(RangeError);
  });
});
