import type { CancelSignal } from "../cancel.ts";
import type { ProtocolError } from "../errors.ts";
import type { MessageProtocol } from "../protocol.ts";
import type { Sink } from "../sink.ts";
import { checkBoundary, checkProtocol } from "../stream-hint.ts";
import type { CloseInfo, ConnectionOptions, Handlers } from "./handlers.ts";
import { limitsOf } from "./limits.ts";
import { Live, type ServerParts } from "./live.ts";
import { checkHandlers, connectionOptions } from "./option-names.ts";
import type { Happening } from "./trace.ts";

/**
 * The state of a connection; it only moves forward.
 *
 * | state | output | input |
 * |---|---|---|
 * | `opening` | waits for the transport | - |
 * | `open` | sends, or | is read |
 * | `closing` | sends what is queued | is over |
 * | `closed` | is over | is over |
 */
export type ConnectionState = "opening" | "open" | "closing" | "closed";

/** The runtime's `AbortSignal`, or a compatible object in runtimes without one. */
// biome-ignore lint/style/noRestrictedGlobals: a type, which depends on the program's runtime
export type ConnectionSignal = typeof globalThis extends {
  readonly AbortSignal: { readonly prototype: infer Signal };
}
  ? Signal
  : CancelSignal;

/**
 * Binds a protocol to a socket of any kind. It does no I/O itself: a transport calls it with bytes (`received`), and it
 * calls the transport's `Sink` with bytes (`write`).
 *
 * Input and output end separately: a peer that has ended its side still receives replies. Everything sent
 * while one chunk is handled goes out in one write; other sends are joined until the next microtask.
 * `listen`, `connect` and `attach` make connections; the constructor is for transports.
 *
 * @example
 * ```ts
 * import { Connection, encodeFrame, lines, utf8 } from "framewright";
 *
 * const echo = lines().wrap(utf8());
 * const connection = new Connection(
 *   echo,
 *   {
 *     boundary: "stream",
 *     write(bytes) {
 *       console.log(`${bytes.length} bytes go out`);
 *       return true;
 *     },
 *     pause() {},
 *     resume() {},
 *     close() {},
 *     abort() {},
 *   },
 *   { message: (connection, line) => connection.send(line.toUpperCase()) },
 * );
 * connection.opened();
 * connection.received(encodeFrame(echo, "hello"));
 * //=> 6 bytes go out
 * ```
 */
export interface Connection<In, Out = In, Context = undefined> {
  /** The state of this connection, as returned by the `context` handler. */
  readonly context: Context;

  /** The state of the connection. */
  readonly state: ConnectionState;

  /** The current protocol: the first one, or the last one passed to `use`. */
  readonly protocol: MessageProtocol<In, Out>;

  /** `'message'` if the transport preserves message boundaries, according to its `Sink`. */
  readonly boundary: "stream" | "message";

  /** Bytes that wait to be written; with boundary `'message'` each message counts 64 bytes more. */
  readonly queued: number;

  /** The clock's time when bytes were last received, or when the connection was made. */
  readonly lastByteAt: number;

  /** Number of messages delivered so far. */
  readonly messages: number;

  /** False while no message can be delivered: then no byte is read, if the transport can pause. */
  readonly isReading: boolean;

  /** Resolves with how the connection ended, when it is over. Never rejects. */
  readonly closed: Promise<CloseInfo>;

  /** Aborted when the connection is lost or over: for work that is done only for this peer. */
  readonly signal: ConnectionSignal;

  /**
   * Sends one value. It waits until the connection is open.
   *
   * @returns false if you should wait for `drain` or `ready()`: above the high-water mark, and once our side
   *   is ending (then nothing is sent, and no `drain` follows)
   * @throws ProtocolError `unencodable`: then nothing was sent, and the connection stays open
   */
  send(value: In): boolean;

  /**
   * Sends an encoded frame, so that a broadcast is encoded only once.
   *
   * @param bytes - one complete frame (or message), as returned by `encodeFrame`; do not write into it
   *   afterwards
   * @returns the same as `send`
   * @throws TypeError unless it is a Uint8Array, and if its memory was transferred away
   */
  sendFrame(bytes: Uint8Array<ArrayBuffer>): boolean;

  /**
   * Resolves when you can call `send` again after it returned false. Rejects with `closed` if that never
   * happens.
   */
  ready(): Promise<void>;

  /** Resolves when the transport has taken everything sent so far. Rejects with `closed`. */
  flushed(): Promise<void>;

  /**
   * Ends our side after everything sent; input is still read.
   *
   * @throws TypeError if the transport cannot end only one side
   */
  end(): void;

  /** Closes after everything sent has left. No further message is delivered. */
  close(): void;

