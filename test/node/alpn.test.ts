import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { json, lengthPrefixed, lines, type Protocol } from "../../src/index.ts";
import { connect, listen, type Server } from "../../src/transports/node/index.ts";

const host = "127.0.0.1";
const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));
const tls = { key, cert };
const text = lines().wrap(json<number>());
const binary = lengthPrefixed({ width: 2 }).wrap(json<number>());
const servers: Server<number>[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close({ timeout: 10 });
});

async function serve(): Promise<number> {
  const server = await listen(text, {
    host,
    port: 0,
    tls,
    alpn: { "numbers/2": binary, "numbers/1": text },
    message: (connection, n) => connection.send(n + 1),
  });
  servers.push(server as unknown as Server<number>);
  return server.port;
}

async function ask(port: number, protocol: Protocol<number>, names?: string[]): Promise<number> {
  const connection = await connect(protocol, {
    host,
    port,
    tls: { ca: cert, servername: "localhost", ...(names && { ALPNProtocols: names }) },
  });
  connection.send(41);
  for await (const n of connection) {
    connection.close();
    return n;
  }
  throw new Error("no answer");
}

describe("alpn of listen", () => {
  it("chooses the protocol by the name that the client offers", async () => {
    const port = await serve();
    expect(await ask(port, binary, ["numbers/2"])).toBe(42);
    expect(await ask(port, text, ["numbers/1"])).toBe(42);
    expect(await ask(port, binary, ["other", "numbers/2"])).toBe(42);
  });

  it("uses the default protocol for a client without ALPN", async () => {
    expect(await ask(await serve(), text)).toBe(42);
  });

  it("fails the handshake of a client that offers only unknown names", async () => {
    const failure = await ask(await serve(), text, ["h2"]).catch((error) => error);
    expect(failure).toMatchObject({ code: expect.stringContaining("ALERT_NO_APPLICATION") });
  });

  it("is refused without TLS, together with ALPN options of tls, without names, and for an invalid protocol", async () => {
    const failure = (options: object): Promise<string> =>
      listen(text, { host, port: 0, ...options } as never).then(
        () => "listens",
        (error) => String(error),
      );
    expect(await failure({ alpn: { a: binary } })).toContain("alpn needs the option tls");
    expect(await failure({ tls: { ...tls, ALPNProtocols: ["a"] }, alpn: { a: binary } })).toContain(
      "alpn replaces",
    );
    expect(await failure({ tls, alpn: {} })).toContain("no name");
    expect(await failure({ tls, alpn: { a: lines() } })).toContain("wrap");
  });
});
