import { readFileSync } from "node:fs";
import { createServer, connect as dial, type Server as NetServer, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type CloseInfo,
  Connection,
  json,
  lengthPrefixed,
  lines,
  type Protocol,
  utf8,
} from "../../src/index.ts";
import {
  attach,
  connect,
  detachSocket,
  type ListenOptions,
  listen,
  type Server,
  type StartTlsOptions,
  startTls,
} from "../../src/transports/node/index.ts";
import { ScriptedSink } from "../support/scripted-sink.ts";
import { thrownBy } from "../support/thrown.ts";

const host = "localhost";
const text = lines().wrap(utf8());
const secret = lengthPrefixed({ width: 2 }).wrap(json<{ said: string }>());
const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));

const servers: (Server<string> | NetServer)[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    if ("connections" in server && server.connections instanceof Set) {
      await (server as Server<string>).close({ timeout: 10 });
    } else (server as NetServer).close();
  }
});

/** What happened at one end. */
interface Log {
  readonly heard: string[];
  readonly errors: unknown[];
  readonly closes: CloseInfo[];
}

const newLog = (): Log => ({ heard: [], errors: [], closes: [] });

const noting = (log: Log) => ({
  error: (_: unknown, error: unknown): void => void log.errors.push(error),
  close: (_: unknown, info: CloseInfo): void => void log.closes.push(info),
});

/** A server that knows the command STARTTLS and echoes over TLS. */
async function serve(
  log: Log,
  tls: Partial<StartTlsOptions<{ said: string }>> = {},
  options: Partial<Omit<ListenOptions<string>, "port" | "host" | "path">> = {},
): Promise<Server<string>> {
  const server = await listen(text, {
    ...noting(log),
    ...options,
    host,
    port: 0,
    async message(connection, line) {
      log.heard.push(line);
      if (line !== "STARTTLS") return;
      connection.send("220 go ahead");
      await startTls(connection, secret, {
        ...noting(log),
        side: "server",
        tls: { key, cert },
        message(c, { said }) {
          log.heard.push(said);
          c.send({ said: said.toUpperCase() });
        },
        ...tls,
      } as StartTlsOptions<{ said: string }>);
    },
  });
  servers.push(server as unknown as Server<string>);
  return server as unknown as Server<string>;
}

/** Connects, asks for TLS and gets it. */
async function join(
  port: number,
  log: Log,
  options: Partial<StartTlsOptions<{ said: string }>> = {},
): Promise<Connection<{ said: string }>> {
  const connection = await connect(text, { host, port, ...noting(log) });
  connection.send("STARTTLS");
  for await (const line of connection) {
    expect(line).toBe("220 go ahead");
    break;
  }
  return startTls(connection, secret, {
    ...noting(log),
    side: "client",
    tls: { ca: cert },
    ...options,
  } as StartTlsOptions<{ said: string }>);
}

/** A plain client: what it receives, and how it ended. */
function plain(port: number): { socket: Socket; got: () => string; isClosed: () => boolean } {
  const socket = dial({ host, port });
  const chunks: Buffer[] = [];
  let isClosed = false;
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => {});
  socket.on("close", () => {
    isClosed = true;
  });
  return { socket, got: () => Buffer.concat(chunks).toString("latin1"), isClosed: () => isClosed };
}

/** A server that answers the first line with these bytes, and does what else it likes. */
async function plainServer(
  answer: string,
  then: (socket: Socket) => void = () => {},
): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(answer);
      then(socket);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, () => resolve()));
  return (server.address() as { port: number }).port;
}

