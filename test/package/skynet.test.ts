import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { manifest, root } from "../support/package.ts";

// Runs the server of examples/skynet-websocket as a user would, and its clients, with the built
// package.

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "skynet-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** Starts a program, and collects its output. */
function run(program: string, ...args: string[]) {
  const file = `examples/skynet-websocket/${program}`;
  const child = spawn(process.execPath, ["examples/_run.mjs", file, ...args], { cwd: root });
  children.push(child);
  let output = "";
  const take = (data: Buffer): void => {
    output += data;
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const exit = once(child, "exit") as Promise<[number | null, string | null]>;
  /** Waits for a line. */
  async function line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(output);
      if (found !== null) return found;
      if (child.exitCode !== null) throw new Error(`ended without ${pattern}:\n${output}`);
      await Promise.race([once(child.stdout, "data"), once(child.stderr, "data"), exit]);
    }
  }
  return { child, exit, line, output: () => output };
}

/** Compiled examples that were not removed. */
function compiled(): string[] {
  const place = `${root}.examples-run`;
  return existsSync(place) ? readdirSync(place) : [];
}

it("matches the script of npm run skynet", () => {
  expect(manifest.scripts.skynet).toContain(
    "examples/_run.mjs examples/skynet-websocket/server.ts",
  );
});

it.each(["protobuf", "sproto"] as const)("serves %s until Ctrl-C", async (protocolType) => {
  const before = compiled();
  const config = join(folder, `${protocolType}.json`);
  const database = join(folder, `${protocolType}.db`);
  writeFileSync(config, JSON.stringify({ wsHost: "127.0.0.1", wsPort: 0, protocolType, database }));
  const server = run("server.ts", config);
  const [, url] = await server.line(
    new RegExp(`${protocolType} on (ws://\\S+), players in \\S*sqlite`),
  );

  if (protocolType === "protobuf") {
    const client = run("client-once.ts", url!, protocolType);
    expect(await client.exit).toEqual([0, null]);
    expect(client.output()).toMatch(/player info: alice, level 1\n/);
  } else {
    const client = run("client-debug.ts", url!, protocolType);
    expect(await client.exit).toEqual([0, null]);
    expect(client.output()).toMatch(/^-> \d+ bytes\n {3}([0-9a-f]{2} )+/m);
  }
  const live = run("client-live.ts", url!, protocolType);
  await live.line(/signed in as alice\nbeat\n/);
  server.child.kill("SIGINT");
  expect(await server.exit).toEqual([0, null]);
  expect(server.output()).toMatch(/SIGINT: stopping\n[\s\S]*stopped\n$/);
  await live.line(/\nlost\n/);
  live.child.kill("SIGINT");
  expect(await live.exit).toEqual([0, null]);
  expect(compiled(), "what is left behind").toEqual(before);
});

it("does not start with an invalid configuration", async () => {
  const config = join(folder, "wrong.json");
  writeFileSync(config, JSON.stringify({ wsHost: "127.0.0.1", wsPort: 0, protocolType: "json" }));
  const server = run("server.ts", config);
  expect((await server.exit)[0]).toBe(1);
  expect(server.output()).toContain("config: protocolType must be protobuf or sproto, not json");
});
