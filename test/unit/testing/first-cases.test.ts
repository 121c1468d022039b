import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  bytes as described,
  utf8 as describedText,
  prefixed,
  protocolOf,
  size,
  struct,
  u8,
  u16be,
  u32be,
} from "../../../src/fields/index.ts";
import {
  defineProtocol,
  json,
  lengthPrefixed,
  lines,
  ProtocolError,
  raw,
  utf8,
  varintPrefixed,
} from "../../../src/index.ts";
import { bytes, jsonValues, type Law, laws, text } from "../../../src/testing/index.ts";
import { ping } from "./saboteurs/saboteur.ts";

vi.setConfig({ testTimeout: 60_000 });

const encodeUtf8 = (value: string): Uint8Array => new TextEncoder().encode(value);

/** The values that a law is tried with, in order. */
function triedWith<T>(make: (see: (value: T) => T) => Law[], name = "round trip"): T[] {
  const seen: T[] = [];
  const law = make((value) => {
    seen.push(value);
    return value;
  }).find((one) => one.name === name)!;
  law.check();
  return seen;
}

describe("the first cases of a law", () => {
  it.each([1, 2, 3, 4])("have frames at the boundaries of lengths, with seed %s", (seed) => {
    const framing = varintPrefixed({ maxFrame: 2 ** 21 + 100 });
    const protocol = framing.wrap(raw());
    const lengths = triedWith<Uint8Array>((expected) =>
      laws(protocol, bytes(framing), { expected, seed, runs: 200 }),
    ).map(
      ({ length }) =>
        length + (length < 2 ** 7 ? 1 : length < 2 ** 14 ? 2 : length < 2 ** 21 ? 3 : 4),
    );
    // A varint is never 128 bytes with the 126 that it counts: the header becomes longer at 128.
    for (const whole of [2 ** 7, 2 ** 8, 2 ** 14 - 1, 2 ** 14, 2 ** 14 + 1, 2 ** 16, 2 ** 21]) {
      expect(lengths, `a frame of ${whole} bytes`).toContain(whole);
    }
    // The counted bytes at 2^7 and 2^14, where the header grows.
    for (const body of [2 ** 7 - 1 + 1, 2 ** 7 + 2, 2 ** 14 - 1 + 2, 2 ** 14 + 3, 2 ** 21 + 4]) {
      expect(lengths, `a frame of ${body} bytes`).toContain(body);
    }
    expect(lengths).toContain(framing.maxFrame);
    expect(lengths).toContain(framing.maxFrame - 1);
  });

  it("have a frame of maxFrame for values of several parts", () => {
    const values = fc.record({ op: fc.nat(255), body: bytes({ max: 5000 }) });
    const lengths = triedWith<{ op: number; body: Uint8Array }>((expected) =>
      laws(ping(), values, { expected, seed: 9, runs: 150 }),
    ).map(({ body }) => body.length + 3);
    expect(lengths).toContain(4096);
    expect(lengths).toContain(4095);
    expect(lengths).toContain(256);
  });

  it("have frames of texts at boundaries", () => {
    const framing = lengthPrefixed({ width: 2, maxFrame: 2000 });
    const sizes = triedWith<string>((expected) =>
      laws(framing.wrap(utf8()), text({ max: 3000 }), { expected, seed: 2, runs: 150 }),
    ).map((value) => new TextEncoder().encode(value).length + 2);
    for (const whole of [127, 128, 129, 255, 256, 257, 2000]) expect(sizes).toContain(whole);
  });

  it("have long frames of values that a description derives, unless you limit them", () => {
    const head = { kind: u8, length: size(u32be, "body") };
    const whole = { ...head, body: described() };
    const text = { ...head, body: describedText() };
    const sizes = (shape: typeof whole | typeof text, max?: number): number[] =>
      triedWith<{ readonly body: Uint8Array | string }>((expected) => {
        const protocol = protocolOf(struct(shape as never), { name: "n", maxFrame: 2 ** 20 });
        const options = { expected, seed: 3, runs: 150, max };
        return laws(protocol as never, options as never);
      }).map(({ body }) => (typeof body === "string" ? encodeUtf8(body).length : body.length));
    for (const made of [sizes(whole), sizes(text)]) {
      for (const size of [2 ** 14, 2 ** 16 - 1, 2 ** 16, 2 ** 16 + 1]) expect(made).toContain(size);
      expect(Math.max(...made)).toBeLessThan(66_000);
      expect(made.filter((size) => size > 300).length).toBeLessThan(40);
    }
    expect(Math.max(...sizes(whole, 500))).toBeLessThan(500);
  });

  it("stretch a part only as far as the lengths of a description allow", () => {
    const pair = struct({
      one: described(u16be),
      two: prefixed(u16be, struct({ a: describedText(u8) })),
    });
    const sizes = triedWith<{ readonly one: Uint8Array }>((expected) =>
      laws(protocolOf(pair, { name: "pair" }), { expected: expected as never, seed: 1, runs: 150 }),
    ).map(({ one }) => one.length);
    expect(Math.max(...sizes)).toBeGreaterThan(65_000);
    expect(Math.max(...sizes)).toBeLessThan(2 ** 16);
  });

  it.each([1, 2, 3, 4])("have what is often forgotten, with seed %s", (seed) => {
    const members = fc.dictionary(
      fc.oneof(fc.constantFrom("__proto__", ""), fc.string()),
      fc.oneof(fc.double({ noNaN: true }), fc.constant("")),
    );
    const seen = triedWith<Record<string, unknown>>((expected) =>
      laws(json() as never, members as fc.Arbitrary<never>, {
        expected: expected as never,
        equal: () => true,
        seed,
        runs: 40,
      }),
    );
    const values = seen.flatMap((one) => Object.values(one));
    expect(values.some((one) => Object.is(one, -0))).toBe(true);
    expect(values).toContain("");
    expect(seen.some((one) => Object.hasOwn(one, "__proto__"))).toBe(true);
    expect(seen.some((one) => Object.keys(one).length === 0)).toBe(true);
  });

  it("are the same for the same seed, alone and among others", () => {
    const run = (before: boolean): string[] =>
      triedWith<Uint8Array>((expected) => {
        const promised = laws(lines().wrap(raw()), plain, { expected, seed: 5, runs: 60 });
        if (before) promised.find(({ name }) => name === "purity")!.check();
        return promised;
      }).map(String);
    const plain = bytes({ max: 400 }).map((body) => body.map((byte) => byte | 0x40));
    const alone = run(false);
    expect(run(true).slice(-alone.length)).toEqual(alone);
  });

  it("are values of the arbitrary, and shrink as these do", () => {
    const evens = bytes({ max: 300 }).filter(({ length }) => length % 2 === 0);
    const wrong = defineProtocol<Uint8Array>({
      ...lengthPrefixed({ width: 2, maxFrame: 400 }).wrap(raw()),
      decode: (all, start, end) => all.subarray(start + 2, Math.min(end, start + 102)),
    });
    try {
      laws(wrong, evens, { seed: 1 })[0]!.check();
      expect.unreachable();
    } catch (error) {
      expect((error as { counterexample: Uint8Array }).counterexample).toEqual(new Uint8Array(102));
    }
  });
});

