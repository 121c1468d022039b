import { describe, expect, it } from "vitest";
import { exportedNames, reports } from "../../scripts/api.mjs";
import { filesIn, readText } from "../support/package.ts";

/** The latest frozen release, see `npm run api -- --freeze`. */
const newest = filesIn("api", /\d\.json$/)
  .map((file) => file.replace(/^api\/|\.json$/g, ""))
  .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
  .at(-1)!;

/**
 * Names that were added to the package or removed from an entry point, which users must know. A
 * second path to an existing name does not count.
 */
function changes(): { name: string; what: string }[] {
  const now = exportedNames();
  const then = JSON.parse(readText(`api/${newest}.json`)) as Record<string, string[]>;
  const old = new Set(Object.values(then).flat());
  const added = Object.entries(now).flatMap(([entry, names]) => [
    ...(entry in then ? [] : [{ name: entry, what: "added" }]),
    ...names.filter((name) => !old.has(name)).map((name) => ({ name, what: `added to ${entry}` })),
  ]);
  const removed = Object.entries(then).flatMap(([entry, names]) => {
    const left = new Set(now[entry]);
    return names
      .filter((name) => !left.has(name))
      .map((name) => ({ name, what: `removed from ${entry}` }));
  });
  return [...added, ...removed];
}

/** The words in backticks in the change log's sections since then. */
function namedInChangelog(): Set<string> {
  const [news] = readText("CHANGELOG.md").split(`\n## [${newest}]`);
  const code = news!.match(/`[^`\n]+`/g) ?? [];
  return new Set(code.join(" ").match(/framewright[\w/]*|[\w$]+/g));
}

describe("the public API", () => {
  it("matches api/; after an intended change, run `npm run api` and commit it", () => {
    const found = Object.entries(reports());
    expect(filesIn("api", /\.api\.md$/)).toEqual(found.map(([file]) => `api/${file}`).sort());
    for (const [file, text] of found) expect(text, file).toBe(readText(`api/${file}`));
  });

  it("has at most 60 values at the root, so that its index stays readable", async () => {
    const values = Object.keys((await import("framewright")) as object);
    expect(values).toContain("defineProtocol");
    expect(values.length).toBeLessThanOrEqual(60);
  });

  it(`lists in CHANGELOG.md, in backticks, each name added or removed since ${newest}`, () => {
    const named = namedInChangelog();
    const missing = changes().filter(({ name }) => !named.has(name));
    expect(missing.map(({ name, what }) => `${name}: ${what}`)).toEqual([]);
  });
});
