import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryBudget } from "../../../src/core/connection/budget.ts";
import type { ServerParts } from "../../../src/core/connection/live.ts";
import { checkedOptions } from "../../../src/core/connection/option-names.ts";
import { Decoder } from "../../../src/core/decoder.ts";
import {
  type CloseInfo,
  Connection,
  type ConnectionOptions,
  defineProtocol,
  encodeFrame,
  type Handlers,
  lines,
  type MessageProtocol,
  raw,
  utf8,
} from "../../../src/index.ts";
import { fastway, fastwayClient } from "../../../src/protocols/fastway/index.ts";
import { goimJson } from "../../../src/protocols/goim/index.ts";
import { parse, sprotoRpc } from "../../../src/protocols/sproto/index.ts";
import { heldBytes } from "../../support/garbage.ts";
import { ManualClock } from "../../support/manual-clock.ts";

// What peers make a process hold, measured after garbage collection, beside what the limits count.

const KIB = 1024;
const MIB = 1024 * KIB;
/** A connection with its sink, handlers and options. */
const CONNECTION = 12 * KIB;
/** Code that is compiled meanwhile, and the like. */
const SLACK = MIB;

const never = (): Promise<never> => new Promise<never>(() => {});
const ascii = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(s, (c) => c.charCodeAt(0));

/** A sink that keeps nothing of what it is given. */
const sinkOf = (boundary: "stream" | "message", roomy = true) => ({
  boundary,
  write: () => roomy,
  pause() {},
  resume() {},
  close() {},
  abort() {},
});

interface Setup<Value> {
  readonly protocol: MessageProtocol<Value>;
  readonly boundary?: "stream" | "message";
  readonly handlers?: Handlers<Value>;
  readonly options?: ConnectionOptions & ServerParts;
  readonly roomy?: boolean;
}

function open<Value>(setup: Setup<Value>): Connection<Value> {
  const { protocol, boundary = "stream", handlers = {}, options = {}, roomy } = setup;
  const quiet = { message() {}, error() {}, ...handlers };
  const clock = new ManualClock();
  const connection = new Connection(
    protocol,
    sinkOf(boundary, roomy),
    quiet,
    checkedOptions({ clock, ...options }),
  );
  connection.opened();
  return connection;
}

/** What is held more after `make`, which is run once before: what is compiled then is not held for a peer. */
async function held<Kept>(make: () => Kept | Promise<Kept>) {
  await make();
  const before = await heldBytes();
  const kept = await make();
  const bytes = (await heldBytes()) - before;
  return { bytes, kept };
}

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a frame of many values", () => {
  const protocol = goimJson({ side: "client" });
  const packets = `[${Array.from({ length: 10_000 }, (_, seq) => `{"op":5,"seq":${seq},"body":[]}`).join()}]`;
  const frame = ascii(packets);

  it("is let go of by connections when its last value is delivered", async () => {
    const { bytes, kept } = await held(() =>
      Array.from({ length: 10 }, () => {
        const connection = open({ protocol, boundary: "message" });
        connection.received(frame.slice());
        return connection;
      }),
    );
    expect(kept.map(({ state }) => state)).toEqual(Array(10).fill("open"));
    expect(bytes).toBeLessThan(10 * CONNECTION + SLACK);
  });

  it("is let go of by decoders, too", async () => {
    const values = defineProtocol<number>({
      ...lines(),
      name: "numbers",
      decode: () => 0,
      decodeMany: () => Array.from({ length: 100_000 }, (_, i) => i + 0.5),
      encode: (_, out) => out.utf8("x\n"),
    });
    for (const batch of [false, true]) {
      const { bytes, kept } = await held(() =>
        Array.from({ length: 10 }, () => {
          const decoder = new Decoder(values, { batch });
          decoder.push(ascii("x\n"));
          let count = 0;
          while (decoder.next()) count++;
          return { decoder, count };
        }),
      );
      expect(kept[0]!.count).toBe(batch ? 1 : 100_000);
      expect(bytes).toBeLessThan(SLACK);
    }
  });

  it.each<[string, () => MessageProtocol<never, unknown>, Uint8Array<ArrayBuffer>]>([
    ["JSON objects", () => protocol as MessageProtocol<never, unknown>, frame],
    [
      "views of what was inflated",
      () =>
        defineProtocol<Uint8Array>({
          ...lines(),
          name: "inflated",
          decode: (bytes) => bytes,
          decodeMany: () => {
            const all = new Uint8Array(4 * MIB);
            return Array.from({ length: 1000 }, (_, i) => all.subarray(i, i + 10));
          },
          encode: (_, out) => out.utf8("x\n"),
        }) as MessageProtocol<never, unknown>,
      ascii("x\n"),
    ],
    [
      "long texts",
      () =>
        defineProtocol<string>({
          ...lines(),
          name: "texts",
          decode: () => "",
          decodeMany: () =>
            Array.from({ length: 50_000 }, (_, i) =>
              String.fromCharCode(...new Uint8Array(100).fill(97 + (i % 26))),
            ),
          encode: (_, out) => out.utf8("x\n"),
        }) as MessageProtocol<never, unknown>,
      ascii("x\n"),
    ],
  ])(
    "counts what its values cost in a server's budget while they wait: %s",
    async (_, make, chunk) => {
      const budget = new MemoryBudget(Number.MAX_SAFE_INTEGER);
      const { bytes, kept } = await held(() => {
        const connection = open({
          protocol: make() as MessageProtocol<unknown>,
          boundary: "message",
          handlers: { message: never },
          options: { budget },
        });
        const before = budget.used;
        connection.received(chunk.slice());
        return { connection, counted: budget.used - before };
      });
      expect(kept.counted).toBeGreaterThan(bytes / 2);
      // How much objects take depends on what the engine has seen before.
      expect(kept.counted).toBeLessThan(4 * bytes);
    },
  );

  it("lets go of its values as they are delivered", async () => {
    const settle: (() => void)[] = [];
    const { bytes, kept } = await held(async () => {
      settle.length = 0;
      const connection = open({
        protocol,
        boundary: "message",
        handlers: { message: () => new Promise<void>((resolve) => settle.push(resolve)) },
      });
      connection.received(frame.slice());
      for (let i = 0; i < 9800; i++) {
        settle.shift()!();
        await Promise.resolve();
        await Promise.resolve();
      }
      return connection;
    });
    expect([kept.state, settle.length]).toEqual(["open", 1]);
    expect(bytes).toBeLessThan(SLACK / 2);
  });
});

