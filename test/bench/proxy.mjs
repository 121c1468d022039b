// `framewright proxy` beside our own `pipe`: CPU time of the process that forwards. 100,000 messages a round go between
// redis-cli and Redis, psql and PostgreSQL (programs that are not installed are left out), and a goim client and our comet;
// those that take little time several times over. Every round checks what comes out at the other end.
// `ONLY=redis npm run bench -- proxy` runs the loads with that word in their names.
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, chownSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { raw } from "framewright";
import { pieces } from "framewright/framing";
import { Comet, GoimClient } from "framewright/goim";
import { connect, listen, pipe } from "framewright/node";
import { median, table } from "./_measure.mjs";

const host = "127.0.0.1";
const self = fileURLToPath(import.meta.url);
const ROUNDS = 9;
const WARM_UP = 1;
const MESSAGES = 100_000;

// ---- what forwards, each in a process of its own

/** `pipe`, as in its documentation. */
async function forward(port) {
  const bytes = pieces().wrap(raw());
  const server = await listen(bytes, {
    ...{ port: 0, host },
    async open(client) {
      pipe(client, await connect(bytes, { port, host }));
    },
  });
  process.send(server.port);
}

const answerCpu = `process.on("message", () => process.send(process.cpuUsage()));`;

/** `framewright proxy`, as it is installed; a line of its own answers how much CPU time it took. */
async function proxy(port, options) {
  const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
  const listening = await freePort();
  const args = ["proxy", "--listen", `${listening}`, "--to", `${host}:${port}`, ...options];
  const child = started(
    fork(cli, args, {
      execArgv: ["--import", `data:text/javascript,${encodeURIComponent(answerCpu)}`],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    }),
  );
  await once(child.stderr, "data");
  return { child, port: listening };
}

async function startPipe(port) {
  const child = started(fork(self, ["pipe", `${port}`]));
  const [listening] = await once(child, "message");
  return { child, port: listening };
}

async function cpuMilliseconds(child) {
  child.send("cpu");
  const [{ user, system }] = await once(child, "message");
  return (user + system) / 1000;
}

/** Whatever goes wrong, nothing goes on running. */
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill();
});

function started(child) {
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill();
  if (child.connected) child.disconnect();
  await gone;
}

// ---- what speaks through it

function pathOf(program) {
  let folders = (process.env.PATH ?? "").split(":");
  try {
    const versions = readdirSync("/usr/lib/postgresql");
    folders = folders.concat(versions.map((version) => `/usr/lib/postgresql/${version}/bin`));
  } catch {}
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path);
        return true;
      } catch {
        return false;
      }
    });
}