  /**
   * Ends at once; unsent bytes are lost.
   *
   * @param error - the reason, for the `close` handler and for iterators
   */
  abort(error?: unknown): void;

  /** Delivers no further message until `resume`; slows the peer down if the transport can. */
  pause(): void;

  /** Resumes delivery, and delivers kept messages before it returns. */
  resume(): void;

  /**
   * Switches to another protocol, from the next frame on: after a greeting, or for an upgrade.
   *
   * @param protocol - the protocol for input and output from now on
   * @param handlers - handlers for its values; `context` is not called again
   * @returns this connection, with the types of the new protocol
   * @throws TypeError in the middle of a frame of several values; for a protocol without framing on a stream; for an
   *   unknown handler; for a `message` handler while an iterator waits
   */
  use<NewIn, NewOut>(
    protocol: MessageProtocol<NewIn, NewOut>,
    handlers?: Handlers<NewIn, NewOut, Context>,
  ): Connection<NewIn, NewOut, Context>;

  /**
   * Hands the socket over and ends this connection. The new owner of the socket continues after `unread`.
   *
   * @returns the transport's socket, and the bytes that were received but not delivered
   * @throws TypeError while output waits, in the middle of a frame of several values, or if the transport cannot
   */
  detach(): { readonly socket: unknown; readonly unread: Uint8Array };

  /**
   * Iterates over the messages. While you are not waiting for one, the peer is slowed down. Ends when the
   * connection does; if it failed, throws the error once, after every complete message before it. Leaving the
   * loop does not close the connection: it can be iterated again.
   *
   * @throws TypeError if there is a `message` handler
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Out, undefined>;

  /**
   * For sessions: calls `run` once the connection is open, before the `open` handler; immediately if it was
   * opened before.
   *
   * @returns a function that cancels it
   */
  onOpen(run: () => void): () => void;

  /**
   * For sessions: calls `run` once the connection is over, before the `close` handler; immediately if it is
   * over.
   *
   * @param run - called with how it ended
   * @returns a function that cancels it
   */
  onClose(run: (info: CloseInfo) => void): () => void;

  /**
   * For sessions: calls `run` once, when no further message can be delivered, so pending requests will not be
   * answered any more.
   *
   * @param run - called with the error, if there was one
   * @returns a function that cancels it
   */
  onInputEnd(run: (error?: unknown) => void): () => void;

  /**
   * For sessions: counts waiting work towards the limits, and keeps our side open after the peer's end.
   *
   * @param cost - bytes
   * @returns a function that ends the work
   * @throws RangeError unless `cost` is a number of at least 0
   */
  hold(cost: number): () => void;

  /**
   * For sessions: reports that a handler called instead of `message` has failed, with the same effect.
   *
   * @param error - the error that it threw, or with which it was rejected
   */
  failed(error: unknown): void;

  /** For transports: reports that bytes can be written from now on. */
  opened(): void;

  /** For transports: passes received bytes. The connection owns them; never write into them again. */
  received(bytes: Uint8Array): void;

  /** For transports: reports that the peer sends no more. */
  ended(): void;

  /** For transports: reports that the written bytes are sent, or nearly. */
  drained(): void;

  /**
   * For transports: reports that the connection is over.
   *
   * @param error - the reason, if something went wrong
   * @param info - close code and text, if the transport has them
   */
  lost(error?: unknown, info?: Pick<CloseInfo, "code" | "text">): void;
}

/**
 * Internal members of a connection for helpers of this package; a connection of another copy may lack them.
 */
export interface OwnConnection {
  /** Bytes received and not delivered; at least 1 in the middle of a frame of several values. */
  readonly unread: number;
  /** The peer's address, if the transport has one. */
  readonly peer: string | undefined;
  /** The current handlers. */
  readonly handlers: Handlers<never, unknown, unknown>;
  /** True if many bytes wait only for the next turn: their source should wait too. */
  readonly isBehind: boolean;
  /** Writes what is queued, and returns how many bytes the transport did not take. */
  flushNow(): number;
  /** Tells the trace of what the transport knows; undefined without a trace. */
  readonly teller: ((happening: Happening) => void) | undefined;
  /** Ends the connection for an error of the peer; `isCut`: nothing more is sent. */
  faulted(error: ProtocolError, isCut: boolean): void;
}

