// Prints every byte that goes over the wire, in both protocols.
//
//   node client-debug.js                               starts servers of its own
//   node client-debug.js ws://127.0.0.1:8888 sproto    asks one that runs
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
//=> -> 31 bytes
//=>    1b 00 00 00 0a 12 0a 0e 67 61 6d 65 2e 53 69 67  ........game.Sig
//=>    6e 69 6e 52 65 71 10 01 12 05 61 6c 69 63 65     ninReq....alice
//=> <- 17 bytes
//=>    0d 00 00 00 0a 09 0a 07 53 55 43 43 45 53 53 10  ........SUCCESS.
//=>    01                                               .
//=> sproto
//=> -> 15 bytes
//=>    00 0d 55 02 08 04 01 c4 05 61 6c 07 69 63 65     ..U......al.ice
//=> <- 9 bytes
//=>    00 07 55 02 01 04 01 01 04                       ..U......
