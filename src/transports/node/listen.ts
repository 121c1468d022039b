import {
  type AddressInfo,
  createServer,
  type DropArgument,
  type Server as NetServer,
  type Socket,
} from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import {
  type CancelSignal,
  CONNECTION_OPTIONS,
  type Connection,
  type ConnectionOptions,
  checkLimit,
  checkLimits,
  checkOptions,
  checkStreamProtocol,
  closedError,
  limitsOf,
  MemoryBudget,
  type OwnConnection,
  onAbort,
  type Protocol,
  ProtocolError,
  reportBug,
  type ServerParts,
  type StreamHint,
  Sweeper,
  systemClock,
  teller,
} from "../../core/index.ts";
import {
  type AddressOf,
  checkAddress,
  type KeepAlive,
  type ListenSettings,
  type ServerTls,
} from "./address.ts";
import { handlersOf, type SocketOptions } from "./attach.ts";
import { attachStream, isUnsent } from "./attach-stream.ts";
import { type ProxyProtocolOptions, readProxyHeader, trustedBy } from "./proxy-front.ts";
import type { ProxyEndpoint, ProxyHeader } from "./proxy-header.ts";

/** Options for {@link listen}: address, and the handlers and limits of each connection. */
export type ListenOptions<
  In,
  Out = In,
  Context = undefined,
  Path extends string | undefined = string | undefined,
> = AddressOf<Path> &
  SocketOptions<In, Out, Context> &
  ListenSettings &
  KeepAlive & {
    /** Use TLS: the options of `tls.createServer`. */
    readonly tls?: ServerTls | undefined;
    /**
     * Protocols by ALPN name, for TLS clients to choose from. They carry the same values in other bytes;
     * `protocol` is for clients without ALPN. The handshake fails for a client that offers none of these
     * names.
     * @defaultValue none
     */
    readonly alpn?: Readonly<Record<string, Protocol<NoInfer<In>, NoInfer<Out>>>> | undefined;
    /**
     * Proxies that send a header of the PROXY protocol (version 1 or 2) with the address of their client.
     * The header comes before everything else, including TLS, within `firstMessageTimeout`. The `context`
     * handler receives it, and printed errors name the client. If a proxy sends something else, its
     * connection ends with `malformed`.
     * @defaultValue none
     */
    readonly proxyProtocol?: ProxyProtocolOptions | undefined;
    /** Closes the server, as `close` does. */
    readonly signal?: CancelSignal | undefined;
    /**
     * Maximum number of connections; more are dropped immediately. 0 or Infinity: no limit.
     * @defaultValue no limit
     */
    readonly maxConnections?: number | undefined;
    /**
     * Memory limit of all connections together, in bytes: unread and unsent bytes and 8 KiB per connection,
     * all counted twice because of garbage and gaps between allocations. Above the limit the largest
     * connections are closed with `overflow`, until 90 % of it is used. 0 or Infinity: no limit.
     * @defaultValue 256 MiB
     */
    readonly maxMemory?: number | undefined;
    /**
     * Called if the listening socket failed after it was open; without this handler the error is uncaught,
     * as with `net`. Also called if a `context` handler threw, which closes its socket; without this
     * handler the error is printed (see `handlerErrors`).
     */
    readonly serverError?: ((error: Error) => void) | undefined;
  };

/** Options for `close` of a server. */
export interface ServerCloseOptions {
  /**
   * Milliseconds after which the remaining connections are cut; Infinity never cuts.
   * @defaultValue 10 000
   */
  readonly timeout?: number | undefined;
}

/** The result of closing a server. */
export interface Dropped {
  /** Number of bytes that were sent to connections but not read by the peers in time. */
  readonly dropped: number;
}

/** A listening server. */
export interface Server<
  In,
  Out = In,
  Context = undefined,
  Port extends number | undefined = number | undefined,