describe("the beginning of a frame", () => {
  it("does not keep the chunk alive that it came in", async () => {
    const protocol = lines().wrap(raw());
    const { bytes, kept } = await held(() =>
      Array.from({ length: 200 }, () => {
        const connection = open({ protocol });
        const chunk = new Uint8Array(64 * KIB).fill(0x0a);
        chunk[chunk.length - 1] = 0x78;
        connection.received(chunk);
        return connection;
      }),
    );
    expect(kept).toHaveLength(200);
    expect(bytes).toBeLessThan(200 * CONNECTION + SLACK);
  });
});

describe("input that waits", () => {
  it.each([
    ["tiny chunks of a stream", "stream", lines({ maxFrame: 8 * MIB }).wrap(raw())],
    ["tiny messages", "message", lines().wrap(raw())],
  ] as const)("takes little more than maxQueued, in %s", async (_, boundary, protocol) => {
    const maxQueued = 2 * MIB;
    const { bytes, kept } = await held(() => {
      const closes: CloseInfo[] = [];
      const connection = open({
        protocol,
        boundary,
        handlers: { close: (_, info) => closes.push(info) },
        options: { maxQueued },
      });
      connection.pause();
      const found: { connection: unknown; count: number } = { connection, count: 0 };
      // Up to just before it is too much.
      const most = boundary === "stream" ? 0.9 * maxQueued : maxQueued / 201 - 1;
      for (; found.count < most - 1 && closes.length === 0; found.count++) {
        connection.received(Uint8Array.of(0x0a));
      }
      return { ...found, closes };
    });
    expect(kept.closes).toEqual([]);
    expect(bytes).toBeLessThan(1.5 * maxQueued + SLACK);
  });

  it("counts no less than it holds, if it lies in chunks that others share", async () => {
    const budget = new MemoryBudget(Number.MAX_SAFE_INTEGER);
    const { bytes, kept } = await held(() => {
      const connection = open({ protocol: lines().wrap(raw()), options: { budget } });
      connection.pause();
      const before = budget.used;
      for (let i = 0; i < 500; i++) {
        connection.received(new Uint8Array(64 * KIB).fill(0x0a).subarray(0, 1000));
      }
      return { connection, counted: budget.used - before };
    });
    expect(kept.counted).toBeGreaterThan(500_000);
    expect(bytes).toBeLessThan(1.3 * kept.counted + SLACK);
  });

  it("is let go of when its connection is over, though that is kept", async () => {
    const { bytes, kept } = await held(() =>
      (["abort", "lost", "close"] as const).map((end) => {
        const connection = open({ protocol: lines({ maxFrame: 8 * MIB }).wrap(raw()) });
        connection.pause();
        connection.received(new Uint8Array(4 * MIB));
        connection[end]();
        if (end === "lost") connection.close();
        return connection;
      }),
    );
    expect(kept).toHaveLength(3);
    expect(bytes).toBeLessThan(3 * CONNECTION + SLACK);
  });
});

