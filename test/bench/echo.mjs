// Echo over loopback TCP: a framewright server beside a hand-written loop that does as little as is possible (no
// limits, no errors, one write per chunk). Each server is a process of its own; what counts is messages per second of
// its CPU time, which the noise of a shared machine and the speed of the client touch least.
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect as connectTcp, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { lengthPrefixed, raw } from "framewright";
import { listen } from "framewright/node";
import { jsonNL } from "framewright/workerman";
import { median, table } from "./_measure.mjs";

const host = "127.0.0.1";

// ---- the servers

const frame = lengthPrefixed({ width: 4, counts: "frame" }).wrap(raw());
const echo = (connection, value) => connection.send(value);
const carried = (carry, chunk) => (carry === undefined ? chunk : Buffer.concat([carry, chunk]));

const bareServer = (onChunk) =>
  new Promise((resolve) => {
    const server = createServer({ noDelay: true }, (socket) => {
      let carry;
      socket.on("data", (chunk) => {
        carry = onChunk(socket, carried(carry, chunk));
      });
      socket.on("error", () => {});
    });
    server.listen(0, host, () => resolve(server.address().port));
  });

const servers = {
  "JsonNL framewright": async () => (await listen(jsonNL(), { port: 0, host, message: echo })).port,
  "JsonNL by hand": () =>
    bareServer((socket, bytes) => {
      let start = 0;
      let out = "";
      for (;;) {
        const end = bytes.indexOf(10, start);
        if (end < 0) break;
        out += `${JSON.stringify(JSON.parse(bytes.toString("utf8", start, end)))}\n`;
        start = end + 1;
      }
      if (out !== "") socket.write(out);
      return start === bytes.length ? undefined : bytes.subarray(start);
    }),
  "Frame framewright": async () => (await listen(frame, { port: 0, host, message: echo })).port,
  "Frame by hand": () =>
    bareServer((socket, bytes) => {
      const out = Buffer.allocUnsafe(bytes.length);
      let at = 0;
      while (bytes.length - at >= 4) {
        const end = at + bytes.readUInt32BE(at);
        if (end > bytes.length) break;
        out.writeUInt32BE(end - at, at);
        out.set(bytes.subarray(at + 4, end), at + 4);
        at = end;
      }
      if (at > 0) socket.write(out.subarray(0, at));
      return at === bytes.length ? undefined : bytes.subarray(at);
    }),
};

if (process.send) {
  const port = await servers[process.argv[2]]();
  process.on("message", () => process.send(process.cpuUsage()));
  process.send(port);
} else {
  await compare();
}

// ---- the client

/** Sends `count` messages, `depth` of them at a time, and checks every byte that comes back. */
function drive(port, message, depth, count) {
  return new Promise((resolve, reject) => {
    const { length } = message;
    const batch = Buffer.concat(Array.from({ length: depth }, () => message));
    const socket = connectTcp({ port, host, noDelay: true }, () => socket.write(batch));
    let sent = depth;
    let received = 0;
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      const phase = received % length;
      for (let at = 0; at < chunk.length; ) {
        const from = (phase + at) % length;
        const size = Math.min(batch.length - from, chunk.length - at);
        if (batch.compare(chunk, at, at + size, from, from + size) !== 0) {
          reject(new Error("the echo differs"));
        }
        at += size;
      }
      const before = Math.floor(received / length);
      received += chunk.length;
      const back = Math.floor(received / length);
      const more = Math.min(back - before, count - sent);
      if (more > 0) socket.write(batch.subarray(0, more * length));
      sent += more;
      if (back === count) socket.end(resolve);
    });
  });
}

async function cpuMicroseconds(server) {
  server.send("cpu");
  const [{ user, system }] = await once(server, "message");
  return user + system;
}

async function compare() {
  const json = Buffer.from(`${JSON.stringify({ type: "message", content: "x".repeat(32) })}\n`);
  const binary = Buffer.alloc(64, 0x41);
  binary.writeUInt32BE(64);
  const here = fileURLToPath(import.meta.url);
  const rows = [];
  for (const [protocol, message] of [
    ["JsonNL", json],
    ["Frame", binary],
  ]) {
    for (const [depth, count] of [
      [1, 15_000],
      [100, 300_000],
    ]) {
      const names = [`${protocol} by hand`, `${protocol} framewright`];
      const running = names.map((name) => fork(here, [name]));
      const ports = await Promise.all(
        running.map(async (server) => (await once(server, "message"))[0]),
      );
      const rates = names.map(() => []);
      for (let round = -1; round < 7; round++) {
        for (const i of names.keys()) {
          const before = await cpuMicroseconds(running[i]);
          await drive(ports[i], message, depth, count);
          const used = await cpuMicroseconds(running[i]);
          if (round >= 0) rates[i].push((count * 1e6) / (used - before));
        }
      }
      for (const server of running) server.kill();
      const [byHand, ours] = rates.map(median);
      const shown = (rate) => `${Math.round(rate / 1000)}k`;
      rows.push([
        `${protocol}, ${message.length} B`,
        depth,
        shown(byHand),
        shown(ours),
        `${(ours / byHand).toFixed(2)}x`,
      ]);
    }
  }
  console.log("Messages per second of the server's CPU time\n");
  table(["echo", "in flight", "by hand", "framewright", "ratio"], rows);
}
