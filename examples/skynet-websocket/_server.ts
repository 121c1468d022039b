import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { Config, ProtocolType } from "./_config.ts";
import { Game } from "./_game.ts";
import { openStore } from "./_open-store.ts";
import { serveProtobuf } from "./_protobuf-server.ts";
import { serveSproto } from "./_sproto-server.ts";
import type { PlayerStore } from "./_store.ts";

export type Log = (line: string) => void;

/** Selects the protocol: called with a client's WebSocket. */
const protocols: Record<ProtocolType, (socket: WebSocket, game: Game, log: Log) => void> = {
  protobuf: serveProtobuf,
  sproto: serveSproto,
};

/** A running server. */
export interface RunningServer {
  /** The URL for clients, for example `ws://127.0.0.1:8888`. */
  readonly url: string;
  readonly store: PlayerStore;
  /** Number of connected clients. */
  readonly clients: number;
  /** Cuts the WebSockets of all clients, like a network failure. */
  drop(): void;
  /** Accepts no more clients, closes the connected ones (1001), and waits until they are gone. */
  stop(): Promise<void>;
}

const GOING_AWAY = 1001;
const GOODBYE_MS = 1000;
/** As in the reference. A larger message ends its connection. */
const MAX_MESSAGE = 256 * 1024;

/**
 * Runs the game server. Handshake and messages are separate: this function makes the WebSockets, and the
 * configured protocol handles their messages.
 */
export async function startServer(config: Config, log: Log = () => {}): Promise<RunningServer> {
  const store = await openStore(config.database);
  const game = new Game(store);
  const http = createServer((_, response) => response.writeHead(426).end("WebSocket only\n"));
  // Compression would only cost time: the messages are small and binary.
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE,
    perMessageDeflate: false,
  });

  http.on("upgrade", (request, stream, head) => {
    sockets.handleUpgrade(request, stream, head, (socket) => sockets.emit("connection", socket));
  });
  sockets.on("connection", (socket: WebSocket) => {
    log(`a client came (${sockets.clients.size} connected)`);
    socket.on("close", () => log(`a client left (${sockets.clients.size} connected)`));
    protocols[config.protocolType](socket, game, log);
  });

  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(config.wsPort, config.wsHost, resolve);
  });
  const { port } = http.address() as AddressInfo;
  const url = `ws://${config.wsHost}:${port}`;
  log(`${config.protocolType} on ${url}, players in ${store.kind}`);

  const drop = (): void => {
    for (const socket of sockets.clients) socket.terminate();
  };
  return {
    url,
    store,
    get clients() {
      return sockets.clients.size;
    },
    drop,
    async stop() {
      const gone = Promise.all([
        new Promise((resolve) => http.close(resolve)),
        new Promise((resolve) => sockets.close(resolve)),
      ]);
      for (const socket of sockets.clients) socket.close(GOING_AWAY, "server stops");
      // Clients that do not answer are not waited for.
      const timer = setTimeout(drop, GOODBYE_MS);
      await gone;
      clearTimeout(timer);
      store.close();
      log("stopped");
    },
  };
}
