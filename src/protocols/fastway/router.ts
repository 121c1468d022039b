import { ProtocolError } from "../../core/index.ts";
import type { Dialect, EndpointCommand, GatewayCommand } from "./commands.ts";
import type { FastwayMessage } from "./fastway.ts";
import { type Circuit, otherEnd, type Peer } from "./gateway-peer.ts";
import { IdCounter } from "./id-counter.ts";
import { HEADER } from "./packet.ts";

/** Options for a router. */
export interface RouterOptions {
  readonly dialect: Dialect;
  readonly maxConn: number;
  readonly firstClientId: number;
  readonly firstConnId: number;
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
export class Router {
  readonly #options: RouterOptions;
  readonly #clients = new Map<number, Peer>();
  readonly #servers = new Map<number, Peer>();
  readonly #circuits = new Map<number, Circuit>();
  readonly #clientIds: IdCounter;
  readonly #connIds: IdCounter;
  #serverCount = 0;
  accepted = 0;
  refused = 0;
  packetsIn = 0;
  bytesIn = 0;
  packetsOut = 0;
  bytesOut = 0;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#clientIds = new IdCounter(options.firstClientId, (id) => this.#clients.has(id));
    this.#connIds = new IdCounter(options.firstConnId, (id) => this.#circuits.has(id));
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Also those whose id a newer one has. */
  get servers(): number {
    return this.#serverCount;
  }

  get circuits(): number {
    return this.#circuits.size;
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
    for (const circuit of [...peer.circuits]) {
      this.#forget(circuit);
      tell(otherEnd(circuit, peer)!, { type: "close", connId: circuit.connId });
    }
  }

  /** A packet of an endpoint. Throws what closes its sender. */
  take(from: Peer, value: FastwayMessage | EndpointCommand): void {
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
        if (this.#options.dialect === "v2") tell(from, value);
    }
    this.bytesIn += HEADER + 1 + 4 * (Object.keys(value).length - 1);
  }

  #forward(from: Peer, value: FastwayMessage): void {
    const circuit = this.#circuits.get(value.connId);
    if (circuit === undefined) {
      // It may have crossed a Close: no reason to throw anybody out.
      tell(from, { type: "close", connId: value.connId });
      return;
    }
    const to = otherEnd(circuit, from);
    if (to === undefined) {
      throw new ProtocolError("malformed", `message on connection ${value.connId} of others`);
    }
    this.packetsOut++;
    this.bytesOut += HEADER + value.message.length;
    to.link.send(value);
  }

  /** v1: an id for a dial to come. */
  #open(from: Peer): void {
    const connId = this.#connIds.next();
    from.ids.add(connId);
    if (from.ids.size > MOST_IDS) {
      const [oldest] = from.ids;
      from.ids.delete(oldest!);
    }
    tell(from, { type: "open", connId });
  }

  #dial(from: Peer, value: EndpointCommand & { type: "dial" }): void {
    const { remoteId } = value;
    const remote = (from.side === "client" ? this.#servers : this.#clients).get(remoteId);
    const isReachable = remote?.link.state === "open";
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
    tell(from, refusal);
  }

  #connect(from: Peer, remote: Peer, connId: number): void {
    this.accepted++;
    const [client, server] = from.side === "client" ? [from, remote] : [remote, from];
    const circuit: Circuit = { connId, client, server };
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

  #announce({ connId }: Circuit, from: Peer, peer: Peer, other: Peer): void {
    const type = peer === from || this.#options.dialect === "v1" ? "accept" : "connect";
    tell(peer, { type, connId, remoteId: other.id! });
  }

  #close(from: Peer, connId: number): void {
    const circuit = this.#circuits.get(connId);
    // A stranger's Close is a guess at best.
    if (circuit === undefined || otherEnd(circuit, from) === undefined) return;
    this.#forget(circuit);
    tell(circuit.client, { type: "close", connId });
    tell(circuit.server, { type: "close", connId });
  }

  #forget(circuit: Circuit): void {
    this.#circuits.delete(circuit.connId);
    circuit.client.circuits.delete(circuit);
    circuit.server.circuits.delete(circuit);
  }
}

function tell(peer: Peer, command: GatewayCommand): void {
  peer.link.send(command);
}
