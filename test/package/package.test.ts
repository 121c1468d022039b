import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { entries, filesIn, manifest, readText, root } from "../support/package.ts";

/** Runs a script in a plain Node process, in this package, and returns its output. */
function node(inputType: "module" | "commonjs", script: string): string {
  const args = [`--input-type=${inputType}`, "-e", script];
  return execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" }).trim();
}

/**
 * Prints one line: the values of `names`, in this order, joined; `load` returns an entry's names.
 */
const namesScript = (load: string): string => `
  const all = {};
  for (const entry of ${JSON.stringify(entries)}) {
    all[entry] = Object.keys(${load}).filter((name) => name !== "__esModule").sort();
  }
  console.log(JSON.stringify(all));`;

describe("package", () => {
  it("loads every entry by import and by require, with the same names", () => {
    const esm = JSON.parse(node("module", namesScript("await import(entry)")));
    const cjs = JSON.parse(node("commonjs", namesScript("require(entry)")));
    expect(Object.keys(esm)).toEqual(entries);
    expect(cjs).toEqual(esm);
    for (const entry of entries) expect(esm[entry], entry).not.toEqual([]);
  });

  it("provides import and require with one copy of each class", () => {
    const script = `
      import { createRequire } from "node:module";
      import { ProtocolError, Splitter } from "framewright";
      const required = createRequire(process.cwd() + "/x.js")("framewright");
      console.log(required.ProtocolError === ProtocolError, required.Splitter === Splitter);`;
    // If require loads ES modules ("module-sync"), there is one copy; otherwise two, distinguished
    // by `code`.
    const one = process.features.require_module === true;
    expect(node("module", script)).toBe(`${one} ${one}`);
  });

  it("uses the root's ProtocolError in every entry, in either module system", () => {
    // A program must be able to catch an entry's errors with the class from the root: no entry may
    // contain its own copy.
    const script = (load: string): string => `
      const { ProtocolError } = ${load.replace("entry", '"framewright"')};
      for (const entry of ${JSON.stringify(entries)}) {
        const own = ${load}.ProtocolError;
        if (own !== undefined && own !== ProtocolError) console.log(entry);
      }`;
    expect(node("module", script("await import(entry)"))).toBe("");
    expect(node("commonjs", script("require(entry)"))).toBe("");
    // Names that an entry does not export are still in its chunks: the class is declared once.
    for (const extension of ["js", "cjs"]) {
      const holders = filesIn("dist", new RegExp(`\\.${extension}$`)).filter(
        // The testing kit has its own errors: a failed test is not a protocol's error.
        (file) =>
          !/\/(?:shared-)?testing\./.test(file) &&
          /\bclass (\w+ )?extends Error\b/.test(readText(file)),
      );
      expect(holders, `files that declare an error class`).toHaveLength(1);
    }
  });

  it("has no dependencies that a user would have to install", () => {
    expect(manifest.dependencies ?? {}).toEqual({});
    for (const name of Object.keys(manifest.peerDependencies ?? {})) {
      expect(manifest.peerDependenciesMeta?.[name]?.optional, name).toBe(true);
    }
  });

  it("has a changelog whose latest release is this version, below unreleased changes", () => {
    const sections = [...readText("CHANGELOG.md").matchAll(/^## \[(\d+\.\d+\.\d+)\] - (\S+)$/gm)];
    const [first, second] = sections.map(([, version, date]) => ({ version, date }));
    // During development, package.json may already have the next version.
    const allowed =
      first?.date === "unreleased" ? [first.version, second?.version] : [first?.version];
    expect(allowed).toContain(manifest.version);
    for (const [heading, , date] of sections.slice(1)) expect(date, heading).not.toBe("unreleased");
    expect(readText("CHANGELOG.md").match(/^## /gm)).toHaveLength(sections.length);
  });
});
