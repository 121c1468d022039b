import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Returns the version of the package that a file belongs to. */
export function versionOf(file: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
        readonly version: string;
      };
      return version;
    } catch (error) {
      if (dirname(folder) === folder) throw error;
    }
  }
}
