import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../../../src/core/index.ts";
import {
  type FastwayEndpoint,
  fastway,
  fastwayClient,
  fastwayServer,
  type VirtualConnection,
} from "../../../../src/protocols/fastway/index.ts";
import { RecordedPeer, settled } from "../../../support/fastway-peer.ts";
import { type Step, type Transcript, vectors } from "../../../support/fastway-vectors.ts";
import { bytesOf, hexOf } from "../../../support/hex.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

// Replays each recorded conversation with our client or server as one of its endpoints: gateway and
// user act as recorded, and the endpoint must send what was sent then.

/** Endpoints that were raw sockets and act as ours never do. */
const RAW: readonly RegExp[] = [
  /^v. (message on an unknown connection id|unknown command|a command only a gateway|a Dial that is too short|Length [03]|Conn ID 0).* client$/,
  /^v. a Ping with trailing bytes is taken client$/,
  /^v. closing twice: the second Close is ignored client$/,
  /^v. (HAZARD: )?a third endpoint .* intruder$/,
  /^v. a packet over MaxPacket closes the sender .* client$/,
  /^v. a message sent on a connection the other side just closed server$/,
  /^v2 the server sends on a connection whose client has disconnected server$/,
  /^v. handshake with the wrong key server$/,
  /^v. a server connection that never answers the challenge server$/,
  /^v1 an endpoint's own Ping client$/,
  /^v1 ping: an endpoint that never answers client$/,
  /^v1 HAZARD: a Dial (with a|of) connection id .* client$/,
  /^v1 HAZARD: a second Dial of one connection id closes the sender client$/,
  /^v1 two New before a Dial: ids are handed out in turn client$/,
];

/** Additional packets that our endpoints send. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  // No message could be sent on connection 0.
  "v1 HAZARD: a Dial of connection id 0 is taken server": ["09000000000000000500000000"],
};

interface Run {
  readonly t: Transcript;
  readonly role: string;
  readonly title: string;
}

const runs: Run[] = vectors.transcripts.flatMap((t) => {
  const roles = new Set(t.steps.flatMap((s) => [s.from, s.to]));
  roles.delete("gateway");
  return [...roles].map((role) => ({ t, role, title: `${t.dialect} ${t.name} ${role}` }));
});
const isRaw = ({ title }: Run): boolean => RAW.some((pattern) => pattern.test(title));
const number = (text: string, name: string): number =>
  Number(new RegExp(`${name}[= ](\\d+)`).exec(text)?.[1]);

/** One of our endpoints, and what its user observes. */
class Played {
  readonly clock = new ManualClock();
  readonly peer: RecordedPeer<unknown, unknown>;
  readonly endpoint: FastwayEndpoint;
  readonly connections = new Map<number, VirtualConnection>();
  /** Received messages, with their connection, in order. */
  readonly messages: string[] = [];
  readonly ends: string[] = [];
  readonly dials: string[] = [];

  constructor({ t, role }: Run) {
    const protocol = fastway({
      dialect: t.dialect,
      maxPacket: t.options?.maxPacket === undefined ? undefined : Number(t.options.maxPacket),
    });
    this.peer = new RecordedPeer<unknown, unknown>(protocol as never, this.clock);
    const backlog = t.name.includes("nobody is accepting") ? 0 : undefined;
    const common = { clock: this.clock, backlog };
    const link = this.peer.connection;
    if (role.startsWith("server")) {
      const reply = t.steps.find((s) => s.from === role)!.meaning;
      const serverId = number(reply, "server id");
      this.endpoint = fastwayServer(link, { ...common, serverId, key: t.authKey });
    } else {
      this.endpoint = fastwayClient(link, common);
    }
    void this.#accept();
  }

  async #accept(): Promise<void> {
    try {
      for await (const connection of this.endpoint) void this.#read(connection);
    } catch (error) {
      this.ends.push(`incoming: ${(error as ProtocolError).code}`);
    }
  }

  async #read(connection: VirtualConnection): Promise<void> {
    this.connections.set(connection.connId, connection);
    try {
      for await (const message of connection) {
        this.messages.push(`${connection.connId} ${hexOf(message)}`);
      }
      this.ends.push(`${connection.connId}`);
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
      this.ends.push(`${connection.connId} ${(error as ProtocolError).code}`);
    }
  }

  dial(remoteId: number): void {
    this.endpoint.dial(remoteId).then(
      (connection) => {
        this.dials.push("accepted");
        void this.#read(connection);
      },
      (error: ProtocolError) => this.dials.push(error.code),
    );
  }
}

