import { describe, expect, expectTypeOf, it } from "vitest";
import {
  type Codec,
  Connection,
  decodeAll,
  decodeFrame,
  decodeUtf8,
  defineProtocol,
  duplex,
  encodeFrame,
  json,
  lengthPrefixed,
  lines,
  type MessageProtocol,
  type Protocol,
  perMessage,
  raw,
  type Sink,
  utf8,
} from "../../../src/index.ts";
import { goim } from "../../../src/protocols/goim/index.ts";
import { thrownBy } from "../../support/thrown.ts";

const commands = lines({ maxFrame: 16 }).wrap(utf8(), { name: "commands" });
const replies = lengthPrefixed({ width: 2, maxFrame: 300 }).wrap(json<{ n: number }>(), {
  name: "replies",
});

describe("duplex of two protocols", () => {
  const server = duplex({ read: commands, write: replies });
  const client = duplex({ read: replies, write: commands });

  it("reads with one and writes with the other", () => {
    expectTypeOf(server).toEqualTypeOf<Protocol<{ n: number }, string>>();
    const command = encodeFrame(client, "get");
    expect(String.fromCharCode(...command)).toBe("get\n");
    expect(decodeFrame(server, command)).toBe("get");
    expect(decodeFrame(client, encodeFrame(server, { n: 7 }))).toEqual({ n: 7 });
    expect([server.name, server.text]).toEqual(["commands/replies", replies.text]);
    expect(duplex({ read: commands, write: commands }).name).toBe("commands");
  });

  it("has a limit for each direction", () => {
    expect([server.maxFrame, server.maxSend]).toEqual([16, 300]);
    expect([client.maxFrame, client.maxSend]).toEqual([300, 16]);
    const long = "x".repeat(16);
    expect(thrownBy(() => encodeFrame(client, long))).toMatchObject({ code: "unencodable" });
    const bytes = Uint8Array.from(`${long}\n`, (c) => c.charCodeAt(0));
    expect(thrownBy(() => decodeAll(server, bytes))).toMatchObject({ code: "too-long" });
  });

  it("passes on the other members of framings", () => {
    expect(server.layout).toBe(commands.layout);
    expect(server.recover !== undefined).toBe(commands.recover !== undefined);
    const batch = duplex({
      read: { ...commands, decodeMany: (b, s, e) => commands.decode(b, s, e).split(" ") },
      write: replies,
    });
    const bytes = Uint8Array.from("a b\nc\n", (c) => c.charCodeAt(0));
    expect(decodeAll(batch, bytes)).toEqual(["a", "b", "c"]);
    const fast: Protocol<string> = {
      ...commands,
      decodeText: (text, start, end) => text.slice(start, end),
      encodeText: (value) => `${value}\n`,
    };
    const texts = duplex({ read: fast, write: fast });
    expect([texts.decodeText?.("abc", 1, 2), texts.encodeText?.("a")]).toEqual(["b", "a\n"]);
    expect(server.decodeText).toBeUndefined();
  });

  it("asks each of them for an object per connection, and one that is both only once", () => {
    let made = 0;
    const counting = (): Protocol<string> => ({
      ...commands,
      perConnection() {
        let count = 0;
        made++;
        return { ...commands, encode: (v, out) => void out.utf8(`${++count} ${v}\n`) };
      },
    });
    const stateful = counting();
    const sink = { boundary: "stream", write: () => true } as never;
    const both = new Connection(duplex({ read: stateful, write: stateful }), sink);
    expect("perConnection" in both.protocol).toBe(false);
    expect(made).toBe(1);
    new Connection(duplex({ read: stateful, write: counting() }), sink);
    expect(made).toBe(3);
    new Connection(duplex({ read: replies, write: counting() }), sink);
    expect(made).toBe(4);
    expect(encodeFrame(duplex({ read: commands, write: stateful }), "a").length).toBe(4);
  });
});

