import { CHUNK_COST } from "../../core/index.ts";
import { alone } from "./held-packets.ts";

/** Messages for a virtual connection that arrived before it was announced. */
export interface Early {
  readonly messages: Uint8Array[];
  /** It has been closed again. */
  isClosed: boolean;
  /** Too much arrived; it was given up. */
  isDropped: boolean;
}

/** Limit for all kept messages together, in bytes. */
const LIMIT = 1024 * 1024;

// Cost of a connection without its messages; this also bounds the number of ids without any.
const COST = 256;

/**
 * Messages that overtook the Accept (or Connect) of their connection: the gateway tells the client
 * first, and its first message may arrive before the announcement. They are kept, in order, while a
 * dial is unanswered.
 */
export class EarlyMessages {
  readonly #kept = new Map<number, Early>();
  #size = 0;
  #isFull = false;

  /** True if something was refused: kept messages may not be the first of their connection. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Keeps a message. Returns false if there is no room: the connection must be closed. */
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

  /** Records that the connection was closed. */
  close(connId: number): void {
    const early = this.#of(connId);
    if (early !== undefined) early.isClosed = true;
  }

  /** Removes and returns the messages of one connection. */
  take(connId: number): Early | undefined {
    const early = this.#kept.get(connId);
    if (early === undefined) return undefined;
    this.#kept.delete(connId);
    this.#size -= COST;
    for (const message of early.messages) this.#size -= message.length + CHUNK_COST;
    return early;
  }

  /**
   * Forgets everything, once no dial is pending; returns the ids of connections that are still
   * open.
   */
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
