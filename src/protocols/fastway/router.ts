import { ProtocolError } from "../../core/index.ts";
import { IdCounter } from "../../session/index.ts";
import type { Dialect, EndpointCommand, GatewayCommand } from "./commands.ts";
import type { FastwayMessage } from "./fastway.ts";
import { Flow, type FlowOwner } from "./flow.ts";
import { type Circuit, newCircuit, otherEnd, type Peer } from "./gateway-peer.ts";
import { HEADER } from "./packet.ts";

/** Options for a router. */
export interface RouterOptions {
  readonly dialect: Dialect;
  readonly maxConn: number;
  readonly firstClientId: number;
  readonly firstConnId: number;
  readonly maxHeld: number;
}

// Maximum ids of v1 that an endpoint requested and has not used.
const MOST_IDS = 4096;

/**
 * Endpoints, virtual connections and the routing of packets: everything in a gateway but handshake
 * and timers.
 *
 * ```text
 *   message    open, own        to the other end          dial     Accept, Connect (v1: Accept) to both, client first
 *              open, strangers' sender is closed                   or Refuse
 *              unknown          Close back to the sender  close    own: Close to both ends; else ignored
 * ```
 */
export class Router implements FlowOwner {
  readonly #options: RouterOptions;
  readonly #clients = new Map<number, Peer>();
  readonly #servers = new Map<number, Peer>();
  readonly #circuits = new Map<number, Circuit>();
  readonly #clientIds: IdCounter;
  readonly #connIds: IdCounter;
  readonly #flow: Flow;
  #serverCount = 0;
  #closing = 0;
  overflows = 0;
  accepted = 0;
  refused = 0;
  packetsIn = 0;
  bytesIn = 0;
  packetsOut = 0;
  bytesOut = 0;

