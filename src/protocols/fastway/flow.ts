import type { EndpointCommand } from "./commands.ts";
import type { FastwayMessage } from "./fastway.ts";
import type { Circuit, Peer } from "./gateway-peer.ts";
import { compacted, costOf, type GatewayPacket } from "./held-packets.ts";

/** The parts of the router that its flow control calls. */
export interface FlowOwner {
  /** Handles a packet of a client that waited. Throws an error that closes the sender. */
  take(from: Peer, packet: FastwayMessage | EndpointCommand): void;
  /** Called when too much is held for this virtual connection. */
  overflow(circuit: Circuit): void;
  /** Called when everything held for this closing virtual connection has been sent. */
  flushed(circuit: Circuit): void;
}

// Limit for all virtual connections of one client, as a multiple of the limit for one.
const CLIENT = 3;

/**
 * Flow control of a gateway whose links are above their high-water marks.
 *
 * ```text
 *   client -> server   the client's packet stalls and its link is paused until the server's link has room
 *   server -> client   packets are held per virtual connection, each of which gets a turn when there is room;
 *                      one that holds more than `maxHeld` is closed
 * ```
 *
 * So clients do not add to a server's link above its high-water mark, and a client does not slow
 * down a server.
 */
export class Flow {
  readonly #owner: FlowOwner;
  readonly #maxHeld: number;
  /** Number of clients that wait for a server. */
  paused = 0;

  /** @param maxHeld - limit in bytes for one virtual connection */
  constructor(owner: FlowOwner, maxHeld: number) {
    this.#owner = owner;
    this.#maxHeld = maxHeld;
  }

  send(peer: Peer, packet: GatewayPacket): void {
    if (!peer.link.send(packet) && peer.link.state === "open") peer.isFull = true;
  }

  /** Called when the link has room again. */
  drained(peer: Peer): void {
    peer.isFull = false;
    for (const client of peer.blocked) {
      if (peer.isFull) return;
      this.release(client);
    }
    for (const circuit of peer.waiting) {
      if (peer.isFull) return;
      this.#sendOne(circuit);
    }
  }

  // ---- client to server

  /** Keeps a packet, and pauses its sender, until `to` has room. */
  stall(client: Peer, to: Peer, packet: FastwayMessage | EndpointCommand): void {
    const release = client.link.hold(costOf(packet));
    if (client.isGone) {
      release();
      return;
    }
    client.stalled = { to, packet: compacted(packet), release };
    to.blocked.add(client);
    this.paused++;
    client.link.pause();
  }

  /** Handles the stalled packet, and those after it. */
  release(client: Peer): void {
    const packet = this.#unstall(client);
    if (packet === undefined || client.isGone) return;
    try {
      this.#owner.take(client, packet);
    } catch (error) {
      client.link.failed(error);
      return;
    }
    if (client.stalled === undefined && !client.isGone) client.link.resume();
  }

  #unstall(client: Peer): FastwayMessage | EndpointCommand | undefined {
    const { stalled } = client;
    if (stalled === undefined) return undefined;
    client.stalled = undefined;
    stalled.to.blocked.delete(client);
    this.paused--;
    stalled.release();
    return stalled.packet;
  }

  // ---- server to client

  /** Sends a packet to the client of a virtual connection, or holds it. */
  deliver(circuit: Circuit, packet: GatewayPacket): void {
    const { client, held } = circuit;
    if (!client.isFull && held.size === 0) {
      this.send(client, packet);
      return;
    }
    const cost = costOf(packet);
    // A single packet may have any length that the protocol allows.
    if (held.size > 0 && held.cost + cost > this.#maxHeld) {
      this.#owner.overflow(circuit);
      return;
    }
    const release = client.link.hold(cost);
    if (client.isGone) {
      release();
      return;
    }
    held.add(compacted(packet), cost, release);
    client.held += cost;
    client.waiting.add(circuit);
    if (client.held > CLIENT * this.#maxHeld && client.waiting.size > 1) {
      const [largest] = Array.from(client.waiting).sort((a, b) => b.held.cost - a.held.cost);
      this.#owner.overflow(largest!);
    }
  }

  /** True if this client reads too slowly to accept more virtual connections. */
  isCrowded(client: Peer): boolean {
    return client.held >= (CLIENT - 1) * this.#maxHeld;
  }

  #sendOne(circuit: Circuit): void {
    const { client, held } = circuit;
    client.waiting.delete(circuit);
    const { cost } = held;
    const packet = held.take();
    client.held -= cost - held.cost;
    // Goes to the end of the queue.
    if (held.size > 0) client.waiting.add(circuit);
    this.send(client, packet);
    if (held.size === 0 && circuit.isClosing) this.#owner.flushed(circuit);
  }

  /** Sends everything held for a client whose link is about to be closed. */
  flush(client: Peer): void {
    for (const circuit of client.waiting) this.#sendOne(circuit);
  }

  /** Drops the packets held for a virtual connection. */
  drop(circuit: Circuit): void {
    const { client, held } = circuit;
    client.held -= held.cost;
    client.waiting.delete(circuit);
    held.clear();
  }

  /** Forgets an endpoint that has left, after its virtual connections. */
  remove(peer: Peer): void {
    this.#unstall(peer);
    for (const client of Array.from(peer.blocked)) this.release(client);
  }
}
