import { describe, expect, expectTypeOf, it } from "vitest";
import { newScan } from "../../../../src/core/index.ts";
import {
  Connection,
  decodeAll,
  decodeFrame,
  decodeUtf8,
  encodeAll,
  encodeFrame,
  Output,
  type Protocol,
  ProtocolError,
  type Received,
  type Sent,
  type Sink,
  Splitter,
} from "../../../../src/index.ts";
import { type CodecDefinition, defineCodec } from "../../../../src/protocols/workerman/index.ts";
import { ascii, errorOf } from "../../../support/chunks.ts";

/** The manual's line codec; tests replace its functions. */
function codec<Context = unknown>(
  parts: Partial<CodecDefinition<string, string, Context>> = {},
): Protocol<string> {
  return defineCodec<string, string, Context>({
    input: (buffer) => buffer.indexOf(0x0a) + 1,
    decode: (bytes) => decodeUtf8(bytes).trimEnd(),
    encode: (value) => `${value}\n`,
    ...parts,
  });
}

/** A connection, with its output at either end. */
function connect<Context = undefined>(
  protocol: Protocol<string>,
  context?: () => Context,
): {
  connection: Connection<string, string, Context>;
  messages: string[];
  errors: unknown[];
  written: () => string;
} {
  const messages: string[] = [];
  const errors: unknown[] = [];
  let written = "";
  const sink: Sink = {
    boundary: "stream",
    write(bytes) {
      written += decodeUtf8(bytes);
      return true;
    },
    pause() {},
    resume() {},
    close() {},
    abort() {},
  };
  const connection = new Connection<string, string, Context>(protocol, sink, {
    context,
    message: (_, message) => void messages.push(message),
    error: (_, error) => void errors.push(error),
  });
  connection.opened();
  return { connection, messages, errors, written: () => written };
}

/** Returns the messages of a connection that receives `text` in chunks of `size` bytes. */
function messagesOf(protocol: Protocol<string>, text: string, size: number): string[] {
  const { connection, messages, errors } = connect(protocol);
  for (let at = 0; at < text.length; at += size) {
    connection.received(ascii(text.slice(at, at + size)));
  }
  expect(errors).toEqual([]);
  return messages;
}

