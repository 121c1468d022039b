import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeFrame,
  encodeFrame,
  type Protocol,
  ProtocolError,
  perMessage,
} from "../../../../src/index.ts";
import { jsonInt, jsonNL, phpJson } from "../../../../src/protocols/workerman/index.ts";
import { readPhpJson } from "../../../../src/protocols/workerman/php-json-read.ts";
import { writePhpJson } from "../../../../src/protocols/workerman/php-json-write.ts";
import { ascii, text } from "../../../support/chunks.ts";
import { plausibleText } from "../../../support/text.ts";

const message = perMessage().wrap(phpJson());

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let i = 1; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Converts to PHP's integers, of which JavaScript has too many numbers. */
function asInt64(value: number): unknown {
  const isExact = Number.isSafeInteger(value) || !Number.isInteger(value);
  if (isExact || Math.abs(value) >= 2 ** 63) return value;
  return BigInt(String(value));
}

/** Converts a value of `JSON.parse` to that of PHP's `json_decode`. */
function asPhp(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asPhp);
  if (typeof value === "number") return asInt64(value);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, asPhp(member)] as const);
  if (entries.every(([key], i) => key === String(i))) return entries.map(([, member]) => member);
  return Object.fromEntries(entries);
}

describe("numbers written", () => {
  it.each<[number | bigint, string]>([
    [0, "0"],
    [-0, "-0"],
    [-1, "-1"],
    [Number.MAX_SAFE_INTEGER, "9007199254740991"],
    [Number.MIN_SAFE_INTEGER, "-9007199254740991"],
    [2 ** 53, "9007199254740992"],
    [1e16, "10000000000000000"],
    [99999999999999984, "99999999999999980"],
    [1e17, "1.0e+17"],
    [-1e17, "-1.0e+17"],
    [Number("123456789012345678"), "1.2345678901234568e+17"],
    [0.5, "0.5"],
    [-0.5, "-0.5"],
    [1234.5678, "1234.5678"],
    [0.0001, "0.0001"],
    [0.00012345, "0.00012345"],
    [0.00001, "1.0e-5"],
    [0.000012345, "1.2345e-5"],
    [1e21, "1.0e+21"],
    [1.5e300, "1.5e+300"],
    [Number.MAX_VALUE, "1.7976931348623157e+308"],
    [5e-324, "5.0e-324"],
    [2n ** 63n - 1n, "9223372036854775807"],
    [-(2n ** 63n), "-9223372036854775808"],
    [7n, "7"],
  ])("%d as %s", (number, expected) => {
    expect(writePhpJson(number)).toBe(expected);
  });

  it("are read as the same number, from PHP's form", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const written = writePhpJson(number);
        expect(Number(written)).toBe(number);
        expect(written).toMatch(/^-?(?:\d{1,17}|\d{1,17}\.\d+|\d\.\d+e[+-][1-9]\d*)$/);
      }),
      { numRuns: 500 },
    );
  });

  it.each([Number.NaN, Infinity, -Infinity, 2n ** 63n, -(2n ** 63n) - 1n])("not %d", (number) => {
    expect(() => writePhpJson([number])).toThrow(ProtocolError);
  });
});

describe("strings written", () => {
  it("are pure ASCII, escaped as by PHP, and round-trip", () => {
    fc.assert(
      fc.property(plausibleText(), (string) => {
        const written = writePhpJson(string);
        expect(written).toMatch(/^"(?:[ !#-.0-[\]-\x7f]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*"$/);
        expect(JSON.parse(written)).toBe(string);
        expect(readPhpJson(written)).toBe(string);
      }),
    );
  });

  it.each(["\ud800", "a\udc00", "\udc00\ud800", "x\ud83dy"])(
    "require complete surrogate pairs: %j",
    (string) => {
      expect(() => writePhpJson(string)).toThrow("a lone surrogate has no UTF-8 form");
      expect(() => writePhpJson({ [string]: 1 })).toThrow(ProtocolError);
    },
  );
});

