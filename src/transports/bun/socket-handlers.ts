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

/** What is asked of a socket of Bun. */
export interface BunSocket {
  /** Takes as many bytes as there is room for, and says how many; -1 when the socket is closed. */
  write(data: Uint8Array<ArrayBuffer>): number;
  /** Ends this half. */
  shutdown(): void;
  /** Closes both halves at once. */
  terminate(): void;
  pause(): void;
  resume(): void;
  /** `"TLSSocket"` where it speaks TLS. */
  readonly [Symbol.toStringTag]?: string | undefined;
  /** Address of the peer, for error texts. */
  readonly remoteAddress?: string | undefined;
  /** Port of the peer, for error texts. */
  readonly remotePort?: number | undefined;
  /** What accepted it; undefined for a client. */
  readonly listener?: unknown;
}

/** The `socket` of `Bun.listen` and `Bun.connect`. */
export interface BunSocketHandlers<Socket extends BunSocket> {
  open(socket: Socket): void;
  /** For TLS alone, behind `open`. `isSecure` is false where the handshake failed, or refused the peer's certificate. */
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
    /** Makes the state of one connection, kept in `connection.context`; may look at its socket. */
    readonly context?: ((socket: Socket) => Context) | undefined;
  };

/** A connection and what its socket did not take yet. */
interface Held {
  readonly connection: Pick<Connection<never>, "received" | "ended" | "lost">;
  drained(): void;
  failure: unknown;
}

/**
 * The handlers for `Bun.listen` and `Bun.connect` that make each of their sockets a connection. Give
 * `allowHalfOpen: true` beside them: then a peer that has ended its half still gets its answers.
 *
 * Bun's `write` takes what fits and forgets the rest: here the rest is kept for `drain`. A socket with TLS becomes a
 * connection behind its handshake; where that fails, the handlers of a client are told why, those of a server nothing.
 *
 * @param protocol - what comes and goes
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
  // Not `socket.data`: that is the user's.
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
      // The `context` handler: there is no connection.
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
      // A socket with TLS has its handshake to come, and `context` may want to look at the peer's certificate.
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
      // A client hears of it; to a server it is one of those that never came in.
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

/** What a socket of Bun tells of its TLS, as far as it does. */
function tlsOf(socket: object): { version: string | undefined; alpn: string | undefined } {
  const { alpnProtocol, getTLSVersion } = socket as {
    readonly alpnProtocol?: string | false | null;
    getTLSVersion?(): string | undefined;
  };
  return { version: getTLSVersion?.call(socket) || undefined, alpn: alpnProtocol || undefined };
}

class BunSink implements Sink {
  readonly boundary = "stream";
  /** A socket that is closed has no address any more. */
  readonly peer: string | undefined;
  readonly #socket: BunSocket;
  readonly #drained: () => void;
  /** What the socket did not take. */
  #rest: Uint8Array<ArrayBuffer> | undefined;
  #isClosing = false;

  constructor(socket: BunSocket, drained: () => void) {
    this.#socket = socket;
    this.peer = addressOf(socket);
    this.#drained = drained;
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    const taken = this.#socket.write(bytes);
    // Closed: `close` is about to be called.
    if (taken < 0 || taken >= bytes.length) return true;
    this.#rest = bytes.subarray(taken);
    return false;
  }

  /** There is room again. */
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