describe("input", () => {
  it.each([
    [false, "malformed", "input-refused: input returned false"],
    [-1, "malformed", "input-refused: input returned -1"],
    [-(2 ** 60), "malformed", `input-refused: input returned ${-(2 ** 60)}`],
    [null, "malformed", "bad-length: input returned null, which is not a length"],
    [undefined, "malformed", "bad-length: input returned undefined, which is not a length"],
    [true, "malformed", "bad-length: input returned true, which is not a length"],
    ["5", "malformed", "bad-length: input returned string, which is not a length"],
    [5n, "malformed", "bad-length: input returned bigint, which is not a length"],
    [Number.NaN, "malformed", "bad-length: input returned NaN, which is not a length"],
    [2.5, "malformed", "bad-length: input returned 2.5, which is not a length"],
    [-2.5, "malformed", "bad-length: input returned -2.5, which is not a length"],
    [Infinity, "malformed", "bad-length: input returned Infinity, which is not a length"],
    [2 ** 53, "malformed", "bad-length: input returned 9007199254740992, which is not a length"],
    [101, "too-long", "frame of 101 bytes exceeds maxFrame 100"],
  ])("that returns %s closes the connection", (returned, code, message) => {
    const protocol = codec({ maxFrame: 100, input: () => returned as number });
    const { connection, messages, errors } = connect(protocol);
    connection.received(ascii("one\n"));
    expect(messages).toEqual([]);
    expect(errors).toMatchObject([{ code, message, offset: 0 }]);
    expect(connection.state).toBe("closing");
  });

  it("may return the limit, or a float without a fraction", () => {
    expect(decodeAll(codec({ maxFrame: 4, input: () => 4.0 }), ascii("one\ntwo\n"))).toEqual([
      "one",
      "two",
    ]);
  });

  it("that throws closes only its own connection, after every complete package", () => {
    const protocol = codec({
      input(buffer) {
        if (buffer[0] === 0x23) throw new RangeError("no hashes");
        return buffer.indexOf(0x0a) + 1;
      },
    });
    const bad = connect(protocol);
    const good = connect(protocol);
    good.connection.received(ascii("fi"));
    bad.connection.received(ascii("one\n#\ntwo\n"));
    good.connection.received(ascii("ne\n"));
    expect(bad.messages).toEqual(["one"]);
    expect(bad.errors).toMatchObject([
      {
        code: "malformed",
        message: "input-threw: no hashes",
        offset: 4,
        cause: RangeError("no hashes"),
      },
    ]);
    expect(good).toMatchObject({ messages: ["fine"], errors: [] });
  });

  it("may throw a ProtocolError with an offset, or anything else", () => {
    const precise = codec({
      input() {
        throw new ProtocolError("refused", "third byte", 2);
      },
    });
    const splitter = new Splitter(precise);
    splitter.push(ascii("abcd"));
    expect(errorOf(() => splitter.next())).toMatchObject({
      code: "malformed",
      message: "input-threw: third byte",
      offset: 2,
    });
    for (const [thrown, said] of [
      [new ProtocolError("refused", "somewhere"), "somewhere"],
      ["a string", "a string"],
      [undefined, "undefined"],
      [null, "null"],
      // An offset in another file means nothing here.
      [Object.assign(new Error("not found"), { offset: 3 }), "not found"],
    ]) {
      const strange = codec({
        input() {
          throw thrown;
        },
      });
      expect(errorOf(() => decodeFrame(strange, ascii("abcd")))).toMatchObject({
        message: `input-threw: ${said}`,
        offset: 0,
      });
    }
  });

  it("is not called again once it has returned a length", () => {
    let calls = 0;
    const protocol = codec({
      input(buffer) {
        calls++;
        return buffer.length < 2 ? 0 : 6;
      },
    });
    expect(messagesOf(protocol, "abcdefghijkl", 1)).toEqual(["abcdef", "ghijkl"]);
    expect(calls).toBe(4);
  });

  it("receives the whole buffer of its package, and how many bytes it has seen before", () => {
    const shown: (string | number)[] = [];
    const protocol = codec({
      input(buffer, { seen }) {
        shown.push(decodeUtf8(buffer), seen);
        return buffer.indexOf(0x0a, seen) + 1;
      },
    });
    const { connection } = connect(protocol);
    for (const chunk of ["x\nab", "cd", "e\n"]) connection.received(ascii(chunk));
    expect(shown).toEqual(["x\nab", 0, "ab", 0, "abcd", 2, "abcde\n", 4]);
  });

  it("waits for no more bytes than the limit", () => {
    const { connection, errors } = connect(codec({ maxFrame: 8, input: () => 0 }));
    connection.received(ascii("1234567"));
    expect(errors).toEqual([]);
    connection.received(ascii("8"));
    expect(errors).toMatchObject([{ code: "too-long", offset: 0 }]);
  });

  it("is called as a method of its definition, like decode and encode", () => {
    class Delimited {
      end = 0x3b;
      input(buffer: Uint8Array) {
        return buffer.indexOf(this.end) + 1;
      }
      decode(bytes: Uint8Array) {
        return bytes.indexOf(this.end);
      }
      encode(count: number) {
        return new Uint8Array(count).fill(this.end);
      }
    }
    const protocol = defineCodec(new Delimited());
    expect(decodeAll(protocol, ascii("abc;d;"))).toEqual([3, 1]);
    expect(encodeFrame(protocol, 2)).toEqual(ascii(";;"));
  });
});

