// Runs on machines with nats-server (Debian: apt-get install nats-server): a scene with a cluster of three
// comets. First one comet is killed, then NATS.
//
//   npm run build && node examples/_run.mjs examples/goim/cluster/demo.ts
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { decodeUtf8 } from "framewright";
import { operations } from "framewright/goim";
import { join } from "./_client.ts";

const program = fileURLToPath(new URL(`comet${extname(import.meta.url)}`, import.meta.url));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Waits until a condition is true. */
async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    if (tries > 1500) throw new Error("that took too long");
    await sleep(20);
  }
}

const natsPort = await new Promise<number>((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as { port: number };
    server.close(() => resolve(port));
  });
});
async function startNats() {
  const process = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(natsPort)]);
  let log = "";
  process.stderr.on("data", (data) => (log += data));
  await until(() => log.includes("Server is ready"));
  return process;
}

const gaps: string[] = [];
async function startComet() {
  const child = spawn(process.execPath, [program, `nats://127.0.0.1:${natsPort}`]);
  child.stderr.pipe(process.stderr);
  const lines = createInterface({ input: child.stdout });
  const [, tcp = "", webSocket = ""] = await new Promise<string[]>((resolve) => {
    lines.on("line", (line) => {
      const started = /^comet \w+ on (\S+) and (\S+)$/.exec(line);
      if (started !== null) resolve(started);
      else if (line.startsWith("missed")) gaps.push(line);
    });
  });
  return { child, tcp, webSocket };
}

let nats = await startNats();
const comets = await Promise.all([startComet(), startComet(), startComet()]);
const addresses = comets.flatMap(({ tcp, webSocket }) => [tcp, webSocket]);

// Each comet has a client on TCP and one on WebSocket, all in one room.
const read = new Map<number, string[]>();
const places = new Map<number, number>();
const clients = addresses.map((_, mid) =>
  join({
    ...{ comets: addresses, first: mid, mid, room: "live://1" },
    open: (place) => void places.set(mid, place),
    push: ({ body }) => void read.set(mid, [...(read.get(mid) ?? []), decodeUtf8(body)]),
  }),
);
await until(() => places.size === 6);

const say = async (mid: number, words: string, count = 6): Promise<void> => {
  read.clear();
  await clients[mid]!.request(operations.v2.send, text(words));
  await until(() => read.size === count);
  // Time for pushes that should not arrive.
  await sleep(100);
  console.log(
    `${words}: read by ${read.size}, each`,
    Math.max(...[...read.values()].map((all) => all.length)),
  );
};
await say(0, "hello");
//=> hello: read by 6, each 1

places.clear();
comets[1]!.child.kill("SIGKILL");
// Its two clients find another comet; the others are not affected.
await until(() => places.size === 2);
const movedTo = [...places.values()].map((place) => Math.floor(place / 2));
console.log("reconnected:", [...places.keys()].sort(), "to the dead comet:", movedTo.includes(1));
//=> reconnected: [ 2, 3 ] to the dead comet: false
await say(2, "still here");
//=> still here: read by 6, each 1

nats.kill("SIGKILL");
await sleep(100);
const half = clients.filter((_, mid) => Math.floor((places.get(mid) ?? mid) / 2) === 0).length;
await say(0, "is anybody there?", half);
//=> is anybody there?: read by 2, each 1
nats = await startNats();
await until(() => gaps.length > 0);
console.log(gaps.map((line) => line.replace(/\w{16}/, "another comet")).join());
//=> missed 1 pushes of another comet
await say(0, "back again");
//=> back again: read by 6, each 1

for (const client of clients) client.close();
for (const { child } of comets) child.kill();
nats.kill();
