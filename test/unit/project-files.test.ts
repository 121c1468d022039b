import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { filesIn, manifest, readText, root } from "../support/package.ts";

const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...filesIn("docs", /\.md$/)];

describe("project files", () => {
  it.each(pages)("%s names only npm scripts that exist", (page) => {
    const named = [...readText(page).matchAll(/\bnpm run ([\w:-]+)/g)].map((match) => match[1]!);
    expect(named.filter((script) => !(script in manifest.scripts))).toEqual([]);
  });

  it("names only files in CONTRIBUTING.md that exist", () => {
    const named = [...readText("CONTRIBUTING.md").matchAll(/(?:src|test|docs)\/[\w/.-]+/g)]
      .map(([path]) => path.replace(/\.$/, ""))
      .filter((path) => !path.includes("NAME"));
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((path) => !existsSync(`${root}${path}`))).toEqual([]);
  });

  it("runs .ci/run in CI, on each release line of Node that package.json allows", () => {
    const workflow = readText(".github/workflows/ci.yml");
    expect(workflow).toContain("run: .ci/run");
    const lines = /node: \[(.+)\]/.exec(workflow)![1]!.split(", ");
    expect(lines).toEqual(["20", "22", "24"]);
    expect(manifest.engines.node).toBe("^20.19.0 || >=22.12.0");
    expect(lines).toContain(readText(".nvmrc").trim());
  });
});
