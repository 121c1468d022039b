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

// Ids of v1 that an endpoint may have asked for and not used.
const MOST_IDS = 4096;

/**
 * Who is there, who is connected with whom, and what becomes of a packet: all of a gateway but handshake and
 * time.
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

  /** Also those whose id a newer one has. */
  get servers(): number {
    return this.#serverCount;
  }

  get circuits(): number {
    return this.#circuits.size - this.#closing;
  }

  /** Clients that wait for a server whose link is above its high-water mark. */
  get paused(): number {
    return this.#flow.paused;
  }

  /** A client is there: it gets an id, which it is never told. */
  addClient(peer: Peer): void {
    peer.id = this.#clientIds.next();
    this.#clients.set(peer.id, peer);
  }

  /** A server is there. Dials of its id are its from now on; an older one keeps what it has. */
  addServer(peer: Peer, id: number): void {
    peer.id = id;
    this.#servers.set(id, peer);
    this.#serverCount++;
  }

  /** An endpoint is gone: the other ends of its connections are told, once each. */
  remove(peer: Peer): void {
    if (peer.id !== undefined) {
      const table = peer.side === "client" ? this.#clients : this.#servers;
      // The id may be a newer server's by now.
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

  /** The link of an endpoint has room again. */
  drained(peer: Peer): void {
    this.#flow.drained(peer);
  }

  /** The link of an endpoint is about to be closed: what is held for it goes out first. */
  flush(peer: Peer): void {
    this.#flow.flush(peer);
  }

  /** A packet of an endpoint. Throws what closes its sender. */
  take(from: Peer, packet: FastwayMessage | EndpointCommand): void {
    const to = from.side === "client" ? this.#receiver(from, packet) : undefined;
    if (to?.isFull) this.#flow.stall(from, to, packet);
    else this.#handle(from, packet);
  }

  /** The server that a client's packet adds to the link of. */
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
        // In v1 it is the answer to ours.
        if (this.#options.dialect === "v2") this.#flow.send(from, value);
    }
    this.bytesIn += HEADER + 1 + 4 * (Object.keys(value).length - 1);
  }

  #forward(from: Peer, value: FastwayMessage): void {
    const circuit = this.#circuits.get(value.connId);
    if (circuit === undefined || (circuit.isClosing && from === circuit.server)) {
      // It may have crossed a Close: no reason to throw anybody out. That Close may wait on a full link, and one for
      // each message would make it fuller.
      if (!from.isFull) this.#tellClose(from, value.connId);
      return;
    }
    const to = otherEnd(circuit, from);
    if (to === undefined) {
      throw new ProtocolError("malformed", `message on connection ${value.connId} of others`);
    }
    // Its Close follows what is held.
    if (circuit.isClosing) return;
    this.packetsOut++;
    this.bytesOut += HEADER + value.message.length;
    if (to === circuit.client) this.#flow.deliver(circuit, value);
    else this.#flow.send(to, value);
  }

  /** v1: an id for a dial to come. */
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
      // As the reference does: the limit costs an id, an unknown remote end does not.
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
      // Being told was too much for a client that does not read: it is gone, and the connection with it.
      const isV1 = this.#options.dialect === "v1";
      this.#refuse(from, { type: "refuse", ...(isV1 ? { connId } : { remoteId: client.id! }) });
    }
  }

  #announce(circuit: Circuit, from: Peer, peer: Peer, other: Peer): void {
    const type = peer === from || this.#options.dialect === "v1" ? "accept" : "connect";
    const packet = { type, connId: circuit.connId, remoteId: other.id! } as const;
    // What a server does must not fill the link of a client.
    if (peer === circuit.client && peer !== from) this.#flow.deliver(circuit, packet);
    else this.#flow.send(peer, packet);
  }

  #close(from: Peer, connId: number): void {
    const circuit = this.#circuits.get(connId);
    // A stranger's Close is a guess at best.
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

  /** The server's side is over: the client is told once it was sent what is held. */
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

  /** The last packet that was held for a closing connection was sent. */
  flushed(circuit: Circuit): void {
    this.#forget(circuit);
    this.#tellClose(circuit.client, circuit.connId);
  }

  /** A client reads too slowly: it loses this connection. */
  overflow(circuit: Circuit): void {
    const isTold = circuit.isClosing;
    this.overflows++;
    this.#forget(circuit);
    this.#tellClose(circuit.client, circuit.connId);
    if (!isTold) this.#tellClose(circuit.server, circuit.connId);
    this.#wake(circuit);
  }

  /** The client may wait to send a message on a connection that is over, for which it need not. */
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
