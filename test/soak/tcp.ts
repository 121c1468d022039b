// A server and thousands of TCP peers on loopback, in a process of their own: good, slow, cut-off and hostile ones.
// Nothing may be lost, repeated or out of order for those that behave; memory is what the limits allow, meanwhile, and
// comes back; no descriptor, timer or socket is left; both processes end by themselves. What is done follows from the
// seed, and no claim depends on how fast it is done. Prints its figures; ends with 1 if anything is wrong.
//
//   npm run soak -- tcp [--seconds 120 | --lives 2] [--connections 2000] [--seed 1]
import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ledgerOf, type Verdict } from "./support/ledger.ts";
import { planOf } from "./support/plan.ts";
import { type Holdings, heldBytes, holdingsAtRest, isSame, lateness } from "./support/process.ts";
import { type Limits, serve } from "./support/server.ts";
import type { FromPeers, ToPeers } from "./support/wire.ts";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "120" },
    lives: { type: "string", default: "Infinity" },
    connections: { type: "string", default: "2000" },
    seed: { type: "string", default: String(Date.now() % 1e6) },
  },
});
const [SECONDS, LIVES, CONNECTIONS, SEED] = [
  options.seconds,
  options.lives,
  options.connections,
  options.seed,
].map(Number) as [number, number, number, number];
/** A number of lives is soon over: nobody rests for long, and there are fewer bursts. */
const isBrief = Number.isFinite(LIVES);
const PACE = isBrief ? 0.05 : 1;
const plan = planOf(SEED, isBrief);

const limits: Limits = {
  highWater: 65_536,
  maxQueued: 512 * 1024,
  firstMessageTimeout: isBrief ? 1500 : 15_000,
  // Whoever reads slowly has nothing to say meanwhile.
  idleTimeout: 60_000,
  closeTimeout: 10_000,
};

const late = lateness();
let peers: ChildProcess | undefined;

function fail(why: string): never {
  console.error(`FAILED (seed ${SEED}, at most ${late()} ms late): ${why}`);
  peers?.kill();
  process.exit(1);
}
function check(condition: boolean, why: string): asserts condition {
  if (!condition) fail(why);
}

// ---- memory

/*
 * What the server may hold, beside what it held at the start:
 *
 *   each connection   its socket, its state and its notes: 12 KiB were measured
 *   unread bytes      of frames that are not whole yet, or that wait behind a pause
 *   unsent bytes      in batches, whose memory may be twice as long
 *
 * Of the last two no connection has more than its limits allow; that is looked at, too.
 */
const EACH = 16 * 1024;
const SLACK = 2 * 2 ** 20;
/** What may be left when all is over: code that was compiled late. */
const LEFT = 2 ** 20;

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

// ---- one round

interface Round {
  readonly tally: Awaited<ReturnType<typeof serve>>["tally"];
  readonly ledger: ReturnType<typeof ledgerOf>;
  readonly theirs: Extract<FromPeers, { before: unknown }>;
  /** Memory held at each checkpoint. */
  readonly held: readonly number[];
  /** How much of what was allowed that was, at most. */
  readonly share: number;
  readonly highest: number;
  /** Connections that were open when the server closed. */
  readonly open: number;
}

/** Minutes of nothing at all: whatever is waited for does not come. A process that gets no time does not count. */
const PATIENCE_TICKS = 180;

/** A server and its peers, from the first connection to the last descriptor. */
async function round(seconds: number, lives: number, connections: number, base: number) {
  const ledger = ledgerOf(plan);
  const settle = (verdict: Verdict | undefined): void => {
    check(verdict?.is !== "wrong", `${verdict?.kind}: ${verdict?.why}`);
  };
  let verdicts = 0;
  const send = (message: ToPeers): void => void child.send(message);
  const soak = await serve(plan, limits, {
    account: (account) => settle(ledger.server(account)),
    felt: (felt) => send({ felt }),
    fail,
  });
  const { server, tally } = soak;

  const file = fileURLToPath(new URL("tcp-peers.mjs", import.meta.url));
  const child = fork(file, [server.port!, connections, SEED, lives, PACE].map(String));
  peers = child;
  let isReady = false;
  let made: number | undefined;
  let theirs: Round["theirs"] | undefined;
  child.on("message", (message: FromPeers) => {
    if ("failure" in message) fail(message.failure);
    else if ("accounts" in message) {
      for (const account of message.accounts) settle(ledger.peer(account));
      verdicts += message.accounts.length;
    } else if ("isReady" in message) isReady = true;
    else if ("connections" in message) made = message.connections;
    else theirs = message;
  });
  const exited = new Promise<void>((resolve) => {
    child.once("exit", (code) => {
      check(code === 0 && theirs !== undefined, `the peers' process ended with ${code}`);
      resolve();
    });
  });
  let last = -1;
  let ticks = 0;
  const patience = setInterval(() => {
    const done = tally.accepted + tally.ended + tally.served + verdicts;
    ticks = done === last ? ticks + 1 : 0;
    last = done;
    if (ticks === PATIENCE_TICKS) {
      fail(`nothing has happened for long; ${made} connections made, ${JSON.stringify(tally)}`);
    }
  }, 1000);

  let told = 0;
  const telling = setInterval(() => {
    if (tally.accepted !== told) send({ taken: tally.accepted });
    told = tally.accepted;
  }, 20);

  const held: number[] = [];
  let share = 0;
  let highest = 0;
  /** Twice and more if need be: what was let go a moment ago may not be gone. */
  async function checkpoint(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const found = heldBytes();
      const { unread, unsent } = soak.waiting();
      const allowed = SLACK + server.connections.size * EACH + unread + 2 * unsent;
      const over = found - base - allowed;
      if (over > 0 && tries < 20) {
        await sleep(50);
        continue;
      }
      check(
        over <= 0,
        `${mib(found - base)} held for ${server.connections.size} connections with ${mib(unread)} unread and ${mib(unsent)} unsent; ${mib(allowed)} allowed`,
      );
      held.push(found);
      share = Math.max(share, (found - base) / allowed);
      highest = Math.max(highest, server.connections.size);
      return;
    }
  }
  const until = performance.now() + seconds * 1000;
  while (!isReady && performance.now() < until) {
    await sleep(isBrief ? 100 : 2000);
    await checkpoint();
  }

  clearInterval(telling);
  send("stop");
  // What the system has connected is taken by the server, sooner or later.
  while (made === undefined || tally.accepted < made) await sleep(20);
  check(tally.accepted === made, `${made} connections were made, ${tally.accepted} taken`);
  const open = server.connections.size;
  await soak.close();
  check(server.connections.size === 0, "the server is closed and has connections");
  check(tally.ended === made, `${made} connections were made, ${tally.ended} ended`);
  await exited;
  clearInterval(patience);
  peers = undefined;
  const unmatched = ledger.unmatched();
  check(unmatched.length === 0, `of ${unmatched.length} connections: ${unmatched[0]}`);
  return { tally, ledger, theirs: theirs!, held, share, highest, open } satisfies Round;
}

