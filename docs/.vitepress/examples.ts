import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("../../examples/", import.meta.url);

/** Whether a file of the folder is shown: programs and their parts, but not the runner. */
const isShown = (path: string): boolean => /\.(?:ts|mjs)$/.test(path) && path !== "_run.mjs";

/** Name of an example's page: `peers-modbus` for `peers/modbus.ts`. */
const nameOf = (path: string): string => path.replace(/\.\w+$/, "").replaceAll("/", "-");

const paths: readonly string[] = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter(isShown)
  .sort();

/** Links to the parts that an example imports, as a sentence; empty if there are none. */
function partsOf(path: string, source: string): string {
  const links = [...source.matchAll(/ from "(\.[^"]+)"/g)].flatMap(([, part]) => {
    const name = new URL(part!, `https://site/${path}`).pathname.slice(1);
    return paths.includes(name) ? [`[${name}](/example/${nameOf(name)})`] : [];
  });
  return links.length === 0 ? "" : ` It imports ${links.join(", ")}.`;
}

/** A page for each file of `examples`: its name, and its source as Markdown. */
export const examplePages: readonly {
  readonly params: { readonly name: string };
  readonly content: string;
}[] = paths.map((path) => {
  const source = readFileSync(new URL(path, folder), "utf8");
  const language = path.endsWith(".ts") ? "ts" : "js";
  const parts = partsOf(path, source);
  const fence = "`".repeat(5);
  const content = `# ${path}\n\nOne of the [examples](/examples).${parts}\n\n${fence}${language}\n${source}${fence}\n`;
  return { params: { name: nameOf(path) }, content };
});

/** The page of a path in the repository such as `/examples/serial.ts`; undefined if it has none. */
export function pageOfFile(path: string): string | undefined {
  if (path === "/CHANGELOG.md") return "/changelog";
  if (path === "/SECURITY.md") return "/security";
  if (!path.startsWith("/examples")) return undefined;
  const name = path.slice("/examples/".length);
  // A folder is a section of the index.
  return paths.includes(name) ? `/example/${nameOf(name)}` : "/examples";
}

/** Pages that include a file of the repository, whose links are relative to that file. */
export const included: Readonly<Record<string, string>> = {
  "examples.md": "/examples/README.md",
  "changelog.md": "/CHANGELOG.md",
  "security.md": "/SECURITY.md",
};
