import { describe, expect, it } from "vitest";
import { newScan } from "../../../src/core/index.ts";
import { decodeAll, encodeFrame, fixed, raw, utf8 } from "../../../src/index.ts";
import { ascii, failureOf, text } from "../../support/chunks.ts";

const protocol = fixed(3).wrap(utf8());

describe("fixed", () => {
  it("cuts a stream into frames of one size", () => {
    expect(text(encodeFrame(protocol, "abc"))).toBe("abc");
    expect(decodeAll(protocol, ascii("abcdefghi"))).toEqual(["abc", "def", "ghi"]);
    expect(fixed(3).maxFrame).toBe(3);
    expect(fixed(3).measure(ascii("a"), 0, 1, newScan())).toBe(3);
  });

  it.each([
    ["", "frame of 0 bytes is not one of 3"],
    ["ab", "frame of 2 bytes is not one of 3"],
    ["abcd", "frame of 4 bytes is not one of 3"],
  ])("refuses %j", (value, message) => {
    const failure = failureOf(() => encodeFrame(protocol, value));
    expect(failure).toEqual({ code: "unencodable", offset: undefined, message });
  });

  it("reports how much of the last frame is missing", () => {
    expect(failureOf(() => decodeAll(protocol, ascii("abcde")))).toEqual({
      code: "truncated",
      offset: 3,
      message: "input ends after 2 bytes of a frame of 3 bytes",
    });
  });

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 53, "3", undefined])("refuses the size %s", (size) => {
    expect(() => fixed(size as number)).toThrow(RangeError);
    expect(() => fixed(size as number)).toThrow(`not ${size}`);
  });

  it("may be larger than the default limit of other framings", () => {
    const size = 2 * 1024 * 1024;
    const large = fixed(size).wrap(raw());
    expect(encodeFrame(large, new Uint8Array(size))).toHaveLength(size);
  });

  it("is no text, and says what it is", () => {
    expect(protocol.text).toBe(false);
    expect(protocol.name).toBe("fixed 3");
  });
});
