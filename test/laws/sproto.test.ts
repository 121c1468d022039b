import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Output, ProtocolError } from "../../src/core/index.ts";
import { lengthPrefixed } from "../../src/framing/index.ts";
import {
  load,
  netpack,
  pack,
  parse,
  type Sproto,
  sprotoRpc,
  unpack,
} from "../../src/protocols/sproto/index.ts";
import { equal, laws } from "../../src/testing/index.ts";
import { type Model, models, textOf, valuesOf } from "../support/sproto-schemas.ts";

const numRuns = 150;

interface Case {
  readonly model: Model;
  readonly value: object;
}

const cases: fc.Arbitrary<Case> = models.chain((model) =>
  valuesOf(model, 0).map((value) => ({ model, value })),
);

const engines = ["interpreted", "compiled"] as const;

function both(model: Model, options: object = {}): readonly Sproto[] {
  return engines.map((engine) => parse(textOf(model), { engine, ...options }));
}

/** What comes of it: a value, or the code of the error and where it points. */
function outcome(run: () => unknown): unknown {
  try {
    return { value: run() };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { code: error.code, message: error.message, offset: error.offset };
  }
}

describe("engines", () => {
  it("write and read every value of every schema, and agree", () => {
    fc.assert(
      fc.property(cases, ({ model, value }) => {
        const [first, second] = both(model) as [Sproto, Sproto];
        const bytes = first.encode("T0", value);
        expect(second.encode("T0", value)).toEqual(bytes);
        for (const sproto of [first, second]) {
          const back = sproto.decodeFrom("T0", bytes);
          if (!equal(back.value, value)) expect(back.value).toEqual(value);
          expect(back.consumed).toBe(bytes.length);
          const packed = sproto.pencode("T0", value);
          expect(packed).toEqual(pack(bytes));
          if (!equal(sproto.pdecode("T0", packed), value)) expect(packed).toEqual(value);
        }
      }),
      { numRuns },
    );
  });

  it("agree on bytes that were tampered with, whatever the options", () => {
    const options = fc.record({
      int64: fc.constantFrom("auto", "bigint", "number"),
      maps: fc.constantFrom("map", "object"),
      strings: fc.constantFrom("utf8", "bytes"),
      copy: fc.boolean(),
      maxDepth: fc.constantFrom(1, 2, 64),
    });
    const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), to: fc.nat(255) });
    const changes = fc.array(change, { maxLength: 3 });
    fc.assert(
      fc.property(cases, options, changes, fc.nat(3), ({ model, value }, chosen, edits, cut) => {
        const bytes = parse(textOf(model)).encode("T0", value);
        for (const { at, to } of edits) bytes[Math.floor(at * bytes.length)] = to;
        const input = bytes.subarray(0, bytes.length - cut);
        const [a, b] = both(model, chosen).map((sproto) =>
          outcome(() => sproto.decodeFrom("T0", input)),
        );
        if (!equal(a, b)) expect(b).toEqual(a);
      }),
      { numRuns: 2 * numRuns },
    );
  });

  it("give what can be written again as it was, whatever the options", () => {
    const options = fc.record({
      int64: fc.constantFrom("auto", "bigint"),
      maps: fc.constantFrom("map", "object"),
      strings: fc.constantFrom("utf8", "bytes"),
      copy: fc.boolean(),
    });
    fc.assert(
      fc.property(cases, options, ({ model, value }, chosen) => {
        for (const sproto of both(model, chosen)) {
          const bytes = sproto.encode("T0", value);
          const again = sproto.encode("T0", sproto.decode("T0", bytes));
          // Objects sort keys that look like integers: the order of a map carries no meaning.
          if (chosen.maps === "map") expect(again).toEqual(bytes);
          else expect(again.length).toBe(bytes.length);
        }
      }),
      { numRuns },
    );
  });

  it("refuse the same values with the same words", () => {
    const wrong = fc.constantFrom<unknown>(
      null,
      "x",
      1.5,
      2n ** 63n,
      true,
      [undefined],
      [{}],
      {},
      [],
    );
    fc.assert(
      fc.property(cases, wrong, fc.nat(5), ({ model, value }, other, nth) => {
        const names = model.types[0]!.map(({ name }) => name);
        const name = names[nth % Math.max(1, names.length)];
        if (name === undefined) return;
        const broken = Object.assign(Object.create(null), value, { [name]: other }) as object;
        if (name === "__proto__") Object.defineProperty(broken, name, { value: other });
        const [a, b] = both(model).map((sproto) => outcome(() => sproto.encode("T0", broken)));
        expect(b).toEqual(a);
      }),
      { numRuns },
    );
  });

  it("skip what an older schema does not know", () => {
    fc.assert(
      fc.property(cases, fc.nat(5), ({ model, value }, dropped) => {
        const [fields, ...others] = model.types;
        const older: Model = { types: [fields!.filter((_, nth) => nth !== dropped), ...others] };
        fc.pre(isWhole(older));
        const name = fields![dropped]?.name;
        const bytes = parse(textOf(model)).encode("T0", value);
        const known = Object.entries(value).filter(([key]) => key !== name);
        for (const sproto of both(older)) {
          const back = sproto.decode("T0", bytes) as Record<string, unknown>;
          expect(Object.keys(back).sort()).toEqual(known.map(([key]) => key).sort());
        }
      }),
      { numRuns },
    );
  });
});

