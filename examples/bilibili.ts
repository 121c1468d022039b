// A client of Bilibili's live chat, and a stand-in for its server, over WebSocket. The server sends two messages in one
// compressed packet; the client receives them one by one. Ends by itself.
import type { AddressInfo } from "node:net";
import { brotliDecompressSync, deflateSync, inflateSync } from "node:zlib";
import { encodeAll, encodeFrame } from "framewright";
import { BilibiliClient, bilibili, goim, type Inflate } from "framewright/goim";
import { attachWebSocket } from "framewright/web";
import { WebSocket, WebSocketServer } from "ws";

// The library contains no decompressor; `maxOutputLength` stops a few bytes that unpack to gigabytes.
const inflate: Inflate = (method, bytes, maxOutputLength) =>
  method === "zlib"
    ? inflateSync(bytes, { maxOutputLength })
    : brotliDecompressSync(bytes, { maxOutputLength });
const protocol = bilibili({ inflate });

// ---- The stand-in for the server
const batch = encodeAll(protocol, [
  { type: "message", ver: 0, body: { cmd: "DANMU_MSG", text: "你好" } },
  { type: "message", ver: 0, body: { cmd: "SEND_GIFT", gift: "flower" } },
]);
const packed = encodeFrame(goim(), { ver: 2, op: 5, body: deflateSync(batch) });

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
await new Promise((resolve) => server.once("listening", resolve));
server.on("connection", (socket) => {
  attachWebSocket(socket, protocol, {
    message(connection, packet) {
      if (packet.type === "auth") connection.send({ type: "welcome", body: { code: 0 } });
      if (packet.type !== "heartbeat") return;
      connection.send({ type: "popularity", popularity: 42 });
      connection.sendFrame(packed);
    },
  });
});

// ---- The client
const { port } = server.address() as AddressInfo;
await new Promise<void>((resolve) => {
  const client = new BilibiliClient({
    inflate,
    connect: (protocol, handlers) =>
      attachWebSocket(new WebSocket(`ws://127.0.0.1:${port}/sub`), protocol, handlers),
    auth: { uid: 0, roomid: 22608112, protover: 3, platform: "web", type: 2, key: "" },
    popularity: (_, popularity) => console.log("popularity", popularity),
    message(_, body) {
      console.log(body);
      if ((body as { cmd: string }).cmd === "SEND_GIFT") client.close();
    },
    close: () => resolve(),
  });
});
server.close();
//=> popularity 42
//=> { cmd: 'DANMU_MSG', text: '你好' }
//=> { cmd: 'SEND_GIFT', gift: 'flower' }
