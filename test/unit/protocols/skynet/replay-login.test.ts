import { describe, expect, it } from "vitest";
import { Connection, type Protocol } from "../../../../src/index.ts";
import {
  type LoginServerOptions,
  loginServer,
  readLoginToken,
  type SkynetLogin,
  skynetLogin,
} from "../../../../src/protocols/skynet/index.ts";
import { bytesOf, type Hex, hexOf } from "../../../support/hex.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { settle } from "../../../support/settle.ts";
import {
  type LoginTranscript,
  skynetVectors,
  type TranscriptEvent,
} from "../../../support/skynet-vectors.ts";

/*
 * Recorded logins, replayed against our server and our client, which must both send the recorded
 * bytes. The keys are those of the recording.
 */

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const joined = (chunks: readonly Uint8Array[]): string => hexOf(Buffer.concat(chunks));
const hexesOf = (events: readonly TranscriptEvent[], c: number, e: string): string =>
  hexOf(
    Buffer.concat(
      events.filter((one) => one.c === c && one.e === e).map(({ hex }) => bytesOf(hex!)),
    ),
  );
const plain = (hex: Hex): Uint8Array<ArrayBuffer> => Uint8Array.from(bytesOf(hex));

/**
 * The example's login server: passwords are "password", a user "slow..." takes 600 ms, subids count
 * up.
 */
function exampleServer(clock: ManualClock, keys: Uint8Array[], firstSubid: number) {
  let subid = firstSubid;
  const options: LoginServerOptions = {
    random: () => keys.shift() ?? Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    authenticate(token) {
      const parts = readLoginToken(token);
      if (parts === undefined || text(parts.password) !== "password") return undefined;
      return { uid: text(parts.user), server: text(parts.server) };
    },
    login({ uid, server }) {
      if (server !== "sample") return undefined;
      const id = String(subid++);
      if (!uid.startsWith("slow")) return id;
      return new Promise((resolve) => clock.after(600, () => resolve(id)));
    },
    // No limit, like the recorded server.
    timeout: 0,
    clock,
  };
  return loginServer(options);
}

/** Intentional differences of our server, with the text of the recordings. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "key-one": "refuses the public key 1",
};

/** The connections to the login server, without those to a message server. */
const loginConnections = (events: readonly TranscriptEvent[]): number[] =>
  events.filter(({ e, to }) => e === "open" && to === "login").map(({ c }) => c);

async function replayAgainstServer({ name, given, events }: LoginTranscript) {
  const clock = new ManualClock();
  const keys = given.keys.flatMap(({ challenge, serverPrivate }) => [
    plain(challenge),
    plain(serverPrivate ?? "0102030405060708"),
  ]);
  // Uses the recorded subid, which is not in the options.
  const success = events.find(({ e, hex }) => {
    return e === "recv" && typeof hex === "string" && text(bytesOf(hex)).startsWith("200 ");
  });
  const recorded = success && text(bytesOf(success.hex!)).slice(4).trim();
  const first = recorded === undefined ? 1 : Number(Buffer.from(recorded, "base64").toString());
  const server = exampleServer(clock, keys, first);
  const ends = new Map<
    number,
    { connection: Connection<string, string, unknown>; sink: ScriptedSink }
  >();
  const ours = loginConnections(events);
  for (const { t, c, e, hex } of events) {
    if (!ours.includes(c)) continue;
    if (t > clock.now()) clock.advance(t - clock.now());
    if (e === "open") {
      const sink = new ScriptedSink();
      const { protocol, handlers } = server;
      // Otherwise errors of peers are printed.
      const quiet = { ...handlers, error: () => {} };
      const connection = new Connection(protocol, sink, quiet, { clock });
      ends.set(c, { connection, sink });
      connection.opened();
    }
    const { connection } = ends.get(c)!;
    if (e === "send") connection.received(bytesOf(hex!));
    if (e === "client-fin") connection.ended();
    if (e === "client-close") {
      // All recorded events have happened by now.
      clock.advance(1000);
      await settle();
      connection.lost();
    }
    await settle();
  }
  return { name, ends };
}

