import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Connection, i32be, Output, type Protocol, ProtocolError } from "../../src/index.ts";
import {
  type BinaryProtocol,
  Comet,
  type CometSession,
  GoimClient,
  type Packet,
} from "../../src/protocols/goim/index.ts";
import { connect, listen, Network, networkScripts } from "../../src/testing/index.ts";
import { expectNothingLeft } from "../support/nothing-left.ts";

/*
 * Client and comet against each other, over a network that cuts, delays and breaks. The model is what each side
 * was asked to say; the truth is what the other one heard.
 */

const body = (n: number): Uint8Array<ArrayBuffer> => new Output().i32be(n).take();
const PUSH = 1000;

/** What one connection carried, from the test's own books. */
interface Line {
  /** Where its client is, which no other line shares. */
  readonly host: string;
  client: Connection<never, Packet> | undefined;
  isCut: boolean;
  session: CometSession<number> | undefined;
  /** Numbers of the pushes that the comet took. */
  readonly pushed: number[];
  /** Numbers of the pushes that the client got. */
  readonly heard: number[];
  /** Requests on the wire that were not answered. */
  open: number;
}

interface Asked {
  readonly n: number;
  outcome: "open" | "answered" | string;
}

class World {
  readonly network: Network;
  readonly lines: Line[] = [];
  /** By client. */
  readonly asked: Asked[][] = [[], []];
  /** Numbers of the requests whose replies came, in that order, by client. */
  readonly answered: number[][] = [[], []];
  /** Numbers of the requests that the comet got, by client. */
  readonly got: number[][] = [[], []];
  readonly mostOpen: number[] = [0, 0];
  readonly problems: unknown[] = [];
  readonly comet: Comet<number>;
  readonly clients: readonly GoimClient[];
  #count = 0;

  constructor(
    boundary: "stream" | "message",
    script: readonly number[],
    chance: () => number,
    inFlight: number,
  ) {
    this.network = new Network({ boundary, script, latency: [0, 30] });
    const { network } = this;
    const { clock } = network;
    this.comet = new Comet<number>({
      clock,
      authenticate: (token) => this.#maybeLater(chance, { user: i32be(token, 0), room: "a" }),
      request: (session, packet) => {
        this.got[session.user]!.push(i32be(packet.body, 0));
        return this.#maybeLater(chance, packet.body);
      },
      join: (session) => {
        const { peer } = session.connection as unknown as { readonly peer: string };
        this.lines.find(({ host }) => host === peer)!.session = session;
      },
      error: (_, error) => this.problems.push(error),
    });
    const { comet } = this;
    const served = boundary === "stream" ? comet.protocol : comet.messageProtocol;
    listen(served, { network, port: 1, ...comet.handlers });
    this.clients = [0, 1].map(
      (user) =>
        new GoimClient<Uint8Array>({
          clock,
          inFlight,
          random: chance,
          token: body(user),
          heartbeat: 1000,
          authTimeout: 500,
          timeout: 0,
          connect: async (protocol, handlers) => {
            const line: Line = {
              host: `client ${user}, line ${this.lines.length}`,
              client: undefined,
              isCut: false,
              session: undefined,
              pushed: [],
              heard: [],
              open: 0,
            };
            this.lines.push(line);
            const options = { network, port: 1, from: line.host, ...handlers };
            const client = await connect(this.#counting(protocol, line, user), options);
            line.client = client;
            return client;
          },
          push: (_, packet) => {
            this.lineOf(user).heard.push(i32be(packet.body, 0));
          },
          error: (_, error) => this.problems.push(error),
        }),
    );
  }

  /** Counts what is on its way, as the server's ring would see it at worst. */
  #counting(
    protocol: BinaryProtocol<Uint8Array>,
    line: Line,
    user: number,
  ): Protocol<never, Packet> {
    const count = (packets: readonly Packet[]): readonly Packet[] => {
      line.open -= packets.filter((packet) => packet.seq !== 0).length;
      return packets;
    };
    return {
      ...protocol,
      encode: (packet, out) => {
        protocol.encode(packet, out);
        line.open++;
        this.mostOpen[user] = Math.max(this.mostOpen[user]!, line.open);
      },
      decodeMany: (bytes, start, end) => count(protocol.decodeMany!(bytes, start, end)),
    };
  }

