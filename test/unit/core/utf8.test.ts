import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { decodePlain, encodePlain, encodeUtf8Into } from "../../../src/core/utf8.ts";
import { decodeUtf8 } from "../../../src/index.ts";
import { failureOf, poisoned } from "../../support/chunks.ts";
import { hostileUtf8, plausibleText } from "../../support/text.ts";

// The oracle is the runtime's own TextDecoder, which follows the WHATWG encoding standard.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

function oracle(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Index of the first byte that is not UTF-8: exactly the bytes before it decode without replacements. */
function firstBadByte(bytes: Uint8Array): number {
  // The longest prefix of complete characters.
  for (let end = bytes.length; ; end--) {
    if (oracle(bytes.subarray(0, end)) !== undefined) return end;
  }
}

/** The same code, loaded without these globals: each runtime uses another implementation. */
async function without(...globals: readonly string[]) {
  vi.resetModules();
  for (const name of globals) vi.stubGlobal(name, undefined);
  const module = await import("../../../src/core/utf8.ts");
  vi.unstubAllGlobals();
  vi.resetModules();
  return module;
}
const browser = await without("Buffer");
const bare = await without("Buffer", "TextDecoder", "TextEncoder");

type Decode = (bytes: Uint8Array, start: number, end: number) => string;
const decoders: readonly (readonly [string, Decode])[] = [
  ["decodeUtf8", decodeUtf8],
  ["decodeUtf8 in a browser", browser.decodeUtf8],
  ["decodeUtf8 in a bare runtime", bare.decodeUtf8],
  ["decodePlain", decodePlain],
];

describe.each(decoders)("%s", (_, decode) => {
  it("agrees with the runtime on any bytes, and reports the first byte that is not UTF-8", () => {
    fc.assert(
      fc.property(hostileUtf8(), fc.nat(5), (span, before) => {
        const bytes = poisoned(
          new Uint8Array([...new Uint8Array(before).fill(0x80), ...span, 0x80]),
        );
        const end = before + span.length;
        const expected = oracle(span);
        if (expected !== undefined) {
          expect(decode(bytes, before, end)).toBe(expected);
        } else {
          const failure = failureOf(() => decode(bytes, before, end));
          expect(failure).toMatchObject({
            code: "malformed",
            offset: before + firstBadByte(span),
          });
        }
      }),
      { numRuns: 400 },
    );
  });

  it("sees a byte that is not ASCII at every place of every short length", () => {
    for (let length = 1; length <= 28; length++) {
      for (let at = 0; at < length; at++) {
        const bytes = new Uint8Array(length).fill(0x61);
        bytes[at] = 0xff;
        const failure = failureOf(() => decode(bytes, 0, length));
        expect(failure).toMatchObject({ code: "malformed", offset: at });
      }
    }
  });

  it("returns text unchanged", () => {
    fc.assert(
      fc.property(plausibleText(), (text) => {
        const bytes = new TextEncoder().encode(text);
        expect(decode(bytes, 0, bytes.length)).toBe(text);
      }),
    );
  });

  // Each row: the fault, the index of the wrong byte, and the bytes.
  it.each([
    ["a continuation without a beginning", [0x80], 0],
    ["c0: overlong", [0xc0, 0x80], 0],
    ["c1: overlong", [0xc1, 0xbf], 0],
    ["e0 9f: overlong", [0xe0, 0x9f, 0xbf], 0],
    ["f0 8f: overlong", [0xf0, 0x8f, 0xbf, 0xbf], 0],
    ["ed a0: a high surrogate", [0xed, 0xa0, 0x80], 0],
    ["ed bf: a low surrogate", [0xed, 0xbf, 0xbf], 0],
    ["a surrogate pair as CESU-8", [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], 0],
    ["f4 90: above U+10FFFF", [0xf4, 0x90, 0x80, 0x80], 0],
    ["f5: above U+10FFFF", [0xf5, 0x80, 0x80, 0x80], 0],
    ["fe", [0x61, 0xfe], 1],
    ["ff", [0x61, 0x62, 0xff], 2],
    ["two bytes, cut", [0x61, 0xc3], 1],
    ["three bytes, cut after one", [0xe2], 0],
    ["three bytes, cut after two", [0xe2, 0x82], 0],
    ["four bytes, cut after three", [0x61, 0xf0, 0x9f, 0x98], 1],
    ["two bytes, interrupted", [0xc3, 0x61], 0],
    ["three bytes, interrupted", [0xe2, 0x82, 0x61], 0],
    ["four bytes, interrupted", [0xf0, 0x9f, 0x98, 0xc3], 0],
  ])("refuses %s", (_, bad, at) => {
    // Short and long text use different implementations.
    for (const before of [0, 100]) {
      const bytes = Uint8Array.from([...new Uint8Array(before).fill(0x61), ...bad]);
      const failure = failureOf(() => decode(bytes, 0, bytes.length));
      expect(failure).toMatchObject({ code: "malformed", offset: before + at });
      expect(failure?.message).toContain(`0x${bad[at]!.toString(16)}`);
      expect(lenient.decode(bytes)).toContain("\ufffd");
    }
  });

  it.each([
    ["the least and the most of each length", "\0\x7f\x80\u07ff\u0800\uffff\u{10000}\u{10ffff}"],
    ["the neighbours of the surrogates", "\ud7ff\ue000"],
    ["a byte order mark, which is data", "\ufeffabc"],
    ["a replacement character, which is a character", "\ufffd"],
    ["nothing", ""],
  ])("reads %s", (_, text) => {
    for (const long of [text, text.repeat(40)]) {
      const bytes = new TextEncoder().encode(long);
      expect(decode(bytes, 0, bytes.length)).toBe(long);
    }
  });

  it("reads text longer than the arguments of one call may be", () => {
    const text = "aé€😀".repeat(60_000);
    const bytes = new TextEncoder().encode(text);
    expect(decode(bytes, 0, bytes.length) === text).toBe(true);
  });
});

describe("decodeUtf8", () => {
  it("reads all bytes without a span", () => {
    expect(decodeUtf8(Uint8Array.of(0x68, 0x69))).toBe("hi");
    expect(decodeUtf8(Uint8Array.of(0x68, 0x69), 1)).toBe("i");
  });
});

type Encode = (text: string, into: Uint8Array, at: number) => number;
const encoders: readonly (readonly [string, Encode])[] = [
  ["encodeUtf8Into", encodeUtf8Into],
  ["encodeUtf8Into in a browser", browser.encodeUtf8Into],
  ["encodeUtf8Into in a bare runtime", bare.encodeUtf8Into],
  ["encodePlain", encodePlain],
];

describe.each(encoders)("%s", (_, encode) => {
  it("agrees with the runtime on any well-formed text, and writes nothing around it", () => {
    fc.assert(
      fc.property(plausibleText(), fc.nat(5), (text, at) => {
        const into = new Uint8Array(at + 3 * text.length + 4).fill(0xee);
        const end = encode(text, into, at);
        const expected = new TextEncoder().encode(text);
        expect(into.slice(at, end)).toEqual(expected);
        expect(into.slice(0, at).every((byte) => byte === 0xee)).toBe(true);
        expect(into.slice(end).every((byte) => byte === 0xee)).toBe(true);
      }),
    );
  });

  it("refuses lone surrogates, and only them", () => {
    // Any sequence of UTF-16 units, surrogates being frequent.
    const unit = fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff }));
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 60, size: "max" }), (units) => {
        const text = String.fromCharCode(...units);
        const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.exec(
          text,
        );
        const failure = failureOf(() => encode(text, new Uint8Array(3 * text.length), 0));
        if (lone === null) {
          expect(failure).toBeUndefined();
        } else {
          expect(failure).toMatchObject({ code: "unencodable", offset: undefined });
          const where = `lone surrogate at index ${lone.index} of ${text.length}`;
          expect(failure?.message).toContain(where);
        }
      }),
      { numRuns: 300 },
    );
  });
});
