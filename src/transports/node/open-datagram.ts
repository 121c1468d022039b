import {
  type BindOptions,
  createSocket,
  type SocketOptions as DgramOptions,
  type Socket,
  type SocketType,
} from "node:dgram";
import { checkOptions, type MessageProtocol } from "../../core/index.ts";
import {
  attachDatagram,
  checkDatagram,
  DATAGRAM_OPTIONS,
  type DatagramEndpoint,
  type DatagramHandlers,
} from "./datagram.ts";

/** Options for the UDP socket, from those of `dgram.createSocket`. */
export type DatagramSocketOptions = Pick<
  DgramOptions,
  "reuseAddr" | "ipv6Only" | "recvBufferSize" | "sendBufferSize"
> & {
  /**
   * The IP version.
   * @defaultValue `'udp4'`, or `'udp6'` if `host` contains a colon
   */
  readonly type?: SocketType | undefined;
  /** Closes the socket immediately, or aborts its opening. */
  readonly signal?: AbortSignal | undefined;
};

/** Options for {@link listenDatagram}: address, handlers and limits. */
export type ListenDatagramOptions<In, Out = In> = DatagramHandlers<In, Out> &
  DatagramSocketOptions &
  Pick<BindOptions, "port"> & {
    /**
     * Address to bind.
     * @defaultValue all addresses of the machine
     */
    readonly host?: string | undefined;
  };

/** Options for {@link connectDatagram}: address of the peer, handlers and limits. */
export type ConnectDatagramOptions<In, Out = In> = DatagramHandlers<In, Out> &
  DatagramSocketOptions & {
    /** UDP port of the peer. */
    readonly port: number;
    /**
     * Host name or IP address of the peer.
     * @defaultValue `localhost`
     */
    readonly host?: string | undefined;
  };

const OPTIONS = [
  ...["port", "host", "type", "signal"],
  ...["reuseAddr", "ipv6Only", "recvBufferSize", "sendBufferSize"],
  ...DATAGRAM_OPTIONS,
];

/**
 * Opens a UDP socket that receives and sends messages of a protocol.
 *
 * @param protocol - the protocol of the datagrams; without framing, each datagram is one message
 * @param options - address and handlers
 * @returns the endpoint, once it is bound; it can also send, to any peer
 * @throws the socket's error (EADDRINUSE and the like), or the signal's reason
 *
 * @example
 * ```ts
 * import { json, perMessage } from "framewright";
 * import { connectDatagram, listenDatagram } from "framewright/node";
 *
 * const protocol = perMessage().wrap(json<{ n: number }>());
 * const server = await listenDatagram(protocol, {
 *   host: "127.0.0.1",
 *   message: (endpoint, { n }, peer) => endpoint.send([{ n: n + 1 }], peer),
 * });
 * const client = await connectDatagram(protocol, {
 *   host: "127.0.0.1",
 *   port: server.port,
 *   async message(endpoint, { n }) {
 *     console.log(n);
 *     await Promise.all([endpoint.close(), server.close()]);
 *   },
 * });
 * client.send([{ n: 41 }]);
 * await new Promise((resolve) => server.socket.once("close", resolve));
 * //=> 42
 * ```
 */
export async function listenDatagram<In, Out = In>(
  protocol: MessageProtocol<In, Out>,
  options: ListenDatagramOptions<In, Out> = {},
): Promise<DatagramEndpoint<In>> {
  checkOptions("listenDatagram", options, OPTIONS);
  checkDatagram(protocol, options);
  const { port = 0, host } = options;
  const address = host === undefined ? {} : { address: host };
  const socket = await open(options, "listening", (made) => made.bind({ port, ...address }));
  return attachDatagram(socket, protocol, handlersOf(options));
}

/**
 * Opens a UDP socket that is connected to one peer: `send(values)` sends to it, and only datagrams from it
 * are received. If the peer's machine reports that no one listens there, `socketError` is called
 * (ECONNREFUSED).
 *
 * @param protocol - the protocol of the datagrams; without framing, each datagram is one message
 * @param options - the peer's address, and handlers
 * @returns the endpoint, once its socket is connected; this does not show that the peer exists
 * @throws the socket's error (ENOTFOUND and the like), or the signal's reason
 *
 * @example
 * ```ts
 * import { json, perMessage } from "framewright";
 * import { connectDatagram } from "framewright/node";
 *
 * const metrics = perMessage().wrap(json<{ name: string; value: number }>());
 * const endpoint = await connectDatagram(metrics, { host: "127.0.0.1", port: 8125, socketError() {} });
 * console.log(endpoint.send([{ name: "requests", value: 1 }]));
 * await endpoint.close();
 * console.log(endpoint.send([{ name: "requests", value: 2 }]));
 * //=> true
 * //=> false
 * ```
 */
export async function connectDatagram<In, Out = In>(
  protocol: MessageProtocol<In, Out>,
  options: ConnectDatagramOptions<In, Out>,
): Promise<DatagramEndpoint<In>> {
  checkOptions("connectDatagram", options, OPTIONS);
  checkDatagram(protocol, options);
  const { port, host = "localhost" } = options;
  const socket = await open(options, "connect", (made) => made.connect(port, host));
  return attachDatagram(socket, protocol, handlersOf(options));
}

/** The options for the endpoint; the others are for its socket. */
function handlersOf<In, Out>(options: DatagramHandlers<In, Out>): DatagramHandlers<In, Out> {
  const { message, error, socketError, drain, close } = options;
  const { highWater, maxQueued, handlerErrors, trace } = options;
  return { message, error, socketError, drain, close, highWater, maxQueued, handlerErrors, trace };
}

/** Resolves with the socket once it is open; closes it if that fails. */
async function open(
  options: DatagramSocketOptions & { readonly host?: string | undefined },
  event: "listening" | "connect",
  start: (socket: Socket) => void,
): Promise<Socket> {
  const { host, type, signal, reuseAddr, ipv6Only, recvBufferSize, sendBufferSize } = options;
  signal?.throwIfAborted();
  const socket = createSocket({
    type: type ?? (host?.includes(":") ? "udp6" : "udp4"),
    ...{ signal, reuseAddr, ipv6Only, recvBufferSize, sendBufferSize },
  });
  try {
    await new Promise<void>((resolve, reject) => {
      const aborted = (): void => reject(signal?.reason);
      socket.once("close", aborted);
      socket.once("error", reject);
      socket.once(event, () => {
        socket.off("close", aborted);
        socket.off("error", reject);
        resolve();
      });
      start(socket);
    });
    return socket;
  } catch (error) {
    if (!signal?.aborted) socket.close();
    throw error;
  }
}
