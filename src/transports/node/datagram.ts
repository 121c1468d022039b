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

/** Whom a datagram is from, or to. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/**
 * Handlers and limits of a datagram endpoint. Each handler is called with the endpoint first; one that throws, or whose
 * promise is rejected, costs nothing but its own datagram.
 */
export interface DatagramHandlers<In, Out = In> {
  /** A message came. */
  readonly message?:
    | ((endpoint: DatagramEndpoint<In>, value: Out, peer: RemoteInfo) => unknown)
    | undefined;
  /**
   * A datagram broke the protocol: the rest of it is dropped, and that is all. Or `message` threw. Without this handler
   * the first is printed in one line, now and then; the second with its stack (see `handlerErrors`).
   */
  readonly error?:
    | ((endpoint: DatagramEndpoint<In>, error: unknown, peer: RemoteInfo) => unknown)
    | undefined;
  /**
   * The socket failed, or a datagram could not be sent. A connected socket also reports a peer that is not there
   * (ECONNREFUSED), and goes on: the peer may come back. Without this handler a failure of the socket is printed in one
   * line, now and then, and what could not be sent is lost, as it might have been later on.
   */
  readonly socketError?: ((endpoint: DatagramEndpoint<In>, error: Error) => unknown) | undefined;
  /** There is room again after `send` returned false. */
  readonly drain?: ((endpoint: DatagramEndpoint<In>) => unknown) | undefined;
  /** The socket is closed. */
  readonly close?: ((endpoint: DatagramEndpoint<In>) => unknown) | undefined;
  /**
   * `send` returns false while more bytes than this wait to be sent.
   * @defaultValue 256 KiB, or `maxQueued` if that is less
   */
  readonly highWater?: number | undefined;
  /**
   * Most bytes that may wait to be sent; each datagram counts 256 bytes more. What exceeds it is dropped.
   * @defaultValue 8 MiB
   */
  readonly maxQueued?: number | undefined;
  /**
   * What becomes of a bug in a handler if there is no `error` handler: `'report'` prints it, `'throw'` throws it where no
   * one catches it.
   * @defaultValue `'report'`
   */
  readonly handlerErrors?: "report" | "throw" | undefined;
  /**
   * Called with everything that happens to the endpoint, as the option of that name of a connection. A datagram that is sent
   * is one `queued`, of all its values, and one `sent`.
   * @defaultValue none
   */
  readonly trace?: Trace | undefined;
}

const HIGH_WATER = 262_144;
const MAX_QUEUED = 8_388_608;
/** What a datagram costs in memory beside its bytes, until the system has it. */
const DATAGRAM_COST = 256;

const HANDLERS = ["message", "error", "socketError", "drain", "close"];

/**
 * Names of handlers and options of an endpoint, for `checkOptions`.
 * @internal
 */
export const DATAGRAM_OPTIONS: readonly string[] = [
  ...HANDLERS,
  ...["highWater", "maxQueued", "handlerErrors", "trace"],
];

/**
 * Checks the handlers and limits of an endpoint, before a socket is made for it.
 *
 * @throws TypeError for what is not a protocol or a handler; RangeError for an invalid limit
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
   * @throws the socket's error where it is not bound, or closed
   */
  readonly port: number;
  /** Bytes that wait to be sent; each datagram counts 256 bytes more. */
  readonly queued: number;
  /** Node's own socket, for what is not here (multicast, buffer sizes, `ref`). */
  readonly socket: Socket;
  /**
   * Sends values as one datagram, one frame behind the other. A protocol without framing takes exactly one.
   *
   * @param values - what to send
   * @param peer - whom to; not given: the peer that the socket is connected to
   * @returns false if it is better to wait for `drain`: above the high-water mark. Also false if nothing was sent: above
   *   `maxQueued`, and once the endpoint closes
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
 * @param handlers - what to call, and limits
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
  /** Bytes that are not with the system yet, with what their datagrams cost. */
  let queued = 0;
  /** `send` returned false, and no `drain` followed yet. */
  let isDrainOwed = false;
  /** Datagrams that are not with the system yet: Node looks up every address, 127.0.0.1 too. */
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
        const text = `${bytes.length} bytes exceed the ${MAX_DATAGRAM} of a datagram`;
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
        // Port 0 is where a stranger's datagram may say that it is from: that answering fails is no fault of ours.
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

  function sent(error: Error | null, cost: number): void {
    // Deno tells of datagrams that the socket took with it when it closed.
    if (isClosed) return;
    unsent--;
    queued -= cost;
    if (error) failed(error);
    if (unsent === 0) shut();
    if (!isDrainOwed || queued > highWater / 2 || closing !== undefined) return;
    isDrainOwed = false;
    guard(() => handlers.drain?.(endpoint));
  }

  /** The socket failed, or something could not be sent. */
  function failed(error: Error): void {
    tell?.({ type: "error", error });
    guard(() => handlers.socketError?.(endpoint, error));
  }

  /** Calls a handler: what it throws is its own bug, and harms no one else. */
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
    // Fresh for each datagram: nothing of a bad one is left for the next.
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
        // A handler may close the endpoint.
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
    // Where it could not be bound, what waited for that is gone.
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
