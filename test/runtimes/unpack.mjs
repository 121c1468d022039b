// A folder as a user's, with the packed package installed, and the tests bundled against it.
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { entries } from "../../scripts/entries.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
export const root = join(here, "../..");

/** Imports of the sources become those of the package. */
const fromPackage = {
  name: "from-package",
  setup({ onResolve }) {
    onResolve({ filter: /\/src\/.*\bindex\.ts$/ }, ({ path }) => {
      const entry = entries.find(({ source }) => path.endsWith(`../${source}`));
      return entry && { path: entry.name, external: true };
    });
  },
};

/** Loads each entry that needs no host, also those that the smoke test has no use for. */
const everyPureEntry = entries
  .filter(({ pure }) => pure)
  .map(({ name }, i) => {
    const check = `if (Object.keys(entry${i}).length === 0) throw new Error("${name} is empty");`;
    return `import * as entry${i} from "${name}";\n${check}`;
  })
  .join("\n");

/** Makes the folder: `work`, and in it the package's `dist`. */
export async function unpack() {
  const work = mkdtempSync(join(tmpdir(), "framewright-"));
  const home = join(work, "node_modules/framewright");
  mkdirSync(home, { recursive: true });
  const [{ filename }] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--pack-destination", work], { cwd: root }),
  );
  execFileSync("tar", ["-xzf", join(work, filename), "--strip-components=1", "-C", home]);
  symlinkSync(join(here, "node_modules/ws"), join(work, "node_modules/ws"));
  // Deno wants to be told what is in node_modules.
  writeFileSync(
    join(work, "package.json"),
    '{ "dependencies": { "framewright": "*", "ws": "*" } }',
  );
  writeFileSync(
    join(work, "smoke.mjs"),
    `${everyPureEntry}\n${readFileSync(join(here, "smoke.mjs"), "utf8")}`,
  );
  for (const pem of ["tls-cert.pem", "tls-key.pem"]) {
    copyFileSync(join(root, "test/fixtures", pem), join(work, pem));
  }
  await build({
    entryPoints: readdirSync(join(here, "suite"))
      .filter((file) => file.endsWith(".mjs"))
      .map((file) => join(here, "suite", file)),
    outdir: work,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    external: ["node:*", "cloudflare:*", "ws"],
    plugins: [fromPackage],
  });
  return { work, dist: join(home, "dist") };
}

/** What a runtime without node_modules gets: modules of one flat folder. */
export function flat(text) {
  return text.replaceAll(/from "(framewright[\w/]*)"/g, (all, name) => {
    const entry = entries.find((candidate) => candidate.name === name);
    return entry === undefined ? all : `from "./${entry.file}.js"`;
  });
}
