// The packed package through the bundlers of web apps; what comes out runs in Node, and prints that all is well.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { rollup } from "rollup";
import { build as vite } from "vite";
import webpack from "webpack";

async function throughRollup(work, out) {
  // Rollup finds no packages by itself; the package has no dependencies to be found.
  const { entries } = await import("../../scripts/entries.mjs");
  const resolveId = (name) => {
    const entry = entries.find((candidate) => candidate.name === name);
    return entry && join(work, "node_modules/framewright/dist", `${entry.file}.js`);
  };
  const bundle = await rollup({
    input: join(work, "smoke.mjs"),
    plugins: [{ name: "packages", resolveId }],
    onwarn: (warning) => {
      throw new Error(warning.message);
    },
  });
  await bundle.write({ dir: out, format: "es", entryFileNames: "smoke.mjs" });
  await bundle.close();
}

async function throughVite(work, out) {
  await vite({
    ...{ root: work, configFile: false, logLevel: "warn" },
    build: {
      ...{ outDir: out, emptyOutDir: true, target: "es2022" },
      lib: { entry: join(work, "smoke.mjs"), formats: ["es"], fileName: () => "smoke.mjs" },
    },
  });
}

async function throughWebpack(work, out) {
  const stats = await promisify(webpack)({
    ...{ mode: "production", context: work, target: ["web", "es2022"] },
    entry: "./smoke.mjs",
    output: { path: out, filename: "smoke.js", globalObject: "globalThis", publicPath: "" },
    performance: false,
  });
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  if (errors.length + warnings.length > 0) {
    throw new Error([...errors, ...warnings].map(({ message }) => message).join("\n"));
  }
}

const bundlers = { Rollup: throughRollup, Vite: throughVite, webpack: throughWebpack };

/**
 * The checks by their names.
 *
 * @param work - the folder with the package and the smoke test
 * @param print - runs a command there, and gives what it prints
 */
export function webBundlers({ work, print }) {
  const checks = {};
  for (const [name, run] of Object.entries(bundlers)) {
    checks[`${name}: protocols`] = async () => {
      const out = join(work, `out-${name}`);
      await run(work, out);
      const file = ["smoke.mjs", "smoke.js"].find((one) => existsSync(join(out, one)));
      const printed = await print([process.execPath, join(out, file)]);
      if (printed.trim() !== "ok") throw new Error(`printed ${printed}`);
      return "";
    };
  }
  return checks;
}
