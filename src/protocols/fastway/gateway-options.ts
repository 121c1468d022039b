import type { Clock } from "../../core/index.ts";
import type { Dialect } from "./commands.ts";
import type { FastwayLink } from "./endpoint.ts";
import type { FastwayProtocol } from "./fastway.ts";

/** An endpoint of a gateway. */
export interface GatewayPeer {
  readonly side: "client" | "server";
  /** Id that the gateway gave to a client, or that a server announced; undefined before that. */
  readonly id: number | undefined;
}

/** Options for a gateway. Times are in milliseconds. */
export interface GatewayOptions<D extends Dialect = Dialect> {
  /** Version of fastway that its endpoints speak. */
  readonly dialect: D;

  /**
   * Returns `count` random bytes that cannot be guessed, for challenges: `randomBytes` of `node:crypto`, or
   * `(count) => crypto.getRandomValues(new Uint8Array(count))`.
   */
  readonly random: (count: number) => Uint8Array;

  /**
   * Secret that servers must have; text is encoded as UTF-8.
   * @defaultValue empty: any peer may be a server
   */
  readonly key?: string | Uint8Array | undefined;

  /**
   * Largest Length field of a packet, in bytes. An endpoint that sends a larger one is
   * disconnected.
   * @defaultValue 524288
   */
  readonly maxPacket?: number | undefined;

  /**
   * Maximum virtual connections of a client; above it, the client cannot dial. 0 for no limit.
   * Servers may still dial it, as in the reference.
   * @defaultValue 8 in v1, 16 in v2
   */
  readonly maxConn?: number | undefined;

  /**
   * Maximum bytes of one virtual connection that wait at the gateway for a slow client, in addition
   * to its link's queue. Above it, that connection is closed. All connections of a client together
   * hold at most three times as much; above that, the largest is closed. `maxQueued` of `listen`
   * must be larger than that.
   * @defaultValue 2 MiB
   */
  readonly maxHeld?: number | undefined;

  /**
   * Maximum time in which a client sends nothing; 0 for no limit. After it, v1 sends a ping, and
   * disconnects the client after the same time again; v2 disconnects it at once.
   * @defaultValue 30 000
   */
  readonly clientIdle?: number | undefined;

  /**
   * Like `clientIdle`, for servers.
   * @defaultValue 30 000
   */
  readonly serverIdle?: number | undefined;

  /**
   * Time limit for a server to prove that it has the key; 0 for no limit.
   * @defaultValue 3000 in v1, 5000 in v2
   */
  readonly authTimeout?: number | undefined;

  /**
   * Maximum concurrent handshakes; further servers are disconnected at once.
   * @defaultValue 1024
   */
  readonly maxUnproven?: number | undefined;

  /**
   * The first client id.
   * @defaultValue 1
   */
  readonly firstClientId?: number | undefined;

  /**
   * The first id of a virtual connection.
   * @defaultValue 1
   */
  readonly firstConnId?: number | undefined;

  /**
   * Called when an endpoint has left, with an error if something went wrong. Without this handler,
   * errors of endpoints are printed as one line now and then.
   */
  readonly left?: ((peer: GatewayPeer, error?: unknown) => unknown) | undefined;

  /**
   * Clock for all times; must be the clock of the links.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
}

/** Counters of a gateway. */
export interface GatewayCounters {
  /** Connected clients. */
  readonly clients: number;
  /** Connected servers that have proved that they have the key. */
  readonly servers: number;
  /** Connected servers that have not proved it yet. */
  readonly unproven: number;
  /** Open virtual connections. */
  readonly connections: number;
  /** Accepted dials so far. */
  readonly accepted: number;
  /** Refused dials so far. */
  readonly refused: number;
  /** Packets received so far, and their bytes. */
  readonly packetsIn: number;
  readonly bytesIn: number;
  /** Messages forwarded so far, and the bytes of their packets. */
  readonly packetsOut: number;
  readonly bytesOut: number;
  /** Clients whose links are paused now, because a server reads too slowly. */
  readonly paused: number;
  /** Virtual connections closed so far, because their client read too slowly. */
  readonly overflows: number;
}

/** A gateway between clients and servers. */
export interface FastwayGateway<D extends Dialect = Dialect> {
  /** Protocol to listen with, on both ports. */
  readonly protocol: FastwayProtocol<D, "gateway">;

  /** Takes over the connection of a client; fits as the `open` handler of `listen`. */
  readonly client: (link: FastwayLink) => void;

  /** Takes over the connection of a server; fits as the `open` handler of `listen`. */
  readonly server: (link: FastwayLink) => void;

  /** A snapshot of the counters. */
  readonly counters: GatewayCounters;

  /**
   * Closes all connections after what is queued for them was sent; later ones are closed at once.
   */
  close(): void;
}
