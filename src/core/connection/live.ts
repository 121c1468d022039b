import { type CancelSignal, type CancelSource, newCancel, onAbort } from "../cancel.ts";
import { type Clock, later } from "../clock.ts";
import { ProtocolError } from "../errors.ts";
import { forOneStream } from "../frames.ts";
import type { Skipped } from "../invalid.ts";
import { isBytes, isDetached } from "../memory.ts";
import type { MessageProtocol } from "../protocol.ts";
import { checkLimit } from "../range.ts";
import type { Sink } from "../sink.ts";
import { checkProtocol } from "../stream-hint.ts";
import type { Charged, MemoryBudget } from "./budget.ts";
import { Callbacks, type CallbacksOwner } from "./callbacks.ts";
import type { Connection, ConnectionSignal, ConnectionState } from "./connection.ts";
import { Deadlines, type DeadlinesOwner, type Expiry } from "./deadlines.ts";
import type { CloseInfo, ConnectionOptions, Handlers } from "./handlers.ts";
import { Incoming, type InputOwner } from "./incoming.ts";
import { clockOf, type Limits, maxQueuedOf } from "./limits.ts";
import { Outgoing, type OutputOwner } from "./outgoing.ts";
import { closedError, wasReported } from "./report.ts";
import type { Sweeper } from "./sweeper.ts";
import type { Happening, Trace, TraceEvent } from "./trace.ts";

/** Values that a transport passes to its connections, besides their options. */
export interface ServerParts {
  /** One timer for all of them. */
  readonly sweeper?: Sweeper | undefined;
  /** One memory limit for all of them. */
  readonly budget?: MemoryBudget | undefined;
  /** Called with the number of bytes dropped, before the `close` handler, even if `use` changed that. */
  readonly gone?: ((dropped: number, info: CloseInfo) => void) | undefined;
  /** True while a caller receives the errors of the connection in another way: then none is printed. */
  readonly isTold?: (() => boolean) | undefined;
}

/** Memory cost of a connection without queued data. */
const BASE_COST = 8192;

/**
 * The implementation of a connection: input and output as two state machines (see `incoming.ts` and
 * `outgoing.ts`), and the parts that join them: handlers, time limits, errors, and the end.
 *
 * ```text
 *   transport -> received -> Incoming -> message handler, iterators
 *   send -> Outgoing -> Sink -> transport
 * ```
 */
