import { Socket } from "node:net";
import { type Duplex, finished } from "node:stream";
import {
  Connection,
  type ConnectionOptions,
  checkStreamProtocol,
  compact,
  type Handlers,
  type Protocol,
  type Sink,
  type StreamHint,
} from "../../core/index.ts";
import { isSerialPort, serialSink } from "./serial.ts";

/** Handlers and limits of one connection over a Node stream. */
export type SocketOptions<In, Out = In, Context = undefined> = Omit<
  Handlers<In, Out, Context>,
  "context"
> &
  ConnectionOptions & {
    /** Makes the state of one connection, kept in `connection.context`; may look at its socket. */
    readonly context?: ((socket: Duplex) => Context) | undefined;
  };

/**
 * Speaks a protocol over a stream that you have: a socket of `net` or `tls` or a port of `serialport`, open or about to
 * be, or any other Duplex (the streams of a child process). The stream belongs to the connection from now on.
 *
 * @param socket - the stream; it must carry bytes, not strings (`setEncoding`) or objects
 * @param protocol - the protocol of the connection
 * @param options - handlers and limits
 * @returns the connection; what is sent before the socket is connected waits. Where the socket is closed already, its
 *   `close` handler is called soon
 * @throws TypeError for a protocol without a framing
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
export function attach<In, Out = In, Context = undefined, P = unknown>(
  socket: Duplex,
  protocol: P & StreamHint<P> & Protocol<In, Out>,
  options: SocketOptions<In, Out, Context> = {},
): Connection<In, Out, Context> {
  checkStreamProtocol(protocol);
  const { context, ...rest } = options;
  const handlers: Handlers<In, Out, Context> = {
    ...rest,
    context: context && (() => context(socket)),
  };
  const serial = isSerialPort(socket) ? socket : undefined;
  const duplex = socketSink(socket);
  const sink = serial === undefined ? duplex : serialSink(serial, duplex);
  const connection = new Connection(protocol, sink, handlers, rest);
  // Whether this side ends when the peer does is the connection's business.
  socket.allowHalfOpen = true;
  let failure: unknown;
  socket.on("data", (chunk: Uint8Array) => connection.received(chunk));
  socket.on("end", () => {
    // A TLS socket that an alert of its peer has broken ends, too: that is no end of its own, `close` follows.
    if (failure === undefined) connection.ended();
    else socket.destroy();
  });
  socket.on("drain", () => connection.drained());
  socket.on("error", (error) => {
    failure = error;
    // It could not be opened, and says nothing more.
    if (serial?.isOpen === false) connection.lost(error);
  });
  // A serial port that was pulled out says so here.
  socket.on("close", (error?: unknown) =>
    connection.lost(failure ?? (error instanceof Error ? error : undefined)),
  );
  // A Duplex of another kind may never say `close`: an older one, or one that was made so.
  if (!(socket instanceof Socket)) finished(socket, () => connection.lost(failure));
  const event = connectEvent(socket);
  if (event === undefined) {
    connection.opened();
  } else {
    const opened = (): void => {
      if (!socket.destroyed) connection.opened();
    };
    socket.once(event, opened);
    // What a TLSSocket that was made by hand (for STARTTLS) says in its place.
    if (event === "secureConnect") socket.once("secure", opened);
  }
  // What a socket said before it was attached it does not say again.
  if (socket.closed) queueMicrotask(() => connection.lost(socket.errored ?? undefined));
  else if (socket.readableEnded) queueMicrotask(() => connection.ended());
  return connection;
}

/** The event that a socket is connected; undefined where it is already. */
function connectEvent(socket: Duplex): string | undefined {
  if (isSerialPort(socket)) return socket.isOpen ? undefined : "open";
  const { connecting, encrypted, secureConnecting } = socket as Partial<Socket> & {
    encrypted?: boolean;
    secureConnecting?: boolean;
  };
  if (encrypted && secureConnecting) return "secureConnect";
  return connecting ? "connect" : undefined;
}

function socketSink(socket: Duplex): Sink {
  return {
    boundary: "stream",
    // A stream that is gone says so by its events; writing to it would only make another error.
    write: (bytes) =>
      // Behind bytes that wait it will wait, too.
      !socket.writable || socket.write(socket.writableLength > 0 ? compact(bytes) : bytes),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => void socket.end(),
    abort: () => void socket.destroy(),
  };
}
