import { describe, expect, it, vi } from "vitest";
import { Connection, decodeAll, encodeAll, ProtocolError } from "../../../../src/index.ts";
import {
  Comet,
  type CometGap,
  type CometOptions,
  goim,
  goimJson,
  operations,
} from "../../../../src/protocols/goim/index.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { settle } from "../../../support/settle.ts";
import { bugsPrintedBy } from "../../../support/uncaught.ts";

const { v1, v2 } = operations;
const body = (value: string): Uint8Array => new TextEncoder().encode(value);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A bus that keeps order, returns messages to their publisher, and loses or repeats some. */
class Bus {
  readonly #listeners: ((message: Uint8Array) => void)[] = [];
  readonly #resumed: (() => void)[] = [];
  isAway = false;
  copies = 1;
  published = 0;

  readonly publish = (message: Uint8Array): void => {
    if (this.isAway) return;
    this.published++;
    for (let n = 0; n < this.copies; n++) {
      // A chunk of the bus is larger than the message, and holds other bytes too.
      const chunk = Buffer.alloc(message.length + 8, 0xee);
      chunk.set(message, 4);
      const view = chunk.subarray(4, 4 + message.length);
      for (const receive of this.#listeners) receive(view);
    }
  };

  readonly subscribe = (receive: (message: Uint8Array) => void, resumed: () => void): void => {
    this.#listeners.push(receive);
    this.#resumed.push(resumed);
  };

  resume(): void {
    this.isAway = false;
    for (const resumed of this.#resumed) resumed();
  }

  /** Delivers raw bytes to all. */
  inject(bytes: Uint8Array): void {
    for (const receive of this.#listeners) receive(bytes);
  }
}

function start(
  bus: Pick<CometOptions<string, Uint8Array>, "publish" | "subscribe">,
  options: Partial<CometOptions<string, Uint8Array>> = {},
) {
  const clock = new ManualClock();
  const gaps: CometGap[] = [];
  let encoded = 0;
  const packets = goim();
  const comet = new Comet<string>({
    clock,
    ...{ publish: bus.publish, subscribe: bus.subscribe },
    // "name room key"
    authenticate: (token) => {
      const [user = "", room, key] = textOf(token).split(" ");
      return { user, room, ...(key && { key }), accepts: [1000] };
    },
    gap: (gap) => gaps.push(gap),
    protocol: {
      ...packets,
      encode(packet, out) {
        encoded++;
        return packets.encode(packet, out);
      },
    },
    ...options,
  });
  const join = (token: string, boundary: "stream" | "message" = "stream") => {
    const sink = new ScriptedSink(boundary);
    const protocol = boundary === "stream" ? comet.protocol : comet.messageProtocol;
    const connection = new Connection(protocol, sink, comet.handlers, { clock });
    connection.opened();
    connection.received(encodeAll(packets, [{ op: v2.auth, seq: 1, body: body(token) }]));
    let read = sink.writes.length;
    return {
      connection,
      got: async (): Promise<string[]> => {
        await settle();
        const writes = sink.writes.slice(read);
        read = sink.writes.length;
        const flat = goim({ flatten: true });
        return writes
          .flatMap((bytes) => decodeAll(flat, bytes))
          .map((packet) => `${packet.op} ${textOf(packet.body)}`);
      },
    };
  };
  return {
    comet,
    gaps,
    join,
    encoded: (): number => {
      const count = encoded;
      encoded = 0;
      return count;
    },
  };
}

describe("clusters of comets", () => {
  it("push to rooms and to all, and encode a packet once per comet", async () => {
    const bus = new Bus();
    const comets = [start(bus), start(bus), start(bus)];
    const clients = comets.flatMap((comet, i) => [
      comet.join(`a${i} live://1`),
      comet.join(`b${i} live://1`, "message"),
      comet.join(`c${i} live://2`),
    ]);
    for (const comet of comets) comet.encoded();

    const packet = { op: 1000, body: body("hello") };
    expect(comets[0]!.comet.pushRoom("live://1", packet)).toBe(2);
    for (const [i, client] of clients.entries()) {
      expect(await client.got()).toEqual(i % 3 === 2 ? [] : ["1000 hello"]);
    }
    // A packet, and its form for WebSocket.
    expect(comets.map((comet) => comet.encoded())).toEqual([2, 1, 1]);

    expect(comets[1]!.comet.broadcast(packet)).toBe(3);
    for (const client of clients) expect(await client.got()).toEqual(["1000 hello"]);
    expect(comets.map((comet) => comet.encoded())).toEqual([1, 2, 1]);

    // No client accepts it.
    expect(comets[2]!.comet.broadcast({ op: 1001 })).toBe(0);
    for (const client of clients) expect(await client.got()).toEqual([]);
    expect(comets.map((comet) => comet.gaps)).toEqual([[], [], []]);
  });

  it("push several packets, no packets, and by key", async () => {
    const bus = new Bus();
    const [one, two] = [start(bus), start(bus)];
    const ann = two.join("ann live://1 ann");
    const before = bus.published;
    expect(one.comet.pushRoom("live://1")).toBe(0);
    expect(bus.published).toBe(before);
    one.comet.pushRoom("live://1", { op: 1, body: body("a") }, { op: 2, body: body("b") });
    expect(await ann.got()).toEqual(["1 a", "2 b"]);
    expect(one.comet.push("ann", { op: 1000 })).toBe(false);
    expect(one.comet.push("ann", { op: 1001 })).toBe(false);
    expect(two.comet.push("ann", { op: 1000, body: body("here") })).toBe(true);
    expect(await ann.got()).toEqual(["1000 ", "1000 here"]);
  });

  it("ignore repeated messages", async () => {
    const bus = new Bus();
    const [one, two] = [start(bus), start(bus)];
    const ann = two.join("ann live://1");
    bus.copies = 3;
    one.comet.pushRoom("live://1", { op: 1, body: body("once") });
    expect(await ann.got()).toEqual(["1 once"]);
    expect(two.gaps).toEqual([]);
  });

  it("count and report missed pushes at the next push", () => {
    const bus = new Bus();
    const [one, two] = [start(bus), start(bus)];
    bus.isAway = true;
    one.comet.pushRoom("live://1", { op: 1 });
    one.comet.broadcast({ op: 1 });
    bus.isAway = false;
    one.comet.pushRoom("live://1", { op: 1 });
    one.comet.pushRoom("live://1", { op: 1 });
    expect(two.gaps).toEqual([{ comet: one.comet.id, missed: 2 }]);
    expect([one.comet.missed, two.comet.missed]).toEqual([0, 2]);
  });

  it("count and report missed pushes when the bus is back, without another push", () => {
    const bus = new Bus();
    const [one, two] = [start(bus), start(bus)];
    bus.isAway = true;
    one.comet.pushRoom("live://1", { op: 1 });
    two.comet.broadcast({ op: 1 });
    two.comet.broadcast({ op: 1 });
    expect([one.gaps, two.gaps]).toEqual([[], []]);
    bus.resume();
    expect(one.gaps).toEqual([{ comet: two.comet.id, missed: 2 }]);
    expect(two.gaps).toEqual([{ comet: one.comet.id, missed: 1 }]);
    // Nothing is reported twice.
    bus.resume();
    one.comet.pushRoom("live://1", { op: 1 });
    expect([one.comet.missed, two.comet.missed]).toEqual([2, 1]);
  });

  it("do not report pushes from before they started as missed", () => {
    const bus = new Bus();
    const one = start(bus);
    one.comet.broadcast({ op: 1 });
    one.comet.broadcast({ op: 1 });
    const late = start(bus);
    one.comet.broadcast({ op: 1 });
    expect(late.gaps).toEqual([]);
    bus.isAway = true;
    one.comet.broadcast({ op: 1 });
    bus.resume();
    expect(late.gaps).toEqual([{ comet: one.comet.id, missed: 1 }]);
  });

  it("print missed pushes if there is no handler", () => {
    const print = vi.spyOn(console, "error").mockImplementation(() => {});
    const bus = new Bus();
    const one = start(bus);
    const two = start(bus, { gap: undefined });
    bus.isAway = true;
    one.comet.broadcast({ op: 1 });
    bus.resume();
    expect(two.comet.missed).toBe(1);
    const text = `truncated: 1 pushes from another comet did not arrive`;
    expect(print.mock.calls).toEqual([[`framewright: goim-cluster from ${one.comet.id}: ${text}`]]);
    print.mockRestore();
  });

  it("serve their own clients while publish fails, and print the failure once", async () => {
    let isBroken = true;
    const bus = new Bus();
    const failing = {
      subscribe: bus.subscribe,
      publish: (message: Uint8Array) => {
        if (isBroken) throw new Error("no connection to the bus");
        bus.publish(message);
      },
    };
    const other = start(bus);
    const printed = await bugsPrintedBy(() => {
      const one = start(failing);
      one.join("ann live://1");
      expect(one.comet.pushRoom("live://1", { op: 1 })).toBe(1);
      expect(one.comet.pushRoom("live://1", { op: 1 })).toBe(1);
      isBroken = false;
      one.comet.broadcast({ op: 1 });
      isBroken = true;
      one.comet.broadcast({ op: 1 });
      isBroken = false;
      one.comet.broadcast({ op: 1 });
      expect(other.gaps).toEqual([{ comet: one.comet.id, missed: 1 }]);
    });
    expect(printed).toHaveLength(2);
    expect(printed[0]).toContain("no connection to the bus");
  });

  it("accept promises from publish and subscribe, even rejected ones", async () => {
    const bus = new Bus();
    const other = start(bus);
    const before = bus.published;
    let subscribed = (): void => {};
    const slow = start({
      publish: async (message) => bus.publish(message),
      subscribe: (receive, resumed) => {
        bus.subscribe(receive, resumed);
        return new Promise<void>((resolve) => {
          subscribed = resolve;
        });
      },
    });
    await settle();
    expect(bus.published).toBe(before);
    subscribed();
    await settle();
    // An "ask", and its answer.
    expect(bus.published).toBe(before + 2);
    slow.comet.broadcast({ op: 1 });
    expect(other.gaps).toEqual([]);

    const printed = await bugsPrintedBy(async () => {
      const broken = start({
        publish: () => Promise.reject(new Error("not published")),
        subscribe: () => Promise.reject(new Error("not subscribed")),
      });
      broken.comet.broadcast({ op: 1 });
      await settle();
    });
    expect([...printed].sort()).toEqual([
      expect.stringContaining("not published"),
      expect.stringContaining("not subscribed"),
    ]);
  });

  it("refuse bytes that are not a comet's message", () => {
    const bus = new Bus();
    start(bus);
    expect(() => bus.inject(body("hello"))).toThrow(ProtocolError);
    expect(() => bus.inject(new Uint8Array(0))).toThrow(ProtocolError);
  });

  it("keep no views into memory of the bus", async () => {
    let last = new Uint8Array(0);
    const bus = new Bus();
    const [one, two] = [start(bus), start(bus)];
    bus.subscribe(
      (message) => {
        last = message as Uint8Array<ArrayBuffer>;
      },
      () => {},
    );
    const ann = two.join("ann live://1");
    one.comet.pushRoom("live://1", { op: 1, body: body("fine") });
    last.fill(0);
    expect(await ann.got()).toEqual(["1 fine"]);
  });

  it("forget the comets that were silent longest", () => {
    const bus = new Bus();
    const one = start(bus);
    const { publish } = bus;
    const silent = (): void => {};
    const [old, young] = [silent, silent].map((subscribe) => start({ publish, subscribe }));
    for (let n = 0; n < 1024; n++) {
      start({ publish, subscribe: silent });
      young!.comet.broadcast({ op: 1 });
    }
    bus.isAway = true;
    for (const { comet } of [old!, young!]) comet.broadcast({ op: 1 });
    bus.isAway = false;
    for (const { comet } of [old!, young!]) comet.broadcast({ op: 1 });
    expect(one.gaps).toEqual([{ comet: young!.comet.id, missed: 1 }]);
  });

  it("push text between comets of v1", async () => {
    const bus = new Bus();
    const make = () =>
      new Comet<string, unknown>({
        ...{ dialect: "v1", protocol: goimJson({ side: "server" }), clock: new ManualClock() },
        ...{ publish: bus.publish, subscribe: bus.subscribe },
        authenticate: () => ({ user: "ann", room: "1" }),
      });
    const [one, two] = [make(), make()];
    const sink = new ScriptedSink("message");
    const clock = new ManualClock();
    const connection = new Connection(two.messageProtocol, sink, two.handlers, { clock });
    connection.opened();
    connection.received(body(JSON.stringify({ ver: 1, op: v1.auth, seq: 1, body: 1 })));
    const before = sink.writes.length;
    one.pushRoom("1", { op: 5, body: { n: 1 } }, { op: 5, body: { n: 2 } });
    await settle();
    expect(sink.writes.slice(before).map(textOf)).toEqual([
      '[{"ver":1,"op":5,"seq":0,"body":{"n":1}},{"ver":1,"op":5,"seq":0,"body":{"n":2}}]',
    ]);
  });

  it("require both functions, or neither", () => {
    const authenticate = () => undefined;
    for (const half of [{ publish: () => {} }, { subscribe: () => {} }]) {
      expect(() => new Comet({ authenticate, ...half })).toThrow(
        "a comet needs publish and subscribe, or neither",
      );
    }
    const alone = new Comet({ authenticate });
    expect([alone.missed, alone.id]).toEqual([0, expect.stringMatching(/^[0-9a-f]{16}$/)]);
  });
});
