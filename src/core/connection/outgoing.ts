import { ProtocolError } from "../errors.ts";
import type { MessageProtocol } from "../protocol.ts";
import type { Sink } from "../sink.ts";
import { Outbox } from "./outbox.ts";
import { closedError } from "./report.ts";

/**
 * The state of output, which only moves forward.
 *
 * ```text
 *            opened()        end(), close(), a fault         all is out
 *   waiting ---------> open -----------------------> ending -----------> ended
 *      |                 |                              |                  |
 *      +-----------------+------------------------------+------------------+--> closed
 *                          abort(), lost(), a sink that throws
 * ```
 *
 * | state | `send` | queued bytes |
 * |---|---|---|
 * | `waiting` | is kept | wait for `opened()` |
 * | `open` | is written at the end of the turn | are written |
 * | `ending` | returns false | are written, then the sink has to end or to close |
 * | `ended` | returns false | are sent |
 * | `closed` | returns false | are dropped |
 */
export type OutputState = "waiting" | "open" | "ending" | "ended" | "closed";

/** The part of a connection that output needs. */
export interface OutputOwner {
  /** Reports that the sink threw, or that too much is queued. */
  outputFailed(error: unknown): void;
  /** True if messages wait for the next turn: `drain` is called after them. */
  readonly isTurnOver: boolean;
  /** Reports that there is room again after `send` returned false. */
  roomy(): void;
  /** Reports that `queued` bytes wait; `isProgress`: others were passed to the sink. */
  moved(queued: number, isProgress: boolean): void;
}

/** The call to the sink once everything is sent. */
type Goal = "end" | "close";

interface Flushed {
  /** Resolved once this many bytes were written. */
  readonly at: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function deferred(): Deferred {
  let resolve = (): void => {};
  let reject = (_: unknown): void => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise: quietly(promise), resolve, reject };
}

/** The end of a connection must not end the process because a rejected promise is no longer awaited. */
function quietly(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}

const ended = (): ProtocolError => closedError("the connection is closed");

/** The output of a connection: turns values into frames, and the frames of a turn into one write. */
export class Outgoing {
  state: OutputState = "waiting";

  readonly #owner: OutputOwner;
  readonly #sink: Sink;
  readonly #outbox: Outbox;
  readonly #highWater: number;
  /** Depth of nested calls; everything sent is flushed at the end of the outermost. */
  #depth = 0;
  #isFlushPlanned = false;
  /** True if `send` returned false and no `drain` followed yet. */
  #isDrainOwed = false;
  #goal: Goal | undefined;
  #reason: unknown;
  #flushed: Flushed[] | undefined;
  /** True if some sent bytes will never be written. */
  #hasDropped = false;
  #ready: Deferred | undefined;

  /** @param sent - called with all bytes that are passed to the sink */
  constructor(
    owner: OutputOwner,
    sink: Sink,
    highWater: number,
    sent: ((bytes: Uint8Array) => void) | undefined,
  ) {
    this.#owner = owner;
    this.#sink = sink;
    this.#outbox = new Outbox(sink, sent);
    this.#highWater = highWater;
  }

  /** Bytes that wait to be written, with the cost of keeping them. */
  get queued(): number {
    return this.#outbox.queued;
  }

  /** Bytes that were not passed to the sink yet. */
  get unwritten(): number {
    return this.#outbox.sent - this.#outbox.written;
  }

  /** True while `send` accepts messages. */
  get isSending(): boolean {
    return this.#goal === undefined && (this.state === "open" || this.state === "waiting");
  }

  /** True if the sink was asked to close, or will be once everything is sent. */
  get isClosing(): boolean {
    return this.#goal === "close" || this.state === "closed";
  }

  /** Total number of bytes sent. */
  get sent(): number {
    return this.#outbox.sent;
  }

  send<In>(protocol: MessageProtocol<In, unknown>, value: In, maxQueued: number): boolean {
    return this.#sent(this.#outbox.encode(protocol, value), maxQueued);
  }

  sendFrame(bytes: Uint8Array<ArrayBuffer>, isText: boolean, maxQueued: number): boolean {
    return this.#sent(this.#outbox.add(bytes, isText), maxQueued);
  }

