// What JSR would say to the sources: `deno publish --dry-run` checks the types, that they can be read without inference (no slow
// types), and each import.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { entries } from "../../scripts/entries.mjs";
import { root } from "./unpack.mjs";

export async function jsrDryRun({ work, print, deno }) {
  const folder = join(work, "jsr");
  mkdirSync(folder);
  cpSync(join(root, "src"), join(folder, "src"), { recursive: true });
  const { version, devDependencies, peerDependencies } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  const exports = Object.fromEntries(
    entries.map(({ name, source }) => [name.replace("framewright", "."), `./${source}`]),
  );
  const settings = {
    name: "@framewright/framewright",
    license: "MIT",
    ...{ version, exports },
    // As in tsconfig.json; Deno adds its own.
    compilerOptions: {
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
      ...{
        lib: ["ES2023", "DOM", "DOM.Iterable", "DOM.AsyncIterable", "deno.ns"],
        types: ["node"],
      },
    },
    imports: {
      "@noble/hashes/": `npm:/@noble/hashes@${devDependencies["@noble/hashes"]}/`,
      "fast-check": `npm:fast-check@${peerDependencies["fast-check"]}`,
    },
  };
  writeFileSync(join(folder, "deno.json"), JSON.stringify(settings));
  await print([deno, "publish", "--dry-run", "--allow-dirty"], { cwd: folder });
  return "";
}