describe("laws of a protocol that only reads", () => {
  /** A kind, a length, text; `encode` is for others. */
  const replies = (
    decode = (all: Uint8Array, start: number, end: number): string => {
      if (all[start] !== 0x2b) throw new ProtocolError("malformed", "not a reply", start);
      return String.fromCharCode(...all.subarray(start + 2, end));
    },
  ) =>
    defineProtocol<string>({
      name: "replies",
      maxFrame: 257,
      measure: (all, start, end) => (end - start < 2 ? 0 : 2 + all[start + 1]!),
      decode,
      encode() {
        throw new ProtocolError("unencodable", "only servers reply");
      },
    });
  const frames = bytes({ max: 255 }).map((body) => Uint8Array.of(0x2b, body.length, ...body));

  it("take frames in place of values, and leave out what is written", () => {
    const promised = laws(replies(), frames, { decodeOnly: true, runs: 60 });
    const names = promised.map(({ name }) => name);
    for (const name of ["round trip", "append-only encode", "refusal", "canonical"]) {
      expect(names).not.toContain(name);
    }
    expect(names).toHaveLength(16);
    for (const { check } of promised) check();
  });

  it("find mistakes of the reader", () => {
    const law = (name: string, decode: ReturnType<typeof replies>["decode"]): (() => void) =>
      laws(replies(decode), frames, { decodeOnly: true, seed: 1 }).find((one) => one.name === name)!
        .check as () => void;
    expect(law("offset independence", (all, start, end) => `${all[0]}${end - start}`)).toThrow(
      /breaks the law "offset independence"/,
    );
    expect(
      law("every byte counts", (all, start, end) => String(all.slice(start + 2, end))),
    ).toThrow(/byte 0 is ignored/);
  });

  it("compare with `expected`, if it is given", () => {
    const promised = laws(replies(), frames, {
      decodeOnly: true,
      runs: 30,
      expected: (frame) => String.fromCharCode(...frame.subarray(2)),
    });
    for (const { check } of promised) check();
    const wrong = laws(replies(), frames, { decodeOnly: true, expected: () => "?" });
    expect(wrong.find(({ name }) => name === "offset independence")!.check).toThrow(
      /instead of "\?"/,
    );
  });
});

describe("the law canonical", () => {
  const law = (promised: readonly Law[]): Law => promised.find(({ name }) => name === "canonical")!;

  it("notes other spellings of a value unless it is asked for", () => {
    const numbers = lengthPrefixed({ width: 1 }).wrap(json<number[]>());
    const one = law(laws(numbers, fc.array(fc.nat(9)), { seed: 1 }));
    expect(one.notes).toEqual([]);
    one.check();
    expect(one.notes!.length).toBeGreaterThan(0);
    expect(one.notes!.length).toBeLessThanOrEqual(8);
    for (const note of one.notes!) {
      expect(note).toMatch(/^[0-9a-f]+ is read as .*, which is written as [0-9a-f]+$/);
      const [, given, written] = /^(\S+) .* (\S+)$/.exec(note)!;
      expect(given).not.toBe(written);
    }
    expect(law(laws(numbers, fc.array(fc.nat(9)), { seed: 1, canonical: true })).check).toThrow(
      /breaks the law "canonical"/,
    );
    expect(law(laws(numbers, fc.array(fc.nat(9)), { canonical: false }))).toBeUndefined();
  });

  it("has nothing to note of a protocol with one spelling", () => {
    const one = law(
      laws(ping(), fc.record({ op: fc.nat(255), body: bytes({ max: 30 }) }), { runs: 60 }),
    );
    one.check();
    expect(one.notes).toEqual([]);
  });

  it("gives its notes to the context of the test", () => {
    const one = law(laws(json(), jsonValues(), { seed: 1, runs: 30 }));
    const check = one.check as (context: unknown) => void;
    const annotations: string[] = [];
    check({ annotate: (text: string) => annotations.push(text) });
    expect(annotations).toEqual(one.notes);
    const diagnostics: string[] = [];
    check({ diagnostic: (text: string) => diagnostics.push(text) });
    expect(diagnostics).toEqual(one.notes);
    check({ other: true });
    expect(one.check).toHaveLength(0);
  });
});
