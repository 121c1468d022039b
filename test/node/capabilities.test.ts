import { readFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { Duplex, PassThrough } from "node:stream";
import { connect as dialTls } from "node:tls";
import { MockBinding } from "@serialport/binding-mock";
import { SerialPortStream } from "@serialport/stream";
import { afterAll, describe, expect, it } from "vitest";
import { body, pieces } from "../../src/framing/index.ts";
import {
  Connection as Bare,
  type Connection,
  lines,
  perMessage,
  raw,
  utf8,
} from "../../src/index.ts";
import { type BunSocket, socketHandlers } from "../../src/transports/bun/index.ts";
import {
  attach,
  connect,
  detachSocket,
  listen,
  pipe,
  type Server,
  startTls,
} from "../../src/transports/node/index.ts";
import { attachStreams, attachWebSocket } from "../../src/transports/web/index.ts";
import { FakeWebSocket } from "../support/fake-web-socket.ts";
import { ScriptedSink } from "../support/scripted-sink.ts";

// The table "Features of stream transports" of docs/transports/README.md: each cell is tried.

const host = "127.0.0.1";
const bytes = pieces().wrap(raw());
const text = lines().wrap(utf8());
const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));

const servers: Server<Uint8Array, Uint8Array, unknown, number | undefined>[] = [];
const connections: Connection<Uint8Array>[] = [];
afterAll(async () => {
  for (const connection of connections) connection.abort();
  for (const server of servers) await server.close({ timeout: 10 });
});

const quiet = { error() {} };
const plain = await listen(bytes, { host, port: 0, ...quiet });
const secure = await listen(bytes, { host, port: 0, tls: { key, cert }, ...quiet });
const path = `${tmpdir()}/framewright-${process.pid}.sock`;
const local = await listen(bytes, { path, ...quiet });
servers.push(plain, secure, local as never);
const tls = { ca: cert, servername: "localhost" };

const silent = (stream: Duplex): unknown =>
  attach(stream, perMessage().wrap(raw()), { silence: 20, ...quiet }).abort();

interface Way {
  /** An open connection of this kind, without a message handler. */
  open(): Connection<Uint8Array> | Promise<Connection<Uint8Array>>;
  /** Makes one with the option `silence`; throws if there is no such thing. */
  silence(): unknown;
}

const none = (): never => {
  throw new TypeError("no such option");
};
const echoed = (): Duplex => {
  const [up, down] = [new PassThrough(), new PassThrough()];
  return Duplex.from({ readable: up, writable: down });
};
const pairOf = () => ({ readable: new PassThrough(), writable: new PassThrough() });
const portOf = () => {
  MockBinding.reset();
  MockBinding.createPort("/dev/p");
  return new SerialPortStream({ binding: MockBinding, path: "/dev/p", baudRate: 9600 });
};

const ways: Record<string, Way> = {
  "TCP socket": {
    open: () => connect(bytes, { host, port: plain.port, ...quiet }),
    silence: () => silent(dial({ host, port: plain.port })),
  },
  "Unix domain socket": {
    open: () => connect(bytes, { path, ...quiet }),
    silence: () => silent(dial({ path })),
  },
  "TLS socket": {
    open: () => connect(bytes, { host, port: secure.port, tls, ...quiet }),
    silence: () => silent(dialTls({ host, port: secure.port, ...tls })),
  },
  "any of these, `connect` with `slab`": {
    open: () => connect(bytes, { host, port: plain.port, slab: 65_536, ...quiet }),
    silence: none,
  },
  "other Duplex": {
    open: () => attach(echoed(), bytes, quiet),
    silence: () => silent(echoed()),
  },
  "`{ readable, writable }`, a child process": {
    open: () => attach(pairOf(), bytes, quiet),
    silence: () => attach(pairOf(), perMessage().wrap(raw()), { silence: 20 }).abort(),
  },
  "serial port": {
    async open() {
      const port = portOf();
      await new Promise<void>((resolve) => port.once("open", () => resolve()));
      return attach(port, bytes, quiet);
    },
    silence: () => silent(portOf()),
  },
  WebSocket: {
    open: () => attachWebSocket(new FakeWebSocket(), bytes, quiet),
    silence: () => attachWebSocket(new FakeWebSocket(), bytes, { silence: 20 } as never),
  },
  "web streams": {
    open: () => attachStreams(webOf(), bytes, quiet),
    silence: () => attachStreams(webOf(), bytes, { silence: 20 } as never),
  },
  "sockets of Bun": {
    open() {
      const opened: Connection<Uint8Array>[] = [];
      const socket: BunSocket = {
        write: (data: Uint8Array) => data.length,
        shutdown() {},
        terminate() {},
        pause() {},
        resume() {},
      };
      const handlers = socketHandlers(bytes, { ...quiet, open: (made) => void opened.push(made) });
      handlers.open(socket);
      return opened[0]!;
    },
    silence: () => socketHandlers(bytes, { silence: 20 } as never),
  },
};

function webOf() {
  return { readable: new TransformStream().readable, writable: new TransformStream().writable };
}

const works = (run: () => unknown): boolean => {
  try {
    run();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return false;
  }
};

const tries: Record<string, (way: Way, open: () => Promise<Connection<Uint8Array>>) => unknown> = {
  "`pipe`": async (_, open) => {
    const connection = await open();
    const sink = new ScriptedSink();
    const other = new Bare(bytes, sink);
    other.opened();
    void pipe(connection, other);
    connection.received(Uint8Array.of(104, 105));
    await Promise.resolve();
    return sink.calls.includes("write hi");
  },
  "`body`": async (_, open) => {
    const connection = await open();
    const iterated = body(connection, 3);
    connection.received(Uint8Array.of(1, 2, 3));
    const read: number[] = [];
    for await (const piece of iterated) read.push(...piece);
    return read.join() === "1,2,3";
  },
  "`end()`, half-close": async (_, open) => {
    const connection = await open();
    return works(() => connection.end());
  },
  "`detach()`, `detachSocket`": async (_, open) => {
    const connection = await open();
    return works(() =>
      detachSocket<Duplex>(connection)
        .on?.("error", () => {})
        .destroy(),
    );
  },
  "`startTls`": async (_, open) => {
    const connection = await open();
    return works(() => startTls(connection, text, { side: "client", ...quiet }));
  },
  "`silence`": ({ silence }) => works(silence),
};

/** The rows of the table, as records. */
function table(): Record<string, string>[] {
  const page = readFileSync(new URL("../../docs/transports/README.md", import.meta.url), "utf8");
  const section = page
    .split("\n## ")
    .find((part) => part.startsWith("Features of stream transports"))!;
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  const cells = rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const [names, , ...values] = cells;
  return values.map((row) => Object.fromEntries(row.map((cell, n) => [names![n], cell])));
}

describe("the table of features of stream transports", () => {
  const rows = table();

  it("has a row for each transport and a column for each feature", () => {
    expect(rows.map(({ transport }) => transport)).toEqual(Object.keys(ways));
    expect(Object.keys(rows[0]!)).toEqual(["transport", ...Object.keys(tries)]);
  });

  for (const row of rows) {
    it(`tells the truth about ${row.transport}`, async () => {
      const way = ways[row.transport!]!;
      const found: Record<string, string> = { transport: row.transport! };
      for (const [name, attempt] of Object.entries(tries)) {
        const open = async () => {
          const connection = await way.open();
          connections.push(connection);
          return connection;
        };
        found[name] = (await attempt(way, open)) ? "yes" : "no";
      }
      expect(found).toEqual(row);
    });
  }
});
