import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { loadProtocol } from "../../../src/cli/load-protocol.ts";

// `--protocol ./mine.ts#name`: by Node itself, by tsx or esbuild of the user's project, or not at all.

const folders: string[] = [];
afterEach(() => {
  vi.unstubAllGlobals();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A file of a project that has these packages, with an import and types that only TypeScript has. */
function project(...packages: string[]): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "framewright-load-")));
  folders.push(folder);
  mkdirSync(join(folder, "node_modules"));
  for (const name of packages) {
    const from = fileURLToPath(new URL(`../../../node_modules/${name}`, import.meta.url));
    symlinkSync(from, join(folder, "node_modules", name));
  }
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "limit.ts"), "export const limit: number = 99;\n");
  const file = join(folder, "mine.ts");
  writeFileSync(
    file,
    `import { limit } from "./limit.ts";
interface Sizes { readonly name: string }
type Decode = (bytes: Uint8Array, start: number, end: number) => number;
const decode: Decode = (_, start, end) => end - start;
const all: Sizes = { name: "sizes" };
export const sizes = { ...all, maxFrame: limit as number, decode, encode(): void {}, measure: decode };
`,
  );
  return file;
}

/** As in a version of Node that reads TypeScript, or one that does not. */
const withTypeScript = (reads: boolean): void => {
  const { typescript: _, ...features } = process.features as unknown as Record<string, unknown>;
  const changed = reads ? { ...features, typescript: "strip" } : features;
  vi.stubGlobal("process", Object.create(process, { features: { value: changed } }));
};

describe("a protocol in a TypeScript file", () => {
  it("is loaded by tsx of the project, if Node reads no TypeScript", async () => {
    withTypeScript(false);
    const found = await loadProtocol(`${project("tsx", "esbuild")}#sizes`);
    expect([found.name, found.maxFrame]).toEqual(["sizes", 99]);
  });

  it("is loaded by esbuild of the project, if it has no tsx", async () => {
    withTypeScript(false);
    const found = await loadProtocol(`${project("esbuild")}#sizes`);
    expect([found.name, found.maxFrame]).toEqual(["sizes", 99]);
  });

  it("is refused with what to do, if there is neither", async () => {
    withTypeScript(false);
    const file = project();
    await expect(loadProtocol(`${file}#sizes`)).rejects.toThrow(
      `framewright: Node ${process.versions.node} cannot load ${file}: use Node 22.18 or newer, or install tsx or esbuild in its project`,
    );
  });

  it("is imported as it is, if Node reads TypeScript", async () => {
    withTypeScript(true);
    const found = await loadProtocol(`${project()}#sizes`);
    expect([found.name, found.maxFrame]).toEqual(["sizes", 99]);
  });

  it("is named with what its import says, if that fails", async () => {
    withTypeScript(true);
    const file = project();
    writeFileSync(file, "throw new Error('not today');\n");
    await expect(loadProtocol(file)).rejects.toThrow(`framewright: ${file}: not today`);
  });
});
