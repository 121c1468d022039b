import type { ProtocolError } from "./errors.ts";
import { withHint } from "./hints.ts";
import type { InvalidOptions } from "./invalid.ts";
import { CHUNK_COST, compact, copy, isBytes, NOTHING, pinsMuch } from "./memory.ts";
import type { Framing } from "./protocol.ts";
import { StreamSplitter } from "./splitter.ts";

// Waiting chunks below TINY bytes are collected in pieces of TAIL bytes.
const TINY = 512;
const TAIL = 4096;

/** A splitter that reports the cost of its unread bytes, keeps that cost small, and adds hints to errors. */
export class OwnSplitter extends StreamSplitter {
  /** Memory in which tiny waiting chunks are collected; only ever appended to. */
  #tail: Uint8Array | undefined;
  #tailUsed = 0;

  /** True if `bytes` is a chunk as it was pushed, which is never written. */
  get isInPlace(): boolean {
    return this.bytes !== this.slab;
  }

  /** Memory cost of the unread bytes. */
  get held(): number {
    return this.pending + CHUNK_COST * (this.queue.length - this.head);
  }

  /** Memory of the slab apart from the unread bytes in it. */
  get spare(): number {
    const used = this.bytes === this.slab ? this.limit - this.end : 0;
    return this.slab.length - used;
  }

  protected override explained(error: ProtocolError, shown: number, length: number): ProtocolError {
    return withHint(error, this.framing, this.bytes, this.start, shown, length);
  }

  /**
   * Takes the next bytes, which will wait: tiny chunks are collected, and no chunk keeps far more memory
   * alive than itself.
   */
  keep(chunk: Uint8Array): void {
    const { length } = chunk;
    if (length >= TINY || this.queue.length === this.head || !isBytes(chunk)) {
      this.push(isBytes(chunk) ? compact(chunk) : chunk);
      return;
    }
    const last = this.queue.length - 1;
    if (this.#tail?.buffer === this.queue[last]!.buffer && this.#tailUsed + length <= TAIL) {
      copy(chunk, 0, length, this.#tail, this.#tailUsed);
      this.#tailUsed += length;
      this.queue[last] = this.#tail.subarray(0, this.#tailUsed);
      this.queued += length;
      return;
    }
    this.#tail = new Uint8Array(TAIL);
    this.#tailUsed = length;
    copy(chunk, 0, length, this.#tail, 0);
    this.push(this.#tail.subarray(0, length));
  }

  /** Drops all unread bytes. */
  clear(): void {
    this.queue.length = 0;
    this.head = 0;
    this.taken = 0;
    this.queued = 0;
    this.#tail = undefined;
    this.slab = NOTHING;
    this.used = 0;
    this.end = this.limit;
    this.release();
    this.forget();
  }

  /** Of a connection's chunk the memory around it counts, too: a message of a WebSocket may be a part of a larger one. */
  protected override pinsChunk(left: number): boolean {
    return pinsMuch(left, this.bytes);
  }

  /**
   * Releases a chunk that has been read, and copies unread bytes out of one that only they would keep alive.
   * The current frame is left.
   */
  compact(): void {
    const have = this.limit - this.end;
    if (have === 0) {
      if (this.bytes !== NOTHING) this.release();
      return;
    }
    if (this.bytes === this.slab || !pinsMuch(have, this.bytes)) return;
    const own = new Uint8Array(have);
    copy(this.bytes, this.end, this.limit, own, 0);
    this.origin += this.end;
    this.bytes = own;
    this.start = 0;
    this.end = 0;
    this.limit = have;
  }
}

/** Makes a splitter that counts its cost and adds hints to errors. */
export function newSplitter(framing: Framing, options: InvalidOptions = {}): OwnSplitter {
  const { onInvalid } = options;
  if (onInvalid === undefined) return new OwnSplitter(framing);
  return onInvalid.splitter(framing, options) as OwnSplitter;
}
