import { defineConfig } from "tsup";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    goim: "src/protocols/goim/index.ts",
    fastway: "src/protocols/fastway/index.ts",
    workerman: "src/protocols/workerman/index.ts",
    sproto: "src/protocols/sproto/index.ts",
    cli: "src/cli/main.ts",
    node: "src/transports/node/index.ts",
    protobuf: "src/protocols/protobuf/index.ts",
    testing: "src/testing/index.ts",
    web: "src/transports/web/index.ts",
    bun: "src/transports/bun/index.ts",
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
