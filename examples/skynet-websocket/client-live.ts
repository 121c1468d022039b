// Stays connected: sends heartbeats, receives notices, and reconnects when the connection is lost.
//
//   node client-live.js                               starts its own server, cuts the connection once, and ends
//   node client-live.js ws://127.0.0.1:8888 sproto    connects to a running one, until Ctrl-C
import type { ProtocolType } from "./_config.ts";
import { stayConnected } from "./_live.ts";
import { connectGame } from "./_node-client.ts";
import { startServer } from "./_server.ts";

const [url, type] = process.argv.slice(2);
const protocolType: ProtocolType = type === "protobuf" ? "protobuf" : "sproto";

/** Calls `hear` with every log line of the client. */
function live(at: string, beatEvery: number, hear: (line: string) => void) {
  return stayConnected((options) => connectGame(at, protocolType, options), {
    userid: "alice",
    beatEvery,
    retryAfter: url === undefined ? 20 : 500,
    log: hear,
  });
}

if (url !== undefined) {
  const client = live(url, 15_000, (line) => console.log(line));
  process.once("SIGINT", () => client.close());
} else {
  const config = { wsHost: "127.0.0.1", wsPort: 0, protocolType, database: ":memory:" };
  const server = await startServer(config);
  let beats = 0;
  const client = live(server.url, 10, (line) => {
    console.log(line);
    if (line !== "beat") return;
    beats++;
    if (beats === 2) server.drop();
    if (beats === 4) {
      client.close();
      void server.stop();
    }
  });
}
//=> signed in as alice
//=> beat
//=> beat
//=> lost
//=> signed in as alice
//=> beat
//=> beat
//=> lost
