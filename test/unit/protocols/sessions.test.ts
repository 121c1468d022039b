import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type CloseInfo,
  Connection,
  encodeAll,
  encodeFrame,
  lines,
  utf8,
} from "../../../src/index.ts";
import {
  type FastwayEndpoint,
  fastway,
  fastwayClient,
  fastwayGateway,
  fastwayServer,
  type VirtualConnection,
} from "../../../src/protocols/fastway/index.ts";
import {
  Comet,
  GoimClient,
  goim,
  operations,
  type Packet,
} from "../../../src/protocols/goim/index.ts";
import {
  answerPackages,
  handshakePackages,
  SkynetClient,
} from "../../../src/protocols/skynet/index.ts";
import { parse, type RpcPeer, sprotoRpc } from "../../../src/protocols/sproto/index.ts";
import { wasSent } from "../../../src/session/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";
import { game } from "./protobuf/game.ts";

// Behaviour that all sessions share: peers that vanish while a handler waits, limited calls,
// checked options.

let printed: string[];
let uncaught: unknown[];
const collect = (error: unknown): void => void uncaught.push(error);
const EVENTS = ["uncaughtException", "unhandledRejection"] as const;
let others: (() => void)[];

beforeEach(() => {
  printed = [];
  uncaught = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => void printed.push(line));
  others = EVENTS.flatMap((event) =>
    process
      .listeners(event as "uncaughtException")
      .map((run) => () => void process.on(event as "uncaughtException", run)),
  );
  for (const event of EVENTS) {
    process.removeAllListeners(event);
    process.on(event, collect);
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const event of EVENTS) process.removeListener(event, collect);
  for (const again of others) again();
});

const settled = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve));
};
const codeOf = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code;

const v2 = fastway({ dialect: "v2" });
const ascii = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text, (char) => char.charCodeAt(0));

const schema = parse(`
  .package { type 0 : integer  session 1 : integer }
  ask 1 { request { n 0 : integer }  response { n 0 : integer } }
`);
const rpc = sprotoRpc({ local: schema, remote: schema });

type AnyConnection = Connection<never, unknown, unknown>;

/** Ways for a connection to end while a handler waits for an answer. */
const ENDS: Readonly<Record<string, (connection: AnyConnection) => void>> = {
  FIN: (connection) => connection.ended(),
  "FIN and the end": (connection) => {
    connection.ended();
    connection.lost();
  },
  reset: (connection) => connection.lost(Object.assign(new Error("reset"), { code: "ECONNRESET" })),
  "abort()": (connection) => connection.abort(),
  "close()": (connection) => connection.close(),
};

/**
 * Sessions with a handler that sends a request and waits; each returns its connection, and adds the
 * outcome to `codes`.
 */
const ASKING: Readonly<
  Record<string, (codes: unknown[]) => AnyConnection | Promise<AnyConnection>>