> {
  /** The TCP port that it listens on; undefined on a Unix domain socket. */
  readonly port: Port;
  /** The open connections: from the call of the `open` handler until the call of the `close` handler. */
  readonly connections: ReadonlySet<Connection<In, Out, Context>>;
  /** The underlying Node server. Use it for options and events that are not covered here. */
  readonly server: NetServer;
  /**
   * Accepts no more connections, closes the open ones after their queued bytes were sent, and waits until
   * they are closed. You may call it in any handler.
   *
   * It does not wait for `message` handlers that are still running: their `send` returns false, and what
   * they send is lost without being counted. To keep their replies, pause the connections and wait for the
   * handlers first.
   *
   * @param options - `timeout`
   * @returns the number of bytes that were dropped
   */
  close(options?: ServerCloseOptions): Promise<Dropped>;
  /** Closes the server, for `await using`. Absent in runtimes without `Symbol.asyncDispose`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The type of a server's port, depending on the type of its path: a number if there is no path. */
export type PortOf<Path extends string | undefined> = [Path] extends [undefined]
  ? number
  : [Path] extends [string]
    ? undefined
    : number | undefined;

const FIRST_MESSAGE_TIMEOUT = 30_000;
const FRAME_TIMEOUT = 30_000;
const SEND_TIMEOUT = 60_000;
const HANDSHAKE_TIMEOUT = 10_000;
const CLOSE_TIMEOUT = 10_000;
const MAX_MEMORY = 268_435_456;
/**
 * A busy process takes up to two and a half times the memory that is held: uncollected garbage, and gaps that
 * the C library's allocator leaves between allocations. Measured by `npm run soak -- hostile`.
 */
const OVERHEAD = 2.5;

const OPTIONS = [
  ...["port", "host", "path", "tls", "signal", "maxConnections", "maxMemory", "serverError"],
  ...["alpn", "proxyProtocol"],
  ...["backlog", "exclusive", "ipv6Only", "readableAll", "writableAll"],
  ...["keepAlive", "keepAliveInitialDelay"],
  ...CONNECTION_OPTIONS,
];

/**
 * Listens as a server over TCP, TLS or a Unix domain socket.
 *
 * The default limits suit a server on the public internet: a first message within 30 s
 * (`firstMessageTimeout`), each frame within 30 s (`frameTimeout`), a TLS handshake within 10 s, a peer
 * that reads nothing for 60 s is cut (`sendTimeout`), and all connections together hold at most 256 MiB
 * (`maxMemory`). 0 turns a limit off.
 *
 * @param protocol - the protocol of every connection
 * @param options - address, handlers and limits
 * @returns the server, once it listens
 * @throws the socket's error (EADDRINUSE and the like), the signal's reason, or a TypeError for options without an
 *   address, an unknown option or a protocol without a framing; RangeError for an invalid limit
 *
 * @example
 * ```ts
 * import { json, lines } from "framewright";
 * import { listen } from "framewright/node";
 *
 * const server = await listen(lines().wrap(json()), {
 *   port: 0,
 *   message: (connection, data) => connection.send({ code: 0, got: data }),
 * });
 * console.log(typeof server.port);
 * await server.close();
 * //=> number
 * ```
 */
export async function listen<
  In,
  Out = In,
  Context = undefined,
  Path extends string | undefined = undefined,
  P = unknown,
>(
  protocol: P & StreamHint<P> & Protocol<In, Out>,
  options: ListenOptions<In, Out, Context, Path>,
): Promise<Server<In, Out, Context, PortOf<Path>>> {
  checkStreamProtocol(protocol);
  checkOptions("listen", options, OPTIONS);
  checkAddress(options);
  checkLimits(options, "maxConnections", "maxMemory");
  limitsOf(options);
  const { port, host, path, tls, signal, maxConnections, serverError } = options;
  const { alpn, proxyProtocol } = options;
  checkAlpn(alpn, tls);
  if (proxyProtocol !== undefined) {
    checkOptions("proxyProtocol", proxyProtocol, ["from"]);
    trustedBy(proxyProtocol);
    if (tls !== undefined && path !== undefined) {
      throw new TypeError("proxyProtocol with tls is for TCP ports, not for a path");
    }
  }
  const { keepAlive, keepAliveInitialDelay, clock = systemClock } = options;
  const { backlog, exclusive, ipv6Only, readableAll, writableAll } = options;
  if (signal?.aborted) throw signal.reason;
  const tell = teller(
    { trace: options.trace, clock, name: protocol.name },
    () => import("../../inspect/index.ts"),
  );
  const connections = new Set<Connection<In, Out, Context>>();
  // All sockets, including those that are still in the TLS handshake.
  const sockets = new Idle<Socket>();
  const accepted = new Idle<Socket>();
  // One function for all sockets: thousands may be idle.
  const forget = function (this: Socket): void {
    sockets.delete(this);
    accepted.delete(this);
  };
  /** Number of bytes that connections dropped since the server began to close. */
  let dropped = 0;
  let isClosing = false;

  const maxMemory = (options.maxMemory ?? MAX_MEMORY) || Infinity;
  const shared: ConnectionOptions & ServerParts = {
    ...options,
    // As passed, so that 0 means no limit and undefined the default.
    firstMessageTimeout: options.firstMessageTimeout ?? FIRST_MESSAGE_TIMEOUT,
    frameTimeout: options.frameTimeout ?? FRAME_TIMEOUT,
    sendTimeout: options.sendTimeout ?? SEND_TIMEOUT,
    sweeper: new Sweeper(clock),
    budget: maxMemory === Infinity ? undefined : new MemoryBudget(maxMemory, OVERHEAD),
  };

  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("close", forget);
  };
  const headers = new Map<string, Proxied>();
  /** Accept times of TLS sockets: the time limit of the first message starts there. */
  const begunAt = new Map<string, number>();
  const noteBegin = (socket: Socket): void => {
    const key = endsOf(socket);
    if (key === undefined) return;
    begunAt.set(key, clock.now());
    socket.once("close", () => begunAt.delete(key));
  };
  const accept = (socket: Socket): void => {
    // The handshake finished after the server began to close.
    if (isClosing) {
      tell?.({
        type: "refused",
        from: peerOf(socket),
        error: closedError("the server is closing"),
      });
      socket.destroy();
      return;
    }
    // Added before other listeners: a `close` handler may wait for the last socket.
    if (tls !== undefined) track(socket);
    const key = tls === undefined ? undefined : endsOf(socket);
    const begun = key === undefined ? undefined : begunAt.get(key);
    const took = begun === undefined ? 0 : clock.now() - begun;
    const { header } = (key !== undefined && headers.get(key)) || {};
    start(socket, protocolOf(socket), { header, took });
  };
  const protocolOf = (socket: Socket): P & StreamHint<P> & Protocol<In, Out> => {
    const chosen = (socket as Partial<TLSSocket>).alpnProtocol;
    const own = typeof chosen === "string" && alpn !== undefined ? alpn[chosen] : undefined;
    return (own ?? protocol) as P & StreamHint<P> & Protocol<In, Out>;
  };
  const start = (
    socket: Socket,
    own: P & StreamHint<P> & Protocol<In, Out>,
    { header, took = 0, fault }: Proxied = {},
  ): void => {
    accepted.add(socket);
    socket.on("close", forget);
    let made: Connection<In, Out, Context> | undefined;
    const { firstMessageTimeout } = shared;
    try {
      attachStream<In, Out, Context>(socket, own, handlersOf(options, socket, header), {
        ...shared,
        // The time that the header took is subtracted.
        firstMessageTimeout: firstMessageTimeout && Math.max(1, firstMessageTimeout - took),
        peer: header?.source && endpointText(header.source),
        // The signal closes the server, which closes connections after their queued bytes were sent.
        signal: undefined,
        made(connection) {
          made = connection;
          connections.add(connection);
          (connection as unknown as OwnConnection).teller?.({
            type: "accepted",
            from: (connection as unknown as OwnConnection).peer,
          });
          if (fault !== undefined) (connection as unknown as OwnConnection).faulted(fault, true);
        },
        gone(bytes) {
          if (made !== undefined) connections.delete(made);
          if (isClosing) dropped += bytes;
        },
      });
    } catch (error) {
      // The `context` handler threw: there is no connection.
      tell?.({ type: "refused", from: peerOf(socket), error });
      socket.destroy();
      if (serverError === undefined) reportBug(error, options.handlerErrors ?? "report");
      else serverError(error as Error);
    }
  };
  const settings = { allowHalfOpen: true, noDelay: true, keepAlive, keepAliveInitialDelay };
  const names = alpn === undefined ? {} : { ALPNProtocols: Object.keys(alpn) };
  const server =
    tls === undefined
      ? createServer(settings, proxyProtocol === undefined ? accept : undefined)
      : createTlsServer(
          { handshakeTimeout: HANDSHAKE_TIMEOUT, ...tls, ...names, ...settings },
          accept,
        );
  if (proxyProtocol !== undefined) {
    const isTrusted = trustedBy(proxyProtocol);
    const timeout = shared.firstMessageTimeout || Infinity;
    // A TLS server's own listener, which starts the handshake.
    const [next = accept] = server.listeners("connection") as ((socket: Socket) => void)[];
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      if (!isTrusted(socket)) {
        next.call(server, socket);
        return;
      }
      const begun = clock.now();
      readProxyHeader(socket, {
        clock,
        timeout,
        done(header) {
          const proxied = { header, took: clock.now() - begun };
          const key = tls === undefined ? undefined : endsOf(socket);
          if (isClosing) {
            socket.destroy();
          } else if (key === undefined) {
            start(socket, protocol, proxied);
          } else {
            headers.set(key, proxied);
            socket.once("close", () => headers.delete(key));
            next.call(server, socket);
          }
        },
        failed: (fault) => start(socket, protocol, { fault }),
      });
    });
  }
  if (maxConnections && maxConnections !== Infinity) server.maxConnections = maxConnections;
  // Node reports a handshake that failed or took too long, but leaves the socket open.
  server.on("tlsClientError", (error: Error, socket: Socket) => {
    tell?.({ type: "refused", from: peerOf(socket), error });
    socket.destroy();
  });
  if (tell !== undefined) {
    server.on("drop", (ends?: DropArgument) => {
      const { remoteAddress: address = "", remotePort: port = 0 } = ends ?? {};
      const from = address === "" ? undefined : endpointText({ address, port });
      const error = new ProtocolError("overflow", `maxConnections is ${maxConnections}`);
      tell({ type: "refused", from, error });
    });
  }
  // Before `accept`: on a server without TLS both listen to the same event.
  if (tls !== undefined) server.prependListener("connection", noteBegin);
  server.prependListener("connection", track);

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    const address =
      path === undefined ? { port, host, ipv6Only } : { path, readableAll, writableAll };
    server.listen({ ...address, backlog, exclusive }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  if (serverError !== undefined) server.on("error", serverError);

  const close = async (given: ServerCloseOptions = {}): Promise<Dropped> => {
    checkOptions("close", given, ["timeout"]);
    const { timeout = CLOSE_TIMEOUT } = given;
    checkLimit("timeout", timeout);
    isClosing = true;
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const connection of [...connections]) connection.close();
    const cut = (): void => {
      for (const connection of [...connections]) {
        const text = `the server closed after ${timeout} ms, with bytes unsent`;
        connection.abort(isUnsent(connection) ? new ProtocolError("timeout", text) : undefined);
      }
      for (const socket of sockets.members) socket.destroy();
    };
    const timer = Number.isFinite(timeout) ? setTimeout(cut, timeout) : undefined;
    // The server emits `close` before its sockets do.
    await accepted.empty();
    clearTimeout(timer);
    // The remaining sockets have not finished their handshake.
    cut();
    await sockets.empty();
    await stopped;
    return { dropped };
  };
  const stopListening = onAbort(signal, () => void close());
  server.once("close", stopListening);
  // Aborted during the address lookup.
  if (signal?.aborted) {
    await close();
    throw signal.reason;
  }

  const address = server.address() as AddressInfo | string | null;
  if (address !== null) {
    const on = typeof address === "object" ? endpointText(address) : address;
    tell?.({ type: "listening", on });
  }
  const made = {
    port: (typeof address === "object" ? address?.port : undefined) as PortOf<Path>,
    connections,
    server,
    close,
  };
  // Missing in older runtimes.
  const dispose = Symbol.asyncDispose as typeof Symbol.asyncDispose | undefined;
  if (dispose !== undefined) Object.assign(made, { [dispose]: async () => void (await close()) });
  return Object.freeze(made) as unknown as Server<In, Out, Context, PortOf<Path>>;
}