/** Do the maps of the schema still have their keys? */
function isWhole(model: Model): boolean {
  return outcomeOf(() => parse(textOf(model)));
}

function outcomeOf(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}

describe("a bundle", () => {
  it("says all that the text says", () => {
    fc.assert(
      fc.property(models, (model) => {
        const sproto = parse(textOf(model));
        const loaded = load(sproto.bundle());
        expect(loaded.bundle()).toEqual(sproto.bundle());
        expect(loaded.schema).toEqual(sproto.schema);
      }),
      { numRuns },
    );
  });
});

describe("packing", () => {
  // Words that decide between runs and single words: mostly full, or mostly empty.
  const byte = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 255 }));
  const word = fc.oneof(
    fc.constant(new Array<number>(8).fill(7)),
    fc.array(byte, { minLength: 8, maxLength: 8 }),
    fc.nat(7).map((hole) => [1, 2, 3, 4, 5, 6, 7, 8].map((value, i) => (i === hole ? 0 : value))),
  );
  const inputs = fc
    .tuple(fc.array(word, { maxLength: 600 }), fc.nat(7))
    .map(([words, cut]) => words.flat().slice(0, words.length * 8 - cut));

  it("gives back the bytes, padded with zeros", () => {
    fc.assert(
      fc.property(inputs, (bytes) => {
        const packed = pack(Uint8Array.from(bytes));
        const padded = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
        padded.set(bytes);
        expect(unpack(packed)).toEqual(padded);
        expect(packed.length).toBeLessThanOrEqual((padded.length / 8) * 9 + 2);
      }),
      { numRuns },
    );
  });

  it("never takes more than two bytes for each run of 256 words", () => {
    const full = new Uint8Array(2048 * 3 + 8).fill(1);
    expect(pack(full).length).toBe(full.length + 2 * 4);
  });
});

