// Runs an example written in TypeScript with any Node version that this package supports:
//
//   npm run build && node examples/_run.mjs examples/skynet-websocket/server.ts
//
// It compiles the folder to .examples-run/ first. Node 22.18 and later can also run TypeScript directly:
// node server.ts
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

const [program, ...rest] = process.argv.slice(2);
if (program === undefined) {
  console.error("usage: node examples/_run.mjs <example.ts> [arguments]");
  process.exit(2);
}

// Inside the package, so that the example can import it by name.
const root = fileURLToPath(new URL("../.examples-run/", import.meta.url));
mkdirSync(root, { recursive: true });
const target = mkdtempSync(root);
process.once("exit", () => rmSync(target, { recursive: true, force: true }));

const folder = dirname(program);
for (const name of readdirSync(folder)) {
  const file = join(folder, name);
  if (!name.endsWith(".ts")) {
    cpSync(file, join(target, name), { recursive: true });
    continue;
  }
  const { outputText } = ts.transpileModule(readFileSync(file, "utf8"), {
    fileName: name,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  });
  writeFileSync(join(target, name.replace(/\.ts$/, ".js")), outputText);
}

const compiled = join(target, basename(program).replace(/\.ts$/, ".js"));
process.argv = [process.execPath, compiled, ...rest];
await import(pathToFileURL(compiled).href);
