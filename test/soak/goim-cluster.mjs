// A cluster of goim comets behind a real nats-server, each a process of its own. Clients in one room send numbered messages to
// everybody; each comet in turn is killed and started again meanwhile. Connections that live must receive every message of every
// living connection once, in order. Prints figures, and ends by itself.
//
//   node test/soak/goim-cluster.mjs [--messages 100000] [--clients 30] [--senders 30] [--comets 3] [--kills 3] [--pace 0]
//
// The figures of docs/goim.md: --clients 3000 --senders 30 --messages 600 --kills 0, and the same with --comets 1; at a pace with
// --messages 100 --pace 5.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { encodeFrame } from "framewright";
import { authToken, GoimClient, operations } from "framewright/goim";
import { connect } from "framewright/node";

const text = { type: "string" };
const { values } = parseArgs({
  options: { messages: text, clients: text, senders: text, comets: text, kills: text, pace: text },
});
const MESSAGES = Number(values.messages ?? 100_000);
const CLIENTS = Number(values.clients ?? 30);
const SENDERS = Math.min(Number(values.senders ?? 30), CLIENTS);
const COMETS = Number(values.comets ?? 3);
const KILLS = Number(values.kills ?? 3);
/** Messages a second; 0: as fast as replies come. */
const PACE = Number(values.pace ?? 0);

const host = "127.0.0.1";
const root = fileURLToPath(new URL("../..", import.meta.url));

// Node 20 runs no TypeScript. Inside the package, so that it finds it by its name.
mkdirSync(`${root}reports`, { recursive: true });
const folder = mkdtempSync(`${root}reports/goim-cluster-`);
const program = `${folder}/comet.mjs`;
process.once("exit", () => rmSync(folder, { recursive: true }));
await build({
  entryPoints: [`${root}examples/goim/cluster/comet.ts`],
  ...{ outfile: program, bundle: true, packages: "external", platform: "node", format: "esm" },
  // Else paths of the configuration lead to the source.
  ...{ target: "node20", logLevel: "warning", tsconfigRaw: {} },
});

function check(condition, what) {
  if (condition) return;
  console.error(`FAILED: ${what}`);
  stopAll();
  process.exit(1);
}

async function until(isSo, what) {
  for (const end = performance.now() + 60_000; !isSo(); await sleep(10)) {
    check(performance.now() < end, `${what} within a minute`);
  }
}

// ---- processes

const children = new Set();
function stopAll() {
  for (const child of children) child.kill("SIGKILL");
}
process.once("exit", stopAll);

function run(program, args) {
  const child = spawn(program, args, { cwd: root });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

async function startNats() {
  check(spawnSync("nats-server", ["--version"]).status === 0, "nats-server is installed");
  const port = await new Promise((resolve) => {
    const server = createServer().listen(0, host, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
  const child = run("nats-server", ["-a", host, "-p", String(port)]);
  let log = "";
  child.stderr.on("data", (data) => (log += data));
  await until(() => log.includes("Server is ready"), "nats-server listens");
  return { child, url: `nats://${host}:${port}` };
}

const reports = [];
async function startComet(nats, port = "0") {
  const child = run(process.execPath, [program, nats, port]);
  child.stderr.on("data", (data) => reports.push(String(data)));
  let tcp;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const started = /^comet \w+ on tcp:\/\/\S+:(\d+) /.exec(line);
    if (started !== null) tcp = started[1];
    else reports.push(line);
  });
  await until(() => tcp !== undefined, "a comet listens");
  return { child, port: tcp };
}

/** CPU seconds and resident MiB of a process. */
function usage(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, mib: Number(kib) / 1024 };
}

// ---- clients

const ports = [];
/** By sender and number: the life of the sender in which the reply came; -1: none came. */
const answered = Array.from({ length: SENDERS }, () => [0]);
/** By sender: lives that a kill has ended. */
const killed = Array.from({ length: CLIENTS }, () => new Set());
const jumps = [];
let received = 0;
let sent = 0;
let rejected = 0;

function startClient(index) {
  let next = index;
  const state = { life: -1, last: new Int32Array(SENDERS), isOpen: false, client: undefined };
  state.client = new GoimClient({
    connect: (protocol, handlers) =>
      connect(protocol, { host, port: Number(ports[next++ % COMETS]), ...handlers }),
    token: encodeFrame(authToken, { mid: index, room_id: "live://1" }),
    ...{ inFlight: 7, timeout: 120_000, connectTimeout: 60_000, authTimeout: 60_000 },
    reconnect: { minDelay: 50, maxDelay: 500 },
    open() {
      state.life++;
      state.isOpen = true;
    },
    retry() {
      if (state.isOpen) killed[index].add(state.life);
      state.isOpen = false;
      state.last.fill(0);
    },
    push(_, { body }) {
      received++;
      const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
      const [sender, number] = [view.getInt32(0), view.getInt32(4)];
      const before = state.last[sender];
      check(number > before, `${number} of ${sender} after ${before}, at ${index}`);
      if (before > 0 && number !== before + 1) jumps.push([index, sender, before, number]);
      state.last[sender] = number;
    },
  });
  return state;
}

function message(sender, number) {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, sender);
  view.setInt32(4, number);
  return bytes;
}

