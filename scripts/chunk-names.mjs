// A plugin of tsup: names the files that entries share after what is in them, as in shared-core.js.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

/** The folder of `src` that a file belongs to: `core`, `sproto`, `node`. */
function folderOf(path) {
  return /^src\/(?:protocols\/|transports\/)?([\w-]+)/.exec(path)?.[1] ?? "vendor";
}

/** `shared-core` for a chunk that is mostly of src/core; `shared-decoder` if src/core/decoder.ts is all. */
function nameOf(code, taken) {
  const modules = code
    .split(/^\/\/ (?=(?:src|node_modules)\/)/m)
    .slice(1)
    .map((part) => ({ path: part.slice(0, part.indexOf("\n")), length: part.length }))
    .sort((a, b) => b.length - a.length);
  const [longest] = modules;
  if (longest === undefined) throw new Error("a chunk without a source");
  const lengths = new Map();
  for (const { path, length } of modules) {
    const folder = folderOf(path);
    lengths.set(folder, (lengths.get(folder) ?? 0) + length);
  }
  const [[folder]] = [...lengths].sort((a, b) => b[1] - a[1]);
  const file = basename(longest.path).replace(/\.\w+$/, "");
  const candidates = [
    ...(modules.length > 1 ? [`shared-${folder}`] : []),
    `shared-${file}`,
    `shared-${folder}-${file}`,
  ];
  const name = candidates.find((candidate) => !taken.has(candidate));
  if (name === undefined) throw new Error(`no name is left for the chunk of ${longest.path}`);
  taken.add(name);
  return name;
}

/** What esbuild calls a file that is no entry. */
const CHUNK = /^([\w-]+)-([A-Z0-9]{8})\./;

export const chunkNames = {
  name: "chunk-names",
  buildEnd({ writtenFiles }) {
    const paths = writtenFiles.map(({ name }) => name).filter((path) => /\.c?js$/.test(path));
    const texts = new Map(paths.map((path) => [path, readFileSync(path, "utf8")]));
    // The larger ones choose first, so that a small change of the code does not rename them.
    const chunks = paths
      .filter((path) => CHUNK.test(basename(path)))
      .sort((a, b) => texts.get(b).length - texts.get(a).length || (a < b ? -1 : 1));
    const taken = new Set();
    const names = chunks.map((path) => {
      const [, file, hash] = CHUNK.exec(basename(path));
      // Of a file that is loaded by `import()`, the name is kept: `cli-proxy`.
      const name = file === "chunk" ? nameOf(texts.get(path), taken) : `cli-${file}`;
      return { path, old: `${file}-${hash}`, name };
    });
    for (const path of paths) {
      let text = texts.get(path);
      for (const { old, name } of names) {
        // In CommonJS the file is also a variable.
        const variable = name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
        text = text
          .replaceAll(`${old}.`, `${name}.`)
          .replaceAll(new RegExp(`\\b${old.replaceAll("-", "")}_c?js\\b`, "g"), variable);
      }
      writeFileSync(path, text);
    }
    for (const { path, old, name } of names) {
      renameSync(path, path.replace(`${old}.`, `${name}.`));
    }
  },
};
