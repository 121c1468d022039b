import { defineConfig } from "tsup";
import { entries } from "./scripts/entries.mjs";

export default defineConfig({
  entry: {
    ...Object.fromEntries(entries.map(({ file, source }) => [file, source])),
    cli: "src/cli/main.ts",
  },
  format: ["esm", "cjs"],
  platform: "neutral",
  target: "es2022",
  tsconfig: "tsconfig.build.json",
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  // Else each CommonJS entry would have its own copy of ProtocolError.
  splitting: true,
  // MD5 of the fastway handshake: bundled, because it is ESM only, and so that users install nothing else.
  noExternal: ["@noble/hashes"],
  // Without it CommonJS output with splitting goes through a compiler that rewrites class fields.
  treeshake: true,
  sourcemap: true,
  clean: true,
});
