// Reading into slabs (`connect` with `slab`) beside reading into fresh memory: CPU time of a client, whose server is a
// process of its own.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { encodeAll, lengthPrefixed, raw } from "framewright";
import { connect, listen } from "framewright/node";
import { ns, race, ratio, table } from "./_measure.mjs";

const host = "127.0.0.1";
const protocol = lengthPrefixed({ width: 4 }).wrap(raw());
const order = new TextEncoder();

/** The first message says what to do: send so many messages of a size, or send everything back. */
function serve() {
  const push = (connection) => {
    const { context } = connection;
    while (context.left > 0) {
      context.left -= context.each;
      if (!connection.sendFrame(context.block)) return;
    }
    connection.close();
  };
  return listen(protocol, {
    port: 0,
    host,
    context: () => ({}),
    message(connection, bytes) {
      const { context } = connection;
      if (context.isBusy) {
        connection.send(bytes);
        return;
      }
      context.isBusy = true;
      const { size, count } = JSON.parse(new TextDecoder().decode(bytes));
      if (count === 0) return;
      context.left = count;
      // Encoded once, for the server is not what is measured; counts are multiples of this.
      context.each = Math.max(1, Math.floor(65_536 / (size + 4)));
      context.block = encodeAll(protocol, Array(context.each).fill(new Uint8Array(size)));
      push(connection);
    },
    drain: (connection) => connection.context.block && push(connection),
  });
}

/** Takes `count` messages. */
const take = (port, size, count, slab) => () =>
  new Promise((resolve, reject) => {
    let received = 0;
    connect(protocol, {
      ...{ port, host, slab },
      open: (connection) => connection.send(order.encode(JSON.stringify({ size, count }))),
      message: (_, bytes) => {
        if (bytes.length === size) received++;
      },
      close: () => resolve(received),
    }).catch(reject);
  });

/** Has `count` messages sent back, `depth` of them under way at a time. */
const echo = (port, size, count, slab, depth) => () =>
  new Promise((resolve, reject) => {
    const body = new Uint8Array(size);
    let sent = 0;
    let received = 0;
    connect(protocol, {
      ...{ port, host, slab },
      open(connection) {
        connection.send(order.encode(JSON.stringify({ size, count: 0 })));
        for (; sent < depth; sent++) connection.send(body);
      },
      message(connection) {
        received++;
        if (sent < count) {
          sent++;
          connection.send(body);
        } else if (received === count) {
          connection.close();
        }
      },
      close: () => resolve(received),
    }).catch(reject);
  });

async function compare() {
  const child = fork(fileURLToPath(import.meta.url), ["serve"]);
  const [port] = await once(child, "message");
  const loads = [
    ["64 B, sent back, 1 under way", echo, 60, 10_000, 1],
    ["64 B, sent back, 100 under way", echo, 60, 400_000, 100],
    ["64 B, as fast as they come", take, 60, 1_536_000],
    ["4 KiB, as fast as they come", take, 4092, 100_000],
    ["256 KiB, as fast as they come", take, 262_140, 1500],
  ];
  const rows = [];
  for (const [name, play, size, count, depth] of loads) {
    const contestants = [undefined, 65_536, 262_144, 1_048_576].map((slab) => ({
      name: `${name}, slab ${slab}`,
      run: play(port, size, count, slab, depth),
    }));
    const [fresh, ...slabs] = await race(contestants, count);
    rows.push([name, ns(fresh), ...slabs.map((time) => `${ns(time)} (${ratio(time, fresh)})`)]);
  }
  child.kill();
  table(["messages", "fresh memory", "slabs of 64 KiB", "of 256 KiB", "of 1 MiB"], rows);
}

if (process.argv[2] === "serve") process.send((await serve()).port);
else await compare();
