import type { Connection } from "../../core/index.ts";
import type { EndpointCommand, GatewayCommand } from "./commands.ts";
import type { FastwayMessage } from "./fastway.ts";

/** The gateway's end of the link with an endpoint. */
export type GatewayLink = Connection<
  FastwayMessage | GatewayCommand,
  FastwayMessage | EndpointCommand,
  unknown
>;

/** One endpoint, as its gateway knows it. */
export interface Peer {
  readonly side: "client" | "server";
  id: number | undefined;
  readonly link: GatewayLink;
  /** Its open virtual connections. */
  readonly circuits: Set<Circuit>;
  /** v1: ids that it was given and has not dialled with. The oldest is forgotten when there are too many. */
  readonly ids: Set<number>;
  /** Hears of every packet. */
  heard: () => void;
  /** Ends the watch over its silence. */
  stopWatch: () => void;
  isGone: boolean;
}

/** A virtual connection, open. */
export interface Circuit {
  readonly connId: number;
  readonly client: Peer;
  readonly server: Peer;
}

/** An endpoint that has not said anything. */
export function newPeer(side: Peer["side"], link: GatewayLink): Peer {
  return {
    side,
    id: undefined,
    link,
    circuits: new Set(),
    ids: new Set(),
    heard: () => {},
    stopWatch: () => {},
    isGone: false,
  };
}

/** The other end of a virtual connection; undefined for a stranger. */
export function otherEnd(circuit: Circuit, peer: Peer): Peer | undefined {
  if (circuit.client === peer) return circuit.server;
  return circuit.server === peer ? circuit.client : undefined;
}
