import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Connection, decodeAll, encodeFrame, type Sink } from "../../../../src/core/index.ts";
import {
  answerChallenge,
  type Command,
  type FastwayMessage,
  fastway,
  fastwayGateway,
  type GatewayOptions,
} from "../../../../src/protocols/fastway/index.ts";
import { concat } from "../../../support/chunks.ts";
import { settled } from "../../../support/fastway-peer.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import "../../../support/seed.ts";

// Gateways with one end that sends faster than the other one reads.

type Value = FastwayMessage | Command;

const v2 = fastway({ dialect: "v2" });
const HIGH_WATER = 4096;
const MAX_QUEUED = 256 * 1024;
/** Bytes that a socket accepts before the endpoint reads. */
const SOCKET = 1024;

/** The gateway's end of a socket: written bytes wait until the endpoint reads them. */
class Socket implements Sink {
  readonly boundary = "stream";
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #isFull = false;
  isPaused = false;
  isClosed = false;
  reason: unknown;
  connection!: Connection<never, unknown, unknown>;

  write(bytes: Uint8Array): boolean {
    this.#chunks.push(bytes.slice());
    this.#size += bytes.length;
    this.#isFull = this.#size > SOCKET;
    return !this.#isFull;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(error?: unknown): void {
    this.isClosed = true;
    this.reason = error;
  }

  abort(error?: unknown): void {
    this.close(error);
  }

  get size(): number {
    return this.#size;
  }

  /** Reads that many bytes as the endpoint. */
  read(count: number): Uint8Array {
    const all = concat(this.#chunks.splice(0));
    const taken = all.subarray(0, count);
    if (taken.length < all.length) this.#chunks.push(all.subarray(taken.length));
    this.#size -= taken.length;
    if (this.#isFull && this.#size <= SOCKET / 2) {
      this.#isFull = false;
      this.connection.drained();
    }
    return taken;
  }
}

/** An endpoint that the test lets send and read. */
class End {
  readonly socket = new Socket();
  /** Bytes that the gateway has not read, because it has paused this end. */
  readonly #unsent: Uint8Array[] = [];
  #unread: Uint8Array = new Uint8Array(0);
  readonly heard: Value[] = [];

  constructor(
    side: "client" | "server",
    gateway: ReturnType<typeof fastwayGateway>,
    clock: ManualClock,
  ) {
    const options = { clock, highWater: HIGH_WATER, maxQueued: MAX_QUEUED };
    const connection = new Connection(gateway.protocol, this.socket, {}, options);
    this.socket.connection = connection as never;
    connection.opened();
    gateway[side](connection);
  }

  get link(): Connection<never, unknown, unknown> {
    return this.socket.connection;
  }

  say(...values: Value[]): void {
    for (const value of values) this.#unsent.push(encodeFrame(v2, value as never));
  }

  /** True if no bytes wait to be sent. */
  get isDone(): boolean {
    return this.#unsent.length === 0;
  }

  /** Sends as much as the gateway reads, at most that many packets. */
  flow(most = Number.POSITIVE_INFINITY): void {
    for (let i = 0; i < most && !this.socket.isPaused && !this.socket.isClosed; i++) {
      const next = this.#unsent.shift();
      if (next === undefined) return;
      this.link.received(next);
    }
  }

