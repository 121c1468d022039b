// Builds the inspector, a page that is one file: docs/public/inspector/index.html, or the file that is given.
//
// It may load nothing: its policy has the hash of its own script and style, and of nothing else.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const source = new URL("../docs/inspector/", import.meta.url);

const hashOf = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Writes the page, and returns its name. */
export async function buildPage(
  file = fileURLToPath(new URL("../docs/public/inspector/index.html", import.meta.url)),
) {
  const { outputFiles } = await build({
    entryPoints: ["main.ts", "style.css"].map((name) => fileURLToPath(new URL(name, source))),
    outdir: "page",
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: ["chrome111", "firefox113", "safari16.4"],
    legalComments: "eof",
    logLevel: "warning",
  });
  const textOf = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text.trim();
  const script = textOf(".js");
  const style = textOf(".css");
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  const template = readFileSync(new URL("page.html", source), "utf8").replace(
    /^ *<!-- biome-ignore.*\n/gm,
    "",
  );
  const html = [
    ["default-src 'none'", policy],
    ["<!-- The style comes here. -->", `<style>${style}</style>`],
    ["<!-- The script comes here. -->", `<script>${script}</script>`],
  ].reduce((text, [from, to]) => text.replace(from, () => to), template);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, html);
  return file;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = await buildPage(process.argv[2]);
  console.log(`${file}, ${Math.round(readFileSync(file).length / 1024)} KiB`);
}
