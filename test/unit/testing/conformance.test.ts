import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { lengthPrefixed, utf8 } from "../../../src/index.ts";
import { netpack, parse } from "../../../src/protocols/sproto/index.ts";
import { conformance, text } from "../../../src/testing/index.ts";
import { concat } from "../../support/chunks.ts";
import { bytesOf } from "../../support/hex.ts";
import { fromVector, vectors } from "../../support/sproto-vectors.ts";

// A program takes a while to start on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const words = lengthPrefixed({ width: 2 }).wrap(utf8());
const values = fc.string({ unit: "binary", maxLength: 40 });
const program = fileURLToPath(new URL("programs/words.py", import.meta.url));
const hasPython = spawnSync("python3", ["--version"]).status === 0;
if (!hasPython) console.warn("conformance with python3 is skipped: there is none");

function testsOf(fault?: string) {
  const command = ["python3", program, ...(fault === undefined ? [] : [fault])];
  const vectors = [["0005 68656c6c6f", "hello"]] as const;
  return conformance(words, command, { values, vectors, runs: 60, timeout: 30_000 });
}

/** The errors of the tests that fail, by their names. */
async function failures(fault: string): Promise<{ [name: string]: string; vectors?: string }> {
  const found: { [name: string]: string; vectors?: string } = {};
  for (const { name, check } of testsOf(fault)) {
    try {
      await check();
    } catch (error) {
      found[name] = (error as Error).message;
    }
  }
  return found;
}

describe.skipIf(!hasPython)("conformance of a program in Python", () => {
  it.each(testsOf().map((test) => [test.name, test] as const))("holds: %s", async (_, test) => {
    await test.check();
  });

  it("finds a length in the other byte order, by all that is read", async () => {
    const found = await failures("order");
    expect(Object.keys(found)).toEqual(["reads what we write", "reads what we read", "vectors"]);
    expect(found.vectors).toContain('instead of "hello"');
    expect(found.vectors).toContain("00 05 68 65 6c 6c 6f");
  });

  it("finds a length in characters, by what is written", async () => {
    const found = await failures("characters");
    expect(Object.keys(found)).toEqual(["writes what we write"]);
    expect(found["writes what we write"]).toMatch(/it writes ".*" as [0-9a-f]+ instead of\n/s);
  });

  it("finds that bad UTF-8 is let pass, by damaged bytes", async () => {
    const found = await failures("lenient");
    expect(Object.keys(found)).toEqual(["reads what we read"]);
    expect(found["reads what we read"]).toContain("and malformed");
  });

  it("shows what a program that dies has printed", async () => {
    const found = await failures("crash");
    expect(found.vectors).toContain("ended with code 1");
    expect(found.vectors).toContain("out of words");
  });
});

const moves = parse(`
  .Item { id 0 : integer  label 1 : string }
  .Move {
    x 0 : integer  who 1 : string  alive 2 : boolean  path 3 : *integer  tags 6 : *string
    flags 7 : *boolean  item 8 : Item  items 9 : *Item  blob 10 : binary  weight 11 : double
  }
`).type("Move");
const integers = fc.oneof(
  fc.constantFrom(0, 32_766, 32_767, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1),
  fc.integer({ min: -40_000, max: 40_000 }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
);
const words16 = text({ max: 16 });
const items = fc.record({ id: integers, label: words16 }, { requiredKeys: [] });
const anyMoves = fc.record(
  {
    x: integers,
    who: words16,
    alive: fc.boolean(),
    path: fc.array(integers, { maxLength: 5 }),
    tags: fc.array(words16, { maxLength: 4 }),
    flags: fc.array(fc.boolean(), { maxLength: 9 }),
    item: items,
    items: fc.array(items, { maxLength: 3 }),
    blob: fc.uint8Array({ maxLength: 20 }),
    weight: fc.double(),
  },
  { requiredKeys: [] },
);
const lua = ["lua5.4", "lua"].find((name) => {
  return spawnSync(name, ["-e", 'assert(_VERSION >= "Lua 5.4")']).status === 0;
});
if (lua === undefined) console.warn("conformance with Lua is skipped: there is no Lua 5.4");

/** The tests of a type of the program in Lua. */
function inLua(type: string, codec: typeof moves, options: object, fault: readonly string[] = []) {
  const path = fileURLToPath(new URL("programs/sproto.lua", import.meta.url));
  const all = { runs: 60, timeout: 30_000, ...options };
  return conformance(netpack().wrap(codec), [lua ?? "lua", path, type, ...fault], all as never);
}

/** What the C library of sproto's author writes for these values. */
const written = (type: string) =>
  vectors.cases
    .filter((one) => one.type === type && one.decoded === undefined)
    .map((one) => {
      const bytes = bytesOf(one.hex);
      return [
        concat([Uint8Array.of(bytes.length >> 8, bytes.length), bytes]),
        fromVector(one.value),
      ];
    });

const types = [
  ["Human", "shapes"],
  ["Sparse", "sparse"],
  ["Node", "tree"],
] as const;

describe.skipIf(lua === undefined)("conformance of sproto in Lua", () => {
  const tests = inLua("Move", moves, { values: anyMoves });
  it.each(tests.map((test) => [test.name, test] as const))("holds: %s", async (_, test) => {
    await test.check();
  });

  it.each(types)("holds for the bytes that sproto's C library writes of %s", async (type, name) => {
    const golden = written(type);
    expect(golden.length).toBeGreaterThan(1);
    const codec = parse(vectors.schemas[name]!).type(type);
    const all = inLua(type, codec, { values: fc.constant({}), vectors: golden });
    await all.find((test) => test.name === "vectors")!.check();
  });

  it.each([
    ["a number that is no longer inline from 32768 on", "inline", "writes what we write"],
    ["bad UTF-8 that is let pass", "lenient", "reads what we read"],
    ["the length of the gate in the other order", "order", "reads what we write"],
  ])("finds %s", async (_, fault, name) => {
    const all = inLua("Move", moves, { values: anyMoves, runs: 200 }, [fault]);
    const test = all.find((one) => one.name === name)!;
    await expect(test.check()).rejects.toThrow("does not speak");
  });
});

describe("conformance", () => {
  it("ends for a program that does not answer, is missing, or answers with something else", async () => {
    const node = (code: string): string[] => [process.execPath, "-e", code];
    for (const [command, timeout, text] of [
      [node("setInterval(() => {}, 1000)"), 200, /has not answered within 200 ms/],
      [["no-such-program"], 30_000, /no-such-program cannot be run/],
      [
        node("process.stdin.on('data', () => console.log('yes'))"),
        30_000,
        /not a JSON object: yes/,
      ],
    ] as const) {
      const [first] = conformance(words, command, { values, runs: 1, timeout });
      await expect(first!.check()).rejects.toThrow(text);
    }
  });

  it("needs values and a command", () => {
    expect(() => conformance(words, ["x"])).toThrow("conformance needs the option values");
    expect(() => conformance(words, [], { values })).toThrow("conformance needs a command");
    expect(() => conformance(words, ["x"], { values, run: 1 } as object)).toThrow(
      /no option "run"/,
    );
  });
});
