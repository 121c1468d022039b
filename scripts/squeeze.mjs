// Makes the JavaScript of the package small: comments and most white space go, in CommonJS files the names of local variables, too.
// Names of classes and functions stay, for stack traces and consoles; so do the marks by which bundlers drop what is not used.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { minify } from "terser";

// Node prints the line of an uncaught error: in a file of one line, that is the whole file.
const LINE = 160;

/** Prints code in short lines. esbuild would drop the marks, and its own limit breaks strings, too. */
async function print(code, module) {
  const format = { preserve_annotations: true, comments: /^!/, max_line_len: LINE };
  return (await minify(code, { module, compress: false, mangle: false, format })).code;
}

const WAYS = {
  ".js": (code) => print(code, true),
  ".cjs": (code) => {
    // Names at the top level are not renamed: to esbuild they are global.
    const options = { minify: true, target: "es2022", legalComments: "inline" };
    return print(transformSync(code, options).code, false);
  },
};

export async function squeeze(dir = "dist") {
  for (const name of readdirSync(dir)) {
    const way = WAYS[name.slice(name.lastIndexOf("."))];
    if (way === undefined) continue;
    const file = `${dir}/${name}`;
    writeFileSync(file, await way(readFileSync(file, "utf8")));
  }
}