describe("recorded logins, against our login server", () => {
  it.each(skynetVectors.login.map((one) => [one.name, one] as const))("%s", async (name, one) => {
    const { ends } = await replayAgainstServer(one);
    expect(ends.size).toBeGreaterThan(0);
    for (const [c, { sink, connection }] of ends) {
      const sent = joined(sink.writes);
      const recorded = hexesOf(one.events, c, "recv");
      if (DIFFERENT[name] !== undefined) {
        expect(sent).not.toBe(recorded);
        expect(
          text(bytesOf(sent as Hex))
            .trimEnd()
            .endsWith("401 Unauthorized"),
        ).toBe(true);
      } else {
        expect(text(bytesOf(sent as Hex))).toBe(text(bytesOf(recorded as Hex)));
      }
      // A status ends the connection, even if skynet's own server leaves it open.
      const hasStatus = /^\d{3} .*\n$/m.test(text(bytesOf(sent as Hex)));
      if (hasStatus) expect(sink.calls).toContain("close");
      expect(connection.state).toBe("closed");
    }
  });

  it("differs from the recordings only as intended", () => {
    const names = skynetVectors.login.map(({ name }) => name);
    for (const name of Object.keys(DIFFERENT)) expect(names).toContain(name);
  });
});

/** Logs in with our client, which receives the recorded server's bytes. */
async function replayAgainstClient(
  { given, events }: Pick<LoginTranscript, "given" | "events">,
  c: number,
) {
  const clock = new ManualClock();
  const keys = given.keys.find(({ conn }) => conn === c)!;
  const sink = new ScriptedSink();
  let connection!: Connection<string>;
  const login = skynetLogin({
    connect: (protocol: Protocol<string>, handlers) => {
      connection = new Connection(protocol, sink, handlers, { clock });
      return connection;
    },
    token: given.token!,
    random: () => plain(keys.clientPrivate!),
    clock,
  });
  const outcome: Promise<SkynetLogin | { status: number; code: string }> = login.catch(
    (error: { status: number; code: string }) => error,
  );
  connection.opened();
  for (const event of events) {
    if (event.c !== c) continue;
    if (event.e === "recv") connection.received(bytesOf(event.hex!));
    await settle();
  }
  return { sink, sent: joined(sink.writes), outcome: await outcome };
}

/**
 * Recordings that our client can reproduce: with a key of its own, and the behaviour of clients.
 */
const CLIENT = [
  ...["success", "success-bytewise", "half-close-after-token", "wrong-password", "unknown-server"],
  ...["bad-token-shape", "overlapping", "second-login-kicks", "empty-user"],
];

describe("recorded logins, against our client", () => {
  it.each(CLIENT)("%s", async (name) => {
    const one = skynetVectors.login.find((other) => other.name === name)!;
    for (const { conn } of one.given.keys) {
      const { sent, sink, outcome } = await replayAgainstClient(one, conn);
      expect(sent).toBe(hexesOf(one.events, conn, "send"));
      const status = text(bytesOf(hexesOf(one.events, conn, "recv")))
        .trimEnd()
        .split("\n")
        .at(-1)!;
      if (status.startsWith("200 ")) {
        const secret = one.given.keys.find((keys) => keys.conn === conn)!.secret!;
        const subid = Buffer.from(status.slice(4), "base64").toString();
        expect(outcome).toEqual({ secret: plain(secret), subid });
      } else {
        expect(outcome).toMatchObject({ code: "refused", status: Number(status.slice(0, 3)) });
      }
      // Servers leave the connection open.
      expect(sink.calls.some((call) => call === "close" || call === "abort")).toBe(true);
    }
  });

  it.each(skynetVectors.olderLogin.map((one) => [`${one.version}: ${one.name}`, one] as const))(
    "of older servers, %s",
    async (_, one) => {
      const { outcome, sent } = await replayAgainstClient(
        { ...one, given: { token: "", ...one.given } },
        0,
      );
      const status = one.expect.lines[0]!;
      if (status.startsWith("200 ")) {
        expect(sent).toBe(hexesOf(one.events, 0, "send"));
        expect(outcome).toMatchObject({ subid: "1" });
      } else {
        expect(outcome).toMatchObject({ code: "refused", status: Number(status.slice(0, 3)) });
      }
    },
  );
});
