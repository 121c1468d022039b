import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { entries } from "../../scripts/entries.mjs";

// The tests that need Vitest, with the mutant that main.ts has written in place of its file.
const { MUTANT_FILE, MUTANT_TEXT } = process.env;

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: {
    alias: entries.map(({ name, source }) => ({
      find: new RegExp(`^${name}$`),
      replacement: fileURLToPath(new URL(`../../${source}`, import.meta.url)),
    })),
  },
  plugins: [
    {
      name: "mutant",
      enforce: "pre",
      load: (id) =>
        id === MUTANT_FILE && MUTANT_TEXT !== undefined
          ? readFileSync(MUTANT_TEXT, "utf8")
          : undefined,
    },
  ],
  test: {
    include: ["test/unit/**/*.test.ts"],
    setupFiles: ["test/support/seed.ts"],
    testTimeout: 60_000,
    isolate: true,
    reporters: ["dot"],
  },
});