describe("startTls", () => {
  it("encrypts both directions of the same connection, which stays in its server", async () => {
    const [there, here] = [newLog(), newLog()];
    const server = await serve(there);
    const [accepted] = await Promise.all([
      new Promise<Connection<string>>((resolve) => {
        const poll = setInterval(() => {
          for (const connection of server.connections) {
            clearInterval(poll);
            resolve(connection);
          }
        }, 1);
      }),
      (async () => {
        const connection = await join(server.port!, here);
        connection.send({ said: "hello" });
        for await (const { said } of connection) {
          here.heard.push(said);
          break;
        }
        expect(server.connections.size).toBe(1);
        connection.close();
        await connection.closed;
      })(),
    ]);
    await accepted.closed;
    expect(accepted.protocol.name).toBe(secret.name);
    expect([there.heard, here.heard]).toEqual([["STARTTLS", "hello"], ["HELLO"]]);
    expect([...there.errors, ...here.errors]).toEqual([]);
    expect([there.closes, here.closes]).toEqual([[{ by: "peer" }], [{ by: "local" }]]);
    expect(server.connections.size).toBe(0);
  });

  it("speaks with Node's own TLS client, and carries much in both directions", async () => {
    const there = newLog();
    const server = await serve(there, {
      message: (connection, { said }) => connection.send({ said }),
    });
    const { socket, got } = plain(server.port!);
    socket.write("STARTTLS\n");
    await expect.poll(got).toBe("220 go ahead\n");
    socket.removeAllListeners("data");
    const secured = connectTls({ socket, ca: cert, servername: "localhost" });
    const connection = attach(secured, secret);
    const said = "x".repeat(30_000);
    for (let n = 0; n < 100; n++) connection.send({ said: said + n });
    let count = 0;
    for await (const answer of connection) {
      expect(answer.said).toBe(said + count++);
      if (count === 100) connection.close();
    }
    expect(count).toBe(100);
  });

  it("sends messages queued during the handshake after it, and hands over the TLS socket", async () => {
    const there = newLog();
    let name: string | undefined;
    const server = await serve(there, {
      tls: { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true },
      secured: (_, socket) => {
        name = socket.getPeerCertificate().subject.CN as string;
      },
    });
    const connection = await connect(text, { host, port: server.port! });
    connection.send("STARTTLS");
    for await (const _ of connection) break;
    const pending = startTls(connection, secret, {
      side: "client",
      tls: { ca: cert, cert, key },
    });
    const secure = connection as unknown as Connection<{ said: string }>;
    expect(secure.send({ said: "early" })).toBe(true);
    await pending;
    for await (const { said } of secure) {
      expect(said).toBe("EARLY");
      break;
    }
    expect(name).toBe("localhost");
    const socket = detachSocket<TLSSocket>(secure);
    expect(socket.encrypted).toBe(true);
    socket.destroy();
  });

  it("ends the connection with malformed, before the reply, if plain text follows the command", async () => {
    for (const injected of ["STARTTLS\nEVIL\n", "STARTTLS\nE", "STARTTLS\n\x16\x03\x01"]) {
      const there = newLog();
      const server = await serve(there);
      const { socket, got, isClosed } = plain(server.port!);
      socket.write(injected);
      await expect.poll(isClosed).toBe(true);
      await expect.poll(() => there.closes.length).toBe(1);
      expect(there.errors).toEqual([expect.objectContaining({ code: "malformed" })]);
      expect(there.closes).toEqual([{ by: "error", error: there.errors[0] }]);
      expect([there.heard, got()]).toEqual([["STARTTLS"], ""]);
    }
  });

  it("treats the rest of a frame of several values as plain text that follows", async () => {
    const there = newLog();
    const batch: Protocol<string> = {
      ...text,
      decodeMany: (bytes, start, end) => text.decode(bytes, start, end).split(" "),
    };
    const server = await listen(batch, {
      ...noting(there),
      host,
      port: 0,
      async message(connection, word) {
        there.heard.push(word);
        await startTls(connection, secret, { side: "server", tls: { key, cert } });
      },
    });
    servers.push(server as unknown as Server<string>);
    const { socket, isClosed } = plain(server.port);
    socket.write("STARTTLS EVIL\n");
    await expect.poll(isClosed).toBe(true);
    await expect.poll(() => there.closes.length).toBe(1);
    expect(there.errors).toEqual([expect.objectContaining({ code: "malformed" })]);
    expect(there.heard).toEqual(["STARTTLS"]);
  });

  it("ends with malformed if plain text arrives instead of the handshake", async () => {
    for (const injected of ["EVIL\n", "GET / HTTP/1.1\r\n\r\n", "\n\n\n\n\n\n\n\n"]) {
      const there = newLog();
      const server = await serve(there);
      const { socket, got, isClosed } = plain(server.port!);
      socket.write("STARTTLS\n");
      await expect.poll(got).toContain("220 go ahead\n");
      socket.write(injected.repeat(4));
      await expect.poll(isClosed).toBe(true);
      await expect.poll(() => there.closes.length).toBe(1);
      expect(there.errors).toEqual([expect.objectContaining({ code: "malformed" })]);
      expect(there.heard).toEqual(["STARTTLS"]);
    }
  });

  it("refuses plain text after the reply on the client, in the same chunk or in a later one", async () => {
    const evil = (socket: Socket): void => void setTimeout(() => socket.write("250 EVIL\n"), 20);
    const ports = [
      await plainServer("220 go ahead\n250 EVIL\n"),
      await plainServer("220 go ahead\n2"),
      await plainServer("220 go ahead\n", evil),
    ];
    for (const port of ports) {
      const here = newLog();
      const failure = await join(port, here).catch((error) => error);
      expect(failure).toMatchObject({ code: "malformed" });
      await expect.poll(() => here.closes.length).toBe(1);
      expect([here.errors, here.closes]).toEqual([[failure], [{ by: "error", error: failure }]]);
      expect(here.heard).toEqual([]);
    }
  });

  it("fails with the reason if the certificate is not trusted, or for another name", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const server = await serve(newLog());
    const here = newLog();
    const stranger = await join(server.port!, here, { tls: true }).catch((error) => error);
    expect(stranger).toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    expect(here.errors).toEqual([stranger]);
    const tls = { ca: cert, servername: "example.org" };
    const other = await join(server.port!, newLog(), { tls }).catch((error) => error);
    expect(other).toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    // A client without a certificate, which the server asks for.
    const there = newLog();
    const strict = { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true };
    const careful = await serve(there, { tls: strict });
    await join(careful.port!, newLog()).catch(() => {});
    await expect.poll(() => there.closes.length).toBe(1);
    expect(there.closes[0]?.by).toBe("error");
    log.mockRestore();
  });

  it("ends a handshake that takes too long, or if its peer closes", async () => {
    const there = newLog();
    const server = await serve(there, { handshakeTimeout: 30 });
    const slow = plain(server.port!);
    slow.socket.write("STARTTLS\n");
    await expect.poll(slow.isClosed).toBe(true);
    await expect.poll(() => there.closes.length).toBe(1);
    expect(there.closes[0]).toMatchObject({ by: "error", error: { code: "timeout" } });

    const gone = newLog();
    const other = await serve(gone);
    const leaving = plain(other.port!);
    leaving.socket.write("STARTTLS\n");
    await expect.poll(leaving.got).toBe("220 go ahead\n");
    leaving.socket.destroy();
    await expect.poll(() => gone.closes.length).toBe(1);
    expect(gone.closes[0]?.by).toBe("error");
    expect(other.connections.size).toBe(0);
  });

  it("can be aborted and closed during the handshake", async () => {
    const silent = await plainServer("220 go ahead\n");
    for (const end of ["abort", "close"] as const) {
      const here = newLog();
      const connection = await connect(text, { host, port: silent, closeTimeout: 30 });
      connection.send("STARTTLS");
      for await (const _ of connection) break;
      const pending = startTls(connection, secret, {
        ...noting(here),
        side: "client",
        tls: { ca: cert },
      });
      await new Promise((resolve) => setTimeout(resolve, 10));
      connection[end]();
      const failure = await pending.catch((error) => error);
      expect(failure).toBeInstanceOf(Error);
      await connection.closed;
      expect(here.closes).toEqual([{ by: "local" }]);
    }
  });

  it("treats an error of secured as a handler's error, and does not report a promise that is not awaited", async () => {
    const bug = new Error("not this one");
    const there = newLog();
    const server = await serve(there, {
      secured() {
        throw bug;
      },
    });
    const here = newLog();
    await join(server.port!, here);
    await expect.poll(() => there.closes.length).toBe(1);
    expect([there.errors, there.closes]).toEqual([[bug], [{ by: "error", error: bug }]]);
    await expect.poll(() => here.closes.length).toBe(1);
  });

  it("refuses unsupported transports and options", async () => {
    const server = await serve(newLog());
    const client = { side: "client" } as const;
    const message = (run: () => unknown): string => String(thrownBy(run));
    const bare = new Connection(text, new ScriptedSink());
    expect(message(() => startTls(bare, secret, client))).toContain("framewright/node");
    const slab = await connect(text, { host, port: server.port!, slab: 65_536 });
    expect(message(() => startTls(slab, secret, client))).toContain("slab");
    slab.abort();
    const connection = await connect(text, { host, port: server.port! });
    expect(message(() => startTls(connection, secret, { side: "both" } as never))).toContain(
      "both",
    );
    expect(message(() => startTls(connection, secret, { side: "server" } as never))).toContain(
      "cert",
    );
    expect(
      message(() => startTls(connection, secret, { ...client, open() {} } as never)),
    ).toContain('"open"');
    expect(message(() => startTls(connection, lines() as never, client))).toContain("wrap");
    // Far more than the system takes at once.
    const large = lines({ maxFrame: 40_000_000 }).wrap(utf8());
    const stalled = await connect(large, { host, port: await plainServer("", (s) => s.pause()) });
    stalled.send("x".repeat(30_000_000));
    expect(message(() => startTls(stalled, secret, client))).toContain("unsent bytes");
    expect(stalled.state).toBe("open");
    stalled.abort();
    connection.abort();
    await connection.closed;
    expect(thrownBy(() => startTls(connection, secret, client))).toMatchObject({ code: "closed" });
  });
});
