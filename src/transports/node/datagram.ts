import type { RemoteInfo, Socket } from "node:dgram";
import {
  asProtocolError,
  decodeValues,
  encodeAll,
  forOneStream,
  isThenable,
  type MessageProtocol,
  MessageReader,
  ProtocolError,
} from "../../core/index.ts";

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
  /**
   * The socket failed, or a datagram could not be sent. A connected socket also hears so of a peer that is not there
   * (ECONNREFUSED), and goes on: the peer may come back. Without this handler a failure of the socket is an
   * uncaught error, and what could not be sent is lost, as it might have been later on.
   */
  readonly socketError?: ((endpoint: DatagramEndpoint<In>, error: Error) => unknown) | undefined;
  /** The socket is closed. */
  readonly close?: ((endpoint: DatagramEndpoint<In>) => unknown) | undefined;
}

/** A UDP socket that speaks a protocol. */
export interface DatagramEndpoint<In> {
  /**
   * The UDP port that it is bound to.
   * @throws the socket's error where it is not bound, or closed
   */
  readonly port: number;
  /** Node's own socket, for what is not here (multicast, buffer sizes, `ref`). */
  readonly socket: Socket;
  /**
   * Sends values as one datagram, one frame behind the other. A protocol without framing takes exactly one.
   *
   * @param values - what to send
   * @param peer - whom to; not given: the peer that the socket is connected to
   * @returns false once the endpoint closes: then nothing is sent
   * @throws ProtocolError `unencodable` for a value that cannot be encoded, and for more than 65507 bytes; the
   *   socket's error for a peer that cannot be one (a port of 70000, say)
   */
  send(values: readonly In[], peer?: Peer): boolean;
  /** Sends what was sent before, delivers nothing more, and closes the socket. */
  close(): Promise<void>;
}

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
  const own = forOneStream(protocol);
  /** Datagrams that are not with the system yet: Node looks up every address, 127.0.0.1 too. */
  let unsent = 0;
  let isClosed = false;
  let closing: Promise<void> | undefined;
  let shut = (): void => {};

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
      if (closing !== undefined) return false;
      try {
        transmit(socket, bytes, peer, sent);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ERR_SOCKET_DGRAM_NOT_RUNNING") return false;
        // Port 0 is where a stranger's datagram may say that it is from: that answering fails is no fault of ours.
        if (peer?.port !== 0) throw error;
        handlers.socketError?.(endpoint, error as Error);
        return true;
      }
      unsent++;
      return true;
    },
    close() {
      // Where somebody else closed the socket, Node says so once more; Deno does not.
      if (isClosed) closing ??= Promise.resolve();
      closing ??= new Promise((resolve) => {
        socket.once("close", resolve);
        shut = () => {
          try {
            socket.close();
          } catch {
            // Somebody else closed it, perhaps long ago.
            resolve();
          }
        };
        if (unsent === 0) shut();
      });
      return closing;
    },
  });

  function sent(error: Error | null): void {
    // Deno tells of datagrams that the socket took with it when it closed.
    if (isClosed) return;
    unsent--;
    if (error) handlers.socketError?.(endpoint, error);
    if (unsent === 0) shut();
  }

  function received(bytes: Uint8Array, peer: RemoteInfo): void {
    if (closing !== undefined) return;
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
      for (const value of values) {
        deliver(value, peer);
        // A handler may close the endpoint.
        if (closing !== undefined) return;
      }
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
      if (isThenable(result)) result.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }

  socket.on("message", received);
  socket.on("error", (error) => {
    // Where it could not be bound, what waited for that is gone.
    if (!isBound(socket)) unsent = 0;
    if (handlers.socketError !== undefined) handlers.socketError(endpoint, error);
    else if (socket.listenerCount("error") === 1) throw error;
  });
  socket.on("close", () => {
    isClosed = true;
    handlers.close?.(endpoint);
  });
  return endpoint;
}

function transmit(
  socket: Socket,
  bytes: Uint8Array,
  peer: Peer | undefined,
  sent: (error: Error | null) => void,
): void {
  if (peer === undefined) {
    socket.send(bytes, sent);
    return;
  }
  try {
    socket.send(bytes, peer.port, peer.address, sent);
  } catch (error) {
    if (!isPeerOf(socket, peer)) throw error;
    // A connected socket takes no address, not even that of its peer.
    socket.send(bytes, sent);
  }
}

function isPeerOf(socket: Socket, { address, port }: Peer): boolean {
  try {
    const remote = socket.remoteAddress();
    return remote.address === address && remote.port === port;
  } catch {
    return false;
  }
}

function isBound(socket: Socket): boolean {
  try {
    return socket.address().port !== 0;
  } catch {
    return false;
  }
}
