import { describe, expect, it } from "vitest";
import { MessageReader } from "../../../src/core/connection/message-reader.ts";
import { CHUNK_COST, MESSAGE_COST } from "../../../src/core/memory.ts";
import { resync, skip } from "../../../src/framing/index.ts";
import {
  Connection,
  lines,
  type MessageProtocol,
  type ProtocolError,
  perMessage,
  raw,
  type Skipped,
  utf8,
} from "../../../src/index.ts";
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

const ascii = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text, (c) => c.charCodeAt(0));
const framed = lines({ maxFrame: 16, skipEmpty: true }).wrap(utf8());

/** The frames that a reader finds, as text. */
function framesOf(reader: MessageReader): string[] {
  const found: string[] = [];
  while (reader.next()) {
    found.push(String.fromCharCode(...reader.bytes.subarray(reader.start, reader.end)));
  }
  return found;
}

describe("a reader of messages", () => {
  it("finds the frames of each message, and counts what waits with its cost", () => {
    const reader = new MessageReader(framed);
    expect([reader.pending, reader.held, reader.spare, reader.next()]).toEqual([0, 0, 0, false]);
    reader.push(ascii("a\nbc\n"));
    reader.push(ascii("d\n"));
    expect([reader.pending, reader.held]).toEqual([7 + 2 * CHUNK_COST, 7 + 2 * CHUNK_COST]);
    expect([reader.next(), reader.offset, reader.pending]).toEqual([true, 0, 5 + CHUNK_COST]);
    expect([reader.next(), reader.offset, reader.pending]).toEqual([true, 2, 2 + CHUNK_COST]);
    expect([reader.next(), reader.offset, reader.pending]).toEqual([true, 0, 0]);
    expect([reader.next(), reader.pending]).toEqual([false, 0]);
    reader.finish();
  });

  it("keeps the order of many messages that come while others are read", () => {
    const reader = new MessageReader(framed);
    const found: string[] = [];
    for (let i = 0; i < 60; i++) {
      reader.push(ascii(`${i}\n`));
      if (i % 3 === 2 && reader.next()) found.push(reader.bytes.length.toString());
    }
    expect(found).toHaveLength(20);
    expect(reader.pending).toBe(
      Array.from({ length: 40 }, (_, i) => `${i + 20}\n`.length + CHUNK_COST).reduce(
        (a, b) => a + b,
      ),
    );
    expect(framesOf(reader)).toEqual(Array.from({ length: 40 }, (_, i) => `${i + 20}\n`));
    expect(reader.pending).toBe(0);
  });

  it("passes over bytes that are no frame, also whole messages of them", () => {
    const reader = new MessageReader(framed);
    for (const message of ["\n", "\na\n\n", "", "\n\n", "b\n"]) reader.push(ascii(message));
    expect(framesOf(reader)).toEqual(["a\n", "b\n"]);
  });

  it("does not count empty messages of a protocol with framing", () => {
    const reader = new MessageReader(framed);
    reader.push(new Uint8Array(0));
    expect(reader.pending).toBe(0);
    const bare = new MessageReader(bytes);
    bare.push(new Uint8Array(0));
    expect([bare.pending, bare.next(), bare.next()]).toEqual([CHUNK_COST, true, false]);
  });

  it("releases what was read, and copies a small rest of a large message", () => {
    const reader = new MessageReader(framed);
    const message = new Uint8Array(8000).fill(0x0a);
    message.set(ascii("a\nb\nc\n"), 7994);
    reader.push(message);
    expect(reader.next()).toBe(true);
    reader.compact();
    expect([reader.bytes.length, reader.bytes.buffer.byteLength, reader.pending]).toEqual([
      4, 4, 4,
    ]);
    expect([reader.next(), reader.offset, reader.start]).toEqual([true, 7996, 0]);
    reader.compact();
    expect([reader.next(), reader.offset]).toEqual([true, 7998]);
    reader.compact();
    reader.compact();
    expect([reader.next(), reader.pending, reader.bytes.length]).toEqual([false, 0, 0]);
    reader.push(ascii("d\n"));
    expect([reader.next(), reader.offset]).toEqual([true, 0]);
  });

  it("keeps little memory for a small message that waits in a large buffer", () => {
    const reader = new MessageReader(framed);
    reader.keep(new Uint8Array(100_000).fill(0x0a).subarray(0, 2));
    reader.keep(ascii("a\n"));
    expect(reader.next()).toBe(true);
    expect(reader.bytes.buffer.byteLength).toBe(2);
    const pushed = new MessageReader(bytes);
    const message = new Uint8Array(100_000).subarray(0, 2);
    pushed.push(message);
    expect([pushed.next(), pushed.bytes]).toEqual([true, message]);
    expect(pushed.bytes.buffer).toBe(message.buffer);
  });

  it("hands over the rest of the current message and all later ones", () => {
    const reader = new MessageReader(framed);
    for (const message of ["a\n", "b\nc\n", "d\n", "e"]) reader.push(ascii(message));
    reader.next();
    reader.next();
    expect(String.fromCharCode(...reader.rest())).toBe("c\nd\ne");
    expect([reader.pending, reader.next(), reader.rest()]).toEqual([0, false, new Uint8Array(0)]);
    reader.push(ascii("f\n"));
    expect(String.fromCharCode(...reader.rest())).toBe("f\n");
  });

  it("drops all with clear()", () => {
    const reader = new MessageReader(framed);
    for (const message of ["a\nb\n", "c\n", "d\n"]) reader.push(ascii(message));
    reader.next();
    reader.clear();
    expect([reader.pending, reader.bytes.length, reader.start, reader.end]).toEqual([0, 0, 0, 0]);
    expect(reader.next()).toBe(false);
    reader.push(ascii("e\n"));
    expect(framesOf(reader)).toEqual(["e\n"]);
  });

  it("refuses resync", () => {
    const options = { onInvalid: resync() };
    expect(() => new MessageReader(framed, options)).toThrow(/skip\(\) drops the bad ones/);
  });
});