async function send(states, sender) {
  const number = answered[sender].push(-1) - 1;
  sent++;
  try {
    await states[sender].client.request(operations.v2.send, message(sender, number));
    answered[sender][number] = states[sender].life;
  } catch (error) {
    // It was sent, and its comet died.
    check(error.code === "closed", `a request failed: ${error.message}`);
    rejected++;
  }
}

/** A sender keeps as many requests in flight as the server takes. */
async function keepSending(states, sender) {
  const one = async () => {
    while (sent < MESSAGES) await send(states, sender);
  };
  await Promise.all(Array.from({ length: 7 }, one));
}

async function sendAtPace(states) {
  const start = performance.now();
  for (let n = 0; n < MESSAGES; n++) {
    await sleep(Math.max(0, start + (n * 1000) / PACE - performance.now()));
    void send(states, n % SENDERS);
  }
}

// ---- the run

const nats = COMETS > 1 ? await startNats() : undefined;
const comets = await Promise.all(Array.from({ length: COMETS }, () => startComet(nats?.url ?? "")));
ports.push(...comets.map(({ port }) => port));
const states = Array.from({ length: CLIENTS }, (_, index) => startClient(index));
await until(() => states.every(({ isOpen }) => isOpen), "clients are let in");

const processes = () => [...comets.map(({ child }) => child), nats?.child].filter(Boolean);
const cpuOf = () => processes().map(({ pid }) => usage(pid));
const before = { at: performance.now(), used: cpuOf(), own: process.cpuUsage() };

const sending =
  PACE > 0
    ? sendAtPace(states)
    : Promise.all(Array.from({ length: SENDERS }, (_, sender) => keepSending(states, sender)));
let kills = 0;
for (; kills < KILLS; kills++) {
  await until(() => sent >= (MESSAGES * (kills + 0.5)) / KILLS, "messages are sent");
  const index = kills % COMETS;
  const { child, port } = comets[index];
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  comets[index] = await startComet(nats?.url ?? "", port);
}
await sending;

// One more of each sender, when no one dies any more: what came before it has arrived, too.
await until(() => states.every(({ isOpen }) => isOpen), "clients are let in again");
await Promise.all(answered.map((_, sender) => send(states, sender)));
const isWhole = ({ last }) => answered.every((numbers, s) => last[s] === numbers.length - 1);
await until(() => states.every(isWhole), "every connection has the last messages");
const seconds = (performance.now() - before.at) / 1000;

let lost = 0;
for (const [index, sender, from, to] of jumps) {
  for (let number = from + 1; number < to; number++) {
    const life = answered[sender][number];
    // Sent to a comet that was killed: its own loss.
    if (life === -1 || killed[sender].has(life)) continue;
    lost++;
    console.error(`${number} of ${sender} did not reach ${index}`);
  }
}
const after = cpuOf();
const own = process.cpuUsage(before.own);

for (const { client } of states) client.close();
for (const { child } of comets) child.kill("SIGTERM");
await until(() => comets.every(({ child }) => child.exitCode !== null), "comets end");
nats?.child.kill();

const dropped = reports.filter((line) => line.startsWith("dropped 0 ")).length === COMETS ? 0 : "?";
const strange = reports.filter((line) => !line.startsWith("dropped 0 "));
const round = (value, digits = 1) => Number(value.toFixed(digits));
const figures = {
  ...{ comets: COMETS, clients: CLIENTS, messages: sent, received, kills },
  ...{ lost, rejectedByKills: rejected, dropped },
  seconds: round(seconds),
  receivedPerSecond: Math.round(received / seconds),
  ...(kills === 0 && {
    cpuSeconds: after.map(({ cpu }, i) => round(cpu - before.used[i].cpu, 2)),
    mebibytes: after.map(({ mib }) => Math.round(mib)),
    clientCpuSeconds: round((own.user + own.system) / 1e6),
  }),
};
console.log(JSON.stringify(figures));
check(strange.length === 0, `comets report: ${strange.join("; ")}`);
check(lost === 0, `${lost} messages are lost`);
console.log("ok");
process.exit();