describe("consume", () => {
  /** `@` and two bytes to skip, then three bytes; anything else up to a dot. */
  const marked = codec({
    input(buffer, connection) {
      if (buffer[0] !== 0x40) return buffer.indexOf(0x2e) + 1;
      if (buffer.length < 3) return 0;
      connection.consume(3);
      return 3;
    },
  });

  /** Skips any number of zero bytes in front of a line. */
  const beating = codec({
    maxFrame: 16,
    input(buffer, connection) {
      if (buffer[0] !== 0) return buffer.indexOf(0x0a) + 1;
      connection.consume(1);
      return 0;
    },
  });

  it.each([1, 2, 3, 5, 100])("drops bytes before the package, in chunks of %i", (size) => {
    expect(messagesOf(marked, "@12345ab.@..xyz", size)).toEqual(["345", "ab.", "xyz"]);
  });

  it.each([1, 2, 3, 100])(
    "and returning 0 calls input again with the rest, in chunks of %i",
    (size) => {
      expect(messagesOf(beating, "\0\0one\n\0two\n\0", size)).toEqual(["one", "two"]);
    },
  );

  it("works without a connection, and without perConnection", () => {
    const { perConnection: _, ...bare } = marked;
    const { perConnection: __, ...bareBeating } = beating;
    expect(decodeAll(bare, ascii("@12345ab.@..xyz"))).toEqual(["345", "ab.", "xyz"]);
    expect(decodeAll(bareBeating, ascii("\0\0one\n\0"))).toEqual(["one"]);
    expect(decodeAll(marked, ascii("@12345ab.@..xyz"))).toEqual(["345", "ab.", "xyz"]);
    expect(decodeFrame(marked, ascii("@12345"))).toBe("345");
    expect(decodeAll(beating, ascii("\0\0one\n\0"))).toEqual(["one"]);
    expect(errorOf(() => decodeFrame(beating, ascii("\0"))).code).toBe("malformed");
    expect(errorOf(() => beating.decode(ascii("\0"), 0, 1)).code).toBe("malformed");
  });

  it("frees the bytes: they do not count for a later limit", () => {
    const { connection, messages, errors } = connect(beating);
    for (let i = 0; i < 100; i++) connection.received(new Uint8Array(10));
    connection.received(ascii("here\n"));
    expect(messages).toEqual(["here"]);
    expect(errors).toEqual([]);
  });

  it("counts in the package that follows", () => {
    const protocol = codec({
      maxFrame: 8,
      input(_, connection) {
        connection.consume(4);
        return 5;
      },
    });
    expect(errorOf(() => decodeFrame(protocol, ascii("123456789")))).toMatchObject({
      code: "too-long",
      message: "frame of 9 bytes exceeds maxFrame 8",
    });
  });

  it.each([-1, 0.5, Number.NaN, 4, 2])(
    "refuses more bytes than there are: %d after two of five",
    (count) => {
      const protocol = codec({
        input(_, connection) {
          connection.consume(2);
          connection.consume(count);
          return 1;
        },
      });
      const decode = () => decodeAll(protocol, ascii("12345"));
      if (count === 2) expect(decode).not.toThrow();
      else expect(errorOf(decode).message).toBe(`input-threw: cannot consume ${count} of 3 bytes`);
    },
  );

  it("of all bytes leaves none to consume", () => {
    const protocol = codec({
      input(buffer, connection) {
        connection.consume(buffer.length);
        connection.consume(0);
        return 0;
      },
    });
    expect(decodeAll(protocol, ascii("abc"))).toEqual([]);
  });

  it("is repeated if a frame was not measured right before", () => {
    // Frames found by other means, such as message boundaries.
    const protocol = codec({
      input(buffer, connection) {
        if (buffer[0] === 0x21) connection.consume(1);
        return buffer.length - (buffer[0] === 0x21 ? 1 : 0);
      },
    });
    const own = protocol.perConnection!({ context: undefined });
    const [marked, plain] = [ascii("!a"), ascii("bc")];
    expect(own.measure(marked, 0, 2, newScan())).toBe(2);
    expect(own.decode(marked, 0, 2)).toBe("a");
    expect(own.decode(plain, 0, 2)).toBe("bc");
    expect(own.decode(marked, 0, 2)).toBe("a");
  });

  it("is allowed only in input", () => {
    let kept: { consume(count: number): void } | undefined;
    const protocol = codec({
      input(buffer, connection) {
        kept = connection;
        return buffer.length;
      },
      decode: () => {
        kept!.consume(1);
        return "";
      },
    });
    expect(errorOf(() => decodeFrame(protocol, ascii("x"))).message).toBe(
      "decode-threw: package 0: consume() outside of input",
    );
  });

  it("keeps offsets of errors relative to the stream", () => {
    const protocol = codec({
      input(buffer, connection) {
        connection.consume(2);
        return buffer[2] === 0x21 ? -1 : 3;
      },
      decode(bytes) {
        if (bytes[1] === 0x3f) throw new ProtocolError("malformed", "a question", 1);
        return decodeUtf8(bytes);
      },
    });
    const asked = connect(protocol);
    asked.connection.received(ascii("..abc..a?c"));
    expect(asked.messages).toEqual(["abc"]);
    expect(asked.errors).toMatchObject([
      { message: "decode-threw: package 1: a question", offset: 8 },
    ]);
    const refused = connect(protocol);
    refused.connection.received(ascii("..abc..!"));
    expect(refused.errors).toMatchObject([
      { message: "input-refused: input returned -1", offset: 7 },
    ]);
  });
});

