import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { lengthPrefixed, utf8 } from "../../../src/index.ts";
import { conformance } from "../../../src/testing/index.ts";

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

describe("conformance", () => {
  it("ends for a program that does not answer, is missing, or answers with something else", async () => {
    const node = (code: string): string[] => [process.execPath, "-e", code];
    for (const [command, timeout, text] of [
      [node("setInterval(() => {}, 1000)"), 200, /has not answered in 200 ms/],
      [["no-such-program"], 30_000, /no-such-program cannot be run/],
      [node("process.stdin.on('data', () => console.log('yes'))"), 30_000, /no JSON object: yes/],
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
