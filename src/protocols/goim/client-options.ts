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
  /** As the option of that name of the client. */
  readonly timeout?: number | undefined;
  /** Gives the request up: its promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
}

/**
 * Handlers of a client. Each is called with the client first. If one throws or rejects, the connection ends (`error`),
 * unless it waited for a request that failed with its connection.
 */
export interface GoimClientHandlers<Body> {
  /**
   * Called when the server has accepted the token, and again after each reconnect. Ask here for what is not in the token: a
   * room, more operations.
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
   * Opens a connection over any transport. Called at once, and again after each failure. Pass `handlers` on unchanged.
   *
   * @param protocol - the protocol of the connection
   * @param handlers - for the connection, and the `signal` that aborts the attempt
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
   * The family of servers to speak to.
   * @defaultValue `'v2'`
   */
  readonly dialect?: Dialect | undefined;

  /**
   * The protocol, if it is not the binary packet: `goimJson({ side: "client" })` for v1.0 to v1.2 on WebSocket.
   * @defaultValue `goim()`, with bodies as large as the dialect's servers read, and batches of v2 flattened
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
