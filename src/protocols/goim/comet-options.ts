import type { Clock, CloseInfo } from "../../core/index.ts";
import type { SessionProtocol } from "./client-options.ts";
import type { CometSession } from "./comet-session.ts";
import type { Dialect, Replies } from "./dialect.ts";
import type { Packet } from "./packet.ts";

/** An admitted client: your data about it, its name, room and operations. */
export interface Admission<User> {
  /** Your data about the client, kept in `session.user`. */
  readonly user: User;
  /**
   * Name of the connection, for `comet.push`. A second connection with the same key closes the first.
   * @defaultValue none
   */
  readonly key?: string | undefined;
  /**
   * The first room, `TYPE://ROOM`.
   * @defaultValue none
   */
  readonly room?: string | undefined;
  /**
   * Operations that the client accepts from broadcasts and pushes by key (v2). The client can change them.
   * @defaultValue all
   */
  readonly accepts?: Iterable<number> | undefined;
}

/** The body of a reply; undefined for a reply without a body. */
// biome-ignore lint/suspicious/noConfusingVoidType: that is what functions without a return are to the compiler
export type Answer<Body> = Body | undefined | void;

/** Options for a {@link Comet}. Times are in milliseconds. */
export interface CometOptions<User, Body> {
  /**
   * Authenticates a client by its token. Return undefined to reject it: the connection is closed. A ProtocolError that a
   * codec throws, here or in `request`, also closes it, as an error of the client.
   *
   * @param token - body of the first packet: `decodeFrame(authToken, token)` in v2
   */
  readonly authenticate: (
    token: Body,
    session: CometSession<User, Body>,
  ) => Admission<User> | undefined | PromiseLike<Admission<User> | undefined>;

  /**
   * Answers a request: any packet that is not about heartbeats, rooms or subscriptions. Return the
   * body of the reply, or nothing. While a promise is pending, later packets of this client wait,
   * so replies keep the order of the requests.
   * @defaultValue v2: a reply without a body; v1: operation 4 with the body of the request
   */
  readonly request?:
    | ((
        session: CometSession<User, Body>,
        packet: Packet<Body>,
      ) => Answer<Body> | PromiseLike<Answer<Body>>)
    | undefined;

  /** Called when a client has been admitted. */
  readonly join?: ((session: CometSession<User, Body>) => unknown) | undefined;
  /** Called when an admitted client has left. */
  readonly leave?: ((session: CometSession<User, Body>, info: CloseInfo) => unknown) | undefined;
  /**
   * Called when a client is disconnected: it broke the protocol, was refused or too late, its
   * transport failed, or a handler threw. Without this handler, errors of clients are printed as
   * one line now and then, and errors of handlers with their stack.
   */
  readonly error?: ((session: CometSession<User, Body>, error: unknown) => unknown) | undefined;

  /**
   * Family of the clients.
   * @defaultValue `'v2'`
   */
  readonly dialect?: Dialect | undefined;

  /**
   * The protocol, if not the binary packet: `goimJson({ side: "server" })` for WebSocket clients of
   * v1.0 to v1.2.
   * @defaultValue `goim()`, reading as much as the dialect's servers do
   */
  readonly protocol?: SessionProtocol<Body> | undefined;

  /**
   * Pairs of request and reply in addition to the dialect's: `chatReplies` for the chat fork.
   * @defaultValue none
   */
  readonly replies?: Replies | undefined;

  /**
   * Time limit for a client to authenticate; 0 for no limit.
   * @defaultValue 5000
   */
  readonly authTimeout?: number | undefined;

  /**
   * A client that sends nothing for this long, heartbeats included, is disconnected; 0 for no
   * limit.
   * @defaultValue 8 minutes (v2), 5 minutes (v1)
   */
  readonly heartbeatTimeout?: number | undefined;

  /**
   * Maximum unsent bytes per client. Pushes above it are dropped: a slow client loses pushes, not
   * its connection.
   * @defaultValue 256 KiB
   */
  readonly maxBacklog?: number | undefined;

  /**
   * Maximum operations that a client may accept (v2), including those of its admission. A client
   * that subscribes to more is disconnected.
   * @defaultValue 4096
   */
  readonly maxAccepts?: number | undefined;

  /**
   * **Experimental**, may change in any release. Sends bytes to every other comet of a cluster,
   * over a message bus such as NATS. Pushes go to this comet's clients first, then to `publish`,
   * once each.
   *
   * The bus must keep the order of one comet's messages. It may lose some, for example during an
   * outage, deliver some twice, or return them to the comet that published them. If `publish`
   * throws or rejects, the first error is printed, and the others report the push as missed.
   *
   * @defaultValue none: this comet is not part of a cluster
   */
  readonly publish?: ((message: Uint8Array<ArrayBuffer>) => unknown) | undefined;

  /**
   * **Experimental**, may change in any release. Called once, when the comet is created. Call
   * `receive` with each message that a comet of the cluster has published, and `resumed` when the
   * bus is back after an outage, so that the comets learn what they missed. Return a promise if
   * subscribing takes time.
   *
   * `receive` throws a ProtocolError for bytes that are not a comet's message.
   *
   * @defaultValue none: this comet is not part of a cluster
   */
  readonly subscribe?:
    | ((receive: (message: Uint8Array) => void, resumed: () => void) => unknown)
    | undefined;

  /**
   * **Experimental**, may change in any release. Called when pushes from another comet did not
   * arrive. The clients of this comet will not receive them.
   * @defaultValue a printed line, at most one in ten seconds
   */
  readonly gap?: ((gap: CometGap) => unknown) | undefined;

  /**
   * The clock of all times; it must be the clock of the connections.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
}

/**
 * Pushes from another comet that did not arrive. Experimental, like `publish` of
 * {@link CometOptions}.
 */
export interface CometGap {
  /** The `id` of the other comet. */
  readonly comet: string;
  /** Number of pushes that are missing since the last one that arrived. */
  readonly missed: number;
}
