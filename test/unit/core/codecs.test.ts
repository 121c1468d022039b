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
import { ascii, errorOf, failureOf, poisoned, text } from "../../support/chunks.ts";
import { thrownBy } from "../../support/thrown.ts";

/** The bytes of a single value. */
function bytesOf<In>(codec: Codec<In, unknown>, value: In): Uint8Array {
  return encodeFrame(perMessage().wrap(codec), value);
}

/** The value of bytes in the middle of others. */
function decoded<Out>(codec: Codec<never, Out>, bytes: Uint8Array): Out {
  return decodeFrame(perMessage().wrap(codec), poisoned(bytes));
}

/** Nested arrays. */
function nested(levels: number): unknown {
  let value: unknown = [];
  for (let i = 1; i < levels; i++) value = [value];
  return value;
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

  it("returns a view of received memory", () => {
    const bytes = ascii("abc");
    const value = raw().decode(bytes, 1, 3);
    expect(value.buffer).toBe(bytes.buffer);
    expect(text(value)).toBe("bc");
  });

  it("copies with the option copy", () => {
    const bytes = ascii("abc");
    const value = raw({ copy: true }).decode(bytes, 1, 3);
    expect(value.buffer.byteLength).toBe(2);
    bytes.fill(0);
    expect(text(value)).toBe("bc");
    const { copy } = { copy: undefined as boolean | undefined };
    expect(raw({ copy }).decode(bytes, 0, 3).buffer).toBe(bytes.buffer);
  });

  it("refuses values that are not bytes", () => {
    const failure = failureOf(() => bytesOf(raw(), "text" as unknown as Uint8Array));
    expect(failure).toMatchObject({ code: "unencodable", message: "bytes cannot hold string" });
  });

  it("is no text", () => {
    expect(raw().text).toBeUndefined();
    expectTypeOf(raw()).toEqualTypeOf<Codec<Uint8Array>>();
  });
});

