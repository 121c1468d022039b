import { once } from "node:events";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { type CloseInfo, perMessage, utf8 } from "../../src/index.ts";
import { attachWebSocket } from "../../src/transports/web/index.ts";
import { webSocketTests } from "../support/web-socket-tests.ts";
import { startServer } from "../support/ws-server.ts";

let server: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

webSocketTests((path) => new WebSocket(server.url + path), { strict: false });

it("delivers nothing more once a handler has terminated the socket", async () => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const heard: string[] = [];
  const closed = new Promise<CloseInfo>((resolve) => {
    server.on("connection", (socket) => {
      attachWebSocket(socket, perMessage().wrap(utf8()), {
        message(_, line) {
          heard.push(line);
          socket.terminate();
        },
        close: (_, info) => resolve(info),
      });
    });
  });
  const { port } = server.address() as { port: number };
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  client.on("error", () => {});
  await once(client, "open");
  for (const text of ["one", "two", "three"]) client.send(text);
  expect(await closed).toEqual({ by: "local" });
  expect(heard).toEqual(["one"]);
  server.close();
});
