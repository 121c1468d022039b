import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexOfByte } from "../../../src/index.ts";
import { poisoned } from "../../support/chunks.ts";

describe("indexOfByte", () => {
  it("finds the same as a plain loop, only within its span", () => {
    const spans = fc.tuple(fc.nat(120), fc.nat(120), fc.array(fc.nat(119), { maxLength: 4 }));
    fc.assert(
      fc.property(spans, ([a, b, hits]) => {
        const [from, end] = a < b ? [a, b] : [b, a];
        const bytes = poisoned(new Uint8Array(120), 0x0a);
        for (const at of hits) bytes[at] = 0x0a;
        let expected = -1;
        for (let at = end - 1; at >= from; at--) if (bytes[at] === 0x0a) expected = at;
        expect(indexOfByte(bytes, 0x0a, from, end)).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  // A loop searches a short range, the runtime the rest: tries each place around the boundary.
  it.each([0, 1, 31, 32, 33, 99])("finds a byte at %s", (at) => {
    const bytes = new Uint8Array(100);
    bytes[at] = 7;
    expect(indexOfByte(bytes, 7, 0, 100)).toBe(at);
    expect(indexOfByte(bytes, 7, at, 100)).toBe(at);
    expect(indexOfByte(bytes, 7, 0, at)).toBe(-1);
    expect(indexOfByte(bytes, 7, at + 1, 100)).toBe(-1);
  });

  it("finds nothing in nothing", () => {
    expect(indexOfByte(new Uint8Array(0), 0, 0, 0)).toBe(-1);
    expect(indexOfByte(Uint8Array.of(7), 7, 1, 1)).toBe(-1);
    expect(indexOfByte(Uint8Array.of(7, 7), 7, 2, 1)).toBe(-1);
  });
});
