// The server of README.md, as it stands there, among thousands of hostile peers: they never read, drip, send garbage,
// frames that never end, and floods of tiny or empty ones, reset, and stay half open. Meanwhile a few clients ask and are
// all answered, the server's resident memory stays below its start, `maxMemory` and a fifth of that, and it ends by itself
// when it is told to close. No claim depends on how fast any of it is. Prints its figures; ends with 1 if anything is
// wrong.
//
//   npm run soak -- hostile [--seconds 60] [--peers 2000] [--clients 10] [--seed 1] [--plain]
//
// With --plain the server has the C library's own settings for memory, and how much that takes is shown but not judged.
import { fork } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    peers: { type: "string", default: "2000" },
    clients: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    plain: { type: "boolean", default: false },
  },
});
const [SECONDS, PEERS, CLIENTS, SEED] = [
  options.seconds,
  options.peers,
  options.clients,
  options.seed,
].map(Number);
/** The default of `listen`. */
const MAX_MEMORY = 256 * 2 ** 20;
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

// ---- the server

/** The lines of the first block of README.md, up to the end of the call of `listen`. */
function readmeServer() {
  const text = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const block = /```ts\n([\s\S]*?)```/.exec(text)[1];
  const end = block.indexOf("\n});\n", block.indexOf("await listen("));
  if (end < 0) throw new Error("README.md has no server");
  return block.slice(0, end + 5);
}

mkdirSync(new URL("../../reports", import.meta.url), { recursive: true });
const folder = mkdtempSync(fileURLToPath(new URL("../../reports/hostile-", import.meta.url)));
writeFileSync(
  `${folder}/server.mjs`,
  `${readmeServer()}
process.on("message", async (what) => {
  if (what === "close") {
    await server.close({ timeout: 5000 });
    process.send({ maxRss: process.resourceUsage().maxRSS * 1024 });
    process.disconnect();
  } else {
    process.send({ ...process.memoryUsage(), connections: server.connections.size });
  }
});
process.send({ port: server.port });
`,
);
// As docs/public-server.md says: else glibc keeps what was let go of in gaps that it does not use again.
const settings = options.plain ? {} : { MALLOC_ARENA_MAX: "2", MALLOC_MMAP_THRESHOLD_: "65536" };
const env = { ...process.env, ...settings };
const child = fork(`${folder}/server.mjs`, {
  env,
  stdio: ["ignore", "inherit", "pipe", "ipc"],
});
let printed = "";
child.stderr.setEncoding("utf8").on("data", (text) => {
  printed += text;
});
const exited = new Promise((resolve) => {
  child.once("exit", (code, signal) => resolve(code ?? signal));
});
let isClosing = false;
function fail(why) {
  console.error(`FAILED (seed ${SEED}): ${why}`);
  if (printed !== "") console.error(`the server printed:\n${printed.slice(-2000)}`);
  child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
  process.exit(1);
}
void exited.then((code) => {
  if (!isClosing) fail(`the server's process ended with ${code}`);
});
const answers = [];
child.on("message", (message) => answers.shift()?.(message));
const heard = () => new Promise((resolve) => void answers.push(resolve));
/** Asks the server's process, which may have much else to do. */
async function ask(what) {
  const answer = heard();
  child.send(what);
  return answer;
}
const { port } = await heard();

// ---- chance

let state = SEED >>> 0 || 1;
function random(below) {
  // xorshift32
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}
function garbage(length) {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = random(256);
  return bytes;
}

// ---- hostile peers: each kind gets a socket that is connected, and goes on until that is gone

/** Runs something now and then, as long as the socket is there. */
function each(socket, ms, run) {
  const timer = setInterval(run, ms);
  socket.once("close", () => clearInterval(timer));
}
/** A frame of README's protocol: an id, and a text after its length. */
function frame(id, text) {
  const bytes = Buffer.from(text);
  const header = Buffer.alloc(4);
  header.writeUInt16BE(id);
  header.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([header, bytes]);
}
/** Writes the same now and then, unless what was written before still waits. */
function flood(socket, ms, bytes) {
  const more = () => {
    if (socket.writable && socket.writableLength === 0) socket.write(bytes);
  };
  setTimeout(more, random(ms));
  each(socket, ms, more);
}
// All of them together are about as much as one core can do, and more than may be held.
const LARGE = frame(1, "x".repeat(8000));
const BURST = Buffer.concat(Array(8).fill(LARGE));
const LONG = frame(1, "é".repeat(30_000));
const MANY = Buffer.concat(Array(8).fill(LONG));
const TINY = Buffer.concat(Array(1024).fill(frame(1, "0")));
const EMPTY = Buffer.alloc(4096);
const kinds = {
  neverReads: (socket) => flood(socket.pause(), 250, BURST),
  neverReadsMany: (socket) => flood(socket.pause(), 15_000, MANY),
  floodsTiny: (socket) => flood(socket.pause(), 1000, TINY),
  floodsEmpty: (socket) => flood(socket, 100, EMPTY),
  drips: (socket) => each(socket, 200, () => socket.write("1")),
  garbage: (socket) => each(socket, 50, () => socket.write(garbage(1 + random(4000)))),
  long: (socket) => flood(socket, 200, LONG),
  halfFrame: (socket) => socket.write(LONG.subarray(0, 1 + random(LONG.length - 1))),
  resets(socket) {
    socket.write(LARGE.subarray(0, random(LARGE.length)));
    setTimeout(() => socket.resetAndDestroy(), random(2000));
  },
  halfOpen: (socket) => socket.pause().end(LARGE),
  silent() {},
  slowReader(socket) {
    socket.pause();
    each(socket, 500, () => socket.read(100));
    flood(socket, 250, BURST);
  },
};
const names = Object.keys(kinds);
const lives = Object.fromEntries(names.map((name) => [name, 0]));
const failures = {};
const sockets = new Set();
let isOver = false;

