import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type AnyProtocol, isFileName } from "../inspect/ready/index.ts";
import { protocolOf } from "./protocol-names.ts";

/**
 * Loads the protocol of `--protocol`: a built-in one by its name and options, or an export of a
 * file (`./mine.ts#name`).
 *
 * @throws RangeError if there is none
 */
export async function loadProtocol(text: string | undefined): Promise<AnyProtocol> {
  if (text === undefined) throw new RangeError("framewright: no --protocol given; try --help");
  return isFileName(text) ? fromFile(text) : protocolOf(text);
}

async function fromFile(text: string): Promise<AnyProtocol> {
  const hash = text.lastIndexOf("#");
  const file = resolve(hash < 0 ? text : text.slice(0, hash));
  const name = hash < 0 ? "default" : text.slice(hash + 1);
  if (!existsSync(file)) throw new RangeError(`framewright: no file ${file}`);
  const module = await load(file);
  const found = module[name];
  const made = typeof found === "function" ? (found as () => unknown)() : found;
  if (isProtocol(made)) return made;
  const names = Object.keys(module).filter((key) => isProtocol(module[key]));
  const others = names.length === 0 ? "it exports none" : `it exports ${names.join(", ")}`;
  throw new RangeError(`framewright: ${name} of ${file} is not a protocol; ${others}`);
}

function isProtocol(value: unknown): value is AnyProtocol {
  const { decode, encode, maxFrame } = (value ?? {}) as Partial<AnyProtocol>;
  return (
    typeof decode === "function" && typeof encode === "function" && typeof maxFrame === "number"
  );
}

/** Imports a file of the user. */
const importFile = (file: string): Promise<unknown> =>
  // biome-ignore lint/plugin: only the user knows which
  import(pathToFileURL(file).href);

type Module = Readonly<Record<string, unknown>>;

async function load(file: string): Promise<Module> {
  if (!/\.[cm]?ts$/.test(file) || "typescript" in process.features) {
    try {
      return (await importFile(file)) as Module;
    } catch (error) {
      throw new RangeError(`framewright: ${file}: ${(error as Error).message}`);
    }
  }
  // Older versions of Node cannot load TypeScript: use what the user's project has.
  const near = createRequire(file);
  // Its modules for `require` cannot import.
  const tsx = resolved(near, "tsx/esm/api")?.replace(/\.cjs$/, ".mjs");
  if (tsx !== undefined) {
    const { tsImport } = (await importFile(tsx)) as {
      tsImport(url: string, parent: string): Promise<Module>;
    };
    const url = pathToFileURL(file).href;
    return tsImport(url, url);
  }
  const esbuild = resolved(near, "esbuild");
  if (esbuild !== undefined) return bundled(file, near("esbuild") as Esbuild);
  throw new RangeError(
    `framewright: Node ${process.versions.node} cannot load ${file}: use Node 22.18 or newer, or install tsx or esbuild in its project`,
  );
}

function resolved(near: NodeJS.Require, name: string): string | undefined {
  try {
    return near.resolve(name);
  } catch {
    return undefined;
  }
}

interface Esbuild {
  buildSync(options: object): { readonly outputFiles: readonly { readonly text: string }[] };
}

/**
 * Bundles the file and its imports, except packages, into a file next to it, so that packages are
 * found.
 */
async function bundled(file: string, { buildSync }: Esbuild): Promise<Module> {
  const { mkdtempSync, rmSync, writeFileSync } = await import("node:fs");
  const { outputFiles } = buildSync({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    packages: "external",
    logLevel: "silent",
  });
  const folder = mkdtempSync(join(file, "../.framewright-"));
  try {
    const out = join(folder, "protocol.mjs");
    writeFileSync(out, outputFiles[0]!.text);
    return (await importFile(out)) as Module;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
