import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import {
  type Connection,
  checkStreamProtocol,
  onAbort,
  type Protocol,
  type StreamHint,
} from "../../core/index.ts";
import {
  type AddressOf,
  checkAddress,
  type KeepAlive,
  type ListenSettings,
  type ServerTls,
} from "./address.ts";
import { attach, type SocketOptions } from "./attach.ts";

/** Where to listen, with which handlers and limits for each connection. */
export type ListenOptions<
  In,
  Out = In,
  Context = undefined,
  Path extends string | undefined = string | undefined,
> = AddressOf<Path> &
  SocketOptions<In, Out, Context> &
  ListenSettings &
  KeepAlive & {
    /** Speak TLS: the options of `tls.createServer`. */
    readonly tls?: ServerTls | undefined;
    /** Closes the server, as `close` does. */
    readonly signal?: AbortSignal | undefined;
    /**
     * Connections beyond this many are dropped at once.
     * @defaultValue no limit
     */
    readonly maxConnections?: number | undefined;
    /**
     * The listening socket failed after it was open, or a `context` handler threw: then that socket is closed, and no
     * other one. Without this the error is uncaught, as with `net`.
     */
    readonly serverError?: ((error: Error) => void) | undefined;
  };

/** A server that listens. */
export interface Server<
  In,
  Out = In,
  Context = undefined,
  Port extends number | undefined = number | undefined,
> {
  /** The TCP port it listens on; undefined on a Unix domain socket. */
  readonly port: Port;
  /** The open connections. */
  readonly connections: ReadonlySet<Connection<In, Out, Context>>;
  /** Node's own server, for what is not here. */
  readonly server: NetServer;
  /**
   * Takes no more connections, closes the open ones (what was sent to them goes out first) and waits until
   * they are gone.
   *
   * @param options - `timeout`: connections that are still there after so many milliseconds are cut; Infinity never cuts
   * @defaultValue timeout 10 000
   */
  close(options?: { readonly timeout?: number | undefined }): Promise<void>;
}

/** The type of a server's port, by that of its path: a number if there is none. */
export type PortOf<Path extends string | undefined> = [Path] extends [undefined]
  ? number
  : [Path] extends [string]
    ? undefined
    : number | undefined;

/**
 * A server over TCP, TLS or a Unix domain socket.
 *
 * @param protocol - the protocol of every connection
 * @param options - address, handlers and limits
 * @returns the server, once it listens
 * @throws the socket's error (EADDRINUSE and the like), the signal's reason, or a TypeError for options without an
 *   address or a protocol without a framing
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
  checkAddress(options);
  const { port, host, path, tls, signal, maxConnections, serverError } = options;
  const { keepAlive, keepAliveInitialDelay } = options;
  const { backlog, exclusive, ipv6Only, readableAll, writableAll } = options;
  signal?.throwIfAborted();
  const connections = new Set<Connection<In, Out, Context>>();
  const accepted = new Set<Socket>();
  // All of them, also those that are no connections yet: a TLS handshake may take for ever.
  const sockets = new Set<Socket>();
  let isClosing = false;
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  const accept = (socket: Socket): void => {
    // A handshake that is over too late: nobody waits for it.
    if (isClosing) {
      socket.destroy();
      return;
    }
    let connection: Connection<In, Out, Context>;
    try {
      connection = attach<In, Out, Context>(socket, protocol as Protocol<In, Out>, options);
    } catch (error) {
      socket.destroy();
      if (serverError === undefined) throw error;
      serverError(error as Error);
      return;
    }
    track(socket);
    accepted.add(socket);
    connections.add(connection);
    socket.once("close", () => {
      accepted.delete(socket);
      connections.delete(connection);
    });
  };
  const shared = { allowHalfOpen: true, noDelay: true, keepAlive, keepAliveInitialDelay };
  const server =
    tls === undefined
      ? createServer(shared, accept)
      : createTlsServer({ ...tls, ...shared }, accept);
  if (maxConnections !== undefined) server.maxConnections = maxConnections;
  server.on("connection", track);

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

  const close = async ({ timeout = 10_000 } = {}): Promise<void> => {
    isClosing = true;
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const connection of connections) connection.close();
    const cut = (): void => {
      for (const socket of sockets) socket.destroy();
    };
    const timer = Number.isFinite(timeout) ? setTimeout(cut, timeout) : undefined;
    // The server says that it is closed before its sockets say so.
    await gone(accepted);
    clearTimeout(timer);
    // What is left has not shaken hands.
    cut();
    await gone(sockets);
    await stopped;
  };
  const stopListening = onAbort(signal, () => void close());
  server.once("close", stopListening);
  // While it was looking for its address.
  if (signal?.aborted) {
    await close();
    throw signal.reason;
  }

  const address = server.address() as AddressInfo | string | null;
  return Object.freeze<Server<In, Out, Context, PortOf<Path>>>({
    port: (typeof address === "object" ? address?.port : undefined) as PortOf<Path>,
    connections,
    server,
    close,
  });
}

/** Waits until these are closed. */
async function gone(sockets: Iterable<Socket>): Promise<void> {
  await Promise.all(
    Array.from(sockets, (socket) => {
      return new Promise<void>((resolve) => socket.once("close", () => resolve()));
    }),
  );
}
