import fc from "fast-check";
import { json, Output, ProtocolError } from "framewright";
import {
  type AnyField,
  array,
  ascii,
  bits,
  bytes,
  checked,
  codec,
  count,
  cstring,
  enumOf,
  type Field,
  f32be,
  flag,
  flags,
  i8,
  mapped,
  match,
  optional,
  prefixed,
  protocolOf,
  size,
  strict,
  struct,
  u8,
  u16be,
  u64be,
  union,
  until,
  utf8,
  varint,
  withDefault,
} from "framewright/fields";
import { compiled } from "framewright/fields/compiled";
import { laws, refusedOf } from "framewright/testing";
import { describe, expect, it } from "vitest";
import { described, RandomFields } from "../../support/random-fields.ts";

type Any = Field<unknown>;

/** The text of the refusal; throws if the value is written, or refused by anything but a ProtocolError. */
function refusal(field: Any, value: unknown): string {
  try {
    field.encode(value, new Output());
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "unencodable") return error.message;
    throw error;
  }
  throw new Error(`${described(field as AnyField)} writes ${fc.stringify(value)}`);
}

/** The different reasons of many refusals, with the numbers and names of values left out. */
function reasons(field: AnyField, runs = 400): string[] {
  const values = fc.sample(refusedOf(field as unknown as Any), { numRuns: runs, seed: 3 });
  return [...new Set(values.map((value) => refusal(field as unknown as Any, value)))].sort();
}

describe("refusedOf", () => {
  it.each<[string, AnyField, readonly string[]]>([
    ["a number one too large or small", u8, ["u8 cannot hold -1", "u8 cannot hold 256"]],
    ["a fraction", i8, ["i8 cannot hold 0.5"]],
    ["a bigint one too large", u64be, ["u64 cannot hold 18446744073709551616"]],
    ["a float beyond 32 bits", f32be, [`f32 cannot hold ${1e39}`]],
    ["a varint one too large", varint(2), ["varint of 2 bytes cannot hold 16384"]],
    ["bytes too long for their length", bytes(u8), ["u8 cannot hold 256"]],
    ["bytes of a wrong length", bytes(4), ["3 bytes, not 4", "5 bytes, not 4"]],
    ["text too long for its length", utf8(u8), ["u8 cannot hold 256"]],
    ["a lone surrogate", utf8(), ["lone surrogate at index 0 of 1 has no UTF-8 form"]],
    ["characters outside of the charset", ascii(), ["character 0 is not ASCII"]],
    ["text that ends in its padding", ascii(4, 32), ["text ends in its own padding"]],
    ["a zero in text up to a zero", cstring(), ["text contains a zero character"]],
    ["an unknown name", enumOf(u8, { on: 1 }), ['"constructor" is not one of on']],
    ["the number of a name", enumOf(u8, { on: 1 }, { open: true }), ['1 has the name "on"']],
    ["flags that are no booleans", flags(u8, ["a"]), ['"a" must be a boolean, not 1']],
    ["too many items", array(u8, varint(1)), ["varint of 1 bytes cannot hold 128"]],
    ["a bad item", array(u16be, u8), ["[0]: u16 cannot hold 65536"]],
    ["the last item of a list", until(u8, 0), ["[0]: this item would end the list"]],
    ["more than a prefix can say", prefixed(u8, utf8()), ["u8 cannot hold 256"]],
    ["what fails a check", checked(u8, (n) => n < 9, "below 9"), ["must be below 9"]],
    [
      "what a mapping makes too large",
      mapped(u8, { name: "half", read: (n) => n / 2, write: (n: number) => n * 2 }),
      ["u8 cannot hold 256"],
    ],
    [
      "bad, missing and unknown members",
      strict(struct({ a: u8, on: flag, n: bits(7), text: withDefault(utf8(u8), "") })),
      ["a: u8 cannot hold 256", "on: flag cannot hold undefined", "n: 7 bits cannot hold 128"],
    ],
    ["unknown members of a strict struct", strict(struct({ a: u8 })), ['unknown member "extra"']],
    [
      "more bytes than a size can say, or half a unit",
      struct({
        n: size(u8, "body"),
        w: size(u8, "words", { unit: 4 }),
        words: bytes(),
        body: bytes(),
      }),
      [
        "n: u8 cannot hold 256",
        "w: u8 cannot hold 256",
        "w: 1 byte cannot be counted in units of 4",
      ],
    ],
    [
      "more items than a count can say",
      struct({ n: count(u8, "list"), list: array(struct({ x: u8 })) }),
      ["n: u8 cannot hold 256", "list[0].x: u8 cannot hold 256"],
    ],
    [
      "an optional member after one that is missing",
      struct({ a: optional(u8), b: optional(u8) }),
      ['b: cannot be there while "a" before it is missing'],
    ],
    [
      "unknown tags, and the body of another case",
      struct({ t: u8, data: match("t", { 1: u8, 2: struct({ x: u8 }) }) }),
      ["data.x: u8 cannot hold 256", "data: u8 cannot hold 256"],
    ],
    [
      "unknown cases and their members",
      union("t", enumOf(u8, { a: 1, b: 2 }), { a: { x: u8 }, b: {} }),
      ["x: u8 cannot hold 256", 't: "?" is not one of a, b'],
    ],
  ])("makes %s", (_, field, expected) => {
    expect(reasons(field)).toEqual(expect.arrayContaining([...expected]));
  });

  it("takes protocols, and says so if nothing is known to be refused", () => {
    const protocol = protocolOf(struct({ a: u8 }), { name: "one" });
    expect(fc.sample(refusedOf(protocol), 5)).toHaveLength(5);
    expect(() => refusedOf(codec(json(), "json"))).toThrow(/no value can be derived/);
    expect(() => refusedOf(u8, { most: 3 } as never)).toThrow(TypeError);
  });

  it("makes only values that closures and generated code both refuse, of random descriptions", () => {
    let values = 0;
    for (let seed = 1; seed <= Number(process.env.FIELDS ?? 60); seed++) {
      const field = new RandomFields(seed).any() as unknown as Any;
      const fast = compiled(field);
      let bad: unknown[];
      try {
        bad = fc.sample(refusedOf(field, { max: 60 }), { numRuns: 40, seed });
      } catch (error) {
        expect((error as Error).message, described(field)).toMatch(/no valid value/);
        continue;
      }
      for (const value of bad) {
        values++;
        expect(refusal(fast, value), described(field)).toBe(refusal(field, value));
      }
    }
    expect(values).toBeGreaterThan(1500);
  });

  it("is what laws put to the refusal of a description", () => {
    const names = laws(struct({ a: u8 }), { runs: 5 }).map(({ name }) => name);
    expect(names).toContain("refusal");
    // A description that writes what it should refuse.
    const { encode, ...lenient } = struct({ a: u8 });
    const broken = { ...lenient, encode: () => undefined };
    const law = laws(broken as never, { runs: 20 }).find(({ name }) => name === "refusal")!;
    expect(law.check).toThrow(/encode wrote 0 bytes for a value that it must refuse/);
    expect(encode).toBeTypeOf("function");
  });
});
