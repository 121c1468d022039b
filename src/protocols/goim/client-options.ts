import type {
  CancelSignal,
  Clock,
  Connection,
  Handlers,
  MessageProtocol,
  Protocol,
} from "../../core/index.ts";
import type { Backoff } from "./backoff.ts";
import type { GoimClient } from "./client.ts";
import type { Dialect, Replies } from "./dialect.ts";
import type { Packet, PacketToSend } from "./packet.ts";

/** The protocol of a session that carries bytes. */
export type BinaryProtocol<Body> = Protocol<PacketToSend<Body>, Packet<Body>>;

/** What protocol a session can speak: `goim()` or `goimJson()`. */
export type SessionProtocol<Body> = MessageProtocol<PacketToSend<Body>, Packet<Body>>;

/** A connection that carries a client's session. */
export type SessionConnection<Body> = Connection<PacketToSend<Body>, Packet<Body>>;

/** What a session gives to the connection that it asks for. */
export interface SessionHandlers<Body> extends Handlers<PacketToSend<Body>, Packet<Body>> {
  /**
   * Calls the attempt off: it took too long, or the client was closed. As the option of that name of `connect`; of no
   * use where `connect` answers with a connection at once, which the session then cuts itself.
   */
  readonly signal: CancelSignal;
}

/** Why the connection is gone, and when the next attempt comes. */
export interface Retry {
  /** Attempts that failed in a row, this one included; a connection that was open counts as the first. */
  readonly failures: number;
  /** Milliseconds until the next attempt. */
  readonly delay: number;
  /**
   * What went wrong: a ProtocolError (`refused`: closed instead of being welcomed, as a server does that refuses the
   * token; `timeout`; `closed`), or the transport's error.
   */
  readonly error: unknown;
}

/**
 * What a user wants to hear of a client. Each is called with the client first. One that throws, or whose promise is rejected,
 * ends the connection (`error`), save where it waited for a request that failed with its connection.
 */
export interface GoimClientHandlers<Body> {
  /**
   * The server has accepted the token; called again after each reconnect. What the token does not say (a room, more
   * operations) is to be asked for here.
   */
  readonly open?: ((client: GoimClient<Body>) => unknown) | undefined;
  /** A push came, or any other packet that answers no request. Pushes come in order. */
  readonly push?: ((client: GoimClient<Body>, packet: Packet<Body>) => unknown) | undefined;
  /** A heartbeat was answered with how many are online in the room (v2). */
  readonly online?: ((client: GoimClient<Body>, count: number) => unknown) | undefined;
  /** The connection failed, and will be tried again: unless this answers false, which closes the client. */
  readonly retry?: ((client: GoimClient<Body>, retry: Retry) => unknown) | undefined;
  /** It is over: with an error where the client gave up, without where `close` was called. */
  readonly close?: ((client: GoimClient<Body>, error?: unknown) => unknown) | undefined;
  /** As `error` of a connection: the peer broke the protocol, the transport failed, or a handler threw. */
  readonly error?: ((client: GoimClient<Body>, error: unknown) => unknown) | undefined;
}

/** What a client needs to know. Times are in milliseconds. */
export interface GoimClientOptions<Body, P = BinaryProtocol<Body>>
  extends GoimClientHandlers<Body> {
  /**
   * Opens a connection, with any transport: called at once, and again after each failure. It must give `handlers`
   * on as they are.
   *
   * @param protocol - what to speak
   * @param handlers - for the connection, and the `signal` that calls the attempt off
   */
  readonly connect: (
    protocol: P,
    handlers: SessionHandlers<Body>,
  ) => SessionConnection<Body> | PromiseLike<SessionConnection<Body>>;

  /**
   * Body of the first packet, which says who you are: `encodeFrame(authToken, { mid: 123 })`, say. A function is
   * asked once each connection opens; where it fails, the attempt has failed (`retry`).
   */
  readonly token: NoInfer<Body> | (() => NoInfer<Body> | PromiseLike<NoInfer<Body>>);

  /**
   * Which servers to speak to.
   * @defaultValue `'v2'`
   */
  readonly dialect?: Dialect | undefined;

  /**
   * What to speak, where it is not the binary packet: `goimJson({ side: "client" })` for v1.0 to v1.2 on WebSocket.
   * @defaultValue `goim()`, with bodies up to what the dialect's servers read, and batches of v2 opened
   */
  readonly protocol?: P | undefined;

  /**
   * Replies beyond those of the dialect: `chatReplies` for the chat fork.
   * @defaultValue none
   */
  readonly replies?: Replies | undefined;

  /**
   * Requests that may be unanswered at a time, heartbeats among them: 1 to 7. The server closes at its ninth.
   * @defaultValue 4
   */
  readonly inFlight?: number | undefined;

  /**
   * Requests that may wait to be sent; one more fails with `overflow`.
   * @defaultValue 1000
   */
  readonly maxWaiting?: number | undefined;

  /**
   * Time between heartbeats, and for a heartbeat to be answered. Bilibili and WebSocket clients send one every 30 s; a
   * server waits for minutes.
   * @defaultValue 30 000
   */
  readonly heartbeat?: number | undefined;

  /**
   * How long a request may take, waiting to be sent included; 0 for no limit.
   * @defaultValue 10 000
   */
  readonly requestTimeout?: number | undefined;

  /**
   * How long a connection may take to open; 0 for no limit.
   * @defaultValue 10 000
   */
  readonly connectTimeout?: number | undefined;

  /**
   * How long the server may take to accept the token; 0 for no limit. It gives up itself after 5 s.
   * @defaultValue 4500
   */
  readonly authTimeout?: number | undefined;

  /**
   * Attempts that may fail in a row before the client gives up.
   * @defaultValue no limit
   */
  readonly retries?: number | undefined;

  /**
   * Waits between attempts: doubled after each failure, and begun anew once the server has accepted the token.
   * @defaultValue 1 s to 60 s
   */
  readonly backoff?: Backoff | undefined;

  /**
   * Where time comes from.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;

  /**
   * A number from 0 to 1, for the waits.
   * @defaultValue `Math.random`
   */
  readonly random?: (() => number) | undefined;
}
