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
import { type SilenceGate, silenceGate, spacedSink } from "./silence.ts";
import { type StreamPair, StreamSink } from "./stream-sink.ts";
import { tellSecured, traceConnecting } from "./trace-socket.ts";

/** A connection over Node streams, for the code that made the streams. */
export interface Attached<In, Out, Context> {
  readonly connection: Connection<In, Out, Context>;
  /** Delivers bytes that were not read with `data` events. */
  received(bytes: Uint8Array): void;
}

/** Settings from `listen` and `connect`, in addition to the user's options. */
export interface AttachParts<In, Out, Context> extends ServerParts {
  /** Called once the connection is made, before its `open` handler. */
  readonly made?: ((connection: Connection<In, Out, Context>) => void) | undefined;
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

const attachments = new WeakMap<object, AnyAttachment>();

/** Returns how to replace the stream of a connection; undefined for connections of other transports. */
export function upgradeOf(connection: object): Upgrade | undefined {
  return attachments.get(connection);
}

/** True while bytes of a connection are unsent. */
export function isUnsent(connection: Connection<never, unknown, unknown>): boolean {
  return connection.queued + (attachments.get(connection)?.unsent ?? 0) > 0;
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
  const attachment = new Attachment(stream, protocol, handlers, options);
  attachments.set(attachment.connection, attachment);
  attachment.start(options);
  return attachment;
}

/** Replaces the stream of a connection that stays open. */
export type Upgrade = Pick<
  Attachment<never, unknown, unknown>,
  "host" | "clock" | "unread" | "waiting" | "check" | "take" | "flush" | "give" | "lost"
>;

type AnyAttachment = Attachment<never, unknown, unknown>;

const ATTACHMENT: unique symbol = Symbol("attachment");

/** A stream whose `destroy` is watched. */
type Watched = Readable & { [ATTACHMENT]?: AnyAttachment | undefined };

function watchedDestroy(this: Watched, error?: Error, ...rest: readonly unknown[]): Watched {
  return this[ATTACHMENT]!.destroying(this, error, rest);
}

/**
 * A connection over Node streams, with the listeners that join them. Thousands of them may be idle: what all have is in
 * methods, and few closures are their own.
 */
class Attachment<In, Out, Context> implements Attached<In, Out, Context> {
  readonly connection: Connection<In, Out, Context>;
  readonly clock: Clock;
  /** Host name of the peer, as passed to `connect`. */
  readonly host: string | undefined;
  #readable: Readable;
  #writable: Writable;
  /** The stream that the connection uses now. */
  #current: Duplex | StreamPair;
  readonly #isPair: boolean;
  readonly #serial: SerialPort | undefined;
  readonly #sink: StreamSink;
  readonly #gate: SilenceGate | undefined;
  readonly #isDetachable: boolean;
  #failure: unknown;
  #isDelivering = false;
  /** `allowHalfOpen` of the stream, as it was. */
  #allowedHalfOpen = false;
  /** `destroy` of the stream, as it was, and whether it was the stream's own property. */
  #destroy: Readable["destroy"] | undefined;
  #hadDestroy = false;
  /** Another connection over the same stream, which was there first. */
  #before: AnyAttachment | undefined;
  /** Undoes what is rarely there. */
  #undo: (() => void)[] | undefined;

