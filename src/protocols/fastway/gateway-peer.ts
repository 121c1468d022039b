import type { Connection } from "../../core/index.ts";
import type { EndpointCommand, GatewayCommand } from "./commands.ts";
import type { FastwayMessage } from "./fastway.ts";
import { HeldPackets } from "./held-packets.ts";

/** The gateway's end of an endpoint's link. */
export type GatewayLink = Connection<
  FastwayMessage | GatewayCommand,
  FastwayMessage | EndpointCommand,
  unknown
>;

/** State of one endpoint in its gateway. */
export interface Peer {
  readonly side: "client" | "server";
  id: number | undefined;
  readonly link: GatewayLink;
  /** Its open virtual connections; for a client also those whose last packets are held. */
  readonly circuits: Set<Circuit>;
  /**
   * v1: ids that it was given and has not used. The oldest is forgotten when there are too many.
   */
  readonly ids: Set<number>;
  /** True if its link is above the high-water mark. */
  isFull: boolean;
  /**
   * For a client: the packet that waits for room on a server's link; its own link is paused
   * meanwhile.
   */
  stalled: Stalled | undefined;
  /** For a server: clients with a packet that waits for room, in order. */
  readonly blocked: Set<Peer>;
  /** For a client: virtual connections with held packets, in turn. */
  readonly waiting: Set<Circuit>;
  /** For a client: bytes that are held for it. */
  held: number;
  /** For a server: stops the time limit for its handshake. */
  stopLimit: () => void;
  isGone: boolean;
}

/** A client's packet that waits for room on a server's link. */
interface Stalled {
  readonly to: Peer;
  readonly packet: FastwayMessage | EndpointCommand;
  readonly release: () => void;
}

/**
 * A virtual connection, open, or closing: the server's side has ended, and packets to the client
 * are held.
 */
export interface Circuit {
  readonly connId: number;
  readonly client: Peer;
  readonly server: Peer;
  /** Packets that wait for room on the client's link. */
  readonly held: HeldPackets;
  isClosing: boolean;
}

/** Creates the state of a new endpoint. */
export function newPeer(side: Peer["side"], link: GatewayLink): Peer {
  return {
    side,
    id: undefined,
    link,
    circuits: new Set(),
    ids: new Set(),
    isFull: false,
    stalled: undefined,
    blocked: new Set(),
    waiting: new Set(),
    held: 0,
    stopLimit: () => {},
    isGone: false,
  };
}

/** Creates a virtual connection. */
export function newCircuit(connId: number, client: Peer, server: Peer): Circuit {
  return { connId, client, server, held: new HeldPackets(), isClosing: false };
}

/** Returns the other end of a virtual connection; undefined if `peer` is not an end of it. */
export function otherEnd(circuit: Circuit, peer: Peer): Peer | undefined {
  if (circuit.client === peer) return circuit.server;
  return circuit.server === peer ? circuit.client : undefined;
}
