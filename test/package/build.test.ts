import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { entries, filesIn, readText, root } from "../support/package.ts";

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

describe("a bundle of framewright/web in one file", () => {
  const contents = `export { attachStreams, connectWebSocket } from "./dist/web.js";`;

  async function inputsFor(platform: "browser" | "node"): Promise<readonly string[]> {
    const { metafile } = await build({
      stdin: { contents, resolveDir: root },
      absWorkingDir: root,
      platform,
      bundle: true,
      format: "esm",
      write: false,
      metafile: true,
      logLevel: "error",
    });
    return Object.keys(metafile.outputs["stdin.js"]?.inputs ?? {});
  }

  it("for browsers has nothing that prints traces", async () => {
    const inputs = await inputsFor("browser");
    expect(inputs).toContain("dist/web.js");
    expect(inputs.filter((file) => /inspect|fields/.test(file))).toEqual([]);
  });

  it("for Node has what prints traces", async () => {
    expect(await inputsFor("node")).toContain("dist/shared-inspect.js");
  });
});
