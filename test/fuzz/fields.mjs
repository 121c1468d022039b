// npm run fuzz:fields -- [--bad 1000000] [--seed 1]
//
// Random descriptions until so many bad inputs were compared: closures, generated code, measure and explain must agree.
// Node 20 runs no TypeScript, so it is bundled first, from the sources.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { entries } from "../../scripts/entries.mjs";

const root = new URL("../../", import.meta.url);
const outfile = fileURLToPath(new URL("reports/fuzz-fields.mjs", root));
await build({
  entryPoints: [fileURLToPath(new URL("fields-main.ts", import.meta.url))],
  outfile,
  bundle: true,
  external: ["fast-check"],
  // One copy of each file, as in the tests: generated code is also looked at from the inside.
  alias: Object.fromEntries(
    entries.map(({ name, source }) => [name, fileURLToPath(new URL(source, root))]),
  ),
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "warning",
});
await import(outfile);
