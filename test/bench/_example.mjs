// An example that is written in TypeScript, in any Node that this package supports.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Imports `examples/<path>`, which imports nothing but packages. What it prints is left out.
 *
 * @param {string} path
 */
export async function example(path) {
  const { outputText } = ts.transpileModule(readFileSync(`${root}examples/${path}`, "utf8"), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  // Inside of the package, so that it is found by its name.
  mkdirSync(`${root}.examples-run`, { recursive: true });
  const folder = mkdtempSync(`${root}.examples-run/`);
  const file = join(folder, basename(path).replace(/\.ts$/, ".mjs"));
  const { log } = console;
  try {
    writeFileSync(file, outputText);
    console.log = () => {};
    return await import(pathToFileURL(file).href);
  } finally {
    console.log = log;
    rmSync(folder, { recursive: true, force: true });
  }
}