> = {
  "sproto, open": (codes) => {
    const open = (peer: RpcPeer): Promise<unknown> => noted(codes, peer.request("ask", { n: 1 }));
    const connection = new Connection(rpc, new ScriptedSink(), rpc.peers({ open }));
    connection.opened();
    return connection as never;
  },
  "sproto, a call": (codes) => {
    const clock = new ManualClock();
    const on = {
      ask: async (_: unknown, { peer }: { peer: RpcPeer }) => {
        await noted(codes, peer.request("ask", { n: 1 }));
        return { n: 1 };
      },
    };
    const connection = new Connection(rpc, new ScriptedSink(), rpc.peers({ on, clock }), { clock });
    connection.opened();
    connection.received(
      encodeFrame(rpc, { kind: "request", name: "ask", args: { n: 1 }, session: 1, ud: undefined }),
    );
    return connection as never;
  },
  "goim client, open": (codes) => {
    const clock = new ManualClock();
    let made: AnyConnection | undefined;
    new GoimClient({
      clock,
      token: Uint8Array.of(1),
      connect: (protocol, handlers) => {
        const connection = new Connection(protocol, new ScriptedSink(), handlers, { clock });
        made ??= connection as never;
        return connection;
      },
      open: (client) => noted(codes, client.request(operations.v2.changeRoom)),
    });
    made!.opened();
    made!.received(encodeFrame(goim(), { op: operations.v2.authReply, seq: 1 }));
    return made!;
  },
  "goim client, push": (codes) => {
    const clock = new ManualClock();
    let made: AnyConnection | undefined;
    new GoimClient({
      clock,
      token: Uint8Array.of(1),
      connect: (protocol, handlers) => {
        const connection = new Connection(protocol, new ScriptedSink(), handlers, { clock });
        made ??= connection as never;
        return connection;
      },
      push: (client) => noted(codes, client.request(operations.v2.changeRoom)),
    });
    made!.opened();
    made!.received(encodeFrame(goim(), { op: operations.v2.authReply, seq: 1 }));
    made!.received(encodeFrame(goim(), { op: 1000, seq: 0 }));
    return made!;
  },
  "header client, open": (codes) => {
    const client = game.client({
      clock: new ManualClock(),
      open: () => noted(codes, client.request("game.LoginReq", { account: "a" })),
    });
    const sink = new ScriptedSink("message");
    const connection = new Connection(game.clientProtocol, sink, client.handlers);
    connection.opened();
    return connection as never;
  },
  "header client, push": (codes) => {
    const client = game.client({
      clock: new ManualClock(),
      push: {
        "game.Notice": () => noted(codes, client.request("game.LoginReq", { account: "a" })),
      },
    });
    const sink = new ScriptedSink("message");
    const connection = new Connection(game.clientProtocol, sink, client.handlers);
    connection.opened();
    const push = { kind: "push", type: "game.Notice", message: { text: "" } } as const;
    connection.received(encodeFrame(game.serverProtocol, push));
    return connection as never;
  },
  "fastway, a dial in open": (codes) => {
    const clock = new ManualClock();
    const link = new Connection(v2, new ScriptedSink(), {}, { clock });
    link.opened();
    const client: FastwayEndpoint = fastwayClient(link, {
      clock,
      open: (): Promise<unknown> => noted(codes, client.dial(2, { timeout: 0 })),
    });
    link.received(encodeFrame(v2, { type: "connect", connId: 1, remoteId: 1 }));
    return link as never;
  },
};

const changed = encodeFrame(goim(), { op: operations.v2.changeRoomReply, seq: 3 });
const found = encodeFrame(rpc, {
  ...{ kind: "response", name: "ask", session: 1, args: { n: 1 }, ud: undefined },
});
const welcome = encodeFrame(game.serverProtocol, {
  ...{ kind: "response", to: "game.LoginReq", message: { userid: 5 } },
});
/** The answers to these requests. */
const ANSWERS: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "sproto, open": found,
  "sproto, a call": found,
  // After the token and a heartbeat.
  "goim client, open": changed,
  "goim client, push": changed,
  "header client, open": welcome,
  "header client, push": welcome,
  "fastway, a dial in open": encodeFrame(v2, { type: "accept", connId: 2, remoteId: 2 }),
};

async function noted(codes: unknown[], promise: Promise<unknown>): Promise<unknown> {
  try {
    const answer = await promise;
    codes.push("answered");
    return answer;
  } catch (error) {
    codes.push(codeOf(error));
    throw error;
  }
}

