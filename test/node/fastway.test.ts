import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { ProtocolError } from "../../src/index.ts";
import {
  type Dialect,
  type FastwayEndpoint,
  type FastwayGateway,
  fastway,
  fastwayClient,
  fastwayGateway,
  fastwayServer,
  type ServerOptions,
} from "../../src/protocols/fastway/index.ts";
import { goim, type Packet } from "../../src/protocols/goim/index.ts";
import { connect, listen } from "../../src/transports/node/index.ts";

const host = "127.0.0.1";
const key = "secret";
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A gateway on real ports. */
async function setup(dialect: Dialect) {
  const gateway: FastwayGateway = fastwayGateway({ dialect, key, random: randomBytes });
  const clients = await listen(gateway.protocol, { host, port: 0, open: gateway.client });
  const servers = await listen(gateway.protocol, { host, port: 0, open: gateway.server });
  cleanups.push(() => {
    gateway.close();
    return Promise.all([clients.close({ timeout: 500 }), servers.close({ timeout: 500 })]);
  });
  const speaks = fastway({ dialect });
  const kept = <E extends { abort(): void }>(endpoint: E): E => {
    cleanups.push(() => endpoint.abort());
    return endpoint;
  };
  return {
    gateway,
    client: async (): Promise<FastwayEndpoint> =>
      kept(fastwayClient(await connect(speaks, { host, port: clients.port! }))),
    server: async <In = Uint8Array, Out = In, Context = undefined>(
      options: Omit<ServerOptions<In, Out, Context>, "serverId"> = {},
    ): Promise<FastwayEndpoint<In, Out, Context>> => {
      const link = await connect(speaks, { host, port: servers.port! });
      const before = gateway.counters.servers;
      const endpoint = kept(fastwayServer(link, { key, ...options, serverId: 1 }));
      // Nothing says that a server is known: it is asked about.
      const isKnown = (): boolean => gateway.counters.servers > before;
      await Promise.race([endpoint.closed, until(isKnown)]);
      return endpoint;
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe.each(["v1", "v2"] as const)("fastway %s over sockets", (dialect) => {
  it("echoes messages of any size, in both directions", async () => {
    const { client, server, gateway } = await setup(dialect);
    await server({ message: (connection, bytes) => connection.send(bytes) });
    const connection = await (await client()).dial(1);
    const sizes = [0, 1, 100, 70_000, 524_284, 3];
    for (const size of sizes) connection.send(new Uint8Array(size).fill(size));
    const got: number[] = [];
    for await (const bytes of connection) {
      expect(bytes.every((byte) => byte === (bytes.length & 255))).toBe(true);
      if (got.push(bytes.length) === sizes.length) break;
    }
    expect(got).toEqual(sizes);
    expect(() => connection.send(new Uint8Array(524_285))).toThrow(/exceeds maxFrame 524284/);
    expect(gateway.counters.packetsOut).toBe(2 * sizes.length);
    connection.close();
    await until(() => gateway.counters.connections === 0);
    expect(gateway.counters.connections).toBe(0);
  });

  it("lets a server dial a client", async () => {
    const { client, server } = await setup(dialect);
    const one = await client();
    const other = await server();
    const connection = await other.dial(1);
    connection.send(Uint8Array.of(1));
    for await (const incoming of one) {
      expect(incoming.remoteId).toBe(1);
      for await (const bytes of incoming) {
        expect(bytes).toEqual(Uint8Array.of(1));
        break;
      }
      incoming.close();
      break;
    }
    const rest: unknown[] = [];
    for await (const bytes of connection) rest.push(bytes);
    expect(rest).toEqual([]);
  });

  it("notifies the other end when one fails", async () => {
    const { client, server, gateway } = await setup(dialect);
    const incoming = (await server())[Symbol.asyncIterator]();
    const one = await client();
    await Promise.all([one.dial(1), one.dial(1)]);
    const ends = [(await incoming.next()).value!, (await incoming.next()).value!];
    one.abort();
    for (const end of ends) for await (const _ of end) expect.unreachable();
    await Promise.all(ends.map((end) => end.closed));
    expect(ends.map((end) => end.state)).toEqual(["closed", "closed"]);
    expect(gateway.counters).toMatchObject({ clients: 0, connections: 0 });
    expect(await rejection((await client()).dial(77))).toBe("refused");
  });

  it("rejects a server with the wrong key", async () => {
    const { server } = await setup(dialect);
    const liar = await server({ key: "guess" });
    expect((await liar.closed).error).toMatchObject({ code: "refused" });
  });

  it("carries goim", async () => {
    const { client, server } = await setup(dialect);
    await server({
      protocol: goim(),
      message: (connection, packet) => connection.send({ ...packet, op: packet.op + 1 }),
    });
    const connection = await (await client()).dial(1, { protocol: goim() });
    connection.send({ op: 2, seq: 9, body: Uint8Array.of(1) });
    let answer: Packet | undefined;
    for await (const packet of connection) {
      answer = packet;
      break;
    }
    expect(answer).toMatchObject({ op: 3, seq: 9, body: Uint8Array.of(1) });
  });
});

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return (error as ProtocolError).code;
  }
  return undefined;
}
