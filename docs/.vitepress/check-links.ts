import { readdirSync, readFileSync } from "node:fs";

/** The file of a site that a path such as `/tutorial` or `/migration/` leads to. */
function fileAt(path: string, files: ReadonlySet<string>): string | undefined {
  const name = /(?:^|\/)$/.test(path) ? `${path}index.html` : path;
  return [name, `${name}.html`].find((file) => files.has(file));
}

/**
 * Fails if a link of the built site leads to a page or a heading that does not exist. VitePress checks
 * links between pages itself, but no anchors, and neither the navigation nor the inspector.
 *
 * @throws Error with all broken links
 */
export function checkLinks(folder: string, base: string): void {
  const files = new Set(
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) =>
      path.replaceAll("\\", "/"),
    ),
  );
  const pages = [...files].filter((file) => file.endsWith(".html"));
  const texts = new Map(pages.map((file) => [file, readFileSync(`${folder}/${file}`, "utf8")]));
  const anchors = new Map(
    [...texts].map(([file, text]) => [
      file,
      new Set([...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id!)),
    ]),
  );
  const broken = new Set<string>();
  for (const [file, text] of texts) {
    for (const [, href] of text.matchAll(/<a\s[^>]*?href="([^"]*)"/g)) {
      const target = new URL(href!.replaceAll("&amp;", "&"), `https://site${base}${file}`);
      if (target.host !== "site") continue;
      const found = fileAt(decodeURI(target.pathname).slice(base.length), files);
      const anchor = decodeURIComponent(target.hash.slice(1));
      if (found === undefined || (anchor !== "" && !anchors.get(found)?.has(anchor))) {
        broken.add(`${file}: ${href}`);
      }
    }
  }
  if (broken.size > 0) throw new Error(`broken links\n  ${[...broken].join("\n  ")}`);
}
