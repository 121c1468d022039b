import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../support/package.ts";

// The command as npm installs it, and its output, on a runtime that forbids generating code from
// strings.
const folder = `${root}.generated-check/package/`;
const NO_EVAL = "--disallow-code-generation-from-strings";

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function node(args: readonly string[], script: string): string {
  const all = [...args, "--input-type=module", "-e", script];
  return execFileSync(process.execPath, all, { cwd: root, encoding: "utf8" }).trim();
}

describe("sproto without eval", () => {
  it("falls back to the interpreter, and reports an error if `compiled` is required", () => {
    const script = `
      import { parse } from "framewright/sproto";
      const text = ".T { n 0 : integer }";
      console.log(parse(text).encode("T", { n: 1 }).join(" "));
      try {
        parse(text, { engine: "compiled" }).encode("T", { n: 1 });
      } catch (error) {
        console.log(error.name);
      }`;
    expect(node([NO_EVAL], script)).toBe("1 0 4 0\nEvalError");
    expect(node([], script)).toBe("1 0 4 0");
  });

  it("runs the generated module", () => {
    writeFileSync(`${folder}game.sproto`, ".Player { id 0 : integer  name 1 : string }");
    const bin = JSON.parse(readFileSync(`${root}package.json`, "utf8")).bin.framewright as string;
    const { status, stderr } = spawnSync(
      process.execPath,
      [`${root}${bin}`, "sproto", `${folder}game.sproto`, "--out", `${folder}game.ts`],
      { encoding: "utf8" },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const { outputText } = ts.transpileModule(readFileSync(`${folder}game.ts`, "utf8"), {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    });
    writeFileSync(`${folder}game.mjs`, outputText);
    const script = `
      import { sproto } from ${JSON.stringify(`${folder}game.mjs`)};
      const bytes = sproto.encode("Player", { id: 7, name: "Ada" });
      console.log(bytes.join(" "), sproto.decode("Player", bytes).name);`;
    expect(node([NO_EVAL], script)).toBe("2 0 16 0 0 0 3 0 0 0 65 100 97 Ada");
  });
});
