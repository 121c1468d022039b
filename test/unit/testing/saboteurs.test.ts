import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { bytes, LawError, laws } from "../../../src/testing/index.ts";
import { planted } from "./planted/planted.ts";
import { rights } from "./planted/right.ts";
import { decoding } from "./saboteurs/codec.ts";
import { encoding } from "./saboteurs/encoder.ts";
import { list, remembered, stateful } from "./saboteurs/list.ts";
import { measuring } from "./saboteurs/measure.ts";
import { crlf, line, ping, type Saboteur, sized, small } from "./saboteurs/saboteur.ts";
import { unread } from "./saboteurs/unread.ts";

// The kit's own test: protocols with one realistic bug each. Every one must be caught by the law that is meant for it,
// with the default number of runs; and protocols without one, however unusual, must keep all laws. From one seed here, from
// ten different ones by `npm run saboteurs`.

// Shrinking takes a while on a busy machine; what counts is that it ends.
vi.setConfig({ testTimeout: 600_000 });

const all10 = [1, 2, 3, 5, 8, 13, 21, 34, 55, -89];
const seeds = process.env.SABOTEURS === "all" ? all10 : all10.slice(0, 1);
const all = [...measuring, ...decoding, ...encoding, ...unread];
const inKinds = [...planted].flatMap(([kind, some]) =>
  some.map((one) => [kind, one.bug, one] as const),
);

// The number of runs is the one that every user has.
fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: undefined as never });

/** What came of the first seed. */
const outcomes = new Map<Saboteur, unknown>();

/** What the law says of the saboteur. */
function caught(one: Saboteur, seed: number): unknown {
  const outcome = put(one, seed);
  if (seed === seeds[0]) outcomes.set(one, outcome);
  return outcome;
}

function put({ law, lawsFrom }: Saboteur, seed: number): unknown {
  const meant = lawsFrom(seed).find(({ name }) => name === law);
  if (meant === undefined) return `there is no law "${law}"`;
  try {
    meant.check();
  } catch (error) {
    return error;
  }
  return `"${law}" holds with seed ${seed}`;
}

describe("saboteurs", () => {
  it("cover every law", () => {
    expect(all.length).toBeGreaterThanOrEqual(30);
    const body = new Uint8Array(0);
    // One that every law is for, if not one that keeps them.
    const both = ping({ decodeText: () => ({ op: 0, body }) });
    const everything = laws(both, fc.constant({ op: 0, body }), {
      canonical: true,
      refused: fc.constant(0),
    });
    expect(new Set([...all, ...inKinds.map(([, , one]) => one)].map(({ law }) => law))).toEqual(
      new Set(everything.map(({ name }) => name)),
    );
  });

  it.each(all.map((one) => [one.bug, one] as const))("%s", (_, one) => {
    for (const seed of seeds) {
      const error = caught(one, seed);
      expect(error, String(error)).toBeInstanceOf(LawError);
      expect(error).toMatchObject({ law: one.law });
    }
  });
});

describe("mistakes in protocols of different kinds", () => {
  it("are more than forty, in more than ten kinds", () => {
    expect(inKinds.length).toBeGreaterThan(40);
    expect(planted.size).toBeGreaterThan(10);
  });

  it.each(inKinds)("%s: %s", (_, __, one) => {
    for (const seed of seeds) {
      const error = caught(one, seed);
      expect(error, `${seed}: ${error}`).toBeInstanceOf(LawError);
      // Not only broken: the law that names the mistake is the first cause.
      expect(error, `${seed}: ${error}`).toMatchObject({ law: one.law, follows: undefined });
    }
  });
});

describe("right protocols, however unusual", () => {
  it("are more than twenty", () => {
    expect(rights.length).toBeGreaterThan(20);
  });

  it.each(rights.map((one) => [one.what, one] as const))("%s", (_, { lawsFrom }) => {
    const runs = seeds.length > 1 ? undefined : 20;
    for (const seed of seeds) for (const { check } of lawsFrom(seed, runs)) check();
  });
});

describe("the table in docs/testing.md", () => {
  it("says how many of the planted mistakes each law finds", () => {
    const docs = readFileSync(new URL("../../../docs/testing.md", import.meta.url), "utf8");
    const found = new Map<string, number>();
    for (const one of [...all, ...inKinds.map(([, , inKind]) => inKind)]) {
      if (!((outcomes.get(one) ?? caught(one, 1)) instanceof LawError)) continue;
      found.set(one.law, (found.get(one.law) ?? 0) + 1);
    }
    const rows = new Map(
      [...docs.matchAll(/^\| ([a-z- ]+) \| .* \| (\d+) \|$/gm)].map(([, law, n]) => [
        law,
        Number(n),
      ]),
    );
    expect(rows).toEqual(new Map([...rows.keys()].map((law) => [law, found.get(law!) ?? 0])));
    expect(new Set(rows.keys())).toEqual(new Set(found.keys()));
    const total = [...found.values()].reduce((sum, n) => sum + n, 0);
    expect(docs).toContain(`${total} mistakes`);
  });
});

describe("the kit itself", () => {
  it.each(all.map((one) => [one.bug, one] as const))("does not fail itself on: %s", (_, one) => {
    // Other laws may hold or not: they end in a LawError, or in nothing.
    for (const law of one.lawsFrom(4, 5)) {
      try {
        law.check();
      } catch (error) {
        expect(error, String(error)).toBeInstanceOf(LawError);
      }
    }
  });
});

describe("the protocols that the saboteurs are made of", () => {
  const bodies = bytes({ max: 300 }).map((body) => body.map((b) => (b === 10 || b === 13 ? 1 : b)));
  const text = { decode: () => "", encode: () => undefined };
  const lists = fc.array(fc.constantFrom("", "a", "\n", "bcd"), { maxLength: 200, size: "max" });
  const good = [
    ...laws(ping(), fc.record({ op: fc.nat(255), body: bytes(ping()) }), { canonical: true }),
    ...laws(small(), bytes(small()), { canonical: true }),
    ...laws(line(), bodies, { canonical: true }),
    ...laws(crlf(), bodies, { canonical: true }),
    ...laws(sized(text), fc.constant(""), { ignores: () => true }),
    // Each keeps in another way how far it got.
    ...[list(), list({ measure: remembered }), stateful()].flatMap((one) =>
      // Marks and line ends are not looked at.
      laws(one, lists, { ignores: () => true }),
    ),
  ];

  it.each(good.map((law) => [law.name, law] as const))("keep the law: %s", (_, law) => {
    law.check();
  });
});
