// One comet of the cluster: clients on TCP and WebSocket, the other comets over NATS. Requests with
// operation 4 go to everyone in the sender's room, with operation 5 to everyone, on all comets.
import type { AddressInfo } from "node:net";
import { decodeFrame } from "framewright";
import { authToken, Comet, type CometGap, type CometOptions } from "framewright/goim";
import { listen } from "framewright/node";
import { attachWebSocket } from "framewright/web";
import { WebSocketServer } from "ws";
import { type Bus, natsBus } from "./_bus.ts";

/** Operations of this application. */
export const roomPush = 1000;
export const publicPush = 1001;
/** Handles a client's request: its body is pushed to all recipients. */
export const toAll = 5;

const host = "127.0.0.1";

/** A running comet. */
export interface RunningComet {
  readonly comet: Comet<bigint>;
  readonly tcp: string;
  readonly webSocket: string;
  close(): Promise<void>;
}

/** Options for {@link startComet}. */
export interface StartOptions extends Partial<CometOptions<bigint, Uint8Array>> {
  /** Address of NATS; without it the comet runs alone. */
  readonly nats?: string | undefined;
  readonly tcpPort?: number | undefined;
  readonly gap?: ((gap: CometGap) => unknown) | undefined;
}

/** Starts a comet; port 0 uses any free port. */
export async function startComet(options: StartOptions = {}): Promise<RunningComet> {
  const { nats, tcpPort = 0, ...rest } = options;
  const bus: Bus | undefined = nats === undefined ? undefined : await natsBus(nats);
  const comet = new Comet<bigint>({
    ...(bus && { publish: bus.publish, subscribe: bus.subscribe }),
    authenticate(token) {
      const { mid, room_id, accepts } = decodeFrame(authToken, token);
      return { user: mid, room: room_id, accepts };
    },
    replies: { [toAll]: toAll },
    request(session, { op, body }) {
      if (op === toAll) comet.broadcast({ op: publicPush, body });
      else comet.pushRoom(session.room, { op: roomPush, body });
    },
    ...rest,
  });

  const server = await listen(comet.protocol, { host, port: tcpPort, ...comet.handlers });
  const webSockets = new WebSocketServer({ host, port: 0, path: "/sub", maxPayload: 4112 });
  await new Promise((resolve, reject) => webSockets.on("listening", resolve).on("error", reject));
  webSockets.on("connection", (socket, { socket: stream }) => {
    attachWebSocket(socket, comet.messageProtocol, { stream, ...comet.handlers });
  });
  const { port } = webSockets.address() as AddressInfo;

  return {
    comet,
    tcp: `tcp://${host}:${server.port}`,
    webSocket: `ws://${host}:${port}/sub`,
    async close() {
      for (const { connection } of comet.sessions) connection.close();
      webSockets.close();
      await Promise.all([server.close(), bus?.close()]);
    },
  };
}
