import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAll, decodeFrame, encodeFrame, netstring, raw, utf8 } from "../../../src/index.ts";
import { ascii, failureOf, readAll, text } from "../../support/chunks.ts";

const protocol = netstring().wrap(utf8());

describe("netstring", () => {
  it.each([
    ["hello", "5:hello,"],
    ["", "0:,"],
    [",", "1:,,"],
    ["5:hello,", "8:5:hello,,"],
    ["x".repeat(10), `10:${"x".repeat(10)},`],
    ["x".repeat(123), `123:${"x".repeat(123)},`],
  ])("%j is %j", (value, wire) => {
    expect(text(encodeFrame(protocol, value))).toBe(wire);
    expect(decodeFrame(protocol, ascii(wire))).toBe(value);
  });

  it("returns any bytes unchanged", () => {
    const bytes = netstring().wrap(raw());
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300, size: "max" })), (values) => {
        const wire = values.map((value) => encodeFrame(bytes, value));
        const found = wire.flatMap((frame) => decodeAll(bytes, frame));
        expect(found).toEqual(values);
      }),
      { numRuns: 30 },
    );
  });

  it.each<[string, string, number, string]>([
    ["no digit", ":,", 0, "byte 58 at digit 0"],
    ["no digit, but a letter", "a:,", 0, "byte 97 at digit 0"],
    ["a leading zero", "00:,", 1, "byte 48 at digit 1"],
    ["a leading zero before a length", "05:hello,", 1, "byte 53 at digit 1"],
    ["a sign", "+5:hello,", 0, "byte 43 at digit 0"],
    ["a space", "5 :hello,", 1, "byte 32 at digit 1"],
    ["a hexadecimal digit", "1a:", 1, "byte 97 at digit 1"],
    ["a digit's neighbour below", "1/:", 1, "byte 47 at digit 1"],
    ["a semicolon", "1;a,", 1, "byte 59 at digit 1"],
    ["another byte than a comma at the end", "2:abc", 4, "ends in byte 99, not in 44"],
    ["a line end behind the comma", "1:a,\n", 4, "byte 10 at digit 0"],
  ])("calls %s malformed", (_, wire, offset, message) => {
    const failure = failureOf(() => decodeAll(protocol, ascii(wire)));
    expect(failure).toMatchObject({ code: "malformed", offset });
    expect(failure?.message).toContain(message);
  });

  it("keeps its limit exactly, length, colon and comma included", () => {
    const short = netstring({ maxFrame: 6 }).wrap(utf8());
    expect(text(encodeFrame(short, "abc"))).toBe("3:abc,");
    expect(decodeAll(short, ascii("3:abc,"))).toEqual(["abc"]);
    expect(failureOf(() => encodeFrame(short, "abcd"))).toMatchObject({ code: "unencodable" });
    expect(failureOf(() => decodeAll(short, ascii("4:abcd,")))).toMatchObject({
      code: "too-long",
      message: "frame of 7 bytes exceeds maxFrame 6",
    });
  });

  it("tells a length above the limit once its colon is here, however it is cut", () => {
    const framing = netstring({ maxFrame: 500 });
    const expected = {
      code: "too-long",
      offset: 3,
      message: "frame of 10000008 bytes exceeds maxFrame 500",
    };
    expect(readAll(framing, [ascii("0:,9999999:")]).failure).toEqual(expected);
    expect(readAll(framing, [..."0:,9999999:"].map(ascii)).failure).toEqual(expected);
    expect(readAll(framing, ["0:,", "9", "9"].map(ascii)).failure?.code).toBe("truncated");
  });

  it("never loses a digit, nor runs on, for lengths without end", () => {
    for (const cut of [1, 5000]) {
      const wire = Array.from({ length: 5000 / cut }, () => ascii("9".repeat(cut)));
      expect(readAll(netstring(), wire).failure).toEqual({
        code: "too-long",
        offset: 0,
        message: "length of more than 15 digits",
      });
    }
    expect(readAll(netstring(), [ascii("0".repeat(5000))]).failure?.offset).toBe(1);
  });

  it("tells its layout", () => {
    expect(netstring().layout).toEqual([
      { name: "length", kind: "length", size: "digits", add: 2 },
      { name: "delimiter", kind: "delimiter", size: 1, bytes: ascii(":") },
      { name: "payload", kind: "payload", size: "rest" },
      { name: "trailer", kind: "trailer", size: 1, bytes: ascii(",") },
    ]);
  });

  it("is refused with a limit that has no room for 0:,", () => {
    for (const maxFrame of [2, 0, -1, 3.5])
      expect(() => netstring({ maxFrame })).toThrow(RangeError);
    expect(text(encodeFrame(netstring({ maxFrame: 3 }).wrap(utf8()), ""))).toBe("0:,");
  });

  it("is text if the payload is", () => {
    expect(protocol.text).toBe(true);
    expect(netstring().wrap(raw()).text).toBe(false);
    expect(protocol.name).toBe("netstring");
  });
});
