import { describe, expect, it, vi } from "vitest";
import { skip } from "../../../src/framing/index.ts";
import {
  Connection,
  type ConnectionOptions,
  type Handlers,
  json,
  lines,
  type ProtocolError,
  type TraceEvent,
} from "../../../src/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";

const protocol = lines({ maxFrame: 64 }).wrap(json());
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An event as text. */
function shown(event: TraceEvent): string {
  switch (event.type) {
    case "received":
    case "sent":
      return `${event.type} ${JSON.stringify(decoder.decode(event.bytes))}`;
    case "message":
    case "queued":
      return `${event.type} ${JSON.stringify(event.value)} ${event.size}`;
    case "error":
      return `error ${(event.error as ProtocolError).message}`;
    case "skipped":
      return `skipped ${event.skipped.length}`;
    case "closed":
      return `closed by ${event.info.by}`;
    case "stuck":
      return `stuck ${event.ms} ms, ${event.promises} promises, ${event.unread} bytes`;
    default:
      return event.type;
  }
}

function traced(handlers: Handlers<unknown>, options: ConnectionOptions = {}) {
  const events: TraceEvent[] = [];
  const sink = new ScriptedSink();
  const clock = new ManualClock();
  const connection = new Connection<unknown>(
    protocol,
    Object.assign(sink, { writeText: () => expect.fail("a trace shows bytes") }),
    handlers,
    { clock, trace: (event) => events.push(event), ...options },
  );
  connection.opened();
  const receive = (text: string): void => connection.received(encoder.encode(text));
  return { connection, sink, clock, receive, events, texts: () => events.splice(0).map(shown) };
}

describe("trace", () => {
  it("tells of bytes and messages both ways, and of the end", () => {
    const { connection, receive, texts, events } = traced({
      message: (connection, value) => void connection.send({ echo: value }),
    });
    receive("1\n2\n");
    expect(events.every((event) => event.connection === (connection as unknown))).toBe(true);
    expect(texts()).toEqual([
      "opened",
      'received "1\\n2\\n"',
      "message 1 2",
      'queued {"echo":1} 11',
      "message 2 2",
      'queued {"echo":2} 11',
      'sent "{\\"echo\\":1}\\n{\\"echo\\":2}\\n"',
    ]);
    connection.sendFrame(Uint8Array.of(0x33, 0x0a));
    connection.close();
    connection.lost();
    expect(texts()).toEqual(["queued undefined 2", 'sent "3\\n"', "closed by local"]);
  });

  it("tells of messages that are iterated, of bad input, of pauses and errors", async () => {
    const { connection, receive, texts } = traced({ error: () => {} }, { onInvalid: skip() });
    const next = connection[Symbol.asyncIterator]().next();
    receive("{\n7\n");
    expect(await next).toEqual({ done: false, value: 7 });
    connection.abort(new Error("enough"));
    expect(texts()).toEqual([
      "opened",
      "paused",
      "resumed",
      'received "{\\n7\\n"',
      "skipped 2",
      "message 7 2",
      "closed by error",
    ]);
    const bug = traced({
      message: () => {
        throw new Error("a bug");
      },
      error: () => {},
    });
    bug.receive("1\n");
    expect(bug.texts()).toEqual(["opened", 'received "1\\n"', "message 1 2", "error a bug"]);
    const fault = traced({ message: () => {}, error: () => {} });
    fault.receive("no JSON\n");
    expect(fault.texts()[2]).toMatch(/^error 7 bytes are not JSON/);
  });

  it("tells once of promises that have been pending for 10 s with input waiting", async () => {
    let settle = (): void => {};
    const { clock, receive, texts } = traced({
      message: () => new Promise<void>((resolve) => (settle = resolve)),
    });
    receive("1\n2\n3\n");
    texts();
    clock.advance(9999);
    expect(texts()).toEqual([]);
    clock.advance(30_000);
    expect(texts()).toEqual(["stuck 10000 ms, 1 promises, 4 bytes"]);
    settle();
    await Promise.resolve();
    await Promise.resolve();
    expect(texts()).toEqual(["message 2 2"]);
    clock.advance(20_000);
    expect(texts()).toEqual(["stuck 10000 ms, 1 promises, 2 bytes"]);
    settle();
    await Promise.resolve();
    await Promise.resolve();
    clock.advance(20_000);
    // The third is pending, but nothing waits for it.
    expect(texts()).toEqual(["message 3 2"]);
    settle();
    await Promise.resolve();
    await Promise.resolve();
    expect(texts()).toEqual(["resumed"]);
  });

  it("does no harm if it throws", () => {
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    const messages: unknown[] = [];
    const { connection, receive } = traced(
      { message: (_, value) => messages.push(value) },
      {
        trace: ({ type }) => {
          if (type === "message") throw new Error("of the trace");
        },
      },
    );
    receive("1\n2\n");
    expect(messages).toEqual([1, 2]);
    expect(connection.state).toBe("open");
    expect(printed).toHaveBeenCalledTimes(2);
    printed.mockRestore();
  });
});
