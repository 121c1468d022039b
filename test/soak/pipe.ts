// Two ends that send to each other through `pipe`, as much each way as is said, with a tap that fails and one end that
// reads slowly: every byte is compared at its place, and what the process holds is looked at after garbage collection.
// No claim depends on how fast it is done. Prints its figures; ends with 1 if anything is wrong.
//
//   npm run soak -- pipe [--mebibytes 1024] [--seed 1]
import { once } from "node:events";
import { createServer, connect as dial, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Connection, lines, raw } from "framewright";
import { pieces } from "framewright/framing";
import { connect, listen, pipe } from "framewright/node";
import { heldBytes, holdingsAtRest, isSame, lateness } from "./support/process.ts";

const { values } = parseArgs({
  options: {
    mebibytes: { type: "string", default: "1024" },
    seed: { type: "string", default: "1" },
  },
});
const MEBIBYTE = 1024 * 1024;
const TOTAL = Number(values.mebibytes) * MEBIBYTE;
const SEED = Number(values.seed);
/** What may be held beside what was held at the start: queues of both connections, sockets of four ends, one piece each. */
const MOST = 12 * MEBIBYTE;
/** The slow end rests after so many bytes. */
const REST_EVERY = 2 * MEBIBYTE;

function fail(why: string): never {
  console.error(`FAILED (seed ${SEED}): ${why}`);
  process.exit(1);
}

/** Bytes that repeat after a number that no chunk size divides. */
const PERIOD = 1_048_573;
function patternOf(seed: number): Buffer {
  const pattern = Buffer.alloc(2 * PERIOD);
  let state = seed * 2_654_435_761 + 1;
  for (let at = 0; at < PERIOD; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    pattern[at] = state >>> 24;
  }
  pattern.copy(pattern, PERIOD, 0, PERIOD);
  return pattern;
}

async function send(socket: Socket, pattern: Buffer): Promise<void> {
  for (let at = 0; at < TOTAL; ) {
    const from = at % PERIOD;
    const part = pattern.subarray(from, from + Math.min(300_007, TOTAL - at));
    at += part.length;
    if (!socket.write(part)) await once(socket, "drain");
  }
  socket.end();
}

/** Compares every byte at its place. Returns how often the end rested. */
function receive(socket: Socket, pattern: Buffer, isSlow: boolean): Promise<number> {
  return new Promise((resolve) => {
    let at = 0;
    let rests = 0;
    socket.on("data", (chunk: Buffer) => {
      for (let done = 0; done < chunk.length; ) {
        const from = (at + done) % PERIOD;
        const count = Math.min(chunk.length - done, PERIOD);
        if (pattern.compare(chunk, done, done + count, from, from + count) !== 0) {
          fail(`other bytes than were sent, within ${count} bytes of ${at + done}`);
        }
        done += count;
      }
      const before = at;
      at += chunk.length;
      if (!isSlow || Math.floor(before / REST_EVERY) === Math.floor(at / REST_EVERY)) return;
      rests++;
      socket.pause();
      setTimeout(() => socket.resume(), 25);
    });
    socket.on("end", () => {
      if (at !== TOTAL) fail(`${at} bytes of ${TOTAL} came`);
      resolve(rests);
    });
    socket.on("error", (error) => fail(`a socket failed: ${error}`));
  });
}

const late = lateness();
const [up, down] = [patternOf(SEED), patternOf(SEED + 1)];
const bytes = pieces().wrap(raw());
// What a process opens with its first connection stays open.
const first = await listen(bytes, { host: "127.0.0.1", port: 0 });
const warmUp = await connect(bytes, { host: "127.0.0.1", port: first.port });
warmUp.abort();
await first.close();
const atRest = await holdingsAtRest();

const target = createServer({ allowHalfOpen: true });
target.listen(0, "127.0.0.1");
await once(target, "listening");
const { port } = target.address() as { port: number };
const connections: Connection<Uint8Array>[] = [];
let tapErrors = 0;
let tapped = 0;
const proxy = await listen(bytes, {
  host: "127.0.0.1",
  port: 0,
  async open(client) {
    const upstream = await connect(bytes, { host: "127.0.0.1", port });
    connections.push(client, upstream);
    const never = { protocol: lines({ maxFrame: 16 }).wrap(raw()), message() {} };
    const { length } = await pipe(client, upstream, {
      tap: {
        a: { ...never, error: () => void tapErrors++ },
        b: (part) => {
          tapped += part.length;
        },
      },
    });
    if (length !== 2) fail("pipe resolves with how both sides ended");
  },
});
const accepted = once(target, "connection") as Promise<[Socket]>;
const client = dial({ host: "127.0.0.1", port: proxy.port, allowHalfOpen: true });
const [server] = await accepted;

const before = heldBytes();
let most = 0;
let longest = 0;
let looks = 0;
let isDone = false;
const look = (): void => {
  looks++;
  most = Math.max(most, heldBytes() - before);
  for (const { queued } of connections) longest = Math.max(longest, queued);
  if (most > MOST) fail(`${Math.round(most / 1024)} KiB are held, more than ${MOST / 1024}`);
};
const looking = (async () => {
  while (!isDone) {
    look();
    await sleep(50);
  }
})();

const began = process.hrtime.bigint();
const [, , rests] = await Promise.all([
  send(client, up),
  send(server, down),
  receive(server, up, true),
  receive(client, down, false),
]);
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
isDone = true;
await looking;
await Promise.all(connections.map(({ closed }) => closed));
for (const connection of connections) {
  const { error } = await connection.closed;
  if (error !== undefined) fail(`a connection ended with ${error}`);
}
await proxy.close();
target.close();
const after = heldBytes() - before;
const left = await holdingsAtRest(atRest);

const kib = (count: number): string => `${Math.round(count / 1024)} KiB`;
console.log(`${TOTAL / MEBIBYTE} MiB each way, seed ${SEED}, Node ${process.version}`);
console.log(`${seconds.toFixed(1)} s; the slow end rested ${rests} times`);
console.log(`tap: failed ${tapErrors} times, ${tapped / MEBIBYTE} MiB looked at on the other side`);
console.log(`longest queue of one connection: ${kib(longest)}`);
console.log(`memory held: ${kib(most)} more at most in ${looks} looks, ${kib(after)} more after`);
console.log(`late for its own timers: ${late()} ms at most`);
if (tapErrors !== 1 || tapped !== TOTAL) fail("the tap saw something else");
if (longest > 8 * MEBIBYTE) fail("more was queued than maxQueued allows");
if (after > MEBIBYTE) fail("memory does not come back");
if (!isSame(left, atRest))
  fail(`left over: ${JSON.stringify(left)}, not ${JSON.stringify(atRest)}`);
console.log("ok");
