import { AsyncQueue } from "./async-queue.ts";
import { type Clock, systemClock } from "./clock.ts";
import { ProtocolError, rebased } from "./errors.ts";
import { decodeValue, decodeValues, forOneStream, isFramed } from "./frames.ts";
import type { CloseInfo, ConnectionOptions, Handlers } from "./handlers.ts";
import { throwUncaught, timers } from "./host.ts";
import { MessageReader } from "./message-reader.ts";
import { Outbox } from "./outbox.ts";
import type { MessageProtocol, Protocol } from "./protocol.ts";
import type { Sink } from "./sink.ts";
import { Splitter } from "./splitter.ts";
import { isThenable } from "./thenable.ts";
import { Watchdog } from "./watchdog.ts";

/** Where a connection is in its life; it never goes back. */
export type ConnectionState = "opening" | "open" | "closing" | "closed";

const HIGH_WATER = 262_144;
const MAX_QUEUED = 8_388_608;
const CLOSE_TIMEOUT = 10_000;

/**
 * Binds a protocol to a socket of any kind. It does no I/O itself: a transport tells it of bytes
 * (`received`), and it tells the transport's `Sink` of bytes (`write`).
 *
 * ```text
 *            opened()           close(), an error        lost(), abort()
 *   opening ----------> open -----------------------> closing -----------> closed
 *   sends wait          messages come, sends go       what was sent goes    close handler
 *                                                     out, input is dropped
 * ```
 *
 * Everything sent while one chunk is handled goes out in one write; what is sent at other times is joined until
 * the next microtask. Users get connections from `listen`, `connect` and `attach`; the constructor is for
 * those who write transports.
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
  /** The state of this connection that the `context` handler made. */
  readonly context: Context;

  /** Where the connection is in its life. */
  readonly state: ConnectionState;

  /** What is spoken now: what was given first, or last to `use`. */
  readonly protocol: MessageProtocol<In, Out>;

  /** Does the transport keep the boundaries of messages? As its `Sink` says. */
  readonly boundary: "stream" | "message";

  /** Bytes that wait to be written; where messages keep their boundaries, each counts 64 bytes more. */
  readonly queued: number;

  /**
   * Sends one value. Before the connection is open it waits.
   *
   * @returns false where it is better to wait for `drain`: above the high-water mark, and once the
   *   connection closes (then nothing is sent, and no `drain` follows)
   * @throws ProtocolError `unencodable`: then nothing was sent, and the connection goes on
   */
  send(value: In): boolean;

  /**
   * Sends a frame that was encoded before: a broadcast is encoded once and sent to many.
   *
   * @param bytes - one whole frame (or message), as `encodeFrame` makes it; not to be written into afterwards
   * @returns as `send`
   */
  sendFrame(bytes: Uint8Array<ArrayBuffer>): boolean;

  /** Sends what was sent before, then closes: half at first, so that nothing on its way is lost. */
  close(): void;

  /**
   * Ends at once; what is not out is lost.
   *
   * @param error - why, for the `close` handler and whoever iterates
   */
  abort(error?: unknown): void;

  /** No further message is delivered until `resume`; the peer is slowed down where the transport can. */
  pause(): void;

  /** Delivers what was kept, before it returns, and goes on. */
  resume(): void;

  /**
   * Goes on with another protocol, from the next frame on: behind a greeting, say, or for an upgrade.
   *
   * @param protocol - what comes and goes from now on
   * @param handlers - for its values; `context` is not called again
   * @returns this connection, as one of the new protocol
   * @throws TypeError in the middle of a frame of several values; for a protocol without framing on a stream;
   *   for a `message` handler where somebody iterates
   */
  use<NewIn, NewOut>(
    protocol: MessageProtocol<NewIn, NewOut>,
    handlers?: Handlers<NewIn, NewOut, Context>,
  ): Connection<NewIn, NewOut, Context>;

  /**
   * The messages, one after the other. While nobody asks, the peer is slowed down. Ends when the connection
   * does; throws what went wrong, behind everything that came whole. Leaving the loop does not close the
   * connection: it can be iterated again.
   *
   * @throws TypeError where there is a `message` handler
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Out, undefined>;

  /** For transports: bytes can be written from now on. */
  opened(): void;

  /** For transports: bytes came. They are the connection's; the transport never writes into them again. */
  received(bytes: Uint8Array): void;

  /** For transports: the peer sends no more. */
  ended(): void;

  /** For transports: what was written is out, or nearly. */
  drained(): void;

  /**
   * For transports: it is over.
   *
   * @param error - why, where something went wrong
   * @param info - close code and text, where the transport has them
   */
  lost(error?: unknown, info?: Pick<CloseInfo, "code" | "text">): void;
}

