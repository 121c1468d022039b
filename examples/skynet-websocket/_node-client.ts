import { WebSocket } from "ws";
import type { ClientOptions, GameClient } from "./_client.ts";
import { type ProtocolType, readFile } from "./_config.ts";
import { protobufClient } from "./_protobuf-client.ts";
import { sprotoClient } from "./_sproto-client.ts";

const clients = { protobuf: protobufClient, sproto: sprotoClient };

/** Called with every message, as it is on the wire. */
export type Tap = (direction: "->" | "<-", bytes: Uint8Array) => void;

/** A client of the game in Node, including versions without a WebSocket. */
export function connectGame(
  url: string,
  protocolType: ProtocolType,
  options: ClientOptions = {},
  tap?: Tap,
): GameClient {
  // Requests no subprotocol and sends no WebSocket pings: the reference supports neither.
  class Socket extends WebSocket {
    constructor(target: string | URL) {
      super(target, { perMessageDeflate: false });
      if (tap !== undefined) tapSocket(this, tap);
    }
  }
  return clients[protocolType](url, readFile, { WebSocket: Socket, ...options });
}

function tapSocket(socket: WebSocket, tap: Tap): void {
  const { send } = socket;
  socket.send = (data: Uint8Array, ...rest: unknown[]) => {
    tap("->", data);
    Reflect.apply(send, socket, [data, ...rest]);
  };
  socket.on("message", (data: Buffer | ArrayBuffer) => tap("<-", new Uint8Array(data)));
}
