// Makes the JavaScript of the package small: white space and comments go, in CommonJS files the names of local variables, too.
// Names of classes and functions stay, for stack traces and consoles.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { transformSync } from "esbuild";

const WAYS = {
  ".js": { minifyWhitespace: true },
  // Its names at the top level are not renamed: to esbuild they are global.
  ".cjs": { minify: true },
};

export function squeeze(dir = "dist") {
  for (const name of readdirSync(dir)) {
    const way = WAYS[name.slice(name.lastIndexOf("."))];
    if (way === undefined) continue;
    const file = `${dir}/${name}`;
    const options = { ...way, target: "es2022", legalComments: "inline" };
    writeFileSync(file, transformSync(readFileSync(file, "utf8"), options).code);
  }
}