  constructor(options: RouterOptions) {
    this.#options = options;
    const { firstClientId, firstConnId } = options;
    this.#clientIds = new IdCounter({
      first: firstClientId,
      isUsed: (id) => this.#clients.has(id),
    });
    this.#connIds = new IdCounter({ first: firstConnId, isUsed: (id) => this.#circuits.has(id) });
    this.#flow = new Flow(this, options.maxHeld);
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Counts servers whose id a newer one took over, too. */
  get servers(): number {
    return this.#serverCount;
  }

  get circuits(): number {
    return this.#circuits.size - this.#closing;
  }

  /** Number of clients that wait for a server whose link is above its high-water mark. */
  get paused(): number {
    return this.#flow.paused;
  }

  /** Adds a client, with an id that it is never sent. */
  addClient(peer: Peer): void {
    peer.id = this.#clientIds.next();
    this.#clients.set(peer.id, peer);
  }

  /** Adds a server. It receives all further dials of its id; an older one keeps its connections. */
  addServer(peer: Peer, id: number): void {
    peer.id = id;
    this.#servers.set(id, peer);
    this.#serverCount++;
  }

  /** Removes an endpoint, and reports it once to the other end of each of its connections. */
  remove(peer: Peer): void {
    if (peer.id !== undefined) {
      const table = peer.side === "client" ? this.#clients : this.#servers;
      // A newer server may have the id by now.
      if (table.get(peer.id) === peer) table.delete(peer.id);
      if (peer.side === "server") this.#serverCount--;
    }
    for (const circuit of Array.from(peer.circuits)) {
      const isTold = circuit.isClosing;
      if (peer === circuit.server) this.#serverLeft(circuit);
      else this.#forget(circuit);
      if (peer === circuit.client && !isTold) this.#tellClose(circuit.server, circuit.connId);
    }
    this.#flow.remove(peer);
  }

  /** Called when an endpoint's link has room again. */
  drained(peer: Peer): void {
    this.#flow.drained(peer);
  }

  /** Sends everything held for an endpoint whose link is about to be closed. */
  flush(peer: Peer): void {
    this.#flow.flush(peer);
  }

  /** Handles a packet of an endpoint. Throws an error that closes the sender. */
  take(from: Peer, packet: FastwayMessage | EndpointCommand): void {
    const to = from.side === "client" ? this.#receiver(from, packet) : undefined;
    if (to?.isFull) this.#flow.stall(from, to, packet);
    else this.#handle(from, packet);
  }

  /** Returns the server whose link a client's packet would add to. */
  #receiver(from: Peer, packet: FastwayMessage | EndpointCommand): Peer | undefined {
    if (packet.type === "dial") return this.#servers.get(packet.remoteId);
    if (packet.type !== "message") return undefined;
    const circuit = this.#circuits.get(packet.connId);
    return circuit?.client === from && !circuit.isClosing ? circuit.server : undefined;
  }

  #handle(from: Peer, value: FastwayMessage | EndpointCommand): void {
    this.packetsIn++;
    switch (value.type) {
      case "message":
        this.bytesIn += HEADER + value.message.length;
        this.#forward(from, value);
        return;
      case "new":
        this.#open(from);
        break;
      case "dial":
        this.#dial(from, value);
        break;
      case "close":
        this.#close(from, value.connId);
        break;
      case "ping":
        // In v1 it answers our ping.
        if (this.#options.dialect === "v2") this.#flow.send(from, value);
    }
    this.bytesIn += HEADER + 1 + 4 * (Object.keys(value).length - 1);
  }

  #forward(from: Peer, value: FastwayMessage): void {
    const circuit = this.#circuits.get(value.connId);
    if (circuit === undefined || (circuit.isClosing && from === circuit.server)) {
      // It may have crossed a Close, so its sender is not disconnected. That Close may wait on a
      // full link, and one reply per message would fill it further.
      if (!from.isFull) this.#tellClose(from, value.connId);
      return;
    }
    const to = otherEnd(circuit, from);
    if (to === undefined) {
      throw new ProtocolError(
        "malformed",
        `message on another endpoint's connection ${value.connId}`,
      );
    }
    // Its Close follows the held packets.
    if (circuit.isClosing) return;
    this.packetsOut++;
    this.bytesOut += HEADER + value.message.length;
    if (to === circuit.client) this.#flow.deliver(circuit, value);
    else this.#flow.send(to, value);
  }

  /** v1: gives out an id for a later dial. */
  #open(from: Peer): void {
    const connId = this.#connIds.next();
    from.ids.add(connId);
    if (from.ids.size > MOST_IDS) {
      const [oldest] = from.ids;
      from.ids.delete(oldest!);
    }
    this.#flow.send(from, { type: "open", connId });
  }

  #dial(from: Peer, value: EndpointCommand & { type: "dial" }): void {
    const { remoteId } = value;
    const remote = (from.side === "client" ? this.#servers : this.#clients).get(remoteId);
    const isCrowded =
      from.side === "server" && remote !== undefined && this.#flow.isCrowded(remote);
    const isReachable = remote?.link.state === "open" && !isCrowded;
    const { maxConn } = this.#options;
    const isFull = from.side === "client" && maxConn > 0 && from.circuits.size >= maxConn;
    if ("connId" in value) {
      const { connId } = value;
      const isOwn = from.ids.delete(connId) && !this.#circuits.has(connId);
      if (isOwn && isReachable && !isFull) this.#connect(from, remote, connId);
      else this.#refuse(from, { type: "refuse", connId });
    } else if (!isReachable) {
      this.#refuse(from, { type: "refuse", remoteId });
    } else {
      // As in the reference: reaching the limit uses up an id, an unknown remote end does not.
      const connId = this.#connIds.next();
      if (isFull) this.#refuse(from, { type: "refuse", remoteId });
      else this.#connect(from, remote, connId);
    }
  }

  #refuse(from: Peer, refusal: GatewayCommand): void {
    this.refused++;
    this.#flow.send(from, refusal);
  }

  #connect(from: Peer, remote: Peer, connId: number): void {
    this.accepted++;
    const [client, server] = from.side === "client" ? [from, remote] : [remote, from];
    const circuit = newCircuit(connId, client, server);
    this.#circuits.set(connId, circuit);
    client.circuits.add(circuit);
    server.circuits.add(circuit);
    this.#announce(circuit, from, client, server);
    if (this.#circuits.get(connId) === circuit) {
      this.#announce(circuit, from, server, client);
    } else if (from === server) {
      // The Accept overflowed a client that does not read: it is gone, and the connection with it.
      const isV1 = this.#options.dialect === "v1";
      this.#refuse(from, { type: "refuse", ...(isV1 ? { connId } : { remoteId: client.id! }) });
    }
  }

  #announce(circuit: Circuit, from: Peer, peer: Peer, other: Peer): void {
    const type = peer === from || this.#options.dialect === "v1" ? "accept" : "connect";
    const packet = { type, connId: circuit.connId, remoteId: other.id! } as const;
    // A server must not fill a client's link.
    if (peer === circuit.client && peer !== from) this.#flow.deliver(circuit, packet);
    else this.#flow.send(peer, packet);
  }

  #close(from: Peer, connId: number): void {
    const circuit = this.#circuits.get(connId);
    // Only an end of a connection may close it.
    if (circuit === undefined || otherEnd(circuit, from) === undefined) return;
    if (from === circuit.client) {
      const isTold = circuit.isClosing;
      this.#forget(circuit);
      this.#tellClose(circuit.client, connId);
      if (!isTold) this.#tellClose(circuit.server, connId);
    } else if (!circuit.isClosing) {
      this.#serverLeft(circuit);
      this.#tellClose(from, connId);
    }
  }

  /** The server's side has ended: the client receives the Close after the held packets. */
  #serverLeft(circuit: Circuit): void {
    circuit.server.circuits.delete(circuit);
    if (circuit.held.size > 0) {
      circuit.isClosing = true;
      this.#closing++;
    } else {
      this.#forget(circuit);
      this.#tellClose(circuit.client, circuit.connId);
    }
    this.#wake(circuit);
  }

  /** The last packet held for a closing connection was sent. */
  flushed(circuit: Circuit): void {
    this.#forget(circuit);
    this.#tellClose(circuit.client, circuit.connId);
  }

  /** Closes this connection, because the client reads too slowly. */
  overflow(circuit: Circuit): void {
    const isTold = circuit.isClosing;
    this.overflows++;
    this.#forget(circuit);
    this.#tellClose(circuit.client, circuit.connId);
    if (!isTold) this.#tellClose(circuit.server, circuit.connId);
    this.#wake(circuit);
  }

  /** Wakes a client whose stalled packet is for a connection that has ended. */
  #wake({ connId, client }: Circuit): void {
    const packet = client.stalled?.packet;
    if (packet?.type === "message" && packet.connId === connId) this.#flow.release(client);
  }

  #forget(circuit: Circuit): void {
    if (circuit.isClosing) this.#closing--;
    circuit.isClosing = false;
    this.#flow.drop(circuit);
    this.#circuits.delete(circuit.connId);
    circuit.client.circuits.delete(circuit);
    circuit.server.circuits.delete(circuit);
  }

  #tellClose(peer: Peer, connId: number): void {
    this.#flow.send(peer, { type: "close", connId });
  }
}
