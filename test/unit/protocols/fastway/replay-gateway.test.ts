import { describe, expect, it } from "vitest";
import { fastwayGateway } from "../../../../src/protocols/fastway/index.ts";
import { RecordedPeer, settled } from "../../../support/fastway-peer.ts";
import { type Transcript, vectors } from "../../../support/fastway-vectors.ts";
import { bytesOf, hexOf } from "../../../support/hex.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

// Replays each recorded conversation with our gateway instead of the reference: the endpoints send
// what was recorded, and each must receive what it received then.

/** An edit of what an endpoint received: like `splice`. */
type Edit = readonly [to: string, at: number, remove: number, ...insert: string[]];

interface Difference {
  readonly why: string;
  readonly edits: readonly Edit[];
  /** Milliseconds to wait at the end. */
  readonly wait?: number;
}

const END = Number.POSITIVE_INFINITY;
const v1Close = (connId: string): string => `090000000000000005${connId}`;
const v1Refuse = (connId: string): string => `090000000000000003${connId}`;
const one = "01000000";
const two = "02000000";

/** Intentional differences of our gateway. */
const DIFFERENCES: Readonly<Record<string, Difference>> = {
  "v1 message on an unknown connection id": {
    why: "a message may cross a Close: its sender gets a Close, and stays connected",
    edits: [["client", -1, 1, v1Close("39300000")]],
  },
  "v1 a message sent on a connection the other side just closed": {
    why: "the same",
    edits: [["server", -1, 1, v1Close(one)]],
  },
  "v1 the server sends on a connection whose client has disconnected": {
    why: "the server gets a Close after the disconnect, and another one when it sends again",
    edits: [["server", -1, 1, v1Close(one), v1Close(one)]],
  },
  "v1 client disconnects with two open virtual connections": {
    why: "the other ends get a Close after a disconnect",
    edits: [["server", END, 0, v1Close(one), v1Close(two)]],
  },
  "v1 server disconnects with two open virtual connections": {
    why: "the same",
    edits: [["client", END, 0, v1Close(one), v1Close(two)]],
  },
  "v1 dialing a server that has disconnected is refused": {
    why: "the same; the dial is still refused",
    edits: [["client", 2, 0, v1Close(one)]],
  },
  "v1 a packet over MaxPacket closes the sender and its virtual connections": {
    why: "the same, for an end that was disconnected",
    edits: [["server", END, 0, v1Close(one)]],
  },
  "v1 two servers with one id: the newer gets the dials, the older keeps its connections": {
    why: "the same: the older one disconnects",
    edits: [["client", 4, 0, v1Close(one)]],
  },
  "v1 HAZARD: a Dial with a connection id that was never allocated is taken": {
    why: "only a requested id can be dialled with; so the message has no connection",
    edits: [
      ["client", 0, 1, v1Refuse("09030000"), v1Close("09030000")],
      ["server", 1, 2],
    ],
  },
  "v1 HAZARD: a second Dial of one connection id closes the sender": {
    why: "the second one is refused, and disconnects no endpoint",
    edits: [["client", -1, 1, v1Refuse(one)]],
  },
  "v1 HAZARD: a Dial of connection id 0 is taken": {
    why: "only a requested id can be dialled with",
    edits: [
      ["client", 0, 1, v1Refuse("00000000")],
      ["server", 1, 1],
    ],
  },
  "v1 ping: an endpoint that never answers": {
    why: "an endpoint that is silent for a second interval is disconnected, as by the last gateway of v1",
    edits: [["client", 1, 1, "close"]],
    wait: 1000,
  },
  "v1 HAZARD: a third endpoint closes a connection that is not its own": {
    why: "a Close from a third endpoint is ignored",
    edits: [
      ["client", -1, 1],
      ["server", -1, 1],
    ],
  },
  "v2 server disconnects with two open virtual connections": {
    why: "in the recording the server disconnected before it received its second Close",
    edits: [["server", END, 0, "09000000000000000402000000"]],
  },
  "v2 HAZARD: a third endpoint closes a connection that is not its own": {
    why: "the same",
    edits: [
      ["client", -1, 1],
      ["server", -1, 1],
    ],
  },
};

const nameOf = (t: Transcript): string => `${t.dialect} ${t.name}`;

function milliseconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return text.endsWith("ms") ? Number.parseInt(text, 10) : 1000 * Number.parseInt(text, 10);
}

/** The output to each endpoint, in order: packets as hex, and `close`. */
type Told = Record<string, string[]>;

