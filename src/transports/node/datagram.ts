import type { RemoteInfo, Socket } from "node:dgram";
import {
  asProtocolError,
  checkFunctions,
  checkHandlerErrors,
  checkLimits,
  checkOptions,
  checkProtocol,
  decodeValues,
  encodeAll,
  forOneStream,
  isThenable,
  type MessageProtocol,
  MessageReader,
  ProtocolError,
  reportBug,
  reportPeer,
  systemClock,
  type Trace,
  teller,
} from "../../core/index.ts";

/** The sender or receiver of a datagram. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/**
 * Handlers and limits of a datagram endpoint. The endpoint is the first argument of each handler. A handler
 * that throws, or whose promise rejects, affects only its own datagram.
 */
export interface DatagramHandlers<In, Out = In> {
  /** Called for each message. */
  readonly message?:
    | ((endpoint: DatagramEndpoint<In>, value: Out, peer: RemoteInfo) => unknown)
    | undefined;
  /**
   * Called if a datagram violates the protocol (only the rest of that datagram is dropped), or if `message`
   * throws. Without this handler, violations are printed as single lines, at a limited rate, and errors of
   * `message` with their stack (see `handlerErrors`).
   */
  readonly error?:
    | ((endpoint: DatagramEndpoint<In>, error: unknown, peer: RemoteInfo) => unknown)
    | undefined;
  /**
   * Called if the socket failed, or a datagram could not be sent. A connected socket also reports a missing
   * peer (ECONNREFUSED) and stays open, because the peer may come back. Without this handler, failures of
   * the socket are printed as single lines, at a limited rate, and failures to send are ignored, because
   * datagrams may be lost anyway.
   */
  readonly socketError?: ((endpoint: DatagramEndpoint<In>, error: Error) => unknown) | undefined;
  /** Called when there is room again after `send` returned false. */
  readonly drain?: ((endpoint: DatagramEndpoint<In>) => unknown) | undefined;
  /** Called when the socket is closed. */
  readonly close?: ((endpoint: DatagramEndpoint<In>) => unknown) | undefined;
  /**
   * `send` returns false while more bytes than this wait to be sent.
   * @defaultValue 256 KiB, or `maxQueued` if that is less
   */
  readonly highWater?: number | undefined;
  /**
   * Maximum number of bytes that wait to be sent; each datagram counts 256 bytes more. Datagrams above it
   * are dropped.
   * @defaultValue 8 MiB
   */
  readonly maxQueued?: number | undefined;
  /**
   * How a bug in a handler is reported if there is no `error` handler: `'report'` prints it, `'throw'`
   * throws it as an uncaught exception.
   * @defaultValue `'report'`
   */
  readonly handlerErrors?: "report" | "throw" | undefined;
  /**
   * Called with each event of the endpoint, like `trace` of a connection. A sent datagram causes one `queued`
   * with all its values, and one `sent`.
   * @defaultValue none
   */
  readonly trace?: Trace | undefined;
}

const HIGH_WATER = 262_144;
const MAX_QUEUED = 8_388_608;
/** Memory cost of a datagram in addition to its bytes, until the system has it. */
const DATAGRAM_COST = 256;

const HANDLERS = ["message", "error", "socketError", "drain", "close"];

/**
 * Names of the handlers and options of an endpoint, for `checkOptions`.
 * @internal
 */
export const DATAGRAM_OPTIONS: readonly string[] = [
  ...HANDLERS,
  ...["highWater", "maxQueued", "handlerErrors", "trace"],
];

/**
 * Checks the handlers and limits of an endpoint, before a socket is made for it.
 *
 * @throws TypeError for an invalid protocol or handler; RangeError for an invalid limit
 * @internal
 */
export function checkDatagram(
  protocol: unknown,
  handlers: Pick<DatagramHandlers<never>, "highWater" | "maxQueued" | "handlerErrors">,
): void {
  checkProtocol(protocol, "message");
  checkFunctions(handlers, [...HANDLERS, "trace"]);
  checkLimits(handlers, "highWater", "maxQueued");
  checkHandlerErrors(handlers.handlerErrors);
}