describe.each(Object.keys(ASKING))("%s: a handler that waits for an answer", (name) => {
  it.each(Object.keys(ENDS))("reports no bug when the connection ends by %s", async (how) => {
    const codes: unknown[] = [];
    const connection = await ASKING[name]!(codes);
    await settled();
    expect(codes).toEqual([]);
    ENDS[how]!(connection);
    await settled();
    expect(codes).toEqual(["closed"]);
    expect(printed.filter((line) => line.includes("handler failed"))).toEqual([]);
    expect(uncaught).toEqual([]);
    connection.abort();
  });

  it("receives its answer before waiting calls and pushes", async () => {
    const codes: unknown[] = [];
    const connection = await ASKING[name]!(codes);
    await settled();
    connection.received(ANSWERS[name]!);
    await settled();
    expect(codes).toEqual(["answered"]);
    connection.abort();
  });

  it("receives an answer that arrived before the peer's end", async () => {
    const codes: unknown[] = [];
    const connection = await ASKING[name]!(codes);
    await settled();
    connection.pause();
    connection.ended();
    await settled();
    // A message before the end may still be the answer.
    const isRead = connection.state === "closed";
    connection.resume();
    await settled();
    expect([isRead, codes]).toEqual([false, ["closed"]]);
    connection.abort();
  });
});

/** A session that sends a request before its connection is open. */
interface Early {
  ask(signal?: AbortSignal): Promise<unknown>;
  /** Opens the connection, and does the protocol's first steps. */
  open(): void;
  sink: ScriptedSink;
  answer(): void;
}

const EARLY: Readonly<Record<string, () => Early>> = {
  goim: () => {
    const clock = new ManualClock();
    const sink = new ScriptedSink();
    let made: AnyConnection | undefined;
    const client = new GoimClient({
      clock,
      token: Uint8Array.of(1),
      connect: (protocol, handlers) => {
        const connection = new Connection(protocol, sink, handlers, { clock });
        made = connection as never;
        return connection;
      },
    });
    const say = (op: number, seq: number): void => {
      made!.received(encodeFrame(goim(), { op, seq }));
    };
    return {
      ask: (signal) => client.request(operations.v2.changeRoom, undefined, { signal }),
      open() {
        made!.opened();
        say(operations.v2.authReply, 1);
      },
      sink,
      // After the token and a heartbeat.
      answer: () => say(operations.v2.changeRoomReply, 3),
    };
  },
  "fastway v1": () => {
    const v1 = fastway({ dialect: "v1" });
    const sink = new ScriptedSink();
    const clock = new ManualClock();
    const link = new Connection(v1, sink, {}, { clock });
    const client = fastwayClient(link, { clock });
    return {
      ask: (signal) => client.dial(7, { signal }),
      open: () => link.opened(),
      sink,
      answer() {
        link.received(encodeFrame(v1, { type: "open", connId: 5 }));
        link.received(encodeFrame(v1, { type: "accept", connId: 5, remoteId: 7 }));
      },
    };
  },
  "fastway v2": () => {
    const sink = new ScriptedSink();
    const clock = new ManualClock();
    const link = new Connection(v2, sink, {}, { clock });
    const client = fastwayClient(link, { clock });
    return {
      ask: (signal) => client.dial(7, { signal }),
      open: () => link.opened(),
      sink,
      answer: () => link.received(encodeFrame(v2, { type: "accept", connId: 5, remoteId: 7 })),
    };
  },
  sproto: () => {
    const sink = new ScriptedSink();
    const connection = new Connection(rpc, sink, rpc.peers({ clock: new ManualClock() }));
    return {
      ask: (signal) => connection.context.request("ask", { n: 1 }, { signal }),
      open: () => connection.opened(),
      sink,
      answer() {
        const response = { kind: "response", name: "ask", session: 1, args: { n: 1 } } as const;
        connection.received(encodeFrame(rpc, { ...response, ud: undefined }));
      },
    };
  },
  skynet: () => {
    const clock = new ManualClock();
    const sink = new ScriptedSink();
    let made!: Connection<string>;
    const client = new SkynetClient({
      ...{ clock, username: "u", secret: ascii("01234567") },
      connect: (protocol, handlers) => {
        made = new Connection(protocol, sink, handlers, { clock });
        return made;
      },
    });
    return {
      ask: (signal) => client.request(ascii("a"), { signal }),
      open() {
        made.opened();
        made.received(encodeFrame(handshakePackages(), "200 OK"));
      },
      sink,
      answer: () => {
        made.received(encodeFrame(answerPackages(), { content: ascii("b"), ok: true, session: 1 }));
      },
    };
  },
  protobuf: () => {
    const client = game.client({ clock: new ManualClock() });
    const sink = new ScriptedSink("message");
    const connection = new Connection(game.clientProtocol, sink, client.handlers);
    return {
      ask: (signal) => client.request("game.LoginReq", { account: "a" }, { signal }),
      open: () => connection.opened(),
      sink,
      answer() {
        const message = { userid: 5 };
        const response = { kind: "response", to: "game.LoginReq", message } as const;
        connection.received(encodeFrame(game.serverProtocol, response));
      },
    };
  },
};

