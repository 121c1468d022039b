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

/** Where to connect, with which handlers and limits. */
export type ConnectOptions<
  In,
  Out = In,
  Context = undefined,
  Path extends string | undefined = string | undefined,
> = AddressOf<Path> &
  SocketOptions<In, Out, Context> &
  ConnectSettings &
  KeepAlive & {
    /** Speak TLS: `true`, or the options of `tls.connect`. `servername` is the host's name, unless it is given. */
    readonly tls?: true | ClientTls | undefined;
    /**
     * Milliseconds for the whole attempt: the address lookup, the connection and the TLS handshake. Then it fails with
     * `timeout`. 0 or Infinity: no limit.
     * @defaultValue 30 000
     */
    readonly connectTimeout?: number | undefined;
    /** Aborts the attempt, or the open connection. */
    readonly signal?: CancelSignal | undefined;
    /**
     * Read into slabs of so many bytes, at least 4096, in place of fresh memory for each read: less CPU for much that comes.
     * 262 144 is a good size. The connection holds one slab; whoever keeps bytes of a message keeps its whole slab.
     * While paused, nothing is heard of the peer's end.
     * @defaultValue none: fresh memory
     */
    readonly slab?: number | undefined;
    /** Not given: one connection. */
    readonly reconnect?: false | undefined;
  };

/** As {@link ConnectOptions}, for a client that connects again. */
export type ReconnectingConnectOptions<
  In,
  Out = In,
  Context = undefined,
  Path extends string | undefined = string | undefined,
> = Omit<ConnectOptions<In, Out, Context, Path>, "reconnect"> & {
  /**
   * Connect again when the connection is lost, or none comes about: `true` with the default delays. Handlers are called
   * for each connection anew, `context` too.
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
 * @returns the connection, once it is open; with `reconnect` a client at once, whose `ready()` waits for the connection
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
  // The attempt has a limit of its own, by which it says more than that it took too long.
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
      // A pause before the first read does not keep Node from it.
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
        // Whoever waits for the connection is told.
        isTold: () => isWaiting,
      });
    } catch (error) {
      // The context handler, say; no one hears of this socket any more.
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
  // A runtime that does not know `onread` says `data`, and `attach` hears that, too.
  const onread = slab === undefined ? undefined : slabReader(slab, received);
  const target = { ...address, onread };
  let socket: Socket;
  if (tls) {
    // Servers of several names ask for this one. Node sends what it is told to, and an address must not be sent.
    const servername = host === undefined || isIP(host) ? undefined : host;
    socket = connectTls({ servername, ...target, ...(tls === true ? {} : tls) } as ClientTls);
  } else {
    socket = connectTcp(target as { port: number });
  }
  // One write a batch: waiting for more to send would only make answers late. As options, TLS would not hear of these.
  socket.setNoDelay(true);
  if (keepAlive) socket.setKeepAlive(true, keepAliveInitialDelay);
  return socket;
}