describe("a bad message", () => {
  const errorOf = (protocol: MessageProtocol<never, unknown>, messages: string[]) => {
    const reader = new MessageReader(protocol);
    for (const message of messages) reader.push(ascii(message));
    try {
      while (reader.next());
    } catch (error) {
      return [(error as ProtocolError).code, (error as ProtocolError).offset, reader.start];
    }
    return undefined;
  };

  it("is an error with its position in the message", () => {
    expect(errorOf(framed, ["a\nb\n", "c\ncut"])).toEqual(["truncated", 2, 2]);
    expect(errorOf(framed, [`a\n${"x".repeat(17)}\n`])?.[0]).toBe("too-long");
    expect(errorOf(perMessage({ maxFrame: 4 }).wrap(raw()), ["1234"])).toBeUndefined();
    expect(errorOf(perMessage({ maxFrame: 4 }).wrap(raw()), ["1234", "12345"])?.[0]).toBe(
      "too-long",
    );
  });

  it("has positions of the whole message, also after parts of it were released", () => {
    const reader = new MessageReader(framed);
    reader.push(ascii(`${"\n".repeat(4000)}a\nb\ncut`));
    reader.next();
    reader.compact();
    reader.next();
    expect(() => reader.next()).toThrow(expect.objectContaining({ offset: 4004 }));
    expect(() => reader.reject(new RangeError("codec"))).toThrow(
      expect.objectContaining({ code: "malformed", offset: 4004 }),
    );
  });

  it("is dropped from its first bad frame on, if it is skipped", () => {
    const skipped: Skipped[] = [];
    const reader = new MessageReader(framed, {
      onInvalid: skip(),
      skipped: (each) => skipped.push(each),
    });
    for (const message of ["a\ncut", "b\n", "cut, too", "c\n"]) reader.push(ascii(message));
    expect(framesOf(reader)).toEqual(["a\n", "b\n", "c\n"]);
    expect(skipped).toMatchObject([
      { length: 3, offset: 2, error: { code: "truncated" } },
      { length: 8, offset: 0, error: { code: "truncated" } },
    ]);
    expect(reader.pending).toBe(0);
  });

  it("may be skipped up to a number of bytes in a row, with the cost of each message", () => {
    const found = (most: number | undefined, bad: number, isGoodBetween = false): boolean => {
      const reader = new MessageReader(framed, { onInvalid: skip({ most }) });
      for (let i = 0; i < bad; i++) {
        reader.push(ascii("cut"));
        if (isGoodBetween) reader.push(ascii("a\n"));
      }
      try {
        while (reader.next()) reader.accept();
        return true;
      } catch {
        return false;
      }
    };
    const each = 3 + MESSAGE_COST;
    expect([found(2 * each, 2), found(2 * each - 1, 2), found(2 * each, 3)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([found(each, 10, true), found(each - 1, 10, true)]).toEqual([true, false]);
    // By default 16 frames.
    const usual = Math.floor((16 * 16) / each);
    expect([found(undefined, usual), found(undefined, usual + 1)]).toEqual([true, false]);
  });
});