/** A UDP socket that speaks a protocol. */
export interface DatagramEndpoint<In> {
  /**
   * The UDP port that it is bound to.
   * @throws the socket's error if the socket is not bound, or is closed
   */
  readonly port: number;
  /** Number of bytes that wait to be sent; each datagram counts 256 bytes more. */
  readonly queued: number;
  /** The underlying Node socket. Use it for multicast, buffer sizes, `ref`. */
  readonly socket: Socket;
  /**
   * Sends values as one datagram, one frame after the other. A protocol without framing takes exactly one
   * value.
   *
   * @param values - what to send
   * @param peer - the receiver; defaults to the peer that the socket is connected to
   * @returns false if you should wait for `drain`: above the high-water mark. Also false if nothing was
   *   sent: above `maxQueued`, and once the endpoint is closing
   * @throws ProtocolError `unencodable` for a value that cannot be encoded, and for more than 65507 bytes;
   *   the socket's error for an invalid peer (for example port 70000)
   */
  send(values: readonly In[], peer?: Peer): boolean;
  /** Sends the queued datagrams, delivers nothing more, and closes the socket. */
  close(): Promise<void>;
}

// A datagram over IPv4 has at most 65535 bytes, minus 20 for the IP header and 8 for the UDP header.
const MAX_DATAGRAM = 65_507;

/**
 * Runs a protocol over an existing UDP socket, bound or not yet bound. Each datagram holds complete frames
 * and is independent: a datagram that violates the protocol causes an `error`, and the next one is read
 * normally.
 *
 * @param socket - the socket
 * @param protocol - the protocol of the datagrams; without framing, each datagram is one message
 * @param handlers - handlers and limits
 * @throws TypeError for an unknown option; RangeError for an invalid limit
 */
