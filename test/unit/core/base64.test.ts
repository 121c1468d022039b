import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { base64Values, fromBase64, toBase64 } from "../../../src/core/base64.ts";

describe("base64", () => {
  it("is that of Node, for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64");
        expect(toBase64(bytes)).toBe(text);
        expect(fromBase64(text)).toEqual(bytes);
      }),
    );
  });

  // RFC 4648, section 10.
  it.each([
    ["", ""],
    ["f", "Zg=="],
    ["fo", "Zm8="],
    ["foo", "Zm9v"],
    ["foob", "Zm9vYg=="],
    ["fooba", "Zm9vYmE="],
    ["foobar", "Zm9vYmFy"],
  ])("writes %j as %j, and reads it back", (plain, text) => {
    const bytes = Uint8Array.from(plain, (character) => character.charCodeAt(0));
    expect(toBase64(bytes)).toBe(text);
    expect(fromBase64(text)).toEqual(bytes);
  });

  it.each([
    "Z",
    "Zm9",
    "Zm9vY",
    "Zg=",
    "====",
    "Z===",
    "=Zg=",
    "Zm-_",
    "Zm9v\n",
    "Zm9é",
    "Zm9\u0141",
  ])("does not read %j", (text) => {
    expect(fromBase64(text)).toBeUndefined();
  });

  it("has 64 values, and 64 in place of a value for every other character below 128", () => {
    const counts = Array.from({ length: 65 }, (_, value) =>
      base64Values.filter((v) => v === value),
    );
    expect(base64Values).toHaveLength(128);
    expect(counts.map(({ length }) => length)).toEqual([...new Array(64).fill(1), 64]);
  });
});