  #maybeLater<T>(chance: () => number, value: T): T | Promise<T> {
    if (chance() < 0.5) return value;
    return new Promise((resolve) =>
      this.network.clock.after(Math.floor(chance() * 50), () => resolve(value)),
    );
  }

  /** The newest connection of a client. */
  lineOf(user: number): Line {
    return this.lines.filter((line) => line.session?.user === user).at(-1)!;
  }

  ask(user: number): void {
    const asked: Asked = { n: ++this.#count, outcome: "open" };
    this.asked[user]!.push(asked);
    this.clients[user]!.request(4, body(asked.n)).then(
      ({ op, body: answer }) => {
        this.answered[user]!.push(asked.n);
        asked.outcome = op === 4 && i32be(answer, 0) === asked.n ? "answered" : "wrong answer";
      },
      (error: unknown) => {
        asked.outcome = error instanceof ProtocolError ? error.code : String(error);
      },
    );
  }

  push(kind: "one" | "many" | "room" | "all", user: number): void {
    const numbers =
      kind === "many" || kind === "room" ? [++this.#count, ++this.#count] : [++this.#count];
    const packets = numbers.map((n) => ({ op: PUSH, body: body(n) }));
    const sessions = [...this.comet.sessions].filter(
      ({ user: theirs, connection }) =>
        connection.state === "open" && (kind === "room" || kind === "all" || theirs === user),
    );
    if (kind === "room") this.comet.pushRoom("a", ...packets);
    else if (kind === "all") this.comet.broadcast(packets[0]!);
    else for (const session of sessions) session.push(...packets);
    for (const session of sessions) {
      this.lines.find((line) => line.session === session)!.pushed.push(...numbers);
    }
  }

  cut(user: number): void {
    const line = this.lineOf(user);
    if (line === undefined) return;
    line.isCut = true;
    this.network.reset(line.host);
  }
}

const action = fc.oneof(
  { weight: 5, arbitrary: fc.record({ what: fc.constant("ask" as const), user: fc.nat(1) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constantFrom("one" as const, "many" as const, "room" as const, "all" as const),
      user: fc.nat(1),
    }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant("wait" as const), user: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("cut" as const), user: fc.nat(1) }) },
);

const chances = fc.infiniteStream(fc.nat(999));

describe.each(["stream", "message"] as const)("sessions over a %s", (boundary) => {
  it("lose, repeat and reorder nothing, and ask no more than the server can hold", async () => {
    const property = fc.asyncProperty(
      fc.array(action, { maxLength: 60, size: "max" }),
      networkScripts(),
      chances,
      fc.integer({ min: 1, max: 7 }),
      async (actions, script, stream, inFlight) => {
        const world = new World(boundary, script, () => stream.next().value / 1000, inFlight);
        const { network } = world;
        await network.run(300);
        for (const { what, user } of actions) {
          if (what === "ask") world.ask(user);
          else if (what === "wait") await network.run(user);
          else if (what === "cut") world.cut(user);
          else world.push(what, user);
        }
        // Longer than any wait between attempts that a few cuts lead to.
        await network.run(8000);

        // What is cut is reported as that, and nothing else is reported.
        for (const problem of world.problems) expect(problem).toMatchObject({ code: "ECONNRESET" });
        if (world.lines.every((line) => !line.isCut)) expect(world.problems).toEqual([]);
        for (const client of world.clients) expect(client.state).toBe("open");
        for (const user of [0, 1]) {
          const asked = world.asked[user]!;
          const got = world.got[user]!;
          // The comet heard each at most once, in the order in which they were asked.
          expect(got).toEqual(asked.map(({ n }) => n).filter((n) => got.includes(n)));
          expect(world.answered[user]).toEqual(
            got.filter((n) => world.answered[user]!.includes(n)),
          );
          for (const { n, outcome } of asked) {
            if (outcome === "answered") expect(got).toContain(n);
            else expect(outcome).toBe("closed");
          }
          if (world.lines.every((line) => !line.isCut)) expect(got.length).toBe(asked.length);
          expect(world.mostOpen[user]).toBeLessThanOrEqual(inFlight);
        }
        for (const { isCut, pushed, heard } of world.lines) {
          // What was on its way when the wire was cut is lost; nothing in between is.
          expect(heard).toEqual(isCut ? pushed.slice(0, heard.length) : pushed);
        }
        for (const client of world.clients) client.close();
        await network.run(20_000);
        expect(world.comet.sessions.size + world.comet.room("a").size).toBe(0);
        await expectNothingLeft(network);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  }, 60_000);

  it("drop a peer that has gone silent in bounded time, and find another", async () => {
    const cases = [networkScripts(), chances, fc.nat(3000)] as const;
    const property = fc.asyncProperty(...cases, async (script, stream, when) => {
      const world = new World(boundary, script, () => stream.next().value / 1000, 4);
      const { network } = world;
      await network.run(300 + when);
      world.ask(0);
      await network.run(when % 40);
      const line = world.lineOf(0);
      network.partition(line.host, "server");
      world.ask(0);
      // Two heartbeats: the one that is answered last, and the one that is not.
      await network.run(2000);
      expect(line.client?.state).toBe("closed");
      expect(world.asked[0]!.map(({ outcome }) => outcome)).not.toContain("open");
      await network.run(3000);
      expect(world.lineOf(0)).not.toBe(line);
      expect(world.clients[0]!.state).toBe("open");
      // The server gives up for itself, later.
      await network.run((8 * 60_000) / 100);
    });
    await fc.assert(property, { numRuns: 30 });
  }, 60_000);
});
