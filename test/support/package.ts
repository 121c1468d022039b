import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Entry, entries as list } from "../../scripts/entries.mjs";

// What the tests of the built package look at: the manifest, its entries, and code in pages and comments.

const rootUrl = new URL("../../", import.meta.url);

/** The folder of the package, with a slash at its end. */
export const root: string = fileURLToPath(rootUrl);

/** A file of the package as text. */
export function readText(path: string): string {
  return readFileSync(new URL(path, rootUrl), "utf8");
}

/** The files in a folder of the package and below, as paths from the package's root; none where it is missing. */
export function filesIn(folder: string, ending: RegExp): string[] {
  try {
    return readdirSync(new URL(`${folder}/`, rootUrl), { recursive: true, encoding: "utf8" })
      .filter((path) => ending.test(path))
      .map((path) => `${folder}/${path}`)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** The pages of docs, without the reference, which is generated. */
export const docPages: readonly string[] = filesIn("docs", /\.md$/).filter(
  (page) => !page.startsWith("docs/reference/"),
);

interface Manifest {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** package.json. */
export const manifest: Manifest = JSON.parse(readText("package.json")) as Manifest;

/** Everything that users import, in the order of entries.json. */
export const entryPoints: readonly Entry[] = list;

/** Their names: `framewright`, `framewright/node`, ... */
export const entries: readonly string[] = list.map(({ name }) => name);

/** Every file that an `exports` map names. */
export function declaredFiles(exports: unknown): string[] {
  if (typeof exports === "string") return [exports];
  return Object.values(exports as object).flatMap(declaredFiles);
}

/** A piece of code out of a page or a doc comment. */
export interface Block {
  /** Page and line. */
  readonly name: string;
  /** A file name made of them. */
  readonly file: string;
  readonly code: string;
  /** What it prints, as its `//=>` lines say. */
  readonly expected: readonly string[];
}

/** The lines that a program says it prints. */
export function expectedLines(code: string): string[] {
  return [...code.matchAll(/^[ \t]*\/\/=>(?: (.*))?$/gm)].map((match) => match[1] ?? "");
}

/** The blocks fenced as `ts` or `js` in a page; one whose fence says more (`ts no-check`) is left alone. */
export function blocksOf(page: string, text: string): Block[] {
  return [...text.matchAll(/^```(ts|js)[ \t]*\r?\n([\s\S]*?)^```/gm)].map((match) => {
    const line = text.slice(0, match.index).split("\n").length;
    const code = match[2]!;
    const file = `${page.replace(/\W/g, "_")}_${line}.${match[1] === "js" ? "mjs" : "ts"}`;
    return { name: `${page}:${line}`, file, code, expected: expectedLines(code) };
  });
}

/** The same for the doc comments of a source file: its text with everything blanked that is no comment. */
export function commentsOf(source: string): string {
  let inside = false;
  return source
    .split("\n")
    .map((line) => {
      if (/^\s*\/\*\*/.test(line)) inside = true;
      const text = inside ? line.replace(/^\s*(\/\*\*|\*(?!\/))? ?/, "") : "";
      if (line.includes("*/")) inside = false;
      return text;
    })
    .join("\n");
}
