import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import ts from "typescript";
import { afterEach, describe, expect, it } from "vitest";
import { readText, root } from "../support/package.ts";

// Runs examples/fastway/gateway.ts as a process, with the built package.
const { outputText: program } = ts.transpileModule(readText("examples/fastway/gateway.ts"), {
  compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
});
// With `-e` the arguments contain no script: a placeholder is needed.
const node = ["--input-type=module", "-e"];
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

function run(...args: string[]) {
  return spawnSync(process.execPath, [...node, program, "--", "gateway", ...args], {
    cwd: root,
    encoding: "utf8",
    timeout: 30_000,
  });
}

/** Starts it and waits for its ports. */
async function start(...args: string[]) {
  const child = spawn(process.execPath, [...node, program, "--", "gateway", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  started.push(child);
  let output = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const seen = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(output);
      if (found !== null) return found;
      await once(child.stdout!, "data");
    }
  };
  const clients = Number((await seen(/clients at port (\d+)/))[1]);
  const servers = Number((await seen(/servers at port (\d+)/))[1]);
  return { child, clients, servers, seen };
}

/** A client and a server, as users write them; their output is the result. */
const session = (clients: number, servers: number): string => `
  import { fastway, fastwayClient, fastwayServer } from "framewright/fastway";
  import { connect } from "framewright/node";
  const host = "127.0.0.1";
  const protocol = fastway({ dialect: "v1", maxPacket: 1000 });
  const server = fastwayServer(await connect(protocol, { host, port: ${servers} }), {
    serverId: 5, key: "secret", message: (connection, bytes) => connection.send(bytes),
  });
  const client = fastwayClient(await connect(protocol, { host, port: ${clients} }));
  let connection;
  while (connection === undefined) connection = await client.dial(5).catch(() => undefined);
  const second = await client.dial(5).then(() => "accepted", (error) => error.code);
  connection.send(Uint8Array.of(1, 2, 3));
  for await (const bytes of connection) { console.log(second, bytes.join()); break; }
  client.close();
  server.close();`;

describe("the gateway program", () => {
  it("works with the options of the original, and exits on a signal", async () => {
    const { child, clients, servers, seen } = await start(
      ...["-Dialect", "v1", "--ClientAddr=127.0.0.1:0", "-ServerAddr", "127.0.0.1:0"],
      ...["-ServerAuthKey", "secret", "-ClientMaxConn=1", "-MaxPacketSize=1000", "-ReusePort"],
      ...["-MemPoolType", "sync", "-ClientPingInterval=1m30s", "-Stats", "20ms"],
    );
    const { stdout, stderr } = spawnSync(process.execPath, [...node, session(clients, servers)], {
      cwd: root,
      encoding: "utf8",
      timeout: 30_000,
    });
    expect(stderr).toBe("");
    expect(stdout.trim()).toBe("refused 1,2,3");
    await seen(/packetsOut: 2/);
    await seen(/client 1 left\n/);
    const exit = once(child, "exit");
    child.kill("SIGTERM");
    expect(await exit).toEqual([0, null]);
    await seen(/closed\n$/);
  });

  it("reports wrong options", () => {
    for (const [args, text] of [
      [["-Dialect", "v3"], 'dialect must be "v1" or "v2"'],
      [["-ClientAddr", ":0"], "-Dialect is required"],
      [["-Dialect", "v2", "-ClientAddr", "nowhere"], "must be host:port"],
      [["-Dialect", "v2", "-ClientIdleTimeout", "soon"], "must be a duration"],
      [["-Dialect", "v2", "-Nonsense", "1"], "no such option: -Nonsense"],
      [["-Dialect"], "needs a value"],
    ] as const) {
      const { status, stderr } = run(...args);
      expect(stderr).toContain(text);
      expect(stderr).toContain("usage: gateway");
      expect(status).toBe(2);
    }
  });
});
