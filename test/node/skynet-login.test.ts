import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  loginServer,
  messageServer,
  readLoginToken,
  SkynetClient,
  skynetLogin,
  username,
} from "../../src/protocols/skynet/index.ts";
import { connect, listen } from "../../src/transports/node/index.ts";
import { bytesOf } from "../support/hex.ts";
import { decoded, peerProtocol, recorded, valuesOf } from "../support/recorded.ts";
import { scriptedApplication } from "../support/skynet-application.ts";
import { skynetVectors } from "../support/skynet-vectors.ts";

// Login and message server over real sockets.

const host = "127.0.0.1";
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const bytes = (content: string): Uint8Array => Uint8Array.from(Buffer.from(content));
const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** The servers of skynet's example, with the application of the recordings. */
async function start(options: { readonly maxConnections?: number } = {}) {
  const clock = {
    now: () => performance.now(),
    after(ms: number, run: () => void) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
  const game = messageServer({ request: scriptedApplication(clock), report: () => {} });
  let logins = 0;
  const login = loginServer({
    authenticate(token) {
      const parts = readLoginToken(token);
      return parts && { uid: text(parts.user), server: text(parts.server) };
    },
    login({ uid, server, secret }) {
      const subid = String(++logins);
      game.login({ uid, server, subid, secret });
      return subid;
    },
    random: randomBytes,
  });
  const gate = await listen(game.protocol, { host, port: 0, ...options, ...game.handlers });
  const logging = await listen(login.protocol, { host, port: 0, ...login.handlers });
  ending.push(
    () => gate.close(),
    () => logging.close(),
  );
  const enter = async (uid: string, port = logging.port) => {
    const { secret, subid } = await skynetLogin({
      connect: (protocol, handlers) => connect(protocol, { host, port, ...handlers }),
      token: { user: uid, server: "sample", password: "password" },
      random: randomBytes,
    });
    return { secret, username: username({ uid, server: "sample", subid }) };
  };
  return { game, gate, logging, enter };
}

describe("skynet over TCP", () => {
  it("logs in many users at the same time, each with its own secret, and answers them", async () => {
    const { gate, logging, enter } = await start();
    const logins = await Promise.all(Array.from({ length: 40 }, (_, i) => enter(`user ${i}`)));
    expect(new Set(logins.map(({ secret }) => text(secret))).size).toBe(40);
    const clients = logins.map(
      (login) =>
        new SkynetClient({
          connect: (protocol, handlers) =>
            connect(protocol, { host, port: gate.port, ...handlers }),
          ...login,
        }),
    );
    const answers = await Promise.all(
      clients.flatMap((client, i) =>
        [0, 1, 2].map(async (n) => text(await client.request(bytes(`sleep:${3 - n}:${i} ${n}`)))),
      ),
    );
    expect(answers).toEqual(clients.flatMap((_, i) => [0, 1, 2].map((n) => `${i} ${n}`)));
    for (const client of clients) client.close();
    // No login connection is left over.
    while (logging.connections.size > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  });

  it("carries the largest contents, in both directions", async () => {
    const { gate, enter } = await start();
    const client = new SkynetClient({
      connect: (protocol, handlers) => connect(protocol, { host, port: gate.port, ...handlers }),
      ...(await enter("alice")),
    });
    const large = new Uint8Array(65_530).fill(0x7a);
    expect(await client.request(large)).toEqual(large);
    await expect(client.request(new Uint8Array(65_531).fill(0x79))).rejects.toMatchObject({
      code: "refused",
    });
    expect((await client.request(bytes("fill:65530"))).length).toBe(65_530);
    client.close();
  });

  it("serves as many connections as the recorded server, and closes the next one without a byte", async () => {
    const { given, events } = skynetVectors.message.find(({ name }) => name === "maxclient")!;
    const count = events.filter(({ e }) => e === "open").length - 1;
    const { game, gate } = await start({ maxConnections: count });
    const { user: uid, server, subid, secret } = given;
    game.login({ uid, server, subid, secret: bytesOf(secret) });
    const sockets: Socket[] = [];
    for (let i = 0; i < count; i++) {
      sockets.push(createConnection({ host, port: gate.port }));
      await once(sockets[i]!, "connect");
    }
    while (gate.connections.size < count) await new Promise((resolve) => setTimeout(resolve, 2));
    const [greeting, answer] = ["send", "recv"].map((kind) => {
      return bytesOf(events.find(({ e }) => e === kind)!.hex!);
    });
    sockets[count - 1]!.write(greeting!);
    const [data] = (await once(sockets[count - 1]!, "data")) as [Buffer];
    expect(text(data)).toBe(text(answer!));
    const next = createConnection({ host, port: gate.port });
    let came = 0;
    next.on("data", ({ length }: Buffer) => {
      came += length;
    });
    next.on("error", () => {});
    await once(next, "close");
    expect(came).toBe(0);
    for (const socket of sockets) socket.destroy();
  });

  it("is decoded completely from captures of both servers", { timeout: 120_000 }, async () => {
    const { gate, logging, enter } = await start();
    let login: Awaited<ReturnType<typeof enter>> | undefined;
    const loginCapture = await recorded(logging.port, async (port) => {
      login = await enter("alice", port);
    });
    const lines = await decoded(loginCapture, logging.port, ["--protocol", "skynet-login"]);
    // The challenge comes first; then keys, the answer to the challenge, and the token.
    expect([lines.asked.length, lines.replied.length]).toEqual([3, 3]);
    expect(lines.replied.at(-1)!.value).toMatch(/^200 /);

    const gateCapture = await recorded(gate.port, async (port) => {
      const client = new SkynetClient({
        connect: (protocol, handlers) => connect(protocol, { host, port, ...handlers }),
        ...login!,
      });
      expect(text(await client.request(bytes("sleep:0:hello")))).toBe("hello");
      expect((await client.request(bytes("fill:65530"))).length).toBe(65_530);
      await expect(client.request(bytes("throw"))).rejects.toThrow();
      client.close();
    });
    const { asked, replied } = await decoded(gateCapture, gate.port, [
      ...["--protocol", `${peerProtocol("skynet-messages.ts")}#client`],
      ...["--replies", `${peerProtocol("skynet-messages.ts")}#server`],
    ]);
    const content = (said: string): object => ({ $bytes: Buffer.from(said).toString("hex") });
    const [greeting, ...requests] = valuesOf(asked);
    expect(String(greeting).startsWith(`${login!.username}:1:`)).toBe(true);
    expect(requests).toMatchObject(
      ["sleep:0:hello", "fill:65530", "throw"].map((said) => ({ content: content(said) })),
    );
    const [welcome, ...answers] = valuesOf(replied);
    expect(welcome).toBe("200 OK");
    const sessions = requests.map((request) => (request as { session: number }).session);
    expect(answers).toMatchObject([
      { ok: true, session: sessions[0], content: content("hello") },
      { ok: true, session: sessions[1], content: content("x".repeat(65_530)) },
      { ok: false, session: sessions[2] },
    ]);
  });
});
