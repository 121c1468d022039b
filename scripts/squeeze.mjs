// Makes the JavaScript of the package small: white space and comments go, in CommonJS files the names of local variables, too.
// Names of classes and functions stay, for stack traces and consoles; so do the marks by which bundlers drop what is not used.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { minify } from "terser";

const WAYS = {
  ".js": async (code) => {
    // esbuild would drop the marks.
    const format = { preserve_annotations: true, comments: /^!/ };
    return (await minify(code, { module: true, compress: false, mangle: false, format })).code;
  },
  // Names at the top level are not renamed: to esbuild they are global.
  ".cjs": (code) =>
    transformSync(code, { minify: true, target: "es2022", legalComments: "inline" }).code,
};

export async function squeeze(dir = "dist") {
  for (const name of readdirSync(dir)) {
    const way = WAYS[name.slice(name.lastIndexOf("."))];
    if (way === undefined) continue;
    const file = `${dir}/${name}`;
    writeFileSync(file, await way(readFileSync(file, "utf8")));
  }
}
