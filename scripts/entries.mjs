// The entry points of the package, as entries.json lists them, and everything that follows from that list.
// As a program (`npm run entries`) it writes the part that must be static: `exports` and `typesVersions`
// in package.json.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../", import.meta.url);
const read = (path) => readFileSync(new URL(path, folder), "utf8");

export const entries = Object.entries(JSON.parse(read("entries.json"))).map(([name, entry]) => {
  const subpath = name.replace("framewright", ".");
  const file = subpath.slice(2).replaceAll("/", "-") || "index";
  const types = entry.source.replace(/^src\//, "").replace(/\.ts$/, ".d.ts");
  return { ...entry, name, subpath, file, types };
});

/** package.json as it must be. Members that are there keep their places. */
export function packageJson() {
  const manifest = JSON.parse(read("package.json"));
  const [root, ...others] = entries;
  const exports = entries.map(({ subpath, file, types }) => {
    const module = { types: `./dist/types/${types}`, default: `./dist/${file}.js` };
    const script = { types: `./dist/types-cjs/${types}`, default: `./dist/${file}.cjs` };
    // "module-sync" gives `require` the same copy as `import` in each Node that can load it.
    return [subpath, { "module-sync": module, import: module, require: script, default: module }];
  });
  manifest.main = `./dist/${root.file}.cjs`;
  manifest.types = `./dist/types/${root.types}`;
  manifest.exports = { ...Object.fromEntries(exports), "./package.json": "./package.json" };
  // For `moduleResolution: node10`, which does not read `exports`.
  const versions = others.map(({ subpath, types }) => [
    subpath.slice(2),
    [`./dist/types/${types}`],
  ]);
  manifest.typesVersions = { "*": Object.fromEntries(versions) };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("package.json", folder), packageJson());
}