describe.each(Object.keys(EARLY))("%s: a request before the connection is open", (name) => {
  it("waits for it, and is answered", async () => {
    const { ask, open, sink, answer } = EARLY[name]!();
    const asked = ask();
    await settled();
    expect(sink.writes).toEqual([]);
    open();
    await settled();
    expect(sink.writes.length).toBeGreaterThan(0);
    answer();
    await asked;
  });

  it("is aborted by its signal, with its reason, and is never sent", async () => {
    const { ask, open, sink } = EARLY[name]!();
    const other = EARLY[name]!();
    const given = new AbortController();
    const asked = ask(given.signal);
    given.abort(new Error("no longer wanted"));
    await expect(asked).rejects.toThrow("no longer wanted");
    await asked.catch((error) => expect(wasSent(error)).toBe(false));
    for (const one of [open, other.open]) one();
    await settled();
    expect(sink.writes).toEqual(other.sink.writes);
  });

  it("is aborted by its signal after it was sent, too", async () => {
    const { ask, open } = EARLY[name]!();
    const given = new AbortController();
    const asked = ask(given.signal);
    open();
    await settled();
    given.abort(new Error("no longer wanted"));
    await expect(asked).rejects.toThrow("no longer wanted");
    await asked.catch((error) => expect(wasSent(error)).toBe(true));
  });
});

