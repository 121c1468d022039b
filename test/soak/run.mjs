// The soaks, one after the other, or one by name with its own arguments:
//
//   npm run soak
//   npm run soak -- fastway [clients] [echoes] [seed]
//   npm run soak -- goim-cluster [--messages 100000] [--clients 30] [--kills 3]
//   npm run soak -- hostile [--seconds 60] [--peers 2000] [--clients 10] [--seed 1]
//   npm run soak -- latency [--seconds 10] [--clients 20]
//   npm run soak -- tcp [--seconds 120 | --lives 2] [--connections 2000] [--seed 1]
//   npm run soak -- pipe [--mebibytes 1024] [--seed 1]
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const all = ["fastway", "goim-cluster", "hostile", "latency", "tcp", "pipe"];
const [name, ...rest] = process.argv.slice(2);
if (name !== undefined && !all.includes(name)) {
  console.error(`no soak named ${name}: there are ${all.join(", ")}`);
  process.exit(2);
}
const pathOf = (path) => fileURLToPath(new URL(path, import.meta.url));

// Node 20 runs no TypeScript, so that is bundled first: inside the package, to find it by its name.
mkdirSync(pathOf("../../reports"), { recursive: true });
const folder = mkdtempSync(pathOf("../../reports/soak-"));
process.exitCode = 0;
try {
  await build({
    entryPoints: [pathOf("tcp.ts"), pathOf("tcp-peers.ts"), pathOf("pipe.ts")],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  const files = {
    fastway: pathOf("fastway.mjs"),
    "goim-cluster": pathOf("goim-cluster.mjs"),
    hostile: pathOf("hostile.mjs"),
    latency: pathOf("latency.mjs"),
    tcp: `${folder}/tcp.mjs`,
    pipe: `${folder}/pipe.mjs`,
  };
  for (const soak of name === undefined ? all : [name]) {
    console.log(`== ${soak}`);
    const { status } = spawnSync(process.execPath, ["--expose-gc", files[soak], ...rest], {
      stdio: "inherit",
    });
    process.exitCode = status ?? 1;
    if (status !== 0) break;
  }
} finally {
  rmSync(folder, { recursive: true });
}
