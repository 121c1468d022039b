// The servers that runtimes without any are tested against: TCP, and `ws`. Runs in Node.
import { WebSocketServer } from "ws";
import { listen } from "../../../src/transports/node/index.ts";
import { attachWebSocket } from "../../../src/transports/web/index.ts";
import { serverHandlers, wire } from "../../support/transport-server.ts";

const host = "127.0.0.1";

/** Both servers; the path of a WebSocket says what its messages are. */
export async function startPeers() {
  const tcp = await listen(wire, { ...serverHandlers, host, port: 0 });
  const ws = new WebSocketServer({ host, port: 0 });
  await new Promise((resolve) => ws.once("listening", resolve));
  ws.on("connection", (socket, request) => {
    attachWebSocket(socket, wire, { ...serverHandlers, boundary: request.url.slice(1) });
  });
  return {
    port: tcp.port,
    url: `ws://${host}:${ws.address().port}`,
    async stop() {
      for (const client of ws.clients) client.terminate();
      ws.close();
      await tcp.close({ timeout: 0 });
    },
  };
}
