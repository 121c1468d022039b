import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Target } from "../../fuzz/check.ts";
import { load } from "../../fuzz/fixtures.ts";

// Everything that fuzzing has found so far, once more: inputs that crashed, and those that reach much.
const folder = new URL("../../fuzz/targets/", import.meta.url);
const names = readdirSync(folder).map((file) => file.replace(/\.ts$/, ""));

describe("what fuzzing found", () => {
  it.each(names)("of %s does not crash", async (name) => {
    const { target } = (await import(`../../fuzz/targets/${name}.ts`)) as { target: Target };
    const { crashes, corpus } = load(name);
    const seeds = target.seeds();
    expect(seeds.length).toBeGreaterThan(0);
    expect(corpus.length).toBeGreaterThan(0);
    for (const input of [...seeds, ...crashes, ...corpus]) target.fuzz(input);
    // All cases are tried, the last one too.
    expect(new Set(seeds.map(([first]) => first)).size).toBe(target.cases.length);
  });
});