export function attachDatagram<In, Out = In>(
  socket: Socket,
  protocol: MessageProtocol<In, Out>,
  handlers: DatagramHandlers<In, Out> = {},
): DatagramEndpoint<In> {
  checkOptions("attachDatagram", handlers, DATAGRAM_OPTIONS);
  checkDatagram(protocol, handlers);
  const { maxQueued = MAX_QUEUED, handlerErrors = "report" } = handlers;
  const highWater = Math.min(handlers.highWater ?? HIGH_WATER, maxQueued);
  const own = forOneStream(protocol);
  const tell = teller(
    { name: own.name, clock: systemClock, trace: handlers.trace },
    () => import("../../inspect/index.ts"),
  );
  /** Bytes that the system does not have yet, including the cost of their datagrams. */
  let queued = 0;
  /** True if `send` returned false and no `drain` followed yet. */
  let isDrainOwed = false;
  /** Number of datagrams that the system does not have yet: Node looks up every address, even 127.0.0.1. */
  let unsent = 0;
  let isClosed = false;
  let closing: Promise<void> | undefined;
  let shut = (): void => {};

  const endpoint: DatagramEndpoint<In> = Object.freeze<DatagramEndpoint<In>>({
    get port() {
      return socket.address().port;
    },
    get queued() {
      return queued;
    },
    socket,
    send(values, peer) {
      const bytes = encodeAll(own, values);
      if (bytes.length > MAX_DATAGRAM) {
        const text = `${bytes.length} bytes exceed the maximum of ${MAX_DATAGRAM} for a datagram`;
        throw new ProtocolError("unencodable", text);
      }
      if (closing !== undefined) return false;
      const cost = bytes.length + DATAGRAM_COST;
      if (queued > 0 && queued + cost > maxQueued) {
        isDrainOwed = true;
        return false;
      }
      try {
        tell?.({ type: "queued", value: values, size: bytes.length });
        transmit(socket, bytes, peer, (error) => sent(error, cost));
        tell?.({ type: "sent", bytes });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ERR_SOCKET_DGRAM_NOT_RUNNING") return false;
        // A received datagram may claim to come from port 0: that the answer fails is not the program's
        // fault.
        if (peer?.port !== 0) throw error;
        failed(error as Error);
        return true;
      }
      unsent++;
      queued += cost;
      if (queued <= highWater) return true;
      isDrainOwed = true;
      return false;
    },
    close() {
      // If other code closed the socket, Node emits `close` again; Deno does not.
      if (isClosed) closing ??= Promise.resolve();
      closing ??= new Promise((resolve) => {
        socket.once("close", resolve);
        shut = () => {
          try {
            socket.close();
          } catch {
            // Other code closed it, perhaps long ago.
            resolve();
          }
        };
        if (unsent === 0) shut();
      });
      return closing;
    },
  });

  function sent(error: Error | null, cost: number): void {
    // Deno reports datagrams that were dropped when the socket closed.
    if (isClosed) return;
    unsent--;
    queued -= cost;
    if (error) failed(error);
    if (unsent === 0) shut();
    if (!isDrainOwed || queued > highWater / 2 || closing !== undefined) return;
    isDrainOwed = false;
    guard(() => handlers.drain?.(endpoint));
  }

  /** Called if the socket failed, or something could not be sent. */
  function failed(error: Error): void {
    tell?.({ type: "error", error });
    guard(() => handlers.socketError?.(endpoint, error));
  }

  /** Calls a handler and reports an error that it throws, without affecting anything else. */
  function guard(call: () => unknown, report: (error: unknown) => void = reportOwn): void {
    try {
      const result = call();
      if (isThenable(result)) Promise.resolve(result).then(undefined, report);
    } catch (error) {
      report(error);
    }
  }

  function reportOwn(error: unknown): void {
    reportBug(error, handlerErrors);
  }

  function received(bytes: Uint8Array, peer: RemoteInfo): void {
    if (closing !== undefined) return;
    tell?.({ type: "received", bytes });
    // A new reader for each datagram: no state of a bad one remains for the next.
    const reader = new MessageReader(own);
    reader.push(bytes);
    for (;;) {
      let values: readonly Out[];
      try {
        if (!reader.next()) return;
        values = decodeValues(own, reader.bytes, reader.start, reader.end);
      } catch (error) {
        const fault = asProtocolError(error, "malformed", "decode failed");
        const { error: handler } = handlers;
        tell?.({ type: "error", error: fault });
        if (handler !== undefined) guard(() => handler(endpoint, fault, peer));
        else reportPeer(own.name, `${peer.address}:${peer.port}`, fault);
        return;
      }
      for (const value of values) {
        tell?.({ type: "message", value, size: reader.end - reader.start });
        deliver(value, peer);
        // The handler may have closed the endpoint.
        if (closing !== undefined) return;
      }
    }
  }

  function deliver(value: Out, peer: RemoteInfo): void {
    const { message, error: handler } = handlers;
    guard(
      () => message?.(endpoint, value, peer),
      (error) => {
        tell?.({ type: "error", error });
        if (handler === undefined) reportOwn(error);
        else guard(() => handler(endpoint, error, peer));
      },
    );
  }

  socket.on("message", received);
  socket.on("error", (error) => {
    // If the socket could not be bound, datagrams that waited for it are lost.
    if (!isBound(socket)) {
      unsent = 0;
      queued = 0;
    }
    if (handlers.socketError !== undefined) {
      failed(error);
      return;
    }
    tell?.({ type: "error", error });
    reportPeer(own.name, undefined, error);
  });
  socket.on("close", () => {
    isClosed = true;
    tell?.({ type: "closed", info: { by: closing === undefined ? "error" : "local" } });
    guard(() => handlers.close?.(endpoint));
  });
  if (tell !== undefined && isBound(socket)) tell({ type: "listening", on: boundTo(socket) });
  return endpoint;
}

function boundTo(socket: Socket): string {
  const { address, port } = socket.address();
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
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
    // A connected socket accepts no address, not even that of its peer.
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
