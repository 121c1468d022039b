import { describe, expect, it } from "vitest";
import {
  Connection,
  decodeAll,
  decodeFrame,
  decodeUtf8,
  encodeAll,
  encodeFrame,
  ProtocolError,
} from "../../../../src/index.ts";
import {
  type Admission,
  authToken,
  batch,
  Comet,
  type CometOptions,
  type CometSession,
  goim,
  goimJson,
  operations,
  type Packet,
  type PacketToSend,
} from "../../../../src/protocols/goim/index.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { settle } from "../../../support/settle.ts";
import { bugsPrintedBy, printedBy } from "../../../support/uncaught.ts";

const { v1, v2 } = operations;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

interface User {
  readonly name: string;
}

/** Tokens are text: a name, a room, a key and operations, separated by spaces. */
function admission(token: Uint8Array): Admission<User> | undefined {
  const [name = "", room, key, accepts] = decodeUtf8(token).split(" ");
  if (name === "") return undefined;
  return {
    user: { name },
    room,
    ...(key && { key }),
    ...(accepts && { accepts: accepts.split(",").map(Number) }),
  };
}

function codeOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  return error instanceof ProtocolError ? error.code : (error as Error).message;
}

function setup(options: Partial<CometOptions<User, Uint8Array>> = {}) {
  const clock = new ManualClock();
  const events: unknown[][] = [];
  const codes: string[] = [];
  const comet = new Comet<User>({
    clock,
    authenticate: admission,
    join: (session) => events.push(["join", session.user.name]),
    leave: (session, { by }) => events.push(["leave", session.user.name, session.room, by]),
    error: (_, error) => codes.push(codeOf(error) ?? ""),
    ...options,
  });
  return { comet, clock, events, codes };
}

/** A client; the test plays it. */
function dial(comet: Comet<User>, clock: ManualClock, boundary: "stream" | "message" = "stream") {
  const sink = new ScriptedSink(boundary);
  const protocol = boundary === "stream" ? comet.protocol : comet.messageProtocol;
  const closed: string[] = [];
  const { handlers } = comet;
  const connection = new Connection(
    protocol,
    sink,
    {
      ...handlers,
      close: (self: Connection<PacketToSend, Packet, CometSession<User>>, info) => {
        closed.push(codeOf(info.error) ?? info.by);
        return handlers.close?.(self, info);
      },
    },
    { clock },
  );
  connection.opened();
  let read = 0;
  return {
    connection,
    session: connection.context,
    sink,
    closed,
    send: (...packets: PacketToSend[]) => {
      if (boundary === "stream") connection.received(encodeAll(goim(), packets));
      else for (const packet of packets) connection.received(encodeFrame(goim(), packet));
    },
    /** Returns the packets since the last call. */
    got: (): Packet[] => {
      const writes = sink.writes.slice(read);
      read = sink.writes.length;
      return writes.flatMap((bytes) => decodeAll(goim(), bytes));
    },
  };
}

function member(world: ReturnType<typeof setup>, token: string, boundary?: "stream" | "message") {
  const client = dial(world.comet, world.clock, boundary);
  client.send({ op: v2.auth, seq: 1, body: text(token) });
  expect(client.got()).toEqual([{ ver: 1, op: 8, seq: 1, body: new Uint8Array(0) }]);
  return client;
}