describe("hostile bytes", () => {
  const schema = `
    .package { type 0 : integer  session 1 : integer  ud 2 : string }
    .T { i 0 : integer  s 1 : string  t 2 : T  l 3 : *T  n 4 : *integer  d 5 : *double  m 6 : *P() }
    .P { k 0 : string  v 1 : T }
    ask 0 { request T  response T }`;
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    // Small numbers make records and lengths that nearly fit.
    fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 8, 255), { maxLength: 80 }).map((list) => {
      return Uint8Array.from(list);
    }),
  );

  it("end in a value or a ProtocolError, everywhere", () => {
    const sprotos = engines.map((engine) => parse(schema, { engine }));
    const host = sprotos[0]!.host();
    fc.assert(
      fc.property(bytes, (input) => {
        const [a, b] = sprotos.map((sproto) => outcome(() => sproto.decodeFrom("T", input)));
        if (!equal(a, b)) expect(b).toEqual(a);
        for (const run of [unpack, load, (it: Uint8Array) => host.dispatch(it)]) {
          outcome(() => run(input));
        }
        outcome(() => host.dispatch(pack(input)));
      }),
      { numRuns: 3 * numRuns },
    );
  });

  it("cannot make a bundle that harms", () => {
    const good = parse(schema).bundle();
    const edit = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const input = good.slice();
        for (const [at, to] of edits) input[at] = to;
        const [a, b] = engines.map((engine) =>
          outcome(() => {
            const sproto = load(input, { engine });
            const { name } = sproto.schema.types[0]!;
            return [
              sproto.encode(name, {}),
              sproto.decode(name, Uint8Array.of(0, 0)),
              sproto.bundle(),
            ];
          }),
        );
        if (!equal(a, b)) expect(b).toEqual(a);
      }),
      { numRuns: 2 * numRuns },
    );
  });

  it("are no schema text, or one", () => {
    const words = fc.constantFrom(
      ..."{}:*().#\n\r\t ",
      ".A",
      "a",
      "0",
      "integer",
      "(2)",
      "A",
      "A.B",
      "request",
      "response",
      "nil",
      "a 0 : *A(a)",
      "p 1 {",
      "\u{1f600}",
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 30 }), (parts) => {
        outcome(() => parse(parts.join("")).bundle());
      }),
      { numRuns: 4 * numRuns },
    );
  });
});

describe("laws of a framing with a generated codec inside", () => {
  const samples = fc.sample(models, { numRuns: 4, seed: 20261121 });
  const framed = (model: Model, engine: (typeof engines)[number]) =>
    lengthPrefixed({ width: 4, maxFrame: 64 * 1024 }).wrap(
      parse(textOf(model), { engine }).type("T0"),
    );
  for (const engine of engines) {
    samples.forEach((model, index) => {
      for (const law of laws(framed(model, engine), valuesOf(model, 0), { runs: 15 })) {
        it(`${engine}, schema ${index}: ${law.name}`, law.check);
      }
    });
  }
});

describe("laws of remote calls", () => {
  const schema = parse(`
    .package { type 0 : integer  session 1 : integer  ud 2 : string }
    .Point { x 0 : integer  y 1 : integer }
    move 0 { request Point  response Point }
    say 7 { request { text 0 : string } }
    ping 8 {}`);
  const rpc = sprotoRpc({ local: schema, remote: schema });
  const session = fc.option(fc.oneof(fc.constant(0), fc.integer(), fc.maxSafeInteger()), {
    nil: undefined,
  });
  const ud = fc.option(fc.string(), { nil: undefined });
  const point = fc.record({ x: fc.integer(), y: fc.integer() }, { requiredKeys: [] });
  const sent = fc.oneof(
    fc.record({
      kind: fc.constant("request" as const),
      name: fc.constant("move"),
      args: point,
      session,
      ud,
    }),
    fc.record({
      kind: fc.constant("request" as const),
      name: fc.constant("say"),
      args: fc.record({ text: fc.string({ unit: "binary", maxLength: 50 }) }),
      session,
      ud,
    }),
    fc.record({
      kind: fc.constant("response" as const),
      name: fc.constant("move"),
      args: point,
      session: fc.integer(),
      ud,
    }),
  );
  const bodyOf = (args: object): Uint8Array => {
    const out = new Output();
    schema.type("Point").encode(args, out);
    return out.take();
  };
  const options = {
    runs: 40,
    expected: (value: typeof sent extends fc.Arbitrary<infer T> ? T : never) =>
      value.kind === "request"
        ? value
        : { kind: "response", session: value.session, ud: value.ud, body: bodyOf(value.args) },
    // The zeros behind the body of an answer belong to the packing.
    ignores: () => true,
    equal: (a: unknown, b: unknown) => equal(trimmed(a), trimmed(b)),
  };
  for (const law of laws(rpc, sent, options as object)) it(law.name, law.check);

  it("speaks the frames of skynet's gate", () => {
    expect(netpack().maxFrame).toBe(65537);
    expect(rpc.maxFrame).toBe(65537);
  });
});

function trimmed(value: unknown): unknown {
  const { body } = value as { body?: Uint8Array };
  if (body === undefined) return value;
  let end = body.length;
  while (end > 0 && body[end - 1] === 0) end--;
  return { ...(value as object), body: body.subarray(0, end) };
}
