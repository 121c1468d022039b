import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, expectTypeOf, it } from "vitest";
import { peek } from "../../../../src/protocols/protobuf/index.ts";
import { bytesOf } from "../../../support/hex.ts";
import { errorOf, schemaOf, typeOf } from "./samples.ts";

// header { msg_type: "game.LoginReq", seq: 1 }, account: "alice", password: "pw"
const login = bytesOf("0a110a0d67616d652e4c6f67696e52657110011205616c6963651a027077");

const EVERYTHING = {
  int32: [1, "int32"],
  uint32: [2, "uint32"],
  sint32: [3, "sint32"],
  int64: [4, "int64"],
  uint64: [5, "uint64"],
  sint64: [6, "sint64"],
  bool: [7, "bool"],
  fixed32: [8, "fixed32"],
  sfixed32: [9, "sfixed32"],
  fixed64: [10, "fixed64"],
  sfixed64: [11, "sfixed64"],
  float: [12, "float"],
  double: [13, "double"],
  string: [14, "string"],
  bytes: [15, "bytes"],
  enum: [16, "enum"],
} as const;

describe("peek", () => {
  it("returns the raw value of a field by its number", () => {
    const { header, account, nothing } = peek(login, { header: 1, account: 2, nothing: 9 });
    expect(header).toEqual(login.subarray(2, 19));
    expect(account).toEqual(Uint8Array.from("alice", (c) => c.charCodeAt(0)));
    expect(nothing).toBeUndefined();
    expect(peek(header as Uint8Array, { seq: 2 }).seq).toBe(1);
    expect((header as Uint8Array).buffer).toBe(login.buffer);
  });

  it("returns raw values of every wire type, unsigned and exact", () => {
    const bytes = bytesOf("08ffffffffffffffffff01 11ffffffffffffffff 1dffffffff 220161 2b08012c");
    const found = peek(bytes, { a: 1, b: 2, c: 3, d: 4, e: 5 });
    expect(found).toEqual({
      a: 2n ** 64n - 1n,
      b: 2n ** 64n - 1n,
      c: 0xffffffff,
      d: bytesOf("61"),
      e: bytesOf("0801"),
    });
  });

  it.each([
    {
      int32: -1,
      uint32: 0xffffffff,
      sint32: -(2 ** 31),
      int64: -(2n ** 63n),
      uint64: 2n ** 64n - 1n,
      sint64: -(2n ** 63n),
      bool: true,
      fixed32: 0xffffffff,
      sfixed32: -1,
      fixed64: 2n ** 64n - 1n,
      sfixed64: -1n,
      float: 1.5,
      double: Math.PI,
      string: "käse 🧀",
      bytes: bytesOf("00ff"),
      enum: 1,
    },
    {
      int32: 2 ** 31 - 1,
      uint32: 1,
      sint32: 2 ** 31 - 1,
      int64: 2n ** 63n - 1n,
      uint64: 1n,
      sint64: 2n ** 63n - 1n,
      bool: true,
      fixed32: 1,
      sfixed32: 2 ** 31 - 1,
      fixed64: 1n,
      sfixed64: 2n ** 63n - 1n,
      float: -0.25,
      double: -Infinity,
      string: "a",
      bytes: bytesOf("61"),
      enum: -5,
    },
  ])("reads every scalar type as protobuf-es writes it (%#)", (values) => {
    const schema = schemaOf("Everything");
    const bytes = toBinary(schema, create(schema, values));
    expect(peek(bytes, EVERYTHING)).toEqual(values);
    // Inside another message, and at another offset.
    const inner = toBinary(schema, create(schema, { inner: create(schema, values) }));
    const shifted = Uint8Array.of(1, 2, 3, ...inner, 4);
    const found = peek(shifted, { inner: [17, EVERYTHING] }, 3, 3 + inner.length);
    expect(found.inner).toEqual(values);
  });

  it("reads repeated fields, packed and unpacked, as either library writes them", () => {
    const message = {
      packedUint32: [0, 1, 300, 0xffffffff],
      looseUint32: [5, 300],
      packedSint64: [],
      packedDouble: [0.5, -1],
      packedFixed32: [7, 0xffffffff],
      strings: ["", "x"],
      messages: [{ int32: 1 }, {}, { string: "s" }],
    };
    const shape = {
      packedUint32: [1, "uint32", "repeated"],
      looseUint32: [2, "uint32", "repeated"],
      packedSint64: [3, "sint64", "repeated"],
      packedDouble: [4, "double", "repeated"],
      packedFixed32: [5, "fixed32", "repeated"],
      strings: [6, "string", "repeated"],
      messages: [7, { int32: [1, "int32"], string: [14, "string"] }, "repeated"],
    } as const;
    const schema = schemaOf("Lists");
    const es = {
      ...message,
      messages: message.messages.map((one) => create(schemaOf("Everything"), one)),
    };
    const expected = {
      ...message,
      messages: message.messages.map((one) => ({ int32: undefined, string: undefined, ...one })),
    };
    expect(peek(toBinary(schema, create(schema, es)), shape)).toEqual(expected);
    expect(peek(typeOf("Lists").encode(message).finish(), shape)).toEqual(expected);
  });

  it("joins packed and unpacked elements of one field, in order", () => {
    const bytes = bytesOf("0801 0a020203 0804 0a00 0a0105");
    expect(peek(bytes, { n: [1, "uint32", "repeated"] }).n).toEqual([1, 2, 3, 4, 5]);
  });

  it("uses the last of several values, and merges messages", () => {
    expect(peek(bytesOf("0801 0802"), { n: 1, m: [1, "int32"] })).toEqual({ n: 2, m: 2 });
    const twice = bytesOf("0a03 0a0161 0a04 1007 1008");
    const shape = { header: [1, { type: [1, "string"], seq: [2, "uint32"] }] } as const;
    expect(peek(twice, shape)).toEqual({ header: { type: "a", seq: 8 } });
  });

  it("treats a field with another wire type as unknown", () => {
    const shape = { s: [1, "string"], m: [1, { x: 1 }], d: [1, "double"] } as const;
    expect(peek(bytesOf("0801"), shape)).toEqual({ s: undefined, m: undefined, d: undefined });
    expect(peek(bytesOf("0a0161"), { n: [1, "int32"] })).toEqual({ n: undefined });
    expect(peek(bytesOf("0d01020304"), { n: [1, "double", "repeated"] }).n).toEqual([]);
    // A repeated field that is LEN itself is never packed.
    expect(peek(bytesOf("0801 0a0161"), { s: [1, "string", "repeated"] }).s).toEqual(["a"]);
  });

  it("takes 32-bit integers modulo 2^32, as every decoder does", () => {
    const bytes = bytesOf("08ffffffffffffffffff01");
    expect(peek(bytes, { a: [1, "uint32"], b: [1, "int32"], c: [1, "sint32"] })).toEqual({
      a: 0xffffffff,
      b: -1,
      c: -(2 ** 31),
    });
    expect(peek(bytesOf("088080808010"), { b: [1, "bool"], n: [1, "uint32"] })).toEqual({
      b: true,
      n: 0,
    });
  });

  it("returns the same field under several names", () => {
    expect(peek(bytesOf("0a0161"), { text: [1, "string"], bytes: 1 })).toEqual({
      text: "a",
      bytes: bytesOf("61"),
    });
  });

  it.each<[string, string, number]>([
    ["the message is truncated after the chosen fields", "0801 1205 61", 3],
    ["text is not UTF-8", "0a02 61ff", 3],
    ["a nested message is truncated", "1a03 0a0561", 3],
    ["a packed varint is truncated", "2202 01ff", 3],
    ["packed doubles are truncated", "2a09 0102030405060708 09", 10],
    ["packed fixed32 are truncated", "3203 010203", 2],
  ])("fails if %s", (_, text, offset) => {
    const error = errorOf(() =>
      peek(bytesOf(text), {
        text: [1, "string"],
        message: [3, { x: [1, "string"] }],
        varints: [4, "uint32", "repeated"],
        doubles: [5, "double", "repeated"],
        fixed: [6, "fixed32", "repeated"],
      }),
    );
    expect(error).toMatchObject({ name: "ProtocolError", code: "malformed", offset });
  });

  it("fails for every truncated message, unless cut between fields", () => {
    const whole = new Set([0, 19, 26, 30]);
    for (let end = 0; end <= login.length; end++) {
      const run = () => peek(login, { account: [2, "string"] }, 0, end);
      if (whole.has(end)) expect(run().account).toBe(end >= 26 ? "alice" : undefined);
      else expect(errorOf(run)).toMatchObject({ code: "malformed" });
    }
  });

  it("has types for its results", () => {
    const found = peek(login, {
      raw: 1,
      header: [1, { type: [1, "string"], stamp: [4, "int64"] }],
      ids: [5, "uint32", "repeated"],
    });
    expectTypeOf(found.raw).toEqualTypeOf<Uint8Array | number | bigint | undefined>();
    expectTypeOf(found.header).toEqualTypeOf<
      { type: string | undefined; stamp: bigint | undefined } | undefined
    >();
    expectTypeOf(found.ids).toEqualTypeOf<number[]>();
    // @ts-expect-error no such type
    expect(() => peek(login, { header: [1, "text"] })).toThrow(TypeError);
  });
});
