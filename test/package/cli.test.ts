import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { json, lines } from "framewright";
import { connect, listen } from "framewright/node";
import { afterEach, describe, expect, it } from "vitest";

// The built command, run like npx does.

const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const host = "127.0.0.1";
const chat = lines().wrap(json<unknown>());
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function framewright(
  args: string[],
  input: string,
): { code: number | null; out: string; errors: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    input,
    encoding: "utf8",
  });
  return { code: status, out: stdout, errors: stderr };
}

/** A running command, and its output. */
function start(args: string[]): { child: ChildProcess; seen(): string } {
  const child = spawn(process.execPath, [cli, ...args], { stdio: "pipe" });
  children.push(child);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream!.on("data", (chunk) => (text += chunk));
  return { child, seen: () => text };
}

describe("the command framewright", () => {
  it("decodes standard input", () => {
    const { code, out, errors } = framewright(
      ["decode", "-", "--protocol", "lines+json", "--json"],
      '{"a":1}\nno\n',
    );
    expect([code, errors]).toEqual([1, ""]);
    const shown = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(shown).toMatchObject([{ value: { a: 1 } }, { error: { code: "malformed" } }]);
  });

  it("exits with 2 and one line for a wrong command, and prints its version", () => {
    const wrong = framewright(["decode", "-", "--protocol", "none"], "");
    expect([wrong.code, wrong.out, wrong.errors.split("\n").length]).toEqual([2, "", 2]);
    expect(framewright(["--version"], "").out).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("exits quietly when the reader of its output does", async () => {
    const { child, seen } = start(["decode", "-", "--protocol", "lines+utf8"]);
    child.stdout!.destroy();
    child.stdin!.on("error", () => {});
    child.stdin!.end("line\n".repeat(50_000));
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(seen()).toBe("");
  });

  it("forwards and talks until it is interrupted, or its input ends", async () => {
    const server = await listen(chat, {
      host,
      port: 0,
      message: (peer, value) => void peer.send([value]),
      end: (peer) => void peer.end(),
    });
    const to = `${host}:${server.port}`;
    const proxy = start(["proxy", "--listen", "0", "--to", to, "--protocol", "lines+json"]);
    await expect.poll(proxy.seen, { timeout: 20_000 }).toContain("is forwarded");
    const port = Number(/:(\d+) is forwarded/.exec(proxy.seen())![1]);
    const talk = start(["talk", `${host}:${port}`, "--protocol", "lines+json"]);
    talk.child.stdin!.end("1\n2\n");
    expect(await once(talk.child, "close")).toEqual([0, null]);
    expect(talk.seen()).toBe("[1]\n[2]\n");
    const client = await connect(chat, { host, port });
    client.send("hello");
    for await (const answer of client) {
      expect(answer).toEqual(["hello"]);
      break;
    }
    await expect.poll(proxy.seen).toContain('< 10 B  ["hello"]');
    proxy.child.kill("SIGINT");
    expect(await once(proxy.child, "exit")).toEqual([0, null]);
    await client.closed;
    await server.close();
  });
});
