import { describe, expect, it } from "vitest";
import { Connection, decodeFrame, encodeAll, encodeFrame } from "../../../../src/core/index.ts";
import {
  answerChallenge,
  type Command,
  type Dialect,
  type FastwayMessage,
  fastway,
  fastwayGateway,
  type GatewayOptions,
} from "../../../../src/protocols/fastway/index.ts";
import { RecordedPeer, settled } from "../../../support/fastway-peer.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { bugsPrintedBy, printedBy } from "../../../support/uncaught.ts";

type Value = FastwayMessage | Command;

/** A gateway, with endpoints that the test controls. */
function setup(dialect: Dialect, options: Partial<GatewayOptions> = {}) {
  const clock = new ManualClock();
  const left: string[] = [];
  let challenges = 0;
  const gateway = fastwayGateway({
    dialect,
    clock,
    key: "key",
    random: (count) => new Uint8Array(count).fill(++challenges),
    left: ({ side, id }, error) => {
      left.push(`${side} ${id} ${(error as { code?: string } | undefined)?.code ?? "-"}`);
    },
    ...options,
  });
  const both = fastway({ dialect });

  class End {
    readonly peer = new RecordedPeer(gateway.protocol, clock);

    constructor(side: "client" | "server") {
      gateway[side](this.peer.connection);
    }

    say(...values: Value[]): this {
      for (const value of values) {
        this.peer.connection.received(encodeFrame(both, value as never));
      }
      return this;
    }

    async heard(): Promise<unknown[]> {
      await settled();
      const values: unknown[] = [];
      for (let p = this.peer.takePacket(); p.length > 0; p = this.peer.takePacket()) {
        const value = both.decode(p, 0, p.length);
        values.push(value.type === "message" ? [value.connId, ...value.message] : value);
      }
      return values;
    }

    get isClosed(): boolean {
      return this.peer.isClosed;
    }
  }

  return {
    clock,
    gateway,
    left,
    client: () => new End("client"),
    raw: () => new End("server"),
    /** A server that has passed the handshake. */
    server: async (serverId: number, key = "key"): Promise<End> => {
      const end = new End("server");
      await settled();
      end.peer.connection.received(answerChallenge(end.peer.take(8), key, serverId));
      return end;
    },
  };
}

const message = (connId: number, ...bytes: number[]): FastwayMessage => ({
  type: "message",
  connId,
  message: Uint8Array.from(bytes),
});
const close = (connId: number) => ({ type: "close", connId }) as const;
const dial = (remoteId: number, connId?: number): Command =>
  connId === undefined ? { type: "dial", remoteId } : { type: "dial", connId, remoteId };

