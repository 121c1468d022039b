import { describe, expect, it } from "vitest";
import {
  type CloseInfo,
  Connection,
  decodeAll,
  encodeAll,
  encodeFrame,
  lines,
  utf8,
} from "../../../../src/index.ts";
import {
  type FastwayEndpoint,
  fastway,
  fastwayClient,
  type VirtualConnection,
  type VirtualOptions,
} from "../../../../src/protocols/fastway/index.ts";
import { settled } from "../../../support/fastway-peer.ts";
import { Loop } from "../../../support/loop.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";

const both = fastway({ dialect: "v2" });

/** A client with open connections 1 to `count`, over a link whose room the test controls. */
async function setup(count: number, options: VirtualOptions<Uint8Array> = {}) {
  const clock = new ManualClock();
  const sink = new ScriptedSink();
  const link = new Connection(both, sink, {}, { clock, highWater: 1000, maxQueued: 10_000 });
  link.opened();
  const endpoint: FastwayEndpoint = fastwayClient(link, { clock, pingInterval: 0 });
  const dials: Promise<VirtualConnection>[] = [];
  for (let i = 0; i < count; i++) dials.push(endpoint.dial(1, { timeout: 0, ...options }));
  await settled();
  const say = (value: Parameters<typeof both.encode>[0]) => link.received(encodeFrame(both, value));
  for (let i = 1; i <= count; i++) say({ type: "accept", connId: i, remoteId: 1 });
  const connections = await Promise.all(dials);
  sink.writes.length = 0;
  return {
    clock,
    sink,
    link,
    endpoint,
    connections,
    say,
    /** Returns what was sent: connection and first byte of each message, or the command. */
    left: async (): Promise<unknown[]> => {
      await settled();
      return sink.writes
        .splice(0)
        .flatMap((bytes) => decodeAll(both, bytes))
        .map((value) => (value.type === "message" ? [value.connId, value.message[0]] : value));
    },
    /** Gives the link room for one more write. */
    drain: async (): Promise<void> => {
      link.drained();
      await settled();
    },
  };
}

const bytes = (first: number, length = 900): Uint8Array => new Uint8Array(length).fill(first);

describe("a link without room", () => {
  it("stays within its limit, however many connections send", async () => {
    const { sink, link, connections, left, drain } = await setup(50);
    sink.roomy = false;
    for (const [i, connection] of connections.entries()) {
      connection.send(bytes(i));
      await settled();
    }
    for (const connection of connections) connection.send(bytes(100));
    await settled();
    expect(link.state).toBe("open");
    expect(link.queued).toBeLessThanOrEqual(1000 + 908);
    const arrived: unknown[] = [];
    for (let i = 0; i < 200 && arrived.length < 100; i++) {
      arrived.push(...(await left()));
      await drain();
    }
    for (const [i, { connId }] of connections.entries()) {
      const own = (arrived as number[][]).filter(([id]) => id === connId);
      expect(own).toEqual([
        [connId, i],
        [connId, 100],
      ]);
    }
  });

  it("gives each connection a turn, however much another one sends", async () => {
    const { sink, connections, left, drain } = await setup(3);
    sink.roomy = false;
    const [talker, ...others] = connections as [VirtualConnection, ...VirtualConnection[]];
    for (let i = 0; i < 20; i++) talker.send(bytes(i));
    await settled();
    for (const other of others) other.send(bytes(99));
    await settled();
    const arrived: unknown[] = [];
    for (let i = 0; i < 30; i++) {
      arrived.push(...(await left()));
      await drain();
    }
    expect(arrived.length).toBe(22);
    const last = (arrived as number[][]).map(([, first]) => first).lastIndexOf(99);
    expect([last >= 0, last < 8]).toEqual([true, true]);
  });

  it("sends a Close after the waiting message", async () => {
    const { sink, connections, left, drain, say } = await setup(2);
    const [one, two] = connections as [VirtualConnection, VirtualConnection];
    sink.roomy = false;
    for (const n of [1, 2]) {
      two.send(bytes(n));
      await settled();
    }
    expect(await left()).toEqual([[2, 1]]);
    one.send(bytes(7));
    one.close();
    expect(await left()).toEqual([]);
    expect(one.state).toBe("closing");
    sink.roomy = true;
    await drain();
    expect(await left()).toEqual([[2, 2], [1, 7], { type: "close", connId: 1 }]);
    say({ type: "close", connId: 1 });
    expect(one.state).toBe("closed");
    // Each waits only once.
    sink.roomy = false;
    two.send(bytes(3));
    await settled();
    two.send(bytes(4));
    await settled();
    sink.roomy = true;
    await drain();
    expect(await left()).toEqual([
      [2, 3],
      [2, 4],
    ]);
    two.close();
    expect(await left()).toEqual([{ type: "close", connId: 2 }]);
  });

  it("does not send waiting messages to an end that closed meanwhile", async () => {
    const { sink, connections, left, drain, say } = await setup(2);
    const [one, two] = connections as [VirtualConnection, VirtualConnection];
    sink.roomy = false;
    for (const n of [1, 2]) {
      two.send(bytes(n));
      await settled();
    }
    one.send(bytes(7));
    await settled();
    // Its Close would follow the message; the other end's Close arrives first.
    one.close();
    say({ type: "close", connId: 1 });
    expect(one.state).toBe("closed");
    sink.roomy = true;
    await drain();
    expect(await left()).toEqual([
      [2, 1],
      [2, 2],
    ]);
  });

  it.each([
    ["an open connection", () => {}, "peer"],
    ["a closing connection", (connection: VirtualConnection) => connection.close(), "local"],
  ] as const)("ends %s at once when the other end closes", async (_, act, by) => {
    const closes: CloseInfo["by"][] = [];
    const { sink, clock, connections, left, drain, say, endpoint } = await setup(2, {
      message: () => {},
      close: (_, info) => closes.push(info.by),
    });
    const [one, two] = connections as [VirtualConnection, VirtualConnection];
    sink.roomy = false;
    for (let i = 0; i < 3; i++) {
      two.send(bytes(i));
      await settled();
    }
    for (const n of [1, 2, 3]) one.send(bytes(n));
    await settled();
    act(one);
    say({ type: "close", connId: 1 });
    await settled();
    expect([one.state, closes, clock.now()]).toEqual(["closed", [by], 0]);
    expect(endpoint.size).toBe(1);
    await left();
    await drain();
    expect((await left()).filter((value) => (value as number[])[0] === 1)).toEqual([]);
  });

  it("drops unsent messages of an aborted connection", async () => {
    const { sink, connections, left, drain } = await setup(2);
    const [one, two] = connections as [VirtualConnection, VirtualConnection];
    sink.roomy = false;
    for (let i = 0; i < 2; i++) {
      two.send(bytes(i));
      await settled();
    }
    one.send(bytes(7));
    await settled();
    one.abort();
    sink.roomy = true;
    await drain();
    expect(await left()).toEqual([[2, 0], [2, 1], { type: "close", connId: 1 }]);
  });

  it("closes only the connection whose message is too large for a packet", async () => {
    const { sink, link, connections } = await setup(2);
    const [one, two] = connections as [VirtualConnection, VirtualConnection];
    sink.roomy = false;
    for (let i = 0; i < 2; i++) {
      two.send(bytes(i));
      await settled();
    }
    one.sendFrame(new Uint8Array(one.protocol.maxFrame + 1));
    await settled();
    expect([one.state, two.state, link.state]).toEqual(["closed", "open", "open"]);
  });
});

