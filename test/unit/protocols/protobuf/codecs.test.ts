import { runInNewContext } from "node:vm";
import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { sizeDelimitedEncode, sizeDelimitedPeek } from "@bufbuild/protobuf/wire";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import protobuf from "protobufjs";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  type Codec,
  decodeAll,
  decodeFrame,
  encodeAll,
  encodeFrame,
  lengthPrefixed,
  type Protocol,
  perMessage,
  varintPrefixed,
} from "../../../../src/index.ts";
import { bufbuild, messageCodec, protobufjs } from "../../../../src/protocols/protobuf/index.ts";
import { bytesOf } from "../../../support/hex.ts";
import { errorOf, schemaOf, typeOf } from "./samples.ts";

interface Login {
  readonly account: string;
  readonly password?: string;
}

const message = { account: "alice", password: "pw" };
const bytes = bytesOf("12 05 616c696365 1a 02 7077");

const js = protobufjs<Login>(typeOf("LoginReq"));
const es = bufbuild(schemaOf("LoginReq"), { toBinary, fromBinary });
const esMessage = create(schemaOf("LoginReq"), message);

/** The same codec in different framings of a protobuf stream. */
const framings: [string, string, (codec: Codec<Login>) => Protocol<Login>][] = [
  ["varint", "0b", (codec) => varintPrefixed().wrap(codec)],
  ["u16 be", "000b", (codec) => lengthPrefixed({ width: 2 }).wrap(codec)],
  ["u16 le", "0b00", (codec) => lengthPrefixed({ width: 2, endian: "le" }).wrap(codec)],
  ["u32 be", "0000000b", (codec) => lengthPrefixed({ width: 4 }).wrap(codec)],
  ["u32 le", "0b000000", (codec) => lengthPrefixed({ width: 4, endian: "le" }).wrap(codec)],
];

describe.each<[string, Codec<Login>, Login]>([
  ["protobufjs", js, message],
  ["bufbuild", es as unknown as Codec<Login>, esMessage as unknown as Login],
])("%s", (_, codec, value) => {
  it.each(framings)("works in frames of %s", (_name, prefix, wrap) => {
    const protocol = wrap(codec);
    const frame = encodeFrame(protocol, value);
    expect(frame).toEqual(Uint8Array.of(...bytesOf(prefix), ...bytes));
    expect(decodeFrame(protocol, frame)).toMatchObject(message);
    const twice = encodeAll(protocol, [value, value]);
    expect(decodeAll(protocol, twice)).toHaveLength(2);
    for (let end = 0; end < frame.length; end++) {
      const error = errorOf(() => decodeFrame(protocol, frame.subarray(0, end)));
      expect(error).toMatchObject({ code: "truncated" });
    }
  });

  it("works without a frame if the transport preserves message boundaries", () => {
    const protocol = perMessage().wrap(codec);
    expect(encodeFrame(protocol, value)).toEqual(bytes);
    expect(decodeFrame(protocol, bytes)).toMatchObject(message);
  });

  it("reads an empty frame as a message of defaults", () => {
    expect(decodeFrame(varintPrefixed().wrap(codec), bytesOf("00")).account).toBe("");
  });

  it("reads a message between other bytes", () => {
    const shifted = Uint8Array.of(0xff, ...bytes, 0xff);
    expect(codec.decode(shifted, 1, shifted.length - 1)).toMatchObject(message);
  });

  it.each<[string, string, number]>([
    ["is truncated", "12 05 616c", 1],
    ["has field number 0", "1200 00 01", 2],
    ["has wire type 7", "1200 1200 27", 4],
    ["has a text that is not UTF-8", "1202 c328", 0],
  ])("reports a message that %s, with its offset in the stream", (_name, text, at) => {
    const broken = bytesOf(text);
    const stream = Uint8Array.of(0, broken.length, ...broken);
    const error = errorOf(() => decodeAll(lengthPrefixed({ width: 2 }).wrap(codec), stream));
    expect(error).toMatchObject({ name: "ProtocolError", code: "malformed", offset: 2 + at });
    expect((error as Error).message).toMatch(
      `samples.LoginReq of ${broken.length} bytes cannot be decoded: `,
    );
    expect((error as Error).cause).toBeInstanceOf(Error);
  });

  it("writes nothing for a message that the library refuses", () => {
    const wrong = { account: 5 } as unknown as Login;
    const error = errorOf(() => encodeFrame(varintPrefixed().wrap(codec), wrong));
    expect(error).toMatchObject({ name: "ProtocolError", code: "unencodable" });
  });

  it("keeps decoded messages independent of later data", () => {
    const seen = bytes.slice();
    const decoded = codec.decode(seen, 0, seen.length);
    seen.fill(0);
    expect(decoded.account).toBe("alice");
  });
});

