import type { Packet } from "./packet.ts";

/** A request and what becomes of it. */
export interface Call<Body> {
  readonly op: number;
  /** The operation that answers it. */
  readonly reply: number;
  readonly body: Body | undefined;
  /** Nobody waits for the answer any more; its place at the server is still taken. */
  isOver: boolean;
  answered(packet: Packet<Body>): void;
  failed(error: unknown): void;
}

// Sequence numbers are signed 32-bit integers above 0: 0 marks a push.
const LARGEST_SEQ = 0x7fffffff;

/**
 * The requests of one connection that were sent and not answered.
 *
 * A goim server keeps eight at most and closes without a word when it gets one more while they are full, so
 * there is a limit. Replies come in the order of the requests: an answer to a later one frees the places of
 * earlier ones that were given up.
 */
export class InFlight<Body> {
  readonly #limit: number;
  /** By sequence number, in the order of sending. */
  readonly #open = new Map<number, Call<Body>>();
  #seq: number;

  /**
   * @param limit - how many may be open at a time
   * @param last - the sequence number given last
   */
  constructor(limit: number, last = 0) {
    this.#limit = limit;
    this.#seq = last;
  }

  /** May one more be sent? */
  get hasRoom(): boolean {
    return this.#open.size < this.#limit;
  }

  /** Takes a request, and gives its sequence number. */
  add(call: Call<Body>): number {
    do this.#seq = this.#seq < LARGEST_SEQ ? this.#seq + 1 : 1;
    while (this.#open.has(this.#seq));
    this.#open.set(this.#seq, call);
    return this.#seq;
  }

  /** Forgets a request that was not sent after all. */
  remove(seq: number): void {
    this.#open.delete(seq);
  }

  /** The request that this packet answers, which is one no more; undefined for a push. */
  take(packet: Packet<Body>): Call<Body> | undefined {
    const call = this.#open.get(packet.seq);
    if (call === undefined || call.reply !== packet.op) return undefined;
    for (const [seq, earlier] of this.#open) {
      if (earlier === call) break;
      if (earlier.isOver) this.#open.delete(seq);
    }
    this.#open.delete(packet.seq);
    return call;
  }

  /** All that were not answered, none of which is one any more. */
  clear(): Call<Body>[] {
    const calls = [...this.#open.values()];
    this.#open.clear();
    return calls;
  }
}
