import type { CancelSignal, Connection, MessageProtocol, Protocol } from "../../core/index.ts";
import type { Retry } from "../../session/index.ts";
import type { GoimClient } from "./client.ts";
import type { Dialect, Replies } from "./dialect.ts";
import type { Packet, PacketToSend } from "./packet.ts";
import type { LinkHandlers, LinkOptions } from "./session-link.ts";

/** The protocol of a session that carries bytes. */
export type BinaryProtocol<Body> = Protocol<PacketToSend<Body>, Packet<Body>>;

/** A protocol that a session can speak: `goim()` or `goimJson()`. */
export type SessionProtocol<Body> = MessageProtocol<PacketToSend<Body>, Packet<Body>>;

/** A connection that carries a client's session. */
export type SessionConnection<Body> = Connection<PacketToSend<Body>, Packet<Body>>;

/** Handlers that a session passes to its connection. */
export type SessionHandlers<Body> = LinkHandlers<PacketToSend<Body>, Packet<Body>>;

/** Options for one request. */
export interface GoimRequestOptions {
  /** Overrides the client's option of the same name. */
  readonly timeout?: number | undefined;
  /** Aborts the request: its promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
}

/**
 * Handlers of a client. Each is called with the client first. If one throws or rejects, the
 * connection closes (`error`), unless the cause is a request that failed with its connection.
 */
export interface GoimClientHandlers<Body> {
  /**
   * Called when the server has accepted the token, and again after each reconnect. Request here
   * what the token does not cover: a room, more operations.
   */
  readonly open?: ((client: GoimClient<Body>) => unknown) | undefined;
  /** Called with each push, in order, and with any other packet that answers no request. */
  readonly push?: ((client: GoimClient<Body>, packet: Packet<Body>) => unknown) | undefined;
  /** Called with the number of clients in the room, when a heartbeat is answered (v2). */
  readonly online?: ((client: GoimClient<Body>, count: number) => unknown) | undefined;
  /**
   * Called when the connection failed and another attempt follows. The error is `refused` if the server closed instead of
   * accepting the token, which is how it rejects one; `timeout`; `closed`; or the transport's.
   */
  readonly retry?: ((client: GoimClient<Body>, retry: Retry) => unknown) | undefined;
  /** Called when the client ends: with an error if it gave up, without one if `close` was called. */
  readonly close?: ((client: GoimClient<Body>, error?: unknown) => unknown) | undefined;
  /** As `error` of a connection: the peer broke the protocol, the transport failed, or a handler threw. */
  readonly error?: ((client: GoimClient<Body>, error: unknown) => unknown) | undefined;
}

/** Options for a client. Times are in milliseconds. */
export interface GoimClientOptions<Body, P = BinaryProtocol<Body>>
  extends GoimClientHandlers<Body>,
    LinkOptions {
  /**
   * Opens a connection over any transport. Called at once, and again after each failure. Pass
   * `handlers` on unchanged.
   *
   * @param protocol - the protocol of the connection
   * @param handlers - handlers for the connection, and the `signal` that aborts the attempt
   */
  readonly connect: (
    protocol: P,
    handlers: SessionHandlers<Body>,
  ) => SessionConnection<Body> | PromiseLike<SessionConnection<Body>>;

  /**
   * Body of the first packet, such as `encodeFrame(authToken, { mid: 123 })`. A function is called for each connection
   * that opens; if it fails, the attempt has failed (`retry`).
   */
  readonly token: NoInfer<Body> | (() => NoInfer<Body> | PromiseLike<NoInfer<Body>>);

  /**
   * Family of the server.
   * @defaultValue `'v2'`
   */
  readonly dialect?: Dialect | undefined;

  /**
   * The protocol, if not the binary packet: `goimJson({ side: "client" })` for v1.0 to v1.2 on
   * WebSocket.
   * @defaultValue `goim()`, with bodies as large as the dialect's servers read, and batches of v2
   *   flattened
   */
  readonly protocol?: P | undefined;

  /**
   * Pairs of request and reply in addition to the dialect's: `chatReplies` for the chat fork.
   * @defaultValue none
   */
  readonly replies?: Replies | undefined;

  /**
   * Maximum unanswered requests, heartbeats included: 1 to 7, or 1 to 6 for JSON. The server closes
   * at the ninth; with JSON, v1.2 replies before it has room for the next one.
   * @defaultValue 4
   */
  readonly inFlight?: number | undefined;

  /**
   * Maximum requests that wait to be sent or answered; further ones are rejected with `overflow`.
   * @defaultValue 1000
   */
  readonly maxPending?: number | undefined;

  /**
   * Time limit for a request, including the wait to be sent; 0 for no limit.
   * @defaultValue 10 000
   */
  readonly timeout?: number | undefined;
}
