import type { CancelSignal, Connection, MessageProtocol, Protocol } from "../../core/index.ts";
import type { Retry } from "../../session/index.ts";
import type { GoimClient } from "./client.ts";
import type { Dialect, Replies } from "./dialect.ts";
import type { Packet, PacketToSend } from "./packet.ts";
import type { LinkHandlers, LinkOptions } from "./session-link.ts";

/** The protocol of a session that carries bytes. */
export type BinaryProtocol<Body> = Protocol<PacketToSend<Body>, Packet<Body>>;

/** What protocol a session can speak: `goim()` or `goimJson()`. */
export type SessionProtocol<Body> = MessageProtocol<PacketToSend<Body>, Packet<Body>>;

/** A connection that carries a client's session. */
export type SessionConnection<Body> = Connection<PacketToSend<Body>, Packet<Body>>;

/** What a session gives to the connection that it asks for. */
export type SessionHandlers<Body> = LinkHandlers<PacketToSend<Body>, Packet<Body>>;

/** Options for one request. */
export interface GoimRequestOptions {
  /** As the option of that name of the client. */
  readonly timeout?: number | undefined;
  /** Gives the request up: its promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
}

/**
 * Handlers of a client. Each is called with the client first. One that throws, or whose promise is rejected,
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
  /**
   * The connection failed, and the next attempt follows. The error is `refused` if the server closed instead of accepting
   * the token, as it does with one that it does not like; `timeout`; `closed`; or the transport's.
   */
  readonly retry?: ((client: GoimClient<Body>, retry: Retry) => unknown) | undefined;
  /** It is over: with an error where the client gave up, without where `close` was called. */
  readonly close?: ((client: GoimClient<Body>, error?: unknown) => unknown) | undefined;
  /** As `error` of a connection: the peer broke the protocol, the transport failed, or a handler threw. */
  readonly error?: ((client: GoimClient<Body>, error: unknown) => unknown) | undefined;
}

/** Options for a client. Times are in milliseconds. */
export interface GoimClientOptions<Body, P = BinaryProtocol<Body>>
  extends GoimClientHandlers<Body>,
    LinkOptions {
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
   * Requests that may be unanswered at a time, heartbeats among them: 1 to 7, or 1 to 6 for JSON. The server closes at its
   * ninth; v1.2's JSON WebSocket replies before it has room for the next one.
   * @defaultValue 4
   */
  readonly inFlight?: number | undefined;

  /**
   * Requests that may wait to be sent or answered; one more is rejected with `overflow`.
   * @defaultValue 1000
   */
  readonly maxPending?: number | undefined;

  /**
   * How long a request may take, waiting to be sent included; 0 for no limit.
   * @defaultValue 10 000
   */
  readonly timeout?: number | undefined;
}