/** The constructor of {@link Connection}, for transports. */
export interface ConnectionConstructor {
  /**
   * @param protocol - needs a framing of its own where `sink.boundary` is `'stream'`
   * @param sink - the way out
   * @param handlers - what to call; without `message` the connection is iterated
   * @param options - limits
   * @throws TypeError for a protocol without framing on a stream
   */
  new <In, Out = In, Context = undefined>(
    protocol: MessageProtocol<In, Out>,
    sink: Sink,
    handlers?: Handlers<In, Out, Context>,
    options?: ConnectionOptions,
  ): Connection<In, Out, Context>;
  readonly prototype: Connection<unknown, unknown, unknown>;
}

// The inner name is what consoles print; nothing inside refers to it.
export const Connection: ConnectionConstructor = class Connection<
  In,
  Out = In,
  Context = undefined,
> {
  readonly context: Context;

  readonly #sink: Sink;
  readonly #outbox: Outbox;
  readonly #reader: Splitter | MessageReader;
  #protocol: MessageProtocol<In, Out>;
  #handlers: Handlers<In, Out, Context>;
  #state: ConnectionState = "opening";
  /** How it ends, once that is settled. */
  #outcome: CloseInfo | undefined;

  // Input.
  /** The rest of a frame that holds several values. */
  #values: readonly Out[] = [];
  #value = 0;
  #isPumping = false;
  /** `pause` was called. */
  #isPaused = false;
  /** The sink was told to pause. */
  #isSourcePaused = false;
  /** No further message is delivered, ever. */
  #isHalted = false;
  /** The peer sends no more. */
  #isEnded = false;
  /** Nothing that it sent is left. */
  #isFinished = false;
  #isLost = false;
  /** Messages on their way to iterators: nothing is pushed unless it is awaited. */
  readonly #iterated: AsyncQueue<Out> = new AsyncQueue();

  // Output.
  /** Depth of calls at whose end everything sent is flushed. */
  #busy = 0;
  #isFlushPlanned = false;
  #isDrainOwed = false;
  #isSinkClosed = false;

  // Limits.
  readonly #highWater: number;
  readonly #givenMaxQueued: number | undefined;
  readonly #clock: Clock;
  readonly #idleTimeout: number;
  readonly #openTimeout: number;
  readonly #closeTimeout: number;
  #idle: Watchdog | undefined;
  #first: Watchdog | undefined;
  #cancelClosing: (() => void) | undefined;

  constructor(
    protocol: MessageProtocol<In, Out>,
    sink: Sink,
    handlers: Handlers<In, Out, Context> = {},
    options: ConnectionOptions = {},
  ) {
    this.context = handlers.context?.() as Context;
    this.#sink = sink;
    this.#handlers = handlers;
    this.#outbox = new Outbox(sink);
    this.#protocol = this.#own(protocol);
    this.#reader =
      sink.boundary === "message"
        ? new MessageReader(this.#protocol)
        : new Splitter(this.#protocol as Protocol<In, Out>);
    this.#givenMaxQueued = options.maxQueued;
    this.#highWater = Math.min(options.highWater ?? HIGH_WATER, this.#maxQueued);
    this.#clock = options.clock ?? systemClock;
    this.#idleTimeout = options.idleTimeout ?? 0;
    this.#openTimeout = options.openTimeout ?? 0;
    const hasTime = options.clock !== undefined || timers !== undefined;
    this.#closeTimeout = options.closeTimeout ?? (hasTime ? CLOSE_TIMEOUT : 0);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get protocol(): MessageProtocol<In, Out> {
    return this.#protocol;
  }

  get boundary(): "stream" | "message" {
    return this.#sink.boundary;
  }

  get queued(): number {
    return this.#outbox.queued;
  }

  send(value: In): boolean {
    if (this.#isOver) return false;
    return this.#sent(this.#outbox.encode(this.#protocol, value));
  }

  sendFrame(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.#isOver) return false;
    return this.#sent(this.#outbox.add(bytes, this.#protocol.text === true));
  }

  close(): void {
    if (!this.#isOver) this.#shutDown({ by: "local" });
  }

  abort(error?: unknown): void {
    this.#cut(error === undefined ? { by: "local" } : { by: "error", error });
  }

  pause(): void {
    this.#isPaused = true;
    this.#pauseSource();
  }

  resume(): void {
    this.#isPaused = false;
    this.#read();
    if (this.#isWelcome) this.#resumeSource();
  }

  use<NewIn, NewOut>(
    protocol: MessageProtocol<NewIn, NewOut>,
    handlers: Handlers<NewIn, NewOut, Context> = {},
  ): Connection<NewIn, NewOut, Context> {
    if (this.#value < this.#values.length) {
      throw new TypeError("use() in the middle of a frame of several values");
    }
    if (handlers.message !== undefined && this.#iterated.isAwaited) throw bothWays();
    const changed = this as unknown as Connection<NewIn, NewOut, Context>;
    changed.#protocol = changed.#own(protocol);
    changed.#handlers = handlers;
    this.#reader.use(this.#protocol as Protocol<In, Out>);
    // Bytes that told the old protocol too little may be a message of the new one.
    if (this.#state === "open") {
      if (this.#isWelcome) this.resume();
      else this.#pauseSource();
    }
    return changed;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Out, undefined> {
    if (this.#handlers.message !== undefined) throw bothWays();
    return this.#iterated.iterate(() => this.#asked());
  }

  opened(): void {
    this.#busy++;
    this.#outbox.open();
    if (this.#state === "opening") {
      this.#state = "open";
      if (!this.#isWelcome) this.#pauseSource();
      this.#watchIdle();
      this.#watchFirst();
      this.#run(this.#handlers.open);
    }
    this.#leave();
  }

  received(bytes: Uint8Array): void {
    if (this.#isHalted || this.#state === "closed") return;
    this.#idle?.heard();
    if (!this.#isWelcome) {
      // A chunk may have been on its way; a transport that cannot pause sends ever more of them.
      this.#pauseSource();
      const { pending } = this.#reader;
      if (pending > this.#maxQueued) {
        this.#fail(overflow("unread", pending, this.#maxQueued), true);
        return;
      }
    }
    this.#reader.push(bytes);
    this.#read();
  }

  ended(): void {
    this.#isEnded = true;
    this.#read();
  }

  drained(): void {
    this.#outbox.drained();
    this.#busy++;
    this.#leave();
  }

  lost(error?: unknown, info: Pick<CloseInfo, "code" | "text"> = {}): void {
    this.#isLost = true;
    if (!this.#isOver && error !== undefined) {
      this.#outcome = { by: "error", error };
      this.#report(error);
    } else if (!this.#isOver) {
      // A peer that vanishes inside a frame has cut it off, like one that ends there.
      this.ended();
    }
    this.#finish(info);
  }

  /** Depends on the protocol, which may be another one later. */
  get #maxQueued(): number {
    return this.#givenMaxQueued ?? Math.max(MAX_QUEUED, 2 * this.#protocol.maxFrame);
  }

  get #isOver(): boolean {
    return this.#state === "closing" || this.#state === "closed";
  }

  /** The next message would be taken. */
  get #isWelcome(): boolean {
    const hasReader = this.#handlers.message !== undefined || this.#iterated.isAwaited;
    return hasReader && !this.#isPaused && !this.#isHalted;
  }

  /** The protocol of this one connection. */
  #own(protocol: MessageProtocol<In, Out>): MessageProtocol<In, Out> {
    if (isFramed(protocol) || this.#sink.boundary === "message") {
      return forOneStream(protocol, this);
    }
    throw new TypeError(`${protocol.name} has no framing: a stream needs one`);
  }

  // ---- input: reader -> pump -> handler or iterator

  #read(): void {
    this.#busy++;
    this.#pump();
    this.#leave();
  }

  /** Delivers messages while they are welcome. What is called meanwhile leaves the loop to this call. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#isWelcome && this.#deliverNext());
      // Nobody need be there to be told that nothing comes.
      if (this.#isEnded && !this.#isHalted && this.#reader.pending === 0) this.#end();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isPumping = false;
    }
  }

  #deliverNext(): boolean {
    if (this.#value < this.#values.length) {
      this.#deliver(this.#values[this.#value++]!);
      return true;
    }
    const reader = this.#reader;
    if (!reader.next()) {
      if (this.#isEnded) this.#end();
      return false;
    }
    const protocol = this.#protocol;
    let value: Out;
    try {
      if (protocol.decodeMany !== undefined) {
        this.#values = decodeValues(protocol, reader.bytes, reader.start, reader.end);
        this.#value = 0;
        return true;
      }
      value = decodeValue(protocol, reader.bytes, reader.start, reader.end);
    } catch (error) {
      throw rebased(error as ProtocolError, reader.offset - reader.start);
    }
    this.#deliver(value);
    return true;
  }

  #deliver(value: Out): void {
    this.#first?.stop();
    this.#first = undefined;
    const { message } = this.#handlers;
    if (message === undefined) {
      this.#iterated.push(value);
      return;
    }
    try {
      this.#follow(message(this, value));
    } catch (error) {
      this.#handlerFailed(error);
    }
  }

  /** No frame is left, and none will come. */
  #end(): void {
    if (this.#isFinished || this.#value < this.#values.length) return;
    this.#isFinished = true;
    this.#reader.finish();
    if (this.#isLost) return;
    if (this.#handlers.end === undefined) {
      this.#shutDown({ by: "peer" });
    } else {
      this.#iterated.end();
      this.#run(this.#handlers.end);
    }
  }

  /** An iterator waits for a message. */
  #asked(): void {
    if (this.#handlers.message !== undefined) throw bothWays();
    this.#read();
    if (this.#isWelcome && !this.#isFinished) this.#resumeSource();
  }

  #pauseSource(): void {
    if (this.#isSourcePaused) return;
    this.#isSourcePaused = true;
    this.#sink.pause();
  }

  #resumeSource(): void {
    if (!this.#isSourcePaused || this.#state === "closed") return;
    this.#isSourcePaused = false;
    this.#idle?.heard();
    this.#first?.heard();
    this.#sink.resume();
  }

  // ---- output: send -> outbox -> sink

  /** A frame was added, and `added` to what is queued. */
  #sent(added: number): boolean {
    if (this.#busy === 0) this.#planFlush();
    const { isDue } = this.#outbox;
    if (!isDue && this.queued <= this.#highWater) return true;
    this.#flush();
    const { queued } = this;
    if (queued <= this.#highWater) return !this.#isOver;
    // One frame alone may be as long as it likes: the protocol's limit has been checked.
    if (queued > this.#maxQueued && queued > added) {
      this.#fail(overflow("unsent", queued, this.#maxQueued), true);
    }
    this.#isDrainOwed = true;
    return false;
  }

  #planFlush(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    void Promise.resolve().then(() => {
      this.#isFlushPlanned = false;
      this.#busy++;
      this.#leave();
    });
  }

  /** The end of a call from outside: what it made us send goes out. */
  #leave(): void {
    if (--this.#busy > 0) return;
    this.#flush();
    const isRoomy = this.queued <= this.#highWater / 2;
    if (this.#isDrainOwed && isRoomy && this.#state === "open") {
      this.#isDrainOwed = false;
      this.#run(this.#handlers.drain);
    }
  }

  #flush(): void {
    if (this.#state === "closed") return;
    try {
      this.#outbox.flush();
    } catch (error) {
      // A sink that throws is a transport that failed.
      this.#isHalted = true;
      this.#report(error);
      this.#cut({ by: "error", error });
      return;
    }
    if (this.#state === "closing" && this.#outbox.isEmpty && !this.#isSinkClosed) {
      this.#isSinkClosed = true;
      this.#sink.close(this.#outcome?.error);
    }
  }

  // ---- handlers

  #run(handler: ((connection: this) => unknown) | undefined): void {
    if (handler === undefined) return;
    this.#busy++;
    try {
      this.#follow(handler(this));
    } catch (error) {
      this.#handlerFailed(error);
    }
    this.#leave();
  }

  /** A promise that is rejected counts as a throw. */
  #follow(result: unknown): void {
    if (isThenable(result)) result.then(undefined, this.#handlerFailed);
  }

  readonly #handlerFailed = (error: unknown): void => {
    if (this.#isHalted) this.#report(error, true);
    else this.#fail(error, false, true);
  };

  #report(error: unknown, isOurs = false): void {
    const { error: handler } = this.#handlers;
    if (handler !== undefined) {
      this.#busy++;
      guarded(() => handler(this, error));
      this.#leave();
    } else if (isOurs) {
      throwUncaught(error);
    }
  }

  // ---- the end

  /**
   * Something went wrong.
   *
   * @param error - what
   * @param isCut - nothing more can be sent
   * @param isOurs - a handler of ours threw it
   */
  #fail(error: unknown, isCut = false, isOurs = false): void {
    if (this.#isHalted) return;
    this.#isHalted = true;
    this.#iterated.fail(error);
    if (this.#state === "closed") return;
    const outcome = { by: "error", error } as const;
    this.#outcome ??= outcome;
    this.#report(error, isOurs);
    if (this.#isLost) return;
    if (isCut) this.#cut(outcome);
    else if (!this.#isOver) this.#shutDown(outcome);
  }

  /** No more messages; what was sent goes out, then the sink closes, then the transport says `lost`. */
  #shutDown(outcome: CloseInfo): void {
    const wasOpening = this.#state === "opening";
    this.#outcome ??= outcome;
    this.#isHalted = true;
    this.#state = "closing";
    this.#stopWatching();
    this.#iterated.end();
    if (wasOpening && this.#outbox.isEmpty) {
      this.#cut(outcome);
      return;
    }
    if (this.#closeTimeout > 0) {
      this.#cancelClosing = this.#clock.after(this.#closeTimeout, () => this.#cut(outcome));
    }
    // Else the peer's own end would never be seen.
    this.#resumeSource();
    if (this.#busy === 0) this.#flush();
  }

  #cut(outcome: CloseInfo): void {
    if (this.#state === "closed") return;
    this.#outcome ??= outcome;
    this.#isHalted = true;
    if (outcome.by === "error") this.#iterated.fail(outcome.error);
    this.#sink.abort(outcome.error);
    this.#finish({});
  }

  #finish(info: Pick<CloseInfo, "code" | "text">): void {
    // A sink may say `lost` while it is told to abort.
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#stopWatching();
    this.#cancelClosing?.();
    this.#outbox.clear();
    const outcome: CloseInfo = { ...(this.#outcome ?? { by: "peer" }), ...info };
    // What came whole can still be iterated; no handler hears of it any more.
    if (this.#handlers.message !== undefined) this.#isHalted = true;
    if (outcome.by === "error") this.#iterated.fail(outcome.error);
    else this.#iterated.end();
    const { close } = this.#handlers;
    if (close !== undefined) guarded(() => close(this, outcome));
  }

  // ---- time

  #watchIdle(): void {
    if (this.#idleTimeout === 0) return;
    this.#idle = new Watchdog(this.#clock, this.#idleTimeout, () => {
      if (this.#isSourcePaused) this.#watchIdle();
      else this.#expire("byte", this.#idleTimeout);
    });
  }

  #watchFirst(): void {
    if (this.#openTimeout === 0) return;
    this.#first = new Watchdog(this.#clock, this.#openTimeout, () => {
      if (this.#isSourcePaused) this.#watchFirst();
      else this.#expire("message", this.#openTimeout);
    });
  }

  #expire(what: string, ms: number): void {
    this.#fail(new ProtocolError("timeout", `no ${what} within ${ms} ms`), true);
  }

  #stopWatching(): void {
    this.#idle?.stop();
    this.#first?.stop();
  }
};

function bothWays(): TypeError {
  return new TypeError("a connection has a message handler or is iterated, not both");
}

function overflow(what: string, found: number, allowed: number): ProtocolError {
  return new ProtocolError("overflow", `${found} ${what} bytes exceed maxQueued ${allowed}`);
}

/** Calls a handler that nobody is left to catch for. */
function guarded(call: () => unknown): void {
  try {
    const result = call();
    if (isThenable(result)) result.then(undefined, throwUncaught);
  } catch (error) {
    throwUncaught(error);
  }
}
