import { describe, expect, it } from "vitest";
import { Connection, lines, perMessage, raw, utf8 } from "../../../src/index.ts";
import { ScriptedSink } from "../../support/scripted-sink.ts";

const bytes = perMessage().wrap(raw());

describe("messages that wait", () => {
  it("are bounded when they are empty, too", () => {
    const connection = new Connection(
      bytes,
      new ScriptedSink("message"),
      {},
      { maxQueued: 20_000 },
    );
    connection.opened();
    let received = 0;
    while (connection.state === "open" && received < 1000) {
      connection.received(new Uint8Array(0));
      received++;
    }
    expect(connection.state).toBe("closed");
    expect(received).toBe(102);
  });

  it("arrive in order, before those that arrive meanwhile", async () => {
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

describe("the rest of a message", () => {
  /** A connection that reads lines, and raw bytes after the first one; returns the input. */
  function greeted() {
    const heard: unknown[] = [];
    const connection = new Connection(lines().wrap(utf8()), new ScriptedSink("message"), {
      message(connection, greeting) {
        heard.push(greeting);
        connection.use(bytes, { message: (_, rest) => heard.push([...rest]) });
      },
    });
    connection.opened();
    return { connection, heard };
  }

  it("is one of a protocol without framing, once that is spoken", () => {
    const { connection, heard } = greeted();
    connection.received(Uint8Array.of(0x68, 0x69, 0x0a, 1, 2, 3));
    connection.received(Uint8Array.of());
    connection.received(Uint8Array.of(4));
    expect(heard).toEqual(["hi", [1, 2, 3], [], [4]]);
  });

  it("is empty if nothing is left", () => {
    const { connection, heard } = greeted();
    connection.received(Uint8Array.of(0x68, 0x69, 0x0a));
    expect(heard).toEqual(["hi"]);
  });
});

describe("protocol", () => {
  it("is the current one", () => {
    const connection = new Connection(bytes, new ScriptedSink("message"));
    expect(connection.protocol).toBe(bytes);
    const other = perMessage().wrap(raw());
    expect(connection.use(other).protocol).toBe(other);
  });
});
