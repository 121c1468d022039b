import { Socket } from "node:net";
import { type Duplex, finished, type Readable, type Writable } from "node:stream";
import {
  type Clock,
  Connection,
  type ConnectionOptions,
  checkStreamProtocol,
  type Handlers,
  type MessageProtocol,
  type OwnConnection,
  observed,
  ProtocolError,
  type ServerParts,
  systemClock,
} from "../../core/index.ts";
import { isSerialPort, type SerialPort, serialSink } from "./serial.ts";
import { silenceGate, spacedSink } from "./silence.ts";
import { type StreamPair, streamSink } from "./stream-sink.ts";
import { tellSecured, traceConnecting } from "./trace-socket.ts";

/** A connection over Node streams, for the code that made the streams. */
export interface Attached<In, Out, Context> {
  readonly connection: Connection<In, Out, Context>;
  /** Delivers bytes that were not read with `data` events. */
  received(bytes: Uint8Array): void;
}

/** Settings from `listen` and `connect`, in addition to the user's options. */
export interface AttachParts<In, Out, Context> extends ServerParts {
  /**
   * Called once the connection is made, before its `open` handler; `isUnsent` returns true while bytes are
   * unsent.
   */
  readonly made?:
    | ((connection: Connection<In, Out, Context>, isUnsent: () => boolean) => void)
    | undefined;
  /** True if bytes are not read with `data` events, so the socket cannot be handed over. */
  readonly isSlab?: boolean | undefined;
  /** Milliseconds without a byte that end a message; the protocol then needs no framing. */
  readonly silence?: number | undefined;
  /** The peer's address, if it differs from the stream's. */
  readonly peer?: string | undefined;
  /** Host name of the peer, for its certificate. */
  readonly host?: string | undefined;
  /** Address that the stream connects to, for a trace. */
  readonly to?: string | undefined;
}

/** Replaces the stream of a connection that stays open. */
export interface Upgrade {
  /** Host name of the peer, as passed to `connect`. */
  readonly host: string | undefined;
  readonly clock: Clock;
  /** Number of bytes that were read from the stream but not delivered to the connection. */
  readonly buffered: number;
  /** Number of bytes that the connection wrote but that were not passed to the stream. */
  readonly waiting: number;
  /** @throws TypeError for streams that are not one Duplex; ProtocolError `closed` once a side has ended */
  check(): void;
  /**
   * Detaches the stream, paused and without listeners, after `check`. Bytes that are sent from now on wait.
   */
  take(): Duplex;
  /** Waits until everything that was written to the stream before has left. */
  flush(stream: Duplex): Promise<void>;
  /**
   * Attaches another stream to the connection.
   * @throws ProtocolError `closed` if the connection is over; the new stream is destroyed
   */
  give(stream: Duplex): void;
  /** Reports that there is no other stream. */
  lost(error: unknown): void;
}

const upgrades = new WeakMap<object, Upgrade>();

/** Returns how to replace the stream of a connection; undefined for connections of other transports. */
export function upgradeOf(connection: object): Upgrade | undefined {
  return upgrades.get(connection);
}

const NOTHING = new Uint8Array(0);

// In other runtimes a socket may destroy itself without an event when the peer has ended.
const isNode = process.versions.bun === undefined && process.versions.deno === undefined;

/**
 * Makes the connection over a Duplex, or over two streams.
 *
 * @param stream - the stream or streams; checked here
 * @param protocol - checked here
 * @param handlers - the handlers of the connection
 * @param options - limits, and state that all connections of a server share
 */
