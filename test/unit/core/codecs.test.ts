import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  type Codec,
  decodeFrame,
  encodeFrame,
  json,
  latin1,
  perMessage,
  raw,
  utf8,
} from "../../../src/index.ts";
import { ascii, failureOf, poisoned, text } from "../../support/chunks.ts";

/** The bytes of a value by itself. */
function bytesOf<In>(codec: Codec<In, unknown>, value: In): Uint8Array {
  return encodeFrame(perMessage().wrap(codec), value);
}

/** The value of bytes that lie somewhere inside of others. */
function decoded<Out>(codec: Codec<never, Out>, bytes: Uint8Array): Out {
  return decodeFrame(perMessage().wrap(codec), poisoned(bytes));
}

describe.each([
  ["raw", raw()],
  ["utf8", utf8()],
  ["latin1", latin1()],
  ["json", json()],
])("%s", (_, codec) => {
  it("is frozen, so that any number of connections may share it", () => {
    expect(Object.isFrozen(codec)).toBe(true);
  });
});

describe("raw", () => {
  it("passes bytes on, both ways", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(bytesOf(raw(), bytes)).toEqual(bytes);
        expect(decoded(raw(), bytes)).toEqual(bytes);
      }),
    );
  });

  it("gives a view of the received memory", () => {
    const bytes = ascii("abc");
    const value = raw().decode(bytes, 1, 3);
    expect(value.buffer).toBe(bytes.buffer);
    expect(text(value)).toBe("bc");
  });

  it("gives memory of its own where copies are asked for", () => {
    const bytes = ascii("abc");
    const value = raw({ copy: true }).decode(bytes, 1, 3);
    expect(value.buffer.byteLength).toBe(2);
    bytes.fill(0);
    expect(text(value)).toBe("bc");
    const { copy } = { copy: undefined as boolean | undefined };
    expect(raw({ copy }).decode(bytes, 0, 3).buffer).toBe(bytes.buffer);
  });

  it("refuses what are no bytes", () => {
    const failure = failureOf(() => bytesOf(raw(), "text" as unknown as Uint8Array));
    expect(failure).toMatchObject({ code: "unencodable", message: "bytes cannot hold string" });
  });

  it("is no text", () => {
    expect(raw().text).toBeUndefined();
    expectTypeOf(raw()).toEqualTypeOf<Codec<Uint8Array>>();
  });
});

describe("utf8", () => {
  it("gives text back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (value) => {
        expect(decoded(utf8(), bytesOf(utf8(), value))).toBe(value);
      }),
    );
  });

  it("refuses other bytes, and text that has no UTF-8", () => {
    expect(failureOf(() => decoded(utf8(), Uint8Array.of(0x61, 0xff)))).toMatchObject({
      code: "malformed",
      offset: 1,
    });
    expect(failureOf(() => bytesOf(utf8(), "\ud800"))).toMatchObject({ code: "unencodable" });
    expect(failureOf(() => bytesOf(utf8(), 5 as unknown as string))).toMatchObject({
      code: "unencodable",
    });
  });

  it("is text", () => {
    expect(utf8().text).toBe(true);
    expectTypeOf(utf8()).toEqualTypeOf<Codec<string>>();
  });
});

