import { channel } from "node:diagnostics_channel";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Connection, lines, type TraceEvent, utf8 } from "../../../src/index.ts";
import { fastway, fastwayClient } from "../../../src/protocols/fastway/index.ts";
import { GoimClient, goim, operations } from "../../../src/protocols/goim/index.ts";
import { handshakePackages, SkynetClient } from "../../../src/protocols/skynet/index.ts";
import { parse, sprotoRpc } from "../../../src/protocols/sproto/index.ts";
import {
  heartbeat,
  Requests,
  type RequestsOptions,
  reconnecting,
  watchSilence,
} from "../../../src/session/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";
import { game } from "../protocols/protobuf/game.ts";

const text = lines().wrap(utf8(), { name: "chat" });
const settled = () => new Promise((resolve) => setTimeout(resolve));

/** Takes events; what is left of one is what differs. */
function recorder() {
  const events: TraceEvent[] = [];
  return {
    events,
    trace: (event: TraceEvent): void => void events.push(event),
    /** Those of sessions, since last asked. */
    told: (): object[] =>
      events.splice(0).flatMap(({ at: _, connection: __, name, ...rest }) => {
        const isSession = /^(asked|answered|unanswered|retry|heartbeat|missed)$/.test(rest.type);
        return isSession ? [{ name, ...rest }] : [];
      }),
  };
}

function table(options: RequestsOptions<string> = {}) {
  const clock = new ManualClock();
  const { trace, told, events } = recorder();
  const requests = new Requests<string>({ clock, trace, name: "chat", ...options });
  return { clock, requests, told, events };
}

const quietly = (promise: Promise<unknown>): void => void promise.catch(() => {});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe("the trace of Requests", () => {
  it("reports requests that are sent, answered, rejected by the peer, or too slow", () => {
    const { clock, requests, told } = table();
    for (let n = 0; n < 3; n++) quietly(requests.ask(() => {}, { timeout: 100 }));
    clock.advance(7);
    requests.answer(1, "one");
    const refusal = new Error("no");
    requests.fail(2, refusal);
    clock.advance(93);
    expect(told()).toEqual([
      ...[1, 2, 3].map((id) => ({ name: "chat", type: "asked", id })),
      { name: "chat", type: "answered", id: 1, ms: 7, error: undefined },
      { name: "chat", type: "answered", id: 2, ms: 7, error: refusal },
      {
        name: "chat",
        type: "unanswered",
        id: 3,
        error: expect.objectContaining({ code: "timeout" }),
      },
    ]);
  });

  it("reports requests that are lost with their connection, or cannot be sent", async () => {
    const { requests, told } = table({ maxInFlight: 1, name: undefined });
    const bug = new Error("cannot be sent");
    quietly(
      requests.ask(() => {
        throw bug;
      }),
    );
    quietly(requests.ask(() => Promise.reject(bug)));
    await settled();
    for (let n = 0; n < 2; n++) quietly(requests.ask(() => {}));
    requests.end();
    const closed = expect.objectContaining({ code: "closed" });
    expect(told()).toEqual([
      { name: "requests", type: "asked", id: 1 },
      { name: "requests", type: "unanswered", id: 1, error: bug },
      { name: "requests", type: "asked", id: 2 },
      { name: "requests", type: "unanswered", id: 2, error: bug },
      { name: "requests", type: "asked", id: 3 },
      { name: "requests", type: "unanswered", id: 3, error: closed },
      { name: "requests", type: "unanswered", id: undefined, error: closed },
    ]);
  });

  it("does not affect requests if it throws", async () => {
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    const { requests } = table({
      trace() {
        throw new Error("of the trace");
      },
    });
    const asked = requests.ask(() => {});
    requests.answer(1, "one");
    expect(await asked).toBe("one");
    expect(printed).toHaveBeenCalledTimes(2);
  });

  it("is published on the diagnostics channel, without an option", () => {
    const { trace, told } = recorder();
    const subscriber = (event: unknown): void => trace(event as TraceEvent);
    channel("framewright:trace").subscribe(subscriber);
    const requests = new Requests<string>({ clock: new ManualClock() });
    quietly(requests.ask(() => {}));
    requests.answer(1, "one");
    channel("framewright:trace").unsubscribe(subscriber);
    expect(told().map((event) => (event as TraceEvent).type)).toEqual(["asked", "answered"]);
    expect(new Requests({ clock: new ManualClock() }).pending).toBe(0);
  });
});

describe("the trace of reconnecting, heartbeat and watchSilence", () => {
  it("reports each further attempt", () => {
    const { trace, told } = recorder();
    const clock = new ManualClock();
    const refused = new Error("refused");
    const client = reconnecting<string>(
      () => {
        throw refused;
      },
      { clock, trace, minDelay: 100, factor: 2, jitter: 0, name: "chat" },
    );
    clock.advance(100);
    client.close();
    expect(told()).toEqual([
      { name: "chat", type: "retry", failures: 1, delay: 100, error: refused },
      { name: "chat", type: "retry", failures: 2, delay: 200, error: refused },
    ]);
  });

  it.each(["the connection's", "its own"])("reports heartbeats, by %s trace", (whose) => {
    const { trace, told, events } = recorder();
    const clock = new ManualClock();
    const options = whose === "its own" ? { clock } : { clock, trace };
    const connection = new Connection(
      text,
      new ScriptedSink(),
      { error() {}, message() {} },
      options,
    );
    connection.opened();
    const own = whose === "its own" ? { trace } : {};
    heartbeat({ connection, interval: 10, clock, send: () => connection.send("ping"), ...own });
    clock.advance(20);
    expect(events.every((event) => event.connection === (connection as unknown))).toBe(true);
    const beat = { name: "chat", type: "heartbeat" };
    const missed = { name: "chat", type: "missed", ms: 10 };
    expect(told()).toEqual(expect.arrayContaining([beat, missed]));
  });

  it("reports silent peers", () => {
    const { trace, told } = recorder();
    const clock = new ManualClock();
    // As a connection of another copy of the package, which cannot tell.
    const connection = { lastByteAt: 0, isReading: true, abort() {}, onClose: () => () => {} };
    const stop = watchSilence({ connection, timeout: 10, clock, trace, silent() {} });
    clock.advance(20);
    stop();
    expect(told()).toEqual([
      { name: "session", type: "missed", ms: 10 },
      { name: "session", type: "missed", ms: 20 },
    ]);
  });
});

