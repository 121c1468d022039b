import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { packageJson } from "../../scripts/entries.mjs";
import { entryPoints, readText, root } from "../support/package.ts";

/** `paths` and `include` of a tsconfig, which may have comments. */
function tsconfig(path: string) {
  const text = readText(path).replace(/^\s*\/\/.*$/gm, "");
  return JSON.parse(text) as {
    compilerOptions: { paths: Record<string, string[]> };
    include: string[];
  };
}

describe("entries.json", () => {
  it("agrees with package.json; if not, run `npm run entries`", () => {
    expect(readText("package.json")).toBe(packageJson());
  });

  it.each(entryPoints)("names a source that tsconfig.json finds: $name", ({ name, source }) => {
    const { paths } = tsconfig("tsconfig.json").compilerOptions;
    const folder = name.replace(/^framewright\/?/, "");
    const candidates = paths[folder === "" ? name : "framewright/*"]!.map((path) =>
      path.replace("./", "").replace("*", folder),
    );
    expect(candidates.filter((path) => existsSync(`${root}${path}`))).toEqual([source]);
  });

  it.each(entryPoints.filter(({ pure }) => pure))(
    "has only pure entries that compile without a host: $name",
    ({ source }) => {
      const { include } = tsconfig("tsconfig.core.json");
      expect(include.some((path) => source === path || source.startsWith(`${path}/`))).toBe(true);
    },
  );
});
