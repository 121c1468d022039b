import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { decodeFrame, encodeFrame, Output, ProtocolError } from "../../../../src/core/index.ts";
import { lengthPrefixed } from "../../../../src/framing/index.ts";
import {
  load,
  pack,
  parse,
  precompiled,
  type Sproto,
  unpack,
} from "../../../../src/protocols/sproto/index.ts";
import { errorOf } from "../../../support/chunks.ts";
import { bytesOf, hexOf } from "../../../support/hex.ts";

const text = `
  .T {
    i 0 : integer  f 1 : integer(2)  b 2 : boolean  s 3 : string  x 4 : binary  d 5 : double
    t 6 : T  li 7 : *integer  lb 8 : *boolean  ls 9 : *string  lx 10 : *binary  ld 11 : *double
    lt 12 : *T  lf 13 : *integer(1)  m 14 : *T(i)  p 15 : *P()  q 16 : *B()
  }
  .P { k 0 : integer  v 1 : string }
  .B { k 0 : boolean  v 1 : integer }
  .D { k 0 : double  v 1 : integer }
  .X { k 0 : binary  v 1 : integer }
  .Maps { d 0 : *D()  x 1 : *X()  s 2 : *S() }
  .S { k 0 : string  v 1 : integer }
  .Empty {}`;

