import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection, encodeFrame, type Sink } from "../../../src/index.ts";
import {
  type EndpointOptions,
  fastway,
  fastwayClient,
  fastwayGateway,
} from "../../../src/protocols/fastway/index.ts";
import { Comet, GoimClient, goim, operations } from "../../../src/protocols/goim/index.ts";
import {
  base64Encode,
  handshakePackages,
  hmacHash,
  loginServer,
  messageServer,
  requestPackages,
  SkynetClient,
  skynetLogin,
} from "../../../src/protocols/skynet/index.ts";
import { parse, type RpcSent, sprotoRpc } from "../../../src/protocols/sproto/index.ts";
import { connect, listen, Network } from "../../../src/testing/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";
import { game } from "./protobuf/game.ts";

// A bug in a handler of any session is reported exactly once, and never thrown uncaught.

/** Bugs that were printed. */
let bugs: string[];
let uncaught: unknown[];
const collect = (error: unknown): void => void uncaught.push(error);
const EVENTS = ["uncaughtException", "unhandledRejection"] as const;
let others: { readonly event: (typeof EVENTS)[number]; readonly run: (...args: never[]) => void }[];

beforeEach(() => {
  bugs = [];
  uncaught = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => {
    if (line.startsWith("framewright: a handler failed")) bugs.push(line);
  });
  others = EVENTS.flatMap((event) =>
    process.listeners(event as "uncaughtException").map((run) => ({ event, run: run as never })),
  );
  for (const event of EVENTS) {
    process.removeAllListeners(event);
    process.on(event, collect);
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const event of EVENTS) process.removeListener(event, collect);
  for (const { event, run } of others) process.on(event, run as never);
});

/** Waits until all promises and rejections are handled and turns have ended. */
const settled = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve));
};

const trap = (): never => {
  throw new Error("trap");
};
/** An error that throws when anybody looks at it. */
const HOSTILE: unknown = new Proxy(
  {},
  { get: trap, getPrototypeOf: trap, has: trap, ownKeys: trap },
);

const FAULTS: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error("bug");
  },
  "throws null": () => {
    // biome-ignore lint/style/useThrowOnlyError: some programs do
    throw null;
  },
  "throws a frozen error": () => {
    throw Object.freeze(new Error("bug"));
  },
  "throws a Proxy that throws": () => {
    throw HOSTILE;
  },
  "rejects with a Proxy that throws": () => Promise.reject(HOSTILE),
  rejects: async () => {
    await undefined;
    throw new Error("bug");
  },
  "rejects at once": () => Promise.reject(new Error("bug")),
  "rejects with null": () => Promise.reject(null),
  "rejects with a frozen error": () => Promise.reject(Object.freeze(new Error("bug"))),
};

type Fail = () => never;
type OnError = { readonly error?: (peer: never, error: unknown) => unknown };

// ---- goim

const { v2 } = operations;

async function goimClient(given: object, act: (ends: GoimEnds) => unknown = () => {}) {
  const clock = new ManualClock();
  const connections: Connection<never, unknown, unknown>[] = [];
  const client = new GoimClient({
    clock,
    token: Uint8Array.of(1),
    connect: (protocol, handlers) => {
      const made = new Connection(protocol, new ScriptedSink(), handlers, { clock });
      connections.push(made as never);
      return made;
    },
    ...given,
  });
  const connection = connections[0]!;
  connection.opened();
  const say = (op: number, seq: number, body = new Uint8Array(0)): void =>
    connection.received(encodeFrame(goim(), { op, seq, body }));
  say(v2.authReply, 1);
  await settled();
  await act({ client, connection, say, clock });
  await settled();
  client.close();
}

interface GoimEnds {
  readonly client: GoimClient;
  readonly connection: Connection<never, unknown, unknown>;
  readonly clock: ManualClock;
  say(op: number, seq: number, body?: Uint8Array): void;
}

