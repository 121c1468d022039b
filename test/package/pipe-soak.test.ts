import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { root } from "../support/package.ts";

// The short form of `npm run soak -- pipe`.
it("a pipe with a slow end carries 48 MiB each way in bounded memory", () => {
  const args = ["test/soak/run.mjs", "pipe", "--mebibytes", "48"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout.trimEnd()).toMatch(/\nok$/);
  expect(stdout).toContain("48 MiB each way");
  expect(stdout).toContain("tap: failed 1 times");
});