async function freePort() {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function run(program, args, { input = "", ...options } = {}) {
  const child = spawn(pathOf(program), args, options);
  const [out, errors] = [[], []];
  child.stdout.on("data", (bytes) => out.push(bytes));
  child.stderr.on("data", (bytes) => errors.push(bytes));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${Buffer.concat(errors)}`);
  return Buffer.concat(out);
}

/** Starts a server, and waits until it takes connections. */
async function serve(program, args, port, options) {
  const child = started(spawn(pathOf(program), args, { stdio: "ignore", ...options }));
  for (let tries = 0; tries < 600 && child.exitCode === null; tries++) {
    const socket = dial({ host, port });
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return child;
    await sleep(50);
  }
  throw new Error(`${program} does not listen on ${port}`);
}

const loads = {
  async "redis-cli --pipe, 100,000 SET"(folder) {
    const port = await freePort();
    const place = ["--port", `${port}`, "--bind", host, "--dir", folder];
    const server = await serve(
      "redis-server",
      [...place, "--save", "", "--appendonly", "no"],
      port,
    );
    const text = Array.from({ length: MESSAGES }, (_, n) => {
      const [key, value] = [`key:${n}`, `value ${n}`];
      return `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`;
    });
    const input = text.join("");
    return {
      port,
      repeats: 5,
      async play(to) {
        const said = await run("redis-cli", ["-h", host, "-p", `${to}`, "--pipe"], { input });
        if (!`${said}`.includes(`errors: 0, replies: ${MESSAGES}`)) throw new Error(`${said}`);
      },
      stop: () => end(server),
    };
  },

  async "psql, one query of 100,000 rows"(folder) {
    const query = `select n, repeat('x', n % 10), null from generate_series(1, ${MESSAGES}) n;`;
    return { ...(await postgres(folder, query)), repeats: 5 };
  },

  async "psql, 20,000 queries, each answered by 4 messages"(folder) {
    const queries = Array.from({ length: MESSAGES / 5 }, (_, n) => `select ${n};\n`);
    return postgres(folder, queries.join(""));
  },

  async "goim, 100,000 pushes of our comet"() {
    const comet = new Comet({
      authenticate: () => ({ user: 1, key: "1" }),
      request: (_session, { body }) => body,
    });
    const server = await listen(comet.protocol, { host, port: 0, ...comet.handlers });
    const bodies = Array.from({ length: MESSAGES }, (_, n) => Buffer.from(`message ${n}`));
    return {
      port: server.port,
      repeats: 30,
      async play(to) {
        let received = 0;
        let finish;
        const all = new Promise((resolve, reject) => {
          finish = { resolve, reject };
        });
        let isOpen;
        const opened = new Promise((resolve) => (isOpen = resolve));
        const client = new GoimClient({
          connect: (protocol, handlers) => connect(protocol, { host, port: to, ...handlers }),
          token: Buffer.from("{}"),
          reconnect: false,
          open: () => isOpen(),
          push(_client, { body }) {
            if (!bodies[received].equals(body))
              finish.reject(new Error(`push ${received} differs`));
            if (++received === MESSAGES) finish.resolve();
          },
          close: (_client, error) => finish.reject(error ?? new Error("closed")),
        });
        await Promise.race([opened, all]);
        const [{ connection }] = comet.sessions;
        for (const body of bodies) {
          comet.push("1", { op: 1000, body });
          if (connection.queued > 100_000) await connection.flushed();
        }
        await all;
        client.close();
        await connection.closed;
      },
      stop: () => server.close(),
    };
  },

  async "goim, 20,000 requests to our comet, 4 under way"() {
    const comet = new Comet({
      authenticate: () => ({ user: 1, key: "1" }),
      request: (_session, { body }) => body,
    });
    const server = await listen(comet.protocol, { host, port: 0, ...comet.handlers });
    return {
      port: server.port,
      async play(to) {
        const client = new GoimClient({
          connect: (protocol, handlers) => connect(protocol, { host, port: to, ...handlers }),
          token: Buffer.from("{}"),
          reconnect: false,
        });
        let next = 0;
        const ask = async () => {
          while (next < MESSAGES / 5) {
            const body = Buffer.from(`request ${next++}`);
            const answer = await client.request(5000, body);
            if (!body.equals(answer.body)) throw new Error("an answer differs");
          }
        };
        await Promise.all([ask(), ask(), ask(), ask()]);
        client.close();
      },
      stop: () => server.close(),
    };
  },
};

/** A server of its own, and psql with a script. */
async function postgres(folder, script) {
  const port = await freePort();
  const data = mkdtempSync(join(folder, "postgres-"));
  const user = {};
  if (process.getuid?.() === 0) {
    // PostgreSQL refuses to run as root.
    const ids = ["-u", "-g"].map((flag) => run("id", [flag, "postgres"]));
    [user.uid, user.gid] = (await Promise.all(ids)).map(Number);
    for (const path of [folder, data]) chownSync(path, user.uid, user.gid);
  }
  const options = { ...user, cwd: data };
  await run("initdb", ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], options);
  const place = ["-D", data, "-p", `${port}`, "-h", host, "-k", data, "-F"];
  const server = await serve("postgres", place, port, options);
  const psql = (to) =>
    run("psql", ["-h", host, "-p", `${to}`, "-U", "postgres", "-At"], {
      input: script,
      env: { ...process.env, PGSSLMODE: "disable", PGGSSENCMODE: "disable" },
    });
  let direct;
  for (let tries = 0; direct === undefined; tries++) {
    // It may still be starting up.
    direct = await psql(port).catch((error) => {
      if (tries === 100) throw error;
    });
    if (direct === undefined) await sleep(100);
  }
  return {
    port,
    async play(to) {
      if (!direct.equals(await psql(to))) throw new Error("psql prints something else");
    },
    stop: () => end(server),
  };
}

// ---- the comparison

const NEEDS = { redis: ["redis-server", "redis-cli"], psql: ["postgres", "initdb", "psql"] };

async function compare() {
  const rows = [];
  const only = process.env.ONLY;
  for (const [name, begin] of Object.entries(loads)) {
    if (only !== undefined && !name.includes(only)) continue;
    const [, needed] = Object.entries(NEEDS).find(([word]) => name.startsWith(word)) ?? [];
    const missing = (needed ?? []).filter((program) => pathOf(program) === undefined);
    if (missing.length > 0) {
      console.log(`left out for want of ${missing.join(", ")}: ${name}\n`);
      continue;
    }
    const folder = mkdtempSync(join(tmpdir(), "framewright-bench-"));
    const { port, play, stop, repeats = 1 } = await begin(folder);
    const forwarders = [
      await startPipe(port),
      await proxy(port, ["--quiet"]),
      await proxy(port, ["--quiet", "--record", join(folder, "recorded.pcapng")]),
    ];
    const times = forwarders.map(() => []);
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      for (let turn = 0; turn < forwarders.length; turn++) {
        // Who follows whom changes from round to round.
        const i = (turn + round + WARM_UP) % forwarders.length;
        const { child, port: to } = forwarders[i];
        const before = await cpuMilliseconds(child);
        for (let n = 0; n < repeats; n++) await play(to);
        // What is flushed late counts as well.
        await sleep(600);
        const used = (await cpuMilliseconds(child)) - before;
        if (round >= 0) times[i].push(used / repeats);
      }
    }
    for (const { child } of forwarders) await end(child);
    await stop();
    rmSync(folder, { recursive: true, force: true });
    const [own, ...others] = times.map(median);
    const shown = (ms) => `${ms.toFixed(0)} ms (${(ms / own).toFixed(2)}x)`;
    rows.push([name, `${own.toFixed(0)} ms`, ...others.map(shown)]);
  }
  table(["load", "pipe", "proxy --quiet", "proxy --quiet --record"], rows);
}

if (process.argv[2] === "pipe") {
  process.on("message", () => process.send(process.cpuUsage()));
  await forward(Number(process.argv[3]));
} else {
  await compare();
}