describe("a gateway without `left`", () => {
  it("prints errors of endpoints as one line", async () => {
    const { client, raw, clock } = setup("v2", { left: undefined });
    const lines = await printedBy(async () => {
      const end = raw();
      await settled();
      end.peer.connection.received(answerChallenge(end.peer.take(8), "another key", 1));
      client().peer.connection.received(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
      raw();
      clock.advance(5000);
      // A plain reset is not an error.
      client().peer.connection.lost(Object.assign(new Error("reset"), { code: "ECONNRESET" }));
      client().peer.connection.ended();
      await settled();
    });
    expect(lines).toEqual([
      expect.stringMatching(/^framewright: .*: refused: auth-failed/),
      expect.stringMatching(/^framewright: .*: too-long: /),
      expect.stringMatching(/^framewright: .*: timeout: no answer to the challenge/),
    ]);
  });
});

describe("ids", () => {
  it("wrap around, skipping 0 and ids in use", async () => {
    const { client, server, gateway } = setup("v2", { firstConnId: 2 ** 32 - 2, maxConn: 0 });
    await server(1);
    const one = client().say(dial(1), dial(1), dial(1), dial(1));
    const ids = (await one.heard()).map((value) => (value as { connId: number }).connId);
    expect(ids).toEqual([2 ** 32 - 2, 2 ** 32 - 1, 1, 2]);
    expect(gateway.counters.connections).toBe(4);
    // If the next id is taken, the gateway uses the next free one.
    const again = setup("v2", { firstConnId: 2 ** 32 - 1, maxConn: 0 });
    const other = await again.server(1);
    const two = again.client().say(dial(1), dial(1));
    await two.heard();
    two.say(close(1));
    expect(await two.heard()).toEqual([close(1)]);
    two.say(dial(1));
    expect(await two.heard()).toEqual([{ type: "accept", connId: 2, remoteId: 1 }]);
    expect(other.isClosed).toBe(false);
  });

  it("of clients wrap around too", async () => {
    const { client, server } = setup("v2", { firstClientId: 2 ** 32 - 1 });
    const ends = [client(), client()];
    const one = await server(1);
    one.say(dial(2 ** 32 - 1), dial(1), dial(0));
    expect((await one.heard()).map((value) => (value as { type: string }).type)).toEqual([
      "accept",
      "accept",
      "refuse",
    ]);
    expect(await ends[0]!.heard()).toEqual([{ type: "connect", connId: 1, remoteId: 1 }]);
  });

  it("of v1 can be dialled with only once, by the endpoint that they were given to", async () => {
    const { client, server, left } = setup("v1");
    await server(1);
    const [own, thief] = [client(), client()];
    own.say({ type: "new" });
    expect(await own.heard()).toEqual([{ type: "open", connId: 1 }]);
    thief.say(dial(1, 1), dial(1, 77), dial(1, 0));
    expect(await thief.heard()).toEqual([1, 77, 0].map((connId) => ({ type: "refuse", connId })));
    own.say(dial(1, 1), dial(1, 1));
    expect(await own.heard()).toEqual([
      { type: "accept", connId: 1, remoteId: 1 },
      { type: "refuse", connId: 1 },
    ]);
    expect(left).toEqual([]);
  });

  it("of v1 that are requested and never used take bounded memory", async () => {
    const { client, server } = setup("v1");
    await server(1);
    const greedy = client();
    for (let i = 0; i < 5000; i++) greedy.say({ type: "new" });
    await greedy.heard();
    greedy.say(dial(1, 904), dial(1, 905));
    expect(await greedy.heard()).toEqual([
      { type: "refuse", connId: 904 },
      { type: "accept", connId: 905, remoteId: 1 },
    ]);
  });
});

describe("servers", () => {
  it("with one id: the newest receives the dials, and the end of an older one changes nothing", async () => {
    const { client, server, gateway } = setup("v2");
    const older = await server(1);
    const one = client().say(dial(1));
    const newer = await server(1);
    one.say(dial(1));
    await one.heard();
    expect((await older.heard()).length).toBe(1);
    expect((await newer.heard()).length).toBe(1);
    expect(gateway.counters.servers).toBe(2);
    older.peer.hangUp();
    expect(await one.heard()).toEqual([close(1)]);
    one.say(dial(1));
    expect(await one.heard()).toEqual([{ type: "accept", connId: 3, remoteId: 1 }]);
    newer.peer.hangUp();
    one.say(dial(1));
    expect((await one.heard()).at(-1)).toEqual({ type: "refuse", remoteId: 1 });
    expect(gateway.counters.servers).toBe(0);
  });

  it("must have the key, answer in time, and not be too many at once", async () => {
    const { server, raw, clock, left, gateway } = setup("v1", { maxUnproven: 2 });
    expect((await server(1, "wrong")).isClosed).toBe(true);
    const [slow, cut] = [raw(), raw()];
    expect(raw().isClosed).toBe(true);
    expect(gateway.counters).toMatchObject({ unproven: 2, servers: 0 });
    cut.peer.connection.received(new Uint8Array(19));
    cut.peer.hangUp();
    clock.advance(2999);
    expect(slow.isClosed).toBe(false);
    clock.advance(1);
    expect(slow.isClosed).toBe(true);
    expect(left).toEqual([
      "server undefined refused",
      "server undefined overflow",
      "server undefined truncated",
      "server undefined timeout",
    ]);
    expect(gateway.counters.unproven).toBe(0);
    expect(clock.waiting).toBe(0);
  });

  it("have no time limit if authTimeout is 0", async () => {
    const { raw, clock, gateway } = setup("v2", { authTimeout: 0 });
    const end = raw();
    await settled();
    clock.advance(1e9);
    end.peer.connection.received(answerChallenge(end.peer.take(8), "key", 4));
    expect(gateway.counters.servers).toBe(1);
  });

  it("get different challenges, even from a source that reuses its memory", async () => {
    const memory = new Uint8Array(8);
    let count = 0;
    const { raw, gateway } = setup("v2", { random: () => memory.fill(++count) });
    const [first, second] = [raw(), raw()];
    await settled();
    const answers = [first, second].map((end) => answerChallenge(end.peer.take(8), "key", 4));
    second.peer.connection.received(answers[1]!);
    first.peer.connection.received(answers[0]!);
    expect(gateway.counters.servers).toBe(2);
  });

  it("are not recorded if the source of challenges fails", async () => {
    for (const [random, said] of [
      [
        () => {
          throw new Error("no randomness");
        },
        /no randomness/,
      ],
      [() => new Uint8Array(7), /random\(8\) returned 7 bytes/],
    ] as const) {
      const { gateway, raw } = setup("v2", { random });
      expect(raw).toThrow(said);
      expect(gateway.counters.unproven).toBe(0);
    }
  });

  it("may send packets directly after their answer", async () => {
    const { client, raw } = setup("v2");
    const caller = client();
    const end = raw();
    await settled();
    const answer = answerChallenge(end.peer.take(8), "key", 4);
    const packet = encodeFrame(fastway({ dialect: "v2" }), { type: "dial", remoteId: 1 });
    end.peer.connection.received(Uint8Array.of(...answer, ...packet));
    expect(await caller.heard()).toEqual([{ type: "connect", connId: 1, remoteId: 4 }]);
  });
});

describe("over a transport that preserves message boundaries", () => {
  it("each packet is a message, and one message may hold several", async () => {
    const { gateway, clock } = setup("v2");
    const [near, far] = [new ScriptedSink("message"), new ScriptedSink("message")];
    const ends = [near, far].map((sink) => {
      const end = new Connection(gateway.protocol, sink, {}, { clock });
      end.opened();
      return end;
    });
    gateway.client(ends[0]!);
    gateway.server(ends[1]!);
    await settled();
    const v2 = fastway({ dialect: "v2" });
    const dials = encodeAll(v2, [{ type: "dial", remoteId: 1 }, { type: "ping" }]);
    ends[1]!.received(Uint8Array.of(...answerChallenge(far.writes[0]!, "key", 4), ...dials));
    await settled();
    expect(far.writes.slice(1).map((bytes) => decodeFrame(v2, bytes).type)).toEqual([
      "accept",
      "ping",
    ]);
    expect(near.writes.map((bytes) => decodeFrame(v2, bytes).type)).toEqual(["connect"]);
  });
});

describe("dials", () => {
  it("are limited for clients, and each closed connection frees its place", async () => {
    const { client, server, gateway } = setup("v2", { maxConn: 2 });
    const other = await server(1);
    const one = client().say(dial(1), dial(1), dial(1));
    expect((await one.heard()).at(-1)).toEqual({ type: "refuse", remoteId: 1 });
    // A server may exceed the limit, as in the reference; its dials still count.
    other.say(dial(1), close(1));
    one.say(dial(1));
    expect((await one.heard()).at(-1)).toEqual({ type: "refuse", remoteId: 1 });
    other.say(close(2));
    one.say(dial(1));
    expect((await one.heard()).at(-1)).toMatchObject({ type: "accept" });
    expect(gateway.counters).toMatchObject({ accepted: 4, refused: 2, connections: 2 });
    other.peer.hangUp();
    await server(1);
    one.say(dial(1), dial(1));
    expect((await one.heard()).slice(-2)).toMatchObject([{ type: "accept" }, { type: "accept" }]);
  });

  it("are refused while the other end is closing", async () => {
    const { client, server } = setup("v2");
    const other = await server(1);
    const one = client();
    other.peer.connection.close();
    one.say(dial(1), dial(99));
    expect(await one.heard()).toEqual([1, 99].map((remoteId) => ({ type: "refuse", remoteId })));
  });

  it("do not reach endpoints of the same side", async () => {
    const { client, server } = setup("v2");
    const first = await server(5);
    await server(6);
    client();
    const second = client();
    first.say(dial(6));
    second.say(dial(1));
    expect(await first.heard()).toEqual([{ type: "refuse", remoteId: 6 }]);
    expect(await second.heard()).toEqual([{ type: "refuse", remoteId: 1 }]);
  });
});

describe("misbehaviour", () => {
  it.each(["v1", "v2"] as const)(
    "of a third endpoint in %s does not affect others",
    async (dialect) => {
      const { client, server, left } = setup(dialect);
      const other = await server(1);
      const one = client();
      if (dialect === "v1") one.say({ type: "new" });
      one.say(dialect === "v1" ? dial(1, 1) : dial(1));
      await one.heard();
      await other.heard();
      const stranger = client().say(close(1));
      expect(await stranger.heard()).toEqual([]);
      stranger.say(message(1, 9));
      expect(stranger.isClosed).toBe(true);
      expect(left).toEqual(["client 2 malformed"]);
      one.say(message(1, 5));
      expect(await other.heard()).toEqual([[1, 5]]);
      expect(await one.heard()).toEqual([]);
    },
  );

  it("disconnects at once, and ignores the rest of the chunk", async () => {
    const { client, server, gateway } = setup("v2");
    await server(1);
    const bad = Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 9);
    const good = encodeFrame(fastway({ dialect: "v2" }), { type: "dial", remoteId: 1 });
    const one = client();
    one.peer.connection.received(Uint8Array.of(...bad, ...good));
    expect(one.isClosed).toBe(true);
    expect(gateway.counters).toMatchObject({ clients: 0, accepted: 0, packetsIn: 0 });
  });

  it.each([
    ["v1", { type: "refuse", connId: 1 }],
    ["v2", { type: "refuse", remoteId: 1 }],
  ] as const)(
    "of a client in %s that does not read and is dialled: the dial is refused",
    async (dialect, no) => {
      const { server, gateway, clock } = setup(dialect);
      const other = await server(1);
      // Full: one more command is too much.
      const sink = new ScriptedSink();
      const slow = new Connection(gateway.protocol, sink, {}, { clock, maxQueued: 20 });
      slow.opened();
      gateway.client(slow);
      sink.roomy = false;
      slow.send({ type: "ping" });
      if (dialect === "v1") other.say({ type: "new" });
      await other.heard();
      other.say(dialect === "v1" ? dial(1, 1) : dial(1));
      expect(slow.state).toBe("closed");
      expect(await other.heard()).toEqual([close(1), no]);
      expect(gateway.counters).toMatchObject({ clients: 0, servers: 1, connections: 0 });
    },
  );

  it("of a client that does not read and dials: the server gets only a Close", async () => {
    const { server, gateway, clock } = setup("v2");
    const other = await server(1);
    const sink = new ScriptedSink();
    const slow = new Connection(gateway.protocol, sink, {}, { clock, maxQueued: 20 });
    slow.opened();
    gateway.client(slow);
    sink.roomy = false;
    slow.send({ type: "ping" });
    await settled();
    slow.received(encodeFrame(fastway({ dialect: "v2" }), dial(1) as never));
    slow.received(encodeFrame(fastway({ dialect: "v2" }), dial(1) as never));
    expect(slow.state).toBe("closed");
    const heard = (await other.heard()) as { type: string }[];
    expect(heard.map(({ type }) => type)).toEqual(["close"]);
    expect(gateway.counters).toMatchObject({ clients: 0, servers: 1, connections: 0, refused: 0 });
  });

  it("of half a connection: the other ends get a Close at once", async () => {
    const { client, server, left } = setup("v2");
    const other = await server(1);
    const one = client().say(dial(1));
    await other.heard();
    one.peer.connection.ended();
    expect(await other.heard()).toEqual([close(1)]);
    expect(one.isClosed).toBe(true);
    one.peer.connection.lost();
    expect(left).toEqual(["client 1 -"]);
  });
});

