import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newScan } from "../../../src/core/index.ts";
import {
  decodeAll,
  decodeFrame,
  encodeFrame,
  Output,
  raw,
  utf8,
  varintPrefixed,
} from "../../../src/index.ts";
import { ascii, failureOf, poisoned, text } from "../../support/chunks.ts";

const protocol = varintPrefixed().wrap(utf8());

/** The varint of `value` in exactly `width` bytes: overlong if fewer are enough. */
function overlong(value: number, width: number): number[] {
  return Array.from({ length: width }, (_, i) => {
    const digit = Math.floor(value / 128 ** i) % 128;
    return i < width - 1 ? digit | 0x80 : digit;
  });
}

describe("varintPrefixed", () => {
  it.each([
    [0, "00"],
    [1, "01"],
    [127, "7f"],
    [128, "80 01"],
    [300, "ac 02"],
    [16_383, "ff 7f"],
    [16_384, "80 80 01"],
    [1024 * 1024 - 3, "fd ff 3f"],
  ])("writes the length %s as %s", (length, header) => {
    const frame = encodeFrame(varintPrefixed().wrap(raw()), new Uint8Array(length));
    const width = header.split(" ").length;
    const digits = Array.from(frame.subarray(0, width), (byte) =>
      byte.toString(16).padStart(2, "0"),
    );
    expect(digits.join(" ")).toBe(header);
    expect(frame).toHaveLength(width + length);
    expect(decodeFrame(varintPrefixed().wrap(raw()), frame)).toHaveLength(length);
  });

  it("writes the length as Output.varint does, followed by the body", () => {
    fc.assert(
      fc.property(fc.nat(70_000), (length) => {
        const body = new Uint8Array(length);
        const expected = new Output().varint(length).bytes(body).take();
        expect(encodeFrame(varintPrefixed().wrap(raw()), body)).toHaveLength(expected.length);
        const frame = encodeFrame(varintPrefixed().wrap(raw()), body);
        expect(frame.subarray(0, 4)).toEqual(expected.subarray(0, 4));
      }),
      { numRuns: 50 },
    );
  });

  it("reads overlong lengths of up to five bytes, and counts the bytes received", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.integer({ min: 2, max: 5 }), (length, width) => {
        const header = overlong(length, width);
        const bytes = poisoned(Uint8Array.from(header));
        expect(varintPrefixed().measure(bytes, 0, width, newScan())).toBe(width + length);
        for (let i = 1; i < width; i++)
          expect(varintPrefixed().measure(bytes, 0, i, newScan())).toBe(0);
      }),
    );
    // Counting the bytes of the shortest form would begin the second frame too early.
    expect(decodeAll(protocol, ascii("\x82\0ab\x80\x80\x80\x80\0\x01c"))).toEqual(["ab", "", "c"]);
  });

  it.each<[string, number[], string]>([
    ["a sixth byte", [0x80, 0x80, 0x80, 0x80, 0x80], "length of more than 5 bytes"],
    ["2^32", [0x80, 0x80, 0x80, 0x80, 0x10], "length 4294967296 exceeds 4294967295"],
    ["2^35-1", [0xff, 0xff, 0xff, 0xff, 0x7f], "length 34359738367 exceeds 4294967295"],
  ])("calls %s malformed, as soon as it is here", (_, wire, message) => {
    const bytes = Uint8Array.from([0, ...wire]);
    const failure = failureOf(() => varintPrefixed().measure(bytes, 1, bytes.length, newScan()));
    expect(failure).toEqual({ code: "malformed", offset: 1, message });
    expect(varintPrefixed().measure(bytes, 1, bytes.length - 1, newScan())).toBe(0);
  });

  it("supports lengths up to 2^32-1, if the limit allows", () => {
    const framing = varintPrefixed({ maxFrame: 2 ** 33 });
    expect(framing.maxFrame).toBe(2 ** 32 - 1 + 5);
    const wire = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f);
    expect(framing.measure(wire, 0, 5, newScan())).toBe(2 ** 32 - 1 + 5);
    expect(failureOf(() => decodeAll(protocol, wire))).toMatchObject({ code: "too-long" });
  });

  it("refuses a body above 2^32-1, simulated by an output with a false length", () => {
    const lengths = [0, 2 ** 32];
    const out = new Output();
    Object.defineProperty(out, "length", { get: () => lengths.shift() });
    const nothing = { decode: () => {}, encode: () => {} };
    const write = () =>
      varintPrefixed({ maxFrame: 2 ** 33 })
        .wrap(nothing)
        .encode(undefined, out);
    expect(failureOf(write)).toMatchObject({
      code: "unencodable",
      message: "body of 4294967296 bytes exceeds 4294967295",
    });
  });

  it("keeps its limit exactly, header included", () => {
    const short = varintPrefixed({ maxFrame: 4 }).wrap(utf8());
    expect(text(encodeFrame(short, "abc"))).toBe("\x03abc");
    expect(failureOf(() => encodeFrame(short, "abcd"))).toMatchObject({ code: "unencodable" });
    expect(decodeAll(short, ascii("\x03abc"))).toEqual(["abc"]);
    expect(failureOf(() => decodeAll(short, ascii("\x04abcd")))).toMatchObject({
      code: "too-long",
      message: "frame of 5 bytes exceeds maxFrame 4",
    });
    // Three bytes of header, two of body.
    expect(failureOf(() => decodeAll(short, ascii("\x82\x80\0ab")))).toMatchObject({
      code: "too-long",
    });
    expect(failureOf(() => decodeAll(short, ascii("\x80\x80\x80\x80\0")))).toMatchObject({
      code: "too-long",
      message: "frame does not end within the 4 bytes of maxFrame",
    });
  });

  it("is refused with an invalid limit", () => {
    for (const maxFrame of [0, -1, 0.5, Infinity]) {
      expect(() => varintPrefixed({ maxFrame })).toThrow(RangeError);
    }
    const least = varintPrefixed({ maxFrame: 1 }).wrap(utf8());
    expect(decodeAll(least, encodeFrame(least, ""))).toEqual([""]);
  });

  it("is no text, and says what it is", () => {
    expect(protocol.text).toBe(false);
    expect(protocol.name).toBe("varint-prefixed");
  });

  it("refuses overlong lengths at once with minimal", () => {
    const minimal = varintPrefixed({ minimal: true }).wrap(utf8());
    expect(decodeFrame(minimal, ascii("\0"))).toBe("");
    expect(decodeFrame(minimal, encodeFrame(minimal, "x".repeat(300)))).toHaveLength(300);
    // Not all of the frame needs to be here.
    for (const header of [
      [0x85, 0x00],
      [0x80, 0x00],
      [0x85, 0x80, 0x80, 0x80, 0x00],
    ]) {
      const bytes = Uint8Array.of(0xff, ...header);
      const failure = failureOf(() => minimal.measure(bytes, 1, bytes.length, newScan()));
      expect(failure).toMatchObject({ code: "malformed", offset: 1 });
      expect(minimal.measure(bytes, 1, bytes.length - 1, newScan())).toBe(0);
    }
  });

  it.each([
    [1, 127],
    [2, 16_383],
    [4, 268_435_455],
    [7, 2 ** 49 - 1],
    [8, Number.MAX_SAFE_INTEGER],
    [10, Number.MAX_SAFE_INTEGER],
  ])("reads lengths of up to %s bytes, up to %s", (maxBytes, most) => {
    const framing = varintPrefixed({ maxBytes, maxFrame: Number.MAX_SAFE_INTEGER });
    const measure = (wire: Uint8Array): number => framing.measure(wire, 0, wire.length, newScan());
    const widest = new Output().varint(most).take();
    expect(measure(widest)).toBe(most + widest.length);
    const longest = Uint8Array.from(overlong(1, maxBytes));
    expect(measure(longest)).toBe(maxBytes + 1);
    for (const wire of [overlong(1, maxBytes + 1), overlong(2 ** 63, 10)]) {
      expect(failureOf(() => measure(Uint8Array.from(wire)))).toMatchObject({ code: "malformed" });
    }
  });

  it("continues where it stopped, byte by byte", () => {
    const framing = varintPrefixed({ offset: 2, maxBytes: 4 });
    const wire = Uint8Array.of(7, 8, 0xff, 0xff, 0x7f);
    const scan = newScan();
    for (let end = 1; end < 5; end++) {
      expect(framing.measure(wire, 0, end, scan)).toBe(0);
      expect(scan.at).toBe(Math.max(end, 2));
    }
    // Bytes already seen are not looked at again.
    wire.fill(0, 0, 4);
    expect(framing.measure(wire, 0, 5, scan)).toBe(2 + 3 + 2 ** 21 - 1);
  });

  it("refuses a wrap that would lose the bytes before the length", () => {
    const framing = varintPrefixed({ offset: 1 });
    expect(() => framing.wrap(raw())).toThrow(TypeError);
    expect(() => framing.wrap(raw())).toThrow(/lose the 1 bytes .*: spread the framing/);
    expect(framing.payloadStart(Uint8Array.of(0x30, 0x81, 0, 5), 0, 4)).toBe(3);
  });

  it("refuses options that are out of range, or that it does not have", () => {
    for (const options of [
      { maxBytes: 0 },
      { maxBytes: 11 },
      { maxBytes: 1.5 },
      { offset: -1 },
      { offset: NaN },
    ]) {
      expect(() => varintPrefixed(options)).toThrow(RangeError);
    }
    expect(() => varintPrefixed({ header: 1 } as object)).toThrow(/no option "header"; use/);
  });

  it("tells its layout", () => {
    const [payload] = [{ name: "payload", kind: "payload", size: "rest" }];
    expect(varintPrefixed().layout).toEqual([
      { name: "length", kind: "length", size: "varint", add: 0 },
      payload,
    ]);
    expect(varintPrefixed({ offset: 1 }).layout).toEqual([
      { name: "header", kind: "header", size: 1 },
      { name: "length", kind: "length", size: "varint", add: 1 },
      payload,
    ]);
  });
});
