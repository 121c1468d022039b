import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { type WebSocket, WebSocketServer } from "ws";
import { attachWebSocket } from "../../src/transports/web/index.ts";
import { serverHandlers, wire } from "./transport-server.ts";

declare module "vitest" {
  export interface ProvidedContext {
    wsUrl: string;
  }
}

/** What the peer of the WebSocket with this id closed with, once it has. */
const endings = new Map<string, { promise: Promise<string>; resolve: (ending: string) => void }>();

function ending(id: string): { promise: Promise<string>; resolve: (ending: string) => void } {
  let entry = endings.get(id);
  if (entry === undefined) {
    let resolve = (_ending: string): void => {};
    const promise = new Promise<string>((done) => {
      resolve = done;
    });
    entry = { promise, resolve };
    endings.set(id, entry);
  }
  return entry;
}

/** What the server does, by the path that it is asked for; `?id=` names a connection. */
const paths: Record<string, (socket: WebSocket, query: URLSearchParams) => void> = {
  /** Answers every message with the same. */
  "/echo": (socket, query) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on("close", (code, reason) =>
      ending(query.get("id") ?? "").resolve(`${code} ${reason}`),
    );
  },
  /** Says in a text message what the other connection was closed with. */
  "/ending": (socket, query) => {
    void ending(query.get("id") ?? "").promise.then((text) => socket.send(text));
  },
  /** Closes with the code and reason it is given. */
  "/close": (socket, query) => socket.close(Number(query.get("code")), query.get("reason") ?? ""),
  /** The server of the transport tests. */
  "/suite-message": (socket) =>
    void attachWebSocket(socket, wire, { ...serverHandlers, boundary: "message" }),
  "/suite-stream": (socket) =>
    void attachWebSocket(socket, wire, { ...serverHandlers, boundary: "stream" }),
  /** Vanishes without a closing handshake. */
  "/vanish": (socket) => socket.terminate(),
};

/** A real `ws` server on loopback. */
export async function startServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise<void>((resolve) => server.once("listening", resolve));
  server.on("connection", (socket, request) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "ws://127.0.0.1");
    paths[pathname]?.(socket, searchParams);
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const client of server.clients) client.terminate();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** For tests in the browser: the server runs beside it, and its address is handed in. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await startServer();
  project.provide("wsUrl", url);
  return stop;
}
