// A plugin of tsup: names the files that entries share after what is in them, as in shared-core.js.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";

/** The source files in a chunk with the lengths of their code, the longest first. */
function modulesIn(code) {
  return code
    .split(/^\/\/ (?=(?:src|node_modules)\/)/m)
    .slice(1)
    .map((part) => ({ path: part.slice(0, part.indexOf("\n")), length: part.length }))
    .sort((a, b) => b.length - a.length);
}

/** `shared-core` for a chunk that holds most of src/core; `shared-decoder` for src/core/decoder.ts alone. */
function nameOf(code, taken) {
  const modules = modulesIn(code);
  const [longest] = modules;
  if (longest === undefined) throw new Error("a chunk without a source");
  const file = basename(longest.path).replace(/\.\w+$/, "");
  const folder = basename(dirname(longest.path));
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

export const chunkNames = {
  name: "chunk-names",
  buildEnd({ writtenFiles }) {
    const paths = writtenFiles.map(({ name }) => name).filter((path) => /\.c?js$/.test(path));
    const texts = new Map(paths.map((path) => [path, readFileSync(path, "utf8")]));
    // The larger ones choose first, so that a small change of the code does not rename them.
    const chunks = paths
      .filter((path) => basename(path).startsWith("chunk-"))
      .sort((a, b) => texts.get(b).length - texts.get(a).length || (a < b ? -1 : 1));
    const taken = new Set();
    const names = chunks.map((path) => {
      const [, hash] = /^chunk-(\w+)\./.exec(basename(path));
      return { path, hash, name: nameOf(texts.get(path), taken) };
    });
    for (const path of paths) {
      let text = texts.get(path);
      for (const { hash, name } of names) {
        // In CommonJS the file is also a variable.
        const variable = name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
        text = text
          .replaceAll(`chunk-${hash}.`, `${name}.`)
          .replaceAll(new RegExp(`\\bchunk${hash}_c?js\\b`, "g"), variable);
      }
      writeFileSync(path, text);
    }
    for (const { path, hash, name } of names) {
      renameSync(path, path.replace(`chunk-${hash}.`, `${name}.`));
    }
  },
};
