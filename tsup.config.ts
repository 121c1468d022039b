import { defineConfig } from "tsup";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    goim: "src/goim/index.ts",
    fastway: "src/fastway/index.ts",
    workerman: "src/workerman/index.ts",
    sproto: "src/sproto/index.ts",
    cli: "src/cli/main.ts",
    node: "src/node/index.ts",
    protobuf: "src/protobuf/index.ts",
    testing: "src/testing/index.ts",
    web: "src/web/index.ts",
    bun: "src/bun/index.ts",
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
