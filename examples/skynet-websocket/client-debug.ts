// Prints every byte that goes over the wire, in both protocols.
//
//   node client-debug.js                               starts its own servers
//   node client-debug.js ws://127.0.0.1:8888 sproto    connects to a running one
import type { ProtocolType } from "./_config.ts";
import { connectGame, type Tap } from "./_node-client.ts";
import { startServer } from "./_server.ts";

const WIDTH = 16;

const print: Tap = (direction, bytes) => {
  console.log(`${direction} ${bytes.length} bytes`);
  for (let at = 0; at < bytes.length; at += WIDTH) {
    const row = bytes.subarray(at, at + WIDTH);
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = Array.from(row, (byte) =>
      byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".",
    ).join("");
    console.log(`   ${hex.padEnd(3 * WIDTH)} ${text}`);
  }
};

async function watch(url: string, protocolType: ProtocolType): Promise<void> {
  console.log(protocolType);
  const client = connectGame(url, protocolType, {}, print);
  await client.login("alice", "pw");
  client.close();
}

const [url, type] = process.argv.slice(2);
if (url !== undefined) {
  await watch(url, type === "sproto" ? "sproto" : "protobuf");
} else {
  for (const protocolType of ["protobuf", "sproto"] as const) {
    const config = { wsHost: "127.0.0.1", wsPort: 0, protocolType, database: ":memory:" };
    const server = await startServer(config);
    await watch(server.url, protocolType);
    await server.stop();
  }
}
//=> protobuf
//=> -> 34 bytes
//=>    1e 00 00 00 0a 11 0a 0d 67 61 6d 65 2e 4c 6f 67  ........game.Log
//=>    69 6e 52 65 71 10 01 12 05 61 6c 69 63 65 1a 02  inReq....alice..
//=>    70 77                                            pw
//=> <- 31 bytes
//=>    1b 00 00 00 0a 16 0a 07 53 55 43 43 45 53 53 12  ........SUCCESS.
//=>    0b 48 65 6c 6c 6f 20 61 6c 69 63 65 10 91 4e     .Hello.alice..N
//=> sproto
//=> -> 19 bytes
//=>    00 11 55 02 0a 04 02 10 05 3f 61 6c 69 63 65 02  ..U......?alice.
//=>    06 70 77                                         .pw
//=> <- 12 bytes
//=>    00 0a 55 02 01 04 03 35 04 01 24 4e              ..U....5..$N
