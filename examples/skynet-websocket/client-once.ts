// Asks everything once, in both protocols, and ends.
//
//   node client-once.js                               starts servers of its own
//   node client-once.js ws://127.0.0.1:8888 sproto    asks one that runs
import type { ProtocolType } from "./_config.ts";
import { connectGame } from "./_node-client.ts";
import { startServer } from "./_server.ts";

async function askEverything(url: string, protocolType: ProtocolType): Promise<void> {
  console.log(protocolType);
  const client = connectGame(url, protocolType);
  await client.ping();
  console.log("  ping: the server is there");
  await client.signin("alice");
  console.log("  signin: done");
  const userid = await client.login("alice", "pw");
  console.log(`  login: player ${userid}`);
  const { nickname, level } = await client.playerInfo(userid);
  console.log(`  player info: ${nickname}, level ${level}`);
  await client.login("alice", "wrong").catch((error: Error) => console.log(`  ${error.message}`));
  client.close();
}

const [url, type] = process.argv.slice(2);
if (url !== undefined) {
  await askEverything(url, type === "sproto" ? "sproto" : "protobuf");
} else {
  for (const protocolType of ["protobuf", "sproto"] as const) {
    const config = { wsHost: "127.0.0.1", wsPort: 0, protocolType, database: ":memory:" };
    const server = await startServer(config);
    await askEverything(server.url, protocolType);
    await server.stop();
  }
}
//=> protobuf
//=>   ping: the server is there
//=>   signin: done
//=>   login: player 10001
//=>   player info: alice, level 1
//=>   WRONG_PASSWORD: that is not the password of alice
//=> sproto
//=>   ping: the server is there
//=>   signin: done
//=>   login: player 10001
//=>   player info: alice, level 1
//=>   WRONG_PASSWORD: that is not the password of alice
