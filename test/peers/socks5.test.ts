import { createServer, type Server as HttpServer } from "node:http";
import { connect as dial, type Socket } from "node:net";
import { type Connection, duplex, type Received, type Sent } from "framewright";
import { detachSocket, listen, type Server } from "framewright/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  choice,
  greeting,
  login,
  loginReply,
  reply,
  request,
} from "../../examples/peers/socks5.ts";
import { freePort, lacks, run } from "../support/programs.ts";

/* A proxy made of the descriptions, for curl. */

const host = "127.0.0.1";
const methods = duplex({ read: greeting, write: choice });
const logins = duplex({ read: login, write: loginReply });
const requests = duplex({ read: request, write: reply });
const nowhere = { type: "ipv4", host: new Uint8Array(4), port: 0 } as const;

const asked: unknown[] = [];

async function proxy(): Promise<Server<unknown, never, unknown>> {
  const server = await listen(methods, {
    host,
    port: 0,
    message(connection, { methods: offered }) {
      if (!offered.includes("password")) {
        connection.send({ method: "refused" });
        return connection.close();
      }
      connection.send({ method: "password" });
      connection.use(logins, {
        message(one, { username, password }) {
          const isRight = username === "ann" && password === "s3cret";
          one.send({ status: isRight ? 0 : 1 });
          if (!isRight) return one.close();
          one.use(requests, { message: serve });
        },
      });
    },
  });
  return server as never;
}

async function serve(
  connection: Connection<Sent<typeof reply>, Received<typeof request>, undefined>,
  { command, address }: Received<typeof request>,
): Promise<void> {
  asked.push({ command, address });
  const name = address.type === "ipv4" ? [...address.host].join(".") : host;
  const upstream = dial({ host: name, port: address.port });
  const status = await new Promise<string>((resolve) => {
    upstream.once("connect", () => resolve("succeeded"));
    upstream.once("error", () => resolve("connectionRefused"));
  });
  connection.send({ status, address: nowhere } as never);
  await connection.flushed();
  const socket = detachSocket(connection) as Socket;
  if (status !== "succeeded") return void socket.end();
  socket.on("error", () => upstream.destroy());
  upstream.on("error", () => socket.destroy());
  socket.pipe(upstream).pipe(socket);
}

describe.skipIf(lacks({ curl: "curl" }))("SOCKS5, with curl", () => {
  let server: Server<unknown, never, unknown>;
  let site: HttpServer;
  let port = 0;
  beforeAll(async () => {
    server = await proxy();
    site = createServer((_, response) => response.end("x".repeat(100_000)));
    await new Promise<void>((resolve) => site.listen(0, host, resolve));
    ({ port } = site.address() as { port: number });
  });
  afterAll(async () => {
    site.closeAllConnections();
    site.close();
    await server.close({ timeout: 100 });
  });
  const fetchBy = (...args: string[]) =>
    run("curl", ["--silent", "--show-error", "--max-time", "20", ...args], {
      env: { ...process.env, no_proxy: "", NO_PROXY: "" },
    });

  it("logs in, and fetches a page by name and by address", async () => {
    const user = `ann:s3cret@${host}:${server.port}`;
    for (const [scheme, name] of [
      ["socks5h", "site.test"],
      ["socks5", host],
    ] as const) {
      const found = await fetchBy("--proxy", `${scheme}://${user}`, `http://${name}:${port}/`);
      expect(found.length).toBe(100_000);
    }
    expect(asked.slice(-2)).toEqual([
      { command: "connect", address: { type: "domain", host: "site.test", port } },
      { command: "connect", address: { type: "ipv4", host: Uint8Array.of(127, 0, 0, 1), port } },
    ]);
  });

  it("refuses wrong passwords, and reports what cannot be reached", async () => {
    const wrong = fetchBy("--proxy", `socks5h://ann:no@${host}:${server.port}`, "http://a.test/");
    await expect(wrong).rejects.toThrow(/ended with 97/);
    const closed = await freePort();
    const proxyUrl = `socks5h://ann:s3cret@${host}:${server.port}`;
    const refused = fetchBy("--proxy", proxyUrl, `http://a.test:${closed}/`);
    await expect(refused).rejects.toThrow(/ended with 97: .*\(5\)/);
  });
});
