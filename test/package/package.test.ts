import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const cwd = fileURLToPath(root);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const manifest = JSON.parse(read("package.json")) as {
  version: string;
  exports: Record<string, unknown>;
};
const entries = Object.keys(manifest.exports)
  .filter((entry) => entry !== "./package.json")
  .map((entry) => `framewright${entry.slice(1)}`);

/** Runs a script in a plain Node process, in this package, and gives what it prints. */
function node(inputType: "module" | "commonjs", script: string): string {
  const args = [`--input-type=${inputType}`, "-e", script];
  return execFileSync(process.execPath, args, { cwd, encoding: "utf8" }).trim();
}

describe("package", () => {
  it.each(entries)("%s loads by import and by require, with the same names", (entry) => {
    const esm = node(
      "module",
      `import * as m from "${entry}"; console.log(Object.keys(m).sort().join())`,
    );
    const cjs = node("commonjs", `console.log(Object.keys(require("${entry}")).sort().join())`);
    expect(cjs.replace(/,?__esModule/, "")).toBe(esm);
    expect(esm).not.toBe("");
  });

  it("gives import and require one copy of each class", () => {
    const script = `
      import { createRequire } from "node:module";
      import { FrameError } from "framewright";
      const require = createRequire(process.cwd() + "/x.js");
      console.log(require("framewright").FrameError === FrameError);`;
    expect(node("module", script)).toBe("true");
  });

  it("gives every CommonJS entry one copy of each class", () => {
    const script = `
      const { FrameError } = require("./dist/index.cjs");
      try { require("./dist/goim.cjs").read(Uint8Array.of(9)); }
      catch (error) { console.log(error instanceof FrameError); }`;
    expect(node("commonjs", script)).toBe("true");
  });

  it("packs only what users need", () => {
    const [pack] = JSON.parse(
      execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd, encoding: "utf8" }),
    ) as [{ files: { path: string }[] }];
    const files = pack.files.map((f) => f.path).filter((path) => !path.startsWith("dist/"));
    expect(files.sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
  });

  it("has a changelog whose newest release is this version", () => {
    const newest = /^## \[(\d+\.\d+\.\d+)\]/m.exec(read("CHANGELOG.md"))?.[1];
    expect(newest).toBe(manifest.version);
  });
});
