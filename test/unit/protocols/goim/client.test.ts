import { describe, expect, expectTypeOf, it } from "vitest";
import {
  Connection,
  decodeAll,
  decodeUtf8,
  encodeFrame,
  type Handlers,
  type ProtocolError,
} from "../../../../src/index.ts";
import {
  batch,
  chatReplies,
  GoimClient,
  type GoimClientOptions,
  type GoimClientState,
  goim,
  goimJson,
  operations,
  type Packet,
  type PacketToSend,
  type Retry,
} from "../../../../src/protocols/goim/index.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { settle } from "../../../support/settle.ts";
import { bugsPrintedBy, uncaughtBy } from "../../../support/uncaught.ts";

const { v1, v2 } = operations;
const TOKEN = Uint8Array.of(1, 2, 3);

type Options = GoimClientOptions<Uint8Array, ReturnType<typeof goim>>;
type Carried = Connection<PacketToSend, Packet>;

/** A client; the test plays the server on its connections. */
function setup(options: Partial<Options> = {}) {
  const clock = new ManualClock();
  const links: { readonly connection: Carried; readonly sink: ScriptedSink }[] = [];
  const events: unknown[][] = [];
  const client = new GoimClient({
    clock,
    token: TOKEN,
    reconnect: { factor: 2, jitter: 0, maxDelay: 60_000 },
    connect(protocol, handlers) {
      const sink = new ScriptedSink();
      const connection = new Connection(protocol, sink, handlers, { clock });
      links.push({ connection, sink });
      return connection;
    },
    open: () => events.push(["open"]),
    push: (_, packet) => events.push(["push", packet.op, packet.seq]),
    online: (_, count) => events.push(["online", count]),
    retry: (_, { failures, delay, error }: Retry) => {
      const { code, message } = error as ProtocolError;
      events.push(["retry", failures, delay, code ?? message]);
    },
    close: (_, error) => events.push(["close", (error as ProtocolError | undefined)?.code]),
    ...options,
  } as Options);
  const link = () => links.at(-1)!;
  const sent = (): Packet[] => link().sink.writes.flatMap((bytes) => decodeAll(goim(), bytes));
  const reply = (packet: PacketToSend): void => {
    link().connection.received(encodeFrame(goim(), packet));
  };
  /** Accepts the client; its heartbeat has number 2. */
  const welcome = (): void => {
    link().connection.opened();
    reply({ op: v2.authReply, seq: 1 });
    reply({ op: v2.heartbeatReply, seq: 2, body: Uint8Array.of(0, 0, 0, 7) });
  };
  return { client, clock, links, link, events, sent, reply, welcome };
}

const brief = (packets: readonly Packet[]): number[][] => packets.map(({ op, seq }) => [op, seq]);

const outcome = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    return await promise;
  } catch (error) {
    return (error as ProtocolError).code;
  }
};

