import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import {
  type CancelSignal,
  CONNECTION_OPTIONS,
  type Connection,
  checkLimits,
  checkOptions,
  checkStreamProtocol,
  type Handlers,
  limitsOf,
  type Protocol,
  ProtocolError,
  type StreamHint,
  systemClock,
} from "../../core/index.ts";
import {
  type Reconnecting,
  type ReconnectOptions,
  reconnecting,
  reconnectPolicy,
} from "../../session/index.ts";
import {
  type AddressOf,
  type ClientTls,
  type ConnectSettings,
  checkAddress,
  type KeepAlive,
} from "./address.ts";
import { handlersOf, type SocketOptions } from "./attach.ts";
import { type Attached, attachStream } from "./attach-stream.ts";
import { slabReader } from "./slab.ts";

/** Options for {@link connect}: address, handlers and limits. */
export type ConnectOptions<
  In,
  Out = In,
  Context = undefined,
  Path extends string | undefined = string | undefined,
> = AddressOf<Path> &
  SocketOptions<In, Out, Context> &
  ConnectSettings &
  KeepAlive & {
    /** Use TLS: `true`, or the options of `tls.connect`. `servername` defaults to the host name. */
    readonly tls?: true | ClientTls | undefined;
    /**
     * Time limit of the whole attempt, in milliseconds: address lookup, connection and TLS handshake. After
     * it the attempt fails with `timeout`. 0 or Infinity: no limit.
     * @defaultValue 30 000
     */
    readonly connectTimeout?: number | undefined;
    /** Aborts the attempt, or the open connection. */
    readonly signal?: CancelSignal | undefined;
    /**
     * Read into slabs of this many bytes, at least 4096, instead of fresh memory for each read: this uses
     * less CPU if you receive a lot. 262 144 is a good size. The connection holds one slab; if you keep
     * bytes of a message, you keep its whole slab in memory. While the connection is paused, the peer's end
     * is not noticed.
     * @defaultValue none: fresh memory
     */
    readonly slab?: number | undefined;
    /** Not set, or false: one connection. */
    readonly reconnect?: false | undefined;
  };

/** Options as in {@link ConnectOptions}, for a client that reconnects. */
export type ReconnectingConnectOptions<
  In,
  Out = In,
  Context = undefined,
  Path extends string | undefined = string | undefined,
> = Omit<ConnectOptions<In, Out, Context, Path>, "reconnect"> & {
  /**
   * Connects again when an attempt fails or the connection is lost; `true` uses the default delays.
   * Handlers are called for each new connection, including `context`.
   */
  readonly reconnect: true | ReconnectOptions;
};

const CONNECT_TIMEOUT = 30_000;

const OPTIONS = [
  ...["port", "host", "path", "tls", "signal", "slab", "connectTimeout", "reconnect"],
  ...["localAddress", "localPort", "family", "hints", "lookup"],
  ...["autoSelectFamily", "autoSelectFamilyAttemptTimeout"],
  ...["keepAlive", "keepAliveInitialDelay"],
  ...CONNECTION_OPTIONS,
];

/**
 * Opens a connection over TCP, TLS or a Unix domain socket; with `reconnect` another one when it is lost.
 *
 * @param protocol - the protocol of the connection
 * @param options - address, handlers and limits, `reconnect`
 * @returns the connection, once it is open; with `reconnect` a client immediately: its `ready()` waits for
 *   the connection
 * @throws the socket's error (ECONNREFUSED and the like), a ProtocolError `timeout`, the signal's reason, a TypeError
 *   for options without an address, an unknown option or a protocol without a framing, or a RangeError for an invalid
 *   limit
 *
 * @example
 * ```ts
 * import { json, lines } from "framewright";
 * import { connect, listen } from "framewright/node";
 *
 * const protocol = lines().wrap(json());
 * const server = await listen(protocol, {
 *   port: 0,
 *   message: (connection) => connection.send({ answer: 42 }),
 * });
 * const connection = await connect(protocol, { port: server.port });
 * connection.send({ question: "how many?" });
 * for await (const answer of connection) {
 *   console.log(answer);
 *   connection.close();
 * }
 * await server.close();
 * //=> { answer: 42 }
 * ```
 */
export function connect<
  In,
  Out = In,
  Context = undefined,
  Path extends string | undefined = undefined,
  P = unknown,
>(
  protocol: P & StreamHint<P> & Protocol<In, Out>,
  options: ReconnectingConnectOptions<In, Out, Context, Path>,
): Reconnecting<In, Out, Context>;
export function connect<
  In,
  Out = In,
  Context = undefined,
  Path extends string | undefined = undefined,
  P = unknown,
