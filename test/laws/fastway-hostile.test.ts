import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFrame, ProtocolError } from "../../src/core/index.ts";
import {
  answerChallenge,
  type Command,
  type Dialect,
  type FastwayMessage,
  fastway,
  fastwayClient,
  fastwayGateway,
} from "../../src/protocols/fastway/index.ts";
import { RecordedPeer, settled } from "../support/fastway-peer.ts";
import { ManualClock } from "../support/manual-clock.ts";

// Peers that say anything at all: whole packets of either dialect with ids that are likely to matter, cut off, mangled,
// and plain noise. Nobody else may suffer, nothing may hang, and only ProtocolErrors come of it.

const id = fc.oneof(fc.nat({ max: 4 }), fc.constantFrom(2 ** 32 - 1, 12_345));
const message: fc.Arbitrary<FastwayMessage> = fc.record({
  type: fc.constant("message" as const),
  connId: id.map((value) => value || 1),
  message: fc.uint8Array({ maxLength: 5 }),
});
const v1 = fc.oneof(
  fc.record({ type: fc.constantFrom("new" as const, "ping" as const) }),
  fc.record({
    type: fc.constantFrom("open" as const, "refuse" as const, "close" as const),
    connId: id,
  }),
  fc.record({
    type: fc.constantFrom("dial" as const, "accept" as const),
    connId: id,
    remoteId: id,
  }),
);
const v2 = fc.oneof(
  fc.record({ type: fc.constant("ping" as const) }),
  fc.record({ type: fc.constantFrom("dial" as const, "refuse" as const), remoteId: id }),
  fc.record({
    type: fc.constantFrom("accept" as const, "connect" as const),
    connId: id,
    remoteId: id,
  }),
  fc.record({ type: fc.constant("close" as const), connId: id }),
);

/** What a hostile peer writes, piece by piece. */
function pieces(dialect: Dialect): fc.Arbitrary<Uint8Array[]> {
  const speaks = fastway({ dialect });
  const frames = fc
    .oneof(dialect === "v1" ? v1 : v2, message)
    .map((value) => encodeFrame(speaks, value as Command | FastwayMessage) as Uint8Array);
  const mangled = fc
    .tuple(frames, fc.nat({ max: 12 }), fc.nat({ max: 255 }))
    .map(([frame, at, byte]) => {
      const copy = Uint8Array.from(frame);
      copy[at % copy.length] = byte;
      return copy;
    });
  const noise = fc.uint8Array({ maxLength: 20 });
  const piece = fc.oneof(
    { weight: 30, arbitrary: frames },
    { weight: 1, arbitrary: mangled },
    { weight: 1, arbitrary: noise },
  );
  return fc.array(piece, { maxLength: 30, size: "max" });
}

const RUNS = { numRuns: 150 };

describe.each(["v1", "v2"] as const)("whatever is said in %s", (dialect) => {
  const speaks = fastway({ dialect });

  it("to a gateway, others are served", async () => {
    const side = fc.constantFrom("client" as const, "server" as const);
    await fc.assert(
      fc.asyncProperty(pieces(dialect), side, async (said, hostileSide) => {
        const clock = new ManualClock();
        const errors: unknown[] = [];
        const gateway = fastwayGateway({
          dialect,
          clock,
          random: (count) => new Uint8Array(count),
          left: (_, error) => errors.push(error),
          firstConnId: 3,
        });
        const [server, client, hostile] = [1, 2, 3].map(
          () => new RecordedPeer(gateway.protocol, clock),
        );
        gateway.client(client!.connection);
        gateway.server(server!.connection);
        server!.connection.received(answerChallenge(new Uint8Array(8), "", 2));
        gateway[hostileSide](hostile!.connection);
        if (hostileSide === "server") {
          hostile!.connection.received(answerChallenge(new Uint8Array(8), "", 3));
        }
        for (const piece of said) hostile!.connection.received(piece);
        await settled();
        // The two others can still find each other, and what they say comes through.
        server!.take();
        client!.take();
        const say = (peer: typeof client, value: unknown): void =>
          peer!.connection.received(encodeFrame(speaks, value as never));
        if (dialect === "v1") {
          say(client, { type: "new" });
          await settled();
          const opened = speaks.decode(client!.takePacket(), 0, 13) as { connId: number };
          say(client, { type: "dial", connId: opened.connId, remoteId: 2 });
        } else {
          say(client, { type: "dial", remoteId: 2 });
        }
        await settled();
        const packet = client!.takePacket();
        const accepted = speaks.decode(packet, 0, packet.length);
        expect(accepted).toMatchObject({ type: "accept", remoteId: 2 });
        server!.take();
        const { connId } = accepted as { connId: number };
        say(client, { type: "message", connId, message: Uint8Array.of(7) });
        await settled();
        const passed = server!.takePacket();
        expect(speaks.decode(passed, 0, passed.length)).toMatchObject({ connId });
        for (const error of errors) expect(error).toBeInstanceOf(ProtocolError);
        gateway.close();
        for (const peer of [server, client, hostile]) peer!.hangUp();
        expect(gateway.counters).toMatchObject({ clients: 0, servers: 0, connections: 0 });
        expect(clock.waiting).toBe(0);
      }),
      RUNS,
    );
  });

  it("to an endpoint, everything it began comes to an end", async () => {
    await fc.assert(
      fc.asyncProperty(pieces(dialect), fc.nat({ max: 3 }), async (said, dialled) => {
        const clock = new ManualClock();
        const peer = new RecordedPeer(speaks, clock);
        const endpoint = fastwayClient(peer.connection, { clock });
        const open: unknown[] = [];
        const follow = async (connection: AsyncIterable<Uint8Array>): Promise<void> => {
          open.push(connection);
          try {
            for await (const _ of connection);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
          open.splice(open.indexOf(connection), 1);
        };
        // What is begun counts one up, and one down when it ends: a promise that never does would hang the test.
        let pending = dialled + 2;
        const ended = (): number => pending--;
        const accept = async (): Promise<void> => {
          try {
            for await (const connection of endpoint) void follow(connection);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        };
        void accept().then(ended);
        void endpoint.closed.then(ended);
        for (let i = 0; i < dialled; i++) {
          endpoint
            .dial(i)
            .then(follow, (error) => expect(error).toBeInstanceOf(ProtocolError))
            .then(ended);
        }
        for (const piece of said) {
          peer.connection.received(piece);
          await settled();
        }
        peer.hangUp();
        await settled();
        expect(pending).toBe(0);
        expect(open).toEqual([]);
        expect(endpoint.size).toBe(0);
        expect(clock.waiting).toBe(0);
      }),
      RUNS,
    );
  });
});
