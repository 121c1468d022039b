// The packed package in QuickJS: ES2022 and nothing else, not even a console or TextDecoder.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { getQuickJS } from "quickjs-emscripten";
import { flat } from "./unpack.mjs";

/** Runs this text as a module, and gives the global of that name. */
export async function runInQuickJs(text, dist, name) {
  const runtime = (await getQuickJS()).newRuntime();
  runtime.setModuleLoader((path) => readFileSync(join(dist, path.replace(/^.*\//, "")), "utf8"));
  const vm = runtime.newContext();
  const result = vm.evalCode(flat(text), "main.js", { type: "module" });
  if (result.error) throw new Error(JSON.stringify(vm.dump(result.error)));
  return vm.dump(vm.getProp(vm.global, name));
}
