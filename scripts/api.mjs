// The public names and signatures of every entry point, from the declarations in dist/types.
//
//   npm run api                writes api/*.api.md (after a build)
//   npm run api -- --freeze    writes api/<version>.json too: the names of a release, for the next change log
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { entries } from "./entries.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = join(root, "api");
const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });

/** The declarations of all entry points as one program. */
function open() {
  const files = entries.map(({ types }) => join(root, "dist/types", types));
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
    types: [],
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const resolved = (symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const modules = entries.map((entry, i) => {
    const source = program.getSourceFile(files[i]);
    if (source === undefined) throw new Error(`${files[i]} is missing: run npm run build`);
    const exports = checker
      .getExportsOfModule(checker.getSymbolAtLocation(source))
      .map((symbol) => ({ name: symbol.name, symbol: resolved(symbol) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return { entry, exports };
  });
  return { checker, resolved, modules };
}

/** The names that each entry point exports, types included. */
export function exportedNames() {
  return Object.fromEntries(
    open().modules.map(({ entry, exports }) => [entry.name, exports.map(({ name }) => name)]),
  );
}

/** A declaration as text, without comments, private members and `declare`. */
function textOf(declaration) {
  const source = declaration.getSourceFile();
  const print = (node) => printer.printNode(ts.EmitHint.Unspecified, node, source);
  if (ts.isVariableDeclaration(declaration)) return `export const ${print(declaration)};`;
  return print(declaration)
    .replace(/^export declare /, "export ")
    .replace(/^declare /, "export ")
    .split("\n")
    .filter((line) => !/^\s*(#private|private .*);$/.test(line))
    .join("\n");
}

/** Names of types that a declaration uses, and that no entry point exports. */
function unnamed(declaration, { checker, resolved, known }) {
  const found = [];
  const walk = (node) => {
    if (ts.isTypeReferenceNode(node) || ts.isExpressionWithTypeArguments(node)) {
      const name = ts.isTypeReferenceNode(node) ? node.typeName : node.expression;
      const symbol = checker.getSymbolAtLocation(name);
      const target = symbol && resolved(symbol);
      const isParameter = (target?.flags ?? 0) & ts.SymbolFlags.TypeParameter;
      const isOurs = target?.declarations?.some((d) =>
        d.getSourceFile().fileName.includes("/dist/types/"),
      );
      if (isOurs && !isParameter && !known.has(target)) found.push(target.name);
    }
    ts.forEachChild(node, walk);
  };
  walk(declaration);
  return found;
}

/** The reports by their file names. */
export function reports() {
  const opened = open();
  // Where a symbol is at home: the first entry point that exports it.
  const known = new Map();
  for (const { entry, exports } of opened.modules) {
    for (const { name, symbol } of exports) {
      if (!known.has(symbol)) known.set(symbol, { entry, name });
    }
  }
  return Object.fromEntries(
    opened.modules.map(({ entry, exports }) => {
      const without = new Set();
      const parts = exports.map(({ name, symbol }) => {
        const home = known.get(symbol);
        if (home.entry !== entry) {
          const renamed = home.name === name ? name : `${home.name} as ${name}`;
          return `export { ${renamed} } from "${home.entry.name}";`;
        }
        const declarations = symbol.declarations ?? [];
        for (const declaration of declarations) {
          for (const type of unnamed(declaration, { ...opened, known })) without.add(type);
        }
        const text = declarations.map(textOf).join("\n");
        return symbol.name === name ? text : `${text}\nexport { ${symbol.name} as ${name} };`;
      });
      const lines = [`# ${entry.name}`, "", "Written by `npm run api`; do not edit.", ""];
      if (without.size > 0) {
        const names = [...without].sort().map((name) => `\`${name}\``);
        lines.push(`Used here, but exported by no entry point: ${names.join(", ")}.`, "");
      }
      const text = [...lines, "```ts", parts.join("\n\n"), "```", ""].join("\n");
      return [`${entry.file === "index" ? "framewright" : entry.file}.api.md`, text];
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    if (file.endsWith(".api.md")) rmSync(join(folder, file));
  }
  for (const [file, text] of Object.entries(reports())) writeFileSync(join(folder, file), text);
  if (process.argv.includes("--freeze")) {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const names = JSON.stringify(exportedNames(), null, 2);
    writeFileSync(join(folder, `${version}.json`), `${names}\n`);
  }
}