describe("silence", () => {
  it("of v2 disconnects an endpoint; any byte counts", async () => {
    const { client, server, clock, left } = setup("v2", { clientIdle: 1000, serverIdle: 3000 });
    const one = client();
    await server(1);
    clock.advance(900);
    one.say({ type: "ping" });
    expect(await one.heard()).toEqual([{ type: "ping" }]);
    clock.advance(900);
    one.peer.connection.received(Uint8Array.of(9, 0, 0));
    clock.advance(999);
    expect(one.isClosed).toBe(false);
    clock.advance(1);
    expect(one.isClosed).toBe(true);
    clock.advance(3000);
    expect(left).toEqual(["client 1 timeout", "server 1 timeout"]);
    expect(clock.waiting).toBe(0);
  });

  it("of v1 triggers a ping, and disconnects an endpoint that does not reply", async () => {
    const { client, clock, left } = setup("v1", { clientIdle: 1000 });
    const [one, two] = [client(), client()];
    clock.advance(1000);
    expect(await one.heard()).toEqual([{ type: "ping" }]);
    one.say({ type: "ping" });
    clock.advance(999);
    // Its reply is not answered.
    expect(await one.heard()).toEqual([]);
    clock.advance(1);
    expect(await one.heard()).toEqual([{ type: "ping" }]);
    expect(left).toEqual(["client 2 timeout"]);
    expect(two.isClosed).toBe(true);
    clock.advance(1000);
    expect(one.isClosed).toBe(true);
  });

  it.each([
    ["v1", "no byte within 2000 ms"],
    ["v2", "no byte within 1000 ms"],
  ] as const)("in %s is reported with its duration", (dialect, text) => {
    const reasons: unknown[] = [];
    const left = (_: unknown, error: unknown) => reasons.push((error as Error).message);
    const { client, clock } = setup(dialect, { clientIdle: 1000, left });
    client();
    clock.advance(2000);
    expect(reasons).toEqual([text]);
  });

  it("is ignored if the idle timeout is 0", async () => {
    const { client, clock } = setup("v2", { clientIdle: 0 });
    const one = client();
    expect(clock.waiting).toBe(0);
    clock.advance(1e9);
    expect(one.isClosed).toBe(false);
  });
});