describe("Comet", () => {
  it("admits clients that `authenticate` accepts", () => {
    const world = setup();
    const { comet, events } = world;
    const client = member(world, "ann live://1 a 1000");
    expect(events).toEqual([["join", "ann"]]);
    expect([...comet.sessions]).toEqual([client.session]);
    expect(comet.get("a")).toBe(client.session);
    expect([...comet.room("live://1")]).toEqual([client.session]);
    expect([client.session.user.name, client.session.room, client.session.key]).toEqual([
      "ann",
      "live://1",
      "a",
    ]);
    expect([client.session.accepts(1000), client.session.accepts(1001)]).toEqual([true, false]);
    client.connection.lost();
    expect(events.at(-1)).toEqual(["leave", "ann", "live://1", "peer"]);
    expect([comet.sessions.size, comet.room("live://1").size, comet.get("a")]).toEqual([
      0,
      0,
      undefined,
    ]);
    // A client that has left goes nowhere.
    client.session.move("live://2");
    expect(comet.room("live://2").size).toBe(0);
    expect(client.session.push({ op: 1000 })).toBe(false);
    expect(world.clock.waiting).toBe(0);
  });

  it("puts clients into a room only when they are admitted", () => {
    const { comet, clock } = setup({
      authenticate: (token, session) => {
        session.move("early");
        return admission(token);
      },
    });
    const refused = dial(comet, clock);
    refused.send({ op: v2.auth, seq: 1, body: text("") });
    expect([refused.closed, comet.room("early").size]).toEqual([["refused"], 0]);
    const known = dial(comet, clock);
    known.send({ op: v2.auth, seq: 1, body: text("ann r") });
    expect([known.session.room, comet.room("early").size, comet.room("r").size]).toEqual([
      "r",
      0,
      1,
    ]);
  });

  it("limits the subscriptions of a client", () => {
    const world = setup({ maxAccepts: 3 });
    const client = member(world, "ann r k 1,2");
    client.send(
      { op: v2.subscribe, seq: 2, body: text("3,2,1") },
      { op: v2.unsubscribe, seq: 3, body: text("1") },
      { op: v2.subscribe, seq: 4, body: text("4") },
    );
    expect(client.got().map(({ op }) => op)).toEqual([15, 17, 15]);
    client.send({ op: v2.subscribe, seq: 5, body: text("5") });
    expect([client.closed, world.codes]).toEqual([["overflow"], ["overflow"]]);
    // The default is 4096.
    const wide = member(setup(), "ann r k 1");
    const list = (from: number): Uint8Array =>
      text(Array.from({ length: 819 }, (_, i) => 1000 + from + i).join(","));
    for (let i = 0; i < 5; i++) wide.send({ op: v2.subscribe, body: list(819 * i) });
    expect(wide.closed).toEqual([]);
    wide.send({ op: v2.subscribe, body: text("9,8") });
    expect(wide.closed).toEqual(["overflow"]);
    // A client that accepts everything keeps no list.
    const all = member(world, "bob");
    for (let i = 0; i < 10; i++) all.send({ op: v2.subscribe, body: list(819 * i) });
    expect(all.closed).toEqual([]);
  });

  it("disconnects clients that `authenticate` rejects, without a reply", () => {
    const { comet, clock, events } = setup();
    const client = dial(comet, clock);
    client.send({ op: v2.auth, seq: 1, body: text("") });
    expect([client.closed, client.got(), events]).toEqual([["refused"], [], []]);
    expect(clock.waiting).toBe(0);
  });

  it("prints rejected clients as one line if there is no error handler", async () => {
    const lines = await printedBy(() => {
      const { comet, clock } = setup({ error: undefined });
      for (let i = 0; i < 3; i++) {
        const client = dial(comet, clock);
        client.send({ op: v2.auth, seq: 1, body: text("") });
        expect(client.closed).toEqual(["refused"]);
      }
      dial(comet, clock);
      clock.advance(5000);
    });
    expect(lines).toEqual([
      expect.stringMatching(/^framewright: .*: refused: token refused$/),
      expect.stringMatching(/^framewright: .*: timeout: /),
    ]);
  });

  it("disconnects a client even if the error handler throws", async () => {
    const bug = new Error("bug");
    const { comet, clock } = setup({
      error: () => {
        throw bug;
      },
    });
    const client = dial(comet, clock);
    expect(await bugsPrintedBy(() => clock.advance(5000))).toEqual([bug.message]);
    expect(client.closed).toEqual(["timeout"]);
  });

  it("times out a client without a token", () => {
    const { comet, clock } = setup();
    const client = dial(comet, clock);
    client.send({ op: v2.heartbeat, seq: 1 }, { op: 4, seq: 2 });
    expect(client.got()).toEqual([]);
    clock.advance(4999);
    expect(client.closed).toEqual([]);
    clock.advance(1);
    expect(client.closed).toEqual(["timeout"]);
  });

  it("waits without limit if the timeouts are 0", () => {
    const world = setup({ authTimeout: 0, heartbeatTimeout: 0 });
    const stranger = dial(world.comet, world.clock);
    const client = member(world, "ann");
    world.clock.advance(1e9);
    expect([stranger.closed, client.closed, world.clock.waiting]).toEqual([[], [], 0]);
  });

  it("handles packets after a slow authentication, in order", async () => {
    const { comet, clock } = setup({
      authenticate: (token) =>
        new Promise((resolve) => clock.after(100, () => resolve(admission(token)))),
    });
    const client = dial(comet, clock);
    client.send({ op: v2.auth, seq: 1, body: text("ann") }, { op: v2.heartbeat, seq: 2 });
    expect(client.got()).toEqual([]);
    clock.advance(100);
    await settle();
    expect(client.got().map(({ op }) => op)).toEqual([8, 3]);

    const other = dial(comet, clock);
    other.send({ op: v2.auth, seq: 1, body: text("bob") });
    other.connection.lost();
    clock.advance(100);
    await settle();
    expect(comet.sessions.size).toBe(1);
  });

  it("answers heartbeats with the room's size, and disconnects silent clients", () => {
    const world = setup({ heartbeatTimeout: 1000 });
    const client = member(world, "ann r");
    member(world, "bob r");
    member(world, "eve");
    world.clock.advance(900);
    client.send({ op: v2.heartbeat, ver: 7, seq: 9, body: text("ignored") });
    expect(client.got()).toEqual([{ ver: 7, op: 3, seq: 9, body: Uint8Array.of(0, 0, 0, 2) }]);
    world.clock.advance(999);
    expect(client.closed).toEqual([]);
    client.send({ op: 4 });
    world.clock.advance(999);
    expect(client.closed).toEqual([]);
    world.clock.advance(1);
    expect(client.closed).toEqual(["timeout"]);
  });

  it("changes rooms and subscriptions, and repeats the request's body", () => {
    const world = setup();
    const { comet } = world;
    const client = member(world, "ann r k 1,2");
    client.send(
      { op: v2.changeRoom, seq: 2, body: text("live://2") },
      { op: v2.subscribe, seq: 3, body: text("3,4") },
      { op: v2.unsubscribe, seq: 4, body: text("1,3") },
    );
    expect(client.got().map(({ op, seq, body }) => [op, seq, decodeUtf8(body)])).toEqual([
      [13, 2, "live://2"],
      [15, 3, "3,4"],
      [17, 4, "1,3"],
    ]);
    expect([comet.room("r").size, comet.room("live://2").size]).toEqual([0, 1]);
    expect([1, 2, 3, 4].map((op) => client.session.accepts(op))).toEqual([
      false,
      true,
      false,
      true,
    ]);
    client.send({ op: v2.changeRoom, seq: 5 });
    expect([client.session.room, comet.room("live://2").size]).toEqual(["", 0]);
    // Without a list of operations, a client receives all.
    const open = member(world, "bob");
    open.send({ op: v2.unsubscribe, seq: 1, body: text("5") });
    expect(open.session.accepts(5)).toBe(true);
  });

  it.each([
    ["an invalid list", v2.subscribe, text("1;2")],
    ["a room that is not UTF-8", v2.changeRoom, Uint8Array.of(0xff)],
  ])("disconnects a client that sends %s, which goim ignores", (_, op, body) => {
    const world = setup();
    const client = member(world, "ann");
    client.send({ op, seq: 2, body });
    expect([client.closed, client.got()]).toEqual([["malformed"], []]);
  });

  it("answers unknown operations with the same operation and no body", () => {
    const world = setup();
    const client = member(world, "ann");
    client.send({ op: 4, seq: 2, body: text("hi") }, { op: 1000, seq: 3 }, { op: 7, seq: 4 });
    expect(client.got()).toEqual([
      { ver: 1, op: 4, seq: 2, body: new Uint8Array(0) },
      { ver: 1, op: 1000, seq: 3, body: new Uint8Array(0) },
      { ver: 1, op: 7, seq: 4, body: new Uint8Array(0) },
    ]);
  });

  it("calls `request`, and keeps its replies in order", async () => {
    const asked: string[] = [];
    const world = setup({
      replies: { 18: 19 },
      request: (session, { op, body }) => {
        asked.push(`${session.user.name} ${op} ${decodeUtf8(body)}`);
        if (op !== 18) return undefined;
        return new Promise((resolve) => world.clock.after(50, () => resolve(body)));
      },
    });
    const client = member(world, "ann");
    client.send({ op: 18, seq: 2, body: text("slow") }, { op: 4, seq: 3 }, { op: v2.heartbeat });
    expect([asked, client.got()]).toEqual([["ann 18 slow"], []]);
    world.clock.advance(50);
    await settle();
    expect(asked).toEqual(["ann 18 slow", "ann 4 "]);
    expect(client.got().map(({ op, body }) => [op, body.length])).toEqual([
      [19, 4],
      [4, 0],
      [3, 4],
    ]);
  });

  it.each([
    ["at once", (_: unknown, { op }: Packet) => void expect(op).toBe(4)],
    ["later", async (_: unknown, { op }: Packet) => void expect(op).toBe(4)],
  ])("replies without a body if `request` returns nothing %s", async (_, request) => {
    const world = setup({ request });
    const client = member(world, "ann");
    client.send({ op: 4, seq: 2 });
    await settle();
    expect(client.got()).toEqual([{ ver: 1, op: 4, seq: 2, body: new Uint8Array(0) }]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("mine");
      },
    ],
    ["fails", () => Promise.reject(new Error("mine"))],
  ])("disconnects only the client whose request %s", async (_, request) => {
    const world = setup({ request });
    const client = member(world, "ann");
    const other = member(world, "bob");
    client.send({ op: 4, seq: 2 });
    await settle();
    expect(world.codes).toEqual(["mine"]);
    client.connection.lost();
    expect([client.closed, other.closed]).toEqual([["mine"], []]);
  });

  it("blames the client for a body that the application's codec refuses", async () => {
    const world = setup({
      request: async (_, { body }) => {
        decodeFrame(authToken, body);
        return undefined;
      },
    });
    const client = member(world, "ann");
    client.send({ op: 4, seq: 2, body: text("[") });
    await settle();
    expect([client.closed, world.codes]).toEqual([["malformed"], ["malformed"]]);
    const comet = new Comet<User>({
      clock: world.clock,
      authenticate: (token) => ({ user: { name: String(decodeFrame(authToken, token).mid) } }),
    });
    const other = dial(comet, world.clock);
    other.send({ op: v2.auth, seq: 1, body: text("[") });
    // Without an error handler nothing may be uncaught, or a client could crash the process.
    await settle();
    expect(other.closed).toEqual(["malformed"]);
  });

  it("closes the first of two connections with one key", () => {
    const world = setup();
    const first = member(world, "ann r k");
    const second = member(world, "ann r k");
    expect(first.sink.calls.at(-1)).toBe("close");
    first.connection.lost();
    expect(world.comet.get("k")).toBe(second.session);
  });

  it("limits what it reads as goim does, but writes more", () => {
    const world = setup({ request: () => new Uint8Array(10_000) });
    const client = member(world, "ann");
    client.send({ op: 4, seq: 2, body: new Uint8Array(4096) });
    expect(client.got().map(({ body }) => body.length)).toEqual([10_000]);
    client.send({ op: 4, seq: 3, body: new Uint8Array(4097) });
    expect(world.codes).toEqual(["too-long"]);
  });

  it("reads one packet per message", () => {
    const world = setup();
    const client = member(world, "ann", "message");
    client.connection.received(encodeAll(goim(), [{ op: 4 }, { op: 4 }]));
    expect([client.got(), world.codes]).toEqual([[], ["malformed"]]);
  });

  it.each(["authTimeout", "heartbeatTimeout", "maxBacklog", "maxAccepts"])(
    "refuses an invalid limit: %s",
    (name) => {
      expect(() => setup({ [name]: Number.NaN })).toThrow(`${name} must be a number of at least 0`);
    },
  );

  it("refuses an unknown dialect", () => {
    expect(() => setup({ dialect: "v3" as never })).toThrow(RangeError);
  });
});

