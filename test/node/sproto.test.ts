import { createConnection, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  parse,
  type RpcPeer,
  type RpcReceived,
  type RpcSent,
  sprotoRpc,
} from "../../src/protocols/sproto/index.ts";
import { connect, listen, type Server } from "../../src/transports/node/index.ts";
import { bytesOf, hexOf } from "../support/hex.ts";
import { vectors } from "../support/sproto-vectors.ts";

const sproto = parse(vectors.schemas.rpc!);
const rpc = sprotoRpc({ local: sproto, remote: sproto });

const servers: Server<RpcSent, RpcReceived, RpcPeer>[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => server.close({ timeout: 0 })));
});

type Options = Parameters<typeof rpc.peers>[0];

async function serve(options: Options): Promise<number> {
  const server = await listen(rpc, { port: 0, host: "127.0.0.1", ...rpc.peers(options) });
  servers.push(server);
  return server.port!;
}

/** A socket without this library on it: the bytes that came until there are `length`. */
async function exchange(port: number, writes: readonly Uint8Array[], length: number) {
  const socket = createConnection(port, "127.0.0.1").setNoDelay();
  sockets.push(socket);
  const chunks: Uint8Array[] = [];
  const done = new Promise<void>((resolve, reject) => {
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      if (Buffer.concat(chunks).length >= length) resolve();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed")));
  });
  for (const bytes of writes) {
    socket.write(bytes);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await done;
  return hexOf(Buffer.concat(chunks));
}

describe("a gate over TCP", () => {
  const login = vectors.rpc.find(({ name }) => name === "rpc-login-1")!;
  const request = bytesOf(login.requestFramedHex);
  const response = bytesOf(login.responseFramedHex!);

  it("answers the reference's bytes with the reference's bytes, however they are cut", async () => {
    const port = await serve({
      on: {
        login: ({ user, token }) => ({ ok: user === "alice" && token.length === 4, uid: 10001 }),
      },
    });
    const single = Array.from(request, (byte) => Uint8Array.of(byte));
    const twice = [Buffer.concat([request, request])];
    expect(await exchange(port, [request], response.length)).toBe(hexOf(response));
    expect(await exchange(port, single, response.length)).toBe(hexOf(response));
    expect(await exchange(port, twice, 2 * response.length)).toBe(hexOf(response).repeat(2));
  });

  it("serves many calls of many clients at the same time", async () => {
    const port = await serve({ on: { first: async ({ n }) => ({ n: Number(n) + 1 }) } });
    const clients = await Promise.all(
      Array.from({ length: 5 }, () => connect(rpc, { port, host: "127.0.0.1", ...rpc.peers() })),
    );
    const answers = await Promise.all(
      clients.flatMap(({ context: peer }, nth) =>
        Array.from({ length: 100 }, async (_, i) => {
          const { n } = await peer.request("first", { n: 1000 * nth + i });
          return n === 1000 * nth + i + 1;
        }),
      ),
    );
    expect(answers).toEqual(new Array(500).fill(true));
    for (const client of clients) client.close();
  });

  it("drops a client that sends no message, and serves the others", async () => {
    const errors: string[] = [];
    const port = await serve({
      on: { ping: () => {} },
      error: (_, error) => void errors.push((error as { code: string }).code),
    });
    const good = await connect(rpc, { port, host: "127.0.0.1", ...rpc.peers() });
    await expect(exchange(port, [Uint8Array.of(0, 1, 0xff)], 1)).rejects.toThrow();
    expect(errors).toEqual(["malformed"]);
    await good.context.request("ping");
    good.close();
  });

  it("rejects pending requests when the server closes", async () => {
    const port = await serve({
      on: { ping: (_, { peer }) => peer.connection?.abort() },
    });
    const client = await connect(rpc, { port, host: "127.0.0.1", ...rpc.peers() });
    await expect(client.context.request("ping")).rejects.toMatchObject({
      code: "closed",
      protocol: "ping",
      session: 1,
    });
  });
});
