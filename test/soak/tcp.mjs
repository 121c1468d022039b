// A server and thousands of TCP peers on loopback, in a process of their own: good, slow, cut-off and hostile ones.
// Nothing may be lost, repeated or out of order for those that behave; memory is bounded meanwhile and comes back; no
// descriptor is left; both processes end by themselves. Prints its figures; ends with 1 if anything is wrong.
//
//   node --expose-gc test/soak/tcp.mjs [--seconds 120] [--connections 2000] [--seed 1]
import { fork } from "node:child_process";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ProtocolError } from "framewright";
import { listen } from "framewright/node";
import { descriptors, descriptorsAfter, host, padOf, protocol, sleep } from "./support/tcp.mjs";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "120" },
    connections: { type: "string", default: "2000" },
    seed: { type: "string", default: String(Date.now() % 1e6) },
  },
});
const [SECONDS, CONNECTIONS, SEED] = [options.seconds, options.connections, options.seed].map(
  Number,
);
const MAX_QUEUED = 512 * 1024;
/** What the server may hold for each connection, on average, beside what it held at the start. */
const HELD_EACH = 64 * 1024;

const delay = monitorEventLoopDelay({ resolution: 20 });
const late = () => Math.round(delay.max / 1e6);

let peers;
function check(condition, text) {
  if (condition) return;
  console.error(`FAILED (seed ${SEED}, at most ${late()} ms late): ${text}`);
  console.error(JSON.stringify({ total, errors }));
  peers?.kill();
  process.exit(1);
}

const received = {};
const errors = {};
const total = { connections: 0, highest: 0, pauses: 0, longestQueue: 0 };

const serve = () =>
  listen(protocol, {
    host,
    port: 0,
    maxQueued: MAX_QUEUED,
    highWater: 64 * 1024,
    // Long for a busy machine, but not longer than the soak.
    openTimeout: Math.min(15, 0.8 * SECONDS) * 1000,
    idleTimeout: 30_000,
    context: () => ({ next: 0 }),
    open: () => void total.connections++,
    message(connection, { kind, id, n, pad, want }) {
      check(n === connection.context.next++, `${kind} ${id}: ${n} is out of order`);
      check(pad === padOf(n, pad.length), `${kind} ${id}: another message's text`);
      received[kind] = (received[kind] ?? 0) + 1;
      const isRoomy = connection.send({ id, n, pad: padOf(n, want) });
      total.longestQueue = Math.max(total.longestQueue, connection.queued);
      // A glutton is served regardless: only the hard limit can stop it.
      if (isRoomy || kind === "glutton") return;
      total.pauses++;
      connection.pause();
    },
    drain: (connection) => connection.resume(),
    error(_, error) {
      const name = error instanceof ProtocolError ? error.code : (error.code ?? String(error));
      errors[name] = (errors[name] ?? 0) + 1;
    },
  });

/** Bytes held on behalf of JavaScript, and all memory of the process. */
function memory() {
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { held: heapUsed + external, rss };
}
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** A server and its peers for so many seconds: what the peers tell, and the memory meanwhile. */
async function round(seconds, connections) {
  for (const counts of [received, errors]) for (const key in counts) delete counts[key];
  const server = await serve();
  const file = fileURLToPath(new URL("support/tcp-peers.mjs", import.meta.url));
  const script = [server.port, connections, SEED].map(String);
  peers = fork(file, script);
  const exited = new Promise((resolve) => {
    peers.once("exit", (code) => {
      check(code === 0, `the peers' process ended with ${code}`);
      resolve();
    });
  });
  let report;
  const quiet = new Promise((resolve) => {
    peers.on("message", (message) => {
      if (message.quiet) resolve();
      else report = message;
    });
  });

  const samples = [];
  const until = performance.now() + seconds * 1000;
  const every = Math.max(250, seconds * 10);
  while (performance.now() < until) {
    await sleep(every);
    total.highest = Math.max(total.highest, server.connections.size);
    samples.push(memory());
  }
  peers.send("stop");
  await quiet;
  const open = server.connections.size;
  // Most are open and at rest; gluttons and the like still are at it, and are cut.
  await server.close({ timeout: 3000 });
  check(server.connections.size === 0, "the server is closed and has connections");
  await exited;
  check(report !== undefined, "the peers had nothing to report");
  peers = undefined;
  return { ...report, samples, open };
}

