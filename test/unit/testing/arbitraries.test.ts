import fc from "fast-check";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { codec, type Field, prefixed, protocolOf, struct, u8 } from "../../../src/fields/index.ts";
import {
  type Codec,
  decodeFrame,
  decodeUtf8,
  encodeFrame,
  json,
  lengthPrefixed,
  Output,
  raw,
} from "../../../src/index.ts";
import type { Command, Packet as PacketOfFastway } from "../../../src/protocols/fastway/index.ts";
import type { Packet as PacketOfGoim } from "../../../src/protocols/goim/index.ts";
import {
  bytes,
  chunks,
  equal,
  type FastwayCommand,
  type FastwayPacket,
  type GoimPacket,
  jsonValues,
  laws,
  lengths,
  mutated,
  text,
  valuesOf,
  vectorsOf,
} from "../../../src/testing/index.ts";

vi.setConfig({ testTimeout: 60_000 });

const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns = 2000): T[] =>
  fc.sample(arbitrary, { numRuns, seed: 7 });

/** The smallest value that fast-check finds which `isBad`. */
function smallest<T>(arbitrary: fc.Arbitrary<T>, isBad: (value: T) => boolean): T {
  const details = fc.check(
    fc.property(arbitrary, (value) => !isBad(value)),
    { seed: 3, numRuns: 5000 },
  );
  expect(details.failed).toBe(true);
  return details.counterexample![0];
}

describe("lengths", () => {
  it("reaches both sides of every boundary within a few hundred runs", () => {
    const made = new Set(sample(lengths({ max: 70_000 })));
    const edges = [128, 256, 16_384, 65_536].flatMap((edge) => [edge - 1, edge, edge + 1]);
    for (const length of [0, 1, ...edges, 69_999, 70_000])
      expect(made, String(length)).toContain(length);
  });

  it("keeps to its bounds", () => {
    for (const [min, max] of [
      [0, 0],
      [3, 3],
      [5, 130],
      [0, 2 ** 20],
      [200, 2 ** 30],
    ] as const) {
      // biome-ignore format: a table
      const made = sample(lengths({ min, max }), 500);
      expect(Math.min(...made)).toBeGreaterThanOrEqual(min);
      expect(Math.max(...made)).toBeLessThanOrEqual(max);
      expect(made).toContain(min);
      expect(made).toContain(max);
    }
  });

  it("rarely makes very long ones", () => {
    const giants = sample(lengths({ max: 2 ** 20 })).filter((length) => length > 2 ** 17);
    expect(giants.length).toBeGreaterThan(10);
    expect(giants.length).toBeLessThan(200);
  });

  it("shrinks to the first length that fails", () => {
    expect(smallest(lengths({ max: 70_000 }), (length) => length >= 200)).toBe(200);
    expect(smallest(lengths({ min: 9, max: 300 }), () => true)).toBe(9);
  });

  it("accepts its own values for shrinking", () => {
    expect(lengths({ max: 9 }).canShrinkWithoutContext(9)).toBe(true);
    expect(lengths({ max: 9 }).canShrinkWithoutContext(10)).toBe(false);
  });

  it("refuses invalid bounds", () => {
    for (const bounds of [{ min: -1 }, { min: 2, max: 1 }, { max: 1.5 }, { min: Number.NaN }]) {
      expect(() => lengths(bounds)).toThrow(RangeError);
    }
  });
});

describe("bytes", () => {
  it("takes its longest length from a protocol", () => {
    const made = sample(bytes(lengthPrefixed({ width: 1 })));
    expect(Math.max(...made.map(({ length }) => length))).toBe(256);
    expect(made.some(({ length }) => length === 0)).toBe(true);
  });

  it("makes every byte value and line ends, and varies", () => {
    const made = sample(bytes({ max: 300 }));
    expect(new Set(made.flatMap((one) => [...one])).size).toBe(256);
    expect(made.some((one) => one.at(-1) === 0x0d)).toBe(true);
    expect(new Set(made.map((one) => one.join())).size).toBeGreaterThan(1000);
  });

  it("shrinks to few and small bytes", () => {
    const big = smallest(bytes({ max: 300 }), (one) => one.some((byte) => byte >= 0x80));
    expect(big).toHaveLength(1);
    expect(big[0]).toBeGreaterThanOrEqual(0x80);
    expect(smallest(bytes({ max: 300 }), (one) => one.length > 99)).toEqual(new Uint8Array(100));
    expect(smallest(bytes({ min: 4, max: 4 }), () => true)).toEqual(new Uint8Array(4));
  });

  it("accepts its own values for shrinking", () => {
    expect(bytes({ max: 2 }).canShrinkWithoutContext(new Uint8Array(2))).toBe(true);
    expect(bytes({ max: 2 }).canShrinkWithoutContext([1])).toBe(false);
    expect(bytes({ max: 2 }).canShrinkWithoutContext(new Uint8Array(3))).toBe(false);
  });
});