describe("utf8", () => {
  it("returns text unchanged", () => {
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
  it("returns values that JSON can represent", () => {
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
      ["\ud83d\ude00 \\ud800", '"\ud83d\ude00 \\\\ud800"'],
      ["\u2028é", '"\u2028é"'],
      [new Date(0), '"1970-01-01T00:00:00.000Z"'],
      [{ toJSON: () => [1] }, "[1]"],
      [{ toJSON: () => ({ a: null }) }, '{"a":null}'],
      [Object(1), "1"],
      [[Object("a"), Object(true)], '["a",true]'],
      [
        new (class Point {
          x = 1;
        })(),
        '{"x":1}',
      ],
      [Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
      [
        { at: new Date(0), url: new URL("http://a/") },
        '{"at":"1970-01-01T00:00:00.000Z","url":"http://a/"}',
      ],
      [
        new (class Named {
          [Symbol.toStringTag] = "Named";
          x = 1;
        })(),
        '{"x":1}',
      ],
      [Object.assign(() => {}, { toJSON: () => 1 }), "1"],
      [{ a: Object.assign(() => {}, { toJSON: () => 1 }) }, '{"a":1}'],
    ])("%o", (value, expected) => {
      expect(new TextDecoder().decode(bytesOf(json(), value))).toBe(expected);
    });
  });

  describe("refuses values that JSON.stringify would drop, or turn into null or an empty object", () => {
    const cyclic: unknown[] = [];
    cyclic.push({ cyclic });
    const deep = (value: unknown): unknown => ({ a: [{ b: value }] });
    const gives = (value: unknown): unknown => ({ toJSON: () => value });
    const tooDeep = "more than 512 levels of arrays and objects, or a cycle";
    class Empty {}
    it.each([
      ["undefined", undefined, "undefined has no JSON"],
      ["a function", () => {}, "function has no JSON"],
      ["a symbol", Symbol("s"), "symbol has no JSON"],
      ["a bigint", deep(1n), "a[0].b: bigint has no JSON"],
      ["NaN", NaN, "NaN has no JSON"],
      ["an infinity", deep(Infinity), "a[0].b: Infinity has no JSON"],
      ["minus infinity", [-Infinity], "[0]: -Infinity has no JSON"],
      ["undefined in an array", [1, undefined], "[1]: undefined has no JSON"],
      ["a hole in an array", deep(new Array(2)), "a[0].b[0]: undefined has no JSON"],
      ["a function in an array", [() => {}], "[0]: function has no JSON"],
      ["a symbol in an array", [Symbol("s")], "[0]: symbol has no JSON"],
      [
        "named members of an array",
        deep("ab".match(/b/)),
        "a[0].b: an array with named members has no JSON",
      ],
      ["a number object that is not finite", [Object(NaN)], "[0]: NaN has no JSON"],
      ["a symbol object", [Object(Symbol("s"))], "[0]: Symbol has no JSON"],
      ["a bigint object", [Object(1n)], "[0]: BigInt has no JSON"],
      ["an invalid date", deep(new Date(NaN)), "a[0].b: an invalid Date has no JSON"],
      ["a Map", deep(new Map([[1, 2]])), "a[0].b: Map has no JSON"],
      ["a Map with members", Object.assign(new Map(), { a: 1 }), "Map has no JSON"],
      ["a Set", new Set(), "Set has no JSON"],
      ["a WeakMap", { a: new WeakMap() }, "a: WeakMap has no JSON"],
      ["a WeakSet", new WeakSet(), "WeakSet has no JSON"],
      ["a promise", [Promise.resolve()], "[0]: Promise has no JSON"],
      ["an Error", new Error("x"), "Error has no JSON"],
      ["an Error with members", Object.assign(new Error("x"), { code: 1 }), "Error has no JSON"],
      ["a RegExp", /x/, "RegExp has no JSON"],
      ["an ArrayBuffer", new ArrayBuffer(1), "ArrayBuffer has no JSON"],
      ["a Uint8Array", deep(Uint8Array.of(1)), "a[0].b: Uint8Array has no JSON"],
      ["an empty Float64Array", new Float64Array(0), "Float64Array has no JSON"],
      ["a DataView", new DataView(new ArrayBuffer(1)), "DataView has no JSON"],
      ["a generator", (function* () {})(), "Generator has no JSON"],
      ["an iterator", new Map().keys(), "Map Iterator has no JSON"],
      ["URLSearchParams", new URLSearchParams("a=1"), "URLSearchParams has no JSON"],
      ["a lone surrogate", deep("\udc00\ud800"), "a[0].b: a lone surrogate has no UTF-8 form"],
      [
        "a lone surrogate in a key",
        { a: { "\ud800": 1 } },
        "a: a lone surrogate has no UTF-8 form",
      ],
      ["a toJSON that returns nothing", gives(undefined), "undefined has no JSON"],
      ["a toJSON that returns a promise", gives(Promise.resolve()), "Promise has no JSON"],
      [
        "a toJSON that returns a function, in an array",
        [gives(() => {})],
        "[0]: function has no JSON",
      ],
      ["a toJSON that returns NaN", { a: gives(NaN) }, "a: NaN has no JSON"],
      ["a Map inside of what a toJSON returns", gives({ a: new Map() }), "a: Map has no JSON"],
      [
        "a lone surrogate from a toJSON",
        [gives("\ud800")],
        "[0]: a lone surrogate has no UTF-8 form",
      ],
      ["a cycle", cyclic, tooDeep],
      ["a cycle beside a toJSON", [gives(1), cyclic], null],
      ["many levels", nested(513), tooDeep],
      ["many levels from a toJSON", gives(nested(513)), tooDeep],
    ])("%s", (_, value, message) => {
      const failure = failureOf(() => bytesOf(json(), value));
      expect(failure?.code).toBe("unencodable");
      if (message !== null) expect(failure?.message).toBe(message);
    });

    it("but writes objects without members or a kind of their own", () => {
      expect(text(bytesOf(json(), [new Empty(), {}, []]))).toBe("[{},{},[]]");
    });

    it("with the path of a value in an instance of a class", () => {
      class Shape {
        name = "square";
        points = [1, { y: Number.NaN }];
      }
      const error = errorOf(() => bytesOf(json(), { shape: new Shape() }));
      expect(error).toMatchObject({ code: "unencodable", path: ["shape", "points", 1, "y"] });
      expect(error.message).toContain("shape.points[1].y: NaN has no JSON");
    });

    it("with the path of the value", () => {
      const error = thrownBy(() => bytesOf(json(), { "a b": [{ c: 1n }] }));
      expect(error).toMatchObject({
        message: '["a b"][0].c: bigint has no JSON',
        path: ["a b", 0, "c"],
      });
    });

    it("calls each toJSON once", () => {
      let calls = 0;
      const counted = {
        toJSON() {
          calls++;
          return [null, {}];
        },
      };
      expect(text(bytesOf(json(), { a: null, b: counted }))).toBe('{"a":null,"b":[null,{}]}');
      expect(calls).toBe(1);
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

    it("keeps the payload out of its error, causes included", () => {
      const error = thrownBy(() => decoded(json(), ascii('{"password":hunter2}')));
      expect(error.message).toBe("20 bytes are not JSON: expected a value at character 12 of 20");
      expect(error.cause).toBeUndefined();
    });

    it.each([
      ["1e999", "a number beyond the range of doubles at character 0 of 5"],
      ['{"a":[-1e400]}', "a number beyond the range of doubles at character 6 of 14"],
      ["9".repeat(400), "a number beyond the range of doubles at character 0 of 400"],
      ['"\\ud800"', "a lone surrogate in the string at character 0 of 8"],
      ['["\\uDC00\\ud800"]', "a lone surrogate in the string at character 1 of 16"],
      ['{"a\\udfff":1}', "a lone surrogate in the string at character 1 of 13"],
      [
        JSON.stringify(nested(513)),
        "more than 512 levels of arrays and objects at character 512 of 1026",
      ],
    ])("refuses %j, which it could not write again", (wrong, reason) => {
      const failure = failureOf(() => decoded(json(), ascii(wrong)));
      expect(failure).toMatchObject({ code: "malformed", offset: 0 });
      expect(failure?.message).toBe(`${wrong.length} bytes are JSON with ${reason}`);
    });

    it("writes and reads 512 levels", () => {
      const bytes = bytesOf(json(), nested(512));
      expect(bytesOf(json(), decoded(json(), bytes))).toEqual(bytes);
    });

    it("takes a number that is out of range if it does not count", () => {
      expect(decoded(json(), ascii('{"a":1e999,"a":1}'))).toEqual({ a: 1 });
    });

    it("reports the first byte that is not UTF-8", () => {
      const failure = failureOf(() => decoded(json(), Uint8Array.of(0x22, 0xc3, 0x28, 0x22)));
      expect(failure).toMatchObject({ code: "malformed", offset: 1 });
    });

    it.each([" 1 ", "\t[1,\n2]\r\n", '"\\ud83d\\ude00"', '"\\\\ud800"', "1e308", "1e-999", "-0"])(
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

    it("may be anything that is synchronous, but a promise is not blamed on the peer", async () => {
      const asynchronous = json({ parse: (source) => Promise.reject(new Error(source)) });
      expect(() => decoded(asynchronous, ascii("1"))).toThrow(
        new TypeError("parse must be synchronous, but returned a promise"),
      );
      // The rejection must have been caught.
      await new Promise((resolve) => setTimeout(resolve));
    });

    it("keeps the payload out of errors of JSON.parse in it", () => {
      const error = thrownBy(() =>
        decoded(json({ parse: (source) => JSON.parse(source) as unknown }), ascii('{"a":hunter2')),
      );
      expect(error.message).toBe("12 bytes are not JSON: expected a value at character 5 of 12");
      expect(error.cause).toBeUndefined();
      const parse = (source: string): unknown => BigInt(JSON.parse(source) as string);
      const { message, cause } = thrownBy(() => decoded(json({ parse }), ascii('"hunter2"')));
      expect(message).toBe("9 bytes are not the JSON expected");
      expect(cause).toBeInstanceOf(SyntaxError);
      const { message: shown, stack } = cause as Error;
      expect(shown).toBe("a SyntaxError");
      expect(stack).toContain("codecs.test");
      expect(stack).not.toContain("hunter2");
    });

    it("reports its errors as malformed, with the cause", () => {
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
    ["aĀ", "character at index 1 of 2 is not in Latin-1"],
    ["€", "character at index 0 of 1 is not in Latin-1"],
    ["😀", "character at index 0 of 2 is not in Latin-1"],
    ["\ud800", "character at index 0 of 1 is not in Latin-1"],
  ])("refuses %j", (value, message) => {
    const failure = failureOf(() => bytesOf(latin1(), value));
    expect(failure).toEqual({ code: "unencodable", offset: undefined, message });
  });

  it("refuses values that are not text", () => {
    for (const value of [1, undefined, null, ["a"], { length: 1 }]) {
      const failure = failureOf(() => bytesOf(latin1(), value as never));
      expect(failure?.code).toBe("unencodable");
      expect(failure?.message).toBe(`text cannot hold ${typeof value}`);
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

describe("views of a chunk that raw() returns", () => {
  const { decode } = raw();

  it.each([
    ["small", 100],
    ["large", 100_000],
  ])("lie in the memory of a %s chunk, wherever it begins", (_, size) => {
    const chunk = Uint8Array.from({ length: size + 7 }, (_, i) => i).subarray(7);
    for (let at = 0; at + 9 <= 90; at += 9) {
      const view = decode(chunk, at, at + 9);
      expect(view).toEqual(chunk.slice(at, at + 9));
      expect(view.buffer).toBe(chunk.buffer);
    }
  });

  it("are of the chunk's own class, as of a Buffer, and never of another chunk", () => {
    class Own extends Uint8Array<ArrayBuffer> {}
    const one = Own.of(1, 2, 3, 4, 5);
    const two = Own.of(6, 7, 8, 9, 10);
    for (const chunk of [one, two, one, one]) {
      const view = decode(chunk, 2, 4);
      expect(view).toBeInstanceOf(Own);
      expect([...view]).toEqual([...chunk.slice(2, 4)]);
    }
  });

  it("show nothing of a chunk whose memory was transferred in between", () => {
    const chunk = Uint8Array.of(1, 2, 3, 4);
    decode(chunk, 0, 2);
    decode(chunk, 0, 2);
    structuredClone(chunk, { transfer: [chunk.buffer] });
    expect(() => decode(chunk, 2, 4)).toThrow();
  });
});
