import { channel } from "node:diagnostics_channel";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  Connection,
  json,
  lines,
  ProtocolError,
  type Trace,
  type TraceEvent,
} from "../../src/index.ts";
import { counters, textTrace } from "../../src/inspect/index.ts";
import { connect, listen } from "../../src/transports/node/index.ts";
import { ScriptedSink } from "../support/scripted-sink.ts";

const chat = lines().wrap(json<unknown>(), { name: "chat" });
const host = "127.0.0.1";

/** One question and its answer over TCP, and then a line that is no JSON. */
async function conversation(options: { readonly trace?: Trace } = {}): Promise<void> {
  const server = await listen(chat, {
    host,
    port: 0,
    message: (peer, value) => void peer.send({ echo: value }),
    error() {},
  });
  const connection = await connect(chat, { host, port: server.port, ...options });
  connection.send({ secret: "\u001b[2J" });
  for await (const _ of connection) break;
  connection.sendFrame(new TextEncoder().encode("no JSON\n"));
  await connection.closed;
  await server.close();
}

/** What is printed meanwhile, without times and numbers of connections. */
async function printed(setting: string | undefined): Promise<string[]> {
  const spy = vi.spyOn(console, "error").mockImplementation(() => {});
  vi.stubEnv("FRAMEWRIGHT_DEBUG", setting);
  await conversation();
  await expect.poll(() => spy.mock.calls.length > 0 || setting === undefined).toBe(true);
  await new Promise(setImmediate);
  return spy.mock.calls.map(([line]) => String(line).replace(/^\S+ #\d+ /, ""));
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe("FRAMEWRIGHT_DEBUG", () => {
  it("prints nothing unless it is set", async () => {
    expect(await printed(undefined)).toEqual([]);
  });

  it("prints direction, size and type of every event, without content", async () => {
    const lines = await printed("1");
    expect(lines).toContain("chat > queued object, 23 bytes");
    expect(lines).toContain("chat < message object, 23 bytes");
    expect(lines).toContain("chat > sent 32 bytes");
    expect(lines).toContain("chat < received 8 bytes");
    expect(lines.some((line) => line.startsWith("chat error malformed"))).toBe(true);
    expect(lines.join()).not.toMatch(/secret|\[2J/);
  });

  it("prints content with escaped control characters if `bytes` is set", async () => {
    const lines = await printed("chat,bytes");
    expect(lines).toContain('chat < message object, 23 bytes: {"secret":"\\u001b[2J"}');
    expect(lines).toContain("chat < received 8 bytes: 6e6f204a534f4e0a");
  });

  it("prints only what matches", async () => {
    const lines = await printed("goim,*error");
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/^chat error malformed: /);
  });
});

describe("the diagnostics channel framewright:trace", () => {
  it("publishes the events of connections that are made while it has subscribers", async () => {
    const events: TraceEvent[] = [];
    const subscriber = (event: unknown): void => void events.push(event as TraceEvent);
    const own: TraceEvent[] = [];
    channel("framewright:trace").subscribe(subscriber);
    await conversation({ trace: (event) => own.push(event) });
    channel("framewright:trace").unsubscribe(subscriber);
    expect(events[0]).toMatchObject({ type: "listening", name: "chat", connection: undefined });
    const connections = new Set(events.slice(1).map(({ connection }) => connection));
    expect(connections.size).toBe(2);
    for (const connection of connections) {
      const types = events.filter((one) => one.connection === connection).map(({ type }) => type);
      expect(["connecting", "accepted"]).toContain(types[0]);
      expect(types[1]).toBe("opened");
      expect(types.at(-1)).toBe("closed");
    }
    expect(own.length).toBeGreaterThan(4);
    const before = events.length;
    await conversation();
    expect(events).toHaveLength(before);
  });
});

describe("counters", () => {
  it("count bytes, messages, connections and errors of each protocol", async () => {
    const { trace, protocols } = counters();
    const spaced = lines().wrap(json<unknown>(), { name: "numbers" });
    const errors: unknown[] = [];
    const connection = new Connection<unknown>(
      spaced,
      new ScriptedSink(),
      {
        message: (peer, value) => void peer.send([value]),
        error: (_, error) => errors.push(error),
      },
      { trace },
    );
    connection.opened();
    connection.received(new TextEncoder().encode("1\n22\nx\n"));
    expect(errors[0]).toBeInstanceOf(ProtocolError);
    connection.lost();
    await connection.closed;
    expect(Object.fromEntries(protocols)).toEqual({
      numbers: {
        ...{ opened: 1, closed: 1, receivedBytes: 7, sentBytes: 9 },
        ...{ receivedMessages: 2, sentMessages: 2, paused: 0, stuck: 0, skipped: 0 },
        ...{ accepted: 0, refused: 0, asked: 0, answered: 0, unanswered: 0 },
        ...{ retries: 0, heartbeats: 0, missed: 0 },
        errors: { malformed: 1 },
      },
    });
  });
});

describe("textTrace", () => {
  it("accepts a filter and passes lines to `write`", () => {
    const written: string[] = [];
    const write = (line: string): void => void written.push(line.replace(/^\S+ #\d+ /, ""));
    const connection = new Connection<unknown>(
      chat,
      new ScriptedSink(),
      { message() {} },
      { trace: textTrace({ filter: "chat*message,*opened", write }) },
    );
    connection.opened();
    connection.received(new TextEncoder().encode('[1]\n"two"\nnull\n'));
    expect(written).toEqual([
      "chat opened",
      "chat < message array(1), 4 bytes",
      "chat < message string(3), 6 bytes",
      "chat < message null, 5 bytes",
    ]);
  });
});
