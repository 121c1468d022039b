import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { root } from "../support/package.ts";

// The short form of `npm run soak -- tcp`: a fixed number of lives, however long they take.
it("a TCP server among good, slow, cut-off and hostile peers behaves", () => {
  const args = ["test/soak/run.mjs", "tcp", "--connections", "160", "--lives", "2", "--seed", "3"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout.trimEnd()).toMatch(/\nok$/);
  // Two lives, and the one during the shutdown, with 160 peers each: complete and excused
  // connections.
  expect(stdout).toContain("connections: 480 in all");
  const lives = (/** name of a line */ line: string): number =>
    Array.from(
      new RegExp(`^${line}: (.*)$`, "m").exec(stdout)![1]!.matchAll(/ (\d+)(?:,|$)/g),
      ([, count]) => Number(count),
    ).reduce((sum, count) => sum + count, 0);
  expect(lives("whole") + lives("excused")).toBe(480);
  expect(lives("whole")).toBeGreaterThan(0);
  expect(stdout).not.toContain("paused 0 times");
  if (process.platform === "linux") expect(stdout).not.toContain("uncounted");
});
