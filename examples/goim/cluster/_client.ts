// A client of the cluster: it has the addresses of all comets, and uses the next one when its own is gone.
import { encodeFrame } from "framewright";
import { authToken, GoimClient, type Packet } from "framewright/goim";
import { connect } from "framewright/node";
import { attachWebSocket } from "framewright/web";
import { WebSocket } from "ws";
import { publicPush, roomPush } from "./_comet.ts";

/** Options for {@link join}. */
export interface JoinOptions {
  /** Addresses of the comets, `tcp://host:port` or `ws://host:port/sub`. */
  readonly comets: readonly string[];
  /** Index of the first comet to connect to. */
  readonly first: number;
  readonly mid: number;
  readonly room: string;
  /** Called for each push, with the index of the comet that it came from. */
  readonly push: (packet: Packet, comet: number) => void;
  /** Called when a comet has accepted the token. */
  readonly open?: ((comet: number) => void) | undefined;
}

/** Joins a room. */
export function join(options: JoinOptions): GoimClient {
  const { comets, mid, room, push, open } = options;
  let next = options.first;
  let current = next;
  return new GoimClient({
    connect(protocol, handlers) {
      current = next % comets.length;
      next = current + 1;
      const address = comets[current]!;
      if (address.startsWith("ws:")) {
        return attachWebSocket(new WebSocket(address), protocol, handlers);
      }
      const { hostname, port } = new URL(address);
      return connect(protocol, { host: hostname, port: Number(port), ...handlers });
    },
    token: encodeFrame(authToken, { mid, room_id: room, accepts: [roomPush, publicPush] }),
    inFlight: 7,
    reconnect: { minDelay: 100, maxDelay: 2000 },
    open: () => open?.(current),
    push: (_, packet) => push(packet, current),
  });
}