/** In one chunk, or byte by byte. */
type Cut = "whole" | "bytes";

async function replay(t: Transcript, wait: number, cut: Cut): Promise<Told> {
  const clock = new ManualClock();
  const challenges = t.steps.filter((s) => s.meaning.startsWith("challenge")).map((s) => s.hex);
  const { options = {} } = t;
  const gateway = fastwayGateway({
    dialect: t.dialect,
    key: t.authKey,
    clock,
    random: () => bytesOf(challenges.shift()!),
    maxPacket: options.maxPacket === undefined ? undefined : Number(options.maxPacket),
    maxConn: options.maxConn === undefined ? undefined : Number(options.maxConn),
    clientIdle: milliseconds(options.clientIdle ?? options.clientPing),
    serverIdle: milliseconds(options.serverIdle ?? options.serverPing),
    authTimeout: milliseconds(options.authTimeout),
  });
  type Peer = RecordedPeer<unknown, unknown>;
  const peers = new Map<string, Peer>();
  const told: Told = {};
  const gone = new Set<string>();
  const hasClient = t.steps.some((s) => s.from === "client" || s.to === "client");

  const peerOf = (name: string): Peer => {
    let peer = peers.get(name);
    if (peer === undefined) {
      peer = new RecordedPeer(gateway.protocol, clock) as unknown as Peer;
      peers.set(name, peer);
      told[name] = [];
      const link = peer.connection;
      if (name.startsWith("server")) gateway.server(link);
      else gateway.client(link);
    }
    return peer;
  };

  /** Records what the endpoints received meanwhile. */
  const listen = async (): Promise<void> => {
    await settled();
    for (const [name, peer] of peers) {
      const list = told[name]!;
      if (list.length === 0 && name.startsWith("server")) list.push(hexOf(peer.take(8)));
      for (let p = peer.takePacket(); p.length > 0; p = peer.takePacket()) list.push(hexOf(p));
      expect(peer.bytes).toHaveLength(0);
      if (peer.isClosed && !gone.has(name)) {
        gone.add(name);
        list.push("close");
      }
    }
  };

  if (hasClient) peerOf("client");
  const heard: Record<string, number> = {};
  for (const step of t.steps) {
    if (step.to === "gateway") {
      const peer = peerOf(step.from);
      if (step.event === "close") {
        gone.add(step.from);
        peer.hangUp();
      } else {
        const bytes = bytesOf(step.hex);
        if (cut === "whole") peer.connection.received(bytes);
        else for (const byte of bytes) peer.connection.received(Uint8Array.of(byte));
      }
      await listen();
      continue;
    }
    // Advances the clock until the gateway sends what the reference sent; if ours differs, it may
    // never.
    peerOf(step.to);
    const count = (heard[step.to] ?? 0) + 1;
    heard[step.to] = count;
    await listen();
    const isTimed = Object.keys(options).some((key) => /Idle|Ping/.test(key)) || step.event;
    for (let i = 0; isTimed && i < 60 && told[step.to]!.length < count && !gone.has(step.to); i++) {
      clock.advance(100);
      await listen();
    }
  }
  clock.advance(wait);
  await listen();
  return told;
}

describe("our gateway in recorded conversations", () => {
  const runs = vectors.transcripts.flatMap((t) =>
    (["whole", "bytes"] as const).map((cut) => ({
      t,
      cut,
      title: `${nameOf(t)} (${t.gatewayCommit.slice(0, 7)}, ${cut})`,
    })),
  );

  it.each(runs)("$title", async ({ t, cut }) => {
    const recorded: Told = {};
    for (const step of t.steps) {
      for (const name of [step.from, step.to]) if (name !== "gateway") recorded[name] ??= [];
      if (step.from !== "gateway") continue;
      recorded[step.to]!.push(step.event === "close" ? "close" : hexOf(bytesOf(step.hex)));
    }
    const difference = DIFFERENCES[nameOf(t)];
    for (const [to, at, remove, ...insert] of difference?.edits ?? []) {
      recorded[to]!.splice(at, remove, ...insert);
    }
    expect(await replay(t, difference?.wait ?? 0, cut)).toEqual(recorded);
  });

  it("has no other differences", () => {
    const names = new Set(vectors.transcripts.map(nameOf));
    expect(Object.keys(DIFFERENCES).filter((name) => !names.has(name))).toEqual([]);
    expect(vectors.transcripts).toHaveLength(71);
  });
});
