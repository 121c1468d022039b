import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { expectedLines, readText, root } from "../support/package.ts";
import { lacks } from "../support/programs.ts";

// Comets of examples/goim/cluster in their own processes, with a real nats-server and the built
// package.

function run(...args: string[]) {
  return spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", timeout: 100_000 });
}

describe.skipIf(lacks({ "nats-server": "nats-server" }))("a cluster of goim comets", () => {
  // The short form of `npm run soak -- goim-cluster`.
  it("loses nothing on living connections while its comets are killed", () => {
    const args = ["--messages", "10000", "--clients", "9"];
    const { stdout, stderr } = run("test/soak/goim-cluster.mjs", ...args);
    expect(stderr).toBe("");
    expect(stdout).toContain('"kills":3,"lost":0');
    expect(stdout.trimEnd()).toMatch(/\nok$/);
  });

  it("runs its demo", () => {
    const demo = "examples/goim/cluster/demo.ts";
    const { stdout, status } = run("examples/_run.mjs", demo);
    expect(stdout.trimEnd().split("\n")).toEqual(expectedLines(readText(demo)));
    expect(status).toBe(0);
  });
});
