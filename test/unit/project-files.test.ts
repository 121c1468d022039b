import { existsSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { docPages, filesIn, manifest, readText, root } from "../support/package.ts";

const pages = [
  "README.md",
  "README.zh-CN.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "examples/README.md",
  ...docPages,
];

const codeOf = (page: string): string[] => readText(page).match(/^```[\s\S]*?^```$/gm) ?? [];

/** Where the links of a page lead, without those to other sites. */
function linksOf(page: string): string[] {
  const [, ...links] = readText(page)
    .replace(/^```[\s\S]*?^```$/gm, "")
    .split("](");
  return links.map((link) => link.slice(0, link.indexOf(")")));
}

/** The anchors of a page's headings, as GitHub and VitePress make them. */
function anchorsOf(page: string): string[] {
  return [...readText(page).matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("project files", () => {
  it.each(pages)("%s names only npm scripts that exist", (page) => {
    const named = [...readText(page).matchAll(/\bnpm run ([\w:-]+)/g)].map((match) => match[1]!);
    expect(named.filter((script) => !(script in manifest.scripts))).toEqual([]);
  });

  it("shows the same code in README.md and README.zh-CN.md, and the same sizes", () => {
    expect(codeOf("README.md").length).toBeGreaterThan(5);
    expect(codeOf("README.zh-CN.md")).toEqual(codeOf("README.md"));
    const sizes = (page: string): string[] => readText(page).match(/[\d.]+ kB/g) ?? [];
    expect(sizes("README.zh-CN.md")).toEqual(sizes("README.md"));
  });

  it("links alike in README.md and README.zh-CN.md, and nowhere by a relative path, which npm cannot follow", () => {
    const links = linksOf("README.md");
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter((link) => !link.startsWith("https://"))).toEqual([]);
    const others = linksOf("README.zh-CN.md");
    expect([...others.slice(1)].sort()).toEqual([...links.slice(1)].sort());
  });

  it.each(pages)("%s links only to files and headings that exist", (page) => {
    const home = "https://github.com/OWNER/framewright/blob/main/";
    const folder = page.replace(/[^/]*$/, "");
    const broken = linksOf(page).filter((link) => {
      if (/^(?:https?:|mailto:)/.test(link) && !link.startsWith(home)) return false;
      const [path, anchor] = link.split("#");
      const file =
        path === "" ? page : posix.join(folder, path!).replace(posix.join(folder, home), "");
      if (!existsSync(`${root}${file}`)) return true;
      return anchor !== undefined && file.endsWith(".md") && !anchorsOf(file).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it("lists every program of examples/ in its index, once", () => {
    const programs = filesIn("examples", /\.(ts|mjs)$/).filter((path) => !/\/_[^/]*$/.test(path));
    const listed = linksOf("examples/README.md").map((link) => `examples/${link}`);
    expect(programs.length).toBeGreaterThan(30);
    expect(programs.filter((path) => !listed.includes(path))).toEqual([]);
    expect(listed.filter((path, i) => listed.indexOf(path) < i)).toEqual([]);
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
