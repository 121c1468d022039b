import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { join } from "../../examples/goim/cluster/_client.ts";
import {
  type RunningComet,
  roomPush,
  type StartOptions,
  startComet,
  toAll,
} from "../../examples/goim/cluster/_comet.ts";
import { decodeUtf8 } from "../../src/index.ts";
import {
  type CometGap,
  type GoimClient,
  goim,
  operations,
} from "../../src/protocols/goim/index.ts";
import { freePort, lacks, type Running, start } from "../support/programs.ts";

// Three comets of examples/goim/cluster with a real nats-server.

const host = "127.0.0.1";
/** Waits for a value, even on a busy machine. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 30_000 });
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe.skipIf(lacks({ "nats-server": "nats-server" }))("a cluster of comets", () => {
  let natsPort: number;
  let nats: Running;
  const startNats = (): Promise<Running> => {
    return start("nats-server", ["-a", host, "-p", String(natsPort)], natsPort);
  };
  const comets: Counted[] = [];
  const clients: Joined[] = [];

  interface Counted extends RunningComet {
    readonly gaps: CometGap[];
    encoded: number;
  }
  interface Joined {
    readonly client: GoimClient;
    readonly read: string[];
    readonly places: number[];
  }

  /** A comet that counts the packets which it encodes for pushes. */
  async function startCounted(): Promise<Counted> {
    const gaps: CometGap[] = [];
    const packets = goim();
    const counts = { encoded: 0 };
    const options: StartOptions = {
      nats: `nats://${host}:${natsPort}`,
      gap: (gap) => gaps.push(gap),
      protocol: {
        ...packets,
        encode(packet, out) {
          if (packet.op >= roomPush) counts.encoded++;
          return packets.encode(packet, out);
        },
      },
    };
    return Object.assign(counts, await startComet(options), { gaps });
  }

  /** A client that starts at a comet, on TCP if its number is even. */
  function enter(mid: number, first: number, room: string): Joined {
    const addresses = comets.map(({ tcp, webSocket }) => (mid % 2 === 0 ? tcp : webSocket));
    const joined = { read: [] as string[], places: [] as number[] };
    const client = join({
      ...{ comets: addresses, first, mid, room },
      push: ({ body }) => joined.read.push(decodeUtf8(body)),
      open: (place) => joined.places.push(place),
    });
    return { ...joined, client };
  }

  beforeAll(async () => {
    natsPort = await freePort();
    nats = await startNats();
    for (let i = 0; i < 3; i++) comets.push(await startCounted());
    // Four clients on each comet are in the room, one is elsewhere.
    for (let mid = 0; mid < 12; mid++) {
      clients.push(enter(mid, mid % 3, mid < 9 ? "live://1" : "live://2"));
    }
    await vi.waitUntil(() => clients.every(({ places }) => places.length === 1), 30_000);
  });
  afterAll(async () => {
    for (const { client } of clients) client.close();
    await Promise.all(comets.map((comet) => comet.close()));
    await nats.stop();
  });

  /** Sends a message, and waits until the expected clients have it. */
  async function tell(from: number, op: number, words: string): Promise<void> {
    await clients[from]!.client.request(op, text(words));
  }
  const readBy = (words: string): number[] =>
    clients.map(({ read }) => read.filter((line) => line === words).length);

  it("push to a room once per client, and each comet encodes once", async () => {
    for (const comet of comets) comet.encoded = 0;
    await tell(0, operations.v2.send, "to the room");
    await soon(() => readBy("to the room")).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
    // The others forward the received bytes, whatever the number of clients.
    expect(comets.map(({ encoded }) => encoded)).toEqual([1, 0, 0]);
  });

  it("push to all clients once", async () => {
    await tell(11, toAll, "to all");
    await soon(() => readBy("to all")).toEqual(clients.map(() => 1));
    // A repeated message would arrive by now.
    await tell(0, toAll, "a later one");
    await soon(() => readBy("a later one")).toEqual(clients.map(() => 1));
    expect(readBy("to all")).toEqual(clients.map(() => 1));
  });

  it("lose only the clients of a comet that dies, which reconnect elsewhere", async () => {
    const before = clients.map(({ places }) => places.length);
    const dead = comets[1]!;
    for (const { connection } of dead.comet.sessions) connection.abort();
    await dead.close();
    const theirs = clients.map((_, mid) => (mid % 3 === 1 ? 1 : 0));
    await soon(() => clients.map(({ places }, mid) => places.length - before[mid]!)).toEqual(
      theirs,
    );
    expect(clients.flatMap(({ places }) => places.slice(1))).toEqual([2, 2, 2, 2]);
    await tell(1, operations.v2.send, "still here");
    await soon(() => readBy("still here")).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
    expect(comets[0]!.gaps).toEqual([]);
  });

  it("count and report what a dead nats-server has lost", async () => {
    const [one, , three] = comets as [Counted, Counted, Counted];
    await nats.stop();
    for (let n = 0; n < 5; n++) await tell(0, operations.v2.send, `alone ${n}`);
    await tell(2, operations.v2.send, "alone, too");
    // Clients of the same comet receive it.
    await soon(() => readBy("alone 4").slice(0, 3)).toEqual([1, 0, 0]);
    nats = await startNats();
    await soon(() => [one.gaps, three.gaps]).toEqual([
      [{ comet: three.comet.id, missed: 1 }],
      [{ comet: one.comet.id, missed: 5 }],
    ]);
    expect([one.comet.missed, three.comet.missed]).toEqual([1, 5]);
    await tell(0, toAll, "back again");
    await soon(() => readBy("back again")).toEqual(clients.map(() => 1));
    expect(one.gaps.length + three.gaps.length).toBe(2);
  });
});
