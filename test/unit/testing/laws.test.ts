import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import type { Scan } from "../../../src/core/index.ts";
import {
  type Codec,
  defineProtocol,
  json,
  lengthPrefixed,
  lines,
  type Protocol,
  ProtocolError,
  perMessage,
  raw,
  utf8,
  varintPrefixed,
} from "../../../src/index.ts";
import {
  agreement,
  bytes,
  type Law,
  LawError,
  laws,
  several,
  text,
} from "../../../src/testing/index.ts";
import { line, type Ping, ping, small } from "./saboteurs/saboteur.ts";

vi.setConfig({ testTimeout: 60_000 });

const pings = fc.record({ op: fc.nat(255), body: bytes({ max: 300 }) });

function broken(promised: readonly Law[], name?: string): LawError {
  for (const law of promised) {
    if (name !== undefined && law.name !== name) continue;
    try {
      law.check();
    } catch (error) {
      expect(error).toBeInstanceOf(LawError);
      return error as LawError;
    }
  }
  throw new Error("no law is broken");
}

const names = (promised: readonly Law[]): string[] => promised.map(({ name }) => name);

function demandAll(promised: readonly Law[]): void {
  expect(promised.length).toBeGreaterThan(0);
  for (const law of promised) law.check();
}

/** A report fits a screen. */
function demandScreen(message: string): void {
  const rows = message.split("\n");
  expect(rows.length, message).toBeLessThanOrEqual(24);
  expect(Math.max(...rows.map((row) => row.length)), message).toBeLessThanOrEqual(110);
}

