import { describe, expect, it } from "vitest";
import { costOf } from "../../../src/core/connection/value-cost.ts";

// About what V8 takes: an object, each entry of an array or object, and a view.
const OBJECT = 56;
const ENTRY = 16;
const VIEW = 104;

describe("the cost of values", () => {
  it.each<[string, unknown[], number]>([
    ["no values", [], 0],
    ["numbers and the like", [1, true, null, undefined, 5n], 5 * ENTRY],
    ["strings", ["", "abc"], 2 * ENTRY + 2 * ENTRY + 3],
    ["an object", [{ a: 1, b: "xy" }], ENTRY + OBJECT + 2 * ENTRY + (ENTRY + 2)],
    ["an array", [[1, [2]]], ENTRY + OBJECT + 2 * ENTRY + OBJECT + ENTRY],
    ["a view", [new Uint8Array(1000)], ENTRY + VIEW + 1000],
    ["a part of an array", [new Uint8Array(1000).subarray(1, 2)], ENTRY + VIEW + 1000],
    ["two arrays", [new Uint8Array(10), new Uint8Array(20)], 2 * (ENTRY + VIEW) + 30],
  ])("of %s", (_, values, cost) => {
    expect(costOf(values)).toBe(cost);
  });

  it("counts memory that views share once, if they are adjacent", () => {
    const all = new Uint8Array(1000);
    const parts = [all.subarray(0, 10), all.subarray(10, 20), all.subarray(20)];
    expect(costOf(parts)).toBe(3 * (ENTRY + VIEW) + 1000);
  });

  it("ends at a depth of 16 objects", () => {
    let nested: unknown = "deep";
    for (let i = 0; i < 16; i++) nested = [nested];
    // The string in the sixteenth array counts, an array in its place does not.
    expect(costOf([nested])).toBe(ENTRY + 16 * (OBJECT + ENTRY) + ENTRY + 4);
    expect(costOf([[nested]])).toBe(ENTRY + 16 * (OBJECT + ENTRY));
  });

  it("assumes that values after 20 000 are similar", () => {
    const many = (count: number): string[] => Array.from({ length: count }, () => "abcd");
    expect(costOf(many(20_000))).toBe(20_000 * (2 * ENTRY + 4));
    expect(costOf(many(50_000))).toBe(50_000 * (2 * ENTRY + 4));
    // One object after many strings is not seen, and costs as much as one of them.
    expect(costOf([...many(20_000), { a: 1 }])).toBe(20_001 * (2 * ENTRY + 4));
    expect(costOf([...many(19_999), { a: 1 }])).toBe(
      19_999 * (2 * ENTRY + 4) + ENTRY + OBJECT + ENTRY,
    );
  });

  it("does not multiply memory that is shared by all", () => {
    const all = new Uint8Array(1_000_000);
    const views = Array.from({ length: 40_000 }, () => all.subarray(0, 1));
    expect(costOf(views)).toBe(40_000 * (ENTRY + VIEW) + 1_000_000);
  });

  it("of one large object ends after 20 000 fields", () => {
    const names = Array.from({ length: 30_000 }, (_, i) => [`f${i}`, "x"]);
    const cost = costOf([Object.fromEntries(names)]);
    expect(cost).toBe(ENTRY + OBJECT + 30_000 * ENTRY + 19_999 * (ENTRY + 1));
  });

  it("of what throws when it is looked at is that of an object", () => {
    const throwing = {
      a: "counted",
      get b(): never {
        throw new Error("trap");
      },
      c: "not counted",
    };
    expect(costOf([throwing])).toBe(ENTRY + OBJECT + 3 * ENTRY + ENTRY + 7);
  });
});
