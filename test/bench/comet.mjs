// Pushes to many clients, beside the comet of goim itself if GOIM_COMET names its program: CPU time of the server for each
// message that a client receives. Servers run on the first core and take turns; the clients are on the other. Needs Linux.
//
// `$GOIM_COMET TCP_PORT WEBSOCKET_PORT CONTROL_PORT` must admit every client to room `live://1` with operation 1000, and push
// when a line `broadcast FIRST COUNT SIZE` or `room FIRST COUNT SIZE` arrives at the control port (see comet/pushes.mjs).
import { spawn, spawnSync } from "node:child_process";
import { connect } from "node:net";
import { platform } from "node:os";
import { fileURLToPath } from "node:url";
import { median, table } from "./_measure.mjs";
import { Load } from "./comet/load.mjs";

const rounds = Number(process.env.ROUNDS ?? 9);
const CLIENTS = 100;
const SIZE = 64;

const LOADS = [
  {
    name: "WebSocket, 100 pushes at once",
    isWebSocket: true,
    kind: "broadcast",
    count: 1000,
    atOnce: 100,
  },
  {
    name: "WebSocket, one push at a time",
    isWebSocket: true,
    kind: "broadcast",
    count: 300,
    atOnce: 1,
  },
  { name: "TCP, 100 pushes at once", kind: "broadcast", count: 1000, atOnce: 100 },
  { name: "TCP, one push at a time", kind: "broadcast", count: 300, atOnce: 1 },
  { name: "TCP, one push at a time to a room", kind: "room", count: 300, atOnce: 1 },
];

const go = process.env.GOIM_COMET;
const comets = [
  {
    name: "framewright",
    command: [process.execPath, fileURLToPath(new URL("comet/server.mjs", import.meta.url))],
  },
  ...(go ? [{ name: "goim", command: [go] }] : []),
];

const isPinned = spawnSync("which", ["taskset"]).status === 0;
const isOpen = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });

let port = 27_300;

/** Starts a comet on the first core, if the machine can, and waits until it listens. */
async function start({ name, command }) {
  const ports = { tcp: port++, webSocket: port++, control: port++ };
  const line = [
    ...(isPinned ? ["taskset", "-c", "0"] : []),
    ...command,
    ...Object.values(ports).map(String),
  ];
  const child = spawn(line[0], line.slice(1), { stdio: ["ignore", "ignore", "inherit"] });
  for (let attempt = 0; !(await isOpen(ports.control)); attempt++) {
    if (child.exitCode !== null || attempt === 200) throw new Error(`${name} does not listen`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { child, ports };
}

async function main() {
  if (platform() !== "linux") {
    console.log("skipped: CPU time of other processes is read from /proc\n");
    return;
  }
  if (!go) console.log("goim: left out, GOIM_COMET does not name its program\n");
  if (isPinned) spawnSync("taskset", ["-a", "-c", "-p", "1", String(process.pid)]);
  console.log(
    `Microseconds of the server's CPU time for each message of ${SIZE} B to ${CLIENTS} clients; medians of ${rounds} rounds\n`,
  );
  const rows = [];
  // Each transport has servers of its own, so broadcasts reach its clients only.
  for (const isWebSocket of [true, false]) {
    const running = [];
    try {
      for (const comet of comets) {
        const { child, ports } = await start(comet);
        const load = new Load(child.pid, isWebSocket);
        running.push({ child, load });
        await load.open(ports, CLIENTS);
      }
      for (const work of LOADS.filter((one) => (one.isWebSocket ?? false) === isWebSocket)) {
        const times = running.map(() => []);
        for (let round = -2; round < rounds; round++) {
          for (const [i, { load }] of running.entries()) {
            const time = await load.run({ ...work, size: SIZE });
            if (round >= 0) times[i].push(time / 1000);
          }
        }
        const [ours, ...theirs] = times.map(median);
        rows.push([
          work.name,
          ours.toFixed(2),
          ...theirs.flatMap((time) => [time.toFixed(2), (ours / time).toFixed(2)]),
        ]);
      }
    } finally {
      for (const { child, load } of running) {
        load.close();
        child.kill();
      }
    }
  }
  table(["work", ...comets.map(({ name }) => name), ...(go ? ["ratio"] : [])], rows);
}

await main();
process.exit();
