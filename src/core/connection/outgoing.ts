import { ProtocolError } from "../errors.ts";
import type { MessageProtocol } from "../protocol.ts";
import type { Sink } from "../sink.ts";
import { Outbox } from "./outbox.ts";
import { closedError } from "./report.ts";

/**
 * Where output is. It never goes back.
 *
 * ```text
 *            opened()        end(), close(), a fault         all is out
 *   waiting ---------> open -----------------------> ending -----------> ended
 *      |                 |                              |                  |
 *      +-----------------+------------------------------+------------------+--> closed
 *                          abort(), lost(), a sink that throws
 * ```
 *
 * | state | `send` | what was sent |
 * |---|---|---|
 * | `waiting` | is kept | waits for `opened()` |
 * | `open` | is written at the end of the turn | is written |
 * | `ending` | returns false | is written, then the sink is told to end or to close |
 * | `ended` | returns false | is out |
 * | `closed` | returns false | is dropped |
 */
export type OutputState = "waiting" | "open" | "ending" | "ended" | "closed";

/** What output asks of its connection. */
export interface OutputOwner {
  /** The sink threw, or too much waits. */
  outputFailed(error: unknown): void;
  /** Messages wait for the next turn: `drain` comes after them. */
  readonly isTurnOver: boolean;
  /** There is room again after `send` returned false. */
  roomy(): void;
  /** The sink was told to end or to close. */
  sinkEnded(): void;
  /** Something was given to the sink, or is waiting for it. */
  moved(isProgress: boolean): void;
}

/** What the sink is told once everything is out. */
type Goal = "end" | "close";

interface Flushed {
  /** Resolved once so many bytes were written. */
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

/** That a connection ends must not end the process because someone stopped waiting. */
function quietly(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}

const ended = (): ProtocolError => closedError("the connection is closed");

/** The output of a connection: values become frames, frames of a turn one write. */
export class Outgoing {
  state: OutputState = "waiting";

  readonly #owner: OutputOwner;
  readonly #sink: Sink;
  readonly #outbox: Outbox;
  readonly #highWater: number;
  /** Depth of calls at whose end everything sent is flushed. */
  #depth = 0;
  #isFlushPlanned = false;
  /** `send` returned false, and no `drain` followed yet. */
  #isDrainOwed = false;
  #goal: Goal | undefined;
  #reason: unknown;
  readonly #flushed: Flushed[] = [];
  /** Something that was sent will never be written. */
  #hasDropped = false;
  #ready: Deferred | undefined;

  /** @param sent - told of all bytes that the sink is given */
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

  /** Bytes that wait to be written, with what it costs to keep them. */
  get queued(): number {
    return this.#outbox.queued;
  }

  /** Bytes that the sink was not given yet. */
  get unwritten(): number {
    return this.#outbox.sent - this.#outbox.written;
  }

  /** True while `send` still sends. */
  get isSending(): boolean {
    return this.#goal === undefined && (this.state === "open" || this.state === "waiting");
  }

  /** True if the sink was told to close, or is about to be once everything is out. */
  get isClosing(): boolean {
    return this.#goal === "close" || this.state === "closed";
  }

  /** Bytes that were sent, in all. */
  get sent(): number {
    return this.#outbox.sent;
  }

  send<In>(protocol: MessageProtocol<In, unknown>, value: In, maxQueued: number): boolean {
    return this.#sent(this.#outbox.encode(protocol, value), maxQueued);
  }

  sendFrame(bytes: Uint8Array<ArrayBuffer>, isText: boolean, maxQueued: number): boolean {
    return this.#sent(this.#outbox.add(bytes, isText), maxQueued);
  }

  /** A frame was added, and `added` to what is queued. */
  #sent(added: number, maxQueued: number): boolean {
    if (this.#depth === 0) this.#planFlush();
    if (this.#outbox.isCalm(this.#highWater)) return true;
    const cost = this.#outbox.costOf(added);
    this.flush();
    const { queued } = this;
    if (queued <= this.#highWater) return this.isSending;
    // One frame alone may be as long as it likes: the protocol's limit has been checked.
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

  /** Begins a call from outside: what it sends is flushed by its `leave`. */
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

  /** The sink wants more. */
  drained(): void {
    this.#outbox.drained();
    this.#owner.moved(true);
  }

  flush(): void {
    if (this.state === "closed") return;
    try {
      const before = this.#outbox.written;
      this.#outbox.flush();
      if (this.#flushed.length > 0) this.#settleFlushed();
      if (this.queued > 0 || this.#outbox.written !== before) {
        this.#owner.moved(this.#outbox.written !== before);
      }
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
    this.#owner.sinkEnded();
  }

  /** Sends what was sent, then ends our half. */
  end(): void {
    this.#leaveWith("end", undefined);
  }

  /** Sends what was sent, then closes. */
  close(reason?: unknown): void {
    if (this.state === "ended" && this.#goal === "end") {
      this.#goal = "close";
      this.#reason = reason;
      try {
        this.#sink.close(reason);
      } catch (error) {
        this.#owner.outputFailed(error);
      }
      return;
    }
    this.#leaveWith("close", reason);
  }

  #leaveWith(goal: Goal, reason: unknown): void {
    if (this.state === "closed" || this.state === "ended") return;
    if (this.#goal !== "close") {
      this.#goal = goal;
      this.#reason = reason;
    }
    this.#refuse();
    if (this.state === "waiting") return;
    this.state = "ending";
    // A frame that is being encoded still goes out; should its encoder throw, this flush ends what is ending.
    if (this.#outbox.isEncoding) this.#planFlush();
    else if (this.#depth === 0) this.flush();
  }

  /** True if nothing waits to be written. */
  get isEmpty(): boolean {
    return this.#outbox.isEmpty;
  }

  /** Nothing is written any more. Returns how many bytes were dropped. */
  cut(): number {
    if (this.state === "closed") return 0;
    this.state = "closed";
    const dropped = this.#outbox.clear();
    if (dropped > 0 || this.#outbox.isEncoding) this.#hasDropped = true;
    this.#refuse();
    for (const { reject } of this.#flushed.splice(0)) reject(ended());
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

  /** Resolves when the sink has taken all that was sent so far. */
  flushed(): Promise<void> {
    if (this.#hasDropped) return quietly(Promise.reject(ended()));
    const at = this.#outbox.sent;
    if (this.#outbox.written >= at) return Promise.resolve();
    const { promise, resolve, reject } = deferred();
    this.#flushed.push({ at, resolve, reject });
    return promise;
  }

  #settleFlushed(): void {
    const { written } = this.#outbox;
    while (this.#flushed.length > 0 && this.#flushed[0]!.at <= written) {
      this.#flushed.shift()!.resolve();
    }
  }
}