describe("pushes of a comet", () => {
  const packets = [
    { ver: 1, op: 1000, seq: 0, body: text("a") },
    { ver: 1, op: 1001, seq: 0, body: text("b") },
  ] as const;

  it("follow each other on a stream, and form a batch in a message", async () => {
    const world = setup();
    const stream = member(world, "ann r");
    const message = member(world, "bob r", "message");
    expect(world.comet.pushRoom("r", ...packets)).toBe(2);
    expect(message.session.push(packets[0])).toBe(true);
    await settle();
    expect(stream.got()).toEqual(packets);
    expect(message.got()).toEqual([batch(packets), batch([packets[0]])]);
    expect(world.comet.pushRoom("r")).toBe(2);
    expect(world.comet.pushRoom("nowhere", ...packets)).toBe(0);
    await settle();
    expect([stream.got(), message.got()]).toEqual([[], []]);
  });

  it("reach clients that accept the operation; in a room, all clients", async () => {
    const world = setup();
    const { comet } = world;
    const some = member(world, "ann r a 1000");
    const all = member(world, "bob r b");
    expect([comet.broadcast(packets[0]), comet.broadcast(packets[1])]).toEqual([2, 1]);
    expect([comet.push("a", packets[0]), comet.push("a", packets[1])]).toEqual([true, false]);
    expect([comet.push("b", packets[1]), comet.push("nobody", packets[0])]).toEqual([true, false]);
    expect(comet.pushRoom("r", packets[1])).toBe(2);
    await settle();
    expect(some.got().map(({ op }) => op)).toEqual([1000, 1000, 1001]);
    expect(all.got().map(({ op }) => op)).toEqual([1000, 1001, 1001, 1001]);
  });

  it("are encoded once for all clients", async () => {
    const world = setup();
    const clients = Array.from({ length: 20 }, (_, i) => {
      return member(world, "ann r", i % 2 === 0 ? "stream" : "message");
    });
    // A body that counts its reads.
    let reads = 0;
    const packet = {
      op: 1000,
      get body() {
        reads++;
        return text("x");
      },
    };
    expect(world.comet.pushRoom("r", packet)).toBe(20);
    expect(reads).toBe(1);
    await settle();
    for (const client of clients) expect(client.got().length).toBe(1);
  });

  it("are dropped only for clients that read too slowly", async () => {
    const world = setup({ maxBacklog: 100 });
    const slow = member(world, "ann r");
    const fast = member(world, "bob r");
    slow.sink.roomy = false;
    for (let i = 0; i < 5; i++) {
      world.comet.pushRoom("r", { op: 1000, body: new Uint8Array(60) });
      await settle();
    }
    expect([slow.session.dropped, fast.session.dropped]).toEqual([3, 0]);
    expect(fast.got().length).toBe(5);
    slow.sink.roomy = true;
    slow.connection.drained();
    expect(slow.got().length).toBe(2);
    expect(slow.closed).toEqual([]);
  });

  it("are refused if they cannot be written", () => {
    const world = setup();
    member(world, "ann r");
    expect(() => world.comet.pushRoom("r", { op: 2 ** 40 })).toThrow(ProtocolError);
  });
});

