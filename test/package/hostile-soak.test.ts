import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { root } from "../support/package.ts";

// The short form of `npm run soak -- hostile`: it takes the server from README.md, whatever that speaks.
it("README's server answers its clients among hostile peers", () => {
  const args = ["test/soak/hostile.mjs", "--seconds", "3", "--peers", "120", "--clients", "4"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout.trimEnd()).toMatch(/\nok$/);
  const [, asked, answered] = /clients: 4, asked (\d+), answered (\d+)/.exec(stdout)!;
  expect(Number(answered)).toBeGreaterThan(0);
  expect(answered).toBe(asked);
});
