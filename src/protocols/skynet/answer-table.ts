/** One request of a login, and its answer. */
export interface Entry<Peer> {
  readonly session: number;
  /** Recipient of the answer; undefined once it was sent, or if that connection is gone. */
  peer: Peer | undefined;
  /** The answer as a frame; undefined while the request runs. */
  frame: Uint8Array<ArrayBuffer> | undefined;
  /**
   * Index of the connection that last repeated this request or received its answer; undefined for
   * none.
   */
  version: number | undefined;
  /** Index of the connection that sent it last. */
  asked: number;
  /** Age: the count of answers when it was last used. */
  stamp: number;
  /** False while it waits for its turn. */
  isBegun: boolean;
}

/** The next step for a received request. */
export type Step<Peer> =
  | { readonly kind: "run" | "replay"; readonly entry: Entry<Peer> }
  | { readonly kind: "wait" | "conflict" };

const WAIT = { kind: "wait" } as const;
const CONFLICT = { kind: "conflict" } as const;

/**
 * The requests of one login and their answers, which outlive its connections: a request that is
 * sent again over a later connection gets the answer of its one execution. Works like the table of
 * `snax.msgserver`, except that
 *
 * - an answer belongs to the connection that sent the request last, not to the one that is open
 *   when it is ready: otherwise a request that is sent again later would be executed again;
 * - a conflict does not forget the running request, for the same reason.
 */
export class AnswerTable<Peer> {
  readonly #entries = new Map<number, Entry<Peer>>();
  readonly #expired: number;
  #count = 0;

  /**
   * Creates an empty table.
   *
   * @param expired - minimum of answers to keep; up to twice as many are kept
   */
  constructor(expired: number) {
    this.#expired = expired;
  }

  /**
   * Records a received request, and returns what to do.
   *
   * @param index - index of its connection
   */
  asked(session: number, peer: Peer, index: number): Step<Peer> {
    const known = this.#entries.get(session);
    if (known !== undefined) {
      if (known.version !== index) {
        // Sent again: the answer goes to the connection of the last request.
        known.peer = peer;
        known.version = index;
        known.asked = index;
        known.stamp = this.#count;
        return known.frame === undefined ? WAIT : { kind: "replay", entry: known };
      }
      if (known.frame === undefined) return CONFLICT;
      // Answered on this connection: the number can be reused.
      this.#entries.delete(session);
    }
    const entry: Entry<Peer> = {
      ...{ session, peer, frame: undefined, version: undefined },
      ...{ asked: index, stamp: this.#count, isBegun: false },
    };
    this.#entries.set(session, entry);
    return { kind: "run", entry };
  }

  /** Records the answer of an executed request. */
  done(entry: Entry<Peer>, frame: Uint8Array<ArrayBuffer>): void {
    entry.frame = frame;
    entry.version = entry.asked;
    entry.stamp = this.#count;
  }

  /** Records that an answer was sent, or could not be. */
  answered(entry: Entry<Peer>): void {
    entry.peer = undefined;
    this.#count++;
    if (this.#count >= 2 * this.#expired) this.#retire();
  }

  /**
   * Removes a connection. Its requests that have not begun are forgotten, so they run when they are
   * sent again.
   */
  left(peer: Peer): void {
    for (const entry of this.#entries.values()) {
      if (entry.peer !== peer) continue;
      if (entry.isBegun) entry.peer = undefined;
      else this.#entries.delete(entry.session);
    }
  }

  #retire(): void {
    let latest = 0;
    for (const entry of this.#entries.values()) {
      if (entry.frame === undefined) continue;
      if (entry.stamp < this.#expired) {
        this.#entries.delete(entry.session);
      } else {
        entry.stamp -= this.#expired;
        latest = Math.max(latest, entry.stamp);
      }
    }
    this.#count = latest + 1;
  }
}