function peerOf({ remoteAddress: address, remotePort: port = 0 }: Socket): string | undefined {
  return address === undefined ? undefined : endpointText({ address, port });
}

/** The header that a proxy sent. */
interface Proxied {
  readonly header?: ProxyHeader | undefined;
  /** Milliseconds until the header was complete. */
  readonly took?: number | undefined;
  /** The error, if there is no valid header. */
  readonly fault?: ProtocolError | undefined;
}

/**
 * The two ends of a TCP connection, unique among the connections of a server; undefined once it is closed.
 */
function endsOf({
  remoteAddress,
  remotePort,
  localAddress,
  localPort,
}: Socket): string | undefined {
  if (remotePort === undefined) return undefined;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function endpointText({ address, port }: ProxyEndpoint): string {
  if (port === 0) return address;
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/**
 * @throws TypeError for names without TLS or together with other ALPN options, and for an invalid protocol
 */
function checkAlpn(
  alpn: Readonly<Record<string, unknown>> | undefined,
  tls: ServerTls | undefined,
): void {
  if (alpn === undefined) return;
  if (tls === undefined) throw new TypeError("alpn needs the option tls");
  if (tls.ALPNProtocols !== undefined || tls.ALPNCallback !== undefined) {
    throw new TypeError(
      "alpn replaces ALPNProtocols and ALPNCallback of tls: pass only one of them",
    );
  }
  const protocols = Object.values(alpn);
  if (protocols.length === 0) throw new TypeError("alpn has no names");
  for (const protocol of protocols) checkStreamProtocol(protocol);
}

/** A set with a promise that resolves when it is empty. */
class Idle<Member> {
  readonly members = new Set<Member>();
  #waiting: (() => void)[] = [];

  add(member: Member): void {
    this.members.add(member);
  }

  delete(member: Member): void {
    this.members.delete(member);
    if (this.members.size > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async empty(): Promise<void> {
    if (this.members.size === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