async function comet(given: object, act: (ends: CometEnds) => unknown = () => {}) {
  const clock = new ManualClock();
  const made = new Comet({ clock, authenticate: () => ({ user: 1 }), ...given });
  const connection = new Connection(made.protocol, new ScriptedSink(), made.handlers, { clock });
  connection.opened();
  const say = (op: number, seq = 1): void =>
    connection.received(encodeFrame(goim(), { op, seq, body: new Uint8Array(0) }));
  say(v2.auth);
  await settled();
  await act({ connection: connection as never, say });
  await settled();
  connection.abort();
}

interface CometEnds {
  readonly connection: Connection<never, unknown, unknown>;
  say(op: number, seq?: number): void;
}

// ---- fastway

const both = fastway({ dialect: "v2" });

async function endpoint(
  given: object,
  how: "dialled" | "called",
  act: (ends: FastwayEnds) => unknown = () => {},
) {
  const clock = new ManualClock();
  const sink = new ScriptedSink();
  const link = new Connection(both, sink, {}, { clock, highWater: 1000 });
  link.opened();
  const say = (value: Parameters<typeof both.encode>[0]): void =>
    link.received(encodeFrame(both, value));
  const client = fastwayClient(link, {
    clock,
    pingInterval: 0,
    ...(how === "called" ? given : {}),
  });
  if (how === "dialled") {
    const dial = client.dial(1, { timeout: 0, ...(given as EndpointOptions<Uint8Array>) });
    say({ type: "accept", connId: 1, remoteId: 1 });
    await dial;
  } else {
    say({ type: "connect", connId: 1, remoteId: 1 });
  }
  await act({ say, link: link as never, sink });
  await settled();
  // A bug of one connection does not affect another.
  expect(link.state).not.toBe("closed");
  link.abort();
}

interface FastwayEnds {
  say(value: Parameters<typeof both.encode>[0]): void;
  readonly link: Connection<never, unknown, unknown>;
  readonly sink: ScriptedSink;
}

const packet = { type: "message", connId: 1, message: Uint8Array.of(1) } as const;

/** A virtual connection that sends more than its link accepts, and then gets room. */
const drains = {
  message: (connection: Connection<Uint8Array>) => {
    for (let i = 0; i < 4; i++) connection.send(new Uint8Array(900));
  },
  highWater: 100,
};
const drain = async ({ say, link, sink }: FastwayEnds): Promise<void> => {
  sink.roomy = false;
  say(packet);
  await settled();
  sink.roomy = true;
  link.drained();
};

async function gateway(given: object, act: (say: (bytes: Uint8Array) => void) => unknown) {
  const clock = new ManualClock();
  const made = fastwayGateway({ dialect: "v2", clock, random: (n) => new Uint8Array(n), ...given });
  const connection = new Connection(made.protocol, new ScriptedSink(), {}, { clock });
  connection.opened();
  made.client(connection);
  await act((bytes) => connection.received(bytes));
  await settled();
  made.close();
}

// ---- sproto

const schema = parse(`
  .package { type 0 : integer  session 1 : integer }
  ask 1 { request { n 0 : integer }  response { n 0 : integer } }
`);
const rpc = sprotoRpc({ local: schema, remote: schema });

async function sproto(given: object, act: (ends: SprotoEnds) => unknown = () => {}) {
  const clock = new ManualClock();
  const [a, b] = [new ScriptedSink(), new ScriptedSink()];
  const server = new Connection(rpc, a, rpc.peers({ clock, ...given }), { clock });
  const client = new Connection(rpc, b, rpc.peers({ clock }), { clock });
  a.onWrite = (bytes) => client.received(bytes);
  b.onWrite = (bytes) => server.received(bytes);
  server.opened();
  client.opened();
  await act({ server: server as never, client });
  await settled();
  client.abort();
  server.abort();
}