describe("values written", () => {
  it.each<[string, unknown, string]>([
    ["the empty object", {}, "{}"],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    [
      "an instance",
      new (class Point {
        x = 1;
        #y = 2;
        y() {
          return this.#y;
        }
      })(),
      '{"x":1}',
    ],
    ["members without JSON", { a: undefined, b: () => 1, c: Symbol("c"), d: 1 }, '{"d":1}'],
    ["a date", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ["toJSON with the key", { k: { toJSON: (key: string) => `[${key}]` } }, '{"k":"[k]"}'],
    ["toJSON that returns nothing", { a: { toJSON: () => undefined }, b: 1 }, '{"b":1}'],
    ["only literals", [null, true, false], "[null,true,false]"],
  ])("%s", (_, value, expected) => {
    expect(writePhpJson(value)).toBe(expected);
  });

  it.each<[string, unknown, string]>([
    ["undefined", undefined, "undefined has no JSON form"],
    ["a function", () => 1, "function has no JSON form"],
    ["undefined in a list", [1, undefined], "undefined at index 1 has no JSON form"],
    ["a hole", new Array(1), "undefined at index 0 has no JSON form"],
    ["a symbol in a list", [Symbol("s")], "symbol at index 0 has no JSON form"],
    ["a Map", { m: new Map([[1, 2]]) }, "Map has no JSON form"],
    ["a Set", new Set([1]), "Set has no JSON form"],
    ["bytes", Uint8Array.of(1), "Uint8Array has no JSON form"],
    ["a boxed number", new Number(1), "Number has no JSON form"],
    ["an error", new Error("x"), "Error has no JSON form"],
  ])("not %s", (_, value, expected) => {
    expect(() => writePhpJson(value)).toThrow(expect.objectContaining({ message: expected }));
    expect(() => encodeFrame(message, value)).toThrow(
      expect.objectContaining({ code: "unencodable" }),
    );
  });

  it("may be 512 levels deep, but not 513 or cyclic", () => {
    expect(JSON.parse(writePhpJson(nested(512)))).toEqual(nested(512));
    expect(() => writePhpJson(nested(513))).toThrow("more than 512 nested arrays, or a cycle");
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => writePhpJson(cycle)).toThrow("more than 512 nested arrays, or a cycle");
  });

  it("may contain getters that throw", () => {
    const value = {
      get a(): number {
        throw new Error("no");
      },
    };
    expect(() => encodeFrame(message, value)).toThrow(
      expect.objectContaining({ code: "unencodable", message: expect.stringContaining("no") }),
    );
  });
});

describe("reading", () => {
  /** JSON as JSON.stringify writes it, with extra white space. */
  const texts = fc
    .tuple(fc.json({ noUnicodeString: false }), fc.constantFrom("", " ", "\n", "\t\r"))
    .map(([json, space]) => space + JSON.stringify(JSON.parse(json), null, space) + space);

  it("returns what JSON.parse returns, with objects as PHP's arrays", () => {
    fc.assert(
      fc.property(texts, (json) => {
        expect(readPhpJson(json)).toEqual(asPhp(JSON.parse(json)));
      }),
      { numRuns: 300 },
    );
  });

  it("accepts exactly the texts that JSON.parse accepts", () => {
    const bits = fc.constantFrom(
      ...'{}[],:"\\ \n0123456789-+.eEtrufalsn/bx\u0001\u007f\u00e9',
      '"a"',
      "\\u00e9",
      "\\/",
      "null",
      "true",
      "[1,",
      "1e5",
    );
    const made = fc.array(bits, { maxLength: 12, size: "max" }).map((parts) => parts.join(""));
    const damaged = fc.tuple(texts, fc.nat(), bits).map(([json, place, bit]) => {
      const at = place % (json.length + 1);
      return json.slice(0, at) + bit + json.slice(at + 1);
    });
    const accepts = (read: (json: string) => unknown, json: string): boolean => {
      try {
        read(json);
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
        return false;
      }
    };
    fc.assert(
      fc.property(fc.oneof(made, damaged), (json) => {
        // The only exception: JSON.parse accepts lone surrogates in escapes.
        fc.pre(!/\\u[dD]/.test(json));
        expect(accepts(readPhpJson, json)).toBe(accepts(JSON.parse, json));
      }),
      { numRuns: 1000 },
    );
  });

  it.each<[string, unknown]>([
    ["{}", []],
    ['{"0":"a","1":"b"}', ["a", "b"]],
    ['{"0":"a","1":"b","0":"c"}', ["c", "b"]],
    ['{"1":"b","0":"a"}', { 0: "a", 1: "b" }],
    ['{"0":"a","2":"b"}', { 0: "a", 2: "b" }],
    ['{"00":"a"}', { "00": "a" }],
    ['{"a":1,"0":2}', { a: 1, 0: 2 }],
    ["-0", 0],
    ["-0.0", -0],
    ["0e0", 0],
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["-9007199254740993", -9007199254740993n],
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["9223372036854775808", 2 ** 63],
    ["-9223372036854775809", -(2 ** 63)],
    [`1${"0".repeat(400)}`, Infinity],
    ["1e400", Infinity],
    ["9007199254740993.0", 9007199254740992],
    ['"\\ud83d\\ude00"', "😀"],
    ['"\\uD83D\\uDE00"', "😀"],
    ['"\u007f"', "\u007f"],
  ])("%s", (json, value) => {
    expect(readPhpJson(json)).toStrictEqual(value);
  });

  it("keeps keys such as __proto__ as plain data", () => {
    const value = readPhpJson('{"__proto__":{"x":1},"toString":2}') as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(["__proto__", "toString"]);
    expect(({} as Record<string, unknown>).x).toBe(undefined);
  });

  it.each<[string, string]>([
    ['"\\ud800"', "a lone surrogate at character 7 of 8"],
    ['"\\udc00"', "a lone surrogate at character 7 of 8"],
    ['"\\ud800x"', "a lone surrogate at character 7 of 9"],
    ['"\\ud800\\n"', "a lone surrogate at character 7 of 10"],
    ['"\\ud800\\ud800"', "a lone surrogate at character 13 of 14"],
    ['"\\udc00\\udc00"', "a lone surrogate at character 7 of 14"],
    ['"\\u12"', "expected four hexadecimal digits at character 3 of 6"],
    ['"\\', "an unknown escape at character 3 of 2"],
    ['"abc', "an unfinished string or a control character in one at character 4 of 4"],
    ['{"a" 1}', "expected : at character 5 of 7"],
    ["{a:1}", "expected a string at character 1 of 5"],
    ["[1 2]", "expected ] at character 3 of 5"],
    ['{"a":1', "expected } at character 6 of 6"],
    ["1 2", "more than one value at character 2 of 3"],
    ["", "expected a value at character 0 of 0"],
    ["nul", "expected a value at character 0 of 3"],
  ])("not %s", (json, expected) => {
    expect(() => readPhpJson(json)).toThrow(new SyntaxError(expected));
  });

  it("accepts 511 levels, but not 512", () => {
    const open = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(readPhpJson(open(511))).toBeInstanceOf(Array);
    expect(() => readPhpJson(open(512))).toThrow("more than 511 nested arrays at character 511");
    // The peer cannot exhaust the stack.
    expect(() => readPhpJson("[".repeat(100_000))).toThrow(SyntaxError);
    expect(() => readPhpJson('{"a":'.repeat(100_000))).toThrow(SyntaxError);
    // Consecutive arrays are not nested.
    expect(readPhpJson(`[${"[],".repeat(1000)}[]]`)).toHaveLength(1001);
  });

  it("reports the offset of an error, but no content", () => {
    const bytes = ascii("xx{secret}");
    expect(() => phpJson().decode(bytes, 2, bytes.length)).toThrow(
      expect.objectContaining({
        code: "malformed",
        offset: 2,
        message: "expected a string at character 1 of 8",
      }),
    );
    expect(() => decodeFrame(message, Uint8Array.of(0x22, 0xff, 0x22))).toThrow(
      expect.objectContaining({ code: "malformed", offset: 1 }),
    );
  });
});

