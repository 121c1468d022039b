import type { Clock } from "../../core/index.ts";
import type { Dialect } from "./commands.ts";
import type { FastwayLink } from "./endpoint.ts";
import type { FastwayProtocol } from "./fastway.ts";

/** An endpoint of a gateway. */
export interface GatewayPeer {
  readonly side: "client" | "server";
  /** Clients are numbered by the gateway, servers say theirs; undefined before that. */
  readonly id: number | undefined;
}

/** How a gateway works. Times are in milliseconds. */
export interface GatewayOptions<D extends Dialect = Dialect> {
  /** Which fastway its endpoints speak. */
  readonly dialect: D;

  /**
   * Random bytes, so many: `randomBytes` of `node:crypto`, or
   * `(count) => crypto.getRandomValues(new Uint8Array(count))`. Challenges must not be guessable.
   */
  readonly random: (count: number) => Uint8Array;

  /**
   * The secret that servers must have; text is taken as UTF-8.
   * @defaultValue empty: everybody may be a server
   */
  readonly key?: string | Uint8Array | undefined;

  /**
   * Largest Length field of a packet. Whoever sends more is closed.
   * @defaultValue 524288
   */
  readonly maxPacket?: number | undefined;

  /**
   * A client that has so many virtual connections cannot dial any more; 0: no limit. Servers may still dial it,
   * as with the reference.
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
   * How long a client may send nothing. v1: it is asked for a sign of life then, and closed after as long again; v2:
   * it is closed. 0: no limit.
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
   * Servers that may be at it at a time; more are closed at once.
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
   * An endpoint is gone; `error` says why, if something went wrong. Without this handler what endpoints do wrong is
   * printed in one line, now and then.
   */
  readonly left?: ((peer: GatewayPeer, error?: unknown) => unknown) | undefined;

  /**
   * Where the times come from; it must be the clock of the links.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
}

/** What a gateway has done, and holds, at one moment. */
export interface GatewayCounters {
  /** Clients that are connected. */
  readonly clients: number;
  /** Servers that are connected and have proved themselves. */
  readonly servers: number;
  /** Servers that have not yet. */
  readonly unproven: number;
  /** Virtual connections that are open. */
  readonly connections: number;
  /** Dials that were accepted, ever. */
  readonly accepted: number;
  /** Dials that were refused, ever. */
  readonly refused: number;
  /** Whole packets that came, ever, and their bytes. */
  readonly packetsIn: number;
  readonly bytesIn: number;
  /** Messages that were passed on, ever, and the bytes of their packets. */
  readonly packetsOut: number;
  readonly bytesOut: number;
  /** Clients whose links are paused now, because a server reads more slowly than they send. */
  readonly paused: number;
  /** Virtual connections that were closed because their client read too slowly, ever. */
  readonly overflows: number;
}

/** A gateway between clients and servers. */
export interface FastwayGateway<D extends Dialect = Dialect> {
  /** What to listen with, on both ports. */
  readonly protocol: FastwayProtocol<D, "gateway">;

  /** Takes over the connection of a client; fits as the `open` handler of `listen`. */
  readonly client: (link: FastwayLink) => void;

  /** Takes over the connection of a server; fits as the `open` handler of `listen`. */
  readonly server: (link: FastwayLink) => void;

  /** A snapshot. */
  readonly counters: GatewayCounters;

  /** Closes all connections, what was sent to them going out first; new ones are cut. */
  close(): void;
}