describe("json", () => {
  it("gives back what JSON can say", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const bytes = bytesOf(json(), value);
        expect(text(bytes)).toBe(text(new TextEncoder().encode(JSON.stringify(value))));
        expect(decoded(json(), bytes)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("is text", () => {
    expect(json().text).toBe(true);
    expectTypeOf(json()).toEqualTypeOf<Codec<unknown, unknown>>();
    expectTypeOf(json<string>()).toEqualTypeOf<Codec<string, string>>();
  });

  describe("writes as JSON.stringify does", () => {
    it.each([
      [null, "null"],
      [[null], "[null]"],
      [{ a: null, b: [null] }, '{"a":null,"b":[null]}'],
      ["null", '"null"'],
      [{ null: "null" }, '{"null":"null"}'],
      [{ a: undefined, b: () => {}, c: Symbol("c"), d: 1 }, '{"d":1}'],
      [{ a: null, b: undefined }, '{"a":null}'],
      [-0, "0"],
      ["\ud800", '"\\ud800"'],
      ["\u2028é", '"\u2028é"'],
      [new Date(0), '"1970-01-01T00:00:00.000Z"'],
      [[new Date(NaN)], "[null]"],
      [{ toJSON: () => [1] }, "[1]"],
      [{ toJSON: () => ({ a: null }) }, '{"a":null}'],
      [Object(1), "1"],
      [new Map([[1, 2]]), "{}"],
    ])("%o", (value, expected) => {
      expect(new TextDecoder().decode(bytesOf(json(), value))).toBe(expected);
    });
  });

  describe("refuses what JSON.stringify would drop or turn into null", () => {
    const cyclic: unknown[] = [];
    cyclic.push({ cyclic });
    const deep = (value: unknown): unknown => ({ a: [{ b: value }] });
    it.each([
      ["undefined", undefined, "undefined has no JSON"],
      ["a function", () => {}, "function has no JSON"],
      ["a symbol", Symbol("s"), "symbol has no JSON"],
      ["NaN", NaN, 'NaN at "" has no JSON'],
      ["an infinity", deep(Infinity), 'Infinity at "b" has no JSON'],
      ["minus infinity", [-Infinity], '-Infinity at "0" has no JSON'],
      ["undefined in an array", [1, undefined], 'undefined at "1" has no JSON'],
      ["a hole in an array", deep(new Array(2)), 'undefined at "0" has no JSON'],
      ["a function in an array", [() => {}], 'function at "0" has no JSON'],
      ["a symbol in an array", [Symbol("s")], 'symbol at "0" has no JSON'],
      ["a number object that is not finite", [Object(NaN)], 'NaN at "0" has no JSON'],
      ["a toJSON that gives nothing", { toJSON: () => undefined }, "object has no JSON"],
      ["a toJSON that gives nothing, in an array", [{ toJSON: () => undefined }], null],
      ["a bigint", deep(1n), null],
      ["a cycle", cyclic, null],
    ])("%s", (_, value, message) => {
      const failure = failureOf(() => bytesOf(json(), value));
      expect(failure?.code).toBe("unencodable");
      if (message !== null) expect(failure?.message).toBe(message);
    });

    it("a toJSON that throws, its error as the cause", () => {
      const cause = new Error("no");
      const value = {
        toJSON: () => {
          throw cause;
        },
      };
      expect(() => bytesOf(json(), value)).toThrow(expect.objectContaining({ cause }));
    });
  });

  describe("reads strictly", () => {
    it.each([
      "",
      " ",
      "{",
      "[1,]",
      "{a:1}",
      "'a'",
      "01",
      "+1",
      ".5",
      "1.",
      "NaN",
      "Infinity",
      "undefined",
      "[1]x",
      '"\n"',
      '"\\x41"',
      "\ufeff1",
      "\xa01",
      "/**/1",
    ])("%j is malformed", (wrong) => {
      const bytes = new TextEncoder().encode(wrong);
      const failure = failureOf(() => decoded(json(), bytes));
      expect(failure).toMatchObject({ code: "malformed", offset: 0 });
      expect(failure?.message).toMatch(
        /^\d+ bytes are not JSON: .* at (the end|character \d+ of \d+)$/,
      );
    });

    it("keeps the payload out of its own text, and JSON.parse's error as the cause", () => {
      const secret = ascii('{"password":hunter2}');
      const error = (() => {
        try {
          return decoded(json(), secret);
        } catch (error) {
          return error as Error;
        }
      })() as Error;
      expect(error.message).toBe("20 bytes are not JSON: expected a value at character 12 of 20");
      expect(error.cause).toBeInstanceOf(SyntaxError);
    });

    it("says where bytes stop being UTF-8", () => {
      const failure = failureOf(() => decoded(json(), Uint8Array.of(0x22, 0xc3, 0x28, 0x22)));
      expect(failure).toMatchObject({ code: "malformed", offset: 1 });
    });

    it.each([" 1 ", "\t[1,\n2]\r\n", '"\\ud83d\\ude00"', '"\\ud800"', "1e400", "-0"])(
      "%j is JSON",
      (right) => {
        expect(decoded(json(), new TextEncoder().encode(right))).toEqual(JSON.parse(right));
      },
    );
  });

  it("keeps keys such as __proto__ plain data", () => {
    const wire = '{"__proto__":{"admin":true},"constructor":1,"toString":2}';
    const value = decoded(json<unknown, Record<string, unknown>>(), ascii(wire));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.hasOwn(value, "__proto__")).toBe(true);
    expect(value.admin).toBeUndefined();
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
    expect(text(bytesOf(json(), value))).toBe(wire);
  });

  describe("parse", () => {
    it("takes the place of JSON.parse: a reviver", () => {
      const parse = (source: string): unknown =>
        JSON.parse(source, (key, value) => (key === "at" ? new Date(value) : value));
      expect(decoded(json({ parse }), ascii('{"at":0}'))).toEqual({ at: new Date(0) });
    });

    it("decides the type that is received", () => {
      const codec = json({ parse: (source) => BigInt(source) });
      expect(decoded(codec, ascii("12345678901234567890"))).toBe(12345678901234567890n);
      expectTypeOf(codec.decode).returns.toBeBigInt();
    });

    it("reports what it throws as malformed, with the cause", () => {
      const cause = new TypeError("no such shape");
      const parse = (): never => {
        throw cause;
      };
      expect(() => decoded(json({ parse }), ascii("1"))).toThrow(
        expect.objectContaining({ code: "malformed", cause }),
      );
    });
  });
});

describe("latin1", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);

  it("reads and writes every byte as the character of that number", () => {
    const value = decoded(latin1(), all);
    expect([...value].map((char) => char.charCodeAt(0))).toEqual([...all]);
    expect(bytesOf(latin1(), value)).toEqual(all);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9000, size: "max" }), (bytes) => {
        expect(bytesOf(latin1(), decoded(latin1(), bytes))).toEqual(bytes);
      }),
      { numRuns: 50 },
    );
  });

  it.each<[string, string]>([
    ["aĀ", "U+0100 at index 1 of 2 is not in Latin-1"],
    ["€", "U+20AC at index 0 of 1 is not in Latin-1"],
    ["😀", "U+1F600 at index 0 of 2 is not in Latin-1"],
    ["\ud800", "U+D800 at index 0 of 1 is not in Latin-1"],
  ])("refuses %j", (value, message) => {
    const failure = failureOf(() => bytesOf(latin1(), value));
    expect(failure).toEqual({ code: "unencodable", offset: undefined, message });
  });

  it("refuses what is no text", () => {
    for (const value of [1, undefined, null, ["a"], { length: 1 }]) {
      expect(failureOf(() => bytesOf(latin1(), value as never))?.code).toBe("unencodable");
    }
  });

  it("is not sent as text, which would have to be UTF-8", () => {
    expect(latin1().text).toBeUndefined();
  });
});

describe("options of payload codecs", () => {
  it("that do not exist are refused", () => {
    expect(() => raw({ copied: true } as object)).toThrow(/raw has no option "copied"; use copy/);
    expect(() => json({ reviver() {} } as object)).toThrow(
      /json has no option "reviver"; use parse/,
    );
    expect(() => perMessage().wrap(raw(), { maxFrame: 1 } as object)).toThrow(/wrap has no option/);
    expect(() => perMessage({ limit: 1 } as object)).toThrow(/"limit"; use maxFrame/);
  });
});
