import type { KnipConfig } from "knip";
import { entries } from "./scripts/entries.mjs";

const config: KnipConfig = {
  entry: [
    ...entries.map(({ source }) => source),
    "scripts/*.mjs",
    "docs/inspector/main.ts",
    "docs/.vitepress/{config.ts,theme/index.ts,typedoc.mjs}",
    "docs/example/*.paths.ts",
    "examples/**/*.{ts,mjs}",
    "test/bench/*.mjs",
    "test/bench/peers/node.mjs",
    "test/soak/*.mjs",
    "test/soak/tcp.ts",
    "test/soak/pipe.ts",
    "test/soak/tcp-peers.ts",
    "test/fuzz/main.ts",
    "test/mutants/{main,child,harness}.ts",
    "test/mutants/vitest.config.ts",
    "test/fuzz/targets/*.ts",
    "test/unit/fuzz/planted.ts",
    "test/peers/protocols/*.ts",
  ],
  project: ["{src,test,docs,examples,scripts}/**/*.{ts,mjs}"],
  ignore: ["test/runtimes/**"],
  // Not from npm: Debian has them.
  ignoreBinaries: ["nats-server", "dpkg-query", "go", "java", "javac", "lua5.4", "taskset"],
  // Compilers and a language server that tests run by their paths.
  ignoreDependencies: ["typescript57", "typescript59", "typescript-language-server"],
};

export default config;
