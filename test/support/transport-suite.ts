import {
  type CloseInfo,
  type Connection,
  type ConnectionOptions,
  encodeFrame,
  type Handlers,
} from "../../src/index.ts";
import { check, codeOf, equal, type TransportTest, until } from "./suite-checks.ts";
import { type Hello, heard, numbered, numberOf, type Seen, say, wire } from "./transport-server.ts";

// What every transport is put to, wherever it runs: in Node and Chromium under vitest, in Bun and Deno without it.
// So no test runner here, and nothing is gated on a time: tests wait for counts.

type Options = Handlers<Uint8Array> & ConnectionOptions;

/** A way to a server that has the `serverHandlers`. */
export interface Transport {
  readonly name: string;
  readonly boundary: "stream" | "message";
  /** `pause` reaches the peer. */
  readonly pauses: boolean;
  /**
   * `send` says that the peer does not read.
   * @defaultValue true
   */
  readonly blocks?: boolean | undefined;
  /**
   * The same two of the server's end.
   * @defaultValue both true
   */
  readonly server?: { readonly pauses: boolean; readonly blocks: boolean } | undefined;
  /** One half can be closed. */
  readonly halfCloses: boolean;
  /** Closing has a code that the peer sees. */
  readonly codes?: { readonly malformed: number; readonly tooLong: number } | undefined;
  /** A new connection that speaks `wire`, open or about to be. */
  connect(options: Options): Connection<Uint8Array> | Promise<Connection<Uint8Array>>;
}

interface Client {
  readonly connection: Connection<Uint8Array>;
  readonly id: string;
  readonly received: Uint8Array[];
  readonly errors: unknown[];
  readonly closes: CloseInfo[];
}

const KB64 = 64 * 1024;
/** What kernels, sockets and streams between the two ends may hold, at the very most. */
const IN_BETWEEN = 24 * 1024 * 1024;

