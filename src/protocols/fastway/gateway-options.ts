import type { Clock } from "../../core/index.ts";
import type { Dialect } from "./commands.ts";
import type { FastwayLink } from "./endpoint.ts";
import type { FastwayProtocol } from "./fastway.ts";

/** An endpoint of a gateway. */
export interface GatewayPeer {
  readonly side: "client" | "server";
  /** The number that the gateway gave to a client, or that a server told; undefined before that. */
  readonly id: number | undefined;
}

/** Options for a gateway. Times are in milliseconds. */
export interface GatewayOptions<D extends Dialect = Dialect> {
  /** The version of fastway that its endpoints speak. */
  readonly dialect: D;

  /**
   * Returns `count` random bytes that cannot be guessed, for challenges: `randomBytes` of `node:crypto`, or
   * `(count) => crypto.getRandomValues(new Uint8Array(count))`.
   */
  readonly random: (count: number) => Uint8Array;

  /**
   * The secret that servers must have; text is encoded as UTF-8.
   * @defaultValue empty: anyone may be a server
   */
  readonly key?: string | Uint8Array | undefined;

  /**
   * Largest Length field of a packet. An endpoint that sends more is closed.
   * @defaultValue 524288
   */
  readonly maxPacket?: number | undefined;

  /**
   * Most virtual connections of a client; then it cannot dial. 0: no limit. Servers may still dial it, as with the
   * reference.
   * @defaultValue 8 in v1, 16 in v2
   */
  readonly maxConn?: number | undefined;

  /**
   * Bytes of one virtual connection that may wait at the gateway for a client that reads slowly, beside what its link
   * holds. More close that connection. All connections of a client together hold at most three times as much: above it
   * the largest is closed. `maxQueued` of `listen` must be larger than that.
   * @defaultValue 2 MiB
   */
  readonly maxHeld?: number | undefined;

  /**
   * How long a client may send nothing; 0: no limit. Then v1 sends a ping, and closes the client after as long again; v2
   * closes it at once.
   * @defaultValue 30 000
   */
  readonly clientIdle?: number | undefined;

  /**
   * The same for servers.
   * @defaultValue 30 000
   */
  readonly serverIdle?: number | undefined;

  /**
   * How long a server may take to prove that it has the key; 0: no limit.
   * @defaultValue 3000 in v1, 5000 in v2
   */
  readonly authTimeout?: number | undefined;

  /**
   * Maximum concurrent handshakes; more servers are closed at once.
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
   * Called when an endpoint is gone, with an error if something went wrong. Without this handler what endpoints do wrong is
   * printed in one line, now and then.
   */
  readonly left?: ((peer: GatewayPeer, error?: unknown) => unknown) | undefined;

  /**
   * The clock of all times; it must be the clock of the links.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
}

/** Counters of a gateway at one moment. */
export interface GatewayCounters {
  /** Clients that are connected. */
  readonly clients: number;
  /** Servers that are connected and have proved that they have the key. */
  readonly servers: number;
  /** Servers that have not proved it yet. */
  readonly unproven: number;
  /** Virtual connections that are open. */
  readonly connections: number;
  /** Dials that were accepted so far. */
  readonly accepted: number;
  /** Dials that were refused so far. */
  readonly refused: number;
  /** Whole packets received so far, and their bytes. */
  readonly packetsIn: number;
  readonly bytesIn: number;
  /** Messages that were passed on so far, and the bytes of their packets. */
  readonly packetsOut: number;
  readonly bytesOut: number;
  /** Clients whose links are paused now, because a server reads more slowly than they send. */
  readonly paused: number;
  /** Virtual connections closed so far because their client read too slowly. */
  readonly overflows: number;
}

/** A gateway between clients and servers. */
export interface FastwayGateway<D extends Dialect = Dialect> {
  /** The protocol to listen with, on both ports. */
  readonly protocol: FastwayProtocol<D, "gateway">;

  /** Takes over the connection of a client; fits as the `open` handler of `listen`. */
  readonly client: (link: FastwayLink) => void;

  /** Takes over the connection of a server; fits as the `open` handler of `listen`. */
  readonly server: (link: FastwayLink) => void;

  /** A snapshot. */
  readonly counters: GatewayCounters;

  /** Closes all connections after what was sent to them; new ones are cut. */
  close(): void;
}
