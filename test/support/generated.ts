import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  generateModule,
  type ModuleOptions,
  type Sproto,
} from "../../src/protocols/sproto/index.ts";

/** Modules that the command would write, in a folder of their own that is deleted with `clean`. */
export class GeneratedModules {
  readonly folder: string;
  #count = 0;

  constructor(name: string) {
    this.folder = fileURLToPath(new URL(`../../.generated-check/${name}/`, import.meta.url));
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
  }

  /** Writes the module of a schema, and gives its path. */
  write(text: string, options: ModuleOptions = {}): string {
    const file = `${this.folder}schema-${this.#count++}.ts`;
    const from = "../../src/protocols/sproto/index.ts";
    const all = { from, sources: ["test.sproto"], ...options };
    writeFileSync(file, generateModule(text, all));
    return file;
  }

  /** Writes and loads it. */
  async load(text: string, options: ModuleOptions = {}): Promise<Sproto> {
    const file = this.write(text, options);
    const { sproto } = (await import(/* @vite-ignore */ file)) as { sproto: Sproto };
    return sproto;
  }

  clean(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
