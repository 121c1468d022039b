import { body, pieces } from "../../src/framing/index.ts";
import {
  type CloseInfo,
  type Connection,
  type ConnectionOptions,
  duplex,
  type Handlers,
  json,
  lengthPrefixed,
  lines,
  type Protocol,
  raw,
  utf8,
} from "../../src/index.ts";
import { pipe } from "../../src/session/index.ts";
import type * as node from "../../src/transports/node/index.ts";
import { check, equal, type TransportTest, until } from "./suite-checks.ts";

// What streams can do besides carrying messages: half-close, bodies, tunnels, TLS on an open connection. No test runner
// here: the tests run in Node under vitest, and without it in every runtime.

type Options<In, Out> = Handlers<In, Out> & ConnectionOptions;

/** A way to listen and to connect. */
export interface Streams {
  readonly name: string;
  /** Starts a server. Returns a function that connects to it. */
  listen<In, Out>(protocol: Protocol<In, Out>, options: Options<In, Out>): Promise<Dial>;
}

type Dial = <In, Out>(
  protocol: Protocol<In, Out>,
  options: Options<In, Out>,
) => Promise<Connection<In, Out>>;

const KB64 = 64 * 1024;
/** What kernels, sockets and streams between the two ends may hold, at the very most. */
const IN_BETWEEN = 48 * 1024 * 1024;
const bytes: Protocol<Uint8Array> = pieces().wrap(raw());
const text: Protocol<string> = lines().wrap(utf8());
const quiet = { firstMessageTimeout: 0, closeTimeout: 0 } as const;

/** Bytes of which each position has its own. */
function numbered(from: number, length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = (from + i) * 31 + ((from + i) >> 8);
  return out;
}

/** Sums up what comes, and says whether it is what was sent. */
class Tally {
  count = 0;
  wrong = 0;

  add(piece: Uint8Array): void {
    const expected = numbered(this.count, piece.length);
    for (let i = 0; i < piece.length; i++) if (piece[i] !== expected[i]) this.wrong++;
    this.count += piece.length;
  }
}

/** Sends `count` numbered bytes as fast as backpressure lets it, and says how far it got. */
async function flood(
  connection: Connection<Uint8Array>,
  count: number,
  sent: (total: number) => void = () => {},
): Promise<void> {
  for (let at = 0; at < count; at += KB64) {
    const piece = numbered(at, Math.min(KB64, count - at));
    const isRoomy = connection.send(piece);
    sent(at + piece.length);
    if (!isRoomy) await connection.ready();
  }
}

/** The tests for one kind of stream. */
export function streamTests({ listen }: Streams): TransportTest[] {
  const tests: TransportTest[] = [];
  const test = (name: string, run: () => Promise<void>): void => void tests.push({ name, run });

  /** A server, and a proxy in front of it: a function that connects to the proxy, and how each pipe ended. */
  async function proxied<In, Out>(
    protocol: Protocol<In, Out>,
    options: Options<In, Out>,
  ): Promise<{ dial: Dial; ends: CloseInfo[][] }> {
    const upstream = await listen(protocol, { ...quiet, ...options });
    const ends: CloseInfo[][] = [];
    const dial = await listen(bytes, {
      ...quiet,
      async open(client) {
        const server = await upstream(bytes, quiet);
        ends.push([...(await pipe(client, server))]);
      },
    });
    return { dial, ends };
  }

  test("delivers what comes after our own half has ended", async () => {
    const lines: string[] = [];
    const dial = await listen(text, {
      ...quiet,
      message: (_, line) => void lines.push(line),
      end: (connection) => {
        connection.send(`you said ${lines.join(" ")}`);
        connection.end();
      },
    });
    const received: string[] = [];
    const connection = await dial(text, { ...quiet, message: (_, line) => received.push(line) });
    connection.send("one");
    connection.send("two");
    connection.end();
    await connection.closed;
    equal(received, ["you said one two"], "the answer");
  });

  test("reads a body of 3 MB after a header, and goes on", async () => {
    const headers = lines().wrap(json<{ readonly size: number; readonly right?: boolean }>());
    const dial = await listen(headers, {
      ...quiet,
      async message(connection, { size }) {
        const tally = new Tally();
        for await (const piece of body(connection, size)) tally.add(piece);
        connection.send({ size: tally.count, right: tally.wrong === 0 });
      },
    });
    const answers: unknown[] = [];
    const connection = await dial(headers, {
      ...quiet,
      message: (_, value) => answers.push(value),
    });
    const sizes = [3_000_000, 0, 1, 100_000];
    for (const size of sizes) {
      connection.send({ size });
      for (let at = 0; at < size; at += KB64) {
        if (!connection.sendFrame(numbered(at, Math.min(KB64, size - at)))) {
          await connection.ready();
        }
      }
    }
    await until(() => answers.length === sizes.length, "all bodies were read");
    equal(
      answers,
      sizes.map((size) => ({ size, right: true })),
      "what was read",
    );
    connection.close();
    await connection.closed;
  });

  test("speaks another protocol in each direction", async () => {
    const commands = lines({ maxFrame: 100 }).wrap(utf8());
    const replies = lengthPrefixed({ width: 4 }).wrap(json<readonly string[]>());
    const dial = await listen(duplex({ read: commands, write: replies }), {
      ...quiet,
      message: (connection, line) => connection.send(line.split(" ")),
    });
    const received: unknown[] = [];
    const connection = await dial(duplex({ read: replies, write: commands }), {
      ...quiet,
      message: (_, value) => received.push(value),
    });
    connection.send("get a b");
    connection.send(`${"x".repeat(50)} y`);
    await until(() => received.length === 2, "both answers");
    equal(
      received,
      [
        ["get", "a", "b"],
        ["x".repeat(50), "y"],
      ],
      "the answers",
    );
    connection.close();
    await connection.closed;
  });

  test("pipes 5 MB both ways, and the end of each side", async () => {
    const size = 5_000_000;
    const up = new Tally();
    const down = new Tally();
    const { dial, ends } = await proxied(bytes, {
      message: (_, piece) => up.add(piece),
      async end(connection) {
        await flood(connection, size);
        connection.end();
      },
    });
    const client = await dial(bytes, { ...quiet, message: (_, piece) => down.add(piece) });
    await flood(client, size);
    client.end();
    await client.closed;
    await until(() => ends.length === 1, "the pipe is over");
    equal([up.count, up.wrong, down.count, down.wrong], [size, 0, size, 0], "what came");
    equal(
      ends[0]!.map(({ error }) => error === undefined),
      [true, true],
      "no errors",
    );
  });

  test("slows a sender down through a pipe, until the receiver reads", async () => {
    const size = 100 * 1024 * 1024;
    const tally = new Tally();
    let wake: () => void = () => {};
    const { dial, ends } = await proxied(bytes, {
      open: (connection) => {
        connection.pause();
        wake = () => connection.resume();
      },
      message: (_, piece) => {
        tally.count += piece.length;
      },
    });
    const client = await dial(bytes, quiet);
    let sent = 0;
    const done = flood(client, size, (total) => {
      sent = total;
    });
    let before = -1;
    await until(async () => {
      const isStuck = sent === before;
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return isStuck && sent > 0;
    }, "the sender stops while no one reads");
    check(sent < IN_BETWEEN, `${sent} bytes went out while no one reads`);
    wake();
    await done;
    client.end();
    await until(() => ends.length === 1, "the pipe is over");
    // It may be over before the receiver has read the last bytes.
    await until(() => tally.count >= size, `${size} bytes arrive`);
    equal(tally.count, size, "what came");
  });

  test("passes the failure of one side of a pipe on", async () => {
    const { dial, ends } = await proxied(bytes, {
      message: (connection) => connection.abort(),
    });
    const client = await dial(bytes, { ...quiet, message() {}, error() {} });
    client.send(Uint8Array.of(1));
    await client.closed;
    await until(() => ends.length === 1, "the pipe is over");
    equal(client.state, "closed", "the client");
  });

  return tests;
}

