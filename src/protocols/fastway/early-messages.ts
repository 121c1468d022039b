import { CHUNK_COST } from "../../core/index.ts";
import { alone } from "./held-packets.ts";

/** What came for a virtual connection before it was known to be one. */
export interface Early {
  readonly messages: Uint8Array[];
  /** It was closed again meanwhile. */
  isClosed: boolean;
  /** Too much came: it was given up. */
  isDropped: boolean;
}

/** Bytes kept for all of them together. */
const LIMIT = 1024 * 1024;

// What a connection costs beside its messages: ids without any must not be kept without end either.
const COST = 256;

/**
 * Messages that overtook the Accept (or Connect) of their connection: the gateway tells the client first, whose first
 * message may be faster than what the server is told. They are kept, in order, while a dial is unanswered.
 */
export class EarlyMessages {
  readonly #kept = new Map<number, Early>();
  #size = 0;
  #isFull = false;

  /** Something was turned away: what is not kept may be missing its beginning. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Keeps a message. False when there is no room: the connection is to be closed. */
  add(connId: number, message: Uint8Array): boolean {
    const early = this.#of(connId);
    if (early === undefined) return false;
    if (early.isDropped || early.isClosed) return true;
    if (!this.#grow(message.length + CHUNK_COST)) {
      for (const kept of early.messages.splice(0)) this.#size -= kept.length + CHUNK_COST;
      early.isDropped = true;
      return false;
    }
    early.messages.push(alone(message));
    return true;
  }

  /** Notes that the connection was closed. */
  close(connId: number): void {
    const early = this.#of(connId);
    if (early !== undefined) early.isClosed = true;
  }

  /** Gives away what was kept for one connection. */
  take(connId: number): Early | undefined {
    const early = this.#kept.get(connId);
    if (early === undefined) return undefined;
    this.#kept.delete(connId);
    this.#size -= COST;
    for (const message of early.messages) this.#size -= message.length + CHUNK_COST;
    return early;
  }

  /** Nothing is waited for any more: the ids of connections that nobody wanted, still open. */
  clear(): number[] {
    const open = Array.from(this.#kept).filter(([, early]) => !early.isClosed && !early.isDropped);
    this.#kept.clear();
    this.#size = 0;
    this.#isFull = false;
    return open.map(([connId]) => connId);
  }

  #of(connId: number): Early | undefined {
    let early = this.#kept.get(connId);
    if (early === undefined && this.#grow(COST)) {
      early = { messages: [], isClosed: false, isDropped: false };
      this.#kept.set(connId, early);
    }
    return early;
  }

  #grow(count: number): boolean {
    if (this.#size + count > LIMIT) {
      this.#isFull = true;
      return false;
    }
    this.#size += count;
    return true;
  }
}