/** Performs a user's step; false if nothing was sent, because the Go library acted by itself. */
function act(played: Played, step: Step, remoteIds: number[]): boolean {
  const { meaning } = step;
  const connId = number(meaning, "conn") || number(meaning, "connection");
  if (meaning.startsWith("New")) played.dial(remoteIds.shift()!);
  else if (meaning.startsWith("Dial remote")) played.dial(number(meaning, "remote"));
  else if (meaning.startsWith("message")) {
    played.connections.get(connId)!.send(bytesOf(step.hex).slice(8));
  } else if (meaning.startsWith("Close")) {
    const connection = played.connections.get(connId);
    // An unwanted connection was closed unseen.
    if (connection === undefined) return played.peer.bytes.length > 0;
    // The Go library answers every Close with another one, which is redundant.
    if (connection.state !== "open") return false;
    connection.close();
  } else if (meaning === "Ping" && played.endpoint.dialect === "v2") {
    played.clock.advance(10_000);
  }
  return true;
}

describe("our endpoints in recorded conversations", () => {
  it.each(runs.filter((run) => !isRaw(run)))("$title", async (run) => {
    const { t, role, title } = run;
    const played = new Played(run);
    const remoteIds = t.steps
      .filter((s) => s.from === role && /^Dial conn/.test(s.meaning))
      .map((s) => number(s.meaning, "remote"));
    const expected = { messages: [] as string[], dials: [] as string[] };
    let isHungUp = false;
    for (const step of t.steps) {
      if (step.to === role) {
        if (step.event === "close") {
          isHungUp = true;
          played.peer.hangUp();
        } else {
          const bytes = bytesOf(step.hex);
          const connId = number(step.meaning, "connection");
          if (step.meaning.startsWith("message")) {
            expected.messages.push(`${connId} ${hexOf(bytes.subarray(8))}`);
          }
          played.peer.connection.received(bytes);
        }
        await settled();
      } else if (step.from === role && step.event === "close") {
        isHungUp = true;
        played.endpoint.abort();
        await settled();
      } else if (step.from === role) {
        const didAct = act(played, step, remoteIds);
        await settled();
        const isAnswer = step.meaning.startsWith("handshake");
        if (didAct) {
          expect(hexOf(isAnswer ? played.peer.take(20) : played.peer.takePacket())).toBe(
            hexOf(bytesOf(step.hex)),
          );
        }
      }
    }
    expect(played.messages).toEqual(expected.messages);
    expect(hexOf(played.peer.take())).toBe((MORE[title] ?? []).join(""));
    const { outcome = {} } = t;
    if ("dialError" in outcome && played.dials.length > 0) {
      expect(played.dials).toEqual(["refused"]);
    }
    if ("connIds" in outcome && role === "client" && played.dials.length > 0) {
      const ids = outcome.connIds as number[];
      const own = t.name.includes("dials from the server") ? ids.slice(-1) : ids;
      expect(played.dials).toEqual(own.map((id) => (id === 0 ? "refused" : "accepted")));
    }
    if (outcome.serverReceiveAfterClose === "EOF" || outcome.clientReceiveAfterClose === "EOF") {
      expect(played.ends).toEqual(["1"]);
    }
    if (isHungUp) {
      const info = await played.endpoint.closed;
      expect(info.by).toMatch(/^(local|peer|error)$/);
      expect(played.endpoint.size).toBe(0);
    }
  });

  it("replays every endpoint that was not a raw socket", () => {
    expect(runs.filter((run) => !isRaw(run)).length).toBeGreaterThan(60);
    for (const pattern of RAW) {
      expect(runs.some(({ title }) => pattern.test(title))).toBe(true);
    }
    for (const title of Object.keys(MORE)) {
      expect(runs.some((run) => run.title === title)).toBe(true);
    }
  });
});