describe("context", () => {
  const numbered = codec({
    context: () => ({ received: 0, sent: 0, asked: 0 }),
    input(buffer, { context }) {
      context.asked++;
      return buffer.indexOf(0x0a) + 1;
    },
    decode: (bytes, { context }) =>
      `${++context.received}${context.asked}${decodeUtf8(bytes).trimEnd()}`,
    encode: (value, { context }) => `${++context.sent}${value}\n`,
  });

  it("belongs to one connection", () => {
    const one = connect(numbered);
    const two = connect(numbered);
    one.connection.received(ascii("a\nb\n"));
    two.connection.received(ascii("c\n"));
    one.connection.received(ascii("d\n"));
    expect(one.messages).toEqual(["11a", "22b", "33d"]);
    expect(two.messages).toEqual(["11c"]);
    one.connection.send("x");
    two.connection.send("y");
    one.connection.send("z");
    one.connection.close();
    two.connection.close();
    expect([one.written(), two.written()]).toEqual(["1x\n2z\n", "1y\n"]);
  });

  it("is shared within each call of decodeAll and encodeFrame", () => {
    expect(decodeAll(numbered, ascii("a\nb\n"))).toEqual(["11a", "22b"]);
    expect(decodeUtf8(encodeFrame(numbered, "x"))).toBe("1x\n");
    expect(decodeUtf8(encodeAll(numbered, ["x", "y"]))).toBe("1x\n2y\n");
  });

  it("is fresh in each call of the protocol's own functions", () => {
    const bytes = ascii("a\nb\n");
    expect(numbered.measure(bytes, 0, 4, newScan())).toBe(2);
    expect(numbered.decode(bytes, 0, 2)).toBe("10a");
    expect(numbered.measure(bytes, 2, 4, newScan())).toBe(2);
    expect(numbered.decodeMany?.(bytes, 2, 4)).toEqual(["10b"]);
    const out = new Output();
    numbered.encode("x", out);
    numbered.encode("y", out);
    expect(decodeUtf8(out.take())).toBe("1x\n1y\n");
  });

  it("is that of the handlers if the codec does not create one", () => {
    const protocol = codec<{ user: string }>({
      decode: (bytes, { context }) => context.user + decodeUtf8(bytes).trimEnd(),
    });
    const { connection, messages } = connect(protocol, () => ({ user: "ann:" }));
    connection.received(ascii("hi\n"));
    expect(messages).toEqual(["ann:hi"]);
  });
});

describe("decode", () => {
  it("that throws closes the connection and reports the number of the package", () => {
    const protocol = codec({ decode: (bytes) => JSON.parse(decodeUtf8(bytes)) as string });
    const { connection, messages, errors } = connect(protocol);
    connection.received(ascii('"a"\n"b"\nbad\n"c"\n'));
    expect(messages).toEqual(["a", "b"]);
    expect(errors).toMatchObject([
      {
        code: "malformed",
        message: expect.stringMatching(/^decode-threw: package 2: /),
        offset: 8,
      },
    ]);
    expect((errors[0] as ProtocolError).cause).toBeInstanceOf(SyntaxError);
  });

  it("keeps the payload out of the message, and JSON.parse's error as the cause", () => {
    const protocol = codec({ decode: (bytes) => JSON.parse(decodeUtf8(bytes)) as string });
    for (const line of ['{"password":hunter2}', "hunter2", 'hunter2 "hunter2', "undefined"]) {
      const error = errorOf(() => decodeFrame(protocol, ascii(`${line}\n`))) as ProtocolError;
      expect(error.message).toMatch(/^decode-threw: package 0: .*JSON/);
      expect(error.message).not.toMatch(/hunter2|password/);
      expect(error.cause).toBeInstanceOf(SyntaxError);
    }
  });

  it("may throw anything", () => {
    const protocol = codec({
      decode() {
        // biome-ignore lint/style/useThrowOnlyError: users do
        throw "a string";
      },
    });
    expect(errorOf(() => decodeFrame(protocol, ascii("x\n")))).toMatchObject({
      code: "malformed",
      message: "decode-threw: package 0: a string",
      offset: 0,
    });
  });

  it("receives exactly the package, which never changes", () => {
    const kept: Uint8Array[] = [];
    const protocol = codec({
      decode(bytes) {
        kept.push(bytes);
        return "";
      },
    });
    const { connection } = connect(protocol);
    for (const chunk of ["one\ntw", "o\nthree\n"]) connection.received(ascii(chunk));
    expect(kept.map((bytes) => decodeUtf8(bytes))).toEqual(["one\n", "two\n", "three\n"]);
  });
});

