import {
  abortOnTerminate,
  CONNECTION_OPTIONS,
  Connection,
  type ConnectionOptions,
  checkOptions,
  checkStreamProtocol,
  type Handlers,
  limitsOf,
  type OwnConnection,
  observed,
  type Protocol,
  ProtocolError,
  reportBug,
  type Sink,
  type StreamHint,
  systemClock,
  teller,
} from "../../core/index.ts";

/** The members of a Bun socket that are used. */
export interface BunSocket {
  /** Writes as many bytes as there is room for, and returns their number; -1 if the socket is closed. */
  write(data: Uint8Array<ArrayBuffer>): number;
  /** Ends this direction. */
  shutdown(): void;
  /** Closes both directions immediately. */
  terminate(): void;
  pause(): void;
  resume(): void;
  /** `"TLSSocket"` for a TLS socket. */
  readonly [Symbol.toStringTag]?: string | undefined;
  /** Address of the peer, for error texts. */
  readonly remoteAddress?: string | undefined;
  /** Port of the peer, for error texts. */
  readonly remotePort?: number | undefined;
  /** The listener that accepted it; undefined for a client. */
  readonly listener?: unknown;
}

/** The `socket` of `Bun.listen` and `Bun.connect`. */
export interface BunSocketHandlers<Socket extends BunSocket> {
  open(socket: Socket): void;
  /**
   * For TLS only, called after `open`. `isSecure` is false if the handshake failed or the peer's
   * certificate was rejected.
   */
  handshake(socket: Socket, isSecure: boolean, error?: Error | null): void;
  data(socket: Socket, data: Uint8Array): void;
  drain(socket: Socket): void;
  end(socket: Socket): void;
  error(socket: Socket, error: Error): void;
  close(socket: Socket, error?: Error): void;
}

/** Handlers and limits of each connection. */
export type BunSocketOptions<
  In,
  Out = In,
  Context = undefined,
  Socket extends BunSocket = BunSocket,
> = Omit<Handlers<In, Out, Context>, "context"> &
  ConnectionOptions & {
    /** Makes the state of one connection, kept in `connection.context`; receives its socket. */
    readonly context?: ((socket: Socket) => Context) | undefined;
  };

/** A connection and the bytes that its socket has not accepted yet. */
interface Held {
  readonly connection: Pick<Connection<never>, "received" | "ended" | "lost">;
  drained(): void;
  failure: unknown;
}

/**
 * Makes handlers for `Bun.listen` and `Bun.connect` that turn each socket into a connection. Also pass
 * `allowHalfOpen: true`: then a peer that has ended its direction still gets its answers.
 *
 * Bun's `write` accepts the bytes that fit and drops the rest: here the rest is kept until `drain`. A TLS
 * socket becomes a connection after its handshake. If the handshake fails, handlers of a client receive the
 * error; those of a server are not called.
 *
 * @param protocol - the protocol of each connection
 * @param options - handlers and limits
 *
 * @example
 * ```ts no-check
 * import { lines, utf8 } from "framewright";
 * import { socketHandlers } from "framewright/bun";
 *
 * Bun.listen({
 *   hostname: "0.0.0.0",
 *   port: 7000,
 *   allowHalfOpen: true,
 *   socket: socketHandlers(lines().wrap(utf8()), {
 *     message: (connection, line) => connection.send(line),
 *   }),
 * });
 * ```
 */
export function socketHandlers<
  In,
  Out = In,
  Context = undefined,
  Socket extends BunSocket = BunSocket,
  P = unknown,