/** All are connected before the first one begins. */
let connected = 0;
let begin = () => {};
const begun = new Promise((resolve) => {
  begin = resolve;
});

async function live(name) {
  while (!isOver) {
    await new Promise((resolve) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: name === "halfOpen" });
      sockets.add(socket);
      socket.once("connect", () => {
        lives[name]++;
        if (++connected >= 0.99 * PEERS) begin();
        void begun.then(() => {
          if (!socket.destroyed) kinds[name](socket);
        });
      });
      socket.on("error", ({ code }) => {
        failures[code] = (failures[code] ?? 0) + 1;
      });
      socket.once("close", () => {
        sockets.delete(socket);
        resolve();
      });
    });
    await sleep(100 + random(900));
  }
}

// ---- clients

const latencies = [];
let asked = 0;
let answered = 0;

/** Asks again and again until all is over, and then ends: every question must have its answer. */
async function client(id) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let rest = Buffer.alloc(0);
  let hear = () => {};
  socket.on("data", (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt16BE(2)) {
      const end = 4 + rest.readUInt16BE(2);
      hear(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  });
  socket.on("error", (error) => fail(`client ${id}: ${error}`));
  socket.on("close", () => {
    if (!isOver) fail(`client ${id} was closed`);
  });
  for (let n = 0; !isOver; n++) {
    const question = `client ${id}, ${"é".repeat(random(50))}`;
    const since = performance.now();
    const answer = new Promise((resolve) => {
      hear = resolve;
    });
    asked++;
    socket.write(frame(n, question));
    const found = await answer;
    if (!frame(n, `${question} yourself`).equals(found)) fail(`client ${id} got ${found}`);
    answered++;
    latencies.push(performance.now() - since);
    await sleep(50);
  }
  socket.destroy();
}

// ---- all together

const clients = Array.from({ length: CLIENTS }, (_, id) => client(id));
await sleep(2000);
const calm = latencies.splice(0).sort((a, b) => a - b);
let atHighest = await ask("how");
const start = atHighest.rss;
let highest = start;
let most = 0;
const peers = [];
for (let i = 0; i < PEERS; i++) {
  peers.push(live(names[i % names.length]));
  if (i % 50 === 49) await sleep(5);
}
await begun;
const until = performance.now() + 1000 * SECONDS;
const inQuarters = [0, 0, 0, 0];
while (performance.now() < until) {
  await sleep(250);
  const quarter = Math.floor(4 - (4 * (until - performance.now())) / (1000 * SECONDS));
  const usage = await ask("how");
  const { rss, connections } = usage;
  if (rss > highest) atHighest = usage;
  inQuarters[Math.min(3, quarter)] = Math.max(inQuarters[Math.min(3, quarter)], rss);
  highest = Math.max(highest, rss);
  most = Math.max(most, connections);
}
// The last questions are answered while the peers are still there.
isOver = true;
await Promise.all(clients);
isClosing = true;
const { maxRss } = await ask("close");
for (const socket of sockets) socket.destroy();
await Promise.all(peers);
const code = await exited;
rmSync(folder, { recursive: true, force: true });

const peak = Math.max(highest, maxRss);
const sorted = latencies.sort((a, b) => a - b);
const at = (all, part) => `${(all[Math.floor(part * (all.length - 1))] ?? 0).toFixed(1)} ms`;
const list = (counts) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ") || "none";
console.log(`${PEERS} hostile peers, ${SECONDS} s, seed ${SEED}, Node ${process.version}`);
console.log(`lives: ${list(lives)}`);
console.log(`at most ${most} connections at once; errors the peers saw: ${list(failures)}`);
console.log(`clients: ${CLIENTS}, asked ${asked}, answered ${answered}`);
console.log(
  `  latency alone: median ${at(calm, 0.5)}, p99 ${at(calm, 0.99)}; among them: median ${at(sorted, 0.5)}, p99 ${at(sorted, 0.99)}, at most ${at(sorted, 1)}`,
);
console.log(
  `resident memory: ${mib(start)} at the start, ${mib(peak)} at most (${mib(peak - start)} more)`,
);
const { heapTotal, arrayBuffers } = atHighest;
console.log(
  `  when it was highest: ${mib(heapTotal)} of V8's heap, ${mib(arrayBuffers)} of arrays, ${mib(atHighest.rss - heapTotal - arrayBuffers)} else`,
);
console.log(`  at most in each quarter: ${inQuarters.map(mib).join(", ")}`);
console.log(
  `lines that the server printed: ${printed.split("\n").length - 1}; it ended with ${code}`,
);
const allowed = start + 1.2 * MAX_MEMORY;
if (code !== 0) fail(`the server's process ended with ${code}`);
if (asked !== answered) fail(`${asked - answered} questions were not answered`);
if (peak > allowed && !options.plain) fail(`${mib(peak)} resident, ${mib(allowed)} allowed`);
if (printed.includes("a handler failed")) fail("a handler failed");
const missing = names.filter((name) => lives[name] === 0);
if (PEERS >= names.length && missing.length > 0) fail(`no peer was ${missing.join(", ")}`);
console.log("ok");
