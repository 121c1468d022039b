import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { newScan } from "../../../src/core/index.ts";
import {
  decodeAll,
  decodeFrame,
  delimited,
  encodeFrame,
  type Protocol,
  raw,
  utf8,
} from "../../../src/index.ts";
import { ascii, failureOf, poisoned, text } from "../../support/chunks.ts";

/** Few letters, so that delimiters are found, overlap themselves and each other. */
const word = (min: number, max: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: min, maxLength: max, size: "max" });

const hasNoPrefix = (delimiters: readonly string[]): boolean =>
  delimiters.every((a, i) => delimiters.every((b, j) => i === j || !b.startsWith(a)));

const sets: fc.Arbitrary<string[]> = fc
  .array(word(1, 5), { minLength: 1, maxLength: 4 })
  .filter(hasNoPrefix);

/** End of the first delimiter, found by a slow search. */
function firstEnd(stream: string, delimiters: readonly string[]): number {
  for (let end = 1; end <= stream.length; end++) {
    if (delimiters.some((one) => stream.slice(0, end).endsWith(one))) return end;
  }
  return 0;
}

/** The payload before it: the longest delimiter that ends there is removed. */
function payload(frame: string, delimiters: readonly string[]): string {
  const cut = delimiters.filter((one) => frame.endsWith(one)).map((one) => one.length);
  return frame.slice(0, frame.length - Math.max(...cut));
}

