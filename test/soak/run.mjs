// The soaks, one after the other, or one by name with its own arguments:
//
//   npm run soak
//   npm run soak -- fastway [clients] [echoes] [seed]
//   npm run soak -- tcp [--seconds 120] [--connections 2000] [--seed 1]
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const all = ["fastway", "tcp"];
const [name, ...rest] = process.argv.slice(2);
if (name !== undefined && !all.includes(name)) {
  console.error(`no soak named ${name}: there are ${all.join(", ")}`);
  process.exit(2);
}
for (const soak of name === undefined ? all : [name]) {
  console.log(`== ${soak}`);
  const file = fileURLToPath(new URL(`${soak}.mjs`, import.meta.url));
  const { status } = spawnSync(process.execPath, ["--expose-gc", file, ...rest], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}