describe.each(["interpreted", "compiled"] as const)("values, engine %s", (engine) => {
  const sproto = parse(text, { engine });
  const any = load(sproto.bundle(), { engine });

  it.each([
    [{ i: "5" }, "T.i is an integer, not a string"],
    [{ i: 2 ** 53 }, "T.i is an integer (beyond 2^53 a bigint), not the number 9007199254740992"],
    [{ i: 2n ** 63n }, "T.i is an integer of 64 bits, not the bigint 9223372036854775808"],
    [{ i: -(2n ** 63n) - 1n }, "T.i is an integer of 64 bits, not the bigint -9223372036854775809"],
    [{ i: null }, "T.i is an integer, not null"],
    [{ f: 1n }, "T.f is a number, not the bigint 1"],
    [{ f: Number.NaN }, "T.f is a number that fits 64 bits times 100, not the number NaN"],
    [
      { f: 2 ** 60 },
      "T.f is a number that fits 64 bits times 100, not the number 1152921504606847000",
    ],
    [{ b: 1 }, "T.b is a boolean, not the number 1"],
    [{ s: true }, "T.s is a string, not true"],
    [{ s: "a\ud800" }, "T.s: lone surrogate at index 1 of 2 has no UTF-8 form"],
    [{ s: `${"a".repeat(40)}\udc00` }, "T.s: lone surrogate at index 40 of 41 has no UTF-8 form"],
    [{ x: "abc" }, "T.x is a Uint8Array, not a string"],
    [{ x: [1] }, "T.x is a Uint8Array, not an array"],
    [{ d: 1n }, "T.d is a number, not the bigint 1"],
    [{ t: 5 }, "T.t is an object, not the number 5"],
    [{ t: null }, "T.t is an object, not null"],
    [{ t: [] }, "T is an object, not an array"],
    [{ t: new Map() }, "T is an object, not a Map"],
    [{ t: new Uint8Array(2) }, "T is an object, not a Uint8Array"],
    [{ s: {} }, "T.s is a string, not an object"],
    [{ li: "123" }, "T.li is an array or an iterable, not a string"],
    [{ li: [1, undefined] }, "T.li[1] is an integer, not undefined"],
    [{ li: [1, 2 ** 40, "x"] }, "T.li[2] is an integer, not a string"],
    [{ lf: [1, "x"] }, "T.lf[1] is a number, not a string"],
    [{ lb: [true, 0] }, "T.lb[1] is a boolean, not the number 0"],
    [{ ls: ["", 0] }, "T.ls[1] is a string, not the number 0"],
    [{ lx: [new Uint8Array(1), "a"] }, "T.lx[1] is a Uint8Array, not a string"],
    [{ ls: ["", "a\ud800"] }, "T.ls[1]: lone surrogate at index 1 of 2 has no UTF-8 form"],
    [{ ld: [0, "0"] }, "T.ld[1] is a number, not a string"],
    [{ lt: {} }, "T.lt is an array or an iterable, not an object"],
    [{ lt: [{}, undefined] }, "T.lt[1] is an object, not undefined"],
    [{ m: [{ i: 1 }, "x"] }, "T.m[1] is an object, not a string"],
    [{ m: [{ s: "no key" }] }, "T.m: element 0 lacks the field i, by which the map is keyed"],
    [{ m: 5 }, "T.m is a map, not the number 5"],
    [{ p: 5 }, "T.p is a map, not the number 5"],
    [{ p: [5] }, "T.p is a map or an iterable of pairs, not the number 5"],
    [{ p: [[1, undefined]] }, "T.p is a map whose entries have key and value, not undefined"],
    [{ p: { one: "1" } }, "P.k is an integer, not a string"],
    [{ i: Symbol("x") }, "T.i is an integer, not a symbol"],
  ])("refuses %o", (value, message) => {
    const error = errorOf(() => any.encode("T", value));
    expect(error.code).toBe("unencodable");
    expect(error.message).toBe(message);
    // Nothing of it remains for the next message.
    expect(hexOf(any.encode("T", { i: 1 }))).toBe("01000400");
  });

  it("accepts lists and maps in every form", () => {
    const same = (a: object, b: object): void => {
      expect(hexOf(any.encode("T", a))).toBe(hexOf(any.encode("T", b)));
    };
    same({ li: new Set([1, 2]) }, { li: [1, 2] });
    same({ ld: Float64Array.of(1.5) }, { ld: [1.5] });
    same({ li: [-0, 1n, 2n ** 40n] }, { li: [0, 1, 2 ** 40] });
    same({ i: -0 }, { i: 0 });
    same({ i: 5n }, { i: 5 });
    same(
      { p: { 1: "a", "-2": "b" } },
      {
        p: new Map([
          [1, "a"],
          [-2, "b"],
        ]),
      },
    );
    same(
      { q: { true: 1, false: 0 } },
      {
        q: [
          [true, 1],
          [false, 0],
        ],
      },
    );
    same({ m: { x: { i: 1 } } }, { m: [{ i: 1 }] });
    same({ m: [Object.create({ i: 1 })] }, { m: [{ i: 1 }] });
    const doubles = new Map([
      [0.5, 1],
      [Number.NaN, 2],
      [Infinity, 3],
    ]);
    const object = { "0.5": 1, NaN: 2, Infinity: 3 };
    expect(any.encode("Maps", { d: object })).toEqual(any.encode("Maps", { d: doubles }));
    expect(errorOf(() => any.encode("Maps", { d: { "1.0": 1 } })).message).toMatch(
      "D.k is a number",
    );
    expect(errorOf(() => any.encode("Maps", { d: { "": 1 } })).message).toMatch("D.k is a number");
    expect(errorOf(() => any.encode("T", { q: { yes: 1 } })).message).toMatch("B.k is a boolean");
  });

  it("writes integer(n) up to the limits of 64 bits", () => {
    const whole = parse(".T { f 0 : integer(0)  l 1 : *integer(0) }", { engine });
    const largest = 2 ** 63 - 1024;
    const value = { f: -(2 ** 63), l: [largest, -(2 ** 63)] };
    expect(whole.decode("T", whole.encode("T", value))).toEqual(value);
    for (const f of [2 ** 63, -(2 ** 63) - 2048]) {
      expect(errorOf(() => whole.encode("T", { f })).message).toMatch("fits 64 bits times 1");
    }
  });

  it("writes lists of wide numbers that exceed its memory", () => {
    const li = Array.from({ length: 5000 }, (_, i) => 2 ** 40 + i);
    const ld = li.map((i) => i / 7);
    const value = { li, ld, lf: li.map((i) => i + 0.5) };
    expect(sproto.decode("T", sproto.encode("T", value))).toEqual(value);
  });

  it("reads keys of objects exactly", () => {
    const far = parse(".T { m 0 : *P() } .P { k 0 : integer  v 1 : integer }", { engine });
    const m = { "-9007199254740993": 1, "9007199254740993": 2 };
    expect(far.decode("T", far.encode("T", { m })).m).toEqual(
      new Map([
        [-9007199254740993n, 1],
        [9007199254740993n, 2],
      ]),
    );
  });

  it("accepts pairs whose fields have names of inherited properties", () => {
    const odd = parse(
      `.T { a 0 : *A()  b 1 : *B() }
      .A { __proto__ 0 : string  constructor 1 : A }
      .B { valueOf 0 : integer  __proto__ 1 : *B() }`,
      { engine },
    );
    const value = {
      a: new Map([["x", { constructor: {} }]]),
      b: new Map([[1, new Map([[2, new Map()]])]]),
    };
    expect((odd as Sproto).decode("T", odd.encode("T", value as never))).toEqual(value);
  });

  it("reports truncated or oversized data, and reads nothing after it", () => {
    const refused = (hex: string, end?: number): string => {
      const bytes = bytesOf(hex);
      return errorOf(() => sproto.decodeFrom("T", bytes, 0, end ?? bytes.length)).message;
    };
    // The record is after the end, and would be a skip word.
    expect(refused("01000100", 2)).toBe("T: 1 records exceed the 0 bytes left");
    expect(refused("01000000010000", 7)).toBe("T: a length of 4 bytes is cut off after 3");
    expect(refused("0100000001000000", 7)).toBe("T: a length of 4 bytes is cut off after 3");
    expect(refused("02000900000009000000010203040506070809")).toBe("T.d: double of 9 bytes, not 8");
    expect(refused("02001500000009000000040102030405060708")).toBe(
      "T.ld: doubles of 4 bytes, not 8",
    );
  });

  it("does not use inherited properties as fields", () => {
    for (const name of Object.getOwnPropertyNames(Object.prototype)) {
      const odd: Sproto = parse(`.T { ${name} 0 : T } ` as string, { engine });
      expect([name, hexOf(odd.encode("T", {}))]).toEqual([name, "0000"]);
      const value = Object.defineProperty({}, name, { value: {}, enumerable: true });
      expect([name, Object.keys(odd.decode("T", odd.encode("T", value)))]).toEqual([name, [name]]);
    }
  });

  it("has room for a number after a value that filled its memory", () => {
    const filled = parse(
      ".T { l 0 : *boolean  i 1 : integer  d 2 : double  t 3 : T  j 4 : integer }",
      { engine },
    );
    // Some of these lengths end exactly at the end of a slab, wherever the message began in it.
    const all = Array<boolean>(16_400).fill(true);
    for (let length = 15_800; length < 16_400; length++) {
      const inner = { i: 70_000, d: 0.5 };
      const value = { l: all.slice(0, length), ...inner, t: inner, j: -2 };
      const { l, ...rest } = filled.decode("T", filled.encode("T", value));
      expect(l!.length).toBe(length);
      expect(rest).toEqual({ ...inner, t: inner, j: -2 });
    }
  });

  it("returns maps as objects without a prototype, with the option", () => {
    const objects = parse(text, { engine, maps: "object" });
    const bytes = sproto.encode("Maps", {
      s: new Map([
        ["__proto__", 1],
        ["constructor", 2],
      ]),
      x: [[Uint8Array.of(1), 3]],
    });
    const { s, x } = objects.decode("Maps", bytes);
    expect(Object.getPrototypeOf(s)).toBe(null);
    expect(Object.entries(s!)).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
    ]);
    // Bytes cannot be property names.
    expect(x).toEqual(new Map([[Uint8Array.of(1), 3]]));
    const bytesToo = parse(text, { engine, maps: "object", strings: "bytes" }).decode(
      "Maps",
      bytes,
    );
    expect(bytesToo.s).toBeInstanceOf(Map);
  });

  it("does not pollute prototypes, nor read from them", () => {
    const odd = parse(
      ".O { __proto__ 0 : integer  constructor 1 : string  toString 2 : O  a 3 : *O(__proto__) }",
      { engine },
    );
    expect(hexOf(odd.encode("O", {}))).toBe("0000");
    const value = JSON.parse('{"__proto__": 7, "constructor": "c", "toString": {"__proto__": 1}}');
    const back = odd.decode("O", odd.encode("O", { ...value, a: [value] }));
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(Object.keys(back)).toEqual(["__proto__", "constructor", "toString", "a"]);
    expect(JSON.stringify(back)).toBe(
      '{"__proto__":7,"constructor":"c","toString":{"__proto__":1},"a":{}}',
    );
    expect([...back.a!.keys()]).toEqual([7]);
    expect((Object.prototype as Record<string, unknown>)["7"]).toBeUndefined();
    const some = odd.decode("O", odd.encode("O", JSON.parse('{"__proto__": 7}')));
    expect(Object.keys(some)).toEqual(["__proto__"]);
    // An absent field is not there even if every object inherits such a property.
    const error = errorOf(() => (odd as Sproto).encode("O", { a: [{}] }));
    expect(error.message).toMatch("lacks the field __proto__");
    const noKey = "0200 0500 0000 06000000 02000000 0000".replaceAll(" ", "");
    expect(errorOf(() => odd.decode("O", bytesOf(noKey))).message).toMatch("without the field");
  });

  it("returns integers in the form of the option", () => {
    const value = { i: 2n ** 53n, li: [1, -(2n ** 60n)], t: { i: 3, li: [4] } };
    const bytes = sproto.encode("T", value);
    expect(sproto.decode("T", bytes)).toEqual(value);
    const big = parse(text, { engine, int64: "bigint" });
    expect(big.decode("T", bytes)).toEqual({
      i: 2n ** 53n,
      li: [1n, -(2n ** 60n)],
      t: { i: 3n, li: [4n] },
    });
    const number = parse(text, { engine, int64: "number" });
    const error = errorOf(() => number.decode("T", bytes));
    expect(error.code).toBe("malformed");
    expect(error.message).toBe("T.i: integer 9007199254740992 is beyond the safe integers");
    expect(number.decode("T", sproto.encode("T", { i: 2 ** 40, f: -1.5 }))).toEqual({
      i: 2 ** 40,
      f: -1.5,
    });
  });

  it("returns strings that are not UTF-8 as bytes, with the option", () => {
    const bytes = bytesOf("0200050000000200000041ff");
    const error = errorOf(() => sproto.decode("T", bytes));
    expect(error.message).toBe("T.s: byte 0xff does not continue as UTF-8");
    expect(error.offset).toBe(11);
    const raw = parse(text, { engine, strings: "bytes" });
    expect(raw.decode("T", bytes).s).toEqual(Uint8Array.of(0x41, 0xff));
    expect(hexOf(raw.encode("T", { s: Uint8Array.of(0x41, 0xff) }))).toBe(hexOf(bytes));
    expect(raw.encode("T", { s: "é", ls: ["a"] })).toEqual(
      sproto.encode("T", { s: "é", ls: ["a"] }),
    );
    const long = sproto.encode("T", { s: "x".repeat(30) });
    long[long.length - 1] = 0xff;
    expect(errorOf(() => sproto.decode("T", long)).offset).toBe(long.length - 1);
  });

  it("returns bytes as views of the input, or copies", () => {
    const bytes = sproto.encode("T", { x: Uint8Array.of(1, 2, 3), lx: [Uint8Array.of(4)] });
    const { x, lx } = sproto.decode("T", bytes);
    expect(x!.buffer).toBe(bytes.buffer);
    expect(lx![0]!.buffer).toBe(bytes.buffer);
    const copies = parse(text, { engine, copy: true });
    const copied = copies.decode("T", bytes);
    const unpacked = copies.pdecode("T", pack(bytes));
    bytes.fill(0);
    expect(copied).toEqual({ x: Uint8Array.of(1, 2, 3), lx: [Uint8Array.of(4)] });
    expect(unpacked).toEqual(copied);
    expect(x).toEqual(new Uint8Array(3));
  });

  it("copies bytes of a Buffer, whose slices are views", () => {
    const copies = parse(text, { engine, copy: true });
    const buffer = Buffer.from(copies.encode("T", { x: Uint8Array.of(1, 2, 3) }));
    const { x } = copies.type("T").decode(buffer, 0, buffer.length);
    buffer.fill(0);
    expect(x).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("accepts bytes of another realm, as from test runners and frames", () => {
    const bytes = runInNewContext("Uint8Array.of(1, 2)") as Uint8Array;
    expect(bytes).not.toBeInstanceOf(Uint8Array);
    const loose = parse(text, { engine, strings: "bytes" });
    const value = { s: bytes, x: bytes, ls: [bytes], lx: [bytes] };
    const own = Uint8Array.of(1, 2);
    expect(loose.decode("T", loose.encode("T", value))).toEqual({
      s: own,
      x: own,
      ls: [own],
      lx: [own],
    });
  });

  it("reads nothing outside the given bytes", () => {
    const all = sproto.encode("T", { x: Uint8Array.of(1, 2, 3) });
    const part = all.subarray(0, all.length - 1);
    for (const [start, end] of [
      [0, all.length],
      [-1, 3],
      [3, 2],
      [0, Number.NaN],
      [0.5, 4],
    ] as const) {
      expect(() => sproto.decodeFrom("T", part, start, end)).toThrow(RangeError);
    }
    expect(() => sproto.decodeFrom("T", part, 0, 99)).toThrow(
      `[0, 99) is not a range of ${part.length} bytes`,
    );
    expect(() => sproto.decodeFrom("T", part, part.length)).toThrow(ProtocolError);
  });

  it("keeps unpacked bytes unchanged while other messages are read", () => {
    const packed = [1, 2].map((one) => sproto.pencode("T", { x: Uint8Array.of(one, one) }));
    const kept = Array.from({ length: 3000 }, (_, i) => sproto.pdecode("T", packed[i & 1]!).x!);
    sproto.encode("T", { s: "y".repeat(50) });
    expect(kept.every((x, i) => x.join() === packed[i & 1]!.slice(-2).join())).toBe(true);
    const frames = Array.from({ length: 3000 }, (_, i) => sproto.encode("T", { i }));
    expect(frames.every((bytes, i) => sproto.decode("T", bytes).i === i)).toBe(true);
  });

  it("accepts a Buffer, and bytes in the middle of others", () => {
    const bytes = sproto.encode("T", { i: 7, x: Uint8Array.of(1) });
    const buffer = Buffer.concat([Buffer.from("xx"), bytes, Buffer.from("yyy")]);
    const { value, consumed } = sproto.decodeFrom("T", buffer, 2, buffer.length);
    expect(value).toEqual({ i: 7, x: Uint8Array.of(1) });
    expect(value.x!.constructor).toBe(Uint8Array);
    expect(consumed).toBe(bytes.length);
    expect(sproto.decodeFrom("T", bytes).consumed).toBe(bytes.length);
  });

  it("writes messages while another is being written", () => {
    const inner = { i: 70000, s: "inner" };
    const value = {
      i: 1,
      get s() {
        return hexOf(sproto.encode("T", inner));
      },
      get t() {
        return { x: sproto.pencode("T", inner) };
      },
    };
    const back = sproto.decode("T", sproto.encode("T", value));
    expect(back.s).toBe(hexOf(sproto.encode("T", inner)));
    expect(sproto.pdecode("T", back.t!.x!)).toEqual(inner);
  });

  it("limits the depth, both ways", () => {
    const nested = (levels: number): object => {
      let value: object = { i: 1 };
      for (let i = 1; i < levels; i++) value = { t: value };
      return value;
    };
    const deep = parse(text, { engine, maxDepth: 1000 });
    for (const [limit, at] of [
      [sproto, 64],
      [parse(text, { engine, maxDepth: 3 }), 3],
    ] as const) {
      const bytes = limit.encode("T", nested(at));
      expect(limit.decode("T", bytes)).toEqual(nested(at));
      const error = errorOf(() => limit.encode("T", nested(at + 1)));
      expect(error.message).toBe(`T: nesting exceeds maxDepth ${at}`);
      const tooDeep = errorOf(() => limit.decode("T", deep.encode("T", nested(at + 1))));
      expect(tooDeep).toMatchObject({ code: "too-long", message: error.message });
    }
    const cycle: { t?: object } = {};
    cycle.t = cycle;
    expect(errorOf(() => sproto.encode("T", cycle)).code).toBe("unencodable");
    expect(deep.decode("T", deep.encode("T", nested(1000)))).toEqual(nested(1000));
  });

  it("limits the size, both ways", () => {
    const small = parse(text, { engine, maxSize: 100 });
    expect(small.encode("T", { s: "x".repeat(90) }).length).toBe(100);
    const error = errorOf(() => small.encode("T", { s: "x".repeat(91) }));
    expect(error).toMatchObject({
      code: "unencodable",
      message: "message of 101 bytes exceeds maxSize 100",
    });
    // It is not written to the end first.
    const huge = { lt: Array.from({ length: 100_000 }, () => ({ s: "x".repeat(100) })) };
    expect(errorOf(() => small.encode("T", huge)).message).toMatch(/^message of \d{4,6} bytes/);
    const bytes = sproto.encode("T", { s: "x".repeat(91) });
    expect(errorOf(() => small.decode("T", bytes))).toMatchObject({
      code: "too-long",
      message: "message of 101 bytes exceeds maxSize 100",
    });
    expect(
      errorOf(() => small.pdecode("T", sproto.pencode("T", { x: new Uint8Array(93) }))),
    ).toMatchObject({ code: "too-long", message: "unpacked 104 bytes exceed maxSize 100" });
    // Bytes without zeros grow when packed.
    const larger = parse(text, { engine, maxSize: 8200 });
    const full = new Uint8Array(8190).fill(1);
    expect(larger.encode("T", { x: full }).length).toBe(8200);
    expect(errorOf(() => larger.pencode("T", { x: full }))).toMatchObject({
      code: "unencodable",
      message: "packed 8204 bytes exceed maxSize 8200",
    });
  });

  it("packs nothing that could not be unpacked again", () => {
    const small = parse(".T { s 0 : string }", { engine, maxSize: 20 });
    const fits = { s: "x".repeat(8) };
    expect(small.pdecode("T", small.pencode("T", fits))).toEqual(fits);
    expect(small.encode("T", { s: "x".repeat(12) }).length).toBe(20);
    expect(errorOf(() => small.pencode("T", { s: "x".repeat(12) }))).toMatchObject({
      code: "unencodable",
      message: "message of 20 bytes, padded to 24, exceeds maxSize 20",
    });
  });

  it("reports the offset of an error in the given bytes", () => {
    const error = errorOf(() => sproto.decodeFrom("T", bytesOf("ffff01000000020000000102"), 2, 12));
    expect(error).toMatchObject({
      code: "malformed",
      message: "T.i: integer of 2 bytes, neither 4 nor 8",
      offset: 10,
    });
    const packed = errorOf(() => sproto.pdecode("T", pack(bytesOf("01000000020000000102"))));
    expect(packed).toMatchObject({ code: "malformed", offset: undefined });
    expect(packed.cause).toBeInstanceOf(ProtocolError);
  });

  it("is a codec that requires the exact bytes", () => {
    const framed = lengthPrefixed({ width: 2 }).wrap(sproto.type("T"));
    const frame = encodeFrame(framed, { i: 1, s: "x" });
    expect(decodeFrame(framed, frame)).toEqual({ i: 1, s: "x" });
    const longer = Uint8Array.of(0, frame.length - 1, ...frame.subarray(2), 0);
    expect(errorOf(() => decodeFrame(framed, longer)).message).toBe("T: 1 bytes after the message");
    const out = new Output();
    out.utf8("before");
    expect(() => sproto.type("T").encode({ i: 0.5 }, out)).toThrow("T.i is an integer");
    expect(out.length).toBe(6);
    expect(Object.isFrozen(sproto.type("T"))).toBe(true);
  });

  it("returns the empty value of each field", () => {
    expect(sproto.default("T")).toEqual({
      i: 0,
      f: 0,
      b: false,
      s: "",
      x: new Uint8Array(0),
      d: 0,
      t: {},
      li: [],
      lb: [],
      ls: [],
      lx: [],
      ld: [],
      lt: [],
      lf: [],
      m: new Map(),
      p: new Map(),
      q: new Map(),
    });
    expect(sproto.decode("T", sproto.encode("T", sproto.default("T")))).toEqual(
      sproto.default("T"),
    );
    const other = parse(text, { engine, int64: "bigint", maps: "object", strings: "bytes" });
    expect(other.default("T")).toMatchObject({ i: 0n, f: 0, p: {}, s: new Uint8Array(0) });
  });

  it("has no types but its own", () => {
    for (const run of [
      () => any.encode("Nope", {}),
      () => any.decode("toString", new Uint8Array(2)),
      () => any.type("__proto__"),
      () => any.default("Nope"),
    ]) {
      expect(run).toThrow(TypeError);
    }
    expect(hexOf(any.encode("Empty", {}))).toBe("0000");
    expect(errorOf(() => any.encode("Empty", 5)).message).toBe(
      "Empty is an object, not the number 5",
    );
    expect(errorOf(() => any.encode("Empty", [])).code).toBe("unencodable");
  });

  it("takes linear time for large values", () => {
    const list = Array.from({ length: 200_000 }, (_, i) => i);
    const value = { li: list, ls: list.map(String), q: [[true, 1]] as [boolean, number][] };
    const bytes = sproto.encode("T", value);
    expect(sproto.decode("T", bytes).ls!.length).toBe(200_000);
    const pairs = new Map(list.map((i) => [i, "x"]));
    expect(sproto.decode("T", sproto.encode("T", { p: pairs })).p!.size).toBe(200_000);
    // 65535 skip words and unknown fields.
    const records = new Uint8Array(2 + 2 * 65535);
    records.fill(3);
    records.set([0xff, 0xff]);
    expect(sproto.decode("T", records)).toEqual({});
  });
});

