import { describe, expect, it } from "vitest";
import { parse } from "../../../../src/protocols/sproto/index.ts";
import { errorOf } from "../../../support/chunks.ts";

/** Returns x with a * x = 1 modulo 2^64; each step doubles the correct bits (Newton). */
function inverse(a: bigint): bigint {
  let x = a;
  for (let i = 0; i < 6; i++) x = BigInt.asUintN(64, x * (2n - a * x));
  return x;
}

/** Returns x with x ^ (x >> shift) = y. */
function unshifted(y: bigint, shift: bigint): bigint {
  let x = y;
  for (let i = 0; i < 64; i++) x = y ^ (x >> shift);
  return x;
}

/** The integer of 32 bits that V8's ComputeUnseededHash turns into `hash`. */
function key32(hash: number): number {
  let h = unshifted(BigInt(hash), 16n);
  h = BigInt.asUintN(32, h * inverse(2057n));
  h = unshifted(h, 4n);
  h = BigInt.asUintN(32, h * inverse(5n));
  h = unshifted(h, 12n);
  // ~key + (key << 15) is key * (2^15 - 1) - 1.
  return Number(BigInt.asIntN(32, (h + 1n) * inverse((1n << 15n) - 1n)));
}

/** The 64 bits that V8's ComputeLongHash turns into `hash`. */
function bits64(hash: bigint): bigint {
  let h = unshifted(hash, 22n);
  h = BigInt.asUintN(64, h * inverse(65n));
  h = unshifted(h, 11n);
  h = BigInt.asUintN(64, h * inverse(21n));
  h = unshifted(h, 31n);
  return BigInt.asUintN(64, (h + 1n) * inverse((1n << 18n) - 1n));
}

const doubleOf = (bits: bigint): number => new Float64Array(BigUint64Array.of(bits).buffer)[0]!;

const SCHEMA = `
.I { k 0 : integer  v 1 : integer }
.D { k 0 : double  v 1 : integer }
.S { k 0 : string  v 1 : integer }
.T { i 0 : *I()  d 1 : *D()  s 2 : *S()  st 3 : *I(k) }`;

const COUNT = 16_000;
const numbers = Array.from({ length: COUNT }, (_, i) => i);
const collidingIntegers = numbers.map((i) => key32(i * 2 ** 16));
const collidingBits = numbers.map((i) => bits64(BigInt(i) << 20n));
const collidingDoubles = collidingBits.map(doubleOf).filter(Number.isFinite);
const collidingBigints = collidingBits.map((bits) => BigInt.asIntN(64, bits)).filter((n) => n > 0n);

describe.each(["compiled", "interpreted"] as const)("maps of sproto, engine %s", (engine) => {
  const schema = parse(SCHEMA, { engine });
  const pairs = (keys: readonly unknown[]): object[] => keys.map((k) => [k, 1]);
  const decoded = (field: string, list: readonly unknown[]): unknown =>
    schema.decode("T", schema.encode("T", { [field]: list }));

  it.each<[string, string, readonly unknown[]]>([
    ["integers", "i", pairs(collidingIntegers)],
    ["bigints", "i", pairs(collidingBigints)],
    ["doubles", "d", pairs(collidingDoubles)],
    ["integers of structs", "st", collidingIntegers.map((k) => ({ k, v: 1 }))],
  ])("refuse keys that collide: %s", (_, field, list) => {
    const error = errorOf(() => decoded(field, list));
    expect(error).toMatchObject({ code: "malformed" });
    expect(error.message).toMatch(/^T\.\w+: \d+ keys that collide in a Map$/);
  });

  it.each([1, 2, 3, 10, 256, 1000, 4096, 65_536, 86_400, 100_000])(
    "take many keys that are multiples of %s",
    (step) => {
      const keys = numbers.map((i) => i * step);
      expect([...(decoded("i", pairs(keys)) as { i: Map<number, number> }).i.keys()]).toEqual(keys);
      const halves = numbers.map((i) => i * step + 0.5);
      const { d } = decoded("d", pairs(halves)) as { d: Map<number, number> };
      expect(d.size).toBe(COUNT);
    },
  );

  it("accept few keys, even if they collide", () => {
    const { i } = decoded("i", pairs(collidingIntegers.slice(0, 1000))) as {
      i: Map<number, number>;
    };
    expect(i.size).toBe(1000);
  });

  it("have no such limit as objects: engines hash property names with a seed", () => {
    const objects = parse(SCHEMA, { engine, maps: "object" });
    const bytes = objects.encode("T", { i: pairs(collidingIntegers) as never });
    expect(Object.keys((objects.decode("T", bytes) as { i: object }).i).length).toBe(COUNT);
  });
});
