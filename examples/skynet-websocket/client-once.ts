// Sends every request once, in both protocols, and ends.
//
//   node client-once.js                               starts its own servers
//   node client-once.js ws://127.0.0.1:8888 sproto    connects to a running one
import type { ProtocolType } from "./_config.ts";
import { connectGame } from "./_node-client.ts";
import { askEverything } from "./_once.ts";
import { startServer } from "./_server.ts";

/** Time limit of a request, because servers may not answer. */
const timeout = 5000;

async function ask(at: string, protocolType: ProtocolType): Promise<void> {
  console.log(protocolType);
  const client = connectGame(at, protocolType, { timeout });
  try {
    await askEverything(client, (line) => console.log(line));
  } finally {
    client.close();
  }
}

const [url, type] = process.argv.slice(2);
if (url !== undefined) {
  await ask(url, type === "sproto" ? "sproto" : "protobuf");
} else {
  for (const protocolType of ["protobuf", "sproto"] as const) {
    const config = { wsHost: "127.0.0.1", wsPort: 0, protocolType, database: ":memory:" };
    const server = await startServer(config);
    await ask(server.url, protocolType);
    await server.stop();
  }
}
//=> protobuf
//=>   ping: the server is there
//=>   signin: done
//=>   login: player 10001
//=>   player info: alice, level 1
//=>   login with another password: WRONG_PASSWORD: that is not the password of alice
//=> sproto
//=>   ping: the server is there
//=>   signin: done
//=>   login: player 10001
//=>   player info: alice, level 1
//=>   login with another password: WRONG_PASSWORD: that is not the password of alice
