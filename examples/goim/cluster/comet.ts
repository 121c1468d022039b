// Runs until Ctrl-C: one comet of a cluster, as a separate process. Start as many as you like.
//
//   node examples/_run.mjs examples/goim/cluster/comet.ts nats://127.0.0.1:4222 [tcp port]
//
// Without the address of NATS the comet runs alone.
import { startComet } from "./_comet.ts";

const [nats, tcpPort = "0"] = process.argv.slice(2);

const { comet, tcp, webSocket, close } = await startComet({
  nats: nats || undefined,
  tcpPort: Number(tcpPort),
  gap: (gap) => console.log(`missed ${gap.missed} pushes of ${gap.comet}`),
});
console.log(`comet ${comet.id} on ${tcp} and ${webSocket}`);

async function stop(): Promise<void> {
  let dropped = 0;
  for (const session of comet.sessions) dropped += session.dropped;
  await close();
  console.log(`dropped ${dropped} pushes for slow clients`);
  process.exit();
}
process.once("SIGINT", stop);
process.once("SIGTERM", stop);