describe("duplex of message protocols and codecs", () => {
  it("joins two message protocols", () => {
    const read = perMessage({ maxFrame: 5 }).wrap(utf8());
    const write = perMessage().wrap(json<number>());
    const both = duplex({ read, write });
    expectTypeOf(both).toEqualTypeOf<MessageProtocol<number, string>>();
    expect([both.name, both.maxFrame, both.maxSend, "measure" in both]).toEqual([
      ...["message", 5, write.maxFrame, false],
    ]);
    expect(decodeFrame(both, encodeFrame(both, 42))).toBe("42");
  });

  it("joins two codecs, to be wrapped in a framing", () => {
    const codec = duplex({ read: utf8(), write: json<number>() });
    expectTypeOf(codec).toEqualTypeOf<Codec<number, string>>();
    const protocol = lines().wrap(codec);
    expect(decodeFrame(protocol, encodeFrame(protocol, 42))).toBe("42");
    expect("maxFrame" in codec).toBe(false);
  });

  it("refuses two of different kinds, and other values", () => {
    const mixed = (read: unknown, write: unknown) =>
      String(thrownBy(() => duplex({ read, write } as never)));
    expect(mixed(commands, perMessage().wrap(raw()))).toContain(
      "read is a protocol and write a message protocol",
    );
    expect(mixed(raw(), commands)).toContain("read is a codec and write a protocol");
    expect(mixed(lines(), commands)).toContain("read is not a codec or protocol");
    expect(mixed(commands, undefined)).toContain("write is not a codec or protocol");
    expect(String(thrownBy(() => duplex({ reads: raw(), write: raw() } as never)))).toContain(
      'no option "reads"',
    );
    // @ts-expect-error a stream protocol and a codec
    const unchecked = () => duplex({ read: commands, write: raw() });
    expect(unchecked).toThrow(TypeError);
    // @ts-expect-error a protocol for streams and one for messages
    const alsoUnchecked = () => duplex({ read: commands, write: perMessage().wrap(raw()) });
    expect(alsoUnchecked).toThrow(TypeError);
    expect(defineProtocol({ ...duplex({ read: commands, write: replies }) }).name).toBeDefined();
  });
});

describe("the ways for text of a duplex", () => {
  function run(protocol: Protocol<unknown>): { read: unknown[]; written: string } {
    const read: unknown[] = [];
    let written = "";
    const take = (text: string): boolean => {
      written += text;
      return true;
    };
    const sink: Sink = {
      boundary: "stream",
      write: (bytes) => take(decodeUtf8(bytes)),
      writeText: (text) => take(text),
      pause() {},
      resume() {},
      close() {},
      abort() {},
    };
    const connection = new Connection<unknown>(protocol, sink, {
      message: (connection, value) => {
        read.push(value);
        connection.send(value);
      },
    });
    connection.opened();
    connection.received(new TextEncoder().encode('"a"\n"b"\n"c"\n"d"\n'));
    return { read, written };
  }

  it("are not those that a spread protocol has replaced", () => {
    const plain = lines().wrap(json());
    const loud: Protocol<unknown> = {
      ...plain,
      decode: (bytes, start, end) => `${plain.decode(bytes, start, end)}!`,
      encode: (value, out) => plain.encode(`${value}?`, out),
    };
    expect(run(duplex({ read: loud, write: plain }))).toEqual({
      read: ["a!", "b!", "c!", "d!"],
      written: '"a!"\n"b!"\n"c!"\n"d!"\n',
    });
    expect(run(duplex({ read: plain, write: loud }))).toEqual({
      read: ["a", "b", "c", "d"],
      written: '"a?"\n"b?"\n"c?"\n"d?"\n',
    });
  });

  it("are checked like those of the codec, if that is not ours", () => {
    const careless: Codec<unknown> = {
      ...json(),
      encode: (value, out) => json().encode(value, out),
      encodeText: (value) => `${JSON.stringify(value)}\n`,
    };
    const joined = duplex<unknown, unknown>({ read: json(), write: careless });
    expect(run(lines().wrap(joined)).written).toBe('"a"\n"b"\n"c"\n"d"\n');
  });

  it("report a frame that is too long as its reader does", () => {
    const both = duplex({ read: goim({ maxFrame: 64 }), write: goim() });
    expect(both.tooLong?.(99, 64)).toBe(goim({ maxFrame: 64 }).tooLong?.(99, 64));
  });
});