/** What {@link startTlsTests} need of `framewright/node`. */
export type TlsTools = Pick<typeof node, "listen" | "connect" | "startTls"> & {
  readonly cert: Uint8Array;
  readonly key: Uint8Array;
};

/** Tests of `startTls`, for runtimes with the TLS of Node. */
export function startTlsTests({ listen, connect, startTls, cert, key }: TlsTools): TransportTest[] {
  const host = "localhost";
  const tests: TransportTest[] = [];
  const test = (name: string, run: () => Promise<void>): void => void tests.push({ name, run });
  const secret = lengthPrefixed({ width: 2 }).wrap(utf8());
  const [ca, pem] = [cert, key].map((file) => new TextDecoder().decode(file));

  /** A server that knows STARTTLS, and sends this with its go-ahead. */
  async function serve(goAhead: string): Promise<number> {
    const server = await listen(text, {
      ...quiet,
      host,
      port: 0,
      error() {},
      async message(connection, line) {
        if (line !== "STARTTLS") return;
        connection.sendFrame(new TextEncoder().encode(goAhead));
        await startTls(connection, secret, {
          side: "server",
          tls: { key: pem, cert: ca },
          message: (opened, said) => opened.send(said.toUpperCase()),
          error() {},
        });
      },
    });
    return server.port!;
  }

  test("goes on over TLS after a go-ahead", async () => {
    const connection = await connect(text, { host, port: await serve("220 go\n") });
    connection.send("STARTTLS");
    for await (const line of connection) {
      equal(line, "220 go", "the go-ahead");
      break;
    }
    const received: string[] = [];
    const secured = await startTls(connection, secret, {
      side: "client",
      tls: { ca },
      message: (_, said) => received.push(said),
    });
    const said = ["hello", "x".repeat(60_000), "gr\u00fc\u00dfe"];
    for (const one of said) secured.send(one);
    await until(() => received.length === said.length, "all answers");
    equal(
      received,
      said.map((one) => one.toUpperCase()),
      "the answers",
    );
    secured.close();
    await secured.closed;
  });

  test("refuses bytes that came with the go-ahead", async () => {
    const connection = await connect(text, {
      host,
      port: await serve("220 go\n220 not encrypted\n"),
    });
    connection.send("STARTTLS");
    for await (const line of connection) {
      equal(line, "220 go", "the go-ahead");
      break;
    }
    const failure = await startTls(connection, secret, {
      side: "client",
      tls: { ca },
      error() {},
    }).then(
      () => "none",
      (error: { readonly code?: string }) => error.code,
    );
    equal(failure, "malformed", "the failure");
  });

  return tests;
}
