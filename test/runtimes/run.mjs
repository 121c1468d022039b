// Packs the package, unpacks the tarball as an installed package in an empty folder, and runs it on every runtime.
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import { getQuickJS } from "quickjs-emscripten";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const work = mkdtempSync(join(tmpdir(), "framewright-"));
const home = join(work, "node_modules/framewright");
const bin = (name) => join(here, "node_modules", name);

mkdirSync(home, { recursive: true });
const [pack] = JSON.parse(
  execFileSync("npm", ["pack", "--json", "--pack-destination", work], { cwd: root }),
);
execFileSync("tar", ["-xzf", join(work, pack.filename), "--strip-components=1", "-C", home]);
for (const file of readdirSync(here).filter((name) => /^(smoke|sockets-.*)\.mjs$/.test(name))) {
  copyFileSync(join(here, file), join(work, file));
}
writeFileSync(join(work, "package.json"), '{ "dependencies": { "framewright": "*" } }'); // for Deno

// What a bare runtime gets: the ESM files as modules of one flat folder.
const flat = readFileSync(join(here, "smoke.mjs"), "utf8").replaceAll(
  /from "framewright(?:\/(\w+))?"/g,
  (_, entry) => `from "./${entry ?? "index"}.js"`,
);
const dist = join(home, "dist");
const pure = readdirSync(dist).filter((file) =>
  /^(index|goim|fastway|workerman|sproto|protobuf|chunk-\w+)\.js$/.test(file),
);

async function workerd() {
  const worker = `${flat}\nexport default { fetch: () => new Response(globalThis.smoke) };`;
  const mf = new Miniflare({
    compatibilityDate: "2026-04-01",
    modules: [
      { type: "ESModule", path: "main.js", contents: worker },
      ...pure.map((path) => ({
        type: "ESModule",
        path,
        contents: readFileSync(join(dist, path), "utf8"),
      })),
    ],
  });
  try {
    return await (await mf.dispatchFetch("http://localhost/")).text();
  } finally {
    await mf.dispose();
  }
}

async function quickjs() {
  const runtime = (await getQuickJS()).newRuntime();
  runtime.setModuleLoader((name) => readFileSync(join(dist, name.replace(/^.*\//, "")), "utf8"));
  const vm = runtime.newContext();
  const result = vm.evalCode(flat, "main.js", { type: "module" });
  if (result.error) throw new Error(JSON.stringify(vm.dump(result.error)));
  return vm.dump(vm.getProp(vm.global, "smoke"));
}

const run =
  (file, command, ...args) =>
  () =>
    execFileSync(command, [...args, file], { cwd: work, encoding: "utf8", timeout: 60_000 });

/** An example for this runtime: prints what its `//=>` lines say, and ends by itself. */
const example =
  (file, ...command) =>
  () => {
    const text = readFileSync(join(root, "examples", file), "utf8");
    const expected = Array.from(text.matchAll(/^\/\/=> (.*)$/gm), (match) => match[1]).join("\n");
    writeFileSync(join(work, file), text);
    const out = run(file, ...command)().trim();
    return out === expected && expected !== "" ? "ok" : `printed ${out}`;
  };

const runtimes = {
  [`node ${process.version}`]: run("smoke.mjs", process.execPath),
  "node 22": run("smoke.mjs", bin("node22/bin/node")),
  "node 24": run("smoke.mjs", bin("node24/bin/node")),
  "node 26": run("smoke.mjs", bin("node26/bin/node")),
  bun: run("smoke.mjs", bin(".bin/bun")),
  "bun, sockets": run("sockets-bun.mjs", bin(".bin/bun")),
  "bun, example": example("bun.mjs", bin(".bin/bun")),
  deno: run("smoke.mjs", bin(".bin/deno"), "run", "-A"),
  "deno, sockets": run("sockets-deno.mjs", bin(".bin/deno"), "run", "-A"),
  "deno, example": example("deno.mjs", bin(".bin/deno"), "run", "--allow-net"),
  workerd,
  quickjs,
};

let failed = 0;
for (const [name, start] of Object.entries(runtimes)) {
  try {
    const out = (await start()).trim();
    if (out !== "ok") throw new Error(out);
    console.log(`ok      ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}: ${error.message}`);
  }
}
rmSync(work, { recursive: true, force: true });
console.log(`${Object.keys(runtimes).length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
