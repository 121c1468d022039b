// Node 20 runs no TypeScript, so a program is bundled first.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Runs the program `main`, a URL, from a bundle under `reports`. */
export async function runBundled(name, main) {
  const outfile = fileURLToPath(new URL(`../../reports/${name}.mjs`, import.meta.url));
  await build({
    entryPoints: [fileURLToPath(main)],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  await import(outfile);
}