interface SprotoEnds {
  readonly server: Connection<never, unknown, unknown>;
  readonly client: Connection<
    RpcSent,
    unknown,
    { request(name: "ask", args: { n: number }): Promise<unknown> }
  >;
}

const ask = ({ client }: SprotoEnds): void =>
  void client.context.request("ask", { n: 1 }).catch(() => {});

// ---- protobuf with header

async function headerServer(handlers: object, options: object = {}) {
  const sink = new ScriptedSink("message");
  const connection = new Connection(game.serverProtocol, sink, game.answer(handlers, options));
  connection.opened();
  const message = { account: "a" };
  connection.received(encodeFrame(game.clientProtocol, { type: "game.LoginReq", seq: 1, message }));
  await settled();
  connection.abort();
}

async function headerClient(given: object, act: (ends: HeaderEnds) => unknown = () => {}) {
  const client = game.client({ clock: new ManualClock(), ...given });
  const connection = new Connection(
    game.clientProtocol,
    new ScriptedSink("message"),
    client.handlers,
  );
  connection.opened();
  const sink: Sink = {
    ...({ boundary: "message", pause() {}, resume() {}, close() {}, abort() {} } as const),
    write: (bytes) => {
      connection.received(bytes);
      return true;
    },
  };
  const server = new Connection(game.serverProtocol, sink, { message() {} });
  server.opened();
  await act({ connection: connection as never, server });
  await settled();
  connection.abort();
}

interface HeaderEnds {
  readonly connection: Connection<never, unknown, unknown>;
  readonly server: { send(value: Parameters<typeof game.serverProtocol.encode>[0]): boolean };
}

// ---- skynet

const SECRET = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

async function skynetClient(given: object, act: (ends: SkynetEnds) => unknown = () => {}) {
  const clock = new ManualClock();
  const connections: Connection<never, unknown, unknown>[] = [];
  const client = new SkynetClient({
    ...{ clock, username: "u", secret: SECRET },
    connect: (protocol, handlers) => {
      const made = new Connection(protocol, new ScriptedSink(), handlers, { clock });
      connections.push(made as never);
      return made;
    },
    ...given,
  });
  const connection = connections[0]!;
  connection.opened();
  connection.received(encodeFrame(handshakePackages(), "200 OK"));
  await settled();
  await act({ connection });
  await settled();
  client.close();
}

interface SkynetEnds {
  readonly connection: Connection<never, unknown, unknown>;
}

/** A login server, and our client that logs in. */
async function skynetLoginTo(given: object) {
  const network = new Network();
  const { clock } = network;
  const random = (): Uint8Array => SECRET;
  const server = loginServer({
    authenticate: () => ({ uid: "u", server: "s" }),
    login: () => "1",
    ...{ random, clock, ...given },
  });
  listen(server.protocol, { network, port: 1, ...server.handlers });
  const login = skynetLogin({
    connect: (protocol, handlers) => connect(protocol, { network, port: 1, ...handlers }),
    ...{ token: "t", random, clock },
  });
  login.catch(() => {});
  await network.run(1000);
}

/** A message server with one client, which sends one request. */
async function skynetMessages(given: object, more: object = {}) {
  const clock = new ManualClock();
  const server = messageServer({ request: (_, content) => content, clock, ...given });
  const { username } = server.login({ uid: "u", server: "s", subid: "1", secret: SECRET });
  const handlers = { ...server.handlers, ...more };
  const connection = new Connection(server.protocol, new ScriptedSink(), handlers, { clock });
  connection.opened();
  const signed = `${username}:1`;
  const hmac = base64Encode(hmacHash(SECRET, signed));
  connection.received(encodeFrame(handshakePackages(), `${signed}:${hmac}`));
  connection.received(encodeFrame(requestPackages(), { content: SECRET, session: 1 }));
  await settled();
  connection.lost();
  await settled();
}

// ---- the table

