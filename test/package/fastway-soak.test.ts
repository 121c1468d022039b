import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { root } from "../support/package.ts";

// The short form of `npm run soak`: fewer clients and echoes.
it.each([
  ["v2", "2"],
  ["v1", "3"],
])("a gateway of %s with dying peers loses nothing", (dialect, seed) => {
  const args = ["--expose-gc", "test/soak/fastway.mjs", "60", "6000", seed];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: "utf8",
    timeout: 60_000,
  });
  expect(stderr).toBe("");
  expect(stdout).toContain(dialect);
  expect(stdout.trimEnd()).toMatch(/\nok$/);
});