  /** Called when a frame was added, which adds `added` to the queue. */
  #sent(added: number, maxQueued: number): boolean {
    if (this.#depth === 0) this.#planFlush();
    if (this.#outbox.isCalm(this.#highWater)) return true;
    const cost = this.#outbox.costOf(added);
    this.flush();
    const { queued } = this;
    if (queued <= this.#highWater) return this.isSending;
    // A single frame may have any length: the protocol's limit has been checked.
    if (queued > maxQueued && queued > cost) {
      const text = `${queued} unsent bytes exceed maxQueued ${maxQueued}`;
      this.#owner.outputFailed(new ProtocolError("overflow", text));
      return false;
    }
    this.#isDrainOwed = true;
    return false;
  }

  #planFlush(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    void Promise.resolve().then(() => {
      this.#isFlushPlanned = false;
      this.enter();
      this.leave();
    });
  }

  /** Begins a call from outside: its messages are flushed by its `leave`. */
  enter(): void {
    this.#depth++;
  }

  leave(): void {
    if (--this.#depth > 0) return;
    this.flush();
    if (!this.#isDrainOwed || this.queued > this.#highWater / 2 || this.state !== "open") return;
    if (this.#owner.isTurnOver) return;
    this.#isDrainOwed = false;
    this.#ready?.resolve();
    this.#ready = undefined;
    this.#owner.roomy();
  }

  opened(): void {
    if (this.state === "closed" || this.state === "ended") return;
    this.#outbox.open();
    if (this.state === "waiting") this.state = this.#goal === undefined ? "open" : "ending";
  }

  /** Called when the sink has room again. */
  drained(): void {
    this.#outbox.drained();
    this.#owner.moved(this.queued, true);
  }

  flush(): void {
    if (this.state === "closed") return;
    try {
      const before = this.#outbox.written;
      this.#outbox.flush();
      if (this.#flushed !== undefined) this.#settleFlushed(this.#flushed);
      const isProgress = this.#outbox.written !== before;
      const { queued } = this.#outbox;
      if (queued > 0 || isProgress) this.#owner.moved(queued, isProgress);
      if (this.state === "ending" && this.#outbox.isEmpty) this.#finish();
    } catch (error) {
      // A sink that throws is a transport that failed.
      this.#owner.outputFailed(error);
    }
  }

  #finish(): void {
    this.state = "ended";
    if (this.#goal === "end") this.#sink.end?.();
    else this.#sink.close(this.#reason);
  }

  /** Ends our side after everything was sent. */
  end(): void {
    this.#leaveWith("end", undefined);
  }

  /** Closes after everything was sent. */
  close(reason?: unknown): void {
    if (this.state === "ended" && this.#goal === "end") {
      this.#goal = "close";
      this.#reason = reason;
      try {
        this.#sink.close(reason);
      } catch (error) {
        this.#owner.outputFailed(error);
      }
    } else {
      this.#leaveWith("close", reason);
    }
  }

  #leaveWith(goal: Goal, reason: unknown): void {
    if (this.state === "closed" || this.state === "ended") return;
    this.#goal = goal;
    this.#reason = reason;
    this.#refuse();
    if (this.state === "waiting") return;
    this.state = "ending";
    // A frame that is being encoded is still sent; if its encoder throws, this flush completes the end.
    if (this.#outbox.isEncoding) this.#planFlush();
    else if (this.#depth === 0) this.flush();
  }

  /** True if nothing waits to be written. */
  get isEmpty(): boolean {
    return this.#outbox.isEmpty;
  }

  /** Stops writing, and returns the number of bytes dropped. */
  cut(): number {
    this.state = "closed";
    const dropped = this.#outbox.clear();
    if (dropped > 0 || this.#outbox.isEncoding) this.#hasDropped = true;
    this.#refuse();
    for (const { reject } of this.#flushed?.splice(0) ?? []) reject(ended());
    return dropped;
  }

  /** No `drain` follows. */
  #refuse(): void {
    this.#isDrainOwed = false;
    this.#ready?.reject(ended());
    this.#ready = undefined;
  }

  /** Resolves when there is room again. */
  ready(): Promise<void> {
    if (!this.isSending) return quietly(Promise.reject(ended()));
    if (!this.#isDrainOwed) return Promise.resolve();
    this.#ready ??= deferred();
    return this.#ready.promise;
  }

  /** Resolves when the sink has taken everything sent so far. */
  flushed(): Promise<void> {
    if (this.#hasDropped) return quietly(Promise.reject(ended()));
    const at = this.#outbox.sent;
    if (this.#outbox.written >= at) return Promise.resolve();
    const { promise, resolve, reject } = deferred();
    this.#flushed ??= [];
    this.#flushed.push({ at, resolve, reject });
    return promise;
  }

  #settleFlushed(flushed: Flushed[]): void {
    const { written } = this.#outbox;
    while (flushed.length > 0 && flushed[0]!.at <= written) flushed.shift()!.resolve();
  }
}
