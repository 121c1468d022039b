import type { CancelSignal, CloseInfo } from "../../core/index.ts";
import type { Dialect } from "./commands.ts";
import type { VirtualConnection, VirtualOptions } from "./virtual-connection.ts";

/**
 * Options for an endpoint. Protocol, handlers and limits are for connections that the other side makes: a `message` or
 * `open` handler serves them, otherwise they wait to be iterated.
 */
export interface EndpointOptions<In, Out = In, Context = undefined>
  extends VirtualOptions<In, Out, Context> {
  /**
   * Most incoming connections that may wait to be iterated; more are closed at once. 0 takes none.
   * @defaultValue 128
   */
  readonly backlog?: number | undefined;

  /**
   * v2: time between pings to the gateway, in milliseconds; 0 sends none. It must be shorter than the gateway's idle
   * timeout, 30 s by default. In v1 the gateway sends the pings.
   * @defaultValue 10 000
   */
  readonly pingInterval?: number | undefined;

  /**
   * v2: how long no byte may come after a ping, in milliseconds; then the connection is closed with `timeout`. 0: no limit.
   * @defaultValue 10 000
   */
  readonly pingTimeout?: number | undefined;
}

/** Options for one dial: protocol, handlers and limits of the connection, `timeout` and `signal`. */
export interface DialOptions<In, Out = In, Context = undefined>
  extends VirtualOptions<In, Out, Context> {
  /**
   * How long the gateway may take to answer, in milliseconds; 0: no limit. fastway itself has no such limit: a connection
   * that is accepted later is closed at once.
   * @defaultValue 10 000
   */
  readonly timeout?: number | undefined;

  /** Gives the dial up: its promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
}

/** One end of a link to a gateway: a client, or a server. */
export interface FastwayEndpoint<In = Uint8Array, Out = In, Context = undefined>
  extends AsyncIterable<VirtualConnection<In, Out, Context>, undefined> {
  /** The version of fastway. */
  readonly dialect: Dialect;

  /** Longest message, in bytes, that a virtual connection can send: the link's `maxPacket` - 4. */
  readonly maxMessage: number;

  /** Number of virtual connections that are not over. */
  readonly size: number;

  /** Resolves when the link is over, with how it ended. Never rejects. */
  readonly closed: Promise<CloseInfo>;

  /**
   * Opens a connection to an endpoint of the other side. Any number of dials may be pending.
   *
   * @param remoteId - for a client, the id of a server; for a server, the id that the gateway gave to a client
   * @param options - protocol, handlers and limits of the connection; `timeout`, `signal`
   * @returns the connection, open
   * @throws ProtocolError `refused` if no endpoint has this id, or there are too many connections; `timeout`; `closed` if
   *   the link is lost or closed; `overflow` if more arrived before the answer than is kept; the signal's reason;
   *   RangeError for an invalid `timeout`
   */
  dial<DialIn = Uint8Array, DialOut = DialIn, DialContext = undefined>(
    remoteId: number,
    options?: DialOptions<DialIn, DialOut, DialContext>,
  ): Promise<VirtualConnection<DialIn, DialOut, DialContext>>;

  /** Closes all virtual connections, sends what is unsent, then ends the link. */
  close(): void;

  /** Ends the link at once. */
  abort(error?: unknown): void;

  /**
   * Iterates connections that the other side makes. Ends when the link ends; throws if it ended with an error.
   *
   * @throws TypeError if there is a `message` or `open` handler
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<VirtualConnection<In, Out, Context>, undefined>;
}