describe("laws", () => {
  it("have names, reasons, and checks that do not use this", () => {
    const promised = laws(ping(), pings, { canonical: true, refused: fc.constant(undefined) });
    expect(names(promised)).toEqual([
      "round trip",
      "append-only encode",
      "measure equals length",
      "incomplete input",
      "no overread",
      "offset independence",
      "resumed measure",
      "no rescanning",
      "chunk invariance",
      "concatenation",
      "truncation",
      "limit invariance",
      "purity",
      "no aliasing",
      "no bare throws",
      "totality",
      "refusal",
      "pause and close",
      "canonical",
      "every byte counts",
    ]);
    for (const { why, check } of promised) {
      expect(why).toMatch(/^[a-z]/);
      check();
    }
  });

  it("leave out those about streams for messages and codecs", () => {
    const ofMessages = [
      "round trip",
      "append-only encode",
      "no overread",
      "offset independence",
      "limit invariance",
      "purity",
      "no aliasing",
      "no bare throws",
      "totality",
      "canonical",
      "every byte counts",
    ];
    expect(names(laws(perMessage().wrap(utf8()), text()))).toEqual(ofMessages);
    expect(names(laws(utf8(), text()))).toEqual(ofMessages);
    const withText = [...ofMessages.slice(0, 5), "text path", ...ofMessages.slice(5)];
    expect(names(laws(json(), text()))).toEqual(withText);
    demandAll(laws(perMessage({ maxFrame: 300 }).wrap(raw()), bytes({ max: 310 }), { runs: 50 }));
  });

  it("compare all values of a frame for a codec with decodeMany", () => {
    const batch: Codec<readonly number[], number> = {
      decode: (bytes, start, end) => {
        if (end - start !== 1) throw new ProtocolError("malformed", "not one value", start);
        return bytes[start]!;
      },
      decodeMany: (bytes, start, end) => [...bytes.subarray(start, end)],
      encode: (list, out) => void out.bytes(Uint8Array.from(list)),
    };
    const lists = fc.array(fc.nat(255), { maxLength: 9 });
    const expected = (list: readonly number[]): ReturnType<typeof several<number>> => several(list);
    demandAll(laws(batch, lists, { expected, runs: 50 }));
    const framed = varintPrefixed({ maxFrame: 300 }).wrap(batch);
    demandAll(laws(framed, lists, { expected, runs: 50 }));
    expect(broken(laws(framed, lists)).message).toContain("instead of");
  });

  it("ask a protocol with state for an object per connection", () => {
    demandAll(laws(numbered(), bytes({ max: 300 }), { runs: 50 }));
  });

  it("compare with `expected` if the received value differs from the sent one", () => {
    const upper = lines().wrap<string, string>({
      ...utf8(),
      encode: (word, out) => void out.utf8(word.toUpperCase()),
    });
    const words = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1 });
    demandAll(laws(upper, words, { expected: (word) => word.toUpperCase(), runs: 20 }));
    demandAll(laws(upper, words, { equal: (a, b) => a.length === b.length, runs: 20 }));
    expect(broken(laws(upper, words)).law).toBe("round trip");
  });

  it("read with `reader`", () => {
    const [writes, reads] = directions();
    demandAll(
      laws(writes, fc.nat(255), {
        reader: reads,
        expected: String,
        runs: 50,
        ignores: (_, at) => at < 2,
      }),
    );
    const wrong = laws(writes, fc.nat(255), { reader: ping(), equal: () => true });
    expect(broken(wrong).message).toContain("bytes");
  });

  it("fail if encode refuses a value of the arbitrary", () => {
    const error = broken(
      laws(lines().wrap(utf8()), fc.string({ unit: fc.constantFrom("\n", "a") })),
    );
    expect(error.law).toBe("round trip");
    expect(error.counterexample).toBe("\n");
    expect(error.message).toContain(
      "encode refuses a value of the arbitrary (unencodable: the payload",
    );
    expect((error.cause as ProtocolError).code).toBe("unencodable");
  });

  it("fail if nearly all values are too big for a frame", () => {
    const framing = lengthPrefixed({ width: 2, maxFrame: 100 });
    demandAll(laws(framing.wrap(raw()), bytes(framing), { runs: 50, canonical: true }));
    const error = broken(laws(framing.wrap(raw()), bytes({ min: 99, max: 300 })));
    expect(error.message).toMatch(
      /hardly tested with the law "round trip": \d+ of \d+ values are too big/,
    );
    expect(error.counterexample).toBeUndefined();
  });

  it("report the value, the bytes with the cuts, the seed and how to replay", () => {
    const clipped = ping({
      measure: (bytes, start, end) =>
        end - start < 2 ? 0 : Math.min(end - start, 3 + bytes[start + 1]!),
    });
    const promised = laws(clipped, fc.record({ op: fc.nat(255), body: bytes({ max: 9 }) }), {
      seed: 42,
    });
    const error = broken(promised, "incomplete input");
    expect(error.message.split("\n")).toEqual([
      'ping breaks the law "incomplete input": for the first 2 of 3 bytes, measure returns 2',
      "  why it matters: a socket delivers any beginning of a frame first: measure must wait, or already know the",
      "    final length",
      '  value: {"op":0,"body":Uint8Array.from([])}',
      "  bytes: 3 (| a chunk ends)",
      `    0000  00 00|00 ${" ".repeat(40)} ...`,
      expect.stringMatching(/^ {2}seed: 42 \(run \d+, shrunk \d+ times\)$/),
      "  replay: set FC_SEED=42 in the environment, or pass laws() the option { seed: 42 }",
    ]);
    expect(error).toMatchObject({
      name: "LawError",
      law: "incomplete input",
      protocol: "ping",
      seed: 42,
    });
    const again = broken(laws(clipped, pings, { seed: 42 }), "incomplete input");
    expect(again.counterexample).toEqual(error.counterexample);
  });

  it("shorten long values in reports", () => {
    const deaf = line({ decode: () => new Uint8Array(0) });
    const long = broken(laws(deaf, fc.constant(new Uint8Array(500).fill(7))), "round trip");
    expect(long.message).toContain("7,7, ... 468 more");
    expect(long.message).toContain("[07] 07 07");
    expect(long.message).toMatch(/\.\.\. \d+ bytes/);
    const wide = broken(
      laws(lines().wrap(utf8()), fc.constant(`${"ab".repeat(999)}\n`)),
      "round trip",
    );
    expect(wide.message).toMatch(/\.\.\. \(\d+ characters more\)/);
    for (const { message } of [long, wide]) demandScreen(message);
  });

  it("report errors of the user's own functions", () => {
    const oops = (): never => {
      throw new TypeError("oops");
    };
    const error = broken(laws(ping(), pings, { equal: oops }));
    expect(error.message).toContain("oops");
    expect(error.cause).toBeInstanceOf(TypeError);
    const thrown = laws(ping(), pings, {
      expected: () => {
        // biome-ignore lint/style/useThrowOnlyError: some do
        throw "a string";
      },
    });
    expect(broken(thrown).message).toContain("a string");
  });

  it("are typed by the protocol", () => {
    laws(ping(), pings, { expected: (sent) => sent, equal: (a, b) => a.op === b.op });
    // @ts-expect-error a ping has a body
    laws(ping(), fc.record({ op: fc.nat(255) }));
    // @ts-expect-error and an op that is a number
    laws(ping(), pings, { equal: (a, b) => a.op === b.body });
    const [writes, reads] = directions();
    laws(writes, fc.nat(255), { reader: reads, expected: (sent) => String(sent) });
    // @ts-expect-error the reader gives texts
    laws(writes, fc.nat(255), { reader: reads, expected: (sent) => sent });
    expectTypeOf(laws(ping(), pings)).toEqualTypeOf<Law[]>();
    expectTypeOf<Law["check"]>().returns.toEqualTypeOf<void | Promise<void>>();
  });
});