// Bounded: what does not end hangs.
const patience = (SECONDS + 120) * 1000;
setTimeout(() => check(false, "not done in time"), patience).unref();

// What is compiled and cached once is no leak: a first round makes it.
delay.enable();
await round(Math.min(6, SECONDS / 2), Math.ceil(CONNECTIONS / 4));
await sleep(100);
const before = memory();
const openBefore = descriptors();
for (const key in total) total[key] = 0;
delay.reset();
const {
  sent,
  lives,
  answers,
  samples,
  open,
  descriptors: theirs,
  late: theirLate,
} = await round(SECONDS, CONNECTIONS);
const openAfter = await descriptorsAfter(openBefore);
let after = memory();
const isBack = () => after.held - before.held < 4 * 2 ** 20;
for (let i = 0; i < 100 && !isBack(); i++) {
  await sleep(20);
  after = memory();
}

const peak = (key) => Math.max(...samples.map((sample) => sample[key]));
const quarters = [0, 1, 2, 3].map((i) => {
  const [from, to] = [i, i + 1].map((n) => Math.ceil((n * samples.length) / 4));
  return mib(Math.max(...samples.slice(from, to).map(({ held }) => held)));
});
const faithful = ["good", "slowReader", "slowWriter", "cutOff"];
const list = (counts) =>
  Object.keys(counts)
    .sort()
    .map((key) => `${key} ${counts[key]}`)
    .join(", ");
console.log(`${CONNECTIONS} peers for ${SECONDS} s, seed ${SEED}, Node ${process.version}`);
console.log(`connections: ${total.connections} in all, at most ${total.highest} at once`);
console.log(`lives: ${list(lives)}`);
console.log(`requests served: ${list(received)}`);
console.log(`answers checked: ${answers}; reading paused ${total.pauses} times`);
console.log(`late for their own timers: server ${late()} ms at most, peers ${theirLate} ms`);
console.log(`errors: ${list(errors)}`);
console.log(`longest queue of one connection: ${total.longestQueue} bytes`);
console.log(
  `memory held: ${mib(before.held)} before, ${mib(peak("held"))} at most, ${mib(after.held)} after`,
);
console.log(`  at most in each quarter: ${quarters.join(", ")}`);
console.log(
  `resident: ${mib(before.rss)} before, ${mib(peak("rss"))} at most, ${mib(after.rss)} after`,
);
if (openBefore !== undefined) {
  console.log(`descriptors of the server: ${openBefore} before, ${openAfter} after`);
  console.log(`descriptors of the peers: ${theirs[0]} before, ${theirs[1]} after`);
}
console.log(`shutdown: ${open} connections were open, none is left`);

for (const kind of faithful) {
  check(sent[kind] > 0, `nobody was ${kind}`);
  check(sent[kind] === received[kind], `${kind}: ${sent[kind]} sent, ${received[kind]} came`);
}
check(answers === sent.good + sent.slowReader + sent.slowWriter, "answers are missing");
check(errors.truncated === lives.cutOff, `${lives.cutOff} cut off, ${errors.truncated} noticed`);
check(errors["too-long"] === lives.garbage + lives.gigabyte, "a length passed");
check(errors.malformed === lives.notJson, "what is no JSON passed");
check(errors.overflow > 0, "no glutton was stopped");
check(total.pauses > 0, "no slow reader slowed the server down");
check(errors.timeout > 0, "nobody was too slow");
const usual = ["truncated", "too-long", "malformed", "overflow", "timeout", "ECONNRESET", "EPIPE"];
for (const name in errors) check(usual.includes(name), `unexpected: ${name}`);
// What comes in one chunk is answered before the rest is paused: at most one frame more than is allowed.
check(total.longestQueue <= MAX_QUEUED + 70_000, "a queue is longer than allowed");
check(peak("held") - before.held < 16 * 2 ** 20 + CONNECTIONS * HELD_EACH, "memory is not bounded");
check(isBack(), "memory did not come back");
check(openAfter === openBefore, "descriptors are left in the server's process");
check(theirs[0] === theirs[1], "descriptors are left in the peers' process");
console.log("ok");