describe("engines", () => {
  const CODE = Function;
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("work without generated code if it is forbidden", () => {
    class Forbidden {
      constructor() {
        throw new EvalError("unsafe-eval is not an allowed source of script");
      }
    }
    vi.stubGlobal("Function", Forbidden);
    const auto = parse(text);
    expect(hexOf(auto.encode("T", { i: 1 }))).toBe("01000400");
    expect(() => parse(text, { engine: "compiled" }).encode("T", {})).toThrow(EvalError);
    expect(hexOf(parse(text, { engine: "interpreted" }).encode("T", { i: 1 }))).toBe("01000400");
  });

  it("generate code in browsers only on request", () => {
    const attempts: string[] = [];
    const { Function: real } = globalThis;
    vi.stubGlobal("Function", function counted(...args: string[]) {
      attempts.push(args.join());
      return real(...args);
    });
    vi.stubGlobal("document", {});
    expect(hexOf(parse(text).encode("T", { i: 1 }))).toBe("01000400");
    expect(attempts).toEqual([]);
    expect(hexOf(parse(text, { engine: "compiled" }).encode("T", { i: 1 }))).toBe("01000400");
    expect(attempts.length).toBe(1);
    vi.stubGlobal("document", undefined);
    vi.stubGlobal("WorkerGlobalScope", class {});
    parse(text).encode("T", { i: 1 });
    expect(attempts.length).toBe(2);
    vi.stubGlobal("process", undefined);
    parse(text).encode("T", { i: 1 });
    expect(attempts.length).toBe(2);
  });

  it("generate code only when needed, and never for precompiled schemas", () => {
    let made = 0;
    class Counted extends CODE {
      constructor(...args: string[]) {
        super(...args);
        made++;
      }
    }
    vi.stubGlobal("Function", Counted);
    const sproto = parse(text);
    sproto.bundle();
    sproto.protocol("x");
    expect(made).toBe(0);
    sproto.encode("T", {});
    sproto.decode("T", new Uint8Array(2));
    expect(made).toBe(1);
    const code = (): never => {
      throw new Error("called");
    };
    const bundle = hexOf(sproto.bundle());
    const ahead = precompiled({ version: 1, bundle, code });
    expect(() => ahead.encode("T", {})).toThrow("called");
    const slow = precompiled({ version: 1, bundle, code }, { engine: "interpreted" });
    expect(hexOf(slow.encode("T", { i: 1 }))).toBe("01000400");
    expect(made).toBe(1);
    expect(() => precompiled({ version: 0, bundle, code })).toThrow(
      /run "framewright sproto" again/,
    );
  });

  it("treat names of a bundle as data, never as code", () => {
    const hostile = '"];globalThis.hacked=1;//\u2028';
    const renamed = (bytes: Uint8Array): Uint8Array => {
      const name = new TextEncoder().encode(hostile);
      const a = name.length;
      // group, type, name "A", fields, field: name.
      const field = [5, 0, 0, 0, 2, 0, 1, 0, 2, 0, 4, 0].slice(0, 2);
      expect(bytes.length).toBeGreaterThan(0);
      const records = [4, 0, 0, 0, 2, 0, 1, 0, 2, 0, a, 0, 0, 0, ...name];
      expect(field.length).toBe(2);
      const fields = [records.length, 0, 0, 0, ...records];
      const type = [2, 0, 0, 0, 0, 0, a, 0, 0, 0, ...name, fields.length, 0, 0, 0, ...fields];
      const types = [type.length, 0, 0, 0, ...type];
      return Uint8Array.of(1, 0, 0, 0, types.length, 0, 0, 0, ...types);
    };
    const sproto = load(renamed(new Uint8Array(1)), { engine: "compiled" });
    const bytes = sproto.encode(hostile, { [hostile]: 5 });
    expect(sproto.decode(hostile, bytes)).toEqual({ [hostile]: 5 });
    expect("hacked" in globalThis).toBe(false);
  });
});