describe("a virtual connection that is not read", () => {
  it("keeps little more than is counted, whatever else its link carries", async () => {
    const protocol = fastway({ dialect: "v2" });
    const { bytes, kept } = await held(async () => {
      const clock = new ManualClock();
      const link = new Connection(protocol, sinkOf("stream"), {}, { clock });
      link.opened();
      const server = fastwayClient(link, {
        clock,
        pingInterval: 0,
        open(connection) {
          if (connection.connId === 1) connection.pause();
        },
        message() {},
      });
      for (const connId of [1, 2]) {
        link.received(encodeFrame(protocol, { type: "connect", connId, remoteId: connId }));
      }
      const small = encodeFrame(protocol, {
        ...({ type: "message", connId: 1 } as const),
        message: new Uint8Array(200),
      });
      const large = encodeFrame(protocol, {
        ...({ type: "message", connId: 2 } as const),
        message: new Uint8Array(60_000),
      });
      for (let i = 0; i < 1000; i++) {
        const chunk = new Uint8Array(small.length + large.length);
        chunk.set(small);
        chunk.set(large, small.length);
        link.received(chunk);
      }
      return { link, server };
    });
    expect([kept.link.state, kept.server.size]).toEqual(["open", 2]);
    // 400 bytes each are counted.
    expect(bytes).toBeLessThan(1000 * 1.2 * 400 + SLACK);
  });
});

describe("calls that wait", () => {
  it("count no less than they hold, and too many close their connection", async () => {
    const schema = parse(`
      .package { type 0 : integer  session 1 : integer }
      ask 1 { request { n 0 : integer }  response { n 0 : integer } }
    `);
    const rpc = sprotoRpc({ local: schema, remote: schema });
    const request = encodeFrame(rpc, {
      ...({ kind: "request", name: "ask", args: { n: 1 }, ud: undefined } as const),
      session: 1,
    });
    const flood = (count: number): Uint8Array => {
      const all = new Uint8Array(request.length * count);
      for (let i = 0; i < count; i++) all.set(request, i * request.length);
      return all;
    };
    const budget = new MemoryBudget(Number.MAX_SAFE_INTEGER);
    let begun = 0;
    const make = (count: number) => {
      begun = 0;
      const clock = new ManualClock();
      const on = {
        ask: () => {
          begun++;
          return never();
        },
      };
      const before = budget.used;
      const peers = rpc.peers({ on, clock, error: () => {} });
      const options: ConnectionOptions & ServerParts = { clock, budget };
      const connection = new Connection(rpc, sinkOf("stream"), peers, checkedOptions(options));
      connection.opened();
      connection.received(flood(count));
      return { connection, counted: budget.used - before };
    };
    const few = await held(() => make(10_000));
    expect([few.kept.connection.state, begun]).toEqual(["open", 64]);
    expect(few.bytes).toBeLessThan(1.2 * few.kept.counted + SLACK);
    const many = await held(() => make(200_000));
    expect(many.kept.connection.queued).toBe(0);
    expect(many.bytes).toBeLessThan(CONNECTION + SLACK);
  });
});

describe("the connections of a server together", () => {
  it("hold little more than maxMemory, whatever their peers do", async () => {
    const maxMemory = 8 * MIB;
    const protocol = lines({ maxFrame: 4 * MIB }).wrap(utf8());
    const { bytes, kept } = await held(async () => {
      const clock = new ManualClock();
      const budget = new MemoryBudget(maxMemory);
      const options = { clock, budget, maxQueued: 8 * MIB };
      const line = "a".repeat(1000);
      const all = Array.from({ length: 60 }, (_, i) =>
        open<string>({ protocol, options, roomy: i % 2 === 0 }),
      );
      for (let round = 0; round < 400; round++) {
        for (const [i, connection] of all.entries()) {
          // Half frames, and readers that do not read.
          if (i % 2 === 0) connection.received(new Uint8Array(1000).fill(0x61));
          else connection.send(line);
        }
        await Promise.resolve();
        clock.advance(1);
      }
      return { all, used: budget.used };
    });
    expect(kept.used).toBeLessThanOrEqual(maxMemory);
    expect(kept.used).toBeGreaterThan(maxMemory / 2);
    const open_ = kept.all.filter(({ state }) => state === "open").length;
    expect(open_).toBeGreaterThan(10);
    expect(open_).toBeLessThan(60);
    expect(bytes).toBeLessThan(1.2 * maxMemory + SLACK);
  });
});