describe("text", () => {
  it("is well-formed, within its bounds, and of one to four bytes a character", () => {
    const made = sample(text({ max: 300 }), 500);
    for (const one of made) {
      expect(one.length).toBeLessThanOrEqual(300);
      const written = new Output().utf8(one).take();
      expect(decodeUtf8(written)).toBe(one);
    }
    expect(made.some((one) => one.length === 256)).toBe(true);
    for (const sign of ["\n", "é", "€", "😀"])
      expect(made.some((one) => one.includes(sign))).toBe(true);
    expect(sample(text({ min: 5, max: 9 })).every((one) => one.length >= 5)).toBe(true);
  });
});

describe("chunks", () => {
  const whole = Uint8Array.from({ length: 50 }, (_, i) => i);
  const made = sample(chunks(whole), 500);
  const join = (parts: Uint8Array[]): number[] => parts.flatMap((part) => [...part]);

  it("are the same bytes in pieces, each in its own memory", () => {
    for (const parts of made) {
      expect(join(parts)).toEqual([...whole]);
      expect(new Set(parts.map(({ buffer }) => buffer)).size).toBe(parts.length);
      expect(parts.every(({ byteOffset }) => byteOffset > 0)).toBe(true);
    }
  });

  it("include the whole, single bytes and empty chunks", () => {
    expect(made.some((parts) => parts.length === 1)).toBe(true);
    expect(made.some((parts) => parts.length === 50)).toBe(true);
    expect(made.some((parts) => parts.some(({ length }) => length === 0))).toBe(true);
    const cuts = new Set(
      made.filter((parts) => parts.length === 2).map(([first]) => first!.length),
    );
    expect(cuts.size).toBeGreaterThan(10);
  });

  it("take bytes or an arbitrary of bytes", () => {
    const [parts] = sample(chunks(fc.constant(whole)), 1);
    expect(join(parts!)).toEqual([...whole]);
  });
});

describe("mutated", () => {
  it("makes shorter, longer and equally long bytes in new memory", () => {
    const good = Uint8Array.from({ length: 20 }, (_, i) => i);
    const made = sample(mutated(good), 1000);
    const changed = made.filter((one) => !equal(one, good));
    expect(changed.length).toBeGreaterThan(900);
    expect(changed.some(({ length }) => length < 20)).toBe(true);
    expect(changed.some(({ length }) => length === 20)).toBe(true);
    expect(changed.some(({ length }) => length > 20)).toBe(true);
    expect(good).toEqual(Uint8Array.from({ length: 20 }, (_, i) => i));
    expect(sample(mutated(fc.constant(new Uint8Array(0))), 100).some((one) => one.length > 0)).toBe(
      true,
    );
  });
});

describe("jsonValues", () => {
  it("are preserved by JSON", () => {
    const made = sample(jsonValues());
    for (const value of made) expect(equal(JSON.parse(JSON.stringify(value)), value)).toBe(true);
    const texts = made.map((value) => JSON.stringify(value));
    for (const part of ['"__proto__"', '"10"', "[[["]) {
      expect(
        texts.some((one) => one.includes(part)),
        part,
      ).toBe(true);
    }
  });
});

describe("valuesOf a codec", () => {
  const framed = (body: Field<unknown>) =>
    protocolOf(struct({ kind: u8, body: prefixed(u8, body) }), { name: "framed" });
  const ask = "pass an arbitrary for the field, ";
  const of = "{ of: new Map([[field, arbitrary]]) }";

  it("derives those of json(), in the size that a length allows", () => {
    const protocol = framed(codec(json(), "json"));
    const made = fc.sample(valuesOf(protocol), { numRuns: 300, seed: 1 });
    expect(new Set(made.map(({ body }) => typeof body)).size).toBeGreaterThan(3);
    for (const value of made)
      expect(decodeFrame(protocol, encodeFrame(protocol, value))).toEqual(value);
  });

  it.each([
    ["a reader of its own", json({ parse: (text) => JSON.parse(text) })],
    ["another codec", raw() as Codec<unknown>],
  ])("says what to write for %s", (_, inner) => {
    const protocol = framed(codec(inner, "inner"));
    const text = `the values of "inner" cannot be derived: ${ask}`;
    expect(() => laws(protocol)).toThrow(`${text}laws(protocol, ${of})`);
    expect(() => valuesOf(protocol)).toThrow(`${text}valuesOf(description, ${of})`);
    expect(() => vectorsOf(protocol)).toThrow(
      `${text}vectorsOf(protocol, { values: valuesOf(protocol, ${of}) })`,
    );
  });
});

describe("values of ready protocols", () => {
  it("have the types that the protocols take", () => {
    expectTypeOf<GoimPacket>().toExtend<PacketOfGoim>();
    expectTypeOf<PacketOfGoim>().toExtend<GoimPacket>();
    expectTypeOf<FastwayPacket>().toExtend<PacketOfFastway>();
    expectTypeOf<PacketOfFastway>().toExtend<FastwayPacket>();
    expectTypeOf<FastwayCommand<"v1">>().toExtend<Command<"v1">>();
    expectTypeOf<Command<"v1">>().toExtend<FastwayCommand<"v1">>();
    expectTypeOf<FastwayCommand<"v2">>().toExtend<Command<"v2">>();
    expectTypeOf<Command<"v2">>().toExtend<FastwayCommand<"v2">>();
  });
});
