import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import protobuf from "protobufjs";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { ClientOptions, GameClient } from "../../examples/skynet-websocket/_client.ts";
import {
  type Config,
  type ProtocolType,
  parseConfig,
  readFile,
} from "../../examples/skynet-websocket/_config.ts";
import { stayConnected } from "../../examples/skynet-websocket/_live.ts";
import { connectGame } from "../../examples/skynet-websocket/_node-client.ts";
import { askEverything } from "../../examples/skynet-websocket/_once.ts";
import { openStore } from "../../examples/skynet-websocket/_open-store.ts";
import { type RunningServer, startServer } from "../../examples/skynet-websocket/_server.ts";
import { memoryStore, type PlayerStore } from "../../examples/skynet-websocket/_store.ts";
import { onePerMessage } from "../../src/index.ts";
import { headerService, protobufjs } from "../../src/protocols/protobuf/index.ts";
import { parse, sprotoRpc } from "../../src/protocols/sproto/index.ts";
import { attachWebSocket } from "../../src/transports/web/index.ts";
import { bytesOf, hexOf } from "../support/hex.ts";
import { readText } from "../support/package.ts";
import { decoded, peerProtocol, recorded, valuesOf } from "../support/recorded.ts";

interface Vector {
  readonly name: string;
  readonly clientFrameHex: string;
  readonly serverFramesHex: readonly string[];
}

const { pbws } = JSON.parse(readText("test/vectors/sproto.json")) as { pbws: Vector[] };

const running: RunningServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

async function start(protocolType: ProtocolType, more: Partial<Config> = {}) {
  const log: string[] = [];
  const config = { wsHost: "127.0.0.1", wsPort: 0, protocolType, database: ":memory:", ...more };
  const server = await startServer(config, (line) => log.push(line));
  running.push(server);
  const connect = (options?: ClientOptions): GameClient =>
    connectGame(server.url, protocolType, options);
  return { server, log, connect };
}

/** A WebSocket that knows no protocol: sends bytes, and gives the first messages that come. */
async function exchange(url: string, messages: readonly Uint8Array[], answers: number) {
  const socket = new WebSocket(url);
  const came: Uint8Array[] = [];
  const enough = new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer) => {
      came.push(Uint8Array.from(data));
      if (came.length === answers) resolve();
    });
    socket.on("close", () => resolve());
  });
  await once(socket, "open");
  for (const message of messages) socket.send(message);
  await enough;
  return { socket, came };
}

/** Bytes that contain a text, as a decoded capture has them. */
const holding = (text: string): object => ({
  $bytes: expect.stringContaining(Buffer.from(text).toString("hex")),
});

/** What a capture of a game has, in each protocol. */
const EXPECTED = {
  protobuf: {
    requests: (userid: number) =>
      [
        ["game.PingReq", {}],
        ["game.SigninReq", { userid: "alice" }],
        ["game.LoginReq", { account: "alice", password: "pw" }],
        ["game.GetPlayerInfoReq", { userid: String(userid) }],
        ["game.LoginReq", { account: "alice", password: "wrong" }],
      ].map(([msgType, fields], n) => {
        const header = { msgType, seq: n + 1 };
        return {
          kind: "request",
          type: msgType,
          seq: n + 1,
          message: { header, ...(fields as object) },
        };
      }),
    // A response does not name its type.
    answers: [
      ...["SUCCESS", "SUCCESS", "Hello alice", "alice"].map((text) => ({
        kind: "response",
        bytes: holding(text),
      })),
      { kind: "error", seq: 5, code: "WRONG_PASSWORD", text: expect.any(String) },
    ],
  },
  sproto: {
    requests: (userid: number) =>
      [
        ["ping"],
        ["signin", { userid: "alice" }],
        ["login", { account: "alice", password: "pw" }],
        ["get_player_member", { player_id: String(userid) }],
        ["login", { account: "alice", password: "wrong" }],
      ].map(([name, args], n) => ({
        ...{ kind: "request", name, session: n + 1 },
        ...(args !== undefined && { args }),
      })),
    // A response has the session of its request.
    answers: ["", "", "", "alice", "WRONG_PASSWORD"].map((text, n) => ({
      ...{ kind: "response", session: n + 1, body: holding(text) },
    })),
  },
};

