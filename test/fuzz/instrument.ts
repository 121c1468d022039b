import { createRequire } from "node:module";
import vm from "node:vm";
import { build } from "esbuild";
import { createInstrumenter } from "istanbul-lib-instrument";
import type { Target } from "./check.ts";

interface Coverage {
  s: Record<string, number> | Uint32Array;
  f: Record<string, number> | Uint32Array;
  b: Record<string, number[]> | Uint32Array[];
}

/** Where the script leaves its exports and its counters. */
interface Left {
  __fuzzed?: { readonly target: Target };
  __fuzzCoverage?: Record<string, Coverage>;
  /** What a script has of Node, which a module is not given. */
  require?: NodeJS.Require;
}

/**
 * Loads a module of targets as one script, with a counter at every statement, function and branch.
 *
 * @param path from the root of the package
 */
export async function instrumented(
  path: string,
): Promise<{ readonly target: Target; readonly counters: Uint32Array }> {
  const bundle = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "__fuzzed",
    platform: "node",
    target: "es2022",
    legalComments: "none",
  });
  const [file] = bundle.outputFiles;
  const instrumenter = createInstrumenter({
    esModules: false,
    coverageVariable: "__fuzzCoverage",
    compact: true,
  });
  const code = instrumenter.instrumentSync(file!.text, path);
  (globalThis as Left).require ??= createRequire(import.meta.url);
  vm.runInThisContext(`${code}\nglobalThis.__fuzzed = __fuzzed;`, { filename: path });
  const left = globalThis as Left;
  const counters = flatten(left.__fuzzCoverage![path]!);
  return { target: left.__fuzzed!.target, counters };
}

/** Puts all counters of a script into one array, which is cheap to read and to clear. */
function flatten(coverage: Coverage): Uint32Array {
  const statements = Object.keys(coverage.s).length;
  const functions = Object.keys(coverage.f).length;
  const branches = Object.values(coverage.b);
  const total = branches.reduce((sum, ways) => sum + ways.length, statements + functions);
  const counters = new Uint32Array(total);
  let at = statements + functions;
  coverage.s = counters.subarray(0, statements);
  coverage.f = counters.subarray(statements, at);
  coverage.b = branches.map((ways) => {
    at += ways.length;
    return counters.subarray(at - ways.length, at);
  });
  return counters;
}
