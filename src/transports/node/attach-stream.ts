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

/** A connection over Node streams, for those who made the streams. */
export interface Attached<In, Out, Context> {
  readonly connection: Connection<In, Out, Context>;
  /** Delivers bytes that were read in another way than by `data`. */
  received(bytes: Uint8Array): void;
}

/** What `listen` and `connect` know of a stream beside what users say. */
export interface AttachParts<In, Out, Context> extends ServerParts {
  /** Called once the connection is made, before its `open` handler; `isUnsent` tells whether anything is not out. */
  readonly made?:
    | ((connection: Connection<In, Out, Context>, isUnsent: () => boolean) => void)
    | undefined;
  /** Bytes do not come by `data`, so the socket cannot be handed over. */
  readonly isSlab?: boolean | undefined;
  /** Milliseconds without a byte that end a message; the protocol then needs no framing. */
  readonly silence?: number | undefined;
  /** Who the peer is, if that is another one than the stream's. */
  readonly peer?: string | undefined;
  /** The name of the peer's machine, for its certificate. */
  readonly host?: string | undefined;
  /** Where the stream connects to, for a trace. */
  readonly to?: string | undefined;
}

/** Changes the stream below a connection, which goes on. */
export interface Upgrade {
  /** The name of the peer's machine, as `connect` was given it. */
  readonly host: string | undefined;
  readonly clock: Clock;
  /** Bytes that were read from the stream, and that the connection was not given. */
  readonly buffered: number;
  /** Bytes that the connection wrote, and that the stream was not given. */
  readonly waiting: number;
  /** @throws TypeError for streams that are not one Duplex; ProtocolError `closed` once a side has ended */
  check(): void;
  /** Takes the stream away, paused and without listeners, after `check`. What is sent from now on waits. */
  take(): Duplex;
  /** Waits until all that was written to it before has left. */
  flush(stream: Duplex): Promise<void>;
  /**
   * Gives the connection another stream in its place.
   * @throws ProtocolError `closed` if the connection is over; that stream is destroyed
   */
  give(stream: Duplex): void;
  /** There is no other one. */
  lost(error: unknown): void;
}

const upgrades = new WeakMap<object, Upgrade>();

/** How to change the stream below a connection; undefined for those of other transports. */
export function upgradeOf(connection: object): Upgrade | undefined {
  return upgrades.get(connection);
}

const NOTHING = new Uint8Array(0);

// Elsewhere sockets may destroy themselves without a word when the peer has ended.
const isNode = process.versions.bun === undefined && process.versions.deno === undefined;

/**
 * Makes the connection over a Duplex, or over two streams.
 *
 * @param stream - the stream or streams; checked here
 * @param protocol - checked here
 * @param handlers - what to call
 * @param options - limits, and what is shared among the connections of a server
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
  /** What the connection is over now. */
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
  // biome-ignore lint/suspicious/noExplicitAny: events of streams carry anything
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
      throw new TypeError("detach() of a socket whose peer has ended: nothing can be read from it");
    }
    unwire();
    readable.pause();
    return current;
  }

  /** A handler that destroys the stream itself gets no further message. */
  function watchDestroy(source: Readable): void {
    const { destroy } = source;
    const isOwn = Object.hasOwn(source, "destroy");
    const isPlainSocket = isNode && source instanceof Socket && !("encrypted" in source);
    const watched: typeof destroy = function (this: Readable, error, ...rest) {
      // Otherwise the transport has failed, and what came whole is still delivered.
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
      // What it read is not all that was sent.
      else if (isPair) connection.lost(failure);
      // A TLS socket that an alert of its peer has broken ends, too: that is no end of its own, `close` follows.
      else readable.destroy();
    });
    on(writable, "drain", drained);
    if (isPair) attachPair();
    else attachDuplex(readable as Duplex);
    watchDestroy(readable);
  }

  /** A stream can be taken away and replaced. */
  function check(): void {
    if (!isDetachable || isPair) {
      throw new TypeError(
        "TLS needs a socket or another Duplex, without the options slab and silence",
      );
    }
    if (connection.state === "opening") {
      throw new TypeError("TLS begins on an open connection: wait for it, or use the option tls");
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
        throw new ProtocolError("closed", "the connection ended in the TLS handshake");
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
  // A stream that was paused before it came here is read all the same.
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
    // What a TLSSocket that was made by hand (for STARTTLS) says in its place.
    if (event === "secureConnect") readable.once("secure", opened);
  }
  return { connection, received };

  function attachDuplex(duplex: Duplex): void {
    const { allowHalfOpen } = duplex;
    // Whether this side ends when the peer does is the connection's business.
    duplex.allowHalfOpen = true;
    undo.push(() => {
      duplex.allowHalfOpen = allowHalfOpen;
    });
    on(duplex, "error", (error) => {
      failure = error;
      // It could not be opened, and says nothing more.
      if (serial?.isOpen === false) connection.lost(error);
    });
    // A serial port that was pulled out says so here.
    on(duplex, "close", (error?: unknown) =>
      connection.lost(failure ?? (error instanceof Error ? error : undefined)),
    );
    // A Duplex of another kind may never say `close`: an older one, or one that was made so.
    if (!(duplex instanceof Socket)) undo.push(finished(duplex, () => connection.lost(failure)));
    // What a socket said before it was attached it does not say again.
    if (duplex.closed) queueMicrotask(() => connection.lost(duplex.errored ?? undefined));
    else if (duplex.readableEnded) queueMicrotask(() => connection.ended());
  }

  /** Two streams are over when both are; a process may close its input long before it is done. */
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
        // Nothing more can be sent; what the process still says is read.
        plain.clear();
        connection.drained();
        over();
      }),
    );
  }
}

/** @throws RangeError unless silence is a time; TypeError unless the protocol reads and writes messages */
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
    throw new TypeError(`the stream reads text (setEncoding("${encoding}")): bytes are needed`);
  }
  if (readable.readableObjectMode || writable.writableObjectMode) {
    throw new TypeError("the stream is in object mode: a stream of bytes is needed");
  }
}

/** The event that a socket is connected; undefined if it is already. */
function connectEvent(socket: Duplex): string | undefined {
  if (isSerialPort(socket)) return socket.isOpen ? undefined : "open";
  const { connecting, encrypted, secureConnecting } = socket as Partial<Socket> & {
    encrypted?: boolean;
    secureConnecting?: boolean;
  };
  if (encrypted && secureConnecting) return "secureConnect";
  return connecting ? "connect" : undefined;
}
