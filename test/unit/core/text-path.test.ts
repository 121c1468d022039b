import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  type Codec,
  Connection,
  decodeUtf8,
  encodeAll,
  type Handlers,
  json,
  lines,
  type Protocol,
  ProtocolError,
  type Sink,
  utf8,
} from "../../../src/index.ts";
import { jsonNL } from "../../../src/protocols/workerman/index.ts";
import { jsonValues } from "../../../src/testing/index.ts";

vi.setConfig({ testTimeout: 60_000 });

const encoder = new TextEncoder();
const wide = "你好, wörld 😀 ";

/** The same protocol without its text path. */
function byBytes<In, Out>(protocol: Protocol<In, Out>): Protocol<In, Out> {
  return {
    ...protocol,
    decode: (bytes, start, end) => protocol.decode(bytes, start, end),
    encode: (value, out) => protocol.encode(value, out),
  };
}

type Step =
  | "send"
  | "send twice"
  | "send what cannot be written"
  | "send a frame"
  | "pause"
  | "use"
  | "close"
  | "throw";

interface Session {
  readonly lines: readonly Uint8Array[];
  readonly cuts: readonly number[];
  readonly steps: readonly Step[];
  /** Whether the sink has room after each write. */
  readonly roomy: readonly boolean[];
}

const line: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 8, arbitrary: jsonValues().map((value) => encoder.encode(JSON.stringify(value))) },
  { weight: 3, arbitrary: fc.constant(encoder.encode(`{"text":"${wide}"}`)) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(`"\\ud800"`, "1e999", "{", "", " 7 ", "7\r")
      .map((text) => encoder.encode(text)),
  },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 4 }).map((bytes) => bytes.filter((byte) => byte !== 10)),
  },
);

const session: fc.Arbitrary<Session> = fc.record({
  lines: fc.array(line, { minLength: 1, maxLength: 12 }),
  cuts: fc.array(fc.nat(400), { maxLength: 3 }),
  steps: fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom<Step>("send", "send twice") },
      {
        weight: 3,
        arbitrary: fc.constantFrom<Step>(
          "send a frame",
          "send what cannot be written",
          "pause",
          "use",
        ),
      },
      { weight: 1, arbitrary: fc.constantFrom<Step>("close", "throw") },
    ),
    { minLength: 1, maxLength: 8 },
  ),
  roomy: fc.array(fc.boolean(), { maxLength: 6 }),
});

/** Runs a session, and returns everything observable. */
function run(protocol: Protocol<unknown>, hasText: boolean, given: Session): unknown {
  const seen: unknown[] = [];
  const written: Uint8Array[] = [];
  let writes = 0;
  const take = (bytes: Uint8Array): boolean => {
    written.push(bytes.slice());
    return given.roomy[writes++] ?? true;
  };
  const sink: Sink = {
    boundary: "stream",
    write: take,
    ...(hasText && { writeText: (text: string) => take(encoder.encode(text)) }),
    pause() {},
    resume() {},
    close: (error) => seen.push(["sink closes", (error as ProtocolError | undefined)?.code]),
    abort: () => seen.push(["sink aborts"]),
  };
  const other = lines({ ending: "\r\n" }).wrap(json());
  let count = 0;
  const message = (connection: Connection<unknown>, value: unknown): void => {
    seen.push(["message", value]);
    const step = given.steps[count++ % given.steps.length]!;
    if (step === "throw") throw new Error("of the handler");
    if (step === "close") connection.close();
    else if (step === "pause") connection.pause();
    else if (step === "use") connection.use(hasText ? other : byBytes(other), handlers);
    else if (step === "send a frame") connection.sendFrame(encoder.encode('"frame"\n'));
    else if (step === "send what cannot be written") {
      try {
        connection.send({ a: [value, undefined] });
      } catch (error) {
        seen.push(["refused", (error as Error).message]);
      }
    } else {
      connection.send(value);
      if (step === "send twice") connection.send({ again: wide });
    }
  };
  const handlers: Handlers<unknown> = {
    message,
    error: (_, error) => {
      const { code, offset } = error as ProtocolError;
      seen.push(["error", (error as Error).message, code, offset]);
    },
    close: (_, { by }) => seen.push(["close", by]),
  };
  const connection = new Connection<unknown>(protocol, sink, handlers, { turn: Infinity });
  connection.opened();
  const all = encodeAll(
    lines().wrap({ decode: () => 0, encode: (bytes: Uint8Array, out) => void out.bytes(bytes) }),
    given.lines.filter((bytes) => bytes[bytes.length - 1] !== 13),
  );
  const cuts = [...new Set(given.cuts.map((cut) => Math.min(cut, all.length)))].sort(
    (a, b) => a - b,
  );
  let at = 0;
  for (const cut of [...cuts, all.length]) {
    connection.received(all.slice(at, cut));
    connection.drained();
    connection.resume();
    at = cut;
  }
  connection.ended();
  connection.lost();
  const length = written.reduce((sum, bytes) => sum + bytes.length, 0);
  const output = new Uint8Array(length);
  let end = 0;
  for (const bytes of written) {
    output.set(bytes, end);
    end += bytes.length;
  }
  return { seen, output };
}

