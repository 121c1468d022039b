import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "./package.ts";

/** A folder outside of the repository with the configuration of its tools, for sources that they must refuse. */
export class Scratch {
  readonly #folder: string = mkdtempSync(join(tmpdir(), "framewright-scratch-"));

  constructor() {
    const configuration = [
      ".gitignore",
      "biome.json",
      "biome.imports.jsonc",
      "package.json",
      "scripts/lint",
      "tsconfig.json",
      "tsconfig.core.json",
    ];
    for (const path of configuration) {
      cpSync(join(root, path), join(this.#folder, path), { recursive: true });
    }
  }

  write(path: string, text: string): void {
    const file = join(this.#folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** Deletes the sources, not the configuration. */
  clear(): void {
    rmSync(join(this.#folder, "src"), { recursive: true, force: true });
  }

  /** What lint refuses in the sources by the rules of these categories: "path:line", sorted. */
  lint(categories: readonly string[]): string[] {
    const args = ["lint", "--reporter=json", "--max-diagnostics=none", "src"];
    const { stdout, stderr } = this.#run("biome", args);
    let report: Report;
    try {
      report = JSON.parse(stdout) as Report;
    } catch {
      throw new Error(stdout + stderr);
    }
    const refused = report.diagnostics.filter(({ category }) => categories.includes(category));
    const places = refused.map(({ location: { path, start } }) => `${path}:${start.line}`);
    return [...new Set(places)].sort();
  }

  /** What the compiler says of the sources. */
  compile(project: string): string {
    return this.#run("tsc", ["-p", project]).stdout;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(tool: string, args: readonly string[]): { stdout: string; stderr: string } {
    const options = { cwd: this.#folder, encoding: "utf8", maxBuffer: 2 ** 26 } as const;
    return spawnSync(join(root, "node_modules/.bin", tool), args, options);
  }
}

interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly location: { readonly path: string; readonly start: { readonly line: number } };
  }[];
}
