import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection } from "../../../../src/index.ts";
import {
  type MessageServer,
  messageServer,
  SkynetClient,
} from "../../../../src/protocols/skynet/index.ts";
import { bytesOf, hexOf } from "../../../support/hex.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { settle } from "../../../support/settle.ts";
import { scriptedApplication } from "../../../support/skynet-application.ts";
import { type MessageTranscript, skynetVectors } from "../../../support/skynet-vectors.ts";

/*
 * Recorded message connections, replayed against our server and our client. Each step of the server
 * gets the recorded time, and a bit more.
 */

type Served = Connection<string, string, unknown>;

interface End {
  readonly connection: Served;
  readonly sink: ScriptedSink;
  /** Number of our bytes that were compared. */
  seen: number;
  isClosed: boolean;
}

interface Deviation {
  readonly at: number;
  readonly sent: string;
  readonly recorded: string;
}

const sentBy = ({ sink }: End): Buffer => Buffer.concat(sink.writes);
function openEnd(server: MessageServer, clock: ManualClock): End {
  const sink = new ScriptedSink();
  const connection = new Connection(server.protocol, sink, server.handlers, { clock });
  const end: End = { connection, sink, seen: 0, isClosed: false };
  sink.close = () => {
    end.isClosed = true;
    // The other side closes as well.
    queueMicrotask(() => connection.lost());
  };
  sink.abort = sink.close;
  connection.opened();
  return end;
}

/** Replays the client's part of a recording; returns where our server differs. */
async function replayAgainstServer({ given, events }: MessageTranscript) {
  const clock = new ManualClock();
  const server = messageServer({
    request: scriptedApplication(clock),
    report: () => {},
    timeout: 0,
    clock,
  });
  const { user: uid, server: name, subid } = given;
  const { username } = server.login({ uid, server: name, subid, secret: bytesOf(given.secret) });
  expect(username).toBe(given.username);

  const ends = new Map<number, End>();
  const deviations: Deviation[] = [];
  const differs = (at: number, sent: string, recorded: string): void =>
    void deviations.push({ at, sent, recorded });
  for (const [at, { t, c, e, hex, ms }] of events.entries()) {
    if (t > clock.now()) {
      clock.advance(t - clock.now());
      await settle();
    }
    if (e === "open") ends.set(c, openEnd(server, clock));
    const end = ends.get(c);
    if (e === "send") end!.connection.received(bytesOf(hex!));
    if (e === "client-fin") end!.connection.ended();
    if (e === "client-close") end!.connection.lost();
    if (e === "login-again") server.logout(username);
    await settle();
    if (e === "recv") {
      const recorded = bytesOf(hex!);
      const until = end!.seen + recorded.length;
      // Timers of servers tick in steps.
      for (let i = 0; i < 60 && sentBy(end!).length < until; i++) {
        clock.advance(1);
        await settle();
      }
      const sent = sentBy(end!).subarray(end!.seen, until);
      end!.seen = until;
      if (hexOf(sent) !== hexOf(recorded)) {
        differs(at, sent.toString("latin1"), Buffer.from(recorded).toString("latin1"));
      }
    }
    if (e === "silent" && sentBy(end!).length > end!.seen) {
      differs(at, sentBy(end!).subarray(end!.seen).toString("latin1"), `${ms} ms of silence`);
      end!.seen = sentBy(end!).length;
    }
    if (e === "server-fin" && !end!.isClosed) differs(at, "nothing", "FIN");
    if (e === "still-open" && end!.isClosed) differs(at, "FIN", "nothing");
  }
  return { deviations, ends };
}

