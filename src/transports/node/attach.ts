import type { Duplex, Readable } from "node:stream";
import {
  CONNECTION_OPTIONS,
  type Connection,
  type ConnectionOptions,
  checkOptions,
  type Handlers,
  type MessageProtocol,
  type Protocol,
  type StreamHint,
} from "../../core/index.ts";
import { attachStream } from "./attach-stream.ts";
import type { ProxyHeader } from "./proxy-header.ts";
import type { StreamPair } from "./stream-sink.ts";

const OPTIONS = [...CONNECTION_OPTIONS, "silence"];

/** Handlers and limits of a connection over a Node stream. */
export type SocketOptions<
  In,
  Out = In,
  Context = undefined,
  Stream extends Duplex | StreamPair = Duplex,
> = Omit<Handlers<In, Out, Context>, "context"> &
  ConnectionOptions & {
    /**
     * Makes the state of one connection, kept in `connection.context`; receives its socket. `proxied` is
     * the header that a proxy sent, for `listen` with `proxyProtocol`.
     */
    readonly context?: ((socket: Stream, proxied?: ProxyHeader) => Context) | undefined;
  };

/** The option of {@link attach} for lines with messages that end by silence. */
export interface SilenceOptions {
  /**
   * Milliseconds without a byte that end a message, for serial lines with frames that have neither a length
   * nor a delimiter (Modbus RTU). The messages that you send are separated by the same time. Timers and
   * drivers may be late by some milliseconds: use 20 or more, and more than the longest gap inside a
   * message.
   *
   * Bytes are read even while the connection is paused, up to `maxQueued`. `detach` and `startTls` are not possible.
   */
  readonly silence: number;
}

/**
 * Runs a protocol over an existing stream: a socket of `net` or `tls` or a port of `serialport`, open or
 * opening, any other Duplex, or a pair of streams, for example those of a child process. The connection
 * owns the stream from now on; a paused stream is read.
 *
 * @param socket - the stream, or `{ readable, writable }`; it must carry bytes, not strings (`setEncoding`) or objects
 * @param protocol - the protocol of the connection
 * @param options - handlers and limits
 * @returns the connection; messages that you send before the socket is connected are queued. If the socket
 *   is already closed, the `close` handler is called soon
 * @throws TypeError for a protocol without a framing, a stream of text or objects, or an unknown option; RangeError for
 *   an invalid limit
 *
 * @example
 * ```ts
 * import { createServer } from "node:net";
 * import { lines, utf8 } from "framewright";
 * import { attach } from "framewright/node";
 *
 * const echo = lines().wrap(utf8());
 * const server = createServer((socket) => {
 *   attach(socket, echo, { message: (connection, line) => connection.send(line) });
 * });
 * ```
 */
export function attach<
  In,
  Out = In,
  Context = undefined,
  Stream extends Duplex | StreamPair = Duplex,
>(
  socket: Stream,
  protocol: MessageProtocol<In, Out>,
  options: SocketOptions<In, Out, Context, Stream> & SilenceOptions,
): Connection<In, Out, Context>;
export function attach<
  In,
  Out = In,
  Context = undefined,
  P = unknown,
  Stream extends Duplex | StreamPair = Duplex,
>(
  socket: Stream,
  protocol: P & StreamHint<P> & Protocol<In, Out>,
  options?: SocketOptions<In, Out, Context, Stream>,
): Connection<In, Out, Context>;
export function attach<In, Out, Context, Stream extends Duplex | StreamPair>(
  socket: Stream,
  protocol: MessageProtocol<In, Out>,
  options: SocketOptions<In, Out, Context, Stream> & Partial<SilenceOptions> = {},
): Connection<In, Out, Context> {
  checkOptions("attach", options, OPTIONS);
  return attachStream(socket, protocol, handlersOf(options, socket), options).connection;
}

/**
 * The handlers among the options, with a `context` that receives the stream.
 * @internal
 */
export function handlersOf<In, Out, Context, Stream extends Duplex | StreamPair>(
  options: SocketOptions<In, Out, Context, Stream>,
  stream: Stream,
  proxied?: ProxyHeader,
): Handlers<In, Out, Context> {
  const { context, ...rest } = options;
  return { ...rest, context: context && (() => context(stream, proxied)) };
}

/**
 * Ends a connection and returns its socket, paused and without the library's listeners, so that you can use
 * it in another way. Bytes that were received but not delivered are put back into the socket, and its next
 * reader receives them first.
 *
 * @param connection - a connection over a socket of Node, or another Duplex or pair of streams; its `close` handler is
 *   called with `{ by: 'local' }`
 * @returns the stream, or the pair, that the connection was made from
 * @throws TypeError while output is unsent, in the middle of a frame of several values, once the peer has ended, and for
 *   serial ports and connections with the option `slab`
 *
 * @example
 * ```ts
 * import { lines, utf8 } from "framewright";
 * import { detachSocket, listen } from "framewright/node";
 *
 * const server = await listen(lines().wrap(utf8()), {
 *   port: 0,
 *   message(connection, line) {
 *     if (line === "raw") detachSocket(connection).once("data", (bytes) => console.log(`${bytes}`));
 *   },
 * });
 * await server.close();
 * ```
 */
export function detachSocket<Stream extends Duplex | StreamPair = Duplex>(
  connection: Connection<never, unknown, unknown>,
): Stream {
  const { socket, unread } = connection.detach();
  const stream = socket as Duplex | StreamPair;
  const readable = typeof stream.readable === "object" ? stream.readable : (stream as Readable);
  if (unread.length > 0) readable.unshift(unread);
  return stream as Stream;
}
