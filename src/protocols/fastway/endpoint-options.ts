import type { CancelSignal, CloseInfo } from "../../core/index.ts";
import type { Dialect } from "./commands.ts";
import type { VirtualConnection, VirtualOptions } from "./virtual-connection.ts";

/**
 * Options for an endpoint. Protocol, handlers and limits apply to incoming connections. A `message`
 * or `open` handler serves them; without one, iterate the endpoint.
 */
export interface EndpointOptions<In, Out = In, Context = undefined>
  extends VirtualOptions<In, Out, Context> {
  /**
   * Maximum incoming connections that wait to be iterated; further ones are closed at once. 0
   * accepts none.
   * @defaultValue 128
   */
  readonly backlog?: number | undefined;

  /**
   * v2: time between pings to the gateway, in milliseconds; 0 sends none. Must be shorter than the
   * gateway's idle timeout, 30 s by default. In v1 the gateway sends the pings.
   * @defaultValue 10 000
   */
  readonly pingInterval?: number | undefined;

  /**
   * v2: time limit for a byte to arrive after a ping, in milliseconds; after it the connection is
   * closed with `timeout`. 0 for no limit.
   * @defaultValue 10 000
   */
  readonly pingTimeout?: number | undefined;
}

/** Options for one dial: protocol, handlers and limits of the connection, `timeout` and `signal`. */
export interface DialOptions<In, Out = In, Context = undefined>
  extends VirtualOptions<In, Out, Context> {
  /**
   * Time limit for the gateway's answer, in milliseconds; 0 for no limit. A connection that is
   * accepted later is closed at once.
   * @defaultValue 10 000
   */
  readonly timeout?: number | undefined;

  /** Aborts the dial: its promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
}

/** One end of a link to a gateway: a client, or a server. */
export interface FastwayEndpoint<In = Uint8Array, Out = In, Context = undefined>
  extends AsyncIterable<VirtualConnection<In, Out, Context>, undefined> {
  /** Version of fastway. */
  readonly dialect: Dialect;

  /** Longest message, in bytes, that a virtual connection can send: the link's `maxPacket` - 4. */
  readonly maxMessage: number;

  /** Number of virtual connections that have not ended. */
  readonly size: number;

  /** Resolves when the link has ended, with the reason. Never rejects. */
  readonly closed: Promise<CloseInfo>;

  /**
   * Opens a connection to an endpoint of the other side. Any number of dials may be pending.
   *
   * @param remoteId - for a client, the id of a server; for a server, the id that the gateway gave
   *   to a client
   * @param options - protocol, handlers and limits of the connection; `timeout`, `signal`
   * @returns the open connection
   * @throws ProtocolError `refused` if no endpoint has this id or there are too many connections;
   *   `timeout`; `closed` if the link is lost or closed; `overflow` if too much arrived before the
   *   answer; the signal's reason; RangeError for an invalid `timeout`
   */
  dial<DialIn = Uint8Array, DialOut = DialIn, DialContext = undefined>(
    remoteId: number,
    options?: DialOptions<DialIn, DialOut, DialContext>,
  ): Promise<VirtualConnection<DialIn, DialOut, DialContext>>;

  /** Closes all virtual connections, sends what is queued, then closes the link. */
  close(): void;

  /** Closes the link at once, without sending what is queued. */
  abort(error?: unknown): void;

  /**
   * Iterates incoming connections. Ends when the link ends; throws if it ended with an error.
   *
   * @throws TypeError if there is a `message` or `open` handler
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<VirtualConnection<In, Out, Context>, undefined>;
}
