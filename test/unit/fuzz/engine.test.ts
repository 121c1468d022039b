import { describe, expect, it } from "vitest";
import { defineProtocol, lengthPrefixed, raw } from "../../../src/index.ts";
import { defineCase, targetOf } from "../../fuzz/check.ts";
import { classOf, fuzzer, random, smaller } from "../../fuzz/engine.ts";

/** Steps until it crashes. */
function stepsToCrash(
  run: (input: Uint8Array) => void,
  counters: Uint32Array,
  seed: number,
): number {
  const engine = fuzzer({ run, counters, seeds: [], seed });
  for (let steps = 1; steps < 1_000_000; steps++) {
    try {
      engine.step();
    } catch (error) {
      if ((error as Error).message !== "planted") throw error;
      return steps;
    }
  }
  return Number.POSITIVE_INFINITY;
}

describe("fuzzer", () => {
  const counters = new Uint32Array(8);

  /** Four bytes that must be right one behind the other: blind guessing needs 2^32 tries. */
  const planted = (input: Uint8Array): void => {
    for (const [i, byte] of [0xfe, 0x0d, 0x42, 0x99].entries()) {
      if (input[i] !== byte) return;
      counters[i]!++;
    }
    throw new Error("planted");
  };

  it("is led by what it reaches", () => {
    for (const seed of [1, 2, 3]) expect(stepsToCrash(planted, counters, seed)).toBeLessThan(1e6);
  });

  it("does the same again with the same seed", () => {
    const steps = stepsToCrash(planted, counters, 7);
    expect(stepsToCrash(planted, counters, 7)).toBe(steps);
    expect(stepsToCrash(planted, counters, 8)).not.toBe(steps);
    expect(random(0).below(1000)).toBe(random(0).below(1000));
  });

  it("keeps inputs that count higher, by classes", () => {
    expect([1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 127, 128, 9999].map(classOf)).toEqual([
      1, 2, 4, 8, 8, 16, 16, 32, 32, 64, 64, 128, 128,
    ]);
    const engine = fuzzer({
      run(input) {
        counters[0] = input.length;
      },
      counters,
      seeds: [new Uint8Array(5), new Uint8Array(6), new Uint8Array(9)],
      seed: 1,
    });
    expect([engine.step(), engine.step(), engine.step()]).toEqual([true, false, true]);
    expect(engine.corpus.map(({ length }) => length)).toEqual([5, 9]);
    expect([engine.runs, engine.reached, engine.current.length]).toEqual([3, 1, 9]);
  });

  it("makes a crash smaller", () => {
    const input = Uint8Array.from({ length: 100 }, (_, i) => i + 1);
    const crashes = (bytes: Uint8Array): boolean => bytes.includes(40) && bytes.includes(80);
    expect([...smaller(input, crashes)]).toEqual([40, 80]);
    expect([...smaller(Uint8Array.of(5, 6), (bytes) => bytes.length === 2)]).toEqual([0, 0]);
  });
});

describe("target", () => {
  const good = lengthPrefixed({ width: 1 }).wrap(raw());
  const crash = (fault: Partial<typeof good>, input: number[]): string => {
    const protocol = defineProtocol<Uint8Array>({ ...good, ...fault });
    const { fuzz } = targetOf([defineCase({ name: "bad", protocol, values: [] })]);
    try {
      fuzz(Uint8Array.of(0, 1, ...input));
    } catch (error) {
      return (error as Error).message;
    }
    return "no crash";
  };

  it("lets a good protocol pass, whatever comes", () => {
    for (const input of [[], [1], [1, 2], [0, 0, 0], [2, 1]])
      expect(crash({}, input)).toBe("no crash");
  });

  it.each([
    [
      "other errors of measure",
      { measure: () => fail() },
      [1, 2],
      "bad: measure throws Error: oops",
    ],
    ["other errors of decode", { decode: () => fail() }, [1, 2], "bad: decode throws Error: oops"],
    ["frames that depend on cuts", { measure: clipped }, [2, 1, 2], "bad: whole frames to 3"],
    [
      "values that depend on cuts",
      { decode: hostage },
      [1, 2, 1, 3],
      "bad: other values when cut by 1",
    ],
    ["input written into", { decode: scribble }, [1, 2], "bad writes into its input"],
    ["values that cannot be written", { encode: () => fail() }, [1, 2], "cannot be written"],
    ["values that come back otherwise", { encode: plus }, [1, 2], "comes back as another one"],
  ] as const)("finds %s", (_, fault, input, text) => {
    expect(crash(fault, [...input])).toContain(text);
  });

  it("looks at messages, too", () => {
    const broken = { name: "m", maxFrame: 9, decode: () => fail(), encode: () => undefined };
    const { fuzz } = targetOf([defineCase({ name: "m", protocol: broken, values: [] })]);
    expect(() => fuzz(Uint8Array.of(0, 0, 1))).toThrow("m: decode throws Error: oops");
    fuzz(Uint8Array.of(0));
  });

  function fail(): never {
    throw new Error("oops");
  }
  function clipped(bytes: Uint8Array, start: number, end: number): number {
    return Math.min(1 + bytes[start]!, end - start);
  }
  function hostage(bytes: Uint8Array, start: number, end: number): Uint8Array {
    return bytes.slice(start === 0 ? 1 : start, end);
  }
  function scribble(bytes: Uint8Array, start: number, end: number): Uint8Array {
    bytes[start + 1] = 99;
    return bytes.subarray(start + 1, end);
  }
  function plus(body: Uint8Array, out: { u8(value: number): unknown }): void {
    out.u8(1);
    out.u8((body[0] ?? 0) + 1);
  }
});