  constructor(
    stream: Duplex | StreamPair,
    protocol: MessageProtocol<In, Out>,
    handlers: Handlers<In, Out, Context>,
    options: ConnectionOptions & AttachParts<In, Out, Context>,
  ) {
    const { silence, clock = systemClock } = options;
    if (silence === undefined) checkStreamProtocol(protocol);
    else checkSilence(silence, protocol);
    const isPair = typeof stream.readable === "object";
    const readable = isPair ? (stream as StreamPair).readable : (stream as Duplex);
    const writable = isPair ? (stream as StreamPair).writable : (stream as Duplex);
    checkBytes(readable, writable);
    this.clock = clock;
    this.host = options.host;
    this.#isPair = isPair;
    this.#readable = readable;
    this.#writable = writable;
    this.#current = stream;
    this.#serial = !isPair && isSerialPort(stream as Duplex) ? (stream as SerialPort) : undefined;
    this.#sink = new StreamSink(readable, writable, options.peer);
    this.#isDetachable =
      this.#serial === undefined && options.isSlab !== true && silence === undefined;
    if (this.#isDetachable) this.#sink.detach = () => this.#detach();
    const whole = this.#serial === undefined ? this.#sink : serialSink(this.#serial, this.#sink);
    const spaced =
      silence === undefined
        ? undefined
        : spacedSink(whole, {
            ...{ clock, silence, writable, port: this.#serial },
            drained: () => this.connection.drained(),
          });
    this.connection = new Connection(
      protocol,
      spaced ?? whole,
      handlers,
      observed(options as ConnectionOptions, () => import("../../inspect/index.ts")),
    );
    if (silence === undefined) return;
    const gate = silenceGate({
      ...{ clock, silence },
      deliver: (bytes) => this.received(bytes),
      most: () => this.connection.protocol.maxFrame,
    });
    this.#gate = gate;
    void this.connection.closed.then(() => {
      gate.stop();
      spaced?.stop();
    });
  }

  /** Begins to listen and to read. */
  start(options: AttachParts<In, Out, Context>): void {
    const { connection } = this;
    const { teller: tell } = connection as unknown as OwnConnection;
    this.#wire();
    options.made?.(connection);
    const readable = this.#readable;
    // A stream that was paused before it was attached is read too.
    if (readable.isPaused()) readable.resume();
    const event = this.#isPair ? undefined : connectEvent(readable as Duplex);
    if (event === undefined) {
      if (tell !== undefined && !this.#isPair) tellSecured(readable as Duplex, tell);
      connection.opened();
      return;
    }
    if (tell !== undefined) traceConnecting(readable as Duplex, tell, options.to);
    const opened = (): void => {
      if (!readable.destroyed) connection.opened();
    };
    readable.once(event, opened);
    // A TLSSocket that was made by hand (for STARTTLS) emits `secure` instead.
    if (event === "secureConnect") readable.once("secure", opened);
  }

  received(bytes: Uint8Array): void {
    this.#isDelivering = true;
    try {
      this.connection.received(bytes);
    } finally {
      this.#isDelivering = false;
    }
  }

  #detach(): Duplex | StreamPair {
    if (this.#readable.readableEnded || this.#readable.destroyed || this.#writable.destroyed) {
      throw new TypeError(
        "cannot detach() after the peer has ended: nothing can be read from the socket",
      );
    }
    this.#unwire();
    this.#readable.pause();
    return this.#current;
  }

  // ---- events

  readonly #onData = (bytes: Uint8Array): void => {
    if (this.#gate === undefined) this.received(bytes);
    else this.#gate.push(bytes);
  };

  readonly #onEnd = (): void => {
    this.#gate?.flush();
    if (this.#failure === undefined) this.connection.ended();
    // Some bytes that were sent are missing.
    else if (this.#isPair) this.connection.lost(this.#failure);
    // A TLS socket also emits `end` after an alert of its peer. That is not a clean end; `close` follows.
    else this.#readable.destroy();
  };

  readonly #onDrain = (): void => {
    if (this.#sink.drained()) this.connection.drained();
  };

  readonly #onError = (error: unknown): void => {
    this.#failure = error;
    // The port could not be opened, and emits nothing more.
    if (this.#serial?.isOpen === false) this.connection.lost(error);
  };

  /** Also emitted, with an error, by a serial port that was unplugged. */
  readonly #onClose = (error?: unknown): void => {
    this.connection.lost(this.#failure ?? (error instanceof Error ? error : undefined));
  };

  #wire(): void {
    this.#readable.on("data", this.#onData);
    this.#readable.on("end", this.#onEnd);
    this.#writable.on("drain", this.#onDrain);
    if (this.#isPair) this.#attachPair();
    else this.#attachDuplex(this.#readable as Duplex);
    this.#watchDestroy(this.#readable);
  }

  #unwire(): void {
    this.#readable.off("data", this.#onData);
    this.#readable.off("end", this.#onEnd);
    this.#writable.off("drain", this.#onDrain);
    if (!this.#isPair) {
      this.#readable.off("error", this.#onError);
      this.#readable.off("close", this.#onClose);
      (this.#readable as Duplex).allowHalfOpen = this.#allowedHalfOpen;
    }
    this.#unwatchDestroy(this.#readable);
    for (const run of this.#undo?.splice(0) ?? []) run();
  }

  #later(undo: () => void): void {
    this.#undo ??= [];
    this.#undo.push(undo);
  }

  #attachDuplex(duplex: Duplex): void {
    this.#allowedHalfOpen = duplex.allowHalfOpen;
    // The connection decides if this side ends when the peer does.
    duplex.allowHalfOpen = true;
    duplex.on("error", this.#onError);
    duplex.on("close", this.#onClose);
    // A Duplex of another kind may never emit `close`, for example an old one.
    if (!(duplex instanceof Socket)) {
      this.#later(finished(duplex, () => this.connection.lost(this.#failure)));
    }
    // Events that a socket emitted before it was attached are not repeated.
    if (duplex.closed) queueMicrotask(() => this.connection.lost(duplex.errored ?? undefined));
    else if (duplex.readableEnded) queueMicrotask(() => this.connection.ended());
  }

  /** A pair of streams is over when both are; a process may close its input long before it exits. */
  #attachPair(): void {
    const readable = this.#readable;
    const writable = this.#writable;
    let left = 2;
    const over = (): void => {
      if (--left === 0) this.connection.lost(this.#failure);
    };
    const readFailed = (error: unknown): void => {
      this.#failure ??= error;
      writable.destroy();
    };
    const writeFailed = (error: unknown): void => {
      this.#failure ??= error;
    };
    readable.on("error", readFailed);
    writable.on("error", writeFailed);
    this.#later(() => readable.off("error", readFailed));
    this.#later(() => writable.off("error", writeFailed));
    this.#later(
      finished(readable, { writable: false }, () => {
        this.#gate?.flush();
        this.connection.ended();
        over();
      }),
    );
    this.#later(
      finished(writable, { readable: false }, () => {
        // Nothing more can be sent, but output of the process is still read.
        this.#sink.clear();
        this.connection.drained();
        over();
      }),
    );
  }

  /** Watches for a handler that destroys the stream itself: no further message is delivered then. */
  #watchDestroy(source: Watched): void {
    this.#destroy = source.destroy;
    this.#hadDestroy = Object.hasOwn(source, "destroy");
    this.#before = source[ATTACHMENT];
    source[ATTACHMENT] = this as unknown as AnyAttachment;
    source.destroy = watchedDestroy;
  }

  #unwatchDestroy(source: Watched): void {
    if (source.destroy !== watchedDestroy || source[ATTACHMENT]?.connection !== this.connection) {
      return;
    }
    source[ATTACHMENT] = this.#before;
    if (this.#hadDestroy) source.destroy = this.#destroy!;
    else Reflect.deleteProperty(source, "destroy");
  }

  /** Called in place of the `destroy` of the stream. */
  destroying(source: Readable, error: Error | undefined, rest: readonly unknown[]): Readable {
    const isPlainSocket = isNode && source instanceof Socket && !("encrypted" in source);
    // Otherwise the transport has failed, and complete messages are still delivered.
    const isProgram = this.#isDelivering || (isPlainSocket && error === undefined);
    const isOurs = this.#sink.isActive || source.readableEnded || source.destroyed;
    if (isProgram && !isOurs) this.connection.abort(error ?? undefined);
    if (this.#destroy === watchedDestroy) return this.#before!.destroying(source, error, rest);
    return Reflect.apply(this.#destroy!, source, [error, ...rest]);
  }

  // ---- another stream

  /** Number of bytes that were read from the stream but not delivered to the connection. */
  get unread(): number {
    return this.#sink.unread();
  }

  /** Number of bytes that the connection wrote but that have not left. */
  get unsent(): number {
    return this.#sink.buffered();
  }

  /** Number of bytes that the connection wrote but that were not passed to the stream. */
  get waiting(): number {
    return this.unsent - this.#writable.writableLength;
  }

  /**
   * Checks that the stream can be detached and replaced.
   * @throws TypeError for streams that are not one Duplex; ProtocolError `closed` once a side has ended
   */
  check(): void {
    if (!this.#isDetachable || this.#isPair) {
      throw new TypeError(
        "TLS needs a socket or another Duplex, without the options slab and silence",
      );
    }
    if (this.connection.state === "opening") {
      throw new TypeError(
        "TLS needs an open connection: wait until it is open, or use the option tls",
      );
    }
    if (this.#readable.readableEnded || this.#readable.destroyed || !this.#writable.writable) {
      throw new ProtocolError("closed", "the connection ended before TLS began");
    }
  }

  /**
   * Detaches the stream, paused and without listeners, after `check`. Bytes that are sent from now on wait.
   */
  take(): Duplex {
    this.check();
    this.#sink.hold();
    this.#unwire();
    this.#readable.pause();
    return this.#readable as Duplex;
  }

  /** Waits until everything that was written to the stream before has left. */
  async flush(stream: Duplex): Promise<void> {
    while (stream.writableLength > 0 && stream.writable) {
      await new Promise<void>((resolve) => void stream.write(NOTHING, () => resolve()));
    }
  }

  /**
   * Attaches another stream to the connection.
   * @throws ProtocolError `closed` if the connection is over; the new stream is destroyed
   */
  give(stream: Duplex): void {
    if (this.connection.state === "closed") {
      stream.destroy();
      throw new ProtocolError("closed", "the connection ended during the TLS handshake");
    }
    this.#readable = stream;
    this.#writable = stream;
    this.#current = stream;
    this.#sink.moveTo(stream);
    this.#wire();
    const { teller: tell } = this.connection as unknown as OwnConnection;
    if (tell !== undefined) tellSecured(stream, tell);
    this.#onDrain();
  }

  /** Reports that there is no other stream. */
  lost(error: unknown): void {
    this.#readable.destroy();
    this.connection.lost(error);
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