describe("calls of a peer", () => {
  const COUNT = 200_000;
  const request = encodeFrame(rpc, {
    ...({ kind: "request", name: "ask", args: { n: 1 }, ud: undefined } as const),
    session: 1,
  });
  const flood = (frame: Uint8Array, count: number): Uint8Array => {
    const all = new Uint8Array(frame.length * count);
    for (let i = 0; i < count; i++) all.set(frame, i * frame.length);
    return all;
  };

  it("of sproto run in limited numbers, and too many close the connection", async () => {
    let running = 0;
    let most = 0;
    let begun = 0;
    const closes: CloseInfo[] = [];
    const on = {
      ask: () => {
        begun++;
        most = Math.max(most, ++running);
        return new Promise<never>(() => {});
      },
    };
    const clock = new ManualClock();
    const peers = rpc.peers({ on, clock, close: (_, info) => closes.push(info), error: () => {} });
    const connection = new Connection(rpc, new ScriptedSink(), peers, { clock });
    connection.opened();
    connection.received(flood(request, COUNT));
    await settled();
    expect([most, begun]).toEqual([64, 64]);
    expect(closes.map(({ error }) => codeOf(error))).toEqual(["overflow"]);
  });

  it("of sproto are all answered, in chunks, if the handlers keep up", async () => {
    let running = 0;
    let most = 0;
    const on = {
      ask: async ({ n }: { n?: number | bigint }) => {
        most = Math.max(most, ++running);
        await undefined;
        running--;
        return { n: n! };
      },
    };
    const clock = new ManualClock();
    const sink = new ScriptedSink();
    const connection = new Connection(rpc, sink, rpc.peers({ on, clock }), { clock });
    connection.opened();
    const perChunk = 5000;
    let written = 0;
    sink.onWrite = (bytes) => {
      written += bytes.length;
    };
    for (let i = 0; i < COUNT; i += perChunk) {
      connection.received(flood(request, perChunk));
      await settled();
    }
    expect(most).toBe(64);
    expect(connection.state).toBe("open");
    const answer = encodeFrame(rpc, {
      ...({ kind: "response", name: "ask", args: { n: 1 }, ud: undefined } as const),
      session: 1,
    });
    expect(written).toBe(COUNT * answer.length);
    connection.abort();
  }, 60_000);

  it("of sproto do not delay answers", async () => {
    const clock = new ManualClock();
    const got: unknown[] = [];
    const on = {
      ask: async (_: unknown, { peer, session }: { peer: RpcPeer; session: unknown }) => {
        if (session !== 1) return new Promise<never>(() => {});
        got.push(await peer.request("ask", { n: 7 }));
        return { n: 1 };
      },
    };
    const connection = new Connection(rpc, new ScriptedSink(), rpc.peers({ on, clock }), { clock });
    connection.opened();
    const calls = Array.from({ length: 300 }, (_, i) => ({
      ...({ kind: "request", name: "ask", args: { n: 1 }, ud: undefined } as const),
      session: i + 1,
    }));
    connection.received(encodeAll(rpc, calls));
    connection.received(
      encodeFrame(rpc, {
        ...({ kind: "response", name: "ask", args: { n: 8 }, ud: undefined } as const),
        session: 1,
      }),
    );
    await settled();
    expect(got).toEqual([{ n: 8 }]);
    connection.abort();
  });

  it.each([
    [false, 1],
    [true, 64],
  ])("of a header server run one by one, or (concurrent: %s) %i", async (concurrent, allowed) => {
    let begun = 0;
    const never = {
      "game.LoginReq": () => {
        begun++;
        return new Promise<never>(() => {});
      },
    };
    const sink = new ScriptedSink("message");
    const handlers = { ...game.answer(never, { concurrent }), error: () => {} };
    // The clock stands still: on a slow machine the turn would otherwise end before the last one.
    const connection = new Connection(game.serverProtocol, sink, handlers, {
      clock: new ManualClock(),
      maxQueued: 100_000,
    });
    connection.opened();
    const message = { account: "a" };
    const login = encodeFrame(game.clientProtocol, { type: "game.LoginReq", seq: 1, message });
    for (let i = 0; i < 2000; i++) connection.received(login.slice());
    await settled();
    expect([begun, connection.state]).toEqual([allowed, "closed"]);
  });

  it("of a comet run one by one", async () => {
    let begun = 0;
    const done: (() => void)[] = [];
    const clock = new ManualClock();
    const comet = new Comet({
      clock,
      authenticate: () => ({ user: 1 }),
      request: (_, { seq }: Packet) => {
        begun++;
        return new Promise<Uint8Array>((resolve) => done.push(() => resolve(Uint8Array.of(seq))));
      },
    });
    const sink = new ScriptedSink();
    const connection = new Connection(comet.protocol, sink, comet.handlers, { clock });
    connection.opened();
    connection.received(encodeFrame(goim(), { op: operations.v2.auth, seq: 1 }));
    connection.received(flood(encodeFrame(goim(), { op: 4, seq: 2 }), 1000));
    await settled();
    expect([begun, sink.calls.at(-1)]).toEqual([1, "pause"]);
    done[0]!();
    await settled();
    expect(begun).toBe(2);
    connection.abort();
  });
});