describe("a connection with slow handlers", () => {
  const MAX_QUEUED = 65_536;
  const text = lines().wrap(utf8());
  // Packets of a hundred lines, as many as a transport may read at once.
  const packet = {
    type: "message",
    connId: 1,
    message: encodeAll(text, new Array(100).fill("a line")),
  } as const;
  const chunk = encodeAll(both, new Array<typeof packet>(50).fill(packet));
  const LINES = 50 * 100;

  /** A client with connections 1, of lines, and 2 over a link, with a clock that handlers move. */
  async function slow(options: VirtualOptions<string>) {
    const loop = new Loop();
    const sink = new ScriptedSink();
    const link = new Connection(both, sink, {}, { clock: loop.clock });
    link.opened();
    const endpoint = fastwayClient(link, { clock: loop.clock, pingInterval: 0 });
    const quiet: number[] = [];
    const dials = [
      endpoint.dial(1, { timeout: 0, protocol: text, maxQueued: MAX_QUEUED, ...options }),
      endpoint.dial(1, { timeout: 0, message: (_, bytes) => void quiet.push(bytes[0]!) }),
    ];
    await settled();
    const say = (value: Parameters<typeof both.encode>[0]) =>
      link.received(encodeFrame(both, value));
    for (const connId of [1, 2]) say({ type: "accept", connId, remoteId: 1 });
    await Promise.all(dials);
    sink.calls.length = 0;
    const isPaused = (): boolean =>
      sink.calls.lastIndexOf("pause") > sink.calls.lastIndexOf("resume");
    return { loop, link, endpoint, quiet, say, isPaused };
  }

  it("pauses the link instead of closing the connection", async () => {
    let got = 0;
    const ends: unknown[] = [];
    const { loop, link, quiet, say, isPaused, endpoint } = await slow({
      message() {
        got++;
        loop.time += 0.5;
      },
      close: (_, info) => ends.push(info),
    });
    let rounds = 0;
    for (let sent = 0; sent < 10; rounds++) {
      if (!isPaused()) {
        link.received(chunk.slice());
        say({ type: "message", connId: 2, message: bytes(sent++) });
      }
      loop.round();
    }
    loop.finish();
    expect(ends).toEqual([]);
    expect(got).toBe(10 * LINES);
    expect(quiet).toEqual(Array.from({ length: 10 }, (_, i) => i));
    expect(rounds).toBeGreaterThan(100);
    expect(isPaused()).toBe(false);
    expect(endpoint.size).toBe(2);
  });

  it.each<[string, (connection: VirtualConnection<string>) => void]>([
    ["is closed", (connection) => connection.close()],
    ["is aborted", (connection) => connection.abort()],
    ["pauses", (connection) => connection.pause()],
  ])("resumes the link once it %s", async (_, act) => {
    let connection: VirtualConnection<string> | undefined;
    const { loop, link, quiet, say, isPaused } = await slow({
      message(own) {
        connection = own;
        loop.time += 0.5;
      },
    });
    link.received(chunk.slice());
    for (let i = 0; i < 100; i++) loop.round();
    expect(isPaused()).toBe(true);
    act(connection!);
    loop.finish();
    expect(isPaused()).toBe(false);
    say({ type: "message", connId: 2, message: bytes(7) });
    expect(quiet).toEqual([7]);
  });

  it("does not delay others while it awaits a promise, and is closed if it queues too much", async () => {
    const ends: CloseInfo[] = [];
    const { loop, link, quiet, say, isPaused } = await slow({
      message: () => new Promise(() => {}),
      error() {},
      close: (_, info) => ends.push(info),
    });
    for (let i = 0; i < 10; i++) {
      link.received(chunk.slice());
      say({ type: "message", connId: 2, message: bytes(i) });
      loop.round();
    }
    expect(isPaused()).toBe(false);
    expect(quiet).toHaveLength(10);
    expect(ends).toMatchObject([{ by: "error", error: { code: "overflow" } }]);
  });
});