const schema = parse(`
  .package { type 0 : integer  session 1 : integer }
  ask 1 { request { n 0 : integer }  response { n 0 : integer } }
`);

/** Clients, each of which has asked once and gets no answer; and what takes their time. */
const clients: Record<string, (trace: (event: TraceEvent) => void, clock: ManualClock) => unknown> =
  {
    goim(trace, clock) {
      let made: Connection<never> | undefined;
      const client = new GoimClient({
        ...{ clock, trace, token: Uint8Array.of(1), reconnect: false },
        connect(protocol, handlers) {
          const { trace: passed, ...rest } = handlers;
          const options = { clock, trace: passed };
          const connection = new Connection(protocol, new ScriptedSink(), rest as never, options);
          made = connection as never;
          return connection as never;
        },
      });
      made!.opened();
      return client;
    },
    fastway(trace, clock) {
      const link = new Connection(fastway({ dialect: "v2" }), new ScriptedSink(), {}, { clock });
      link.opened();
      const endpoint = fastwayClient(link as never, { clock, trace });
      quietly(endpoint.dial(7, { timeout: 1000 }));
      return endpoint;
    },
    sproto(trace, clock) {
      const rpc = sprotoRpc({ local: schema, remote: schema });
      const connection = new Connection(rpc, new ScriptedSink(), rpc.peers({ clock, trace }), {
        clock,
      });
      connection.opened();
      quietly(connection.context.request("ask" as never, { n: 1 } as never));
      return connection;
    },
    protobuf(trace, clock) {
      const client = game.client({ clock, trace });
      const sink = new ScriptedSink("message");
      const connection = new Connection(game.clientProtocol, sink, client.handlers, { clock });
      connection.opened();
      quietly(client.request("game.LoginReq", { account: "a" }));
      return client;
    },
    skynet(trace, clock) {
      let made: Connection<string> | undefined;
      const client = new SkynetClient({
        ...{ clock, trace, username: "u", secret: new Uint8Array(8), timeout: 1000 },
        reconnect: { attempts: 0 },
        connect(_, handlers) {
          const {
            signal: __,
            trace: passed,
            ...rest
          } = handlers as typeof handlers & { trace?: never };
          const options = { clock, trace: passed };
          made = new Connection<string>(
            handshakePackages() as never,
            new ScriptedSink(),
            rest as never,
            options,
          );
          return made as never;
        },
      });
      made!.opened();
      made!.received(Uint8Array.of(0, 6, ...new TextEncoder().encode("200 OK")));
      quietly(client.request(Uint8Array.of(1)));
      return client;
    },
  };

describe("the trace of a client", () => {
  it.each(Object.entries(clients))("tells of its requests: %s", async (name, begin) => {
    const { trace, told, events } = recorder();
    const clock = new ManualClock();
    begin(trace, clock);
    await settled();
    const asked = events.filter((event) => event.type === "asked");
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ name, id: 1 });
    expect(asked[0]!.connection).toBeDefined();
    clock.advance(60_000);
    await settled();
    const types = told().map((event) => (event as TraceEvent).type);
    expect(types).toContain("unanswered");
  });

  it("tells of heartbeats, answers and bytes: goim", async () => {
    const { trace, events } = recorder();
    const clock = new ManualClock();
    let made: Connection<never> | undefined;
    const client = new GoimClient({
      ...{ clock, trace, token: Uint8Array.of(1), reconnect: { jitter: 0, minDelay: 500 } },
      connect(protocol, { signal: _, trace: passed, ...rest }) {
        const options = { clock, trace: passed };
        const connection = new Connection(protocol, new ScriptedSink(), rest, options);
        made = connection as never;
        return connection;
      },
    });
    made!.opened();
    const { authReply, changeRoom } = operations.v2;
    const answer = (op: number, seq: number): void => {
      const packet = new Uint8Array(16);
      new DataView(packet.buffer).setUint32(0, 16);
      new DataView(packet.buffer).setUint16(4, 16);
      new DataView(packet.buffer).setUint16(6, 1);
      new DataView(packet.buffer).setUint32(8, op);
      new DataView(packet.buffer).setUint32(12, seq);
      expect(goim().decode(packet, 0, 16)).toMatchObject({ op, seq });
      made!.received(packet);
    };
    answer(authReply, 1);
    quietly(client.request(changeRoom));
    await settled();
    clock.advance(60_000);
    await settled();
    const types = new Set<string>(events.map(({ type }) => type));
    for (const type of ["asked", "answered", "heartbeat", "missed", "unanswered", "retry"]) {
      expect(types).toContain(type);
    }
    for (const type of ["opened", "received", "message", "queued", "sent", "closed"]) {
      expect(types).toContain(type);
    }
    client.close();
  });
});