describe("virtual connections", () => {
  const text = lines().wrap(utf8());

  /** A server's end of three client connections. */
  async function called(options: Parameters<typeof fastwayClient<string>>[1]) {
    const clock = new ManualClock();
    const sink = new ScriptedSink();
    const link = new Connection(v2, sink, {}, { clock, handlerErrors: "throw" });
    link.opened();
    const server = fastwayClient<string>(link, {
      clock,
      pingInterval: 0,
      protocol: text,
      ...options,
    });
    const say = (connId: number, message: string): void =>
      link.received(encodeFrame(v2, { type: "message", connId, message: ascii(message) }));
    for (const connId of [1, 2, 3]) {
      link.received(encodeFrame(v2, { type: "connect", connId, remoteId: connId }));
    }
    await settled();
    sink.writes.length = 0;
    const sent = async (): Promise<string[]> => {
      await settled();
      return sink.writes.splice(0).flatMap((bytes) => decode(bytes));
    };
    return { link, server, say, sent, clock };
  }

  const decode = (bytes: Uint8Array): string[] => {
    const found: string[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
      const value = v2.decode(bytes, at, at + length);
      if (value.type === "message") {
        found.push(`${value.connId} ${String.fromCharCode(...value.message).trim()}`);
      } else if (value.type === "close") found.push(`${value.connId} close`);
      at += length;
    }
    return found;
  };

  const echo = async (connection: VirtualConnection<string>): Promise<void> => {
    for await (const line of connection) connection.send(line);
  };

  it("that are iterated in `open` are served concurrently, and an error of a peer closes only its own", async () => {
    const { link, say, sent, server } = await called({ open: echo });
    say(1, "a\n");
    say(2, "b\n");
    say(3, "c\n");
    expect(await sent()).toEqual(["1 a", "2 b", "3 c"]);
    say(1, "half");
    expect(await sent()).toEqual(["1 close"]);
    say(2, "d\n");
    expect(await sent()).toEqual(["2 d"]);
    link.received(encodeFrame(v2, { type: "close", connId: 1 }));
    expect([server.size, link.state, uncaught]).toEqual([2, "open", []]);
    // The iterator received the error.
    expect(printed).toEqual([]);
    link.abort();
  });

  it("await their handlers, one message at a time", async () => {
    const log: string[] = [];
    const done: (() => void)[] = [];
    const { link, say, sent } = await called({
      message: async (connection, line) => {
        log.push(`begin ${line}`);
        await new Promise<void>((resolve) => done.push(resolve));
        connection.send(line);
      },
    });
    say(1, "a\n");
    say(1, "b\n");
    say(2, "c\n");
    await settled();
    expect(log).toEqual(["begin a", "begin c"]);
    done[0]!();
    expect(await sent()).toEqual(["1 a"]);
    expect(log).toEqual(["begin a", "begin c", "begin b"]);
    link.abort();
  });

  it("that the other end closed wait for their handlers, and deliver earlier messages", async () => {
    const log: string[] = [];
    const done: (() => void)[] = [];
    const { link, say } = await called({
      message: async (_, line) => {
        await new Promise<void>((resolve) => done.push(resolve));
        log.push(line);
      },
      close: (connection, { by }) => log.push(`${connection.connId} ${by}`),
    });
    say(1, "a\n");
    say(1, "b\n");
    link.received(encodeFrame(v2, { type: "close", connId: 1 }));
    await settled();
    expect(log).toEqual([]);
    done[0]!();
    await settled();
    done[1]!();
    await settled();
    expect(log).toEqual(["a", "b", "1 peer"]);
    link.abort();
  });

  it("from the other side print bugs; dialled ones inherit from their link", async () => {
    const bug = (): never => {
      throw new Error("bug");
    };
    const { link, say, server } = await called({ message: bug });
    say(1, "a\n");
    await settled();
    expect(printed.filter((line) => line.includes("handler failed")).length).toBe(1);
    expect(uncaught).toEqual([]);
    const dial = server.dial(9, { timeout: 0, protocol: text, message: bug });
    link.received(encodeFrame(v2, { type: "accept", connId: 9, remoteId: 9 }));
    await dial;
    say(9, "a\n");
    await settled();
    expect(uncaught).toEqual([new Error("bug")]);
    for (const connId of [1, 9]) link.received(encodeFrame(v2, { type: "close", connId }));
    expect([server.size, link.state]).toEqual([2, "open"]);
    link.abort();
  });

  it("report a failure of their link, once each", async () => {
    const errors: unknown[] = [];
    const { link } = await called({
      message: () => {},
      error: (connection, error) => errors.push([connection.connId, codeOf(error)]),
    });
    link.lost(new Error("cable"));
    await settled();
    expect(errors).toEqual([1, 2, 3].map((connId) => [connId, "closed"]));
  });

  it("whose context fails are refused; dials are rejected", async () => {
    const context = (): never => {
      throw new Error("bug");
    };
    const { link, server, sent } = await called({ message: () => {} });
    const dial = server.dial(9, { timeout: 0, context });
    link.received(encodeFrame(v2, { type: "accept", connId: 9, remoteId: 9 }));
    await expect(dial).rejects.toThrow("bug");
    expect(await sent()).toContain("9 close");
    expect([server.size, link.state]).toEqual([3, "open"]);
    link.abort();
  });
});

