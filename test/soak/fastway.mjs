// Many clients and a few servers through one gateway on loopback, endpoints dying at random all the while. Nothing may be
// lost, repeated or misplaced on connections that live, every connection must end on both sides, and memory must
// come back to where it was. Ends by itself after so many echoes.
//
//   node --expose-gc test/soak/fastway.mjs [clients] [echoes] [seed]
import { randomBytes } from "node:crypto";
import { fastway, fastwayClient, fastwayGateway, fastwayServer } from "framewright/fastway";
import { connect, listen } from "framewright/node";

const [CLIENTS, ECHOES, SEED] = [1000, 100_000, Date.now() % 1e6].map((usual, i) =>
  Number(process.argv[2 + i] ?? usual),
);
const SERVERS = 4;
const WINDOW = 8;
const host = "127.0.0.1";
const dialect = SEED % 2 === 0 ? "v2" : "v1";
const protocol = fastway({ dialect });

/** Numbers from 0 to 1, the same for the same seed. */
let state = (SEED % 0x7fff_ffff) + 1;
const random = () => {
  state = (state * 48_271) % 0x7fff_ffff;
  return state / 0x7fff_ffff;
};
const oneOf = (list) => list[Math.floor(random() * list.length)];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function check(condition, text) {
  if (condition) return;
  console.error(`FAILED (seed ${SEED}): ${text}`);
  process.exit(1);
}

const total = { echoes: 0, dials: 0, refusals: 0, lost: 0, clientDeaths: 0, serverDeaths: 0 };

async function round(clientCount, echoes) {
  const gateway = fastwayGateway({ dialect, key: "key", random: randomBytes, maxConn: 0 });
  const clientPort = await listen(gateway.protocol, { host, port: 0, open: gateway.client });
  const serverPort = await listen(gateway.protocol, { host, port: 0, open: gateway.server });
  const target = total.echoes + echoes;
  const isDone = () => total.echoes >= target;
  const open = { client: 0, server: 0 };

  const servers = [];
  const startServer = async (index) => {
    const link = await connect(protocol, { host, port: serverPort.port });
    servers[index] = fastwayServer(link, {
      serverId: index + 1,
      key: "key",
      open: () => void open.server++,
      message: (connection, bytes) => void connection.send(bytes),
      close: () => void open.server--,
    });
  };
  for (let i = 0; i < SERVERS; i++) await startServer(i);
  while (gateway.counters.servers < SERVERS) await sleep(5);

  // Death comes by count, not by time: one in so many echoes.
  const restarts = [];
  let next = total.echoes + 200;
  const reap = () => {
    if (total.echoes < next || isDone()) return;
    next += 200;
    if (random() < 0.05) {
      total.serverDeaths++;
      const index = Math.floor(random() * SERVERS);
      // One that is dead already is on its way back.
      if (servers[index] === undefined) return;
      servers[index].abort();
      servers[index] = undefined;
      restarts.push(startServer(index));
    } else {
      total.clientDeaths++;
      // Behind the message that is being delivered.
      queueMicrotask(() => oneOf(clients)?.abort());
    }
  };

  const clients = [];
  /** One life of a client: connects, dials, has its echoes, dies or is told to end. */
  const live = async (index) => {
    const client = fastwayClient(await connect(protocol, { host, port: clientPort.port }));
    clients[index] = client;
    let isOver = false;
    void client.closed.then(() => {
      isOver = true;
    });
    while (!isDone() && !isOver) {
      total.dials++;
      let sent = 0;
      let received = 0;
      const message = () => {
        const bytes = Buffer.alloc(8 + Math.floor(random() * 120), received & 255);
        bytes.writeUInt32LE(index, 0);
        bytes.writeUInt32LE(sent++, 4);
        return bytes;
      };
      try {
        await new Promise((resolve, reject) => {
          const options = {
            open: () => void open.client++,
            message(connection, bytes) {
              const view = new DataView(bytes.buffer, bytes.byteOffset);
              check(view.getUint32(0, true) === index, "a message came to another client");
              check(view.getUint32(4, true) === received, "a message was lost or repeated");
              received++;
              total.echoes++;
              reap();
              if (!isDone() && received < 400) connection.send(message());
              else if (received === sent) connection.close();
            },
            close(_, info) {
              open.client--;
              // A connection that ended in peace has had all of its echoes.
              if (info.by === "local" && !isOver) check(received === sent, "an echo is missing");
              else total.lost++;
              resolve();
            },
          };
          client.dial(1 + Math.floor(random() * SERVERS), options).then((connection) => {
            for (let i = 0; i < WINDOW; i++) connection.send(message());
          }, reject);
        });
      } catch (error) {
        check(error.code === "refused" || error.code === "closed", `dial: ${error.message}`);
        total.refusals++;
        await sleep(20);
      }
    }
    client.close();
    await client.closed;
  };
  const lives = [];
  for (let index = 0; index < clientCount; index++) {
    // More at once than the system keeps for a listener (511), and it lets some wait for seconds.
    while (index - gateway.counters.clients > 200 && !isDone()) await sleep(5);
    lives.push(
      (async () => {
        while (!isDone()) await live(index);
      })(),
    );
  }

  await Promise.all(lives);
  await Promise.all(restarts);
  for (const server of servers) server.close();
  await Promise.all(servers.map((server) => server.closed));
  while (gateway.counters.clients + gateway.counters.servers > 0) await sleep(5);
  check(gateway.counters.connections === 0, "the gateway keeps connections of nobody");
  check(open.client === 0, `${open.client} connections did not end at their client`);
  check(open.server === 0, `${open.server} connections did not end at their server`);
  gateway.close();
  await Promise.all([clientPort.close(), serverPort.close()]);
}

async function memory() {
  for (let i = 0; i < 3; i++) {
    await sleep(50);
    globalThis.gc?.();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

// Bounded: what does not end has lost something.
setTimeout(
  () => check(false, `not done after 5 minutes: ${JSON.stringify(total)}`),
  300_000,
).unref();

// What is compiled and cached once is no leak: a first round makes it.
await round(Math.ceil(CLIENTS / 4), Math.ceil(ECHOES / 10));
const before = await memory();
await round(CLIENTS, ECHOES);
const after = await memory();
console.log(`${dialect}, seed ${SEED}, ${CLIENTS} clients: ${JSON.stringify(total)}`);
console.log(`memory ${before.toFixed(1)} MiB before, ${after.toFixed(1)} MiB after`);
check(total.clientDeaths > 0, "nobody died");
check(after - before < 16, "memory did not come back");
console.log("ok");
