// The packed package through the tools that apps and games are built with, down to the oldest syntax that they emit. What
// comes out is run in a realm that has nothing but the language: no TextEncoder, no timers, no console, and no eval.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { transformFileAsync } from "@babel/core";
import { transform as swc } from "@swc/core";
import { parse } from "acorn";
import { build } from "esbuild";

const require = createRequire(import.meta.url);
const metro = fileURLToPath(new URL("metro.cjs", import.meta.url));

/** Syntax that came with ES2015, and after it. Literals of bigints stay: there is nothing that they could become. */
const ES2015 = [
  ...["ArrowFunctionExpression", "ClassDeclaration", "ClassExpression", "TemplateLiteral"],
  ...["SpreadElement", "ForOfStatement", "ArrayPattern", "ObjectPattern", "AssignmentPattern"],
];
const LATER = ["AwaitExpression", "ChainExpression", "PrivateIdentifier", "PropertyDefinition"];

/** The kinds of syntax in a script. */
function syntaxOf(code) {
  const kinds = new Set();
  const walk = (node) => {
    if (Array.isArray(node)) for (const one of node) walk(one);
    else if (typeof node?.type === "string") {
      kinds.add(node.type);
      if (node.generator) kinds.add("generator");
      if (node.async) kinds.add("async");
      if (node.type === "VariableDeclaration") kinds.add(node.kind);
      if (node.operator === "**" || node.operator === "??") kinds.add(node.operator);
      for (const key in node) if (typeof node[key] === "object") walk(node[key]);
    }
  };
  walk(parse(code, { ecmaVersion: "latest", sourceType: "script" }));
  return kinds;
}

/** Refuses syntax that is newer than the target. */
function checkSyntax(code, target) {
  const refused = [...LATER, "async", "**", "??"];
  if (target === "es5") refused.push(...ES2015, "let", "const", "generator");
  const kinds = syntaxOf(code);
  const found = refused.filter((kind) => kinds.has(kind));
  if (found.length > 0) throw new Error(`${found.join(", ")} in code for ${target}`);
}

/** Runs a script where there is nothing but the language. */
function runBare(code) {
  const codeGeneration = { strings: false, wasm: false };
  const realm = createContext(Object.create(null), { codeGeneration });
  // V8 puts a console into each context.
  runInContext("delete globalThis.console; delete globalThis.WebAssembly", realm);
  for (const name of ["TextEncoder", "TextDecoder", "setTimeout", "queueMicrotask", "Buffer"]) {
    if (runInContext(`typeof ${name}`, realm) !== "undefined") throw new Error(`there is ${name}`);
  }
  runInContext(code, realm, { filename: "bundle.js" });
  const smoke = runInContext("globalThis.smoke", realm);
  if (smoke !== "ok") throw new Error(`smoke is ${smoke}`);
  return `${Math.round(code.length / 1024)} KiB`;
}

/** Smoke test and package as one script, in the syntax of the package. */
async function bundled(work, target, plugins = []) {
  const { outputFiles } = await build({
    entryPoints: [join(work, "smoke.mjs")],
    ...{ bundle: true, write: false, format: "iife", platform: "neutral", target },
    // Without it nothing says that the target has them; engines do.
    supported: { bigint: true },
    logLevel: "silent",
    plugins,
  });
  return outputFiles[0].text;
}

/** Babel sees one file after the other, as in bundlers: the whole in one piece would take it minutes. */
async function throughBabel(work, target, loose) {
  // A browser that has ES2015 and nothing newer.
  const targets = target === "es5" ? { ie: "11" } : { chrome: "51" };
  const preset = [require.resolve("@babel/preset-env"), { loose, targets, modules: false }];
  const babel = {
    name: "babel",
    setup({ onLoad }) {
      onLoad({ filter: /\.m?js$/ }, async ({ path }) => {
        const options = { configFile: false, babelrc: false, compact: false, presets: [preset] };
        const { code } = await transformFileAsync(path, options);
        return { contents: code, loader: "js" };
      });
    },
  };
  const code = await bundled(work, target, [babel]);
  checkSyntax(code, target);
  return runBare(code);
}

async function throughSwc(work) {
  const { code } = await swc(await bundled(work, "es2022"), {
    ...{ swcrc: false, isModule: false },
    jsc: { target: "es5", parser: { syntax: "ecmascript" } },
  });
  checkSyntax(code, "es5");
  return runBare(code);
}

async function throughEsbuild(work) {
  const code = await bundled(work, "es2015");
  checkSyntax(code, "es2015");
  return runBare(code);
}

/**
 * The checks by their names.
 *
 * @param work - the folder with the package and the smoke test
 * @param print - runs a command there, and gives what it prints
 * @param node - a Node that Metro takes
 */
export function toolchains({ work, print, node }) {
  const checks = {};
  for (const target of ["es5", "es2015"]) {
    for (const loose of [true, false]) {
      const name = `Babel to ${target}, ${loose ? "loose" : "strict"}`;
      checks[name] = () => throughBabel(work, target, loose);
    }
  }
  checks["SWC to es5"] = () => throughSwc(work);
  checks["esbuild to es2015"] = () => throughEsbuild(work);
  // Metro keeps classes for the one, and takes them apart for the other.
  for (const profile of ["hermes-stable", "default"]) {
    checks[`Metro, profile ${profile}`] = async () => {
      await print([...node, metro, profile]);
      const code = readFileSync(join(work, `metro-${profile}.js`), "utf8");
      const syntax = syntaxOf(code);
      const hasClasses = syntax.has("ClassDeclaration") || syntax.has("ClassExpression");
      if (hasClasses !== (profile !== "default")) throw new Error(`classes: ${hasClasses}`);
      return runBare(code);
    };
  }
  return checks;
}