// ---- twice: what is compiled and cached once is no leak

await round(
  isBrief ? Number.POSITIVE_INFINITY : 6,
  isBrief ? 1 : LIVES,
  Math.ceil(CONNECTIONS / 4),
  heldBytes(),
);
const before = await holdingsAtRest();
const base = heldBytes();
const { tally, ledger, theirs, held, share, highest, open } = await round(
  isBrief ? Number.POSITIVE_INFINITY : SECONDS,
  LIVES,
  CONNECTIONS,
  base,
);
const after = await holdingsAtRest(before);
let left = heldBytes() - base;
for (let tries = 0; tries < 100 && left > LEFT; tries++) {
  await sleep(20);
  left = heldBytes() - base;
}

const list = (counts: ReadonlyMap<string, number>): string =>
  Array.from(counts, ([key, count]) => `${key} ${count}`)
    .sort()
    .join(", ") || "none";
const told = ({ descriptors, resources }: Holdings): string =>
  `${descriptors ?? "uncounted"} (${resources})`;
const quarters = [0, 1, 2, 3].map((i) => {
  const [from, to] = [i, i + 1].map((n) => Math.ceil((n * held.length) / 4));
  return mib(Math.max(...held.slice(from, to), 0));
});
const span = isBrief ? `${LIVES} lives each` : `${SECONDS} s`;
console.log(`${CONNECTIONS} peers, ${span}, seed ${SEED}, Node ${process.version}`);
console.log(`connections: ${tally.accepted} in all, at most ${highest} at once`);
console.log(`whole: ${list(ledger.counts.whole)}`);
console.log(`excused: ${list(ledger.counts.excused)}`);
console.log(`requests served: ${tally.served}; reading paused ${tally.pauses} times`);
console.log(`errors: ${list(tally.errors)}`);
console.log(`late for their own timers: server ${late()} ms at most, peers ${theirs.late} ms`);
console.log(`longest queue of one connection: ${tally.longestQueue} bytes`);
console.log(
  `memory held: ${mib(base)} before, ${mib(Math.max(...held))} at most, ${mib(base + left)} after`,
);
console.log(`  at most in each quarter: ${quarters.join(", ")}`);
console.log(`  at most ${Math.round(100 * share)} % of what the connections may hold`);
console.log(`descriptors of the server: ${told(before)} before, ${told(after)} after`);
console.log(`descriptors of the peers: ${told(theirs.before)} before, ${told(theirs.after)} after`);
console.log(`shutdown: ${open} connections were open, none is left`);
if (theirs.refused > 0) console.log(`attempts without a port: ${theirs.refused}`);

const kinds = ["good", "uploader", "slowReader", "slowWriter", "cutOff", "glutton", "never"];
const excused = (kind: string): boolean =>
  Array.from(ledger.counts.excused.keys()).some((key) => key.startsWith(kind));
// A minute is needed for all of them; and on a slow machine all of a kind may have been too slow.
const missing = kinds.filter((kind) => !ledger.counts.whole.has(kind) && !excused(kind));
const failures = [
  [!ledger.counts.whole.has("good"), "nobody was good"],
  [(isBrief || SECONDS >= 60) && missing.length > 0, `nobody was ${missing.join(", nobody was ")}`],
  [!isSame(before, after), "the server's process holds more than before"],
  [!isSame(theirs.before, theirs.after), "the peers' process holds more than before"],
  [left > LEFT, `memory did not come back: ${mib(left)} more than before`],
] as const;
const why = failures.flatMap(([hasFailed, text]) => (hasFailed ? [text] : []));
check(why.length === 0, why.join("; "));
console.log("ok");
