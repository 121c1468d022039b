// The servers that runtimes without any are tested against: TCP, TLS, and `ws`. Runs in Node.
import { readFileSync } from "node:fs";
import { WebSocketServer } from "ws";
import { listen } from "../../../src/transports/node/index.ts";
import { attachWebSocket } from "../../../src/transports/web/index.ts";
import { serverHandlers, wire } from "../../support/transport-server.ts";

const host = "127.0.0.1";

const pem = (name) => readFileSync(new URL(`tls-${name}.pem`, import.meta.url));

/** All servers; the path of a WebSocket says what its messages are. */
export async function startPeers() {
  const tcp = await listen(wire, { ...serverHandlers, host, port: 0 });
  const tls = await listen(wire, {
    ...{ ...serverHandlers, host, port: 0, tls: { cert: pem("cert"), key: pem("key") } },
  });
  const ws = new WebSocketServer({ host, port: 0 });
  await new Promise((resolve) => ws.once("listening", resolve));
  ws.on("connection", (socket, request) => {
    attachWebSocket(socket, wire, { ...serverHandlers, boundary: request.url.slice(1) });
  });
  return {
    port: tcp.port,
    tlsPort: tls.port,
    url: `ws://${host}:${ws.address().port}`,
    async stop() {
      for (const client of ws.clients) client.terminate();
      ws.close();
      await tcp.close({ timeout: 0 });
      await tls.close({ timeout: 0 });
    },
  };
}
