import { createServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, connect as dial, type Socket } from "node:net";
import { type Connection, duplex, type Received, type Sent, u16be } from "framewright";
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
import { decoded, peerProtocol, recorded, valuesOf } from "../support/recorded.ts";

/* A proxy made from the descriptions, for curl. */

const host = "127.0.0.1";
const methods = duplex({ read: greeting, write: choice });
const logins = duplex({ read: login, write: loginReply });
const requests = duplex({ read: request, write: reply });
const nowhere = {
  ipv4: { type: "ipv4", host: new Uint8Array(4), port: 0 },
  ipv6: { type: "ipv6", host: new Uint8Array(16), port: 0 },
} as const;

const asked: unknown[] = [];

async function proxy(at = host): Promise<Server<unknown, never, unknown>> {
  const server = await listen(methods, {
    host: at,
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
  const upstream = dial({ host: hostOf(address), port: address.port });
  const status = await new Promise<string>((resolve) => {
    upstream.once("connect", () => resolve("succeeded"));
    upstream.once("error", () => resolve("connectionRefused"));
  });
  connection.send({ status, address: nowhere[address.type === "ipv6" ? "ipv6" : "ipv4"] } as never);
  await connection.flushed();
  const socket = detachSocket(connection) as Socket;
  if (status !== "succeeded") return void socket.end();
  socket.on("error", () => upstream.destroy());
  upstream.on("error", () => socket.destroy());
  socket.pipe(upstream).pipe(socket);
}

/** Every name resolves to this machine. */
function hostOf(address: Received<typeof request>["address"]): string {
  switch (address.type) {
    case "ipv4":
      return address.host.join(".");
    case "ipv6":
      return Array.from({ length: 8 }, (_, i) => u16be(address.host, 2 * i).toString(16)).join(":");
    default:
      return host;
  }
}

async function siteOn(address: string): Promise<{ site: HttpServer; port: number }> {
  const site = createServer((_, response) => response.end("x".repeat(100_000)));
  await new Promise<void>((resolve, reject) => {
    site.once("error", reject);
    site.listen(0, address, resolve);
  });
  return { site, port: (site.address() as AddressInfo).port };
}

// Containers may lack it.
const hasIpv6 = await siteOn("::1").then(
  ({ site }) => {
    site.close();
    return true;
  },
  () => {
    console.warn("SKIPPED: SOCKS5 over IPv6, because ::1 is missing");
    return false;
  },
);

/** The text of decoded bytes. */
const textOf = (values: readonly unknown[]): string =>
  values
    .map((value) => Buffer.from((value as { $bytes: string }).$bytes, "hex").toString("latin1"))
    .join("");

describe.skipIf(lacks({ curl: "curl" }))("SOCKS5, with curl", () => {
  let server: Server<unknown, never, unknown>;
  let site: HttpServer;
  let port = 0;
  beforeAll(async () => {
    server = await proxy();
    ({ site, port } = await siteOn(host));
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

  if (hasIpv6) {
    it("fetches a page by an IPv6 address, if the machine has IPv6", async () => {
      const six = await proxy("::1");
      const far = await siteOn("::1");
      try {
        const found = await fetchBy(
          ...["--proxy", `socks5://ann:s3cret@[::1]:${six.port}`],
          `http://[::1]:${far.port}/`,
        );
        expect(found.length).toBe(100_000);
        const one = Uint8Array.of(...Array(15).fill(0), 1);
        expect(asked.at(-1)).toEqual({
          command: "connect",
          address: { type: "ipv6", host: one, port: far.port },
        });
      } finally {
        far.site.closeAllConnections();
        far.site.close();
        await six.close({ timeout: 100 });
      }
    });
  }

  it("refuses wrong passwords, and reports unreachable hosts", async () => {
    const wrong = fetchBy("--proxy", `socks5h://ann:no@${host}:${server.port}`, "http://a.test/");
    await expect(wrong).rejects.toThrow(/ended with 97/);
    const closed = await freePort();
    const proxyUrl = `socks5h://ann:s3cret@${host}:${server.port}`;
    const refused = fetchBy("--proxy", proxyUrl, `http://a.test:${closed}/`);
    await expect(refused).rejects.toThrow(/ended with 97: .*\(5\)/);
  });

  it("is decoded completely from a capture, with what goes through the tunnel", {
    timeout: 120_000,
  }, async () => {
    const path = await recorded(server.port!, async (through) => {
      const proxyUrl = `socks5h://ann:s3cret@${host}:${through}`;
      await fetchBy("--proxy", proxyUrl, `http://site.test:${port}/`);
    });
    const { asked, replied } = await decoded(path, server.port!, [
      ...["--protocol", `${peerProtocol("socks5.ts")}#client`],
      ...["--replies", `${peerProtocol("socks5.ts")}#server`],
    ]);
    const [hello, user, wish, ...sent] = valuesOf(asked);
    expect([hello, user, wish]).toEqual([
      { methods: expect.arrayContaining(["password"]) },
      { username: "ann", password: "s3cret" },
      { command: "connect", address: { type: "domain", host: "site.test", port } },
    ]);
    expect(textOf(sent)).toContain(`Host: site.test:${port}\r\n`);
    const [method, welcome, answer, ...received] = valuesOf(replied);
    expect([method, welcome, answer]).toEqual([
      { method: "password" },
      { status: 0 },
      expect.objectContaining({ status: "succeeded" }),
    ]);
    const page = textOf(received);
    expect(page).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(page.split("x".repeat(100_000))).toHaveLength(2);
  });
});
