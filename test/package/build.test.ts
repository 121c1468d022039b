import { describe, expect, it } from "vitest";
import { entries, filesIn, readText } from "../support/package.ts";

const scripts = filesIn("dist", /\.c?js$/);
const declarations = filesIn("dist", /\.d\.ts$/);

describe("dist", () => {
  it("has no source maps", () => {
    expect(filesIn("dist", /\.map$/)).toEqual([]);
    expect(scripts.filter((file) => readText(file).includes("sourceMappingURL"))).toEqual([]);
  });

  it("has files with readable names", () => {
    const names = [...scripts, ...declarations].map((file) => file.replace(/^.*\//, ""));
    // Words of lower-case letters and digits, without a hash.
    for (const name of names) expect(name).toMatch(/^[a-z\d]+(-[a-z\d]+)*\.(js|cjs|d\.ts)$/);
  });

  it("imports Node's modules with the prefix node:", () => {
    const imported = scripts.flatMap((file) =>
      [...readText(file).matchAll(/(?:\bfrom |\brequire\()['"]([^.'"][^'"]*)['"]/g)].map(
        (match) => match[1]!,
      ),
    );
    expect(imported).toContain("node:net");
    expect(imported.filter((name) => !/^(node:|fast-check$)/.test(name))).toEqual([]);
  });

  it("declares no internal members", () => {
    expect(declarations.length).toBeGreaterThan(entries.length);
    expect(declarations.filter((file) => readText(file).includes("@internal"))).toEqual([]);
  });

  it("has the same declarations for import and for require", () => {
    const folders = ["dist/types/", "dist/types-cjs/"].map((folder) =>
      declarations.filter((file) => file.startsWith(folder)).map((file) => readText(file)),
    );
    expect(folders[1]).toEqual(folders[0]);
    expect(JSON.parse(readText("dist/types-cjs/package.json"))).toEqual({ type: "commonjs" });
  });
});