  /** Reads that many bytes. */
  read(count = Number.POSITIVE_INFINITY): void {
    let bytes = concat([this.#unread, this.socket.read(count)]);
    for (;;) {
      if (bytes.length < 4) break;
      const length = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      if (bytes.length < length) break;
      for (const value of decodeAll(v2, bytes.slice(0, length))) this.heard.push(value as Value);
      bytes = bytes.subarray(length);
    }
    this.#unread = bytes;
  }

  /** First bytes of the messages received on one connection. */
  messages(connId: number): number[] {
    const own = this.heard.filter((one) => one.type === "message" && one.connId === connId);
    return own.map((one) => {
      const { message } = one as FastwayMessage;
      return message[0]! + 256 * message[1]!;
    });
  }

  closes(): number[] {
    return this.heard
      .filter((one) => one.type === "close")
      .map((one) => (one as { connId: number }).connId);
  }
}

function setup(options: Partial<GatewayOptions> = {}) {
  const clock = new ManualClock();
  const left: string[] = [];
  const gateway = fastwayGateway({
    dialect: "v2",
    clock,
    random: (count) => new Uint8Array(count),
    clientIdle: 0,
    serverIdle: 0,
    maxHeld: 64 * 1024,
    left: ({ side, id }, error) => {
      left.push(`${side} ${id} ${(error as { code?: string } | undefined)?.code ?? "-"}`);
    },
    ...options,
  });
  return {
    clock,
    gateway,
    left,
    client: (): End => new End("client", gateway, clock),
    server: async (id: number): Promise<End> => {
      const end = new End("server", gateway, clock);
      await settled();
      end.link.received(answerChallenge(end.socket.read(8), "", id));
      return end;
    },
  };
}

/** A message with its number in it. */
function numbered(connId: number, number: number, length = 100): FastwayMessage {
  const message = new Uint8Array(Math.max(2, length));
  message[0] = number & 255;
  message[1] = number >> 8;
  return { type: "message", connId, message };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const dial = (remoteId: number): Command => ({ type: "dial", remoteId });

describe("a client that floods a server", () => {
  it("is paused while the server's link is above its high-water mark, and loses nothing", async () => {
    const { client, server, gateway, left } = setup();
    const slow = await server(1);
    const flooder = client();
    flooder.say(dial(1), ...upTo(3000).map((i) => numbered(1, i)));
    let most = 0;
    for (let i = 0; i < 10_000 && slow.messages(1).length < 3000; i++) {
      flooder.flow();
      await settled();
      most = Math.max(most, slow.link.queued);
      if (i < 5) expect([gateway.counters.paused, flooder.socket.isPaused]).toEqual([1, true]);
      slow.read(1000);
    }
    expect(slow.messages(1)).toEqual(upTo(3000));
    expect(most).toBeLessThanOrEqual(HIGH_WATER + SOCKET + 200);
    expect(left).toEqual([]);
    await settled();
    expect(gateway.counters).toMatchObject({ paused: 0, overflows: 0, clients: 1, servers: 1 });
  });

  it("shares the server with other clients in turns", async () => {
    const { client, server, left } = setup();
    const slow = await server(1);
    const flooder = client();
    flooder.say(dial(1), ...upTo(3000).map((i) => numbered(1, i)));
    flooder.flow();
    const quiet = client();
    quiet.say(dial(1), numbered(2, 7));
    quiet.flow();
    for (let i = 0; i < 20; i++) {
      slow.read(1000);
      flooder.flow();
      quiet.flow();
      await settled();
    }
    expect(slow.messages(2)).toEqual([7]);
    expect(slow.messages(1).length).toBeLessThan(200);
    expect(left).toEqual([]);
  });

  it("delays only its own connections", async () => {
    const { client, server } = setup();
    const stuck = await server(1);
    const quick = await server(2);
    const flooder = client();
    flooder.say(dial(1), dial(2), ...upTo(200).map((i) => numbered(1, i)), numbered(2, 1));
    flooder.flow();
    const other = client();
    other.say(dial(2), numbered(3, 9));
    other.flow();
    await settled();
    quick.read();
    expect(quick.messages(3)).toEqual([9]);
    // In the order of sending.
    expect(quick.messages(2)).toEqual([]);
    for (let i = 0; i < 200; i++) {
      stuck.read(1000);
      flooder.flow();
      await settled();
    }
    quick.read();
    expect([stuck.messages(1), quick.messages(2)]).toEqual([upTo(200), [1]]);
  });

  it("cannot fill the server's link with dials that it closes at once", async () => {
    const { client, server, left } = setup();
    const slow = await server(1);
    for (let i = 0; i < 3000; i++) {
      const one = client();
      one.say(dial(1), { type: "close", connId: i + 1 });
      one.flow();
    }
    await settled();
    expect(slow.link.queued).toBeLessThan(HIGH_WATER + SOCKET + 200);
    expect(left).toEqual([]);
  });

  it("does not count as silent while it is paused", async () => {
    const { client, server, left, clock } = setup({ clientIdle: 1000 });
    const slow = await server(1);
    const flooder = client();
    flooder.say(dial(1), ...upTo(200).map((i) => numbered(1, i)));
    flooder.flow();
    await settled();
    expect(flooder.socket.isPaused).toBe(true);
    clock.advance(5000);
    expect(left).toEqual([]);
    for (let i = 0; i < 200; i++) {
      slow.read(1000);
      flooder.flow();
      await settled();
    }
    expect(flooder.socket.isPaused).toBe(false);
    clock.advance(2000);
    expect(left).toEqual(["client 1 timeout"]);
  });

  it("resumes when the server is gone, or has closed the connection", async () => {
    const { client, server, gateway } = setup();
    const slow = await server(1);
    const [one, two] = [client(), client()];
    one.say(dial(1), ...upTo(100).map((i) => numbered(1, i)));
    two.say(dial(1), ...upTo(100).map((i) => numbered(2, i)));
    for (const end of [one, two]) end.flow();
    await settled();
    expect([one.socket.isPaused, two.socket.isPaused]).toEqual([true, true]);
    slow.say({ type: "close", connId: 1 });
    slow.flow();
    one.flow();
    expect([one.socket.isPaused, one.isDone, two.socket.isPaused]).toEqual([false, true, true]);
    slow.link.ended();
    slow.link.lost();
    two.flow();
    await settled();
    expect([two.socket.isPaused, two.isDone]).toEqual([false, true]);
    two.read();
    expect(two.closes()).toContain(2);
    expect(gateway.counters).toMatchObject({ paused: 0, connections: 0, servers: 0, clients: 2 });
  });

  it("is forgotten when its own link is lost", async () => {
    const { client, server, gateway } = setup();
    const slow = await server(1);
    const flooder = client();
    flooder.say(dial(1), ...upTo(100).map((i) => numbered(1, i)));
    flooder.flow();
    await settled();
    flooder.link.abort();
    expect(gateway.counters).toMatchObject({ paused: 0, connections: 0, clients: 0 });
    for (let i = 0; i < 100; i++) {
      slow.read(1000);
      await settled();
    }
    expect(slow.closes()).toEqual([1]);
  });
});

describe("a server that floods a client", () => {
  it("loses only that connection", async () => {
    const { client, server, gateway, left } = setup();
    const [flooder, other] = [await server(1), await server(2)];
    const slow = client();
    slow.say(dial(1), dial(2));
    slow.flow();
    const quick = client();
    quick.say(dial(1));
    quick.flow();
    flooder.say(...upTo(2000).map((i) => numbered(1, i)), numbered(3, 5));
    flooder.flow();
    other.say(numbered(2, 1), numbered(2, 2));
    other.flow();
    await settled();
    for (const end of [flooder, other, quick]) end.read();
    // The Close was sent at once, and messages to another client have arrived.
    expect([flooder.closes()[0], other.closes()]).toEqual([1, []]);
    expect(quick.messages(3)).toEqual([5]);
    expect(left).toEqual([]);
    expect(gateway.counters).toMatchObject({
      overflows: 1,
      connections: 2,
      clients: 2,
      servers: 2,
    });
    for (let i = 0; i < 100; i++) {
      slow.read(1000);
      await settled();
    }
    expect(slow.closes()).toEqual([1]);
    expect(slow.messages(2)).toEqual([1, 2]);
    // Earlier messages are in order, without a gap.
    const came = slow.messages(1);
    expect(came).toEqual(upTo(came.length));
  });

  it("loses the largest of many connections with one client", async () => {
    const { client, server, left, gateway } = setup({ maxConn: 0 });
    const flooder = await server(1);
    const slow = client();
    slow.say(...upTo(20).map(() => dial(1)));
    slow.flow();
    await settled();
    for (const i of upTo(14)) {
      for (const connId of upTo(20)) flooder.say(numbered(connId + 1, i, 1000));
    }
    flooder.flow();
    await settled();
    expect(left).toEqual([]);
    expect(gateway.counters.overflows).toBeGreaterThan(0);
    expect(gateway.counters.connections).toBe(20 - gateway.counters.overflows);
    expect(slow.link.state).toBe("open");
  });

  it("cannot fill the client's link with dials", async () => {
    const { client, server, left, gateway } = setup();
    const flooder = await server(1);
    const slow = client();
    slow.say(dial(1));
    slow.flow();
    flooder.say(...upTo(100).map((i) => numbered(1, i)));
    for (let i = 0; i < 5000; i++) flooder.say(dial(1));
    for (let i = 0; i < 100 && !flooder.isDone; i++) {
      flooder.flow(100);
      await settled();
      flooder.read();
    }
    expect(flooder.isDone).toBe(true);
    expect(left).toEqual([]);
    expect(gateway.counters.refused).toBeGreaterThan(0);
    expect(slow.link.queued).toBeLessThan(HIGH_WATER + SOCKET + 200);
  });

  it("may close or leave: messages sent before arrive before the Close", async () => {
    const { client, server, gateway } = setup();
    const flooder = await server(1);
    const slow = client();
    slow.say(dial(1), dial(1));
    slow.flow();
    flooder.say(...upTo(80).flatMap((i) => [numbered(1, i), numbered(2, i)]));
    flooder.say({ type: "close", connId: 1 });
    flooder.flow();
    await settled();
    flooder.read();
    expect(flooder.closes()).toEqual([1]);
    expect(gateway.counters.connections).toBe(1);
    flooder.link.ended();
    flooder.link.lost();
    expect(gateway.counters.connections).toBe(0);
    for (let i = 0; i < 100; i++) {
      slow.read(1000);
      await settled();
    }
    for (const connId of [1, 2]) expect(slow.messages(connId)).toEqual(upTo(80));
    expect(slow.closes().sort()).toEqual([1, 2]);
    expect(slow.heard.at(-1)!.type).toBe("close");
  });

  it("sends no held messages to a client that has closed", async () => {
    const { client, server } = setup();
    const flooder = await server(1);
    const slow = client();
    slow.say(dial(1));
    slow.flow();
    flooder.say(...upTo(120).map((i) => numbered(1, i)));
    flooder.flow();
    await settled();
    slow.say({ type: "close", connId: 1 });
    slow.flow();
    for (let i = 0; i < 50; i++) {
      slow.read(1000);
      await settled();
    }
    expect(slow.messages(1).length).toBeLessThan(60);
    expect(slow.closes()).toEqual([1]);
    flooder.read();
    expect(flooder.closes()).toEqual([1]);
  });

  it("gets one Close for a connection that its client closed, however much it sends on", async () => {
    const { client, server, left } = setup();
    const deaf = await server(1);
    const one = client();
    one.say(dial(1), ...upTo(60).map((i) => numbered(1, i)));
    one.flow();
    await settled();
    one.say({ type: "close", connId: 1 });
    one.link.abort();
    await settled();
    deaf.say(...upTo(10_000).map((i) => numbered(1, i, 2)));
    deaf.flow();
    await settled();
    expect(left).toEqual(["client 1 -"]);
    expect(deaf.link.queued).toBeLessThan(HIGH_WATER + SOCKET + 200);
  });

  it("has everything delivered when the gateway closes", async () => {
    const { client, server, gateway } = setup();
    const flooder = await server(1);
    const slow = client();
    slow.say(dial(1));
    slow.flow();
    flooder.say(...upTo(120).map((i) => numbered(1, i)));
    flooder.flow();
    await settled();
    gateway.close();
    for (let i = 0; i < 100; i++) {
      slow.read(1000);
      await settled();
    }
    expect(slow.messages(1)).toEqual(upTo(120));
  });
});

describe("any mixture of flooding and slow ends", () => {
  interface Plan {
    readonly rates: readonly number[];
    readonly steps: readonly number[];
  }
  const CLIENTS = 4;
  const SERVERS = 2;
  const PER_SIDE = 150;
  const plans: fc.Arbitrary<Plan> = fc.record({
    // Bytes that each end reads per turn: 0 for one that does not read until the end.
    rates: fc.array(fc.constantFrom(0, 50, 400, 3000, 100_000), {
      minLength: CLIENTS + SERVERS,
      maxLength: CLIENTS + SERVERS,
    }),
    steps: fc.array(fc.nat(1_000_000), { minLength: 50, maxLength: 300 }),
  });

  it("closes no link, loses nothing, keeps the order, and closes only connections of slow clients", async () => {
    await fc.assert(
      fc.asyncProperty(plans, async ({ rates, steps }) => {
        const { client, server, gateway, left } = setup();
        const servers: End[] = [];
        for (let id = 1; id <= SERVERS; id++) servers.push(await server(id));
        const clients = upTo(CLIENTS).map(() => client());
        for (const one of clients) {
          one.say(dial(1), dial(2));
          one.flow();
        }
        const ends = [...clients, ...servers];
        await settled();
        // Connection 2 * c + s + 1 is between client c and server s.
        for (const i of upTo(PER_SIDE)) {
          for (const c of upTo(CLIENTS)) {
            for (const s of upTo(SERVERS)) {
              clients[c]!.say(numbered(2 * c + s + 1, i));
              servers[s]!.say(numbered(2 * c + s + 1, i));
            }
          }
        }
        let mostOfServers = 0;
        const act = async (step: number): Promise<void> => {
          const at = step % ends.length;
          const count = Math.floor(step / ends.length) % 60;
          if (Math.floor(step / 1000) % 2 === 0) ends[at]!.flow(count);
          else ends[at]!.read(rates[at]!);
          await settled();
          for (const one of servers) mostOfServers = Math.max(mostOfServers, one.link.queued);
        };
        for (const step of steps) await act(step);
        // Slow clients have lost connections by now; from here on all ends read.
        for (let i = 0; i < 5000; i++) {
          for (const end of ends) {
            end.read();
            end.flow(20);
          }
          await settled();
          if (ends.every((end) => end.isDone && end.socket.size === 0 && end.link.queued === 0))
            break;
        }
        expect(left).toEqual([]);
        expect(ends.map((end) => end.link.state)).toEqual(ends.map(() => "open"));
        expect(mostOfServers).toBeLessThanOrEqual(HIGH_WATER + SOCKET + 500);
        const closed = new Set(clients.flatMap((end) => end.closes()));
        expect(gateway.counters).toMatchObject({ paused: 0, overflows: closed.size });
        for (const c of upTo(CLIENTS)) {
          for (const s of upTo(SERVERS)) {
            const connId = 2 * c + s + 1;
            const [toServer, toClient] = [
              servers[s]!.messages(connId),
              clients[c]!.messages(connId),
            ];
            if (!closed.has(connId)) {
              expect([toServer, toClient]).toEqual([upTo(PER_SIDE), upTo(PER_SIDE)]);
              continue;
            }
            expect(rates[c]).toBeLessThan(100_000);
            expect([toServer, toClient]).toEqual([upTo(toServer.length), upTo(toClient.length)]);
          }
        }
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
