import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../support/package.ts";

// The law kit does not depend on a test runner: the built package in Node's own one, and in none.

const protocol = `
  const framing = lengthPrefixed({ width: 2 });
  const promised = laws(framing.wrap(raw()), bytes(framing), { runs: 10, seed: 1 });`;

function node(inputType: "module" | "commonjs", script: string): string {
  const args = [`--input-type=${inputType}`, "-e", script];
  return execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" });
}

describe("framewright/testing", () => {
  it("runs in node:test", () => {
    const output = node(
      "module",
      `import test from "node:test";
      import { lengthPrefixed, raw } from "framewright";
      import { bytes, laws } from "framewright/testing";
      ${protocol}
      for (const law of promised) test(law.name, law.check);`,
    );
    expect(output).toMatch(/^(# |ℹ )pass 19$/m);
    expect(output).toMatch(/^(# |ℹ )fail 0$/m);
  });

  it("runs as a plain CommonJS script, and a broken law ends it", () => {
    const output = node(
      "commonjs",
      `const { lengthPrefixed, raw } = require("framewright");
      const { bytes, LawError, laws } = require("framewright/testing");
      ${protocol}
      for (const law of promised) law.check();
      const codec = { ...raw(), decode: (bytes, start, end) => bytes.subarray(start + 1, end) };
      try {
        laws(codec, bytes(), { seed: 1 })[0].check();
      } catch (error) {
        console.log(error instanceof LawError, error.law);
      }`,
    );
    expect(output).toBe("true round trip\n");
  });
});

describe("framewright/testing/vectors", () => {
  it("tests golden bytes where fast-check is not installed", () => {
    const folder = mkdtempSync(join(tmpdir(), "framewright-vectors-"));
    try {
      const copy = join(folder, "node_modules/framewright");
      cpSync(join(root, "dist"), join(copy, "dist"), { recursive: true });
      cpSync(join(root, "package.json"), join(copy, "package.json"));
      const run = (entry: string): string => {
        const script = `import { lengthPrefixed, utf8 } from "framewright";
        import { refuses, vectors } from "${entry}";
        const words = lengthPrefixed({ width: 2 }).wrap(utf8());
        const golden = vectors(words, [["0002 6869", "hi"], ["0002 ff", refuses("truncated")]]);
        for (const { name, check } of golden) { check(); console.log(name); }`;
        const args = ["--input-type=module", "-e", script];
        return execFileSync(process.execPath, args, {
          cwd: folder,
          encoding: "utf8",
          stdio: "pipe",
        });
      };
      expect(run("framewright/testing/vectors")).toBe("vector 1: 00026869\nvector 2: 0002ff\n");
      expect(() => run("framewright/testing")).toThrow("fast-check");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