export class Live<In, Out, Context>
  implements InputOwner<Out>, OutputOwner, CallbacksOwner, DeadlinesOwner, Charged
{
  readonly #connection: Connection<In, Out, Context>;
  readonly #sink: Sink;
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #budget: MemoryBudget | undefined;
  readonly #trace: Trace | undefined;
  readonly #gone: ServerParts["gone"];
  readonly #isTold: ServerParts["isTold"];
  #protocol: MessageProtocol<In, Out>;
  readonly #callbacks: Callbacks;
  #maxQueued: number;
  readonly #in: Incoming<Out>;
  readonly #out: Outgoing;
  readonly #deadlines: Deadlines;

  /** How it ends, once that is decided. */
  #outcome: CloseInfo | undefined;
  #lostInfo: Pick<CloseInfo, "code" | "text"> | undefined;
  /** The transport is gone, or was told to go: nothing more is asked of the sink. */
  #isLost = false;
  /** Everything is done; only a connection that is lost is over. */
  #isOver = false;
  /** Bytes that were queued and not sent. */
  #dropped = 0;
  /** True if our side ended before the peer's. */
  #isEndedFirst = false;
  #isSourcePaused = false;
  #isEndCalled = false;
  #isEndPlanned = false;
  #holds = 0;
  #isPumping = false;
  counted = 0;
  #heldCost = 0;
  #lastByteAt: number;
  /** Removes the listener of the option `signal`, which may outlive many connections. */
  readonly #stopListening: (() => void) | undefined;
  #inputEnds: Set<(error?: unknown) => void> | undefined;
  #opens: Set<() => void> | undefined;
  #closes: Set<(info: CloseInfo) => void> | undefined;
  #signal: CancelSource | undefined;
  #closed: { readonly promise: Promise<CloseInfo>; resolve(info: CloseInfo): void } | undefined;

  constructor(
    connection: Connection<In, Out, Context>,
    protocol: MessageProtocol<In, Out>,
    sink: Sink,
    handlers: Handlers<In, Out, Context>,
    options: ConnectionOptions & ServerParts,
    limits: Limits,
  ) {
    this.#connection = connection;
    this.#limits = limits;
    this.#clock = clockOf(options);
    this.#sink = sink;
    this.#callbacks = new Callbacks(this, connection, handlers, options.handlerErrors ?? "report");
    this.#budget = options.budget;
    this.#gone = options.gone;
    this.#isTold = options.isTold;
    this.#protocol = this.#own(protocol);
    this.#maxQueued = maxQueuedOf(limits, protocol.maxFrame);
    this.#lastByteAt = this.#clock.now();
    const { turn, concurrency } = limits;
    const { onInvalid, trace } = options;
    this.#trace = trace;
    const traced =
      trace && ((value: unknown, size: number) => this.#tell({ type: "message", value, size }));
    const input = { clock: this.#clock, turn, concurrency, onInvalid, traced };
    this.#in = new Incoming<Out>(this, this.#protocol, sink.boundary, input);
    const highWater = Math.min(limits.highWater, this.#maxQueued);
    const sent = trace && ((bytes: Uint8Array) => this.#tell({ type: "sent", bytes }));
    this.#out = new Outgoing(this, sink, highWater, sent);
    this.#deadlines = new Deadlines(limits, this.#clock, options.sweeper, this);
    const { signal } = options;
    if (signal !== undefined) this.#stopListening = this.#listenTo(signal);
  }

  #listenTo(signal: CancelSignal): () => void {
    const abort = (): void => this.abort(signal.reason);
    // Not before the user has received this connection.
    if (signal.aborted) void Promise.resolve().then(abort);
    return onAbort(signal, abort);
  }

  // ---- for users

  get state(): ConnectionState {
    if (this.#isOver) return "closed";
    const output = this.#out.state;
    if (output === "waiting" && !this.#out.isClosing) return "opening";
    return output === "open" || !this.#in.isOver ? "open" : "closing";
  }

  get handlerErrors(): "report" | "throw" {
    return this.#callbacks.handlerErrors;
  }

  get handlers(): object {
    return this.#callbacks.handlers;
  }

  /** Bytes received and not delivered; at least 1 in the middle of a frame of several values. */
  get unread(): number {
    return this.#in.unread + (this.#in.isInsideFrame ? 1 : 0);
  }

  get peer(): string | undefined {
    return this.#sink.peer;
  }

  get isBehind(): boolean {
    return this.#in.isTurnOver && this.#in.held > this.#maxQueued / 4;
  }

  get protocol(): MessageProtocol<In, Out> {
    return this.#protocol;
  }

  get boundary(): "stream" | "message" {
    return this.#sink.boundary;
  }

  get queued(): number {
    return this.#out.queued;
  }

  get lastByteAt(): number {
    return this.#lastByteAt;
  }

  get messages(): number {
    return this.#in.delivered;
  }

  get isReading(): boolean {
    return this.#in.isWelcome;
  }

  get closed(): Promise<CloseInfo> {
    if (this.#closed === undefined) {
      let resolve = (_: CloseInfo): void => {};
      const promise = new Promise<CloseInfo>((done) => {
        resolve = done;
      });
      this.#closed = { promise, resolve };
      if (this.#isOver) resolve(this.#closeInfo());
    }
    return this.#closed.promise;
  }

  get signal(): ConnectionSignal {
    if (this.#signal === undefined) {
      this.#signal = newCancel();
      if (this.#isLost || this.#isOver) this.#abortSignal();
    }
    return this.#signal.signal as ConnectionSignal;
  }

  send(value: In): boolean {
    const out = this.#out;
    if (!out.isSending) return false;
    if (this.#trace !== undefined) return this.#sendTraced(value);
    return out.send(this.#protocol, value, this.#maxQueued);
  }

  sendFrame(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (!isBytes(bytes)) throw new TypeError("a frame must be a Uint8Array");
    if (isDetached(bytes)) throw new TypeError("the memory of the frame was transferred away");
    const out = this.#out;
    if (!out.isSending) return false;
    if (this.#trace !== undefined) {
      this.#tell({ type: "queued", value: undefined, size: bytes.length });
    }
    return out.sendFrame(bytes, this.#protocol.text === true, this.#maxQueued);
  }

  #sendTraced(value: In): boolean {
    const before = this.#out.sent;
    const isRoomy = this.#out.send(this.#protocol, value, this.#maxQueued);
    this.#tell({ type: "queued", value, size: this.#out.sent - before });
    return isRoomy;
  }

  /** Reports events of the transport to the trace; undefined without a trace. */
  get teller(): ((happening: Happening) => void) | undefined {
    return this.#trace && ((happening) => this.#tell(happening));
  }

  /** Reports an event to the trace, if there is one. */
  #tell(happening: Happening): void {
    const trace = this.#trace;
    if (trace === undefined) return;
    const at = this.#clock.now();
    const connection = this.#connection as unknown as TraceEvent["connection"];
    const { name } = this.#protocol;
    this.#callbacks.guard(() => trace({ ...happening, name, connection, at } as TraceEvent));
  }

  ready(): Promise<void> {
    return this.#out.ready();
  }

  flushed(): Promise<void> {
    return this.#out.flushed();
  }

  end(): void {
    if (this.#sink.end === undefined) {
      throw new TypeError("this transport cannot end one side alone: use close()");
    }
    // Once it is decided how the connection ends, the sink is asked to close, not to end first.
    if (!this.#out.isSending || this.#outcome !== undefined) return;
    if (this.#in.state === "reading") this.#isEndedFirst = true;
    this.#out.end();
    this.settled();
  }

  close(): void {
    if (this.#isOver || (this.#out.isClosing && !this.#isLost)) return;
    this.#shutDown({ by: "local" });
  }

  abort(error?: unknown): void {
    this.#cut(error === undefined ? { by: "local" } : { by: "error", error });
  }

  pause(): void {
    this.#in.pause();
    this.#deadlines.welcome(false);
    this.pauseSource();
  }

  resume(): void {
    this.#in.resume();
    this.pump();
    if (this.#in.isWelcome) this.resumeSource();
  }

  use<NewIn, NewOut>(
    protocol: MessageProtocol<NewIn, NewOut>,
    handlers: Handlers<NewIn, NewOut, Context> = {},
  ): void {
    if (this.#in.isInsideFrame)
      throw new TypeError("use() in the middle of a frame of several values");
    if (handlers.message !== undefined && this.#in.isAwaited) throw bothWays();
    checkProtocol(protocol, this.#sink.boundary);
    const own = this.#own(protocol as unknown as MessageProtocol<In, Out>);
    this.#protocol = own;
    this.#callbacks.use(handlers);
    this.#maxQueued = maxQueuedOf(this.#limits, own.maxFrame);
    this.#in.use(own);
    this.#in.begin(this.#clock.now());
    // Bytes that were incomplete for the old protocol may be a message of the new one.
    if (this.#in.isWelcome) this.resume();
    else if (this.#out.state !== "waiting") this.pauseSource();
    // Whether our side ends after the peer's depends on the handlers.
    this.settled();
  }

  detach(): { readonly socket: unknown; readonly unread: Uint8Array } {
    if (this.#sink.detach === undefined)
      throw new TypeError("this transport cannot hand its socket over");
    if (this.#isOver || this.#isLost || this.#in.state === "halted")
      throw new TypeError("detach() of a connection that is over");
    if (this.#in.isInsideFrame)
      throw new TypeError("detach() in the middle of a frame of several values");
    this.#out.flush();
    if (this.queued > 0 || this.#out.state !== "open" || !this.#out.isEmpty) {
      throw new TypeError(`detach() while ${this.queued} bytes wait to be sent`);
    }
    const socket = this.#sink.detach();
    const unread = this.#in.rest();
    this.#isLost = true;
    this.#outcome = { by: "local" };
    this.#in.halt();
    this.#out.cut();
    this.#finish();
    return { socket, unread };
  }

  /** Writes what is queued, and returns how many bytes the sink did not take. */
  flushNow(): number {
    this.#out.flush();
    return this.#out.unwritten;
  }

  iterate(): AsyncIterableIterator<Out, undefined> {
    if (this.#callbacks.handlers.message !== undefined) throw bothWays();
    return this.#in.iterate(() => {
      if (this.#callbacks.handlers.message !== undefined) throw bothWays();
      this.pump();
    });
  }

  onOpen(run: () => void): () => void {
    if (this.#out.state !== "waiting") {
      if (this.state === "open") run();
      return () => {};
    }
    this.#opens ??= new Set();
    return addTo(this.#opens, run);
  }

  onClose(run: (info: CloseInfo) => void): () => void {
    if (this.#isOver) {
      run(this.#closeInfo());
      return () => {};
    }
    this.#closes ??= new Set();
    return addTo(this.#closes, run);
  }

  onInputEnd(run: (error?: unknown) => void): () => void {
    if (this.#in.isOver) {
      run(this.#outcome?.error);
      return () => {};
    }
    this.#inputEnds ??= new Set();
    return addTo(this.#inputEnds, run);
  }

  hold(cost: number): () => void {
    checkLimit("cost", cost);
    this.#holds++;
    this.#heldCost += cost;
    this.#account();
    if (this.#heldCost + this.#in.held > this.#maxQueued && !this.#isOver) {
      this.#fail(overflow("unread", this.#heldCost + this.#in.held, this.#maxQueued), true, false);
    }
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds--;
      this.#heldCost -= cost;
      this.#account();
      this.settled();
    };
  }

  // ---- for transports

  opened(): void {
    if (this.#out.state !== "waiting") return;
    this.#out.enter();
    this.#out.opened();
    this.#in.opened();
    this.#tell({ type: "opened" });
    if (!this.#in.isOver) {
      this.#deadlines.opened();
      if (!this.#in.isWelcome) {
        this.#deadlines.welcome(false);
        this.pauseSource();
      }
      // A sink whose pause throws has ended the connection.
      if (!this.#in.isOver) {
        const opens = this.#opens;
        this.#opens = undefined;
        for (const run of opens ?? []) this.#callbacks.guard(run);
        this.#callbacks.call(this.#callbacks.handlers.open);
      }
    }
    this.#account();
    this.#out.leave();
    // Bytes, or the peer's end, may have arrived before.
    this.pump();
    this.settled();
  }

  received(bytes: Uint8Array): void {
    if (this.#in.state !== "reading" || this.#isOver) return;
    const now = this.#clock.now();
    this.#lastByteAt = now;
    if (this.#trace !== undefined) this.#tell({ type: "received", bytes });
    this.#deadlines.heard(now);
    this.#in.begin(now);
    if (!this.#in.isWelcome) {
      // A chunk may have been in flight; a transport that cannot pause delivers more and more of them.
      const held = this.#in.held + this.#heldCost;
      if (held > this.#maxQueued) {
        this.#fail(overflow("unread", held, this.#maxQueued), true, false);
        return;
      }
    }
    try {
      if (bytes.length === 0 && isDetached(bytes)) {
        throw new TypeError("the memory of a chunk was transferred away");
      }
      this.#in.push(bytes);
    } catch (error) {
      this.#fail(error, false, false);
    }
    this.pump();
  }

  ended(): void {
    if (this.#in.state !== "reading") return;
    this.#in.drain();
    this.#deadlines.ending();
    this.pump();
  }

  drained(): void {
    this.#out.enter();
    this.#out.drained();
    this.#out.leave();
  }

  lost(error?: unknown, info?: Pick<CloseInfo, "code" | "text">): void {
    if (this.#isOver || this.#isLost) return;
    this.#isLost = true;
    this.#lostInfo = info;
    const wasOpened = this.#out.state !== "waiting";
    const dropped = this.#out.cut();
    this.#dropped += dropped;
    this.#deadlines.sending(false);
    // In order: an error before every complete message is delivered decides how the connection ended.
    if (error !== undefined && this.#outcome === undefined) this.#in.lostError = { error };
    this.#abortSignal(error);
    const { isIterated } = this.#in;
    // A connection that was never open delivers nothing.
    if (!wasOpened) this.#in.halt(this.#in.lostError);
    if (this.#in.isOver) {
      this.#noteDropped(dropped);
      this.#finishLost(isIterated);
    } else {
      // Complete messages are still delivered.
      this.#in.drain();
      this.#deadlines.ending();
      this.pump();
    }
  }

  // ---- for input

  get message(): ((connection: never, value: Out) => unknown) | undefined {
    return this.#callbacks.handlers.message as
      | ((connection: never, value: Out) => unknown)
      | undefined;
  }

  get connection(): never {
    return this.#connection as never;
  }

  pump(): void {
    this.#isPumping = true;
    this.#out.enter();
    this.#pump();
    this.#out.leave();
    this.#isPumping = false;
    this.#account();
  }

  enter(): void {
    this.#out.enter();
  }

  leave(): void {
    this.#out.leave();
  }

  #pump(): void {
    this.#in.pump();
    const { isWelcome } = this.#in;
    this.#deadlines.welcome(isWelcome);
    if (this.#trace !== undefined) this.#deadlines.waiting(this.#in.isStuck);
    // While the gate is closed nothing is parsed, and the time for a frame is suspended.
    if (isWelcome && this.#limits.frameTimeout !== Infinity) {
      this.#deadlines.partial(this.#in.partial, this.#lastByteAt);
    }
  }

  skipped(skipped: Skipped): void {
    this.#tell({ type: "skipped", skipped });
    this.#callbacks.skipped(skipped);
  }

  faulty(error: ProtocolError): void {
    this.#fail(error, false, false);
  }

  handlerFailed(error: unknown): void {
    this.#fail(error, false, true);
  }

  rejected(error: unknown): void {
    // Not a new error: only the end of this connection, or of one that it depends on, that returns.
    if (wasReported(error) || this.#callbacks.isKnownBug(error)) {
      if (!this.#out.isClosing) this.#shutDown({ by: "error", error });
    } else {
      this.#fail(error, false, true);
    }
  }

  finished(isIterated: boolean): void {
    if (this.#isLost) {
      this.#finishLost(isIterated);
    } else {
      this.#inputOver();
      this.settled();
    }
  }

  settled(): void {
    this.#deadlines.welcome(this.#in.isWelcome);
    if (this.#deadlines.isEnding) this.#deadlines.ending();
    if (this.#in.state !== "finished" || this.#out.isClosing) return;
    const { end } = this.#callbacks.handlers;
    if (end !== undefined && !this.#isEndCalled) {
      if (this.#in.pending > 0) return;
      this.#isEndCalled = true;
      this.#callbacks.call(end, true);
      // Our side may have ended meanwhile.
      this.settled();
    } else if (!this.#isEndPlanned && this.#isSettled) {
      // One turn later: code that was notified of the end may still send something.
      this.#isEndPlanned = true;
      later(this.#clock, () => {
        this.#isEndPlanned = false;
        if (this.#isSettled) this.#shutDown({ by: this.#isEndedFirst ? "local" : "peer" });
      });
    }
  }

  /** Nothing remains for which the peer's end must wait; with an `end` handler the user decides. */
  get #isSettled(): boolean {
    if (this.#callbacks.handlers.end !== undefined && this.#out.isSending) return false;
    return this.#in.pending + this.#callbacks.pending + this.#holds === 0 && !this.#in.isIterated;
  }

  delivered(): void {
    this.#deadlines.delivered();
  }

  pauseSource(): void {
    // The end of a peer that is not read would never be noticed.
    if (this.#isSourcePaused || this.#in.isOver || this.#isLost) return;
    this.#isSourcePaused = true;
    this.#tell({ type: "paused" });
    this.#ask(() => this.#sink.pause());
  }

  resumeSource(): void {
    if (!this.#isSourcePaused || this.#isLost) return;
    this.#isSourcePaused = false;
    this.#tell({ type: "resumed" });
    this.#ask(() => this.#sink.resume());
  }

  /** A sink that throws is a transport that failed. */
  #ask(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#fail(error, true, false);
    }
  }

  buffered(): number {
    let buffered: number | undefined;
    this.#ask(() => {
      buffered = this.#sink.buffered?.();
    });
    return Number(buffered);
  }

  // ---- for output

  outputFailed(error: unknown): void {
    this.#fail(error, true, false);
  }

  get isTurnOver(): boolean {
    return this.#in.hasTurnAhead;
  }

  roomy(): void {
    // Once it is decided how the connection ends, no `drain` follows.
    if (this.#outcome === undefined) this.#callbacks.call(this.#callbacks.handlers.drain);
  }

  moved(queued: number, isProgress: boolean): void {
    // The time to connect is another limit.
    const isWaiting = queued > 0 && this.#out.state !== "waiting";
    this.#deadlines.sending(isWaiting, isProgress);
    if (isProgress && this.#deadlines.isEnding) this.#deadlines.ending();
    // At the end of `pump` the replies are usually written, and the cost is what it was.
    if (queued > 0 || !this.#isPumping) this.#account();
  }

  // ---- the end

  /**
   * Ends the connection with an error.
   *
   * @param isCut - true if nothing more can be sent
   * @param isBug - true if a handler of ours failed
   */
  #fail(error: unknown, isCut: boolean, isBug: boolean): void {
    const isTold = this.#in.isIterated;
    const outcome = { by: "error", error } as const;
    // What could not be sent is not a clean end.
    if (isCut && this.#outcome?.by !== "error" && this.queued > 0) this.#outcome = outcome;
    this.#outcome ??= outcome;
    // First, so that nothing is delivered while handlers run. A final message can still be sent.
    if (!this.#in.isOver) this.#in.halt({ error });
    if (isCut) this.#drop();
    if (isBug) {
      this.#tell({ type: "error", error });
      this.#callbacks.reportBug(error);
    } else {
      this.#reportFault(error, isTold);
    }
    if (this.#isLost) this.#finish();
    else if (isCut) this.#cut(outcome);
    else this.#shutDown(outcome);
  }

  /** Stops delivery; the queue is sent, then the sink closes, then the transport calls `lost`. */
  #shutDown(outcome: CloseInfo): void {
    this.#outcome ??= outcome;
    this.#in.halt(this.#outcome.by === "error" ? { error: this.#outcome.error } : undefined);
    this.#inputOver();
    if (this.#isLost) {
      this.#finish();
    } else if (this.#out.state === "waiting" && this.#out.isEmpty) {
      this.#cut(this.#outcome);
    } else {
      this.#deadlines.closing();
      // Otherwise the peer's own end would never be noticed.
      this.resumeSource();
      this.#out.close(this.#outcome.error);
    }
  }

  #cut(outcome: CloseInfo): void {
    if (this.#isOver) return;
    // A close that is cut with an error was not clean.
    if (this.#outcome?.by !== "error" && outcome.by === "error") this.#outcome = outcome;
    this.#outcome ??= outcome;
    this.#in.halt(this.#outcome.by === "error" ? { error: this.#outcome.error } : undefined);
    this.#inputOver();
    this.#drop();
    if (!this.#isLost) {
      this.#isLost = true;
      this.#callbacks.guard(() => this.#sink.abort(this.#outcome?.error));
    }
    this.#finish();
  }

  /** Stops writing. */
  #drop(): void {
    if (this.#out.state === "closed") return;
    this.#dropped += this.#unsent;
    this.#out.cut();
  }

  /** What could not be sent is not a clean end. */
  #noteDropped(dropped: number): void {
    if (dropped === 0 || this.#outcome?.by !== "local") return;
    this.#outcome = { by: "error", error: closedError(`closed with ${dropped} bytes unsent`) };
  }

  /** Called when the transport is gone and every complete message was delivered. */
  #finishLost(isIterated: boolean): void {
    const { lostError } = this.#in;
    if (lostError !== undefined) {
      const { error } = lostError;
      this.#outcome = { by: "error", error };
      this.#reportFault(error, isIterated);
    }
    this.#finish();
  }

  /** Bytes that are queued or not sent yet, as far as the sink can tell. */
  get #unsent(): number {
    try {
      const buffered = this.#sink.buffered?.();
      return buffered === undefined ? this.queued : this.#out.unwritten + buffered;
    } catch {
      return this.queued;
    }
  }

  #reportFault(error: unknown, isIterated: boolean): void {
    this.#tell({ type: "error", error });
    if (this.#callbacks.handlers.error === undefined && this.#isTold?.()) return;
    this.#callbacks.reportFault(error, isIterated, this.#protocol.name, this.#sink.peer);
  }

  /** Called when input is over: sessions stop waiting for replies. */
  #inputOver(): void {
    const ends = this.#inputEnds;
    this.#inputEnds = undefined;
    if (ends === undefined) return;
    const error = this.#outcome?.error;
    for (const run of ends) this.#callbacks.guard(() => run(error));
  }

  #finish(): void {
    this.#inputOver();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopListening?.();
    this.#deadlines.stop();
    this.#budget?.leave(this);
    this.#outcome ??= { by: "peer" };
    this.#abortSignal();
    const info = this.#closeInfo();
    this.#tell({ type: "closed", info });
    this.#gone?.(this.#dropped, info);
    const closes = this.#closes;
    this.#closes = undefined;
    for (const run of closes ?? []) this.#callbacks.guard(() => run(info));
    this.#callbacks.close(info);
    this.#closed?.resolve(info);
  }

  /** How it ended, once it is over. */
  #closeInfo(): CloseInfo {
    return { ...this.#outcome!, ...this.#lostInfo };
  }

  #abortSignal(error: unknown = (this.#outcome ?? this.#in.lostError)?.error): void {
    this.#signal?.abort(error ?? new ProtocolError("closed", "the connection is closed"));
  }

  // ---- limits

  #own(protocol: MessageProtocol<In, Out>): MessageProtocol<In, Out> {
    return forOneStream(protocol, this.#connection);
  }

  /** Memory cost of this connection. */
  get cost(): number {
    const { held, extraCost } = this.#in;
    // `queued` lacks what the transport took without asking to wait.
    const output = Math.max(this.queued, this.#unsent);
    const input = held + extraCost + (this.#sink.unread?.() ?? 0);
    return BASE_COST + input + this.#heldCost + output;
  }

  /** Called if the budget of its server is exceeded: the largest connections are closed first. */
  overBudget(text: string): void {
    this.#fail(new ProtocolError("overflow", text), true, false);
  }

  #account(): void {
    if (!this.#isOver) this.#budget?.update(this);
  }

  expired({ limit, ms }: Expiry): void {
    if (limit === "end") return void this.#expireEnd(ms);
    if (limit === "close") return void this.#expireClose(ms);
    if (limit === "stuck") {
      const { pending: promises, unread } = this.#in;
      return void this.#tell({ type: "stuck", ms, promises, unread });
    }
    const error = timeout(`${this.#missed(limit)} within ${ms} ms`);
    // If bad input is skipped, a frame that never ends counts as bad.
    if (limit === "frame" && this.#in.giveUp(error)) this.pump();
    else this.#fail(error, true, false);
  }

  #missed(limit: "first" | "frame" | "idle" | "send"): string {
    switch (limit) {
      case "first":
        return "no message";
      case "frame":
        return "a frame was not whole";
      case "idle":
        return "no byte";
      case "send":
        return `the peer took none of ${this.queued} bytes`;
    }
  }

  /** Called if our side has not ended in time after the peer's end. */
  #expireEnd(ms: number): void {
    if (this.#callbacks.isEndPending) {
      this.#deadlines.ending();
      return;
    }
    const promises = this.#in.pending + this.#callbacks.pending;
    const { unread } = this.#in;
    const waits = `${unread} bytes unread, ${promises} promises and ${this.#holds} holds pending`;
    const { lostError } = this.#in;
    const text = `our side did not end within ${ms} ms of the peer's: ${waits}`;
    const cause = lostError && { cause: lostError.error };
    this.#fail(new ProtocolError("timeout", text, undefined, cause), true, false);
  }

  #expireClose(ms: number): void {
    const unsent = this.#unsent;
    if (unsent > 0 && this.#outcome?.by !== "error") {
      const error = timeout(`closed after ${ms} ms with ${unsent} bytes unsent`);
      this.#outcome = { by: "error", error };
      this.#reportFault(error, this.#in.isIterated);
    }
    this.#cut(this.#outcome!);
  }
}

/** Adds a function, and returns another one that removes it, also while the set is iterated. */
function addTo<Run>(runs: Set<Run>, run: Run): () => void {
  runs.add(run);
  return () => void runs.delete(run);
}

function bothWays(): TypeError {
  return new TypeError("a connection has a message handler or is iterated, not both");
}

function overflow(what: string, found: number, allowed: number): ProtocolError {
  return new ProtocolError("overflow", `${found} ${what} bytes exceed maxQueued ${allowed}`);
}

function timeout(text: string): ProtocolError {
  return new ProtocolError("timeout", text);
}