/** The tests for one transport. */
export function transportTests(transport: Transport): TransportTest[] {
  const { blocks = true, server = { pauses: true, blocks: true } } = transport;
  let ids = 0;
  const session = Math.random().toString(36).slice(2);

  /** A connection to a server that does what `hello` says. */
  async function join(
    hello: Hello,
    options: Options & { iterated?: boolean } = {},
  ): Promise<Client> {
    const id = `${transport.name} ${session} ${ids++}`;
    const client = { id, received: [], errors: [], closes: [] } as unknown as {
      -readonly [K in keyof Client]: Client[K];
    };
    const { iterated, ...given } = options;
    let isOpen = false;
    client.connection = await transport.connect({
      ...(iterated ? {} : { message: (_, value) => client.received.push(value) }),
      // Closing is done when the peer has closed as well, not when there was no more time for it.
      closeTimeout: 0,
      ...given,
      open(connection) {
        // First of all: what is sent before a connection is open goes before this.
        isOpen = true;
        connection.send(say({ ...hello, id }));
        return given.open?.(connection);
      },
      error(connection, error) {
        client.errors.push(error);
        return given.error?.(connection, error);
      },
      close(connection, info) {
        client.closes.push(info);
        return given.close?.(connection, info);
      },
    });
    await until(() => isOpen || client.closes.length > 0, "the connection is open");
    return client;
  }

  /** What the server saw of a connection. */
  async function asker(about: string): Promise<(wake?: boolean) => Promise<Seen>> {
    const { connection, received } = await join({ role: "ask", about });
    let asked = 0;
    return async (wake = false) => {
      const count = ++asked;
      connection.send(say({ wake }));
      await until(() => received.length >= count, "an answer of the server");
      return heard<Seen>(received[count - 1]!);
    };
  }

  /** How the server's end was closed. */
  async function serverClose(client: Client): Promise<Seen> {
    const ask = await asker(client.id);
    let seen: Seen | undefined;
    await until(async () => {
      seen = await ask();
      return seen.close !== undefined;
    }, "the server's end is closed");
    return seen!;
  }

  const closed = (client: Client): Promise<void> =>
    until(() => client.closes.length > 0, "the connection is closed");

  const tests: TransportTest[] = [];
  const test = (name: string, run: () => Promise<void>): void => {
    tests.push({ name, run });
  };

  test("echoes", async () => {
    const client = await join({ role: "echo" });
    const bodies = [0, 1, 2, 127, 128, 1000, 65_535, 65_536].map((size) =>
      numbered(size, size + 4),
    );
    for (const body of bodies) client.connection.send(body);
    await until(() => client.received.length === bodies.length, "all came back");
    equal(client.received.map(numberOf), bodies.map(numberOf), "order");
    equal(
      client.received.map((b) => b.length),
      bodies.map((b) => b.length),
      "lengths",
    );
    client.connection.close();
    await closed(client);
    equal([client.closes[0]!.by, client.errors.length], ["local", 0], "the end");
    equal((await serverClose(client)).close?.by, "peer", "the server's end");
  });

  test("keeps the order of 10,000 small messages", async () => {
    const client = await join({ role: "echo" });
    for (let n = 0; n < 10_000; n++) client.connection.send(numbered(n, 4 + (n % 50)));
    await until(() => client.received.length === 10_000, "all came back");
    for (let n = 0; n < 10_000; n++) {
      const bytes = client.received[n]!;
      check(numberOf(bytes) === n && bytes.length === 4 + (n % 50), `message ${n} is another one`);
    }
    client.connection.close();
  });

  test("carries frames of the largest size", async () => {
    const client = await join({ role: "echo" });
    const body = new Uint8Array(wire.maxFrame - 4);
    for (let i = 0; i < body.length; i++) body[i] = i * 31 + (i >> 8);
    client.connection.send(body);
    await until(() => client.received.length === 1, "it came back");
    const back = client.received[0]!;
    check(back.length === body.length && back.every((b, i) => b === body[i]), "other bytes");
    let refused: unknown;
    try {
      client.connection.send(new Uint8Array(wire.maxFrame - 3));
    } catch (error) {
      refused = codeOf(error);
    }
    equal(refused, "unencodable", "a larger one");
    client.connection.send(numbered(7, 4));
    await until(() => client.received.length === 2, "the connection goes on");
    client.connection.close();
  });

  if (transport.boundary === "stream") {
    test("puts frames together that come in pieces", async () => {
      const frames = [...encodeFrame(wire, numbered(1, 9)), ...encodeFrame(wire, numbered(2, 5))];
      for (let size = 1; size <= 5; size++) {
        const pieces: number[][] = [];
        for (let at = 0; at < frames.length; at += size) pieces.push(frames.slice(at, at + size));
        const client = await join({ role: "pieces", pieces, after: "close" });
        await closed(client);
        equal(client.received.map(numberOf), [1, 2], `pieces of ${size}`);
        equal(client.closes[0]!.by, "peer", "the end");
      }
    });

    test("reports a frame that the end cuts, behind what came whole", async () => {
      const pieces = [[...encodeFrame(wire, numbered(5, 4)), 0, 0]];
      const client = await join({ role: "pieces", pieces, after: "close" });
      await closed(client);
      equal(client.received.map(numberOf), [5], "what came whole");
      equal([client.errors.map(codeOf), client.closes[0]!.by], [["truncated"], "error"], "the end");
    });
  } else {
    test("takes a frame that the end of its message cuts for an error", async () => {
      const whole = [...encodeFrame(wire, numbered(5, 4))];
      const client = await join({ role: "pieces", pieces: [[...whole, ...whole, 0, 0]] });
      await closed(client);
      equal(client.received.map(numberOf), [5, 5], "what came whole");
      equal([client.errors.map(codeOf), client.closes[0]!.by], [["truncated"], "error"], "the end");
      const { close } = await serverClose(client);
      if (transport.codes) equal(close?.code, transport.codes.malformed, "the code");
    });
  }

  test("ends with a frame that is too long, and tells the peer", async () => {
    const good = [...encodeFrame(wire, numbered(5, 4))];
    const client = await join({ role: "pieces", pieces: [[...good, 0x7f, 0xff, 0xff, 0xff, 1]] });
    await closed(client);
    equal(client.received.map(numberOf), [5], "what came before");
    equal([client.errors.map(codeOf), client.closes[0]!.by], [["too-long"], "error"], "the end");
    const { close } = await serverClose(client);
    if (transport.codes) equal(close?.code, transport.codes.tooLong, "the code");
  });

  /** Sends 600 messages of 64 KiB to a server that does not read, as fast as `send` lets it. */
  async function push() {
    const count = 600;
    const highWater = 4 * KB64;
    const seen = { count, highWater, sent: 0, most: 0, drains: 0, isBlocked: false };
    const go = (connection: Connection<Uint8Array>): void => {
      seen.isBlocked = false;
      while (seen.sent < count && !seen.isBlocked) {
        seen.isBlocked = !connection.send(numbered(seen.sent++, KB64 - 4));
        seen.most = Math.max(seen.most, connection.queued);
      }
    };
    const drain = (connection: Connection<Uint8Array>): void => {
      seen.drains++;
      go(connection);
    };
    const client = await join({ role: "deaf", count }, { highWater, drain });
    go(client.connection);
    // What is between the two may take its time to start.
    const ask = await asker(client.id);
    await until(async () => (await ask()).received !== undefined, "the server knows the client");
    return { client, seen };
  }

  /** The server is woken, and has got all, in order. */
  async function wake(client: Client, count: number): Promise<void> {
    const ask = await asker(client.id);
    equal((await ask()).received, 0, "the server read");
    await ask(true);
    await until(() => client.received.length === 1, "the server has read all");
    const { received, misplaced } = heard<Seen>(client.received[0]!);
    equal([received, misplaced], [count, 0], "what the server read");
    client.connection.close();
    await closed(client);
    equal(client.closes[0]!.by, "local", "the end");
  }

  if (!server.pauses) {
    test("is cut off by a peer that does not read, but cannot stop what comes", async () => {
      const { client } = await push();
      await closed(client);
      const { received, close } = await serverClose(client);
      equal([received, close?.by, close?.error], [0, "error", "overflow"], "the server's end");
    });
  } else if (blocks) {
    test("stops sending to a peer that does not read, and goes on when it does", async () => {
      const { client, seen } = await push();
      const ask = await asker(client.id);
      // Until nothing has moved for many answers of the server.
      for (let calm = 0, before = -1; calm < 25; calm++) {
        await ask();
        if (before !== seen.sent) calm = 0;
        before = seen.sent;
      }
      const { count, highWater, sent, most, isBlocked } = seen;
      check(isBlocked && sent < count, `${sent} of ${count} sent: nothing stopped it`);
      check(sent * KB64 < IN_BETWEEN, `${sent} messages were taken`);
      check(most <= highWater + KB64 + 64, `${most} bytes queued`);
      await wake(client, count);
      check(seen.sent === count && seen.drains > 0, "no drain");
    });
  } else {
    test("loses nothing to a peer that does not read for long, though it cannot know", async () => {
      const { client, seen } = await push();
      equal([seen.sent, client.connection.queued], [seen.count, 0], "sent at once");
      await wake(client, seen.count);
    });
  }

  if (transport.pauses) {
    test(
      server.blocks ? "slows a peer down while it is paused" : "misses nothing in a pause",
      async () => {
        const count = 600;
        const client = await join(
          { role: "flood", count, size: KB64 - 4 },
          { open: (connection) => connection.pause() },
        );
        const ask = await asker(client.id);
        for (let calm = 0, before = -1; calm < 25; calm++) {
          const { sent } = await ask();
          // It may not have heard of the client yet, whose process takes its time to start.
          if (before !== sent || !sent) calm = 0;
          before = sent;
        }
        const seen = await ask();
        if (server.blocks) {
          check(seen.blocked && seen.sent < count, `${seen.sent} of ${count}: nothing stopped it`);
          check(seen.sent * KB64 < IN_BETWEEN, `${seen.sent} messages are on their way`);
        }
        check(seen.mostQueued <= 5 * KB64 + 64, `${seen.mostQueued} bytes queued`);
        equal(client.received.length, 0, "delivered in the pause");
        client.connection.resume();
        await until(() => client.received.length === count, "all came");
        check(
          client.received.every((bytes, n) => numberOf(bytes) === n),
          "out of order",
        );
        client.connection.close();
      },
    );
  } else {
    test("keeps what comes in a pause, up to maxQueued", async () => {
      const client = await join(
        { role: "flood", count: 600, size: KB64 - 4 },
        { open: (connection) => connection.pause(), maxQueued: 10 * KB64 },
      );
      await closed(client);
      equal([client.errors.map(codeOf), client.closes[0]!.by], [["overflow"], "error"], "the end");
      equal(client.received.length, 0, "delivered in the pause");
    });
  }

  test("is iterated to the end, in order", async () => {
    const client = await join(
      { role: "flood", count: 300, size: 10_000, close: true },
      { iterated: true },
    );
    let next = 0;
    for await (const bytes of client.connection) {
      check(numberOf(bytes) === next++, `message ${next - 1} is another one`);
    }
    equal(next, 300, "messages");
    await closed(client);
    equal([client.closes[0]!.by, client.errors.length], ["peer", 0], "the end");
  });

  test("sends what was sent before it closes", async () => {
    const client = await join({ role: "count" });
    for (let n = 0; n < 500; n++) client.connection.send(numbered(n, 5000));
    client.connection.close();
    equal(client.connection.state, "closing", "the state");
    equal(client.connection.send(numbered(0, 4)), false, "send while closing");
    client.connection.close();
    await closed(client);
    equal(client.connection.state, "closed", "the state");
    equal(client.connection.send(numbered(0, 4)), false, "send when closed");
    client.connection.close();
    client.connection.abort();
    const seen = await serverClose(client);
    equal([seen.received, seen.misplaced, seen.close?.by], [500, 0, "peer"], "what the server saw");
    equal(client.closes.length, 1, "close handlers called");
  });

  test("closes and aborts from within its handlers", async () => {
    const early = await join({ role: "echo" }, { open: (connection) => connection.close() });
    await closed(early);
    let delivered = 0;
    const late = await join(
      { role: "flood", count: 100, size: 100 },
      {
        message(connection, bytes) {
          delivered++;
          if (numberOf(bytes) === 2) connection.close();
        },
      },
    );
    await closed(late);
    equal(delivered, 3, "delivered before close()");
    const cut = await join(
      { role: "flood", count: 100, size: 100 },
      { message: (connection) => connection.abort() },
    );
    await closed(cut);
    equal(
      [early, late, cut].map(({ closes }) => closes[0]!.by),
      ["local", "local", "local"],
      "ends",
    );
    check((await serverClose(cut)).close !== undefined, "the server's end is open");
  });

  test("ends with a handler that throws, and disturbs no other connection", async () => {
    const failure = new Error("thrown by a handler");
    const other = await join({ role: "echo" });
    const client = await join(
      { role: "flood", count: 10, size: 10 },
      {
        message() {
          throw failure;
        },
      },
    );
    await closed(client);
    check(client.errors.length === 1 && client.errors[0] === failure, "the error");
    check(client.closes[0]!.error === failure, "why it closed");
    await serverClose(client);
    other.connection.send(numbered(1, 4));
    await until(() => other.received.length === 1, "the other one echoes");
    other.connection.close();
  });

  test("notices a peer that vanishes", async () => {
    const client = await join({ role: "pieces", pieces: [[0, 0, 0, 1, 9]], after: "vanish" });
    await closed(client);
    check(client.closes[0]!.by !== "local", "it did not close itself");
    equal(client.connection.state, "closed", "the state");
    equal(client.received.length, 1, "what came before");
  });

  test("ends when nothing comes for too long", async () => {
    const client = await join({ role: "count" }, { idleTimeout: 20 });
    await closed(client);
    equal([client.errors.map(codeOf), client.closes[0]!.by], [["timeout"], "error"], "the end");
    await serverClose(client);
  });

  if (transport.halfCloses) {
    test("may still send when the peer has ended its half", async () => {
      const states: string[] = [];
      const client = await join(
        { role: "pieces", pieces: [[0, 0, 0, 1, 9]], after: "close" },
        {
          end(connection) {
            states.push(connection.state);
            states.push(String(connection.send(numbered(1, 4))));
            connection.close();
          },
        },
      );
      await closed(client);
      equal(states, ["open", "true"], "at the peer's end");
      equal([client.closes[0]!.by, client.errors.length], ["local", 0], "the end");
    });
  }

  return tests;
}
