// Echo servers of other languages and packages beside ours: CPU time of the server for each message, and latencies. All
// servers run on the first core and take turns; the load comes from the other one. Needs Linux.
import { platform } from "node:os";
import { median, table } from "./_measure.mjs";
import { closedLoop, openLoop, ring } from "./peers/load.mjs";
import { peers, start } from "./peers/servers.mjs";

const rounds = Number(process.env.ROUNDS ?? 9);
const seconds = Number(process.env.SECONDS ?? 5);

const LOADS = [
  { kind: "lines", size: 64, connections: 50, depth: 100, count: 200_000 },
  { kind: "lines", size: 64, text: "chinese", connections: 50, depth: 100, count: 200_000 },
  { kind: "lines", size: 64, text: "mixed", connections: 50, depth: 100, count: 200_000 },
  { kind: "lines", size: 1024, connections: 50, depth: 100, count: 30_000 },
  { kind: "lines", size: 64, connections: 50, depth: 1, count: 40_000 },
  { kind: "frames", size: 64, connections: 50, depth: 100, count: 500_000 },
  { kind: "frames", size: 64, connections: 50, depth: 1, count: 40_000 },
];

/** Those that take ten times as long and more get fewer messages. */
const isSlow = ({ name }) => ["frame-stream", "it-length-prefixed", "split2"].includes(name);

const running = [];

async function main() {
  if (platform() !== "linux") {
    console.log("skipped: CPU time of other processes is read from /proc\n");
    return;
  }
  let port = 27_100;
  for (const peer of peers) {
    try {
      peer.build?.();
    } catch (error) {
      console.log(
        `${peer.name}: skipped, ${(error.stderr?.toString() || error.message).trim().split("\n")[0]}`,
      );
      continue;
    }
    for (const kind of Object.keys(peer.kinds)) {
      running.push({ peer, kind, port, child: await start(peer, kind, port) });
      port++;
    }
    if (peer.version) console.log(`${peer.name}: ${peer.version}`);
  }
  console.log(
    `\nMicroseconds of the server's CPU time for each message; medians of ${rounds} rounds\n`,
  );

  for (const kind of ["lines", "frames"]) {
    const servers = running.filter((server) => server.kind === kind);
    const rows = [];
    for (const load of LOADS.filter((one) => one.kind === kind)) {
      const messages = ring(kind, load.size, load.text);
      const times = servers.map(() => []);
      for (let round = -1; round < rounds; round++) {
        for (const i of servers.keys()) {
          const { peer, port, child } = servers[i];
          const count = isSlow(peer) && load.depth > 1 ? load.count / 10 : load.count;
          const options = { ...load, messages, port, pid: child.pid, count };
          // C2 of Java compiles late.
          for (let more = round < 0 ? (peer.warmUps ?? 0) : 0; more > 0; more--)
            await closedLoop(options);
          const time = await closedLoop(options);
          if (round >= 0) times[i].push(time / 1000);
        }
      }
      const medians = times.map(median);
      const text = load.text === undefined ? "" : `, ${load.text}`;
      rows.push([
        `${kind} ${load.size} B${text}, ${load.connections} x ${load.depth}`,
        ...medians.map((time) => `${time.toFixed(2)} (${(time / medians[0]).toFixed(2)}x)`),
      ]);
    }
    table(["echo", ...servers.map(({ peer }) => peer.name)], rows);
  }

  console.log(
    `Latency in ms, open loop over 50 connections, ${seconds} s for each; medians of 5 rounds\n`,
  );
  for (const [kind, rate] of [
    ["lines", 10_000],
    ["frames", 10_000],
  ]) {
    const servers = running.filter(({ kind: of, peer }) => of === kind && !isSlow(peer));
    const messages = ring(kind, 64);
    const shares = [0.5, 0.99, 0.999];
    const found = servers.map(() => shares.map(() => []));
    for (let round = -1; round < 5; round++) {
      for (const [i, { port }] of servers.entries()) {
        const time = round < 0 ? 1 : seconds;
        const all = await openLoop({ port, messages, connections: 50, rate, seconds: time });
        if (round < 0) continue;
        for (const [k, share] of shares.entries()) {
          found[i][k].push(all[Math.min(all.length - 1, Math.floor(all.length * share))]);
        }
      }
    }
    const rows = servers.map(({ peer }, i) => [
      peer.name,
      ...found[i].map((times) => median(times).toFixed(2)),
    ]);
    table([`${kind} 64 B, ${rate} a second`, "p50", "p99", "p99.9"], rows);
  }
}

try {
  await main();
} finally {
  for (const { child } of running) child.kill();
}
