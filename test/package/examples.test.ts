import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectedLines, filesIn, manifest, readText, root } from "../support/package.ts";

// Runs every program in examples/ as a user would, with plain Node and the built package. It must
// end by itself with exit code 0, print nothing on stderr, and print its `//=>` lines, if it has
// any. Files whose names begin with an underscore are parts of others. Programs that begin with "//
// Runs until" run until they are stopped, and have tests of their own. Those that begin with "//
// Runs on" require another runtime; `npm run test:runtimes` runs them.
const dir = ".examples-check";
const files = filesIn("examples", /\.\w+$/);
const programs = files.filter((path) => /\.(ts|mjs)$/.test(path));

/** Removes types with the compiler, because the oldest supported Node cannot. */
function compiled(program: string): string {
  const { outputText } = ts.transpileModule(readText(program), {
    fileName: program,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  });
  return outputText;
}

beforeAll(() => {
  rmSync(`${root}${dir}`, { recursive: true, force: true });
  for (const file of files) {
    const target = `${root}${dir}/${file.replace(/\.ts$/, ".js")}`;
    mkdirSync(target.slice(0, target.lastIndexOf("/")), { recursive: true });
    writeFileSync(target, file.endsWith(".ts") ? compiled(file) : readText(file));
  }
});
afterAll(() => rmSync(`${root}${dir}`, { recursive: true, force: true }));

const isProgram = (path: string): boolean =>
  !/\/_[^/]*$/.test(path) && !/^\/\/ Runs (until|on) /.test(readText(path));

describe("examples", () => {
  it.skipIf(programs.length === 0)("contain the programs of npm start", () => {
    const started = /examples\/\S+/.exec(manifest.scripts.start ?? "")?.[0];
    expect(programs).toContain(started);
  });

  it.each(programs.filter(isProgram))("%s runs, and ends by itself", (program) => {
    const file = `${dir}/${program.replace(/\.ts$/, ".js")}`;
    // Node 22 warns of its own SQLite, which one example uses.
    const args = ["--disable-warning=ExperimentalWarning", file];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      encoding: "utf8",
      timeout: 60_000,
    });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
    expect(stdout).not.toBe("");
    const expected = expectedLines(readText(program));
    if (expected.length > 0) expect(stdout.trimEnd().split("\n")).toEqual(expected);
  });
});
