// A gateway, a server and two clients, each of which would normally be a separate program. A client's
// message goes to the server over a virtual connection, and from there to all other clients, as lines of
// JSON.
import { randomBytes } from "node:crypto";
import { json, perMessage } from "framewright";
import {
  fastway,
  fastwayClient,
  fastwayGateway,
  fastwayServer,
  type VirtualConnection,
} from "framewright/fastway";
import { connect, listen } from "framewright/node";

interface Line {
  readonly from: string;
  readonly text: string;
}

const host = "127.0.0.1";
const dialect = "v2";
const protocol = perMessage({ maxFrame: 4096 }).wrap(json<Line>());
const CHAT = 7;

// The gateway: two ports. It does not decode the messages.
const gateway = fastwayGateway({ dialect, key: "secret", random: randomBytes });
const clientPort = await listen(gateway.protocol, { host, port: 0, open: gateway.client });
const serverPort = await listen(gateway.protocol, { host, port: 0, open: gateway.server });

// The server.
const everybody = new Set<VirtualConnection<Line>>();
const server = fastwayServer(await connect(fastway({ dialect }), { host, port: serverPort.port }), {
  serverId: CHAT,
  key: "secret",
  protocol,
  open: (connection) => void everybody.add(connection),
  message(connection, line) {
    for (const other of everybody) if (other !== connection) other.send(line);
  },
  close: (connection) => void everybody.delete(connection),
});

// Two clients. A refused dial means that the server is not registered yet.
const join = async (): Promise<{ say(line: Line): void; next(): Promise<Line>; leave(): void }> => {
  const link = await connect(fastway({ dialect }), { host, port: clientPort.port });
  const client = fastwayClient(link);
  const connection = await client.dial(CHAT, { protocol });
  const lines = connection[Symbol.asyncIterator]();
  return {
    say: (line) => void connection.send(line),
    next: async () => (await lines.next()).value!,
    leave: () => client.close(),
  };
};
while (gateway.counters.servers === 0) await new Promise((resolve) => setTimeout(resolve, 5));
const ann = await join();
const bob = await join();

ann.say({ from: "Ann", text: "hello, anybody here?" });
const heard = await bob.next();
console.log(`${heard.from}: ${heard.text}`);
bob.say({ from: "Bob", text: "only me" });
const answer = await ann.next();
console.log(`${answer.from}: ${answer.text}`);
console.log(`${gateway.counters.connections} connections`);

ann.leave();
bob.leave();
server.close();
gateway.close();
await Promise.all([clientPort.close(), serverPort.close()]);
//=> Ann: hello, anybody here?
//=> Bob: only me
//=> 2 connections
