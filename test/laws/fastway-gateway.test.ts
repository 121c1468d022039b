import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Dialect,
  type FastwayEndpoint,
  fastway,
  fastwayClient,
  fastwayGateway,
  fastwayServer,
  type VirtualConnection,
} from "../../src/protocols/fastway/index.ts";
import { connect, listen, Network } from "../../src/testing/index.ts";
import { expectNothingLeft } from "../support/nothing-left.ts";

// Random programs of several endpoints through our gateway, over a network that cuts and delays as it likes.
// What must hold: every message arrives once, in order, at the right end, up to where a connection was closed or
// an endpoint died; and every connection ends on both sides.

const CLIENTS = 3;
const SERVERS = 2;
const ENDPOINTS = CLIENTS + SERVERS;
/** Milliseconds after which everything has arrived. */
const REST = 3000;

type Action =
  | { readonly do: "dial"; readonly who: number; readonly whom: number }
  | { readonly do: "send"; readonly which: number; readonly end: 0 | 1; readonly length: number }
  | { readonly do: "close"; readonly which: number; readonly end: 0 | 1 }
  | { readonly do: "die"; readonly who: number; readonly gently: boolean }
  | { readonly do: "wait"; readonly steps: number };

const nat = (max: number): fc.Arbitrary<number> => fc.nat({ max });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("dial" as const),
      who: nat(ENDPOINTS - 1),
      whom: nat(SERVERS),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      which: nat(20),
      end: fc.constantFrom(0 as const, 1 as const),
      length: fc.constantFrom(0, 1, 2, 50, 300),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("close" as const),
      which: nat(20),
      end: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("die" as const),
      who: nat(ENDPOINTS - 1),
      gently: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("wait" as const), steps: nat(12) }) },
);

/** One end of a virtual connection, and all that happened to it. */
class Half {
  readonly connection: VirtualConnection;
  readonly owner: Endpoint;
  readonly sent: string[] = [];
  readonly got: string[] = [];
  /** It asked for the end itself: what comes after that is nobody's. */
  hasClosed = false;
  isOver = false;
  error: unknown;

  constructor(connection: VirtualConnection, owner: Endpoint) {
    this.connection = connection;
    this.owner = owner;
    void this.#read();
  }

  async #read(): Promise<void> {
    try {
      for await (const message of this.connection) this.got.push(message.join());
    } catch (error) {
      this.error = error;
    }
    this.isOver = true;
  }
}

interface Endpoint {
  readonly endpoint: FastwayEndpoint;
  isDead: boolean;
}

