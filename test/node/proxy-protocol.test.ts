import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as dial, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type CloseInfo, encodeFrame, lines, utf8 } from "../../src/index.ts";
import {
  type ListenOptions,
  listen,
  type ProxyHeader,
  proxyHeader,
  type Server,
} from "../../src/transports/node/index.ts";

const host = "127.0.0.1";
const text = lines().wrap(utf8());
const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));
const proxyProtocol = { from: ["127.0.0.0/8"] };
const source = { address: "192.0.2.1", port: 51_000 };
const destination = { address: "192.0.2.9", port: 443 };
const header = Buffer.from(encodeFrame(proxyHeader(), { version: 2, source, destination }));
const servers: Server<string, string, unknown>[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close({ timeout: 10 });
});

type Options = Partial<ListenOptions<string, string, ProxyHeader | undefined>>;

/** An echo that says who asks, and what becomes of its connections. */
async function serve(options: Options = {}) {
  const errors: unknown[] = [];
  const closes: CloseInfo[] = [];
  const server = await listen(text, {
    host,
    port: 0,
    proxyProtocol,
    context: (_socket: Duplex, proxied?: ProxyHeader) => proxied,
    message: (connection, line) =>
      connection.send(`${connection.context?.source?.address ?? "someone"}: ${line}`),
    error: (_, error) => errors.push(error),
    close: (_, info) => closes.push(info),
    ...(options as object),
  });
  servers.push(server as unknown as Server<string, string, unknown>);
  return { port: server.port, server, errors, closes };
}

/** What a socket receives up to its end. */
async function answer(socket: Socket): Promise<string> {
  let got = "";
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    got += chunk;
  });
  await once(socket, "close");
  return got;
}

describe("the PROXY protocol of listen", () => {
  it.each([
    ["version 2", header],
    ["version 1", Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.9 51000 443\r\n")],
  ])("reads %s, however it is cut, and the bytes after it", async (_, bytes) => {
    const { port } = await serve();
    const whole = Buffer.concat([bytes, Buffer.from("hello\nagain\n")]);
    for (const step of [whole.length, 1, 7, bytes.length]) {
      const socket = dial({ host, port });
      socket.setNoDelay(true);
      for (let at = 0; at < whole.length; at += step) {
        socket.write(whole.subarray(at, at + step));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      socket.end();
      expect(await answer(socket)).toBe("192.0.2.1: hello\n192.0.2.1: again\n");
    }
  });

  it("treats LOCAL and UNKNOWN as connections of the proxy itself", async () => {
    const { port } = await serve();
    const local = encodeFrame(proxyHeader(), { version: 2, isLocal: true });
    for (const bytes of [Buffer.from(local), Buffer.from("PROXY UNKNOWN\r\n")]) {
      const socket = dial({ host, port });
      socket.end(Buffer.concat([bytes, Buffer.from("hello\n")]));
      expect(await answer(socket)).toBe("someone: hello\n");
    }
  });

  it("reads bytes of other peers as usual, even if they look like a header", async () => {
    const { port } = await serve({ proxyProtocol: { from: ["192.0.2.0/24"] } });
    const socket = dial({ host, port });
    socket.end("PROXY TCP4 192.0.2.1 192.0.2.9 51000 443\r\n");
    expect(await answer(socket)).toBe("someone: PROXY TCP4 192.0.2.1 192.0.2.9 51000 443\n");
  });

  it("ends a connection with malformed if a proxy sends something else, or half a header", async () => {
    const { port, server, errors, closes } = await serve();
    for (const bytes of ["hello\n", "PROXY TCP5 1 2 3 4\r\n", header.subarray(0, 20)]) {
      const socket = dial({ host, port });
      socket.end(bytes);
      expect(await answer(socket)).toBe("");
    }
    await expect.poll(() => closes.length).toBe(3);
    expect(errors.map((error) => (error as { code: string }).code)).toEqual([
      ...["malformed", "malformed", "truncated"],
    ]);
    expect(closes.map(({ error }) => error)).toEqual(errors);
    expect(server.connections.size).toBe(0);
  });

  it("ignores a peer that closes without sending a byte", async () => {
    const { port, closes } = await serve();
    const socket = dial({ host, port });
    socket.end();
    expect(await answer(socket)).toBe("");
    const reset = dial({ host, port });
    await once(reset, "connect");
    reset.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(closes).toEqual([]);
  });

  it("includes the header in firstMessageTimeout", async () => {
    const { port, closes } = await serve({ firstMessageTimeout: 150 });
    const silent = dial({ host, port });
    silent.write(header.subarray(0, 5));
    const began = Date.now();
    expect(await answer(silent)).toBe("");
    expect(closes).toMatchObject([{ by: "error", error: { code: "timeout" } }]);
    // Half of the time for the header, and then nothing: the rest is for the first message.
    const late = dial({ host, port });
    setTimeout(() => late.write(header), 75);
    await answer(late);
    expect(closes).toHaveLength(2);
    expect(closes[1]).toMatchObject({ by: "error", error: { code: "timeout" } });
    expect(Date.now() - began).toBeGreaterThanOrEqual(290);
  });

  it("closes sockets without a header with the server, and respects maxConnections", async () => {
    const { port, server } = await serve({ maxConnections: 1, firstMessageTimeout: 0 });
    const first = dial({ host, port });
    await once(first, "connect");
    const second = dial({ host, port });
    expect(await answer(second)).toBe("");
    const gone = answer(first);
    await server.close({ timeout: 10 });
    expect(await gone).toBe("");
  });

  it("names the client in printed errors", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const small = lines({ maxFrame: 3 }).wrap(utf8(), { name: "proxied lines" });
    const server = await listen(small, { host, port: 0, proxyProtocol, message() {} });
    servers.push(server as unknown as Server<string, string, unknown>);
    const socket = dial({ host, port: server.port });
    socket.end(Buffer.concat([header, Buffer.from("too long\n")]));
    await answer(socket);
    expect(log.mock.calls.flat().join("\n")).toContain("192.0.2.1:51000");
    log.mockRestore();
  });

  it("comes before TLS", async () => {
    const { port, errors } = await serve({ tls: { key, cert } });
    const begin = async (bytes: Buffer): Promise<string> => {
      const socket = dial({ host, port });
      socket.write(bytes);
      const secure = connectTls({ socket, ca: cert, servername: "localhost" });
      secure.write("hello\n");
      let got = "";
      secure.on("data", (chunk) => {
        got += chunk;
        secure.end();
      });
      secure.on("error", () => {});
      await once(secure, "close").catch(() => {});
      return got;
    };
    expect(await Promise.all([begin(header), begin(header)])).toEqual([
      ...["192.0.2.1: hello\n", "192.0.2.1: hello\n"],
    ]);
    expect(await begin(Buffer.from("PROXY UNKNOWN\r\n"))).toBe("someone: hello\n");
    expect(errors).toEqual([]);
    expect(await begin(Buffer.from("nothing of the kind"))).toBe("");
    await expect.poll(() => errors).toMatchObject([{ code: "malformed" }]);
  });

  it("is refused with unknown options, and with TLS on a path", async () => {
    const failure = (options: object): Promise<string> =>
      listen(text, { port: 0, ...options } as never).then(
        () => "listens",
        (error) => String(error),
      );
    expect(await failure({ proxyProtocol: { form: [] } })).toContain('"form"');
    expect(await failure({ proxyProtocol: { from: ["everyone"] } })).toContain('"everyone"');
    const onPath = { port: undefined, path: "/tmp/x.sock", proxyProtocol, tls: { key, cert } };
    expect(await failure(onPath)).toContain("not for a path");
  });
});
