import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { afterAll, expect, it } from "vitest";
import { root } from "../support/package.ts";

// The chat of examples/goim as people use it: a server and two terminals, each in its own process.

const programs: ChildProcessWithoutNullStreams[] = [];
afterAll(() => {
  for (const program of programs) program.kill();
});

function start(...args: string[]) {
  const program = spawn(process.execPath, ["examples/goim/chat.mjs", ...args], { cwd: root });
  programs.push(program);
  const errors: string[] = [];
  program.stderr.on("data", (chunk) => errors.push(String(chunk)));
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  return {
    program,
    errors,
    type: (line: string) => program.stdin.write(`${line}\n`),
    async reads(): Promise<string> {
      return (await lines.next()).value ?? `ended: ${errors.join("")}`;
    },
  };
}

it("works in two terminals", async () => {
  const server = start("serve", "0", "0");
  const [, tcp = "", webSocket = ""] =
    /^comet on (\S+) and (\S+)$/.exec(await server.reads()) ?? [];
  const ann = start("join", tcp, "123");
  expect(await ann.reads()).toBe("connected");
  const bob = start("join", webSocket, "456");
  expect(await bob.reads()).toBe("connected");

  for (const terminal of [ann, bob]) {
    terminal.type("/enter 9000");
    expect(await terminal.reads()).toBe("you are in 9000");
  }
  ann.type("hello, group");
  for (const terminal of [ann, bob]) {
    expect(await terminal.reads()).toBe("123 in 9000: hello, group");
  }
  bob.type("/tell 123 hello, ann");
  expect(await ann.reads()).toBe("456: hello, ann");
  bob.type("/tell 789 hello?");
  expect(await bob.reads()).toBe("nobody is there");

  bob.program.stdin.end();
  const [code] = await new Promise<[number | null]>((resolve) => {
    bob.program.once("close", (...args) => resolve([args[0]]));
  });
  expect([code, bob.errors, ann.errors, server.errors]).toEqual([0, [], [], []]);
}, 60_000);
