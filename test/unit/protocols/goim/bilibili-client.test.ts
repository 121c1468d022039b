import { deflateSync, inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  Connection,
  decodeAll,
  decodeUtf8,
  encodeFrame,
  type ProtocolError,
} from "../../../../src/index.ts";
import {
  BilibiliClient,
  type BilibiliClientOptions,
  type BilibiliPacket,
  bilibili,
  goim,
} from "../../../../src/protocols/goim/index.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { ScriptedSink } from "../../../support/scripted-sink.ts";
import { settle } from "../../../support/settle.ts";

const inflate = (_: string, bytes: Uint8Array, maxOutputLength: number): Uint8Array =>
  inflateSync(bytes, { maxOutputLength });
const server = bilibili({ inflate });

/** A client; the test plays the server on its connections. */
function setup(options: Partial<BilibiliClientOptions> = {}) {
  const clock = new ManualClock();
  const links: { readonly connection: Connection<BilibiliPacket>; readonly sink: ScriptedSink }[] =
    [];
  const events: unknown[][] = [];
  const codeOf = (error: unknown): unknown => (error as ProtocolError | undefined)?.code;
  const client = new BilibiliClient({
    clock,
    inflate,
    auth: { roomid: 1 },
    reconnect: { jitter: 0 },
    connect(protocol, handlers) {
      const sink = new ScriptedSink("message");
      const connection = new Connection(protocol, sink, handlers, { clock });
      links.push({ connection, sink });
      return connection;
    },
    open: () => events.push(["open"]),
    message: (_, body) => events.push(["message", body]),
    popularity: (_, popularity) => events.push(["popularity", popularity]),
    skipped: (_, error) => events.push(["skipped", codeOf(error)]),
    retry: (_, { failures, delay, error }) =>
      events.push(["retry", failures, delay, codeOf(error)]),
    close: (_, error) => events.push(["close", codeOf(error)]),
    ...options,
  });
  const link = () => links.at(-1)!;
  const say = (packet: BilibiliPacket): void =>
    link().connection.received(encodeFrame(server, packet));
  const sent = (): string[] =>
    link().sink.writes.flatMap((bytes) => decodeAll(server, bytes).map(({ type }) => type));
  return { client, clock, links, link, events, say, sent };
}

describe("BilibiliClient", () => {
  it("authenticates, and sends heartbeats after the welcome", async () => {
    const { client, clock, link, events, say, sent } = setup();
    link().connection.opened();
    expect([client.state, sent()]).toEqual(["authenticating", ["auth"]]);
    say({ type: "welcome", body: { code: 0 } });
    await settle();
    expect([client.state, sent()]).toEqual(["open", ["auth", "heartbeat"]]);
    say({ type: "popularity", popularity: 7 });
    say({ type: "message", body: { cmd: "LIVE" } });
    clock.advance(30_000);
    await settle();
    expect(sent()).toEqual(["auth", "heartbeat", "heartbeat"]);
    expect(client.popularity).toBe(7);
    expect(events).toEqual([["open"], ["popularity", 7], ["message", { cmd: "LIVE" }]]);
    client.close();
    expect(events.at(-1)).toEqual(["close", undefined]);
  });

  it.each([
    ["an object", { roomid: 1, uid: 0 }, '{"roomid":1,"uid":0}'],
    ["text", '{"roomid": 9007199254740993}', '{"roomid": 9007199254740993}'],
    ["bytes", new TextEncoder().encode('{"roomid":1}'), '{"roomid":1}'],
  ])("sends an auth body of %s unchanged", (_, auth, wanted) => {
    const { link } = setup({ auth });
    link().connection.opened();
    const [packet] = decodeAll(goim(), link().sink.writes[0]!);
    expect(decodeUtf8(packet!.body)).toBe(wanted);
  });

  it("is refused by a code other than 0, sends no heartbeat, and retries", async () => {
    const { client, clock, link, links, events, say, sent } = setup();
    link().connection.opened();
    say({ type: "welcome", body: { code: -101 } });
    await settle();
    expect([client.state, sent(), events]).toEqual([
      "waiting",
      ["auth"],
      [["retry", 1, 1000, "refused"]],
    ]);
    clock.advance(1000);
    expect(links.length).toBe(2);
    const stubborn = setup({
      reconnect: { when: ({ error }) => (error as ProtocolError).code !== "refused" },
    });
    stubborn.link().connection.opened();
    stubborn.say({ type: "welcome", body: { code: -101 } });
    expect([stubborn.client.state, stubborn.events]).toEqual(["closed", [["close", "refused"]]]);
  });

  it("accepts a welcome without a body, as older servers send it", () => {
    const { client, link, say } = setup();
    link().connection.opened();
    say({ type: "welcome", body: undefined });
    expect(client.state).toBe("open");
  });

  it("skips one bad message, and delivers the others of its frame", () => {
    const { client, link, events, say } = setup();
    link().connection.opened();
    say({ type: "welcome", body: { code: 0 } });
    events.length = 0;
    const part = (text: string): Uint8Array =>
      encodeFrame(goim(), { ver: 0, op: 5, seq: 0, body: new TextEncoder().encode(text) });
    const parts = [part('{"cmd":"A"}'), part("{"), part('{"cmd":"B"}')];
    link().connection.received(Uint8Array.from(parts.flatMap((bytes) => [...bytes])));
    expect(events).toEqual([
      ["message", { cmd: "A" }],
      ["skipped", "malformed"],
      ["message", { cmd: "B" }],
    ]);
    events.length = 0;
    const packed = encodeFrame(goim(), {
      ...{ ver: 2, op: 5, seq: 0 },
      body: deflateSync(Uint8Array.from(parts.flatMap((bytes) => [...bytes]))),
    });
    link().connection.received(packed);
    expect(events.map(([name]) => name).sort()).toEqual(["message", "message", "skipped"]);
    expect(client.state).toBe("open");
  });

  it("reconnects, and notices a dead server", () => {
    const { client, clock, link, links, events, say } = setup({ heartbeat: 1000 });
    link().connection.opened();
    say({ type: "welcome", body: { code: 0 } });
    clock.advance(1000);
    expect([client.state, events.at(-1)]).toEqual(["waiting", ["retry", 1, 1000, "timeout"]]);
    clock.advance(1000);
    expect(links.length).toBe(2);
    client.close();
    expect(client.state).toBe("closed");
  });

  it("calls the auth function for each connection; if it fails, the attempt fails", async () => {
    const { link, events } = setup({ auth: () => Promise.reject(new Error("no key")) });
    link().connection.opened();
    await settle();
    expect(events).toEqual([["retry", 1, 1000, undefined]]);
  });

  it("refuses unknown options", () => {
    expect(() => setup({ heartbeet: 1 } as object)).toThrow('no option "heartbeet"');
    expect(() => setup({ inflate: undefined as never })).toThrow("needs the option inflate");
  });
});