/** The constructor of {@link Connection}, for transports. */
export interface ConnectionConstructor {
  /**
   * @param protocol - needs a framing of its own if `sink.boundary` is `'stream'`
   * @param sink - takes outgoing bytes
   * @param handlers - functions to call; without `message` the connection is iterated
   * @param options - limits
   * @throws TypeError for a protocol without framing on a stream, a codec without a framing, or an unknown handler or
   *   option; RangeError for an invalid limit
   */
  new <In, Out = In, Context = undefined>(
    protocol: MessageProtocol<In, Out>,
    sink: Sink,
    handlers?: Handlers<In, Out, Context>,
    options?: ConnectionOptions,
  ): Connection<In, Out, Context>;
  readonly prototype: Connection<unknown, unknown, unknown>;
}

// The public interface of live.ts. Consoles print the inner name; nothing inside refers to it.
export const Connection: ConnectionConstructor = class Connection<
  In,
  Out = In,
  Context = undefined,
> {
  readonly context: Context;
  readonly #live: Live<In, Out, Context>;

  constructor(
    protocol: MessageProtocol<In, Out>,
    sink: Sink,
    handlers: Handlers<In, Out, Context> = {},
    given: ConnectionOptions & ServerParts = {},
  ) {
    const options = connectionOptions(handlers, given);
    checkProtocol(protocol, sink?.boundary);
    checkBoundary(sink?.boundary);
    const limits = limitsOf(options);
    this.context = handlers.context?.() as Context;
    this.#live = new Live(this, protocol, sink, handlers, options, limits);
  }

  get state(): ConnectionState {
    return this.#live.state;
  }

  /** For sessions of this package, which inherit the option. */
  get handlerErrors(): "report" | "throw" {
    return this.#live.handlerErrors;
  }

  get unread(): number {
    return this.#live.unread;
  }

  get handlers(): Handlers<In, Out, Context> {
    return this.#live.handlers as Handlers<In, Out, Context>;
  }

  get peer(): string | undefined {
    return this.#live.peer;
  }

  get isBehind(): boolean {
    return this.#live.isBehind;
  }

  flushNow(): number {
    return this.#live.flushNow();
  }

  get teller(): ((happening: Happening) => void) | undefined {
    return this.#live.teller;
  }

  faulted(error: ProtocolError, isCut: boolean): void {
    if (isCut) this.#live.outputFailed(error);
    else this.#live.faulty(error);
  }

  get protocol(): MessageProtocol<In, Out> {
    return this.#live.protocol;
  }

  get boundary(): "stream" | "message" {
    return this.#live.boundary;
  }

  get queued(): number {
    return this.#live.queued;
  }

  get lastByteAt(): number {
    return this.#live.lastByteAt;
  }

  get messages(): number {
    return this.#live.messages;
  }

  get isReading(): boolean {
    return this.#live.isReading;
  }

  get closed(): Promise<CloseInfo> {
    return this.#live.closed;
  }

  get signal(): ConnectionSignal {
    return this.#live.signal;
  }

  send(value: In): boolean {
    return this.#live.send(value);
  }

  sendFrame(bytes: Uint8Array<ArrayBuffer>): boolean {
    return this.#live.sendFrame(bytes);
  }

  ready(): Promise<void> {
    return this.#live.ready();
  }

  flushed(): Promise<void> {
    return this.#live.flushed();
  }

  end(): void {
    this.#live.end();
  }

  close(): void {
    this.#live.close();
  }

  abort(error?: unknown): void {
    this.#live.abort(error);
  }

  pause(): void {
    this.#live.pause();
  }

  resume(): void {
    this.#live.resume();
  }

  use<NewIn, NewOut>(
    protocol: MessageProtocol<NewIn, NewOut>,
    handlers: Handlers<NewIn, NewOut, Context> = {},
  ): Connection<NewIn, NewOut, Context> {
    checkHandlers(handlers);
    this.#live.use(protocol, handlers);
    return this as unknown as Connection<NewIn, NewOut, Context>;
  }

  detach(): { readonly socket: unknown; readonly unread: Uint8Array } {
    return this.#live.detach();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Out, undefined> {
    return this.#live.iterate();
  }

  onOpen(run: () => void): () => void {
    return this.#live.onOpen(run);
  }

  onClose(run: (info: CloseInfo) => void): () => void {
    return this.#live.onClose(run);
  }

  onInputEnd(run: (error?: unknown) => void): () => void {
    return this.#live.onInputEnd(run);
  }

  hold(cost: number): () => void {
    return this.#live.hold(cost);
  }

  failed(error: unknown): void {
    this.#live.rejected(error);
  }

  opened(): void {
    this.#live.opened();
  }

  received(bytes: Uint8Array): void {
    this.#live.received(bytes);
  }

  ended(): void {
    this.#live.ended();
  }

  drained(): void {
    this.#live.drained();
  }

  lost(error?: unknown, info: Pick<CloseInfo, "code" | "text"> = {}): void {
    this.#live.lost(error, info);
  }
};
