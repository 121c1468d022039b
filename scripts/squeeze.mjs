// White space and comments out of the CommonJS files: who wants to read the code reads the modules.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { transformSync } from "esbuild";

export function squeeze(dir = "dist") {
  for (const name of readdirSync(dir).filter((file) => file.endsWith(".cjs"))) {
    const file = `${dir}/${name}`;
    const { code } = transformSync(readFileSync(file, "utf8"), {
      minifyWhitespace: true,
      target: "es2022",
      legalComments: "inline",
    });
    writeFileSync(file, code);
  }
}
