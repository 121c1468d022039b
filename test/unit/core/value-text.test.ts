import { describe, expect, it } from "vitest";
import { hexOf, parseValue, valueText } from "../../../src/core/value-text.ts";

describe("the text of a value", () => {
  it.each<[unknown, string]>([
    [null, "null"],
    [undefined, "null"],
    [1.5, "1.5"],
    ["é", '"é"'],
    [true, "true"],
    [[1, [2]], "[1,[2]]"],
    [{ a: { b: 1 } }, '{"a":{"b":1}}'],
    [Uint8Array.of(0x0a, 0xff), '{"$bytes":"0aff"}'],
    [-(2n ** 64n), '{"$int":"-18446744073709551616"}'],
    [Number.NaN, '{"$number":"NaN"}'],
    [-Infinity, '{"$number":"-Infinity"}'],
    [new Map<unknown, unknown>([[1n, new Set([2])]]), '{"$map":[[{"$int":"1"},{"$set":[2]}]]}'],
    [new Set([Uint8Array.of(1)]), '{"$set":[{"$bytes":"01"}]}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [{ toJSON: 1 }, '{"toJSON":1}'],
    [{ error: new RangeError("no") }, '{"error":{"$error":"no"}}'],
  ])("is one line of JSON: %#", (value, text) => {
    expect(valueText(value)).toBe(text);
  });

  it("shows a cycle, but repeats what is only used twice", () => {
    const twice = { a: 1 };
    const value: Record<string, unknown> = { one: twice, two: [twice] };
    value.self = value;
    expect(valueText(value)).toBe('{"one":{"a":1},"two":[{"a":1}],"self":"[circular]"}');
  });
});

describe("the value of a text", () => {
  it.each<[unknown]>([
    [Uint8Array.of(0, 16, 255)],
    [[1n, -5n]],
    [{ a: Number.NaN, b: [Infinity, -Infinity] }],
    [new Map<unknown, unknown>([["a", new Map([[1, 2n]])]])],
    [new Set<unknown>([1, "b", new Set([2n])])],
    [{ plain: null, list: [], text: "$bytes" }],
  ])("is the value that was written: %#", (value) => {
    expect(parseValue(valueText(value))).toEqual(value);
  });

  it("may have white space and capitals between hex digits", () => {
    expect(parseValue('{"$bytes":" 0A ff\\n01 "}')).toEqual(Uint8Array.of(0x0a, 0xff, 1));
    expect(parseValue('{"$bytes":""}')).toEqual(new Uint8Array(0));
  });

  it.each(["0", "0g", "zz", "0aff1", "-1"])("refuses $bytes of %j", (hex) => {
    const text = JSON.stringify({ $bytes: hex });
    expect(() => parseValue(text)).toThrow(new SyntaxError("$bytes holds pairs of hex digits"));
  });

  it.each<[object]>([
    [{ $bytes: 1 }],
    [{ $int: 5 }],
    [{ $number: 5 }],
    [{ $map: "a" }],
    [{ $set: "a" }],
    [{ $bytes: "00", more: 1 }],
    [{ $int: "1", more: 1 }],
    [{ $number: "1", more: 1 }],
    [{ $map: [], more: 1 }],
    [{ $set: [], more: 1 }],
    [{ other: "00" }],
    [["00"]],
    [{}],
  ])("leaves %j as it is", (value) => {
    expect(parseValue(JSON.stringify(value))).toEqual(value);
  });
});

describe("hex", () => {
  it("has two digits for each byte", () => {
    expect(hexOf(Uint8Array.of(0, 1, 0x10, 0xff))).toBe("000110ff");
    expect(hexOf(new Uint8Array(0))).toBe("");
  });
});