describe("the varint framing", () => {
  // field 2 of { account: "hi" }
  it("matches writeDelimitedTo of both libraries", () => {
    const protocol = varintPrefixed().wrap(js);
    const frame = encodeFrame(protocol, { account: "hi" });
    expect(frame).toEqual(bytesOf("04 12026869"));
    const type = typeOf("LoginReq");
    expect(Uint8Array.from(type.encodeDelimited({ account: "hi" }).finish())).toEqual(frame);
    expect(type.decodeDelimited(frame)).toMatchObject({ account: "hi" });
    const schema = schemaOf("LoginReq");
    expect(sizeDelimitedEncode(schema, create(schema, { account: "hi" }))).toEqual(frame);
    expect(sizeDelimitedPeek(frame)).toMatchObject({ eof: false, size: 4, offset: 1 });
  });

  it("reads a message of 300 bytes of either library", () => {
    const account = "x".repeat(300);
    const frame = Uint8Array.from(typeOf("LoginReq").encodeDelimited({ account }).finish());
    expect(frame.subarray(0, 2)).toEqual(bytesOf("af02"));
    expect(decodeFrame(varintPrefixed().wrap(es), frame)).toMatchObject({ account });
  });
});

describe("protobufjs", () => {
  const everything = protobufjs(typeOf("Everything"));
  const lists = protobufjs(typeOf("Lists"));
  const write = (codec: Codec<Record<string, unknown>>, value: Record<string, unknown>) =>
    encodeFrame(perMessage().wrap(codec), value);

  it.each<[string, Record<string, unknown>]>([
    ["int32", { int32: 2 ** 31 }],
    ["int32", { int32: -(2 ** 31) - 1 }],
    ["sint32", { sint32: 2 ** 31 }],
    ["sfixed32", { sfixed32: 2 ** 31 }],
    ["uint32", { uint32: 2 ** 32 }],
    ["uint32", { uint32: -1 }],
    ["fixed32", { fixed32: -1 }],
    ["int64", { int64: 2 ** 53 }],
    ["uint64", { uint64: -1 }],
    ["fixed64", { fixed64: -1 }],
    ["sfixed64", { sfixed64: -(2 ** 60) }],
    ["string", { string: "a\ud800" }],
  ])("refuses a lossy %s (%j)", (type, value) => {
    const text = new RegExp(`: ${type} cannot hold `);
    expect(() => write(everything, value)).toThrow(text);
    expect(() => write(everything, { inner: { inner: value } })).toThrow(/^inner\.inner\./);
    expect(() => write(lists, { messages: [{}, value] })).toThrow(text);
    expect(() => write(lists, { byName: { x: value } })).toThrow(text);
    expect(errorOf(() => write(everything, value))).toMatchObject({ code: "unencodable" });
  });

  it.each<[Record<string, unknown>]>([
    [{ looseUint32: [1, 2 ** 32] }],
    [{ strings: ["", "\udc00"] }],
    [{ numbers: { 4294967296: 1 } }],
    [{ numbers: { 1: -1 } }],
    [{ byName: { "\ud800": {} } }],
  ])("refuses lossy elements, keys and values of maps (%#)", (value) => {
    expect(() => write(lists, value)).toThrow(/cannot hold/);
  });

  it("refuses values that are not the number, map or bytes of their field", () => {
    const { fromString } = protobuf.util.Long as unknown as {
      fromString(text: string, unsigned: boolean): object;
    };
    for (const [value, text] of [
      [{ uint64: fromString("-1", false) }, "uint64: uint64 cannot hold -1"],
      [
        { int64: fromString("18446744073709551615", true) },
        "int64 cannot hold 18446744073709551615",
      ],
      [{ bytes: [1, 256] }, "bytes: bytes cannot hold 256"],
      [{ bytes: [-1] }, "bytes: bytes cannot hold -1"],
      [{ float: -1e39 }, "float: float cannot hold -1e+39"],
    ] as const) {
      expect(() => write(everything, value)).toThrow(text);
    }
    expect(() => write(lists, { flags: { 18446744073709551616: true } })).toThrow(/fixed64 cannot/);
    expect(() => write(lists, { flags: { "-1": true } })).toThrow(/fixed64 cannot hold -1/);
    expect(() => write(lists, { numbers: new Map([[1, 2]]) })).toThrow(
      "numbers: map cannot hold a Map, only an object",
    );
    // A field reads unsigned bits in its own way; a non-negative value has no sign to lose.
    expect(
      write(everything, { uint64: fromString("5", false), int64: fromString("6", true) }),
    ).toEqual(bytesOf("2006 2805"));
    const max = { uint64: { low: -1, high: -1 }, bytes: [0, 255] };
    expect(write(everything, max)).toEqual(bytesOf("28ffffffffffffffffff01 7a0200ff"));
    expect(write(lists, { flags: { "18446744073709551615": true } }).length).toBe(13);
  });

  it("does not use inherited properties as fields", () => {
    const { root } = protobuf.parse(
      'syntax = "proto3"; message M { int32 constructor = 1; M valueOf = 2; map<string, M> toString = 3; }',
    );
    const odd = protobufjs<Record<string, unknown>>(root.lookupType("M"));
    expect(write(odd, {})).toEqual(bytesOf(""));
    expect(write(odd, { valueOf: { constructor: 5 } })).toEqual(bytesOf("12020805"));
    expect(() => write(odd, { constructor: 2 ** 31 })).toThrow("constructor: int32 cannot hold");
  });

  it("writes values that fit, to the last bit", () => {
    const { fromString } = protobuf.util.Long as unknown as {
      fromString(text: string, unsigned: boolean): object;
    };
    const value = {
      int32: -(2 ** 31),
      uint32: 2 ** 32 - 1,
      int64: Number.MIN_SAFE_INTEGER,
      uint64: fromString("18446744073709551615", true),
      sint64: fromString("-9223372036854775808", false),
      float: Number.NaN,
      string: "🧀",
      enum: 1,
      inner: {},
    };
    const written = write(everything, value);
    const decoded = everything.decode(written, 0, written.length);
    expect(decoded).toMatchObject({ int32: -(2 ** 31), uint32: 2 ** 32 - 1, string: "🧀" });
    expect(String(decoded.uint64)).toBe("18446744073709551615");
    expect(String(decoded.int64)).toBe("-9007199254740991");
    const maps = { numbers: { "-1": 5 }, flags: { 7: true }, byName: { a: {} }, strings: null };
    const read = lists.decode(write(lists, maps), 0, write(lists, maps).length);
    expect(JSON.parse(JSON.stringify(read))).toMatchObject({ numbers: { "-1": "5" } });
  });

  it("refuses what its own verify refuses, unless the check is off", () => {
    expect(() => write(everything, { string: 5 })).toThrow("string: string expected");
    const unchecked = protobufjs(typeOf("Everything"), { verify: false });
    expect(write(unchecked, { uint32: 2 ** 32 })).toEqual(bytesOf("1000"));
  });

  it("uses the option `name` for the message", () => {
    const codec = protobufjs(typeOf("LoginReq"), { name: "login" });
    expect(() => codec.decode(bytesOf("12"), 0, 1)).toThrow(/^login of 1 bytes/);
  });

  it("accepts a generated static class, with its type", () => {
    // As pbjs writes them: static functions without information about fields.
    const type = typeOf("LoginReq");
    class LoginReq {
      account = "";
      static encode(login: { account?: string }, writer?: protobuf.Writer): protobuf.Writer {
        return type.encode(login, writer);
      }
      static decode(reader: protobuf.Reader | Uint8Array, length?: number): LoginReq {
        return type.decode(reader, length) as unknown as LoginReq;
      }
      static verify(login: { [field: string]: unknown }): string | null {
        return type.verify(login);
      }
    }
    const codec = protobufjs(LoginReq);
    expectTypeOf(codec).toEqualTypeOf<Codec<{ account?: string }, LoginReq>>();
    const protocol = perMessage().wrap(codec);
    expect(encodeFrame(protocol, { account: "hi" })).toEqual(bytesOf("12026869"));
    expect(decodeFrame(protocol, bytesOf("12026869")).account).toBe("hi");
    expect(() => encodeFrame(protocol, { account: 5 } as never)).toThrow("string expected");
    // @ts-expect-error an account is a string
    expect(() => encodeFrame(protocol, { account: 5 })).toThrow();
    expect(() => decodeFrame(protocol, bytesOf("12"))).toThrow(/^message of 1 bytes/);
  });

  it("works without verify, as for code of ts-proto", () => {
    const codec = protobufjs({
      encode: (flag: boolean) => ({ finish: () => Uint8Array.of(8, Number(flag)) }),
      decode: (input: Uint8Array) => input[1] === 1,
    });
    expectTypeOf(codec).toEqualTypeOf<Codec<boolean>>();
    expect(encodeFrame(varintPrefixed().wrap(codec), true)).toEqual(bytesOf("02 0801"));
    expect(decodeFrame(varintPrefixed().wrap(codec), bytesOf("02 0801"))).toBe(true);
  });
});