describe("options", () => {
  it.each([
    [{ engine: "fast" }, "engine must be one of"],
    [{ int64: "string" }, "int64 must be one of"],
    [{ maps: "list" }, "maps must be one of"],
    [{ strings: "latin1" }, "strings must be one of"],
    [{ maxDepth: 0 }, "maxDepth must be an integer from 1"],
    [{ maxDepth: 1001 }, "maxDepth must be an integer from 1 to 1000"],
    [{ maxSize: 1.5 }, "maxSize must be an integer"],
  ])("%o", (options, message) => {
    expect(() => parse(".A {}", options as object)).toThrow(RangeError);
    expect(() => parse(".A {}", options as object)).toThrow(message);
  });

  it("are kept in the schema", () => {
    const { settings } = parse(".A {}", { int64: "bigint" });
    expect(settings).toMatchObject({ int64: "bigint", maxDepth: 64, maxSize: 2 ** 24 });
    expect(Object.isFrozen(parse(".A {}"))).toBe(true);
  });
});

describe("packing", () => {
  it("is limited in size", () => {
    expect(pack(new Uint8Array(80), { maxSize: 10 }).length).toBe(10);
    expect(errorOf(() => pack(new Uint8Array(81), { maxSize: 10 }))).toMatchObject({
      code: "unencodable",
      message: "packed 11 bytes exceed maxSize 10",
    });
    expect(unpack(new Uint8Array(10), { maxSize: 80 }).length).toBe(80);
    expect(errorOf(() => unpack(new Uint8Array(11), { maxSize: 80 }))).toMatchObject({
      code: "too-long",
      message: "unpacked 88 bytes exceed maxSize 80",
    });
    // 2 MiB of zeros unpack to 16 MiB; one byte more is not unpacked at all.
    expect(unpack(new Uint8Array(2 ** 21)).length).toBe(2 ** 24);
    expect(errorOf(() => unpack(new Uint8Array(2 ** 21 + 1))).code).toBe("too-long");
  });

  it("reports truncated words", () => {
    expect(errorOf(() => unpack(bytesOf("0000ff0001")))).toMatchObject({
      message: "packed word of 10 bytes is cut off after 3",
      offset: 2,
    });
  });

  it("returns memory that is never written again", () => {
    const first = unpack(bytesOf("0101"));
    const packed = pack(bytesOf("01"));
    for (let i = 0; i < 5000; i++) unpack(bytesOf("ff00ffffffffffffffff"));
    expect(hexOf(first)).toBe("0100000000000000");
    expect(hexOf(packed)).toBe("0101");
  });
});