describe("GoimClient", () => {
  it("authenticates, sends a heartbeat at once, and is open", () => {
    const { client, link, events, sent, reply } = setup();
    expect([client.state, sent()]).toEqual(["connecting", []]);
    link().connection.opened();
    expect(client.state).toBe("authenticating");
    expect(sent()).toEqual([{ ver: 1, op: 7, seq: 1, body: TOKEN }]);
    reply({ op: v2.authReply, seq: 1 });
    expect([client.state, client.online]).toEqual(["open", undefined]);
    expect(brief(sent())).toEqual([
      [7, 1],
      [2, 2],
    ]);
    reply({ op: v2.heartbeatReply, seq: 2, body: Uint8Array.of(0, 0, 1, 0) });
    expect(client.online).toBe(256);
    expect(events).toEqual([["open"], ["online", 256]]);
  });

  it("takes its body type from its protocol", () => {
    expectTypeOf<GoimClientState>().toExtend<string>();
    const { client } = setup();
    expectTypeOf(client.request).returns.resolves.toEqualTypeOf<Packet>();
    const narrow = () =>
      new GoimClient({
        token: Uint8Array.of(1),
        connect: (protocol, handlers) => new Connection(protocol, new ScriptedSink(), handlers),
      });
    // The token's own type does not narrow other bodies.
    expectTypeOf<Parameters<ReturnType<typeof narrow>["request"]>[1]>().toEqualTypeOf<
      Uint8Array | undefined
    >();
    const json = () =>
      new GoimClient({
        protocol: goimJson({ side: "client" }),
        token: 123,
        connect: (protocol, handlers) =>
          new Connection(protocol, new ScriptedSink("message"), handlers),
      });
    expectTypeOf(json).returns.toHaveProperty("online");
    expectTypeOf<ReturnType<typeof json>["request"]>().returns.resolves.toEqualTypeOf<
      Packet<unknown>
    >();
  });

  it("accepts a heartbeat reply without a count", async () => {
    const { client, link, events, reply, clock, sent } = setup();
    link().connection.opened();
    reply({ op: v2.authReply, seq: 1 });
    reply({ op: v2.heartbeatReply, seq: 2 });
    expect([client.online, events]).toEqual([undefined, [["open"]]]);
    clock.advance(30_000);
    await settle();
    expect(brief(sent()).at(-1)).toEqual([2, 3]);
  });

  it("delivers pushes, each of a batch on its own, and replies that match no request", () => {
    const { link, events, reply, welcome } = setup();
    welcome();
    events.length = 0;
    reply({ op: 1000 });
    link().connection.received(encodeFrame(goim(), batch([{ op: 1001 }, { op: 9 }])));
    // A wrong operation for a number, and an unknown number.
    reply({ op: v2.authReply, seq: 99 });
    expect(events).toEqual([
      ["push", 1000, 0],
      ["push", 1001, 0],
      ["push", 9, 0],
      ["push", 8, 99],
    ]);
  });

  it("matches replies by number and operation", async () => {
    const { client, events, sent, reply, welcome } = setup({ replies: chatReplies });
    welcome();
    events.length = 0;
    const asked = [4, 12, 14, 16, 18, 1000].map((op) => [op, Uint8Array.of(op & 255)] as const);
    const answers: Promise<number[]>[] = [];
    for (const [op, body] of asked) {
      answers.push(client.request(op, body).then((packet) => [op, packet.op, packet.seq]));
    }
    await settle();
    const replies = [4, 13, 15, 17, 19, 1000];
    for (const [i, op] of replies.entries()) {
      const { seq } = sent().at(3 - 1 + i)!;
      // A push with the number of the request is not a reply.
      if (i === 1) reply({ op: 1001, seq });
      reply({ op, seq });
      await settle();
    }
    expect(await Promise.all(answers)).toEqual(asked.map(([op], i) => [op, replies[i], 3 + i]));
    expect(events).toEqual([["push", 1001, 4]]);
  });

  it("limits requests in flight to what the server can hold, heartbeats first", async () => {
    const { client, clock, sent, reply, welcome } = setup({ inFlight: 2, heartbeat: 1000 });
    welcome();
    const answers = [1, 2, 3, 4].map((n) => client.request(4, Uint8Array.of(n)));
    await settle();
    expect(brief(sent()).slice(2)).toEqual([
      [4, 3],
      [4, 4],
    ]);
    clock.advance(1000);
    await settle();
    expect(sent().length).toBe(4);
    reply({ op: 4, seq: 3 });
    expect(brief(sent()).slice(4)).toEqual([[2, 5]]);
    reply({ op: v2.heartbeatReply, seq: 5 });
    expect(brief(sent()).slice(5)).toEqual([[4, 6]]);
    reply({ op: 4, seq: 4 });
    reply({ op: 4, seq: 6 });
    reply({ op: 4, seq: 7 });
    expect((await Promise.all(answers)).map(({ seq }) => seq)).toEqual([3, 4, 6, 7]);
  });

  it.each([0, 8, 1.5])("refuses %s requests in flight", (inFlight) => {
    expect(() => setup({ inFlight })).toThrow(RangeError);
  });

  it("allows one request less with JSON, whose server replies before it has room", () => {
    const connect = () => new Promise<never>(() => {});
    const protocol = goimJson({ side: "client" });
    const make = (inFlight: number) =>
      new GoimClient({ protocol, token: 1, inFlight, connect, clock: new ManualClock() });
    expect(() => make(7)).toThrow(RangeError);
    make(6).close();
  });

  it("counts any bytes as life, so a backlog before the heartbeat reply does not time out", async () => {
    const { client, clock, sent, reply, welcome } = setup({ heartbeat: 1000 });
    welcome();
    for (let i = 0; i < 10; i++) {
      clock.advance(999);
      reply({ op: 1000 });
      clock.advance(1);
    }
    expect(client.state).toBe("open");
    await settle();
    // Heartbeats that wait for replies do not fill the server's ring.
    expect(brief(sent())).toEqual([
      [7, 1],
      [2, 2],
      [2, 3],
    ]);
  });

  it("reports any loss before the welcome as refused", () => {
    const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
    for (const cause of [undefined, reset]) {
      const errors: unknown[] = [];
      const { link } = setup({ retry: (_, { error }) => errors.push(error) });
      link().connection.opened();
      link().connection.lost(cause);
      expect(errors).toMatchObject([{ code: "refused" }]);
      expect((errors[0] as Error).cause).toBe(cause);
    }
  });

  it("aborts a request by its signal", async () => {
    const { client, sent, welcome } = setup();
    welcome();
    const controller = new AbortController();
    const asked = client.request(4, undefined, { signal: controller.signal });
    await settle();
    expect(brief(sent()).at(-1)).toEqual([4, 3]);
    controller.abort();
    await expect(asked).rejects.toBe(controller.signal.reason);
  });

  it.each([1, 7])("keeps up to %s requests in flight", async (inFlight) => {
    const { client, sent, welcome } = setup({ inFlight });
    welcome();
    const asked = Array.from({ length: 9 }, () => outcome(client.request(4)));
    await settle();
    expect(sent().slice(2).length).toBe(inFlight);
    client.close();
    await Promise.all(asked);
  });

  it.each([
    ...["connectTimeout", "authTimeout", "timeout", "maxPending"].map(
      (name) => [name, { [name]: Number.NaN }] as const,
    ),
    ["minDelay", { reconnect: { minDelay: -1 } }],
    ["attempts", { reconnect: { attempts: Number.NaN } }],
  ] as const)("refuses an invalid limit: %s", (name, options) => {
    expect(() => setup(options)).toThrow(new RegExp(`^${name} must be a number of at least 0`));
  });

  it("refuses an unknown dialect", () => {
    expect(() => setup({ dialect: "v3" as never })).toThrow(RangeError);
  });

  it.each([
    ["v2", 2],
    ["v2", 7],
    ["v2", 9],
    ["v1", 12],
    ["v1", 1000],
  ] as const)("does not send, as a request of %s, operation %i", async (dialect, op) => {
    const { client } = setup({ dialect });
    expect(await outcome(client.request(op))).toBe("unencodable");
  });

  it("rejects a request that cannot be written, and only that one", async () => {
    const { client, reply, welcome } = setup();
    welcome();
    expect(await outcome(client.request(4, new Uint8Array(4097)))).toBe("unencodable");
    const next = client.request(4, new Uint8Array(4096));
    await settle();
    reply({ op: 4, seq: 4 });
    expect(((await next) as Packet).seq).toBe(4);
    expect(client.state).toBe("open");
  });

  it("times out a request, and recognises its late reply", async () => {
    const { client, clock, events, sent, reply, welcome } = setup({
      inFlight: 2,
      timeout: 500,
    });
    welcome();
    events.length = 0;
    const late = [
      outcome(client.request(4)),
      outcome(client.request(4)),
      outcome(client.request(4)),
    ];
    await settle();
    clock.advance(500);
    expect(await Promise.all(late)).toEqual(["timeout", "timeout", "timeout"]);
    // They still occupy their places, but no caller waits.
    const next = [client.request(4), client.request(4)];
    await settle();
    expect(sent().length).toBe(4);
    // The later reply frees both places: replies come in order.
    reply({ op: 4, seq: 4 });
    await settle();
    expect(brief(sent()).slice(4)).toEqual([
      [4, 5],
      [4, 6],
    ]);
    // Out of order, it frees no other place.
    const third = client.request(4);
    reply({ op: 4, seq: 6 });
    await settle();
    expect(brief(sent()).slice(6)).toEqual([[4, 7]]);
    reply({ op: 4, seq: 5 });
    reply({ op: 4, seq: 7 });
    expect((await Promise.all([...next, third])).map(({ seq }) => seq)).toEqual([5, 6, 7]);
    expect(events).toEqual([]);
    expect(clock.waiting).toBe(2);
  });

  it("waits without limit if the timeouts are 0", async () => {
    const { client, clock, reply, welcome } = setup({ timeout: 0, heartbeat: 10 ** 9 });
    welcome();
    const asked = client.request(4);
    await settle();
    clock.advance(10 ** 8);
    reply({ op: 4, seq: 3 });
    expect(((await asked) as Packet).op).toBe(4);
  });

  it("limits the number of waiting requests", async () => {
    const { client } = setup({ maxPending: 2 });
    const first = [outcome(client.request(4)), outcome(client.request(4))];
    expect(await outcome(client.request(4))).toBe("overflow");
    client.close();
    expect(await Promise.all(first)).toEqual(["closed", "closed"]);
    expect(await outcome(client.request(4))).toBe("closed");
  });

  it("sends queued requests after the welcome, and unsent ones over the next connection", async () => {
    const { client, clock, link, events, sent, reply, welcome } = setup({ inFlight: 1 });
    const asked = [
      outcome(client.request(4, Uint8Array.of(1))),
      client.request(4, Uint8Array.of(2)),
    ];
    welcome();
    expect(sent().at(-1)).toMatchObject({ op: 4, seq: 3, body: Uint8Array.of(1) });
    link().connection.lost();
    expect(await asked[0]).toBe("closed");
    expect(client.state).toBe("waiting");
    clock.advance(1000);
    welcome();
    expect(sent().at(-1)).toMatchObject({ op: 4, seq: 3, body: Uint8Array.of(2) });
    reply({ op: 4, seq: 3 });
    expect(await asked[1]).toMatchObject({ op: 4 });
    expect(events.filter(([name]) => name === "retry")).toEqual([["retry", 1, 1000, "closed"]]);
  });

  it("doubles the delay after each failure, and resets it after the welcome", () => {
    const { clock, link, links, events, welcome } = setup({
      reconnect: { minDelay: 100, maxDelay: 500, factor: 2, jitter: 0 },
    });
    for (let i = 0; i < 4; i++) {
      link().connection.opened();
      link().connection.lost();
      clock.advance(500);
    }
    welcome();
    link().connection.lost(new Error("unplugged"));
    clock.advance(99);
    expect(links.length).toBe(5);
    clock.advance(1);
    expect(links.length).toBe(6);
    expect(events.filter(([name]) => name === "retry")).toEqual([
      ["retry", 1, 100, "refused"],
      ["retry", 2, 200, "refused"],
      ["retry", 3, 400, "refused"],
      ["retry", 4, 500, "refused"],
      ["retry", 1, 100, "unplugged"],
    ]);
  });

  it("does not exceed the maximum delay", () => {
    const { clock, link, events } = setup({ connectTimeout: 0 });
    for (let i = 0; i < 8; i++) {
      link().connection.lost();
      clock.advance(60_000);
    }
    expect(events.map(([, , delay]) => delay)).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000,
    ]);
  });

  it.each([
    ["open", () => {}, 10_000, "no connection within 10000 ms"],
    [
      "accept the token",
      ({ link }: ReturnType<typeof setup>) => link().connection.opened(),
      4500,
      "no reply to the token within 4500 ms",
    ],
  ] as const)("gives up on a server that does not %s", (_, prepare, ms, text) => {
    const errors: unknown[] = [];
    const world = setup({ retry: (__, { error }) => errors.push((error as Error).message) });
    prepare(world);
    world.clock.advance(ms - 1);
    expect(errors).toEqual([]);
    world.clock.advance(1);
    expect(errors).toEqual([text]);
    expect(world.link().sink.calls).toContain("abort");
    expect(world.link().connection.state).toBe("closed");
  });

  it("waits without limit for the connection and the welcome if told so", () => {
    const { client, clock, link } = setup({ connectTimeout: 0, authTimeout: 0 });
    clock.advance(1e9);
    expect(client.state).toBe("connecting");
    link().connection.opened();
    clock.advance(1e9);
    expect([client.state, clock.waiting]).toEqual(["authenticating", 0]);
  });

  it.each([0, -1, Number.NaN])("refuses %s ms between heartbeats", (heartbeat) => {
    expect(() => setup({ heartbeat })).toThrow(/heartbeat must be more than 0 ms/);
  });

  it("disconnects from a server that does not answer heartbeats", () => {
    const { client, clock, link, events, welcome } = setup({ heartbeat: 1000 });
    welcome();
    clock.advance(1000);
    expect(client.state).toBe("open");
    clock.advance(1000);
    expect(client.state).toBe("waiting");
    expect(events.at(-1)).toEqual(["retry", 1, 1000, "timeout"]);
    expect(link().connection.state).toBe("closed");
  });

  it("gives up after the maximum number of attempts", () => {
    const { client, clock, link, links, events } = setup({
      reconnect: { attempts: 2, factor: 2, jitter: 0 },
    });
    for (const delay of [1000, 2000, 4000]) {
      link().connection.lost();
      clock.advance(delay);
    }
    expect([client.state, links.length]).toEqual(["closed", 3]);
    expect(events.map(([name]) => name)).toEqual(["retry", "retry", "close"]);
    expect(events.at(-1)).toEqual(["close", "closed"]);
    expect(clock.waiting).toBe(0);
  });

  it("gives up if `when` returns false", () => {
    const { client, clock, link, events } = setup({ reconnect: { when: () => false } });
    link().connection.lost();
    expect([client.state, events, clock.waiting]).toEqual(["closed", [["close", "closed"]], 0]);
  });

  it("closes cleanly, and only once", async () => {
    const { client, clock, link, events, sent, welcome } = setup();
    welcome();
    const asked = outcome(client.request(4));
    await settle();
    client.close();
    client.close();
    expect(await asked).toBe("closed");
    expect(brief(sent()).at(-1)).toEqual([4, 3]);
    expect(link().sink.calls.at(-1)).toBe("close");
    link().connection.lost();
    clock.advance(100_000);
    expect([client.state, clock.waiting]).toEqual(["closed", 0]);
    expect(events.at(-1)).toEqual(["close", undefined]);
    expect(events.filter(([name]) => name === "close").length).toBe(1);
  });

  it("closes while it waits to reconnect", () => {
    const { client, clock, link, links } = setup();
    link().connection.lost();
    client.close();
    clock.advance(100_000);
    expect([links.length, clock.waiting]).toEqual([1, 0]);
  });

  it("drops a connection that opens too late, or after close", async () => {
    const clock = new ManualClock();
    const opened: { readonly state: string }[] = [];
    const client = new GoimClient({
      clock,
      token: TOKEN,
      connect: async (protocol, handlers) => {
        await new Promise<void>((resolve) => clock.after(20_000, resolve));
        const connection = new Connection(protocol, new ScriptedSink(), handlers, { clock });
        opened.push(connection);
        connection.opened();
        return connection;
      },
    });
    clock.advance(20_000);
    await settle();
    expect(opened[0]?.state).toBe("closed");
    client.close();
    clock.advance(20_000);
    await settle();
    expect(opened.every(({ state }) => state === "closed")).toBe(true);
    expect(client.state).toBe("closed");
  });

  it.each(["at once", "later"])(
    "notices a connection without its handlers, returned %s",
    async (when) => {
      const given: Carried[] = [];
      const { events } = setup({
        connect(protocol) {
          const connection = new Connection(protocol, new ScriptedSink());
          connection.opened();
          given.push(connection);
          return when === "later" ? Promise.resolve(connection) : connection;
        },
      });
      await settle();
      expect(events).toEqual([
        ["retry", 1, 1000, "connect did not pass the handlers to its connection"],
      ]);
      expect(given[0]?.state).toBe("closed");
    },
  );

  it("cuts a promised connection that is not open yet", async () => {
    const promised: Carried[] = [];
    const { client } = setup({
      connect: async (protocol, handlers) => {
        const connection = new Connection(protocol, new ScriptedSink(), handlers);
        promised.push(connection);
        return connection;
      },
    });
    await settle();
    expect(promised[0]?.state).toBe("opening");
    client.close();
    expect(promised[0]?.state).toBe("closed");
  });

  it("aborts an attempt that takes too long, or after close", async () => {
    const signals: { readonly aborted: boolean; readonly reason?: unknown }[] = [];
    const heard: string[] = [];
    const { client, clock, events } = setup({
      connect: (_, { signal }) => {
        signals.push(signal);
        const early = () => heard.push("early");
        signal.addEventListener("abort", early);
        signal.addEventListener("abort", () => heard.push(`attempt ${signals.length}`));
        signal.removeEventListener("abort", early);
        return new Promise(() => {});
      },
    });
    clock.advance(9999);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    clock.advance(1);
    expect(signals[0]).toMatchObject({ aborted: true, reason: { code: "timeout" } });
    expect(events).toEqual([["retry", 1, 1000, "timeout"]]);
    clock.advance(1000);
    client.close();
    expect(signals[1]).toMatchObject({ aborted: true, reason: { code: "closed" } });
    expect(heard).toEqual(["attempt 1", "attempt 2"]);
    // Once there is a connection, the session closes it.
    const open = setup();
    open.welcome();
    open.client.close();
    expect(open.link().sink.calls.at(-1)).toBe("close");
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("no route");
      },
    ],
    ["fails", () => Promise.reject(new Error("no route"))],
  ])("retries if connect %s", async (_, connect) => {
    const { client, events } = setup({ connect });
    await settle();
    expect(client.state).toBe("waiting");
    expect(events).toEqual([["retry", 1, 1000, "no route"]]);
  });

  it("calls the token function for each connection, and accepts a promise", async () => {
    let count = 0;
    const { client, clock, link, sent } = setup({
      token: () => {
        const token = Uint8Array.of(++count);
        return count === 1
          ? token
          : new Promise((resolve) => clock.after(100, () => resolve(token)));
      },
    });
    link().connection.opened();
    expect(sent()[0]?.body).toEqual(Uint8Array.of(1));
    link().connection.lost();
    clock.advance(1000);
    link().connection.opened();
    expect([client.state, sent()]).toEqual(["authenticating", []]);
    clock.advance(100);
    await settle();
    expect(sent()[0]?.body).toEqual(Uint8Array.of(2));
    // Too late for the third.
    link().connection.lost();
    clock.advance(2000);
    link().connection.opened();
    link().connection.lost();
    clock.advance(100);
    await settle();
    expect(sent()).toEqual([]);
  });

  it.each([
    ["rejects", () => Promise.reject(new Error("no token"))],
    [
      "throws",
      () => {
        throw new Error("no token");
      },
    ],
  ])("fails an attempt if the token function fails: it %s", async (_, token) => {
    // Without an error handler: an error that leads to a retry must not be uncaught.
    const { events, link, clock, links } = setup({ token });
    link().connection.opened();
    await settle();
    expect(events).toEqual([["retry", 1, 1000, "no token"]]);
    expect(link().connection.state).toBe("closed");
    clock.advance(1000);
    expect(links.length).toBe(2);
    // A token that fails too late is ignored.
    link().connection.opened();
    link().connection.lost();
    await settle();
    expect(events.length).toBe(2);
  });

  it("fails an attempt if the token cannot be written", async () => {
    const large = setup({ token: new Uint8Array(5000) });
    large.link().connection.opened();
    await settle();
    expect(large.events).toEqual([["retry", 1, 1000, "unencodable"]]);
    expect(large.link().connection.state).toBe("closed");
  });

  it("passes errors of handlers to its connection", async () => {
    const errors: unknown[] = [];
    const { client, link, reply, welcome } = setup({
      push: () => {
        throw new Error("mine");
      },
      error: (_, error) => errors.push((error as Error).message),
    });
    welcome();
    reply({ op: 1000 });
    expect(errors).toEqual(["mine"]);
    link().connection.lost();
    expect(client.state).toBe("waiting");
  });

  it("forgives only handlers whose request failed with its connection", async () => {
    const uncaught = await uncaughtBy(async () => {
      const { link, welcome, clock, events } = setup({
        open: (self) => self.request(v2.changeRoom, TOKEN),
        push: async (self) => void (await self.request(4)),
      });
      welcome();
      link().connection.received(encodeFrame(goim(), { op: 1000 }));
      await settle();
      link().connection.lost();
      await settle();
      clock.advance(1000);
      welcome();
      expect(events.filter(([name]) => name === "retry").length).toBe(1);
    });
    expect(uncaught).toEqual([]);
    const late = new Error("mine, later");
    const other = await bugsPrintedBy(async () => {
      const { client, link, welcome } = setup({
        open: (self) =>
          self.request(4).catch(() => {
            throw late;
          }),
      });
      welcome();
      await settle();
      link().connection.lost();
      await settle();
      client.close();
    });
    expect(other).toEqual([late.message]);
    // A timeout is not a loss: the connection is there.
    const errors: unknown[] = [];
    const slow = setup({
      timeout: 100,
      open: (self) => self.request(4),
      error: (_, error) => errors.push((error as ProtocolError).code),
    });
    slow.welcome();
    await settle();
    slow.clock.advance(100);
    await settle();
    expect(errors).toEqual(["timeout"]);
  });

  it("closes a connection whose peer breaks the protocol", () => {
    const { events, link, welcome } = setup();
    welcome();
    link().connection.received(new Uint8Array(16));
    link().connection.lost();
    expect(events.at(-1)).toEqual(["retry", 1, 1000, "malformed"]);
  });

  it("can be closed by any handler", () => {
    const { client, link, reply } = setup({ open: (self) => self.close() });
    link().connection.opened();
    reply({ op: v2.authReply, seq: 1 });
    expect(client.state).toBe("closed");
    reply({ op: 1000 });
    const other = setup({ retry: (self) => self.close() });
    other.link().connection.lost();
    expect([other.client.state, other.clock.waiting]).toEqual(["closed", 0]);
  });
});

