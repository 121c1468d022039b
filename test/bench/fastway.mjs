// Echo through our gateway over loopback: client, gateway and server are processes of their own, as in the figures of the
// Go gateway. What counts is messages per second of the gateway's CPU time: noise of the machine and the
// speed of the endpoints touch it least. (An echo passes the gateway twice.)
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { fastway, fastwayClient, fastwayGateway, fastwayServer } from "framewright/fastway";
import { connect, listen } from "framewright/node";

const host = "127.0.0.1";
const dialect = "v2";
const speaks = fastway({ dialect });
const [role, argument] = process.argv.slice(2);

if (role === "gateway") {
  const gateway = fastwayGateway({ dialect, random: randomBytes });
  const clients = await listen(gateway.protocol, { host, port: 0, open: gateway.client });
  const servers = await listen(gateway.protocol, { host, port: 0, open: gateway.server });
  process.on("message", () => process.send({ ...process.cpuUsage(), ...gateway.counters }));
  process.send({ clients: clients.port, servers: servers.port });
} else if (role === "server") {
  const link = await connect(speaks, { host, port: Number(argument) });
  fastwayServer(link, { serverId: 1, message: (connection, bytes) => connection.send(bytes) });
} else {
  await compare();
}

/** Sends `count` messages, `depth` of them under way, and checks what comes back. */
async function drive(port, size, depth, count) {
  const client = fastwayClient(await connect(speaks, { host, port }));
  const message = new Uint8Array(size).fill(7);
  let sent = 0;
  let received = 0;
  await new Promise((resolve, reject) => {
    const onMessage = (connection, bytes) => {
      if (bytes.length !== size || bytes[size - 1] !== 7) reject(new Error("the echo differs"));
      if (++received === count) resolve();
      else if (sent < count) {
        sent++;
        connection.send(message);
      }
    };
    client.dial(1, { message: onMessage }).then((connection) => {
      for (; sent < Math.min(depth, count); sent++) connection.send(message);
    }, reject);
  });
  client.close();
  await client.closed;
}

async function usage(gateway) {
  gateway.send("usage");
  const [answer] = await once(gateway, "message");
  return answer;
}

async function compare() {
  const here = fileURLToPath(import.meta.url);
  const gateway = fork(here, ["gateway"]);
  const [ports] = await once(gateway, "message");
  const server = fork(here, ["server", String(ports.servers)]);
  while ((await usage(gateway)).servers === 0) await new Promise((r) => setTimeout(r, 10));
  // CPU time of the Go gateway (v2) per echo of 64 bytes, in microseconds, measured on a machine like this one.
  const go = { "64 1": "33 - 54", "64 256": "6 - 8" };
  console.log(
    "| message | under way | echoes/s | gateway CPU per echo | echoes per CPU second | Go gateway, CPU per echo |",
  );
  console.log("|---|---|---|---|---|---|");
  for (const [size, depth, count] of [
    [64, 1, 5000],
    [64, 256, 100_000],
    [1024, 1, 5000],
    [1024, 256, 60_000],
  ]) {
    await drive(ports.clients, size, depth, Math.ceil(count / 5));
    const runs = [];
    for (let i = 0; i < 5; i++) {
      const before = await usage(gateway);
      const start = performance.now();
      await drive(ports.clients, size, depth, count);
      const seconds = (performance.now() - start) / 1000;
      const after = await usage(gateway);
      const passed = after.packetsOut - before.packetsOut;
      if (passed !== 2 * count) throw new Error(`the gateway passed on ${passed} of ${2 * count}`);
      const cpu = after.user + after.system - before.user - before.system;
      runs.push({ rate: count / seconds, cpu: cpu / count });
    }
    const middle = (key) => runs.map((one) => one[key]).sort((a, b) => a - b)[2];
    const cpu = middle("cpu");
    const rate = Math.round(middle("rate")).toLocaleString("en");
    const perSecond = Math.round(1e6 / cpu).toLocaleString("en");
    const other = go[`${size} ${depth}`];
    console.log(
      `| ${size} B | ${depth} | ${rate} | ${cpu.toFixed(1)} µs | ${perSecond} | ${other === undefined ? "" : `${other} µs`} |`,
    );
  }
  server.kill();
  gateway.kill();
}