describe("jsonNL and jsonInt", () => {
  it.each([
    ["jsonNL", jsonNL],
    ["jsonInt", jsonInt],
  ])("%s refuses conflicting options", (_, make) => {
    expect(() => make({ phpJson: true, parse: JSON.parse })).toThrow(TypeError);
    expect(() => make({ invalid: "throw" as "null" })).toThrow(RangeError);
    expect(() => make({ maxFrame: 0 })).toThrow(RangeError);
  });

  it("report errors in a package, with the offset", () => {
    const refused = (protocol: Protocol<unknown>, bytes: Uint8Array) =>
      expect(() => decodeFrame(protocol, bytes));
    const line = new TextEncoder().encode('{"password":hunter2}\n');
    refused(jsonNL(), line).toThrow(
      "decode-threw: package: 20 bytes are not JSON: expected a value at character 12 of 20",
    );
    refused(jsonNL({ phpJson: true }), line).toThrow(
      "decode-threw: package: expected a value at character 12 of 20",
    );
    refused(jsonInt(), Uint8Array.of(0, 0, 0, 6, 0x5b, 0x31)).toThrow(
      'decode-threw: package: 2 bytes are not JSON: expected "," or "]" at the end',
    );
  });

  it("accept a parser", () => {
    const dates = jsonNL<Date>({ parse: (json) => new Date(JSON.parse(json) as string) });
    expect(decodeFrame(dates, encodeFrame(dates, new Date(5))).getTime()).toBe(5);
    const counted = jsonInt<unknown, number>({ parse: (json) => json.length });
    expect(decodeFrame(counted, encodeFrame(counted, [1, 2]))).toBe(5);
  });

  it("are sent as text if supported, except JsonInt", () => {
    expect(jsonNL().text).toBe(true);
    expect(jsonInt().text).toBe(false);
  });

  it("trim exactly what PHP trims, and only in JsonNL", () => {
    const line = (byte: number) => Uint8Array.of(byte, 0x31, byte, 0x0a);
    const taken: number[] = [];
    for (let byte = 0; byte < 256; byte++) {
      try {
        if (byte !== 0x0a && decodeFrame(jsonNL(), line(byte)) === 1) taken.push(byte);
      } catch (error) {
        expect(error).toMatchObject({
          code: "malformed",
          message: expect.stringMatching(/^decode-threw: /),
        });
      }
    }
    expect(taken).toEqual([0x00, 0x09, 0x0b, 0x0d, 0x20]);
    expect(() => decodeFrame(jsonInt(), Uint8Array.of(0, 0, 0, 6, 0x31, 0))).toThrow(ProtocolError);
  });

  it("are written as plain JSON unless phpJson is set", () => {
    const value = { url: "/é" };
    expect(text(encodeFrame(jsonNL(), value))).toBe('{"url":"/\u00c3\u00a9"}\n');
    expect(text(encodeFrame(jsonNL({ phpJson: true }), value))).toBe('{"url":"\\/\\u00e9"}\n');
    expect(text(encodeFrame(jsonInt({ phpJson: true }), 1e-7))).toBe("\0\0\0\x0a1.0e-7");
  });
});
