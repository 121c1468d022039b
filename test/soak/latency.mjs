// One connection that sends a chunk of many empty lines whose handlers are slow, and what the others notice of it: their
// latency alone and meanwhile. Prints figures and judges none: how long a turn takes is tested by counts, in
// test/unit/core/connection-trust.test.ts.
//
//   npm run soak -- latency [--seconds 10] [--clients 20]
import { fork } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { lines, utf8 } from "framewright";
import { listen } from "framewright/node";

if (process.send !== undefined) {
  const server = await listen(lines().wrap(utf8()), {
    port: 0,
    message(connection, line) {
      if (line !== "") {
        connection.send(line);
        return;
      }
      for (const until = performance.now() + 0.02; performance.now() < until; );
    },
  });
  process.send(server.port);
  process.on("disconnect", () => process.exit());
} else {
  const { values: options } = parseArgs({
    options: {
      seconds: { type: "string", default: "10" },
      clients: { type: "string", default: "20" },
    },
  });
  const child = fork(fileURLToPath(import.meta.url), ["server"]);
  const port = await new Promise((resolve) => child.once("message", resolve));

  async function measure(seconds) {
    const found = [];
    const until = performance.now() + 1000 * seconds;
    await Promise.all(
      Array.from({ length: Number(options.clients) }, async (_, i) => {
        const socket = connect({ port, host: "127.0.0.1", noDelay: true });
        await sleep(7 * i);
        while (performance.now() < until) {
          const since = performance.now();
          socket.write("x\n");
          await new Promise((resolve) => socket.once("data", resolve));
          found.push(performance.now() - since);
          await sleep(20);
        }
        socket.destroy();
      }),
    );
    found.sort((a, b) => a - b);
    const at = (part) => found[Math.floor(part * (found.length - 1))];
    return { count: found.length, median: at(0.5), p99: at(0.99), most: at(1) };
  }
  const told = ({ count, median, p99, most }) =>
    `${count} answers, median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, at most ${most.toFixed(1)} ms`;

  const seconds = Number(options.seconds);
  await measure(2);
  const alone = await measure(seconds);
  // 65,536 handlers of 20 us: 1.3 s of work in one chunk, again as soon as it is done.
  const noisy = connect({ port, host: "127.0.0.1" });
  const chunk = Buffer.alloc(65_536, 0x0a);
  const more = () => {
    while (noisy.writable && noisy.write(chunk));
  };
  noisy.on("drain", more).on("error", () => {});
  more();
  const meanwhile = await measure(seconds);
  noisy.destroy();
  child.disconnect();
  console.log(`alone: ${told(alone)}`);
  console.log(`meanwhile: ${told(meanwhile)}`);
  console.log(`p99: ${(meanwhile.p99 - alone.p99).toFixed(1)} ms more`);
  console.log("ok");
}
