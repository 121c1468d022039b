import ts from "typescript";
import { describe, expect, it } from "vitest";
import { entryPoints, root } from "../support/package.ts";

// Requires `npm run build` first. Checks the package's declarations, as users and documentation
// tools see them.

const dist = `${root}dist/types/`;

// Types that read the text of a schema and the values of descriptions: useless without the types
// made from them.
const MACHINERY = new Set([
  "Parsed",
  "Meaning",
  "MatchKeys",
  "PlainLack",
  "ChosenIn",
  "ChosenOut",
  "PlainIn",
  "MatchIn",
  "PlainOut",
  "MatchOut",
]);

// Declared before the functions that take it.
const AHEAD = new Set(["InvalidPolicy"]);

const program = ts.createProgram(
  entryPoints.map(({ types }) => dist + types),
  {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
    types: ["node"],
    strict: true,
    noEmit: true,
  },
);
const checker = program.getTypeChecker();

/** Follows an exported symbol to its declaration. */
const declared = (symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** Import paths of a symbol. */
const places = new Map<ts.Symbol, string>();
for (const { name, types } of entryPoints) {
  const file = checker.getSymbolAtLocation(program.getSourceFile(dist + types)!)!;
  for (const symbol of checker.getExportsOfModule(file)) {
    const found = declared(symbol);
    if (!places.has(found)) places.set(found, `${symbol.name} of ${name}`);
  }
}

/** True for types at the top of the package's files, not type parameters and members. */
function isOwnType(symbol: ts.Symbol): boolean {
  const types = ts.SymbolFlags.Interface | ts.SymbolFlags.Class | ts.SymbolFlags.TypeAlias;
  const declaration = symbol.declarations?.[0];
  return (
    (symbol.flags & types) !== 0 &&
    declaration !== undefined &&
    ts.isSourceFile(declaration.parent) &&
    declaration.getSourceFile().fileName.startsWith(dist)
  );
}

/** Returns the types that a symbol's declarations mention. */
function mentioned(symbol: ts.Symbol): Set<ts.Symbol> {
  const found = new Set<ts.Symbol>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const at = checker.getSymbolAtLocation(node);
      if (at !== undefined && isOwnType(declared(at))) found.add(declared(at));
    }
    ts.forEachChild(node, visit);
  };
  for (const declaration of symbol.declarations ?? []) {
    if (declaration.getSourceFile().fileName.startsWith(dist)) visit(declaration);
  }
  found.delete(symbol);
  return found;
}

describe("the public types", () => {
  it("include all types that public declarations mention", () => {
    expect(places.size).toBeGreaterThan(200);
    const missing: string[] = [];
    for (const [symbol, place] of places) {
      for (const type of mentioned(symbol)) {
        if (places.has(type) || MACHINERY.has(type.name)) continue;
        missing.push(`${type.name}, which ${place} mentions, cannot be imported`);
      }
    }
    expect(missing).toEqual([]);
  });

  it("are all mentioned by an exported declaration", () => {
    const all = new Set([...places.keys()].flatMap((symbol) => [...mentioned(symbol)]));
    const unused = [...places].filter(
      ([symbol]) => isOwnType(symbol) && !all.has(symbol) && !(symbol.flags & ts.SymbolFlags.Value),
    );
    const unexpected = unused.filter(([{ name }]) => !AHEAD.has(name));
    expect(unexpected.map(([, place]) => place)).toEqual([]);
  });
});
