import { asProtocolError, rebased } from "../errors.ts";
import { checkMessage, isFramed, measureWhole } from "../frames.ts";
import type { InvalidOptions } from "../invalid.ts";
import { CHUNK_COST, compact, MESSAGE_COST, NOTHING, plain } from "../memory.ts";
import type { MessageProtocol } from "../protocol.ts";
import { newScan } from "../scan.ts";

/**
 * The cursor of `Splitter` for a transport that preserves message boundaries: each message holds complete
 * frames, or is one value if the protocol has no framing. A frame that is cut off by the end of its message
 * is an error.
 */
export class MessageReader {
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;

  #protocol: MessageProtocol<never, unknown>;
  readonly #scan = newScan();
  readonly #messages: Uint8Array[] = [];
  /** Index of the first message that was not begun: shifting a long array is slow. */
  #head = 0;
  #queued = 0;
  /** Position of `bytes[0]` in the current message. */
  #origin = 0;
  readonly #options: InvalidOptions;
  /** Bytes that were skipped since the last good frame. */
  #run = 0;

  /**
   * @param options - `skip()` drops the rest of a bad message
   * @throws TypeError for `resync()`: messages have boundaries
   */
  constructor(protocol: MessageProtocol<never, unknown>, options: InvalidOptions = {}) {
    if (options.onInvalid?.kind === "resync") {
      throw new TypeError("resync is for streams: of messages, skip() drops the bad ones");
    }
    this.#protocol = protocol;
    this.#options = options;
  }

  /** Offsets count in the current message. */
  get offset(): number {
    return this.#origin + this.start;
  }

  /** Unread bytes, with the cost of keeping them. */
  get pending(): number {
    return this.bytes.length - this.end + this.#queued;
  }

  /** The same: a message costs its bytes and an object. */
  get held(): number {
    return this.pending;
  }

  /** There is no memory except that of messages. */
  get spare(): number {
    return 0;
  }

  push(message: Uint8Array): void {
    // It contains no frames, so nothing of it waits.
    if (message.length === 0 && isFramed(this.#protocol)) return;
    this.#messages.push(plain(message));
    this.#queued += message.length + CHUNK_COST;
  }

  /** Takes a message that will wait, and keeps no more memory alive than it needs. */
  keep(message: Uint8Array): void {
    this.push(compact(plain(message)));
  }

  next(): boolean {
    const protocol = this.#protocol;
    for (;;) {
      this.start = this.end;
      if (this.end < this.bytes.length) {
        if (this.#found()) return true;
        continue;
      }
      const message = this.#take();
      this.bytes = message ?? NOTHING;
      this.#origin = 0;
      this.start = 0;
      this.end = 0;
      if (message === undefined) return false;
      // An empty message has no frames, but is a value if there is no framing.
      if (!isFramed(protocol) && this.#found()) return true;
    }
  }

  /** Like `#rest`, but skips a bad frame if possible. */
  #found(): boolean {
    try {
      return this.#rest();
    } catch (error) {
      this.reject(error);
      return false;
    }
  }

  /** Records that the current frame is good. */
  accept(): void {
    this.#run = 0;
  }

  /**
   * Drops the rest of the message.
   *
   * @throws ProtocolError `error`, without a policy or if too much was dropped in a row
   */
  reject(error: unknown): void {
    const here = asProtocolError(error, "malformed", "decode failed", this.start);
    const known = rebased(here, this.#origin);
    const { onInvalid, skipped } = this.#options;
    if (onInvalid === undefined) throw known;
    const length = this.bytes.length - this.start;
    this.#run += length + MESSAGE_COST;
    if (this.#run > (onInvalid.most ?? 16 * this.#protocol.maxFrame)) throw known;
    const { offset } = this;
    this.end = this.bytes.length;
    this.start = this.end;
    skipped?.({ error: known, length, offset });
  }

  /**
   * Finds one frame in the rest of the message; all of it if the protocol has no framing, or no longer has
   * one. Returns false if the framing skipped some bytes.
   */
  #rest(): boolean {
    const protocol = this.#protocol;
    const { length } = this.bytes;
    if (!isFramed(protocol)) {
      checkMessage(protocol, length - this.start);
      this.end = length;
      return true;
    }
    const found = measureWhole(protocol, this.bytes, this.start, length, this.#scan);
    this.end = this.start + Math.abs(found);
    return found > 0;
  }

  #take(): Uint8Array | undefined {
    const messages = this.#messages;
    const message = messages[this.#head];
    if (message === undefined) return undefined;
    this.#queued -= message.length + CHUNK_COST;
    this.#head++;
    if (2 * this.#head >= messages.length) {
      // Half empty: moving the rest up costs no more than its pushes did.
      messages.splice(0, this.#head);
      this.#head = 0;
    }
    return message;
  }

  /** Releases a message that was read, and copies the rest of one that only this rest would keep alive. */
  compact(): void {
    if (this.end === 0) return;
    this.bytes = compact(this.bytes.subarray(this.end));
    this.#origin += this.end;
    this.start = 0;
    this.end = 0;
  }

  /** Drops all unread messages. */
  clear(): void {
    this.bytes = NOTHING;
    this.start = 0;
    this.end = 0;
    this.#messages.length = 0;
    this.#head = 0;
    this.#queued = 0;
  }

  /** Hands over all unread bytes. */
  rest(): Uint8Array {
    const begun = this.end < this.bytes.length ? [this.bytes.subarray(this.end)] : [];
    const parts = [...begun, ...this.#messages.slice(this.#head)];
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    this.clear();
    return all;
  }

  /** Nothing can be left over: every message was complete. */
  finish(): void {}

  use(protocol: MessageProtocol<never, unknown>): void {
    this.#protocol = protocol;
  }
}
