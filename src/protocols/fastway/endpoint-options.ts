import type { CancelSignal, CloseInfo } from "../../core/index.ts";
import type { Dialect } from "./commands.ts";
import type { VirtualConnection, VirtualOptions } from "./virtual-connection.ts";

/**
 * How an endpoint treats connections that the other side makes, and its gateway. Protocol, handlers and limits
 * are those of incoming connections. With a `message` or `open` handler they are served by it; else they wait
 * to be iterated.
 */
export interface EndpointOptions<In, Out = In, Context = undefined>
  extends VirtualOptions<In, Out, Context> {
  /**
   * Incoming connections that may wait to be iterated; more are closed at once. 0: none are wanted.
   * @defaultValue 128
   */
  readonly backlog?: number | undefined;

  /**
   * v2: how often the gateway is asked for a sign of life, in milliseconds; 0: never. It must be shorter than
   * the gateway's idle timeout (30 s unless told otherwise). In v1 the gateway asks.
   * @defaultValue 10 000
   */
  readonly pingInterval?: number | undefined;

  /**
   * v2: how long no byte may come after a ping, in milliseconds; then the connection is closed with `timeout`. 0: no limit.
   * @defaultValue 10 000
   */
  readonly pingTimeout?: number | undefined;
}

/** How to dial: protocol, handlers and limits of the connection, and how long to wait. */
export interface DialOptions<In, Out = In, Context = undefined>
  extends VirtualOptions<In, Out, Context> {
  /**
   * Longest time until the gateway has answered, in milliseconds; 0: no limit. fastway has no such limit of its
   * own: a connection that comes later is closed at once.
   * @defaultValue 10 000
   */
  readonly timeout?: number | undefined;

  /** Gives the dial up: its promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
}

/** One end of a link to a gateway: a client, or a server. */
export interface FastwayEndpoint<In = Uint8Array, Out = In, Context = undefined>
  extends AsyncIterable<VirtualConnection<In, Out, Context>, undefined> {
  /** Which fastway is spoken. */
  readonly dialect: Dialect;

  /** Longest message, in bytes, that a virtual connection can send: the link's `maxPacket` - 4. */
  readonly maxMessage: number;

  /** Virtual connections that are not over yet. */
  readonly size: number;

  /** How it ended, once it did; never rejected. */
  readonly closed: Promise<CloseInfo>;

  /**
   * Makes a connection with an endpoint of the other side. Any number of dials may be under way.
   *
   * @param remoteId - a server's id for a client; for a server the id that the gateway gave to a client
   * @param options - protocol, handlers and limits of the connection; `timeout`, `signal`
   * @returns the connection, open
   * @throws ProtocolError `refused` when there is nobody with this id, or too many connections; `timeout`;
   *   `closed` when the link is lost or closed; `overflow` when more arrived before the answer than is kept;
   *   the signal's reason. RangeError for a `timeout` that is none
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
   * The connections that the other side makes, as they come. Ends when the link does; throws when it ended by an
   * error.
   *
   * @throws TypeError where there is a `message` or `open` handler
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<VirtualConnection<In, Out, Context>, undefined>;
}