/** Handlers whose bugs go to the session's `error` handler, if it has one. */
const CASES: Readonly<Record<string, (fail: Fail, more: OnError) => Promise<void>>> = {
  "goim client: open": (open, more) => goimClient({ open, ...more }),
  "goim client: push": (push, more) => goimClient({ push, ...more }, ({ say }) => say(1000, 0)),
  "goim client: online": (online, more) =>
    goimClient({ online, ...more }, ({ say }) => say(v2.heartbeatReply, 2, new Uint8Array(4))),
  "goim client: retry, connection lost": (retry, more) =>
    goimClient({ retry, ...more }, ({ connection }) => connection.lost()),
  "goim client: retry, in a timer": (retry, more) =>
    goimClient({ retry, ...more, heartbeat: 1000 }, ({ clock }) => clock.advance(1000)),

  "comet: authenticate": (authenticate, more) => comet({ authenticate, ...more }),
  "comet: request": (request, more) => comet({ request, ...more }, ({ say }) => say(4)),
  "comet: join": (join, more) => comet({ join, ...more }),

  "fastway, dialled: open": (open, more) => endpoint({ open, ...more }, "dialled"),
  "fastway, dialled: message": (message, more) =>
    endpoint({ message, ...more }, "dialled", ({ say }) => say(packet)),
  "fastway, dialled: drain": (drained, more) =>
    endpoint({ ...drains, drain: drained, ...more }, "dialled", drain),
  "fastway, called: open": (open, more) => endpoint({ open, ...more }, "called"),
  "fastway, called: message": (message, more) =>
    endpoint({ message, ...more }, "called", ({ say }) => say(packet)),
  "fastway, called: drain": (drained, more) =>
    endpoint({ ...drains, drain: drained, ...more }, "called", drain),

  "sproto: on": (on, more) => sproto({ on: { ask: on }, ...more }, ask),
  "sproto: failed": (failed, more) => sproto({ on: { ask: FAULTS.throws! }, failed, ...more }, ask),
  "sproto: stray request": (stray, more) => sproto({ unmatched: stray, ...more }, ask),
  "sproto: stray answer": (stray, more) =>
    sproto({ unmatched: stray, ...more }, ({ client }) =>
      client.send({ kind: "response", name: "ask", session: 9, args: { n: 1 }, ud: undefined }),
    ),
  "sproto: open": (open, more) => sproto({ open, ...more }),

  "skynet client: open": (open, more) => skynetClient({ open, ...more }),
  "skynet client: retry": (retry, more) =>
    skynetClient({ retry, ...more }, ({ connection }) => connection.lost()),
  "message server: open": (open, more) => skynetMessages({ open }, more),

  "header client: open": (open, more) => headerClient({ open, ...more }),
  "header client: push": (push, more) =>
    headerClient({ push: { "game.Notice": push }, ...more }, ({ server }) =>
      server.send({ kind: "push", type: "game.Notice", message: { text: "" } }),
    ),
  "header client: unexpected response": (unexpected, more) =>
    headerClient({ unmatched: unexpected, ...more }, ({ server }) =>
      server.send({ kind: "response", to: "game.LoginReq", message: { userid: 1 } }),
    ),
  "header client: unexpected error": (unexpected, more) =>
    headerClient({ unmatched: unexpected, ...more }, ({ server }) =>
      server.send({ kind: "error", seq: 9, code: "X", text: "" }),
    ),
};

/**
 * Bugs that are always printed: in handlers called at the end, and in those without an `error`
 * handler.
 */