/** @param highWater - above so many unsent bytes links ask to wait */
async function run(
  dialect: Dialect,
  actions: readonly Action[],
  seed: number,
  highWater: number | undefined,
): Promise<void> {
  const network = new Network({ seed, capacity: highWater ?? 500 });
  const { clock } = network;
  const gateway = fastwayGateway({
    dialect,
    clock,
    key: "secret",
    random: (count) => new Uint8Array(count),
    maxConn: 0,
  });
  const speaks = fastway({ dialect });
  const endpoints: Endpoint[] = [];
  const halves = new Map<number, Half[]>();
  let answered = 0;
  let dialled = 0;

  const keep = (connection: VirtualConnection, owner: Endpoint): void => {
    const list = halves.get(connection.connId) ?? [];
    halves.set(connection.connId, [...list, new Half(connection, owner)]);
  };
  const accept = async (owner: Endpoint): Promise<void> => {
    try {
      for await (const connection of owner.endpoint) keep(connection, owner);
    } catch {
      // The link was cut.
    }
  };

  const CLIENT_PORT = 1;
  const SERVER_PORT = 2;
  for (const port of [CLIENT_PORT, SERVER_PORT]) {
    const open = port === CLIENT_PORT ? gateway.client : gateway.server;
    listen(gateway.protocol, { network, port, highWater, open });
  }
  for (let i = 0; i < ENDPOINTS; i++) {
    const isClient = i < CLIENTS;
    const port = isClient ? CLIENT_PORT : SERVER_PORT;
    const link = await network.settle(connect(speaks, { network, port, highWater }));
    const endpoint = isClient
      ? fastwayClient(link, { clock })
      : fastwayServer(link, { clock, serverId: i - CLIENTS + 1, key: "secret" });
    const owner: Endpoint = { endpoint, isDead: false };
    endpoints.push(owner);
    void accept(owner);
  }
  // Servers are known once they have proved themselves.
  await network.run(REST);

  const die = (owner: Endpoint, gently: boolean): void => {
    owner.isDead = true;
    if (gently) owner.endpoint.close();
    else owner.endpoint.abort();
    for (const half of [...halves.values()].flat()) if (half.owner === owner) half.hasClosed = true;
  };

  let serial = 0;
  for (const one of actions) {
    const all = [...halves.values()];
    switch (one.do) {
      case "dial": {
        const owner = endpoints[one.who]!;
        dialled++;
        // One id more than there are endpoints: nobody's.
        owner.endpoint.dial(one.whom + 1).then(
          (connection) => {
            answered++;
            keep(connection, owner);
          },
          () => answered++,
        );
        break;
      }
      case "send": {
        const half = all[one.which % (all.length || 1)]?.[one.end];
        if (half === undefined || half.connection.state !== "open") break;
        const message = new Uint8Array(one.length).fill(serial++);
        half.connection.send(message);
        half.sent.push(message.join());
        break;
      }
      case "close": {
        const half = all[one.which % (all.length || 1)]?.[one.end];
        if (half === undefined) break;
        half.hasClosed = true;
        half.connection.close();
        break;
      }
      case "die":
        die(endpoints[one.who]!, one.gently);
        break;
      case "wait":
        await network.run(5 * one.steps);
    }
  }
  await network.run(REST);

  // Everything is at rest: what was sent on a connection that is open has arrived.
  expect(answered).toBe(dialled);
  let open = 0;
  for (const [connId, ends] of halves) {
    for (const [i, half] of ends.entries()) {
      const other = ends[1 - i];
      const isOpen = half.connection.state === "open";
      if (isOpen) open += 0.5;
      // An end that nobody else has seen was closed before its Accept, or its peer died.
      if (other === undefined) {
        expect(isOpen && !half.owner.isDead, `connection ${connId} has one end`).toBe(false);
        continue;
      }
      expect(other.got, `order on ${connId}`).toEqual(half.sent.slice(0, other.got.length));
      const isWhole = !half.owner.isDead && !other.hasClosed && !other.owner.isDead;
      if (isWhole && !half.hasClosed) expect(other.got, `all of ${connId}`).toEqual(half.sent);
      // A Close goes behind what was sent before it.
      if (isWhole && half.hasClosed)
        expect(other.got, `before Close of ${connId}`).toEqual(half.sent);
      expect(half.connection.state, `both ends of ${connId}`).toBe(other.connection.state);
    }
  }
  const { counters } = gateway;
  expect(counters.connections).toBe(open);
  const living = (from: number, to: number): number =>
    endpoints.slice(from, to).filter((owner) => !owner.isDead).length;
  expect(counters.clients).toBe(living(0, CLIENTS));
  expect(counters.servers).toBe(living(CLIENTS, ENDPOINTS));

  // And when all hang up, nothing is left.
  for (const owner of endpoints) if (!owner.isDead) die(owner, true);
  await network.run(REST);
  for (const half of [...halves.values()].flat()) {
    expect(half.isOver).toBe(true);
    expect(half.connection.state).toBe("closed");
  }
  for (const { endpoint } of endpoints) {
    expect(endpoint.size).toBe(0);
    await endpoint.closed;
  }
  expect(gateway.counters).toMatchObject({ clients: 0, servers: 0, unproven: 0, connections: 0 });
  // Nobody waits for anything any more.
  await expectNothingLeft(network);
}

describe.each(["v1", "v2"] as const)("a gateway of %s between endpoints", (dialect) => {
  it("loses, repeats and misplaces nothing", async () => {
    const programs = fc.array(action, { maxLength: 60, size: "max" });
    await fc.assert(
      fc.asyncProperty(
        programs,
        fc.integer(),
        // Links that are hardly ever full, and links that nearly always are.
        fc.constantFrom(undefined, 20, 200),
        (actions, seed, highWater) => run(dialect, actions, seed, highWater),
      ),
      { numRuns: 100 },
    );
  }, 60_000);
});
