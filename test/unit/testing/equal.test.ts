import { describe, expect, it } from "vitest";
import { equal } from "../../../src/testing/index.ts";
import { snapshot } from "../../../src/testing/snapshot.ts";

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}

function loop(depth: number): object {
  const value: { depth: number; self?: object } = { depth };
  value.self = value;
  return value;
}

const bare = (members: object): object => Object.assign(Object.create(null), members);

const alike: readonly (readonly [string, unknown, unknown])[] = [
  ["numbers", 1, 1],
  ["NaN", Number.NaN, Number.NaN],
  ["objects without a prototype", { a: [1] }, bare({ a: [1] })],
  ["instances and plain objects", new Point(1), { x: 1 }],
  ["undefined and missing members", { a: undefined, b: 1 }, { b: 1 }],
  ["members in another order", { a: 1, b: 2 }, { b: 2, a: 1 }],
  ["a Buffer and a Uint8Array", Buffer.from("ab"), Uint8Array.of(97, 98)],
  ["views of different memory", Uint8Array.of(9, 1, 2).subarray(1), Uint8Array.of(1, 2)],
  ["array buffers", Uint8Array.of(1, 2).buffer, Uint8Array.of(1, 2).buffer],
  ["typed arrays", Float64Array.of(0.5), Float64Array.of(0.5)],
  ["dates", new Date(5), new Date(5)],
  ["invalid dates", new Date(Number.NaN), new Date(Number.NaN)],
  ["expressions", /a/g, /a/g],
  ["maps in any order", new Map([[1, { a: 1 }], [2, {}]]), new Map([[2, {}], [1, { a: 1 }]])], // biome-ignore format: a table
  ["sets in any order", new Set([1, 2]), new Set([2, 1])],
  ["cycles", loop(1), loop(1)],
  ["errors", new Error("a"), new Error("a")],
  ["own members named __proto__", JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}')],
];

const different: readonly (readonly [string, unknown, unknown])[] = [
  ["0 and -0", 0, -0],
  ["1 and 1n", 1, 1n],
  ["1 and '1'", 1, "1"],
  ["null and undefined", null, undefined],
  ["null and an object", null, {}],
  ["an array and an object", [1], { 0: 1 }],
  ["an object and an array", { length: 0 }, []],
  ["arrays of other lengths", [1], [1, 2]],
  ["a member more", { a: 1 }, { a: 1, b: 2 }],
  ["a member less", { a: 1, b: 2 }, { a: 1 }],
  ["symbol members", { [Symbol.iterator]: 1 }, {}],
  ["bytes", Uint8Array.of(1), Uint8Array.of(2)],
  ["bytes of other lengths", Uint8Array.of(1), Uint8Array.of(1, 0)],
  ["bytes and an array", Uint8Array.of(1), [1]],
  ["kinds of typed arrays", Uint8Array.of(1), Int8Array.of(1)],
  ["an array buffer and bytes", new ArrayBuffer(1), new Uint8Array(1)],
  ["an array buffer and an object", new ArrayBuffer(0), {}],
  ["dates", new Date(1), new Date(2)],
  ["a date and an object", new Date(1), {}],
  ["an object and an expression", {}, /a/],
  ["maps", new Map([[1, 2]]), new Map([[1, 3]])],
  ["maps of other sizes", new Map([[1, 2]]), new Map()],
  ["a map and an object", new Map(), {}],
  ["sets", new Set([1]), new Set([2])],
  ["an object and a set", {}, new Set()],
  ["a set and an object", new Set(), {}],
  ["functions", () => 1, () => 1],
  ["errors", new Error("a"), new Error("b")],
  ["cycles", loop(1), loop(2)],
  ["an inherited member and none", { toString: undefined }, { toString: 1 }],
  ["__proto__ as a member", JSON.parse('{"__proto__":1}'), {}],
];

describe("equal", () => {
  it.each(alike)("treats %s as equal", (_, a, b) => {
    expect(equal(a, b)).toBe(true);
    expect(equal(b, a)).toBe(true);
  });

  it.each(different)("treats %s as different", (_, a, b) => {
    expect(equal(a, b)).toBe(false);
    expect(equal(b, a)).toBe(false);
  });
});

describe("snapshot", () => {
  it.each(alike)("of %s is equal to it and does not change", (_, value) => {
    expect(equal(snapshot(value), value)).toBe(true);
  });

  it("shares no memory with the original", () => {
    const value = {
      bytes: Uint8Array.of(1),
      floats: Float64Array.of(1),
      buffer: new ArrayBuffer(1),
      list: [{ a: 1 }],
      map: new Map([["k", { a: 1 }]]),
      set: new Set([{ a: 1 }]),
      date: new Date(1),
    };
    const before = snapshot(value);
    const again = snapshot(value);
    value.bytes[0] = 2;
    value.floats[0] = 2;
    new Uint8Array(value.buffer)[0] = 2;
    value.list[0]!.a = 2;
    value.map.get("k")!.a = 2;
    for (const item of value.set) item.a = 2;
    value.date.setTime(2);
    expect(equal(before, again)).toBe(true);
    for (const key of Object.keys(value) as (keyof typeof value)[]) {
      expect(equal(before[key], value[key]), key).toBe(false);
    }
  });

  it("keeps instances of classes", () => {
    const point = new Point(1);
    expect(snapshot([point])[0]).toBe(point);
  });
});