/** Intentional improvements of our server: what it sends instead of the recording. */
const BETTER: Readonly<Record<string, (deviations: readonly Deviation[]) => void>> = {
  // Each session of a login is executed once.
  "re-sent-late": (all) => expect(all.map(({ sent }) => sent)).toEqual(["\0\x061\x01\0\0\0\x03"]),
  "conflict-then-re-sent": (all) =>
    expect(all.map(({ sent }) => sent)).toEqual(["\0\x061\x01\0\0\0\x02"]),
  // An answer that is too long counts as failed, and is still sent.
  largest: (all) => expect(all.map(({ sent }) => sent)).toEqual(["nothing"]),
  "answer-too-long": (all) => {
    expect(all.map(({ sent, recorded }) => [sent, recorded])).toEqual([
      ["nothing", "FIN"],
      ["\0\x05\0\0\0\0\x05", "600 ms of silence"],
    ]);
  },
  // An index is a decimal number.
  "index-forms": (all) => {
    const five = Array.from({ length: 5 }, () => ["\0\x0f400 Ba", "\0\x06200 OK"]);
    expect(all.map(({ sent, recorded }) => [sent, recorded])).toEqual(five);
  },
  // The later connection closes the older one.
  "two-connections": (all) => expect(all.map(({ sent }) => sent)).toEqual([""]),
  "older-closes-then-kick": (all) => expect(all.map(({ sent }) => sent)).toEqual(["FIN", ""]),
};

/**
 * Depends on the server's socket, not on its session: `maxConnections` of `listen`;
 * test/node/skynet-login.test.ts replays it.
 */
const SOCKET = ["maxclient"];

describe("recorded message connections, against our message server", () => {
  // Servers print errors of clients.
  beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => {}));
  afterEach(() => void vi.restoreAllMocks());

  const all = skynetVectors.message.filter(({ name }) => !SOCKET.includes(name));
  it.each(all.map((one) => [one.name, one] as const))("%s", async (name, one) => {
    const { deviations, ends } = await replayAgainstServer(one);
    expect(ends.size).toBeGreaterThan(0);
    if (BETTER[name] === undefined) expect(deviations).toEqual([]);
    else BETTER[name](deviations);
  });

  it("differs from the recordings only as intended", () => {
    const names = skynetVectors.message.map(({ name }) => name);
    for (const name of [...Object.keys(BETTER), ...SOCKET]) expect(names).toContain(name);
  });
});

/** Recordings that our client can reproduce: one login, indexes and sessions from 1 upwards. */
const CLIENT = [
  ...["several-in-flight", "one-segment", "largest", "push-by-parked-request"],
  "user-closed-by-client-stays",
];

describe("recorded message connections, against our client", () => {
  it.each(CLIENT)("%s", async (name) => {
    const { given, events } = skynetVectors.message.find((one) => one.name === name)!;
    const clock = new ManualClock();
    const links: { connection: Connection<string>; sink: ScriptedSink }[] = [];
    const answers: [number, string][] = [];
    const client = new SkynetClient({
      connect: (protocol, handlers) => {
        const sink = new ScriptedSink();
        const connection = new Connection(protocol, sink, handlers, { clock });
        links.push({ connection, sink });
        return connection;
      },
      username: given.username,
      secret: bytesOf(given.secret),
      reconnect: { minDelay: 1, jitter: 0 },
      timeout: 0,
      clock,
    });
    const recorded = (c: number, e: string): Buffer =>
      Buffer.concat(
        events.filter((one) => one.c === c && one.e === e).map(({ hex }) => bytesOf(hex!)),
      );
    // The recorded client's requests, in order.
    const asked = splitPackages(recorded(0, "send")).slice(1);
    for (const [i, request] of asked.entries()) {
      client.request(request.subarray(0, -4)).then(
        (answer) => answers.push([i + 1, hexOf(answer)]),
        () => {},
      );
    }
    const connections = Math.max(...events.map(({ c }) => c)) + 1;
    for (let c = 0; c < connections; c++) {
      expect(links.length).toBe(c + 1);
      const { connection, sink } = links[c]!;
      connection.opened();
      await settle();
      connection.received(Uint8Array.from(recorded(c, "recv")));
      await settle();
      expect(hexOf(Buffer.concat(sink.writes))).toBe(hexOf(recorded(c, "send")));
      connection.lost();
      clock.advance(1);
    }
    const expected = splitPackages(recorded(0, "recv"))
      .slice(1)
      .map((bytes) => [bytes.at(-1)!, hexOf(bytes.subarray(0, -5))]);
    expect(answers).toEqual(expected);
    client.close();
  });
});

/** Splits packages, each after a length of two bytes. */
function splitPackages(bytes: Buffer): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 2 + bytes.readUInt16BE(at)) {
    payloads.push(Uint8Array.from(bytes.subarray(at + 2, at + 2 + bytes.readUInt16BE(at))));
  }
  return payloads;
}