describe.each(["protobuf", "sproto"] as const)("a game in %s", (type) => {
  it("answers every request of a client", async () => {
    const { server, connect } = await start(type);
    const client = connect();
    await client.ping();
    await client.signin("alice");
    const userid = await client.login("alice", "pässword 🧀");
    expect(userid).toBe(10001);
    expect(await client.login("bob", "")).toBe(10002);
    expect(await client.login("alice", "pässword 🧀")).toBe(10001);
    server.store.save({ userid: 7, nickname: "云", level: 3, exp: 2 ** 40, vipLevel: -1 });
    expect(await client.playerInfo(7)).toEqual({
      userid: 7,
      nickname: "云",
      level: 3,
      exp: 2 ** 40,
      vipLevel: -1,
    });
    expect(await client.playerInfo(10002)).toMatchObject({ nickname: "bob", level: 1 });
    client.close();
  });

  it("is decoded completely from a capture", { timeout: 120_000 }, async () => {
    const { server } = await start(type);
    const wsPort = Number(new URL(server.url).port);
    let userid = 0;
    const path = await recorded(wsPort, async (port) => {
      const client = connectGame(`ws://127.0.0.1:${port}`, type);
      await client.ping();
      await client.signin("alice");
      userid = await client.login("alice", "pw");
      expect((await client.playerInfo(userid)).nickname).toBe("alice");
      await expect(client.login("alice", "wrong")).rejects.toMatchObject({
        code: "WRONG_PASSWORD",
      });
      client.close();
      while (server.clients > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    });
    const { asked, replied } = await decoded(path, wsPort, [
      ...["--protocol", `${peerProtocol("game.ts")}#${type}Client`],
      ...["--replies", `${peerProtocol("game.ts")}#${type}Server`],
    ]);
    const [head, ...requests] = valuesOf(asked);
    expect(head).toMatch(/^GET \/ HTTP\/1\.1\r\n/);
    expect(requests).toEqual([...EXPECTED[type].requests(userid), { close: 1000 }]);
    const [upgrade, ...answers] = valuesOf(replied);
    expect(upgrade).toMatch(/^HTTP\/1\.1 101 /);
    expect(answers).toEqual([...EXPECTED[type].answers, { close: 1000 }]);
  });

  it("refuses with a code, and does not reveal internal errors", async () => {
    const { connect, log } = await start(type);
    const client = connect();
    await client.login("alice", "pw");
    const codeOf = (asked: Promise<unknown>) => asked.catch(({ code }) => code);
    expect(await codeOf(client.signin(""))).toBe("NO_USERID");
    expect(await codeOf(client.login("", "pw"))).toBe("NO_ACCOUNT");
    expect(await codeOf(client.login("alice", "x"))).toBe("WRONG_PASSWORD");
    expect(await codeOf(client.playerInfo(5))).toBe("NO_SUCH_PLAYER");
    await expect(client.playerInfo(-1)).rejects.toMatchObject({
      code: "SERVER_ERROR",
      message: "SERVER_ERROR: Internal server error",
    });
    expect(log.filter((line) => line.includes("RangeError: userid -1"))).toHaveLength(1);
    await client.ping();
    client.close();
  });

  it("notifies signed-in clients of others who sign in", async () => {
    const { connect } = await start(type);
    const heard: string[][] = [[], [], []];
    const clients = heard.map((list) => connect({ push: (text) => list.push(text) }));
    for (const [i, name] of ["a", "b"].entries()) await clients[i]!.signin(name);
    await Promise.all(clients.map((client) => client.ping()));
    expect(heard).toEqual([["b has signed in"], [], []]);
    for (const client of clients) client.close();
  });

  it("serves many clients at the same time, each with its own answers", async () => {
    const { server, connect } = await start(type);
    const clients = Array.from({ length: 20 }, () => connect());
    const ids = await Promise.all(
      clients.flatMap((client, i) => [0, 1, 2].map((n) => client.login(`player ${i} ${n}`, "pw"))),
    );
    expect(new Set(ids).size).toBe(60);
    for (const [i, id] of ids.entries()) {
      expect((await clients[0]!.playerInfo(id)).nickname).toBe(
        `player ${Math.floor(i / 3)} ${i % 3}`,
      );
    }
    expect(server.clients).toBe(20);
    for (const client of clients) client.close();
  });

  it("stops cleanly: says goodbye, and is gone", async () => {
    const { server, connect, log } = await start(type);
    running.pop();
    const closed = new Promise<unknown>((close) => {
      const client = connect({ close, open: () => void client.ping().catch(() => {}) });
    });
    while (server.clients === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await server.stop();
    await closed;
    expect(log.at(-1)).toBe("stopped");
    const refused = new WebSocket(server.url);
    const [error] = (await once(refused, "error")) as [Error];
    expect(error.message).toContain("ECONNREFUSED");
  });

  it("is reconnected to by a client that stays connected", async () => {
    const { server } = await start(type);
    const lines: string[] = [];
    await new Promise<void>((resolve) => {
      const live = stayConnected((options) => connectGame(server.url, type, options), {
        userid: "alice",
        beatEvery: 5,
        retryAfter: 5,
        log(line) {
          lines.push(line);
          const beats = lines.filter((one) => one === "beat").length;
          if (line === "beat" && beats === 2) server.drop();
          if (line === "beat" && beats === 4) {
            live.close();
            resolve();
          }
        },
      });
    });
    expect(lines).toEqual([
      "signed in as alice",
      "beat",
      "beat",
      "lost",
      "signed in as alice",
      "beat",
      "beat",
    ]);
  });

  it("is reconnected to by a client that receives no answer", async () => {
    const silent = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const lines: string[] = [];
    const live = stayConnected((options) => connectGame(`ws://127.0.0.1:${port}`, type, options), {
      userid: "alice",
      beatEvery: 5,
      retryAfter: 5,
      answerWithin: 20,
      log: (line) => lines.push(line),
    });
    for (let connections = 0; connections < 3; connections++) await once(silent, "connection");
    live.close();
    await new Promise((resolve) => silent.close(resolve));
    expect(lines.slice(0, 2)).toEqual(["lost", "lost"]);
  });

  it("delivers messages that arrived before the connection failed", async () => {
    const client = connectGame("ws://127.0.0.1:1", type);
    await expect(client.ping()).rejects.toThrow(/ECONNREFUSED|ended before/);
  });
});

// What the server of kylemao88/wow knows of this, by its own schemas, and how it answers: as docs/skynet.md says.
describe("the reference server as it is", () => {
  /** One frame per message; `serve` plays the server. */
  async function reference(serve: (socket: WebSocket) => void): Promise<string> {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await once(server, "listening");
    server.on("connection", serve);
    running.push({
      stop: () => new Promise((resolve) => server.close(() => resolve())),
    } as RunningServer);
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function toldOf(url: string, type: ProtocolType): Promise<string[]> {
    const lines: string[] = [];
    const client = connectGame(url, type, { timeout: 2000 });
    await askEverything(client, (line) => lines.push(line.trim()));
    client.close();
    return lines;
  }

  it("receives every sproto request, without an unknown call", async () => {
    const local = parse(`
      .package { type 0 : integer  session 1 : integer  ud 2 : string }
      .error_info { code 0 : string  message 1 : string }
      .member_info { member_id 0 : string  nickname 1 : string  equipment_level 10 : integer }
      ping 1 {}
      signin 3 { request { userid 0 : string } response { ok 0 : boolean } }
      login 4 { response { ok 0 : boolean } }
      get_player_member 11 {
        request { player_id 0 : string }
        response { ok 0 : boolean  error 1 : error_info  members 2 : *member_info }
      }
    `);
    const remote = parse(`
      .package { type 0 : integer  session 1 : integer  ud 2 : string }
      push 1 { request { text 0 : string } }
    `);
    const rpc = sprotoRpc({ local, remote });
    const unknown: string[] = [];
    const members = [{ member_id: "m", nickname: "云", equipment_level: 7 }];
    const url = await reference((socket) => {
      attachWebSocket(
        socket,
        onePerMessage(rpc),
        rpc.peers({
          on: {
            ping() {},
            signin: () => ({ ok: true }),
            login(_, { peer }) {
              peer.notify("push", { text: "welcome" });
              return { ok: true };
            },
            get_player_member: () => ({ ok: true, members }),
          },
          // There, its read loop dies.
          unmatched: (error) => void unknown.push(error.message),
        }),
      );
    });
    expect(await toldOf(url, "sproto")).toEqual([
      "ping: the server is there",
      "signin: done",
      "login: done",
      "player info: 云, level 7",
      "login with another password: done",
    ]);
    expect(unknown).toEqual([]);
  });

  it("refuses unknown protobuf requests, without ending a client", async () => {
    const root = new protobuf.Root();
    for (const file of ["common.proto", "game.proto"]) {
      // Its own schema ends here.
      protobuf.parse(readFile(file).replace(/message PingReq[\s\S]*/, ""), root);
    }
    const type = (name: string) => protobufjs<object>(root.lookupType(name));
    const service = headerService({
      requests: {
        "game.LoginReq": { request: type("game.LoginReq"), response: type("game.LoginResp") },
        "game.GetPlayerInfoReq": {
          request: type("game.GetPlayerInfoReq"),
          response: type("game.GetPlayerInfoResp"),
        },
      },
    });
    const errorResp = { code: "SUCCESS", message: "" };
    const player = { userid: 10086, nickname: "测试玩家", level: 10, exp: 1000, vipLevel: 1 };
    const answers = service.answer({
      "game.LoginReq": () => ({ errorResp, userid: 10086 }),
      "game.GetPlayerInfoReq": () => ({ errorResp, player }),
    });
    const url = await reference((socket) => {
      attachWebSocket(socket, service.serverProtocol, answers);
    });
    expect(await toldOf(url, "protobuf")).toEqual([
      "ping: the server is there",
      "signin: INVALID_REQUEST: Failed to decode request",
      "login: player 10086",
      "player info: 测试玩家, level 10",
      "login with another password: done",
    ]);
    const lines: string[] = [];
    await new Promise<void>((resolve) => {
      const live = stayConnected((options) => connectGame(url, "protobuf", options), {
        ...{ userid: "alice", beatEvery: 5, retryAfter: 5 },
        log(line) {
          lines.push(line);
          if (lines.length < 3) return;
          live.close();
          resolve();
        },
      });
    });
    const refused = "not signed in: INVALID_REQUEST: Failed to decode request";
    expect(lines.slice(0, 3)).toEqual([refused, "beat", "beat"]);
  });
});

describe("recorded frames, over a real WebSocket", () => {
  it.each(pbws)("$name", async ({ name, clientFrameHex, serverFramesHex }) => {
    const { server } = await start("protobuf");
    server.store.save({ userid: 7, nickname: "云", level: 3, exp: 2 ** 40, vipLevel: -1 });
    // A ping behind it: what comes before its answer is the answer to the recorded message.
    const ping = bytesOf("12000000 0a10 0a0c67616d652e50696e67526571 1063");
    const throwsThere = serverFramesHex.length === 0 && name !== "pbws-no-reply";
    const answers = serverFramesHex.length + (throwsThere ? 2 : 1);
    const { socket, came } = await exchange(server.url, [bytesOf(clientFrameHex), ping], answers);
    const pong = came.pop()!;
    expect(hexOf(pong)).toBe("0b0000000a090a0753554343455353");
    if (throwsThere) {
      // The reference's dispatch throws and its read loop dies: here the client is told (pbws-short, pbws-zero-length).
      const [error] = came;
      expect(Buffer.from(error!).toString("latin1")).toContain("INVALID_MESSAGE");
    } else {
      expect(came.map(hexOf)).toEqual(serverFramesHex);
    }
    socket.close();
  });

  it("of sproto: a sign-in, byte for byte", async () => {
    const { server } = await start("sproto");
    const signin = bytesOf("000d 5502080401c405616c07696365");
    const { socket, came } = await exchange(server.url, [signin], 1);
    expect(came.map(hexOf)).toEqual(["000755020104010104"]);
    socket.close();
  });

  it("of sproto: a ping is answered with a header alone, one without a session not at all", async () => {
    const { server } = await start("sproto");
    // ping is protocol 1, so its type is written as 4; session 11 as 24.
    const [without, withSession] = [bytesOf("0003 050104"), bytesOf("0004 15020418")];
    const { socket, came } = await exchange(server.url, [without, withSession], 1);
    expect(came.map(hexOf)).toEqual(["000415020118"]);
    socket.close();
  });

  it("of sproto: what nobody handles is dropped, and the connection goes on", async () => {
    const { server, log } = await start("sproto");
    // Protocol 102 with session 1, an answer that nobody asked for, then a ping with session 11.
    const unknown = bytesOf("0004 1502ce04");
    const stray = bytesOf("0004 15020104");
    const { socket, came } = await exchange(
      server.url,
      [unknown, stray, bytesOf("0004 15020418")],
      1,
    );
    expect(came.map(hexOf)).toEqual(["000415020118"]);
    expect(log.filter((line) => line.startsWith("dropped: "))).toEqual([
      expect.stringContaining("no such protocol"),
      expect.stringContaining("unknown session"),
    ]);
    socket.close();
  });

  it.each([
    ["a frame that is cut", "0005 15020418"],
    ["bytes behind a frame", "0004 15020418 00"],
    ["two frames", "0004 15020418 0004 15020418"],
    ["half a length", "00"],
    ["an empty frame", "0000"],
    ["bad packing", "0003 ff0001"],
  ])("of sproto: %s ends the connection with 1002", async (_, bytes) => {
    const { server } = await start("sproto");
    const socket = new WebSocket(server.url);
    await once(socket, "open");
    const closed = once(socket, "close");
    socket.send(bytesOf(bytes));
    const [code] = (await closed) as [number];
    expect(code).toBe(1002);
  });

  it.each(["protobuf", "sproto"] as const)(
    "%s: a message above the limit ends it",
    async (type) => {
      const { server } = await start(type);
      const socket = new WebSocket(server.url);
      await once(socket, "open");
      const closed = once(socket, "close");
      socket.send(new Uint8Array(256 * 1024 + 1));
      expect((await closed)[0]).toBe(1009);
    },
  );
});

describe("the configuration", () => {
  it("of the example is valid", () => {
    expect(parseConfig(readFile("config.json"))).toMatchObject({
      wsHost: "127.0.0.1",
      protocolType: "protobuf",
    });
  });

  const right = { wsHost: "localhost", wsPort: 0, protocolType: "sproto", database: "x" };
  it.each<[string, object]>([
    ["wsHost must be an address, not 5", { ...right, wsHost: 5 }],
    ["wsPort must be a port, not 65536", { ...right, wsPort: 65536 }],
    ["wsPort must be a port, not undefined", { ...right, wsPort: undefined }],
    ["protocolType must be protobuf or sproto, not json", { ...right, protocolType: "json" }],
    ["database must be a file name, not 1", { ...right, database: 1 }],
  ])("is refused: %s", (text, config) => {
    expect(() => parseConfig(JSON.stringify(config))).toThrow(text);
  });

  it("keeps players in memory if it names no file", () => {
    const { database, ...rest } = right;
    expect(database).toBe("x");
    expect(parseConfig(JSON.stringify(rest)).database).toBe(":memory:");
  });
});

describe("a store", () => {
  const player = { userid: 7, nickname: "云", level: 3, exp: 2 ** 40, vipLevel: -1 };

  it.each<[string, () => Promise<PlayerStore>]>([
    ["in memory", async () => memoryStore()],
    ["in an embedded database", () => openStore(":memory:")],
  ])("%s keeps accounts and players", async (_, open) => {
    const store = await open();
    expect(store.account("alice")).toBeUndefined();
    expect(store.create("alice", "s1")).toEqual({ userid: 10001, secret: "s1" });
    expect(store.create("O'Brien; --", "s2")).toEqual({ userid: 10002, secret: "s2" });
    expect(store.account("O'Brien; --")).toEqual({ userid: 10002, secret: "s2" });
    expect(store.player(10001)).toEqual({
      userid: 10001,
      nickname: "alice",
      level: 1,
      exp: 0,
      vipLevel: 0,
    });
    store.save(player);
    store.save({ ...player, level: 4 });
    expect(store.player(7)).toEqual({ ...player, level: 4 });
    expect(store.player(8)).toBeUndefined();
    store.close();
  });

  it("in a file outlives its server", async () => {
    const folder = mkdtempSync(join(tmpdir(), "skynet-"));
    try {
      const database = join(folder, "players.db");
      for (const expected of ["created", "found"]) {
        const { server, connect } = await start("sproto", { database });
        expect(server.store.kind).toMatch(/^node:sqlite$|^node-sqlite3-wasm$/);
        const client = connect();
        const userid = await client.login("alice", "pw");
        if (expected === "created") server.store.save({ ...player, userid });
        expect((await client.playerInfo(userid)).nickname).toBe("云");
        client.close();
        running.pop();
        await server.stop();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("undoes an account that could not be created completely", async () => {
    const store = await openStore(":memory:");
    store.create("alice", "s");
    expect(() => store.create("alice", "s")).toThrow();
    expect(store.create("bob", "s").userid).toBe(10002);
    expect(store.player(10003)).toBeUndefined();
    store.close();
  });
});
