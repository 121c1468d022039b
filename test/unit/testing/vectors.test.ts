import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { array, protocolOf, struct, u8, utf8 as utf8Field } from "../../../src/fields/index.ts";
import {
  decodeFrame,
  defineProtocol,
  json,
  lengthPrefixed,
  lines,
  perMessage,
  raw,
  utf8,
} from "../../../src/index.ts";
import {
  equal,
  fuzzTarget,
  refuses,
  several,
  vectors,
  vectorsOf,
} from "../../../src/testing/index.ts";
import { fromHex, fromPortable, toHex, toPortable } from "../../../src/testing/vectors/portable.ts";

const words = lengthPrefixed({ width: 2 }).wrap(utf8());

/** What the test of one vector says; undefined if it holds. */
async function said(tests: ReturnType<typeof vectors>): Promise<string | undefined> {
  expect(tests).toHaveLength(1);
  try {
    await tests[0]!.check();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe("vectors", () => {
  it("hold in both directions, in one alone, and for refused bytes", async () => {
    const tests = [
      ...vectors(words, [
        ["0005 68656c6c6f", "hello"],
        [Uint8Array.of(0, 0), ""],
        ["0002 ff", refuses("truncated")],
        ["0001 ff", refuses()],
      ]),
      ...vectors(lines().wrap(utf8()), [
        ["61 0d 0a", "a", "decode"],
        ["610a", "a", "encode"],
      ]),
      ...vectors(perMessage().wrap(json()), [["5b 31 5d", [1]]]),
      ...vectors(raw(), [["00ff", Uint8Array.of(0, 255)]]),
    ];
    for (const { check } of tests) await check();
    expect(tests[0]!.name).toBe("vector 1: 000568656c6c6f");
  });

  it("say what is decoded instead, and what the bytes mean", async () => {
    const text = await said(vectors(words, [["0002 6869", "ho", "decode"]]));
    expect(text).toContain('decode returns "hi" instead of "ho"');
    expect(text).toMatch(/0000 +00 02 +length +u16be +2/);
    expect(text).toMatch(/0002 +68 69 +payload/);
  });

  it("say where the written bytes differ", async () => {
    const text = await said(vectors(words, [["0003 6869", "hi", "encode"]]));
    expect(text).toContain('encode of "hi" writes 4 bytes, which differ at 1');
    expect(text).toContain("0000  00|02 68 69");
  });

  it("find more values, fewer values, errors, and bytes that are not refused", async () => {
    const ab = "0001 61 0001 62";
    expect(await said(vectors(words, [[ab, "a", "decode"]]))).toContain('2 values ["a","b"]');
    expect(await said(vectors(words, [[ab, several(["a", "b"]) as never]]))).toBeUndefined();
    expect(await said(vectors(words, [["00", "a"]]))).toContain("decode throws truncated: ");
    expect(await said(vectors(words, [["0001 61", refuses("malformed")]]))).toContain(
      'decode returns ["a"] instead of malformed',
    );
    expect(await said(vectors(words, [["00", refuses("malformed")]]))).toContain(
      "decode throws truncated: ",
    );
  });

  it("show values that cannot be written", async () => {
    const wrong = vectors(words, [["0001 61", 1 as never, "encode"]]);
    expect(await said(wrong)).toContain("encode of 1 throws unencodable: ");
  });

  it("compare with the given function", async () => {
    const test = vectors(words, [["0001 41", "a", "decode"]], {
      equal: (a, b) => a.toLowerCase() === b.toLowerCase(),
    });
    expect(await said(test)).toBeUndefined();
  });

  it("refuse what is no hex", () => {
    expect(() => vectors(words, [["0x", "a"]])).toThrow(SyntaxError);
    expect(() => vectors(words, [["000", "a"]])).toThrow("not pairs of hex digits: 000");
  });
});

describe("values as JSON", () => {
  const anything = fc.anything({
    withBigInt: true,
    withMap: true,
    withTypedArray: false,
    key: fc.oneof(fc.string(), fc.constantFrom("$hex", "$int", "__proto__", "$fields")),
  });

  it("come back as they were", () => {
    const value = fc.oneof(anything, fc.uint8Array());
    fc.assert(
      fc.property(value, (one) => {
        const text = JSON.stringify(toPortable(one));
        return equal(fromPortable(JSON.parse(text)), one);
      }),
      { numRuns: 2000 },
    );
  });

  it("refuse what has no content, and circles", () => {
    const circle: unknown[] = [];
    circle.push(circle);
    for (const value of [() => 1, Symbol("a"), circle]) {
      expect(() => toPortable(value)).toThrow(TypeError);
    }
  });

  it("write hex that is read again", () => {
    fc.assert(fc.property(fc.uint8Array(), (one) => equal(fromHex(toHex(one)), one)));
  });
});

describe("vectorsOf", () => {
  const names = protocolOf(struct({ id: u8, names: array(utf8Field(u8), u8) }), { name: "names" });

  it("makes the same vectors from the same seed, which the protocol itself passes", async () => {
    const made = vectorsOf(names, { seed: 3, count: 30 });
    expect(vectorsOf(names, { seed: 3, count: 30 })).toEqual(made);
    expect(vectorsOf(names, { seed: 4, count: 30 })).not.toEqual(made);
    expect(made).toMatchObject({ protocol: "names", seed: 3 });
    const again = JSON.parse(JSON.stringify(made)) as typeof made;
    const list = again.vectors.map(({ hex, value }) => [hex, fromPortable(value)] as const);
    for (const { check } of vectors(names, list as never)) await check();
  });

  it("says what damaged bytes give: values, then the code of the error", () => {
    const { damaged } = vectorsOf(words, { seed: 1, count: 200, values: fc.string() });
    expect(damaged).toHaveLength(200);
    const codes = new Set(damaged.map(({ error }) => error));
    expect(codes).toContain("truncated");
    expect(codes).toContain("malformed");
    for (const { hex, values, error } of damaged) {
      if (error !== undefined || values.length !== 1) continue;
      expect(decodeFrame(words, fromHex(hex))).toBe(values[0]);
    }
  });

  it("leaves out values that are too big, and says so if nearly all are", () => {
    const small = lengthPrefixed({ width: 1, maxFrame: 5 }).wrap(utf8());
    const values = fc.string({ maxLength: 12 });
    expect(vectorsOf(small, { values, count: 20 }).vectors).toHaveLength(20);
    const large = fc.string({ minLength: 9 });
    expect(() => vectorsOf(small, { values: large })).toThrow("too big for a frame");
  });

  it("needs values", () => {
    expect(() => vectorsOf(words)).toThrow("vectorsOf needs the option values");
    expect(() => vectorsOf(words, { values: fc.string(), count: 0 })).toThrow(RangeError);
  });
});

describe("fuzzTarget", () => {
  it("takes any bytes, of streams and of messages", () => {
    const targets = [words, lines().wrap(json()), perMessage().wrap(json())].map((one) =>
      fuzzTarget(one as never),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        for (const target of targets) target(bytes);
      }),
      { numRuns: 300 },
    );
  });

  it("throws what is neither a value nor a ProtocolError", () => {
    const target = fuzzTarget(
      defineProtocol<string>({
        name: "careless",
        measure: () => 2,
        decode: (bytes, start) => "ab"[bytes[start]!]!.toUpperCase(),
        encode: (_, out) => out.u16be(0),
      }),
    );
    target(Uint8Array.of(1, 0));
    expect(() => target(Uint8Array.of(2, 0))).toThrow("decode throws TypeError");
  });

  it("throws if the pieces matter", () => {
    const target = fuzzTarget(
      defineProtocol<number>({
        name: "hasty",
        measure: (_, start, end) => Math.min(2, end - start),
        decode: (_, start, end) => end - start,
        encode: (_, out) => out.u16be(0),
      }),
    );
    expect(() => target(Uint8Array.of(1, 2))).toThrow(
      /hasty reads 2 bytes in two ways: in one piece/,
    );
  });
});
