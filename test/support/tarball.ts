import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./package.ts";

// The packed package in the hands of strangers: an empty folder, programs in it, and the compilers that people use.

/** The compilers by their paths in `node_modules`: three of them are called `tsc`. */
export const compilers = {
  "7.0": "@typescript/native/bin/tsc",
  "6.0": "typescript/bin/tsc6",
  "5.9": "typescript59/node_modules/typescript/bin/tsc",
  "5.7": "typescript57/node_modules/typescript/bin/tsc",
} as const;

/** A version of TypeScript that the package is tested with. */
export type Version = keyof typeof compilers;

/** What `npm pack` made. */
export interface Tarball {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** The paths of the files in it. */
  readonly files: readonly string[];
}

/** A folder outside of the repository. */
export class Folder {
  readonly path: string = mkdtempSync(join(tmpdir(), "framewright-"));

  write(path: string, content: string | object): void {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    mkdirSync(join(this.path, path, ".."), { recursive: true });
    writeFileSync(join(this.path, path), text);
  }

  /** Runs a command in the folder, and returns its output; throws with all of its output if it fails. */
  run(command: string, ...args: string[]): string {
    try {
      const options = { cwd: this.path, encoding: "utf8", stdio: "pipe" } as const;
      return execFileSync(command, args, options).trim();
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`);
    }
  }

  compile(version: Version, ...args: string[]): string {
    return this.run(process.execPath, join(root, "node_modules", compilers[version]), ...args);
  }

  /** Packs the package into the folder. */
  pack(): Tarball {
    const args = ["pack", "--json", "--pack-destination", this.path];
    const report = execFileSync("npm", args, { cwd: root, encoding: "utf8", stdio: "pipe" });
    const [{ filename, size, files }] = JSON.parse(report) as [
      { filename: string; size: number; files: { path: string }[] },
    ];
    return { path: join(this.path, filename), size, files: files.map(({ path }) => path) };
  }

  /** Unpacks a tarball as `framewright` into the `node_modules` of a package in the folder. */
  install(tarball: Tarball, dependent: string): void {
    const target = join(this.path, dependent, "node_modules/framewright");
    mkdirSync(target, { recursive: true });
    this.run("tar", "-xzf", tarball.path, "--strip-components=1", "-C", target);
  }

  /** Makes a package of the repository's own `node_modules` one of the folder's. */
  link(name: string): void {
    mkdirSync(join(this.path, "node_modules", name, ".."), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(this.path, "node_modules", name));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