describe("Comet of v1", () => {
  it("answers as v1 does", () => {
    const world = setup({ dialect: "v1" });
    const client = member(world, "ann");
    client.send(
      { op: v1.heartbeat, seq: 2, body: text("mine") },
      { op: v1.send, seq: 3, body: text("echo") },
      { op: v1.test, seq: 4 },
    );
    expect(client.got().map(({ op, seq, body }) => [op, seq, decodeUtf8(body)])).toEqual([
      [3, 2, ""],
      [5, 3, "echo"],
      [255, 4, ""],
    ]);
    client.send({ op: 12, seq: 5, body: text("no rooms") });
    expect(client.closed).toEqual(["refused"]);
    const rude = dial(world.comet, world.clock);
    rude.send({ op: v1.send });
    expect(rude.closed).toEqual(["refused"]);
    world.clock.advance(5 * 60_000);
  });

  it("sends the application's replies, reads up to 1024 bytes, and waits 5 minutes", () => {
    const world = setup({ dialect: "v1", request: () => undefined });
    const client = member(world, "ann");
    client.send({ op: v1.send, seq: 2, body: new Uint8Array(1024) });
    expect(client.got()).toEqual([{ ver: 1, op: 5, seq: 2, body: new Uint8Array(0) }]);
    world.clock.advance(5 * 60_000 - 1);
    expect(client.closed).toEqual([]);
    world.clock.advance(1);
    expect(client.closed).toEqual(["timeout"]);
  });

  it("joins packets into one message, without a batch packet", async () => {
    const world = setup({ dialect: "v1" });
    const client = member(world, "ann r", "message");
    world.comet.pushRoom("r", { op: 5 }, { op: 5 });
    await settle();
    expect(client.sink.writes.at(-1)).toEqual(encodeAll(goim(), [{ op: 5 }, { op: 5 }]));
  });

  it("puts no more into one message than its reader accepts", async () => {
    const world = setup({ dialect: "v1" });
    const client = member(world, "ann r", "message");
    const half = { op: 5, body: new Uint8Array(2 ** 19 - 16) };
    expect(client.session.push(half, half)).toBe(true);
    await settle();
    expect(client.sink.writes.at(-1)?.length).toBe(2 ** 20);
    expect(() => client.session.push(half, half, { op: 5 })).toThrow(/exceeds maxFrame 1048576/);
    // On a stream there is no such limit.
    const stream = member(world, "bob r");
    expect(stream.session.push(half, half, { op: 5 })).toBe(true);
  });

  it("distinguishes a null body from an absent one", () => {
    const clock = new ManualClock();
    const comet = new Comet<unknown, unknown>({
      dialect: "v1",
      clock,
      protocol: goimJson({ side: "server" }),
      authenticate: (user) => ({ user }),
      request: () => null,
    });
    const sink = new ScriptedSink("message");
    const connection = new Connection(comet.messageProtocol, sink, comet.handlers, { clock });
    connection.opened();
    for (const op of [7, 4]) connection.received(encodeFrame(goimJson(), { op, seq: op }));
    expect(sink.writes.map((bytes) => decodeFrame(goimJson(), bytes).body)).toEqual([{}, null]);
  });

  it.each([
    ["v1.2", ['[{"ver":1,"op":5,"seq":0,"body":1},{"ver":1,"op":5,"seq":0,"body":2}]']],
    ["v1.0", ['{"ver":1,"op":5,"seq":0,"body":1}', '{"ver":1,"op":5,"seq":0,"body":2}']],
  ] as const)("speaks JSON of %s", async (dialect, written) => {
    const clock = new ManualClock();
    const comet = new Comet<unknown, unknown>({
      dialect: "v1",
      clock,
      protocol: goimJson({ dialect, side: "server" }),
      authenticate: (token) => ({ user: token, room: "r" }),
    });
    const sink = new ScriptedSink("message");
    const connection = new Connection(comet.messageProtocol, sink, comet.handlers, { clock });
    const client = goimJson({ side: "client" });
    connection.opened();
    connection.received(encodeFrame(client, { op: 7, seq: 1, body: 123 }));
    connection.received(encodeFrame(client, { op: 2, seq: 2 }));
    connection.received(encodeFrame(client, { op: 4, seq: 3, body: ["<"] }));
    expect([...comet.sessions].map(({ user }) => user)).toEqual([123]);
    expect(sink.writes.map((bytes) => decodeFrame(client, bytes))).toEqual([
      { ver: 1, op: 8, seq: 1, body: {} },
      { ver: 1, op: 3, seq: 2, body: {} },
      { ver: 1, op: 5, seq: 3, body: ["<"] },
    ]);
    sink.writes.length = 0;
    comet.pushRoom("r", { op: 5, body: 1 }, { op: 5, body: 2 });
    comet.broadcast({ op: 5, body: 3 });
    await settle();
    const single = decodeUtf8(
      encodeFrame(goimJson({ dialect, side: "server" }), { op: 5, body: 3 }),
    );
    expect(sink.writes.map((bytes) => decodeUtf8(bytes))).toEqual([...written, single]);
    expect(sink.textFlags.every(Boolean)).toBe(true);
  });
});

describe("a comet of v2 and the official client's token", () => {
  it("work together", () => {
    const world = setup({
      authenticate: (token) => {
        const { mid, room_id, accepts } = decodeFrame(authToken, token);
        return { user: { name: String(mid) }, room: room_id, accepts };
      },
    });
    const client = dial(world.comet, world.clock);
    const body =
      '{"mid":123, "room_id":"live://1000", "platform":"web", "accepts":[1000,1001,1002]}';
    client.send({ op: v2.auth, seq: 1, body: text(body) });
    expect(client.session.user.name).toBe("123");
    // A bad token disconnects one client; the application need not catch the codec's error.
    const bad = dial(world.comet, world.clock);
    bad.send({ op: v2.auth, seq: 1, body: text("123") });
    expect(world.codes).toEqual(["malformed"]);
    expect([bad.session.user, bad.session.dropped]).toEqual([undefined, 0]);
  });
});
