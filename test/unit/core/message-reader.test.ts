import { describe, expect, it } from "vitest";
import { Connection, perMessage, raw } from "../../../src/index.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";

const bytes = perMessage().wrap(raw());

describe("messages that wait", () => {
  it("are bounded when they are empty, too", () => {
    const connection = new Connection(bytes, new ScriptedSink("message"), {}, { maxQueued: 6400 });
    connection.opened();
    let received = 0;
    while (connection.state === "open" && received < 1000) {
      connection.received(new Uint8Array(0));
      received++;
    }
    expect(connection.state).toBe("closed");
    expect(received).toBe(102);
  });

  it("come in order, those that arrive meanwhile behind them", async () => {
    const connection = new Connection(bytes, new ScriptedSink("message"));
    connection.opened();
    const read: number[] = [];
    let next = 0;
    for (; next < 5; next++) connection.received(Uint8Array.of(next));
    for await (const message of connection) {
      read.push(message[0]!);
      if (next < 50) connection.received(Uint8Array.of(next++));
      if (next < 50) connection.received(Uint8Array.of(next++));
      if (read.length === 50) break;
    }
    expect(read).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });
});

describe("protocol", () => {
  it("is what is spoken now", () => {
    const connection = new Connection(bytes, new ScriptedSink("message"));
    expect(connection.protocol).toBe(bytes);
    const other = perMessage().wrap(raw());
    expect(connection.use(other).protocol).toBe(other);
  });
});