describe("encode", () => {
  it("may return text or bytes", () => {
    expect(decodeUtf8(encodeFrame(codec({ encode: () => "é" }), ""))).toBe("é");
    expect(encodeFrame(codec({ encode: () => Uint8Array.of(255) }), "")).toEqual(
      Uint8Array.of(255),
    );
  });

  it.each([
    [undefined, "encode returned undefined, not bytes or text"],
    [null, "encode returned null, not bytes or text"],
    [5, "encode returned 5, not bytes or text"],
    [[1], "encode returned object, not bytes or text"],
    ["", "codec wrote a frame of 0 bytes"],
    ["123456789", "frame of 9 bytes exceeds maxFrame 8"],
    ["\ud800", "lone surrogate at index 0 of 1 has no UTF-8 form"],
  ])("must not return %j", (returned, message) => {
    const protocol = codec({ maxFrame: 8, encode: () => returned as string });
    expect(errorOf(() => encodeFrame(protocol, ""))).toMatchObject({
      code: "unencodable",
      message,
    });
  });

  it("that throws writes nothing and keeps the connection open", () => {
    const protocol = codec({
      encode(value) {
        if (value === "bad") throw new Error("not this one");
        return `${value}\n`;
      },
    });
    const { connection, written } = connect(protocol);
    connection.send("one");
    expect(errorOf(() => connection.send("bad"))).toMatchObject({
      code: "unencodable",
      message: "codec cannot write this value: not this one",
    });
    connection.send("two");
    connection.close();
    expect(written()).toBe("one\ntwo\n");
  });
});

describe("the protocol", () => {
  it("has a name, a limit and a boundary, and is frozen", () => {
    const plain = codec();
    expect(plain).toMatchObject({ name: "codec", maxFrame: 1024 * 1024, text: false });
    const own = codec({ name: "mine", maxFrame: 10, text: true });
    expect(own).toMatchObject({ name: "mine", maxFrame: 10, text: true });
    expect(Object.isFrozen(own)).toBe(true);
    const ofOne = own.perConnection!({ context: undefined });
    expect(ofOne).toMatchObject({ name: "mine", maxFrame: 10, text: true });
    expect(Object.isFrozen(ofOne)).toBe(true);
    expect(ofOne.decode(ascii("a\n"), 0, 2)).toBe("a");
  });

  it.each(["input", "decode", "encode"] as const)("requires the function %s", (key) => {
    expect(() => codec({ [key]: undefined })).toThrow(
      new TypeError(`codec lacks the function ${key}`),
    );
  });

  it("requires a valid limit", () => {
    expect(() => codec({ maxFrame: 0 })).toThrow(RangeError);
  });

  it("takes its types from decode and encode", () => {
    const protocol = defineCodec({
      context: () => ({ count: 0 }),
      input(buffer, connection) {
        expectTypeOf(connection.context).toEqualTypeOf<{ count: number }>();
        return buffer.length;
      },
      decode: (bytes) => bytes.length,
      encode: (value: string) => value,
    });
    expectTypeOf<Sent<typeof protocol>>().toEqualTypeOf<string>();
    expectTypeOf<Received<typeof protocol>>().toEqualTypeOf<number>();
    defineCodec({
      input(_, connection) {
        expectTypeOf(connection.context).toEqualTypeOf<unknown>();
        return 0;
      },
      decode: (_, connection) => {
        // @ts-expect-error: only input may consume
        void connection.consume;
      },
      encode: () => "",
    });
  });
});
