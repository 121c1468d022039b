import { Connection, type MessageProtocol, type Sink } from "../../src/core/index.ts";
import type { ManualClock } from "./manual-clock.ts";

type AnyConnection = Connection<never, unknown, unknown>;

/** One end of a wire. What it writes waits in the wire until the network delivers it, in pieces. */
class End implements Sink {
  readonly boundary = "stream";
  readonly #capacity: number;
  connection!: AnyConnection;
  other!: End;
  /** On its way to the other end. */
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  isFull = false;
  isPaused = false;
  /** Nothing more will be written. */
  isEnded = false;
  /** The other end knows. */
  isEndTold = false;
  /** Gone: nothing is read or written any more. */
  isGone = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  write(bytes: Uint8Array): boolean {
    if (this.isGone || this.isEnded) return true;
    this.chunks.push(bytes);
    this.bytes += bytes.length;
    this.isFull = this.bytes > this.#capacity;
    return !this.isFull;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(): void {
    this.isEnded = true;
  }

  abort(): void {
    this.isEnded = true;
    this.isGone = true;
  }

  /** Is there something that the other end could be told? */
  get isBusy(): boolean {
    const { other } = this;
    if (other.isGone) return this.bytes > 0;
    if (other.isPaused) return false;
    return this.bytes > 0 || (this.isEnded && !this.isEndTold);
  }

  /** Tells the other end of at most `count` bytes, or of the end. */
  deliver(count: number): void {
    const { other } = this;
    const chunk = this.chunks[0];
    if (chunk === undefined) {
      this.isEndTold = true;
      if (!other.isGone) other.connection.ended();
    } else {
      const piece = chunk.slice(0, count);
      this.bytes -= piece.length;
      if (piece.length === chunk.length) this.chunks.shift();
      else this.chunks[0] = chunk.subarray(count);
      if (!other.isGone) other.connection.received(piece);
    }
    if (this.isFull && this.bytes <= this.#capacity / 2) {
      this.isFull = false;
      if (!this.isGone) this.connection.drained();
    }
  }

  /** Both directions are over. */
  get isFinished(): boolean {
    const over = this.isEndTold || this.other.isGone;
    const otherOver = this.other.isEndTold || this.isGone;
    return over && otherOver;
  }
}

/** Connections whose bytes are cut up and delivered in any order that a network may choose. */
export class Network {
  readonly #random: () => number;
  readonly #clock: ManualClock;
  #ends: End[] = [];

  /** @param random - numbers from 0 to 1 */
  constructor(random: () => number, clock: ManualClock) {
    this.#random = random;
    this.#clock = clock;
  }

  /** Two connections that are each other's peer. */
  wire<A, B, C, D>(
    left: MessageProtocol<A, B>,
    right: MessageProtocol<C, D>,
    capacity = 64 * 1024,
    highWater?: number,
  ): [Connection<A, B, unknown>, Connection<C, D, unknown>] {
    const a = new End(capacity);
    const b = new End(capacity);
    a.other = b;
    b.other = a;
    const options = { clock: this.#clock, highWater };
    const first = new Connection<A, B, unknown>(left, a, {}, options);
    const second = new Connection<C, D, unknown>(right, b, {}, options);
    a.connection = first as unknown as AnyConnection;
    b.connection = second as unknown as AnyConnection;
    this.#ends.push(a, b);
    first.opened();
    second.opened();
    return [first, second];
  }

  /** One delivery, of whatever; false when nothing is on its way. */
  async step(): Promise<boolean> {
    await settled();
    const busy = this.#ends.filter((end) => end.isBusy);
    const end = busy[Math.floor(this.#random() * busy.length)];
    if (end === undefined) return false;
    // Mostly much at once, often a few bytes, so that frames are cut anywhere.
    const count = this.#random() < 0.5 ? 1 + Math.floor(this.#random() * 20) : 64 * 1024;
    end.deliver(count);
    for (const one of [end, end.other]) {
      if (one.isFinished && one.connection.state !== "closed") one.connection.lost();
    }
    this.#ends = this.#ends.filter((one) => !one.isFinished || one.isBusy);
    return true;
  }

  /** Delivers until nothing is on its way. */
  async settle(): Promise<void> {
    while (await this.step());
  }
}

/** Lets everything that waits for a microtask happen. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
