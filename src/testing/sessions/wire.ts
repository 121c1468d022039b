import type { Sink } from "../../core/index.ts";

/** Receives the events of a wire: a `Connection`, or the end of any transport. */
export interface Receiver {
  opened(): void;
  received(bytes: Uint8Array): void;
  ended(): void;
  drained(): void;
  lost(error?: unknown): void;
}

/** One end of a wire in memory. */
export interface WireEnd {
  /** The sink for the connection at this end. */
  readonly sink: Sink;
  /** Sets the receiver of events at this end. */
  bind(receiver: Receiver): void;
}

/** Options for {@link Wire}. */
export interface WireOptions {
  /**
   * `'stream'`: bytes arrive in any pieces. `'message'`: each write arrives as one message.
   * @defaultValue `'stream'`
   */
  readonly boundary?: "stream" | "message" | undefined;
  /**
   * Number of bytes in transit from which `write` returns false; `drained` follows when there are fewer.
   * @defaultValue 1024
   */
  readonly capacity?: number | undefined;
}

/**
 * Two ends, and the bytes in transit between them. Nothing moves on its own: every byte waits until it is
 * delivered, so a test decides when, and in how many pieces, it arrives.
 *
 * ```text
 *   left.sink.write -> [ 01 02 | 03 ] -> deliver("right", 2) -> right's receiver.received(01 02)
 *   left's receiver.received <- deliver("left", n) <- [ ... ] <- right.sink.write
 * ```
 */
export class Wire {
  /** The end of the first connection. */
  readonly left: WireEnd;
  /** The end of the second connection. */
  readonly right: WireEnd;
  readonly #ends: { readonly left: End; readonly right: End };

  /** @param options - boundaries and capacity */
  constructor(options: WireOptions = {}) {
    const { boundary = "stream", capacity = 1024 } = options;
    const left = new End(boundary, capacity);
    const right = new End(boundary, capacity);
    left.peer = right;
    right.peer = left;
    this.#ends = { left, right };
    this.left = left;
    this.right = right;
  }

  /** Number of bytes in transit to either end. */
  get pending(): number {
    return this.#ends.left.incoming + this.#ends.right.incoming;
  }

  /** True if `deliver` would do nothing. */
  get isQuiet(): boolean {
    return !this.#ends.left.hasNews && !this.#ends.right.hasNews;
  }

  /** True if the wire is closed for both ends. */
  get isOver(): boolean {
    return this.#ends.left.isGone && this.#ends.right.isGone;
  }

  /**
   * Delivers up to `count` bytes to one end, or one message if the boundary is `'message'`. The first
   * delivery reports that the end is open; after the last byte, one reports that the other end has ended. A
   * paused end receives nothing.
   * @returns true if anything was delivered
   */
  deliver(to: "left" | "right", count: number = Number.POSITIVE_INFINITY): boolean {
    return this.#ends[to].deliver(count);
  }

  /** Cuts the wire: bytes in transit are lost, and both ends are notified. */
  sever(): void {
    const error = new Error("the wire was cut");
    this.#ends.left.lose(error);
    this.#ends.right.lose(error);
  }
}

class End implements WireEnd {
  readonly sink: Sink;
  peer!: End;
  isGone = false;
  #receiver: Receiver | undefined;
  /** Pieces that the peer wrote and that were not delivered yet. */
  #queue: Uint8Array[] = [];
  #taken = 0;
  #isOpen = false;
  #isPaused = false;
  #isClosed = false;
  /** True if the peer must still be notified that there is room again. */
  #owesDrain = false;
  #wasEnded = false;
  /** The error to report at this end, because the peer is gone. */
  #loss: { readonly error: unknown } | undefined;

  constructor(boundary: "stream" | "message", capacity: number) {
    this.sink = Object.freeze<Sink>({
      boundary,
      write: (bytes) => this.peer.#arrive(bytes, capacity),
      pause: () => {
        this.#isPaused = true;
      },
      resume: () => {
        this.#isPaused = false;
      },
      close: () => {
        this.#isClosed = true;
      },
      abort: (error) => {
        this.isGone = true;
        this.peer.#loss ??= { error: error ?? new Error("the other end aborted") };
      },
    });
  }

  bind(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  get incoming(): number {
    return this.#queue.reduce((sum, bytes) => sum + bytes.length, -this.#taken);
  }

  get hasNews(): boolean {
    if (this.isGone || this.#receiver === undefined) return false;
    if (!this.#isOpen || this.#loss !== undefined || this.#isFinal) return true;
    return !this.#isPaused && (this.#queue.length > 0 || (this.peer.#isClosed && !this.#wasEnded));
  }

  /** True if both ends have closed, and everything has arrived. */
  get #isFinal(): boolean {
    return this.#isClosed && this.#wasEnded && this.peer.#queue.length === 0;
  }

  #arrive(bytes: Uint8Array, capacity: number): boolean {
    if (this.isGone || this.peer.#isClosed) return true;
    this.#queue.push(bytes);
    if (this.incoming <= capacity) return true;
    this.#owesDrain = true;
    return false;
  }

  deliver(count: number): boolean {
    const receiver = this.#receiver;
    if (receiver === undefined || !this.hasNews) return false;
    if (!this.#isOpen) {
      this.#isOpen = true;
      receiver.opened();
    } else if (this.#loss !== undefined) {
      this.lose(this.#loss.error);
    } else if (this.#isFinal) {
      this.isGone = true;
      receiver.lost();
    } else if (this.#queue.length > 0) {
      receiver.received(this.#take(count));
      if (this.#owesDrain && this.#queue.length === 0 && !this.peer.isGone) {
        this.#owesDrain = false;
        this.peer.#receiver?.drained();
      }
    } else {
      this.#wasEnded = true;
      receiver.ended();
    }
    return true;
  }

  /** The next bytes, as a copy: a connection owns the bytes that it receives. */
  #take(count: number): Uint8Array {
    const first = this.#queue[0]!;
    const end = this.sink.boundary === "message" ? first.length : this.#taken + Math.max(1, count);
    const bytes = first.slice(this.#taken, end);
    this.#taken += bytes.length;
    if (this.#taken >= first.length) {
      this.#queue.shift();
      this.#taken = 0;
    }
    return bytes;
  }

  lose(error: unknown): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#queue = [];
    this.#taken = 0;
    this.#receiver?.lost(error);
  }
}
