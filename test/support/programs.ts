import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, readdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

// Real programs that tests speak with: found, started with a command that the test names, and ended with it.

const FOLDERS = [
  ...(process.env.PATH ?? "").split(":"),
  ...["/usr/local/sbin", "/usr/sbin", "/sbin"],
  ...postgresFolders(),
];

function postgresFolders(): string[] {
  try {
    return readdirSync("/usr/lib/postgresql").map(
      (version) => `/usr/lib/postgresql/${version}/bin`,
    );
  } catch {
    return [];
  }
}

/** Where a program is; undefined if it is not installed. */
function pathOf(program: string): string | undefined {
  return FOLDERS.map((folder) => `${folder}/${program}`).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Whether a test has to be skipped because a program is missing, which is said.
 *
 * @param packages - the Debian package of each program
 * @throws Error if nothing may be skipped
 */
export function lacks(packages: Readonly<Record<string, string>>): boolean {
  const missing = Object.keys(packages).filter((program) => pathOf(program) === undefined);
  if (missing.length === 0) return false;
  const install = missing.map((program) => packages[program]).join(" ");
  const text = `for want of ${missing.join(", ")} (Debian: apt-get install ${install})`;
  if (process.env.SKIP_NOTHING) throw new Error(`tests would be skipped ${text}`);
  console.warn(`SKIPPED: tests with real programs, ${text}`);
  return true;
}

/** A TCP port that no one listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** A program that runs until `stop`. */
export interface Running {
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** Starts a server, and waits until it listens on a port. */
export async function start(
  program: string,
  args: readonly string[],
  port: number,
  options: SpawnOptions = {},
): Promise<Running> {
  const child = spawn(pathOf(program)!, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let output = "";
  child.stdout?.on("data", (text) => (output += text));
  child.stderr?.on("data", (text) => (output += text));
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    await once(child, "exit");
    clearTimeout(timer);
  };
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) break;
    if (await listens(port)) return { process: child, stop };
    await sleep(50);
  }
  await stop();
  throw new Error(`${program} ${args.join(" ")} does not listen on ${port}: ${output}`);
}

async function listens(port: number): Promise<boolean> {
  const socket = connect({ host: "127.0.0.1", port });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Runs a program to its end and returns what it printed. */
export async function run(
  program: string,
  args: readonly string[],
  { input = "", ...options }: SpawnOptions & { readonly input?: string | Buffer } = {},
): Promise<Buffer> {
  const child = spawn(pathOf(program)!, args, options);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout?.on("data", (bytes) => out.push(bytes));
  child.stderr?.on("data", (bytes) => err.push(bytes));
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  const [code] = await once(child, "close");
  if (code !== 0) {
    throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${Buffer.concat(err)}`);
  }
  return Buffer.concat(out);
}

/** The user that a program may run as, if this process is root and the program must not be. */
export function asUser(name: string): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number =>
    Number(spawnSync("id", [flag, name], { encoding: "utf8" }).stdout);
  return { uid: id("-u"), gid: id("-g") };
}