>(
  protocol: P & StreamHint<P> & Protocol<In, Out>,
  options: BunSocketOptions<In, Out, Context, Socket> = {},
): BunSocketHandlers<Socket> {
  checkStreamProtocol(protocol);
  checkOptions("socketHandlers", options, CONNECTION_OPTIONS);
  limitsOf(options);
  const { context, ...rest } = options;
  // Not `socket.data`, which belongs to the user.
  const connections = new WeakMap<Socket, Held>();
  const begin = (socket: Socket): Connection<In, Out, Context> => {
    const sink = new BunSink(socket, () => connection.drained());
    const handlers: Handlers<In, Out, Context> = {
      ...rest,
      context: context && (() => context(socket)),
    };
    const connection = new Connection(protocol, sink, handlers, observed(rest, inspect));
    abortOnTerminate(socket, () => connection.abort());
    connections.set(socket, { connection, drained: () => sink.drained(), failure: undefined });
    if (socket.listener !== undefined) {
      (connection as unknown as OwnConnection).teller?.({ type: "accepted", from: sink.peer });
    }
    return connection;
  };
  const open = (socket: Socket): void => {
    let connection: Connection<In, Out, Context>;
    try {
      connection = begin(socket);
    } catch (error) {
      // The `context` handler threw: there is no connection.
      refused(socket, error);
      socket.terminate();
      reportBug(error, options.handlerErrors ?? "report");
      return;
    }
    if (socket[Symbol.toStringTag] === "TLSSocket") {
      (connection as unknown as OwnConnection).teller?.({ type: "secured", ...tlsOf(socket) });
    }
    connection.opened();
  };
  const refused = (socket: Socket, error: unknown): void => {
    if (socket.listener === undefined) return;
    const { trace, clock = systemClock } = options;
    const tell = teller({ trace, clock, name: protocol.name }, inspect);
    tell?.({ type: "refused", from: addressOf(socket), error });
  };
  return {
    open(socket) {
      // The handshake of a TLS socket follows, and `context` may need the peer's certificate.
      if (socket[Symbol.toStringTag] !== "TLSSocket") open(socket);
    },
    handshake(socket, isSecure, error) {
      if (isSecure) {
        open(socket);
        return;
      }
      const failure = error ?? new ProtocolError("closed", "the TLS handshake failed");
      refused(socket, failure);
      socket.terminate();
      // A client's handlers receive the error; a server never had this connection.
      if (socket.listener !== undefined) return;
      begin(socket).lost(failure);
    },
    data: (socket, data) => connections.get(socket)?.connection.received(data),
    drain: (socket) => connections.get(socket)?.drained(),
    end: (socket) => connections.get(socket)?.connection.ended(),
    error(socket, error) {
      const held = connections.get(socket);
      if (held !== undefined) held.failure = error;
    },
    close(socket, error) {
      const held = connections.get(socket);
      held?.connection.lost(error ?? held.failure);
    },
  };
}

const inspect = () => import("../../inspect/index.ts");

function addressOf({ remoteAddress, remotePort }: BunSocket): string | undefined {
  return remotePort === undefined ? remoteAddress : `${remoteAddress}:${remotePort}`;
}

/** The TLS details that a Bun socket provides. */
function tlsOf(socket: object): { version: string | undefined; alpn: string | undefined } {
  const { alpnProtocol, getTLSVersion } = socket as {
    readonly alpnProtocol?: string | false | null;
    getTLSVersion?(): string | undefined;
  };
  return { version: getTLSVersion?.call(socket) || undefined, alpn: alpnProtocol || undefined };
}

class BunSink implements Sink {
  readonly boundary = "stream";
  /** Stored, because a closed socket has no address. */
  readonly peer: string | undefined;
  readonly #socket: BunSocket;
  readonly #drained: () => void;
  /** Bytes that the socket did not accept. */
  #rest: Uint8Array<ArrayBuffer> | undefined;
  #isClosing = false;

  constructor(socket: BunSocket, drained: () => void) {
    this.#socket = socket;
    this.peer = addressOf(socket);
    this.#drained = drained;
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    const taken = this.#socket.write(bytes);
    // The socket is closed: `close` is about to be called.
    if (taken < 0 || taken >= bytes.length) return true;
    this.#rest = bytes.subarray(taken);
    return false;
  }

  /** Called when there is room again. */
  drained(): void {
    const rest = this.#rest;
    if (rest === undefined) return;
    this.#rest = undefined;
    if (!this.write(rest)) return;
    this.#drained();
    if (this.#isClosing && this.#rest === undefined) this.#socket.shutdown();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  buffered(): number {
    return this.#rest?.length ?? 0;
  }

  end(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#rest === undefined) this.#socket.shutdown();
  }

  close(): void {
    this.end();
  }

  abort(): void {
    this.#rest = undefined;
    this.#socket.terminate();
  }
}