const ALWAYS: Readonly<Record<string, (fail: Fail) => Promise<void>>> = {
  "goim client: close": (close) => goimClient({ close }),
  "goim client: close, in a timer": (close) =>
    goimClient({ close, reconnect: false, heartbeat: 1000 }, ({ clock }) => clock.advance(1000)),
  "goim client: error": (error) =>
    goimClient({ error }, ({ connection }) => connection.received(new Uint8Array(16))),
  "comet: leave": (leave) => comet({ leave }),
  "comet: error": (error) =>
    comet({ error }, ({ connection }) => connection.received(new Uint8Array(16))),
  "comet: error, of a client that is refused": (error) =>
    comet({ error, authenticate: () => undefined }),
  "fastway, dialled: close": (close) => endpoint({ close }, "dialled", close1),
  "fastway, called: close": (close) => endpoint({ close, open: () => {} }, "called", close1),
  "fastway, called: context": (context) =>
    endpoint({ context: sync(context), open: () => {} }, "called"),
  "fastway, dialled: error": (error) =>
    endpoint({ error, message: () => {}, maxQueued: 1, protocol: goim() }, "dialled", ({ say }) =>
      say(packet),
    ),
  "gateway: left": (left) => gateway({ left }, (say) => say(new Uint8Array(8))),
  "sproto: close": (close) => sproto({ close }),
  "sproto: error": (error) =>
    sproto({ error }, ({ server }) => server.received(Uint8Array.of(0, 0))),
  "skynet client: close": (close) => skynetClient({ close }),
  "skynet client: error": (error) =>
    skynetClient({ error }, ({ connection }) => connection.received(Uint8Array.of(0, 0))),
  "login server: authenticate": (authenticate) => skynetLoginTo({ authenticate }),
  "login server: login": (login) => skynetLoginTo({ login }),
  "login server: report": (report) => skynetLoginTo({ login: FAULTS.throws, report }),
  "message server: request": (request) => skynetMessages({ request }),
  "message server: report": (report) => skynetMessages({ request: FAULTS.throws, report }),
  "message server: close": (close) => skynetMessages({ close }),
  "header client: close": (close) => headerClient({ close }),
  "header client: error": (error) =>
    headerClient({ error }, ({ connection }) => connection.received(new Uint8Array([255]))),
  "header server: a handler": (handler) => headerServer({ "game.LoginReq": handler }),
  "header server: a handler of concurrent calls": (handler) =>
    headerServer({ "game.LoginReq": handler }, { concurrent: true }),
  "header server: report": (report) => headerServer({ "game.LoginReq": FAULTS.throws }, { report }),
};

const close1 = ({ say }: FastwayEnds): void => say({ type: "close", connId: 1 });
/** `context` returns a value, and is not awaited. */
const sync = (fail: Fail) => (): unknown => {
  const made = fail() as unknown;
  if (made instanceof Promise) made.catch(() => {});
  throw new Error("bug");
};

const failing = (fault: () => unknown): Fail => fault as Fail;
const faults = Object.keys(FAULTS);

describe.each(Object.keys(CASES))("a bug in %s", (name) => {
  it.each(faults)("that %s is printed once without an error handler", async (fault) => {
    await CASES[name]!(failing(FAULTS[fault]!), {});
    await settled();
    expect([bugs.length, uncaught]).toEqual([1, []]);
  });

  it.each(faults)("that %s is passed to the error handler once", async (fault) => {
    const errors: unknown[] = [];
    await CASES[name]!(failing(FAULTS[fault]!), { error: (_, error) => errors.push(error) });
    await settled();
    if (fault.includes("Proxy")) {
      // Nothing may look at it, an assertion included.
      expect([errors.length, errors[0] === HOSTILE, bugs, uncaught]).toEqual([1, true, [], []]);
      return;
    }
    const thrown = fault.endsWith("null") ? null : expect.objectContaining({ message: "bug" });
    expect([errors, bugs, uncaught]).toEqual([[thrown], [], []]);
  });
});

describe.each(Object.keys(ALWAYS))("a bug in %s", (name) => {
  it.each(faults)("that %s is printed once", async (fault) => {
    await ALWAYS[name]!(failing(FAULTS[fault]!));
    await settled();
    expect([bugs.length, uncaught]).toEqual([1, []]);
  });
});