describe("options of sessions", () => {
  const random = (count: number): Uint8Array => new Uint8Array(count);
  const link = (): Connection<never, never, never> => {
    const made = new Connection(v2, new ScriptedSink(), {});
    made.opened();
    return made as never;
  };
  const connect = (): never => {
    throw new Error("offline");
  };
  const makers: Readonly<Record<string, readonly [(given: object) => unknown, ...string[]]>> = {
    GoimClient: [
      (given) => new GoimClient({ connect, token: random(1), clock: new ManualClock(), ...given }),
      ...["timeout", "connectTimeout", "authTimeout", "maxPending", "heartbeat"],
      "inFlight",
    ],
    Comet: [
      (given) => new Comet({ authenticate: () => undefined, ...given }),
      ...["authTimeout", "heartbeatTimeout", "maxBacklog", "maxAccepts"],
    ],
    peers: [(given) => rpc.peers(given), "timeout", "maxPending"],
    client: [(given) => game.client(given), "timeout", "maxPending"],
    answer: [(given) => game.answer({}, given)],
    fastwayClient: [
      (given) => fastwayClient(link(), given),
      ...["backlog", "pingInterval", "pingTimeout", "maxQueued", "highWater", "idleTimeout"],
    ],
    fastwayServer: [
      (given) => fastwayServer(link(), { serverId: 1, ...given }),
      ...["authTimeout", "backlog", "frameTimeout", "serverId"],
    ],
    fastwayGateway: [
      (given) => fastwayGateway({ dialect: "v2", random, ...given }),
      ...["maxHeld", "maxConn", "clientIdle", "serverIdle", "authTimeout", "maxUnproven"],
    ],
  };

  it.each(Object.entries(makers))("of %s: unknown names are refused", (_, [make]) => {
    expect(() => make({ tiemout: 1 })).toThrow(/has no option "tiemout"; use /);
  });

  it.each(
    Object.entries(makers).flatMap(([name, [make, ...limits]]) =>
      limits.map((limit) => [name, limit, make] as const),
    ),
  )("of %s: %s must be a number >= 0", (_, limit, make) => {
    for (const wrong of [Number.NaN, -1, "5"]) {
      expect(() => make({ [limit]: wrong })).toThrow(RangeError);
    }
  });

  it("of a dial reject its promise if invalid", async () => {
    const client = fastwayClient(link(), { clock: new ManualClock() });
    await expect(client.dial(1, { tiemout: 1 } as object)).rejects.toThrow(/has no option/);
    for (const wrong of [{ timeout: -1 }, { maxQueued: Number.NaN }]) {
      await expect(client.dial(1, wrong)).rejects.toThrow(RangeError);
    }
    client.abort();
  });
});
