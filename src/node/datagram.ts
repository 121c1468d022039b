import {
  type BindOptions,
  createSocket,
  type RemoteInfo,
  type Socket,
  type SocketType,
} from "node:dgram";
import { asProtocolError } from "../core/errors.ts";
import { decodeValues, isFramed } from "../core/frames.ts";
import { encodeAll, type MessageProtocol, ProtocolError } from "../core/index.ts";
import { MessageReader } from "../core/message-reader.ts";

/** Whom a datagram is from, or to. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** What is called for datagrams: each with the endpoint first. What a handler throws is an `error`, too. */
export interface DatagramHandlers<In, Out = In> {
  /** A message came. */
  readonly message?:
    | ((endpoint: DatagramEndpoint<In>, value: Out, peer: RemoteInfo) => unknown)
    | undefined;
  /**
   * A datagram broke the protocol: the rest of it is dropped, and that is all. Or a handler threw. Without this
   * handler the first is ignored, as lost datagrams are; the second is an uncaught error.
   */
  readonly error?:
    | ((endpoint: DatagramEndpoint<In>, error: unknown, peer: RemoteInfo) => unknown)
    | undefined;
  /** The socket failed, or a datagram could not be sent (to a connected peer that is not there, say). */
  readonly socketError?: ((endpoint: DatagramEndpoint<In>, error: Error) => unknown) | undefined;
  /** The socket is closed. */
  readonly close?: ((endpoint: DatagramEndpoint<In>) => unknown) | undefined;
}

/** A UDP socket that speaks a protocol. */
export interface DatagramEndpoint<In> {
  /** The UDP port that it is bound to. */
  readonly port: number;
  /** Node's own socket, for what is not here (multicast, buffer sizes, `ref`). */
  readonly socket: Socket;
  /**
   * Sends values as one datagram, one frame behind the other. A protocol without framing takes exactly one.
   *
   * @param values - what to send
   * @param peer - whom to; not given: the peer that the socket is connected to
   * @throws ProtocolError `unencodable` for a value that cannot be encoded, and for more than 65507 bytes
   */
  send(values: readonly In[], peer?: Peer): void;
  /** Closes the socket. */
  close(): Promise<void>;
}

/** Where to listen for datagrams, and what to call. */
export type ListenDatagramOptions<In, Out = In> = DatagramHandlers<In, Out> &
  Pick<BindOptions, "port"> & {
    /**
     * Address to bind.
     * @defaultValue all addresses of the machine
     */
    readonly host?: string | undefined;
    /**
     * Version of IP.
     * @defaultValue 'udp4', or 'udp6' where `host` has a colon
     */
    readonly type?: SocketType | undefined;
  };

// A datagram over IPv4 has 65535 bytes, less 20 of the IP header and 8 of the UDP header.
const MAX_DATAGRAM = 65_507;

/**
 * Speaks a protocol over a UDP socket that you have, bound or about to be. Each datagram holds whole frames, and
 * stands for itself: one that breaks the protocol is an `error`, and the next one is read all the same.
 *
 * @param socket - the socket
 * @param protocol - needs no framing of its own: then a datagram is one message
 * @param handlers - what to call
 */
export function attachDatagram<In, Out = In>(
  socket: Socket,
  protocol: MessageProtocol<In, Out>,
  handlers: DatagramHandlers<In, Out> = {},
): DatagramEndpoint<In> {
  const fresh = isFramed(protocol) ? protocol.perConnection?.({ context: undefined }) : undefined;
  const own: MessageProtocol<In, Out> = fresh ?? protocol;
  const endpoint: DatagramEndpoint<In> = Object.freeze<DatagramEndpoint<In>>({
    get port() {
      return socket.address().port;
    },
    socket,
    send(values, peer) {
      const bytes = encodeAll(own, values);
      if (bytes.length > MAX_DATAGRAM) {
        const text = `${bytes.length} bytes exceed the ${MAX_DATAGRAM} of a datagram`;
        throw new ProtocolError("unencodable", text);
      }
      const sent = (error: Error | null): void => {
        if (error) handlers.socketError?.(endpoint, error);
      };
      if (peer === undefined) socket.send(bytes, sent);
      else socket.send(bytes, peer.port, peer.address, sent);
    },
    close: () =>
      new Promise((resolve) => {
        socket.once("close", () => resolve());
        try {
          socket.close();
        } catch {
          // It was closed already.
          resolve();
        }
      }),
  });

  function received(bytes: Uint8Array, peer: RemoteInfo): void {
    // Fresh for each datagram: nothing of a bad one is left for the next.
    const reader = new MessageReader(own);
    reader.push(bytes);
    for (;;) {
      let values: readonly Out[];
      try {
        if (!reader.next()) return;
        values = decodeValues(own, reader.bytes, reader.start, reader.end);
      } catch (error) {
        handlers.error?.(endpoint, asProtocolError(error, "malformed", "decode failed"), peer);
        return;
      }
      for (const value of values) deliver(value, peer);
    }
  }

  function deliver(value: Out, peer: RemoteInfo): void {
    const { message, error: handler } = handlers;
    if (handler === undefined) {
      void message?.(endpoint, value, peer);
      return;
    }
    const failed = (error: unknown): void => void handler(endpoint, error, peer);
    try {
      const result = message?.(endpoint, value, peer);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  socket.on("message", received);
  socket.on("error", (error) => {
    if (handlers.socketError !== undefined) handlers.socketError(endpoint, error);
    else if (socket.listenerCount("error") === 1) throw error;
  });
  socket.on("close", () => handlers.close?.(endpoint));
  return endpoint;
}

/**
 * A UDP socket that speaks a protocol.
 *
 * @param protocol - needs no framing of its own: then a datagram is one message
 * @param options - address and handlers
 * @returns the endpoint, once it is bound; it also sends, and so serves as a client
 * @throws the socket's error (EADDRINUSE and the like)
 *
 * @example
 * ```ts
 * import { json, perMessage } from "framewright";
 * import { listenDatagram } from "framewright/node";
 *
 * const protocol = perMessage().wrap(json<{ n: number }>());
 * const server = await listenDatagram(protocol, {
 *   host: "127.0.0.1",
 *   message: (endpoint, { n }, peer) => endpoint.send([{ n: n + 1 }], peer),
 * });
 * const client = await listenDatagram(protocol, {
 *   host: "127.0.0.1",
 *   async message(endpoint, { n }) {
 *     console.log(n);
 *     await Promise.all([endpoint.close(), server.close()]);
 *   },
 * });
 * client.send([{ n: 41 }], { address: "127.0.0.1", port: server.port });
 * await new Promise((resolve) => server.socket.once("close", resolve));
 * //=> 42
 * ```
 */
export async function listenDatagram<In, Out = In>(
  protocol: MessageProtocol<In, Out>,
  options: ListenDatagramOptions<In, Out> = {},
): Promise<DatagramEndpoint<In>> {
  const { port, host, type, ...handlers } = options;
  const socket = createSocket(type ?? (host?.includes(":") ? "udp6" : "udp4"));
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ port: port ?? 0, ...(host === undefined ? {} : { address: host }) }, () => {
      socket.off("error", reject);
      resolve();
    });
  });
  return attachDatagram(socket, protocol, handlers as DatagramHandlers<In, Out>);
}