describe("bufbuild", () => {
  it("takes the type of messages from their schema", () => {
    type Hello = Message<"hello"> & { name: string };
    const lib = { toBinary, fromBinary };
    expectTypeOf(bufbuild<GenMessage<Hello>>).returns.toEqualTypeOf<Codec<Hello>>();
    const texts = bufbuild(StringValueSchema, lib);
    const decoded = decodeFrame(perMessage().wrap(texts), bytesOf("0a026869"));
    expectTypeOf(decoded.value).toEqualTypeOf<string>();
    expect(decoded.value).toBe("hi");
    expectTypeOf(es.decode(bytes, 0, bytes.length)).toEqualTypeOf<{ readonly $typeName: string }>();
    // @ts-expect-error a number is not a string
    expect(() => encodeFrame(perMessage().wrap(texts), { value: 5 })).toThrow(/StringValue/);
  });

  it("refuses text that would be replaced, at any depth", () => {
    const everything = bufbuild(schemaOf("Everything"), { toBinary, fromBinary });
    const lists = bufbuild(schemaOf("Lists"), { toBinary, fromBinary });
    const write = (
      codec: typeof lists,
      schema: Parameters<typeof schemaOf>[0],
      init: Record<string, unknown>,
    ) => encodeFrame(perMessage().wrap(codec), create(schemaOf(schema), init));
    for (const [init, text] of [
      [{ strings: ["", "a\ud800"] }, "strings: string cannot hold a lone surrogate"],
      [{ byName: { "\udc00": {} } }, "byName: string cannot hold"],
    ] as const) {
      expect(() => write(lists, "Lists", init)).toThrow(text);
    }
    const inner = create(schemaOf("Everything"), { string: "\ud800" });
    expect(errorOf(() => write(everything, "Everything", { inner }))).toMatchObject({
      code: "unencodable",
      message: "inner.string: string cannot hold a lone surrogate",
    });
    const whole = { string: "\u{1f9c0}", bytes: Uint8Array.of(1) };
    expect(write(everything, "Everything", whole).length).toBe(9);
  });

  it("keeps unknown fields, and 64-bit integers exactly", () => {
    const codec = bufbuild(schemaOf("Everything"), { toBinary, fromBinary });
    const value = create(schemaOf("Everything"), { uint64: 2n ** 64n - 1n });
    const written = Uint8Array.of(
      ...encodeFrame(perMessage().wrap(codec), value),
      ...bytesOf("9a3f00"),
    );
    const decoded = decodeFrame(perMessage().wrap(codec), written);
    expect(decoded).toMatchObject({ uint64: 2n ** 64n - 1n });
    expect(encodeFrame(perMessage().wrap(codec), decoded)).toEqual(written);
  });
});