export function attachStream<In, Out, Context>(
  stream: Duplex | StreamPair,
  protocol: MessageProtocol<In, Out>,
  handlers: Handlers<In, Out, Context>,
  options: ConnectionOptions & AttachParts<In, Out, Context>,
): Attached<In, Out, Context> {
  const { silence, clock = systemClock } = options;
  if (silence === undefined) checkStreamProtocol(protocol);
  else checkSilence(silence, protocol);
  const isPair = typeof stream.readable === "object";
  let readable = isPair ? (stream as StreamPair).readable : (stream as Duplex);
  let writable = isPair ? (stream as StreamPair).writable : (stream as Duplex);
  /** The stream that the connection uses now. */
  let current = stream;
  checkBytes(readable, writable);
  const serial = !isPair && isSerialPort(stream as Duplex) ? (stream as SerialPort) : undefined;
  const plain = streamSink(readable, writable, options.peer);
  const isDetachable = serial === undefined && options.isSlab !== true && silence === undefined;
  const whole = serial === undefined ? plain : serialSink(serial, plain);
  if (isDetachable) whole.detach = detach;
  const spaced =
    silence === undefined
      ? undefined
      : spacedSink(whole, {
          ...{ clock, silence, writable, port: serial },
          drained: () => connection.drained(),
        });
  const sink = spaced ?? whole;
  const connection = new Connection(
    protocol,
    sink,
    handlers,
    observed(options as ConnectionOptions, () => import("../../inspect/index.ts")),
  );
  const tell = (connection as unknown as OwnConnection).teller;
  const gate =
    silence === undefined
      ? undefined
      : silenceGate({
          ...{ clock, silence, deliver: received },
          most: () => connection.protocol.maxFrame,
        });
  if (gate !== undefined) {
    void connection.closed.then(() => {
      gate.stop();
      spaced?.stop();
    });
  }

  let failure: unknown;
  let isDelivering = false;
  const undo: (() => void)[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: stream events have arguments of any type
  function on(source: Readable | Writable, event: string, run: (given: any) => void): void {
    source.on(event, run);
    undo.push(() => source.off(event, run));
  }

  function received(bytes: Uint8Array): void {
    isDelivering = true;
    try {
      connection.received(bytes);
    } finally {
      isDelivering = false;
    }
  }

  function detach(): Duplex | StreamPair {
    if (readable.readableEnded || readable.destroyed || writable.destroyed) {
      throw new TypeError(
        "cannot detach() after the peer has ended: nothing can be read from the socket",
      );
    }
    unwire();
    readable.pause();
    return current;
  }

  /** Watches for a handler that destroys the stream itself: no further message is delivered then. */
  function watchDestroy(source: Readable): void {
    const { destroy } = source;
    const isOwn = Object.hasOwn(source, "destroy");
    const isPlainSocket = isNode && source instanceof Socket && !("encrypted" in source);
    const watched: typeof destroy = function (this: Readable, error, ...rest) {
      // Otherwise the transport has failed, and complete messages are still delivered.
      const isProgram = isDelivering || (isPlainSocket && error === undefined);
      if (isProgram && !plain.isActive && !source.readableEnded && !source.destroyed) {
        connection.abort(error ?? undefined);
      }
      return Reflect.apply(destroy, this, [error, ...rest]);
    };
    source.destroy = watched;
    undo.push(() => {
      if (source.destroy !== watched) return;
      if (isOwn) source.destroy = destroy;
      else Reflect.deleteProperty(source, "destroy");
    });
  }

  function wire(): void {
    on(readable, "data", gate?.push ?? received);
    on(readable, "end", () => {
      gate?.flush();
      if (failure === undefined) connection.ended();
      // Some bytes that were sent are missing.
      else if (isPair) connection.lost(failure);
      // A TLS socket also emits `end` after an alert of its peer. That is not a clean end; `close` follows.
      else readable.destroy();
    });
    on(writable, "drain", drained);
    if (isPair) attachPair();
    else attachDuplex(readable as Duplex);
    watchDestroy(readable);
  }

  /** Checks that the stream can be detached and replaced. */
  function check(): void {
    if (!isDetachable || isPair) {
      throw new TypeError(
        "TLS needs a socket or another Duplex, without the options slab and silence",
      );
    }
    if (connection.state === "opening") {
      throw new TypeError(
        "TLS needs an open connection: wait until it is open, or use the option tls",
      );
    }
    if (readable.readableEnded || readable.destroyed || !writable.writable) {
      throw new ProtocolError("closed", "the connection ended before TLS began");
    }
  }

  function unwire(): void {
    for (const run of undo.splice(0)) run();
  }

  function drained(): void {
    if (plain.drained()) connection.drained();
  }

  wire();
  upgrades.set(connection, {
    host: options.host,
    clock,
    get buffered() {
      return readable.readableLength;
    },
    get waiting() {
      return plain.buffered() - writable.writableLength;
    },
    async flush(from) {
      while (from.writableLength > 0 && from.writable) {
        await new Promise<void>((resolve) => void from.write(NOTHING, () => resolve()));
      }
    },
    check,
    take() {
      check();
      plain.hold();
      unwire();
      readable.pause();
      return readable as Duplex;
    },
    give(next) {
      if (connection.state === "closed") {
        next.destroy();
        throw new ProtocolError("closed", "the connection ended during the TLS handshake");
      }
      readable = next;
      writable = next;
      current = next;
      plain.moveTo(next);
      wire();
      if (tell !== undefined) tellSecured(next, tell);
      drained();
    },
    lost(error) {
      readable.destroy();
      connection.lost(error);
    },
  });
  options.made?.(connection, () => connection.queued + plain.buffered() > 0);
  // A stream that was paused before it was attached is read too.
  if (readable.isPaused()) readable.resume();
  const event = isPair ? undefined : connectEvent(stream as Duplex);
  if (event === undefined) {
    if (tell !== undefined && !isPair) tellSecured(readable as Duplex, tell);
    connection.opened();
  } else {
    if (tell !== undefined) traceConnecting(readable as Duplex, tell, options.to);
    const opened = (): void => {
      if (!readable.destroyed) connection.opened();
    };
    readable.once(event, opened);
    // A TLSSocket that was made by hand (for STARTTLS) emits `secure` instead.
    if (event === "secureConnect") readable.once("secure", opened);
  }
  return { connection, received };

  function attachDuplex(duplex: Duplex): void {
    const { allowHalfOpen } = duplex;
    // The connection decides if this side ends when the peer does.
    duplex.allowHalfOpen = true;
    undo.push(() => {
      duplex.allowHalfOpen = allowHalfOpen;
    });
    on(duplex, "error", (error) => {
      failure = error;
      // The port could not be opened, and emits nothing more.
      if (serial?.isOpen === false) connection.lost(error);
    });
    // Also emitted, with an error, by a serial port that was unplugged.
    on(duplex, "close", (error?: unknown) =>
      connection.lost(failure ?? (error instanceof Error ? error : undefined)),
    );
    // A Duplex of another kind may never emit `close`, for example an old one.
    if (!(duplex instanceof Socket)) undo.push(finished(duplex, () => connection.lost(failure)));
    // Events that a socket emitted before it was attached are not repeated.
    if (duplex.closed) queueMicrotask(() => connection.lost(duplex.errored ?? undefined));
    else if (duplex.readableEnded) queueMicrotask(() => connection.ended());
  }

  /** A pair of streams is over when both are; a process may close its input long before it exits. */
  function attachPair(): void {
    let left = 2;
    const over = (): void => {
      if (--left === 0) connection.lost(failure);
    };
    on(readable, "error", (error) => {
      failure ??= error;
      writable.destroy();
    });
    on(writable, "error", (error) => {
      failure ??= error;
    });
    undo.push(
      finished(readable, { writable: false }, () => {
        gate?.flush();
        connection.ended();
        over();
      }),
      finished(writable, { readable: false }, () => {
        // Nothing more can be sent, but output of the process is still read.
        plain.clear();
        connection.drained();
        over();
      }),
    );
  }
}

/** @throws RangeError unless silence is a positive number of milliseconds; TypeError unless the protocol reads and writes messages */
function checkSilence(silence: number, protocol: MessageProtocol<never, unknown>): void {
  if (!Number.isFinite(silence) || silence <= 0) {
    throw new RangeError(
      `silence must be a positive number of milliseconds, not ${String(silence)}`,
    );
  }
  const { decode, encode, maxFrame } = Object(protocol) as Partial<MessageProtocol<never>>;
  if (typeof decode !== "function" || typeof encode !== "function" || maxFrame === undefined) {
    throw new TypeError("silence needs a message protocol, as in perMessage().wrap(codec)");
  }
}

/** @throws TypeError for streams of text or objects */
function checkBytes(readable: Readable, writable: Writable): void {
  const encoding = readable.readableEncoding;
  if (encoding) {
    throw new TypeError(
      `the stream delivers text (setEncoding("${encoding}")): it must deliver bytes`,
    );
  }
  if (readable.readableObjectMode || writable.writableObjectMode) {
    throw new TypeError("the stream is in object mode: it must carry bytes");
  }
}

/** The event that reports that a socket is connected; undefined if it already is. */
function connectEvent(socket: Duplex): string | undefined {
  if (isSerialPort(socket)) return socket.isOpen ? undefined : "open";
  const { connecting, encrypted, secureConnecting } = socket as Partial<Socket> & {
    encrypted?: boolean;
    secureConnecting?: boolean;
  };
  if (encrypted && secureConnecting) return "secureConnect";
  return connecting ? "connect" : undefined;
}
