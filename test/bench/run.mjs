// All benchmarks, one after the other, each in a process of its own; or those named: `npm run bench -- splitter echo`.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const all = readdirSync(here)
  .filter((file) => file.endsWith(".mjs") && !file.startsWith("_") && file !== "run.mjs")
  .map((file) => file.slice(0, -".mjs".length));
const chosen = process.argv.slice(2);

console.log(
  `${process.release.name} ${process.version}, ${cpus().length} x ${cpus()[0].model.trim()}`,
);
console.log(`${new Date().toISOString().slice(0, 10)}; medians of interleaved runs\n`);
for (const name of chosen.length > 0 ? chosen : all) {
  console.log(`## ${name}\n`);
  const { status } = spawnSync(process.execPath, ["--expose-gc", `${here}${name}.mjs`], {
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
}