describe("a gateway", () => {
  it("counts endpoints, connections and packets", async () => {
    const { client, server, gateway } = setup("v2");
    const other = await server(1);
    client().say(dial(1), message(1, 1, 2, 3), message(9), { type: "ping" }, close(1));
    await other.heard();
    expect(gateway.counters).toEqual({
      clients: 1,
      servers: 1,
      unproven: 0,
      connections: 0,
      accepted: 1,
      refused: 0,
      packetsIn: 5,
      bytesIn: 13 + 11 + 8 + 9 + 13,
      packetsOut: 1,
      bytesOut: 11,
      paused: 0,
      overflows: 0,
    });
  });

  it("can be closed", async () => {
    const { client, server, raw, gateway, clock } = setup("v2");
    const ends = [client(), await server(1), raw()];
    ends[0]!.say(dial(1), { type: "ping" });
    gateway.close();
    expect((await ends[0]!.heard()).length).toBeGreaterThanOrEqual(2);
    expect(ends.every((end) => end.isClosed)).toBe(true);
    expect(gateway.counters).toMatchObject({ clients: 0, servers: 0, unproven: 0, connections: 0 });
    expect(client().isClosed).toBe(true);
    expect(raw().isClosed).toBe(true);
    for (const end of ends) end.peer.hangUp();
    expect(clock.waiting).toBe(0);
  });

  it("disconnects an endpoint even if `left` throws", async () => {
    const bug = new Error("bug");
    const { client, raw, gateway, clock } = setup("v2", {
      left: () => {
        throw bug;
      },
    });
    const ends = [client(), client(), raw()];
    const late = client();
    expect(await bugsPrintedBy(() => clock.advance(5000))).toEqual([bug.message]);
    expect(ends.map(({ isClosed }) => isClosed)).toEqual([false, false, true]);
    expect(await bugsPrintedBy(() => late.peer.hangUp())).toEqual([bug.message]);
    expect(await bugsPrintedBy(() => gateway.close())).toEqual([bug.message, bug.message]);
    expect(ends.every(({ isClosed }) => isClosed)).toBe(true);
  });

  it("refuses a link that is closed already", () => {
    const { gateway, clock } = setup("v2");
    const peer = new RecordedPeer(gateway.protocol, clock);
    peer.hangUp();
    gateway.client(peer.connection);
    expect(gateway.counters.clients).toBe(0);
  });

  it("refuses invalid options", () => {
    const random = (count: number): Uint8Array => new Uint8Array(count);
    const make = (options: object) => () => fastwayGateway({ dialect: "v2", random, ...options });
    expect(make({ dialect: undefined })).toThrow(TypeError);
    expect(make({ random: undefined })).toThrow(/random bytes/);
    for (const name of [
      "maxConn",
      "maxUnproven",
      "clientIdle",
      "serverIdle",
      "authTimeout",
      "firstConnId",
    ]) {
      expect(make({ [name]: -1 })).toThrow(RangeError);
      expect(make({ [name]: 1.5 })).toThrow(name);
    }
    expect(make({ maxPacket: 3 })).toThrow(RangeError);
    const { protocol } = make({ maxPacket: 100 })();
    expect(protocol).toMatchObject({ dialect: "v2", side: "gateway", maxPacket: 100 });
  });

  it("has the defaults of the reference", async () => {
    for (const [dialect, most] of [
      ["v1", 8],
      ["v2", 16],
    ] as const) {
      const { client, server } = setup(dialect);
      await server(1);
      const one = client();
      for (let i = 1; i <= most + 1; i++) {
        if (dialect === "v1") one.say({ type: "new" });
        one.say(dialect === "v1" ? dial(1, i) : dial(1));
      }
      const heard = (await one.heard()) as Command[];
      expect(heard.filter((value) => value.type === "accept")).toHaveLength(most);
      expect(heard.at(-1)!.type).toBe("refuse");
    }
  });
});
