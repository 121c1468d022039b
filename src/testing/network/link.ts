import type { Sink } from "../../core/index.ts";
import type { Receiver } from "../sessions/wire.ts";
import type { Network } from "./network.ts";

/** The error of a reset connection, as in Node. */
export function socketError(code: string, text: string): Error {
  return Object.assign(new Error(`${text} (${code})`), { code });
}

/** One end of a link. */
export class Side {
  readonly host: string;
  readonly sink: Sink;
  receiver: Receiver | undefined;
  other!: Side;
  readonly #network: Network;
  /** Number of bytes that were sent here and that the other side has not read. */
  #onTheWay = 0;
  /** Arrival time of the last piece sent here: pieces never overtake each other. */
  #arrival = 0;
  /** Time at which the wire is free for the next byte. */
  #free = 0;
  /** Pieces that arrived here and wait for a reader. */
  readonly #arrived: (Uint8Array | undefined)[] = [];
  #isPaused = false;
  /** True if the user has closed this side: later pieces are dropped. */
  #isClosed = false;
  #hasEnded = false;
  #heardEnd = false;
  #owesDrain = false;
  isGone = false;

  constructor(network: Network, host: string, peer: string) {
    this.#network = network;
    this.host = host;
    this.sink = Object.freeze<Sink>({
      boundary: network.boundary,
      peer,
      buffered: () => this.#onTheWay,
      write: (bytes) => this.#write(bytes),
      pause: () => {
        this.#isPaused = true;
      },
      resume: () => {
        this.#isPaused = false;
        network.clock.soon(() => this.#deliver());
      },
      // A WebSocket ends in both directions.
      ...(network.boundary === "stream" && { end: () => this.#end() }),
      close: () => {
        this.#isClosed = true;
        this.#end();
        network.clock.soon(() => this.#deliver());
      },
      abort: () => {
        if (this.isGone) return;
        this.isGone = true;
        network.leave(this);
        network.note(`${this.host} aborts`);
        this.#travel(() => this.other.lose(socketError("ECONNRESET", "the connection was reset")));
      },
    });
  }

  #write(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.isGone || this.#hasEnded) return true;
    const network = this.#network;
    for (const piece of network.cut(bytes)) {
      this.#onTheWay += piece.length;
      const begin = Math.max(network.clock.now(), this.#free);
      this.#free = begin + piece.length / network.bandwidth;
      this.#travel(() => {
        network.note(`${this.host} -> ${this.other.host} ${piece.length} bytes`);
        this.other.#arrive(piece);
      }, this.#free);
      if (network.isUnlucky()) {
        this.#travel(() => this.reset(), this.#free);
        break;
      }
    }
    if (this.#onTheWay < network.capacity) return true;
    this.#owesDrain = true;
    return false;
  }

  #end(): void {
    if (this.isGone || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#travel(() => {
      this.#network.note(`${this.host} -> ${this.other.host} end`);
      this.other.#arrive(undefined);
    }, this.#free);
    this.#finish();
  }

  /** Schedules an event at the other side, after everything that is in transit. */
  #travel(arrive: () => void, from: number = this.#network.clock.now()): void {
    const { clock } = this.#network;
    const at = Math.max(this.#arrival, from + this.#network.delay());
    this.#arrival = at;
    this.#network.carry(this.host, this.other.host, at - clock.now(), arrive);
  }

  #arrive(piece: Uint8Array | undefined): void {
    if (this.isGone) return;
    this.#arrived.push(piece);
    this.#deliver();
  }

  /** Delivers bytes that arrived before there was a reader. */
  start(): void {
    this.#network.clock.soon(() => this.#deliver());
  }

  #deliver(): void {
    if (this.receiver === undefined) return;
    while (this.#arrived.length > 0 && (!this.#isPaused || this.#isClosed) && !this.isGone) {
      const piece = this.#arrived.shift();
      if (piece === undefined) {
        this.#heardEnd = true;
        this.receiver.ended();
        this.#finish();
        return;
      }
      // Counted as read before it is handled, because a handler may send.
      this.other.#taken(piece.length);
      this.receiver.received(piece);
    }
  }

  #taken(count: number): void {
    this.#onTheWay -= count;
    if (!this.#owesDrain || 2 * this.#onTheWay > this.#network.capacity) return;
    this.#owesDrain = false;
    // The peer learns about this with a delay too.
    this.#network.clock.after(this.#network.delay(), () => {
      if (!this.isGone) this.receiver?.drained();
    });
  }

  /** Called when both sides have ended. */
  #finish(): void {
    if (!this.#hasEnded || !this.#heardEnd || this.isGone) return;
    this.isGone = true;
    this.#network.leave(this);
    this.#network.clock.soon(() => this.receiver?.lost());
  }

  /** Ends the connection with an error, for this side. */
  lose(error: unknown): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#network.leave(this);
    this.#arrived.length = 0;
    this.receiver?.lost(error);
  }

  /** Breaks the connection, for both sides. */
  reset(): void {
    if (this.isGone && this.other.isGone) return;
    this.#network.note(`${this.host} -- ${this.other.host} reset`);
    for (const side of [this, this.other]) {
      side.lose(socketError("ECONNRESET", "the connection was reset"));
    }
  }
}
