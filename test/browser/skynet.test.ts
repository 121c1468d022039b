import { describe, expect, inject, it } from "vitest";
import type { ClientOptions, GameClient } from "../../examples/skynet-websocket/_client.ts";
import { protobufClient } from "../../examples/skynet-websocket/_protobuf-client.ts";
import { sprotoClient } from "../../examples/skynet-websocket/_sproto-client.ts";

// The clients of the example, on this page's own WebSocket, against its servers.

const urls = inject("skynetUrls");
const files = inject("skynetFiles");
const clients = { protobuf: protobufClient, sproto: sprotoClient };

describe.each(["protobuf", "sproto"] as const)("a page that speaks %s", (type) => {
  const connect = (options?: ClientOptions): GameClient =>
    clients[type](urls[type], (name) => files[name]!, options);

  it("plays the whole game", async () => {
    const client = connect();
    await client.ping();
    await client.signin("page");
    const userid = await client.login("page", "päss 🧀");
    expect(userid).toBeGreaterThan(10000);
    expect(await client.playerInfo(userid)).toEqual({
      userid,
      nickname: "page",
      level: 1,
      exp: 0,
      vipLevel: 0,
    });
    await expect(client.login("page", "wrong")).rejects.toMatchObject({ code: "WRONG_PASSWORD" });
    await expect(client.playerInfo(5)).rejects.toMatchObject({ code: "NO_SUCH_PLAYER" });
    client.close();
  });

  it("hears of others, and of the end", async () => {
    let client: GameClient | undefined;
    const heard: string[] = [];
    const closed = new Promise<unknown>((close) => {
      client = connect({ push: (text) => heard.push(text), close });
    });
    await client!.signin("first");
    const other = connect();
    await other.signin("second");
    // What is answered behind the notice has come behind it.
    await client!.ping();
    expect(heard).toEqual(["second has signed in"]);
    client!.close();
    expect(await closed).toBeUndefined();
    other.close();
  });
});