describe("GoimClient of v1", () => {
  it("uses the replies of v1, and opens no batches", async () => {
    const { client, events, sent, reply, welcome } = setup({ dialect: "v1" });
    welcome();
    expect(client.online).toBeUndefined();
    const sms = client.request(v1.send, Uint8Array.of(1));
    const test = client.request(v1.test);
    await settle();
    expect(brief(sent()).slice(2)).toEqual([
      [4, 3],
      [254, 4],
    ]);
    // A push of v1 has the operation of a reply.
    reply({ op: v1.sendReply, seq: 0 });
    reply({ op: 9, seq: 0, body: encodeFrame(goim(), { op: 5 }) });
    reply({ op: v1.sendReply, seq: 3 });
    reply({ op: v1.testReply, seq: 4 });
    expect(((await sms) as Packet).seq + ((await test) as Packet).seq).toBe(7);
    expect(events).toEqual([["open"], ["push", 5, 0], ["push", 9, 0]]);
    expect(await outcome(client.request(4, new Uint8Array(1025)))).toBe("unencodable");
  });

  it("speaks JSON", async () => {
    const clock = new ManualClock();
    const sink = new ScriptedSink("message");
    const pushes: unknown[] = [];
    let handlers: Handlers<PacketToSend<unknown>, Packet<unknown>> = {};
    let connection: Connection<PacketToSend<unknown>, Packet<unknown>> | undefined;
    const client = new GoimClient({
      dialect: "v1",
      clock,
      protocol: goimJson({ side: "client" }),
      token: 123,
      connect: (protocol, given) => {
        handlers = given;
        connection = new Connection(protocol, sink, handlers, { clock });
        return connection;
      },
      push: (_, packet) => pushes.push(packet.body),
    });
    const server = goimJson({ side: "server" });
    connection!.opened();
    connection!.received(encodeFrame(server, { op: 8, seq: 1 }));
    connection!.received(
      encodeFrame(server, [
        { op: 5, body: "a" },
        { op: 5, body: ["b"] },
      ]),
    );
    const asked = client.request(4, { text: "hi" });
    await settle();
    expect(sink.writes.map((bytes) => decodeUtf8(bytes))).toEqual([
      '{"ver":1,"op":7,"seq":1,"body":123}',
      '{"ver":1,"op":2,"seq":2,"body":{}}',
      '{"ver":1,"op":4,"seq":3,"body":{"text":"hi"}}',
    ]);
    expect(sink.textFlags).toEqual([true, true, true]);
    connection!.received(encodeFrame(server, { op: 5, seq: 3, body: 1 }));
    expect((await asked).body).toBe(1);
    expect(pushes).toEqual(["a", ["b"]]);
  });
});
