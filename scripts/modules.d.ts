// Types for the scripts that tests and configurations import.

declare module "*/scripts/entries.mjs" {
  /** An entry point: something that users import. */
  export interface Entry {
    /** What they write: `framewright/goim`. */
    readonly name: string;
    /** Its key in `exports`: `./goim`. */
    readonly subpath: string;
    /** Its file in `dist`, without an ending: `goim`. */
    readonly file: string;
    /** Its declarations, from `dist/types`: `protocols/goim/index.d.ts`. */
    readonly types: string;
    /** Its file in `src`, from the package's root. */
    readonly source: string;
    /** True if it needs ES2022 and nothing else: no Node, no DOM, no other package. */
    readonly pure: boolean;
    /** Largest size of the whole entry, minified and compressed; not checked if absent. */
    readonly limit?: string;
    /** The same for single imports, such as `{ Splitter, lines }`. */
    readonly imports?: Readonly<Record<string, string>>;
  }

  export const entries: readonly Entry[];

  /** The text that package.json must have. */
  export function packageJson(): string;
}

declare module "*/scripts/types.mjs" {
  /** Writes `dist/types` and `dist/types-cjs`. */
  export function writeTypes(): void;
}

declare module "*/scripts/chunk-names.mjs" {
  /** Names the files that entries share after what is in them. */
  export const chunkNames: {
    readonly name: string;
    buildEnd(built: { readonly writtenFiles: readonly { readonly name: string }[] }): void;
  };
}

declare module "*/scripts/api.mjs" {
  /** The names that each entry point exports, types included, from `dist/types`. */
  export function exportedNames(): Record<string, string[]>;

  /** The texts that the files of `api` must have, by their names. */
  export function reports(): Record<string, string>;
}

declare module "*/scripts/squeeze.mjs" {
  /** Makes the JavaScript files in `dir` small, which is `dist` unless given. */
  export function squeeze(dir?: string): Promise<void>;
}

declare module "*/scripts/page.mjs" {
  /** Builds the inspector, and returns the name of its file. */
  export function buildPage(file?: string): Promise<string>;
}
