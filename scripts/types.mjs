// Writes the declarations of the package, as tsc emits them, under the names that the sources have:
// dist/types for `import`, and dist/types-cjs, the same files in a folder of CommonJS, for `require`. One copy
// does not do: the types of fast-check differ for the two. In the tarball the second one weighs next to nothing.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { entries } from "./entries.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const dist = join(root, "dist");

/** The names of modules in a declaration file: "./x.ts" after `from` or in `import(...)`, outside of comments. */
const SPECIFIER = /^(?!\s*\*)(.*?(?:\bfrom |\bimport\())"(\.[^"]+)\.ts"/;

/** Since TypeScript 6 the types of Node are not there unless a file refers to them. (JSR refuses this line in sources.) */
const REFERENCE = '/// <reference types="node" />';
const NODE = /^import .* from "node:/m;

/** A file with its imports turned from `.ts` into `.js`, and the files that it imports. */
function rewritten(text, path) {
  const imports = [];
  const lines = text.split("\n").map((line) => {
    let rest = line;
    // More than one `import(...)` may stand in a line.
    for (let match = SPECIFIER.exec(rest); match !== null; match = SPECIFIER.exec(rest)) {
      imports.push(join(dirname(path), `${match[2]}.d.ts`));
      rest = rest.replace(SPECIFIER, '$1"$2.js"');
    }
    return rest;
  });
  if (NODE.test(text)) lines.unshift(REFERENCE);
  return { text: lines.join("\n"), imports };
}

/** Only what the entry points reach is written: inner modules are nobody's business. */
export function writeTypes() {
  const emitted = mkdtempSync(join(tmpdir(), "framewright-types-"));
  try {
    const tsc = join(root, "node_modules/@typescript/native/bin/tsc");
    const options = ["--noEmit", "false", "--emitDeclarationOnly", "--outDir", emitted];
    execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json", ...options], {
      cwd: root,
      stdio: "inherit",
    });
    const types = join(dist, "types");
    const commonJs = join(dist, "types-cjs");
    for (const folder of [types, commonJs]) rmSync(folder, { recursive: true, force: true });
    const queue = entries.map(({ types: path }) => path);
    const seen = new Set(queue);
    for (const path of queue) {
      const { text, imports } = rewritten(readFileSync(join(emitted, path), "utf8"), path);
      mkdirSync(join(types, dirname(path)), { recursive: true });
      writeFileSync(join(types, path), text);
      for (const other of imports) {
        if (!seen.has(other)) queue.push(other);
        seen.add(other);
      }
    }
    cpSync(types, commonJs, { recursive: true });
    writeFileSync(join(commonJs, "package.json"), '{ "type": "commonjs" }\n');
  } finally {
    rmSync(emitted, { recursive: true, force: true });
  }
}
