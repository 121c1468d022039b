import { defineConfig } from "tsup";
import { chunkNames } from "./scripts/chunk-names.mjs";
import { entries } from "./scripts/entries.mjs";
import { squeeze } from "./scripts/squeeze.mjs";
import { writeTypes } from "./scripts/types.mjs";

export default defineConfig({
  entry: {
    ...Object.fromEntries(entries.map(({ file, source }) => [file, source])),
    cli: "src/cli/main.ts",
    debug: "src/transports/web/debug.ts",
  },
  format: ["esm", "cjs"],
  platform: "neutral",
  target: "es2022",
  tsconfig: "tsconfig.build.json",
  // The names of modules as they are written: `node:net`.
  removeNodeProtocol: false,
  external: [/^node:/],
  // Else each CommonJS entry would have its own copy of ProtocolError.
  splitting: true,
  // MD5 of the fastway handshake: bundled, because it is ESM only, and so that users install nothing else.
  noExternal: ["@noble/hashes"],
  // Without it CommonJS output with splitting goes through a compiler that rewrites class fields.
  treeshake: true,
  clean: true,
  plugins: [chunkNames],
  onSuccess: async () => {
    await squeeze();
    await writeTypes();
  },
});