describe("messageCodec", () => {
  const fail = (): never => {
    // biome-ignore lint/style/useThrowOnlyError: third-party code may do that
    throw "no error at all";
  };
  const broken = messageCodec<number>({ encode: fail, decode: fail });

  it("reports any value that the functions throw", () => {
    const reading = errorOf(() => decodeFrame(varintPrefixed().wrap(broken), bytesOf("020801")));
    expect(reading).toMatchObject({ code: "malformed", offset: 1, cause: "no error at all" });
    expect((reading as Error).message).toBe(
      "message of 2 bytes cannot be decoded: no error at all",
    );
    const writing = errorOf(() => encodeFrame(varintPrefixed().wrap(broken), 1));
    expect(writing).toMatchObject({ code: "unencodable" });
  });

  it("accepts bytes as well as a writer", () => {
    const codec = messageCodec<Uint8Array>({ encode: (b) => b, decode: (b) => b });
    const protocol = varintPrefixed().wrap(codec);
    expect(encodeFrame(protocol, bytesOf("0801"))).toEqual(bytesOf("020801"));
    expect(decodeFrame(protocol, bytesOf("020801"))).toEqual(bytesOf("0801"));
    expect(Object.isFrozen(codec)).toBe(true);
  });

  it("accepts bytes of another realm", () => {
    const foreign = runInNewContext("Uint8Array.of(8, 1)") as Uint8Array;
    const codec = messageCodec<null>({ encode: () => foreign, decode: () => null });
    expect(encodeFrame(varintPrefixed().wrap(codec), null)).toEqual(bytesOf("020801"));
  });
});