>(
  protocol: P & StreamHint<P> & Protocol<In, Out>,
  options: ConnectOptions<In, Out, Context, Path>,
): Promise<Connection<In, Out, Context>>;
export function connect<In, Out, Context>(
  protocol: Protocol<In, Out>,
  options: ConnectOptions<In, Out, Context> | ReconnectingConnectOptions<In, Out, Context>,
): Promise<Connection<In, Out, Context>> | Reconnecting<In, Out, Context> {
  const { reconnect = false, ...rest } = options;
  const once = rest as ConnectOptions<In, Out, Context>;
  if (reconnect === false) {
    return new Promise((resolve) => {
      checkConnect(protocol, once);
      resolve(connectOnce(protocol, once));
    });
  }
  checkConnect(protocol, once);
  const { clock, signal, trace } = options;
  // The attempt has its own time limit, with a more precise error.
  return reconnecting((attempt) => connectOnce(protocol, { ...once, signal: attempt.signal }), {
    ...reconnectPolicy(reconnect),
    connectTimeout: 0,
    signal,
    clock,
    trace,
    name: protocol.name,
  });
}

function checkConnect<In, Out, Context>(
  protocol: Protocol<In, Out>,
  options: ConnectOptions<In, Out, Context>,
): void {
  checkStreamProtocol(protocol);
  checkOptions("connect", options, OPTIONS);
  checkAddress(options);
  checkLimits(options, "connectTimeout");
  limitsOf(options);
}

function connectOnce<In, Out, Context>(
  protocol: Protocol<In, Out>,
  options: ConnectOptions<In, Out, Context>,
): Promise<Connection<In, Out, Context>> {
  const { signal, clock = systemClock } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) throw signal.reason;
    const { connectTimeout = CONNECT_TIMEOUT, slab, handlerErrors = "throw" } = options;
    let isWaiting = true;
    let cancelTimeout = (): void => {};
    let attached: Attached<In, Out, Context>;
    const socket: Socket = dial(options, (bytes) => {
      attached.received(bytes);
      // Pausing before the first read does not stop Node from reading.
      return !socket.isPaused();
    });
    const handlers: Handlers<In, Out, Context> = {
      ...handlersOf(options, socket),
      open(opened) {
        isWaiting = false;
        cancelTimeout();
        resolve(opened);
        return options.open?.(opened);
      },
      close(closed, info) {
        cancelTimeout();
        const closedEarly = new ProtocolError("closed", "closed before the connection was open");
        reject(info.error ?? closedEarly);
        return options.close?.(closed, info);
      },
    };
    try {
      attached = attachStream<In, Out, Context>(socket, protocol, handlers, {
        ...options,
        handlerErrors,
        isSlab: slab !== undefined,
        host: options.path === undefined ? (options.host ?? "localhost") : undefined,
        to: options.path ?? `${options.host ?? "localhost"}:${options.port}`,
        // The promise of the connection reports the error.
        isTold: () => isWaiting,
      });
    } catch (error) {
      // Thrown by the `context` handler, for example: no one listens to this socket any more.
      socket.on("error", () => {});
      socket.destroy();
      throw error;
    }
    const { connection } = attached;
    if (connectTimeout > 0 && connectTimeout !== Infinity && isWaiting) {
      cancelTimeout = clock.after(connectTimeout, () => {
        connection.abort(new ProtocolError("timeout", `no connection within ${connectTimeout} ms`));
      });
    }
  });
}

function dial<In, Out, Context>(
  options: ConnectOptions<In, Out, Context>,
  received: (bytes: Uint8Array<ArrayBuffer>) => boolean,
): Socket {
  const { port, host, path, tls, slab, keepAlive, keepAliveInitialDelay } = options;
  const { localAddress, localPort, family, hints, lookup } = options;
  const { autoSelectFamily, autoSelectFamilyAttemptTimeout } = options;
  const address =
    path === undefined
      ? {
          ...{ port, host, localAddress, localPort, family, hints, lookup },
          ...{ autoSelectFamily, autoSelectFamilyAttemptTimeout },
        }
      : { path };
  // A runtime without `onread` emits `data`, which `attach` handles too.
  const onread = slab === undefined ? undefined : slabReader(slab, received);
  const target = { ...address, onread };
  let socket: Socket;
  if (tls) {
    // SNI, for servers with several names. Node sends the value as it is, and an IP address must not be
    // sent.
    const servername = host === undefined || isIP(host) ? undefined : host;
    socket = connectTls({ servername, ...target, ...(tls === true ? {} : tls) } as ClientTls);
  } else {
    socket = connectTcp(target as { port: number });
  }
  // Each batch is one write: waiting for more bytes would only delay answers. Set here, because TLS ignores
  // these as options.
  socket.setNoDelay(true);
  if (keepAlive) socket.setKeepAlive(true, keepAliveInitialDelay);
  return socket;
}
