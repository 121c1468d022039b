import { describe, expect, it } from "vitest";
import {
  checkInteger,
  checkLimit,
  checkLimits,
  checkRange,
  fitsInteger,
  isBeyondF32,
} from "../../../src/core/range.ts";

describe("checkRange", () => {
  const bytes = new Uint8Array(3);

  it.each([
    [0, 0],
    [0, 3],
    [1, 2],
    [3, 3],
  ])("takes %s to %s of three bytes", (start, end) => {
    expect(() => checkRange(bytes, start, end)).not.toThrow();
  });

  it.each([
    [-1, 2],
    [0, 4],
    [4, 4],
    [2, 1],
    [0.5, 2],
    [0, 1.5],
    [Number.NaN, 1],
    [0, Number.NaN],
    [0, "1"],
    ["0", 1],
  ] as [number, number][])("refuses %s to %s of three bytes", (start, end) => {
    const expected = new RangeError(`[${start}, ${end}) is not a range of 3 bytes`);
    expect(() => checkRange(bytes, start, end)).toThrow(expected);
  });
});

describe("checkLimit", () => {
  it.each([0, 0.5, 1, Infinity])("takes %s", (value) => {
    expect(() => checkLimit("most", value)).not.toThrow();
  });

  it.each([-1, -0.001, Number.NaN, -Infinity, "1", null, 1n] as number[])("refuses %s", (value) => {
    const expected = new RangeError(`most must be a number of at least 0, not ${value}`);
    expect(() => checkLimit("most", value)).toThrow(expected);
  });

  it("checks each of several by its name, unless it is missing", () => {
    expect(() => checkLimits({ a: 1, b: undefined }, "a", "b")).not.toThrow();
    const expected = new RangeError("b must be a number of at least 0, not -1");
    expect(() => checkLimits({ a: 1, b: -1, c: -2 }, "a", "b", "c")).toThrow(expected);
  });
});

describe("checkInteger", () => {
  it("takes integers of a range, with its ends", () => {
    for (const value of [1, 5, 8]) expect(() => checkInteger("width", value, 1, 8)).not.toThrow();
    expect(() => checkInteger("size", Number.MAX_SAFE_INTEGER, 1)).not.toThrow();
  });

  it.each([0, 9, 1.5, Number.NaN, Infinity, 2 ** 53, "1"] as number[])("refuses %s", (value) => {
    const ofRange = new RangeError(`width must be an integer from 1 to 8, not ${value}`);
    expect(() => checkInteger("width", value, 1, 8)).toThrow(ofRange);
    if (value === 9 || (value as unknown) === "1") return;
    expect(() => checkInteger("size", value, 1)).toThrow(
      new RangeError(`size must be an integer of at least 1, not ${value}`),
    );
  });
});

describe("fitsInteger", () => {
  it.each<[number, boolean, bigint, bigint]>([
    [8, true, 0n, 255n],
    [8, false, -128n, 127n],
    [53, true, 0n, 2n ** 53n - 1n],
    [64, true, 0n, 2n ** 64n - 1n],
    [64, false, -(2n ** 63n), 2n ** 63n - 1n],
  ])(
    "is true for integers of %s bits, unsigned %s, and no others",
    (bits, isUnsigned, least, most) => {
      const fits = (value: number | bigint): boolean => fitsInteger(value, bits, isUnsigned);
      expect([least, 0n, 1n, most].map(fits)).toEqual([true, true, true, true]);
      expect([least - 1n, most + 1n].map(fits)).toEqual([false, false]);
      if (bits > 53) return;
      expect([Number(least), Number(most)].map(fits)).toEqual([true, true]);
      expect([Number(least) - 1, Number(most) + 1].map(fits)).toEqual([false, false]);
    },
  );

  it("is of signed integers if nothing else is said", () => {
    expect([fitsInteger(-1, 8), fitsInteger(128, 8)]).toEqual([true, false]);
  });

  it.each([0.5, Number.NaN, Infinity, 2 ** 53])("is false for %s, whatever the width", (value) => {
    expect([fitsInteger(value, 64), fitsInteger(value, 64, true)]).toEqual([false, false]);
  });
});

describe("isBeyondF32", () => {
  it("is true for finite numbers that a 32-bit float makes infinite", () => {
    const largest = 3.4028234663852886e38;
    expect([0, 1, largest, -largest, Infinity, Number.NaN].some(isBeyondF32)).toBe(false);
    expect([3.5e38, -3.5e38, Number.MAX_VALUE].every(isBeyondF32)).toBe(true);
  });
});