describe("the way of text through a connection", () => {
  it.each([
    ["lines of JSON", lines().wrap(json())],
    ["JsonNL", jsonNL()],
  ])("shows the same as the way of bytes: %s", (_, protocol) => {
    fc.assert(
      fc.property(session, (given) => {
        expect(run(protocol, true, given)).toEqual(run(byBytes(protocol), false, given));
      }),
      { numRuns: 200 },
    );
  });

  /** A codec that counts the calls of its functions. */
  function counted(): {
    codec: Codec<string>;
    count: { decode: number; decodeText: number; encode: number; encodeText: number };
  } {
    const count = { decode: 0, decodeText: 0, encode: 0, encodeText: 0 };
    const codec: Codec<string> = {
      decode(bytes, start, end) {
        count.decode++;
        return utf8().decode(bytes, start, end);
      },
      decodeText(text, start, end) {
        count.decodeText++;
        return text.slice(start, end);
      },
      encode(value, out) {
        count.encode++;
        out.utf8(value);
      },
      encodeText(value) {
        count.encodeText++;
        return value;
      },
      text: true,
    };
    return { codec, count };
  }

  function echo(protocol: Protocol<string>): {
    received: string[];
    texts: string[];
    connection: Connection<string>;
  } {
    const received: string[] = [];
    const texts: string[] = [];
    const sink: Sink = {
      boundary: "stream",
      write: (bytes) => texts.push(`bytes ${decodeUtf8(bytes)}`) > 0,
      writeText: (text) => texts.push(text) > 0,
      pause() {},
      resume() {},
      close() {},
      abort() {},
    };
    const connection = new Connection<string>(protocol, sink, {
      message(connection, value) {
        received.push(value);
        connection.send(value);
      },
    });
    connection.opened();
    return { received, texts, connection };
  }

  it.each([
    ["ASCII", "a line"],
    ["Chinese", "一行"],
  ])("decodes a chunk of %s once, and joins the replies", (_, text) => {
    const { codec, count } = counted();
    const { connection, received, texts } = echo(lines().wrap(codec));
    connection.received(encoder.encode(`${text}\n`.repeat(9)));
    expect(received).toEqual(Array.from({ length: 9 }, () => text));
    expect(texts).toEqual([`${text}\n`.repeat(9)]);
    expect(count).toEqual({ decode: 0, decodeText: 9, encode: 0, encodeText: 9 });
  });

  it("decodes a frame that arrived in pieces from its bytes", () => {
    const { codec, count } = counted();
    const { connection, received } = echo(lines().wrap(codec));
    const bytes = encoder.encode("first\n二\nthird\nfourth\n");
    for (const byte of bytes) connection.received(Uint8Array.of(byte));
    expect(received).toEqual(["first", "二", "third", "fourth"]);
    expect(count.decode).toBe(4);
  });

  it("is not taken by an object that was spread and decodes or encodes in its own way", () => {
    const { codec, count } = counted();
    const own = lines().wrap(codec);
    const loud: Protocol<string> = {
      ...own,
      decode: (bytes, start, end) => own.decode(bytes, start, end).toUpperCase(),
      encode: (value, out) => own.encode(`${value}!`, out),
    };
    const { connection, received, texts } = echo(loud);
    connection.received(encoder.encode("a\nb\nc\nd\n"));
    expect(received).toEqual(["A", "B", "C", "D"]);
    expect(texts).toEqual(["bytes A!\nB!\nC!\nD!\n"]);
    expect(count).toEqual({ decode: 4, decodeText: 0, encode: 4, encodeText: 0 });
  });

  it.each([
    ["a line end", "two\nlines"],
    ["half of a pair", "\ud800"],
    ["nothing", ""],
  ])("leaves text of a codec that must not be joined to the bytes: %s", (_, text) => {
    const { codec, count } = counted();
    const { connection } = echo(lines().wrap(codec));
    const send = (): boolean => connection.send(text);
    if (text === "") expect(send()).toBe(true);
    else expect(send).toThrow(ProtocolError);
    expect(count.encode).toBe(1);
  });

  it("keeps no text of a chunk once all of it is delivered", async () => {
    const { connection, received } = echo(lines().wrap(counted().codec));
    connection.received(encoder.encode("x\n".repeat(5)));
    // A chunk of the same length must not be confused with it.
    connection.received(encoder.encode("y\n".repeat(5)));
    expect(received.join("")).toBe("xxxxxyyyyy");
  });

  it("sends messages of an encoder after the frame that it writes", () => {
    const { texts, connection } = echo(lines().wrap(json<string>()));
    let isFirst = true;
    const value = {
      toJSON() {
        if (isFirst) {
          isFirst = false;
          connection.send("inner");
        }
        return "outer";
      },
    };
    connection.send(value as never);
    connection.close();
    expect(texts).toEqual(['bytes "outer"\n', 'bytes "inner"\n']);
  });
});
