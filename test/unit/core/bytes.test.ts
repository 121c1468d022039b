import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { varintWidth } from "../../../src/framing/index.ts";
import * as core from "../../../src/index.ts";
import { ascii, failureOf, poisoned } from "../../support/chunks.ts";
import { floats, integers, named } from "../../support/numbers.ts";

// The oracle is written the slow and obvious way: digit by digit, in bigints.
function expectedInteger(bytes: Uint8Array, endian: string, signed: boolean): bigint {
  const digits = endian === "be" ? [...bytes] : [...bytes].reverse();
  const unsigned = digits.reduce((sum, digit) => sum * 256n + BigInt(digit), 0n);
  return signed ? BigInt.asIntN(8 * bytes.length, unsigned) : unsigned;
}

describe.each(integers)("$name", ({ name, width, endian, signed, read }) => {
  it(`reads ${width} bytes, as a ${width > 6 ? "bigint" : "number"}`, () => {
    const bytes = fc.uint8Array({ minLength: width, maxLength: width });
    fc.assert(
      fc.property(fc.oneof(bytes, edgy(width)), (span) => {
        const found = read(poisoned(span), 0);
        expect(typeof found).toBe(width > 6 ? "bigint" : "number");
        expect(BigInt(found)).toBe(expectedInteger(span, endian, signed));
        // No reader returns -0, and no writer is called with it.
        expect(Object.is(found, -0)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it("reads at an index, and nothing but its own bytes", () => {
    const span = Uint8Array.from({ length: width }, (_, i) => 0x80 + i);
    for (let at = 0; at < 4; at++) {
      for (const around of [0x00, 0xff]) {
        const bytes = new Uint8Array(width + 4).fill(around);
        bytes.set(span, at);
        expect(BigInt(read(bytes, at)), name).toBe(expectedInteger(span, endian, signed));
      }
    }
  });
});

/** Bytes that are each at an end of their range or next to it. */
const edgy = (width: number): fc.Arbitrary<Uint8Array> =>
  fc
    .array(fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0xff), { minLength: width, maxLength: width })
    .map((bytes) => Uint8Array.from(bytes));

describe.each(floats)("$name", ({ width, endian, read }) => {
  it(`reads ${width} bytes, wherever in its buffer the array begins`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: width + 3, maxLength: width + 3 }), (bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        const little = endian === "le";
        for (const at of [0, 3]) {
          const expected = width === 4 ? view.getFloat32(at, little) : view.getFloat64(at, little);
          expect(read(poisoned(bytes), at)).toBe(expected);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("readers", () => {
  it("are all here, one for each of Output's number writers", () => {
    const writers = Object.getOwnPropertyNames(core.Output.prototype).filter((name) =>
      /^[uif]\d+(be|le)?$/.test(name),
    );
    const readers = Object.keys(core).filter((name) => /^[uif]\d+(be|le)?$/.test(name));
    expect(readers.sort()).toEqual(writers.sort());
    expect([...named, ...floats].map(({ name }) => name).sort()).toEqual(readers);
  });

  it("return numbers up to 48 bits and bigints above", () => {
    expectTypeOf(core.u48be).returns.toBeNumber();
    expectTypeOf(core.uint).returns.toBeNumber();
    expectTypeOf(core.i64le).returns.toBeBigInt();
    expectTypeOf(core.f32be).returns.toBeNumber();
  });

  it.each([0, 7, 1.5, NaN, "2"])("refuse a width of %s bytes", (width) => {
    const bytes = new Uint8Array(8);
    for (const read of [core.uint, core.int]) {
      expect(() => read(bytes, 0, width as number)).toThrow(
        `width must be 1 to 6 bytes, not ${width}`,
      );
    }
    expect(() => new core.Output().uint(1, width as number)).toThrow(RangeError);
  });
});

describe("varint", () => {
  it("reads what Output.varint writes, at any index", () => {
    const edge = fc.constantFrom(0, 1, 127, 128, 16_383, 16_384, 2 ** 32, 2 ** 53 - 1);
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeNat(), edge), fc.nat(5), (value, at) => {
        const out = new core.Output();
        out.reserve(at);
        const bytes = poisoned(out.varint(value).u8(0xff).take());
        expect(core.varint(bytes, at)).toBe(value);
        expect(varintWidth(bytes, at)).toBe(bytes.length - 1 - at);
        expect(varintWidth(bytes, at, bytes.length - 2)).toBe(0);
      }),
    );
  });

  it("reads overlong forms of up to ten bytes", () => {
    const overlong = Uint8Array.of(0x85, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
    expect(core.varint(overlong, 0)).toBe(5);
    expect(varintWidth(overlong, 0)).toBe(10);
  });

  it.each<[string, number[], string]>([
    ["nothing", [], "truncated"],
    ["a cut", [0x80, 0x80], "truncated"],
    ["2^53", [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], "malformed"],
    ["2^64-1", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "malformed"],
    ["an eleventh byte", Array.from({ length: 12 }, () => 0x80), "malformed"],
  ])("refuses %s", (_, wire, code) => {
    const bytes = Uint8Array.from([0, ...wire]);
    expect(failureOf(() => core.varint(bytes, 1))).toMatchObject({ code, offset: 1 });
  });
});

describe("decimal", () => {
  const read = (digits: string): number => {
    const bytes = poisoned(ascii(`1${digits}1`));
    return core.decimal(bytes, 1, 1 + digits.length);
  };

  it("reads any integer that is exact", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(read(`${value}`)).toBe(value);
      }),
    );
    expect(read("0000000000000000000000007")).toBe(7);
    expect(read("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
    expect(Object.is(read("-0"), 0)).toBe(true);
  });

  it.each<[string, string, number]>([
    ["nothing", "", 1],
    ["a sign alone", "-", 1],
    ["two signs", "--1", 2],
    ["a plus", "+1", 1],
    ["a space", "1 ", 2],
    ["a fraction", "1.5", 2],
    ["an exponent", "1e3", 2],
    ["2^53", "9007199254740992", 1],
    ["a number without end", "9".repeat(400), 1],
  ])("refuses %s", (_, digits, offset) => {
    expect(failureOf(() => read(digits))).toMatchObject({ code: "malformed", offset });
  });

  it("refuses to read beyond its bytes", () => {
    expect(failureOf(() => core.decimal(ascii("1"), 0, 3))?.code).toBe("malformed");
  });
});