describe("run options", () => {
  // The seed of this test run is none of their business.
  const configured = fc.readConfigureGlobal();
  const { FC_SEED } = process.env;
  beforeEach(() => {
    delete process.env.FC_SEED;
    fc.resetConfigureGlobal();
  });
  afterEach(() => {
    delete process.env.FC_NUM_RUNS;
    delete process.env.FC_SEED;
    if (FC_SEED !== undefined) process.env.FC_SEED = FC_SEED;
    fc.configureGlobal(configured);
  });

  /** How many values a law is tried with, and the first of them. */
  function tried(options: { runs?: number; seed?: number } = {}): { runs: number; first: number } {
    const seen: number[] = [];
    const numbers = fc.integer({ min: 0, max: 0xffff });
    const counted = {
      encode: (value: number, out: { u16be(value: number): unknown }) => void out.u16be(value),
      decode: (bytes: Uint8Array, start: number) => bytes[start]! * 256 + bytes[start + 1]!,
    };
    const promised = laws<number, number>(counted, numbers, {
      ...options,
      expected(value) {
        seen.push(value);
        return value;
      },
    });
    promised[0]!.check();
    return { runs: seen.length, first: seen[0]! };
  }

  it("default to what the law needs and a random seed", () => {
    expect(tried().runs).toBe(1000);
    expect(
      new Set([tried().first, tried().first, tried().first, tried().first]).size,
    ).toBeGreaterThan(1);
  });

  it("are read from the options", () => {
    expect(tried({ runs: 7 }).runs).toBe(7);
    expect(tried({ seed: 5 })).toEqual(tried({ seed: 5 }));
    expect(tried({ seed: 5 }).first).not.toBe(tried({ seed: 6 }).first);
  });

  it("default to fast-check's own configuration", () => {
    fc.configureGlobal({ numRuns: 13, seed: 5 });
    expect(tried()).toEqual(tried({ runs: 13, seed: 5 }));
    expect(tried({ runs: 3 }).runs).toBe(3);
  });

  it("are overridden by the environment", () => {
    process.env.FC_NUM_RUNS = "11";
    process.env.FC_SEED = "-5";
    const fromEnvironment = tried({ runs: 3, seed: 6 });
    delete process.env.FC_NUM_RUNS;
    process.env.FC_SEED = "";
    expect(fromEnvironment).toEqual(tried({ runs: 11, seed: -5 }));
  });

  it("refuse environment variables that are not integers", () => {
    process.env.FC_NUM_RUNS = "many";
    expect(() => tried()).toThrow('FC_NUM_RUNS must be an integer, not "many"');
  });
});

