import { afterAll, beforeAll } from "vitest";
import { WebSocket } from "ws";
import { webSocketTests } from "../support/web-socket-tests.ts";
import { startServer } from "../support/ws-server.ts";

let server: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

webSocketTests((path) => new WebSocket(server.url + path), { strict: false });