describe("delimited", () => {
  it("ends a frame at the first end of a delimiter, wherever an earlier call stopped", () => {
    fc.assert(
      fc.property(sets, word(0, 40), word(0, 3), fc.nat(), (delimiters, stream, before, stop) => {
        const framing = delimited(delimiters);
        const bytes = poisoned(ascii(before + stream), 0x61);
        const [start, end] = [before.length, before.length + stream.length];
        const expected = firstEnd(stream, delimiters);
        expect(framing.measure(bytes, start, end, newScan())).toBe(expected);
        // As many bytes as an earlier call can have searched without a result.
        const most = expected === 0 ? stream.length : expected - 1;
        const scan = newScan();
        const shown = stop % (most + 1);
        if (shown > 0) expect(framing.measure(bytes, start, start + shown, scan)).toBe(0);
        expect(framing.measure(bytes, start, end, scan)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("cuts off the longest delimiter that ends there", () => {
    fc.assert(
      fc.property(sets, word(0, 20), (delimiters, body) => {
        const stream = body + delimiters[0];
        const frame = stream.slice(0, firstEnd(stream, delimiters));
        const protocol = delimited(delimiters).wrap(utf8());
        const value = payload(frame, delimiters);
        const wire = value + delimiters[0];
        const isReadBack =
          firstEnd(wire, delimiters) === wire.length && payload(wire, delimiters) === value;
        // A first delimiter that contains another one cannot be written after anything: such a set is only
        // for reading.
        const canWrite = firstEnd(delimiters[0]!, delimiters) === delimiters[0]!.length;
        if (isReadBack) expect(decodeFrame(protocol, ascii(frame))).toBe(value);
        else if (canWrite) {
          expect(failureOf(() => decodeFrame(protocol, ascii(frame)))?.code).toBe("malformed");
        }
      }),
      { numRuns: 300 },
    );
  });

  it("writes exactly the payloads that are read back", () => {
    const seen = { written: 0, refused: 0 };
    fc.assert(
      fc.property(sets, word(0, 12), (delimiters, body) => {
        const protocol = delimited(delimiters).wrap(utf8());
        const wire = body + delimiters[0];
        const isReadBack =
          firstEnd(wire, delimiters) === wire.length && payload(wire, delimiters) === body;
        if (isReadBack) {
          seen.written++;
          const frame = encodeFrame(protocol, body);
          expect(text(frame)).toBe(wire);
          expect(decodeAll(protocol, frame)).toEqual([body]);
        } else {
          seen.refused++;
          const failure = failureOf(() => encodeFrame(protocol, body));
          const end = firstEnd(wire, delimiters);
          const message =
            end <= body.length
              ? `the payload of ${body.length} bytes holds a delimiter`
              : `the end of the payload of ${body.length} bytes would become part of the delimiter`;
          expect(failure).toEqual({ code: "unencodable", offset: undefined, message });
        }
      }),
      { numRuns: 500 },
    );
    expect(Math.min(seen.written, seen.refused)).toBeGreaterThan(50);
  });

  it.each<[string, string, string[]]>([
    ["holds the delimiter", "a\nb", ["\n"]],
    ["is the delimiter", "\n", ["\n"]],
    ["ends in its first half", "a", ["aa"]],
    ["ends in a part of it that becomes one with it", "xab", ["abab"]],
    ["holds another delimiter", "a\r\nb", ["\0", "\r\n"]],
    ["ends in the front of a longer delimiter", "a\r", ["\n", "\r\n"]],
  ])("refuses a payload that %s", (_, body, delimiters) => {
    const protocol = delimited(delimiters).wrap(utf8());
    expect(failureOf(() => encodeFrame(protocol, body))).toMatchObject({ code: "unencodable" });
  });

  it("takes text as UTF-8, or bytes, or several of both", () => {
    const protocol = delimited(["€", Uint8Array.of(0xff, 0xfe), "|"]).wrap(raw());
    const wire = Uint8Array.of(1, 0xe2, 0x82, 0xac, 2, 0xff, 0xfe, 3, 0x7c);
    expect(decodeAll(protocol, wire).map((value) => [...value])).toEqual([[1], [2], [3]]);
    expect([...encodeFrame(protocol, Uint8Array.of(9))]).toEqual([9, 0xe2, 0x82, 0xac]);
  });

  it("writes the first one", () => {
    const protocol = delimited(["; ", "\n"]).wrap(utf8());
    expect(text(encodeFrame(protocol, "a"))).toBe("a; ");
  });

  it("keeps its delimiter, whatever happens to the caller's array", () => {
    const delimiter = ascii("\n");
    const protocol = delimited(delimiter).wrap(utf8());
    delimiter.fill(0);
    expect(text(encodeFrame(protocol, "a"))).toBe("a\n");
  });

  it.each<[string, string | Uint8Array | (string | Uint8Array)[], string]>([
    ["none", [], "delimited: no delimiter given"],
    ["an empty text", "", "delimited: delimiter 0 is empty"],
    ["empty bytes", new Uint8Array(0), "delimited: delimiter 0 is empty"],
    ["an empty one among others", ["\n", ""], "delimiter 1 is empty"],
    ["one twice", ["\n", "\n"], "delimiter 0 begins delimiter 1"],
    ["one that begins another", ["ab", "a"], "delimiter 1 begins delimiter 0"],
    ["one that begins another, as bytes", ["\r", ascii("\r\n")], "delimiter 0 begins delimiter 1"],
  ])("refuses %s", (_, delimiters, message) => {
    expect(() => delimited(delimiters)).toThrow(RangeError);
    expect(() => delimited(delimiters)).toThrow(message);
  });

  it("refuses a delimiter that has no UTF-8", () => {
    expect(failureOf(() => delimited("\ud800"))).toMatchObject({ code: "unencodable" });
  });

  it("refuses a limit that has no room for the delimiter", () => {
    expect(() => delimited("abc", { maxFrame: 2 })).toThrow(RangeError);
    const protocol = delimited("abc", { maxFrame: 3 }).wrap(utf8());
    expect(text(encodeFrame(protocol, ""))).toBe("abc");
    expect(failureOf(() => encodeFrame(protocol, "x"))).toMatchObject({ code: "unencodable" });
  });

  it("rejects a frame without a delimiter as malformed, which only a wrong caller can pass", () => {
    const protocol = delimited("\n").wrap(utf8());
    const failure = failureOf(() => protocol.decode(ascii("ab"), 0, 2));
    const message = "frame of 2 bytes does not end in a delimiter";
    expect(failure).toEqual({ code: "malformed", offset: 2, message });
  });

  it("never takes bytes before its frame for a part of the delimiter", () => {
    const protocol = delimited(["\n", "\r\n"]).wrap(utf8());
    expect(protocol.decode(ascii("\r\n"), 1, 2)).toBe("");
  });

  it("is text if the payload and all delimiters are", () => {
    expect(delimited("\n").wrap(utf8()).text).toBe(true);
    expect(delimited(["\n", ascii("\0")]).wrap(utf8()).text).toBe(false);
    expect(delimited("\n").wrap(raw()).text).toBe(false);
    expect(delimited("\n").wrap(utf8()).name).toBe("delimited");
    expectTypeOf(delimited("\n").wrap(utf8())).toEqualTypeOf<Protocol<string>>();
  });

  it("refuses unknown options", () => {
    expect(() => delimited("\n", { skipEmpty: true } as object)).toThrow(
      /"skipEmpty"; use maxFrame/,
    );
  });

  it("tells its layout", () => {
    const payload = { name: "payload", kind: "payload", size: "rest" };
    const one = { name: "delimiter", kind: "delimiter", size: 1, bytes: ascii("|") };
    expect(delimited("|").layout).toEqual([payload, one]);
    const several = {
      name: "delimiter",
      kind: "delimiter",
      size: 2,
      oneOf: [ascii("\r\n"), ascii("\n")],
    };
    expect(delimited(["\r\n", "\n"]).layout).toEqual([payload, several]);
  });
});