describe("agreement", () => {
  const ready = lengthPrefixed({ width: 2, maxFrame: 4096 }).wrap(raw());
  const mine = (fault: Partial<Protocol<Uint8Array>> = {}): Protocol<Uint8Array> =>
    defineProtocol<Uint8Array>({ ...ready, name: "mine", ...fault });

  it("holds for two equal implementations", () => {
    const refused = bytes({ min: 5000, max: 5001 });
    demandAll(agreement(mine(), ready, bytes(ready), { refused }));
    demandAll(agreement(utf8(), utf8(), text({ max: 300 })));
    demandAll(agreement(numbered(), numbered(), bytes({ max: 50 }), { runs: 30 }));
  });

  it("breaks if other bytes are written", () => {
    const other = mine({
      encode: (body, out) => void out.u16be(body.length).bytes(body.slice().reverse()),
    });
    expect(broken(agreement(other, ready, bytes(ready))).law).toBe("agreement on bytes");
    const refusing = mine({
      encode(body, out) {
        if (body.length === 3) throw new ProtocolError("unencodable", "three");
        ready.encode(body, out);
      },
    });
    const three = agreement(refusing, ready, bytes({ max: 9 }));
    expect(broken(three).message).toContain(
      "refuses (unencodable: three), the other writes 5 bytes",
    );
  });

  it("breaks if the same bytes give other values", () => {
    const other = mine({ decode: (bytes, start, end) => bytes.subarray(start, end) });
    const error = broken(agreement(other, ready, bytes(ready)));
    expect(error.law).toBe("agreement on values and errors");
    expect(error.message).toContain("different values");
  });

  it("breaks if bad bytes end in another error or elsewhere", () => {
    // An overlong varint consumed by its value: `83 00` is taken for one byte.
    const varint = varintPrefixed({ maxFrame: 300 });
    const byValue = {
      ...varint.wrap(raw()),
      measure(bytes: Uint8Array, start: number, end: number, scan: Scan) {
        const length = varint.measure(bytes, start, end, scan);
        const overlong = length > 0 && bytes[start]! >= 0x80 && bytes[start + 1] === 0;
        return overlong ? length - 1 : length;
      },
    };
    const error = broken(
      agreement(byValue, varint.wrap(raw()), bytes({ max: 100 }), { runs: 2000 }),
    );
    expect(error.law).toBe("agreement on values and errors");
    const lax: Codec<string> = {
      ...utf8(),
      decode(bytes, start, end) {
        try {
          return utf8().decode(bytes, start, end);
        } catch {
          throw new ProtocolError("too-long", "another code");
        }
      },
    };
    expect(broken(agreement(lax, utf8(), text({ max: 30 }))).message).toContain("too-long");
  });

  it("breaks if one writes a value that both must refuse", () => {
    const lax = json({ parse: (value) => JSON.parse(value) as unknown });
    const other = { ...lax, encode: (value: unknown, out: Parameters<typeof lax.encode>[1]) => void out.utf8(`${JSON.stringify(value)}`) }; // biome-ignore format: short
    const promised = agreement(other, lax, fc.constant(1), { refused: fc.constant(Number.NaN) });
    expect(broken(promised, "agreement on refusals").message).toContain("codec writes 4 bytes");
  });
});

/** Each body carries its number on the connection: state, behind perConnection. */
function numbered(): Protocol<Uint8Array> {
  const plain = small({ maxFrame: 300 });
  return defineProtocol<Uint8Array>({
    ...plain,
    perConnection() {
      let written = 0;
      let read = 0;
      return {
        ...plain,
        measure: (bytes, start) => 2 + bytes[start]!,
        decode(bytes, start, end) {
          const number = bytes[start + 1]!;
          if (number !== read++ % 256)
            throw new ProtocolError("malformed", `number ${number}`, start + 1);
          return bytes.subarray(start + 2, end);
        },
        encode(body, out) {
          out
            .u8(body.length)
            .u8(written % 256)
            .bytes(body);
          written++;
        },
      };
    },
  });
}

/** A protocol whose two sides differ: numbers go one way, texts the other. */
function directions(): [Protocol<number, Ping>, Protocol<Ping, string>] {
  const writes = defineProtocol<number, Ping>({
    name: "numbers out",
    measure: () => 3,
    decode: () => ({ op: 0, body: new Uint8Array(0) }),
    encode: (value, out) => void out.u16be(1).u8(value),
  });
  const reads = defineProtocol<Ping, string>({
    name: "texts in",
    measure: () => 3,
    decode: (bytes, start) => String(bytes[start + 2]),
    encode: () => undefined,
  });
  return [writes, reads];
}
