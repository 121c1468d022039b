import { asProtocolError, ProtocolError, rebased } from "./errors.ts";
import { checkLength, shownEnd, truncated } from "./frames.ts";
import type { InvalidOptions } from "./invalid.ts";
import { copy, isBytes, NOTHING, plain, poison } from "./memory.ts";
import { isMisuse } from "./misuse.ts";
import { checkOptions } from "./options.ts";
import type { Framing } from "./protocol.ts";
import { newScan, type OwnScan, resetScan } from "./scan.ts";

/*
 * Takes O(bytes + chunks) time with every framing, however the stream is cut. A frame
 * inside one chunk costs no allocation; any other frame is copied once. Memory grows only with received bytes.
 *
 *   origin (stream offset of bytes[0])
 *   |          start      end             limit
 *   |  read    | current   |  unread       |        queue: chunks not started
 *   +----------+-----------+---------------+        +--------+ +-----+
 *   bytes: a chunk, or the slab
 *
 * Plan: `next` measures at `end`. While the frame is incomplete and another chunk is queued, the frame's
 * bytes so far move to the end of a slab, and bytes of that chunk are appended: exactly the missing ones
 * once the length is known, growing steps before that (so that a header costs a few bytes, and a long line
 * stays linear). The rest of the chunk is then read in place. The slab is append-only: frames that were
 * handed out never change, and one slab serves many small chunks.
 *
 * States: reading -> (finish) finished -> (bytes left over) failed; reading -> (bad frame) failed. `failed` is final.
 *
 * Members that only connections need are in own-splitter.ts; skipping of bad input is in tolerant-splitter.ts.
 */

// Size of the first step of a chunk that is shown to a framing that cannot tell the length yet; each
// further step doubles.
const STEP = 16;

// Slabs start small, because many connections receive small pieces only once, and grow with use.
const SMALLEST_SLAB = 256;
const LARGEST_SLAB = 16 * 1024;

// A stream keeps one chunk of at most this size alive, as it does with its slab; copying bytes out of it
// would cost more than it saves.
const SMALL_CHUNK = 8 * 1024;

// Up to this size, copying a whole chunk takes less time than making a view of the part that is needed.
const SET_WHOLE = 2048;

/**
 * Finds frames in a stream that arrives in chunks: a cursor that shows one frame at a time.
 *
 * @example
 * ```ts
 * import { decodeUtf8, lines, Splitter } from "framewright";
 *
 * const splitter = new Splitter(lines());
 * for (const text of ["on", "e\ntwo\nth", "ree\n"]) {
 *   splitter.push(Uint8Array.from(text, (c) => c.charCodeAt(0)));
 *   while (splitter.next()) {
 *     const { bytes, start, end, offset } = splitter;
 *     console.log(offset, decodeUtf8(bytes, start, end).trim());
 *   }
 * }
 * splitter.finish();
 * //=> 0 one
 * //=> 4 two
 * //=> 8 three
 * ```
 */
export interface Splitter {
  /** Memory of the current frame. It is never reused, so views into it never change under you. */
  readonly bytes: Uint8Array;
  /** Index in `bytes` of the current frame's first byte. */
  readonly start: number;
  /** Index in `bytes` after the current frame. Equal to `start` if there is none. */
  readonly end: number;

  /**
   * Position in the stream of the first byte of the current frame; without a frame, of the next unread
   * byte.
   */
  readonly offset: number;

  /** Number of unread bytes after the current frame. */
  readonly pending: number;

  /**
   * Takes the next bytes of the stream. The splitter owns them from now on: if you write into the chunk
   * later, you change frames that were handed out.
   *
   * @throws ProtocolError the error that ended the stream; `closed` after `finish`
   */
  push(chunk: Uint8Array): void;

  /**
   * Moves to the next frame. Returns false if there is no complete frame: push more bytes and call it
   * again.
   *
   * @throws ProtocolError if no frame can start with these bytes, and the same error on every later call;
   *   `truncated` if the stream is finished and bytes are left over
   */
  next(): boolean;

  /**
   * Marks the end of the stream. Complete frames that were not read yet stay readable.
   *
   * @throws ProtocolError `truncated` if all complete frames are read and bytes are left over. If some
   *   frames are still unread, `next` throws it after the last one.
   */
  finish(): void;

  /**
   * Removes and returns all unread bytes, for an upgrade to another framing. The current frame is dropped;
   * the splitter is empty, and offsets continue after these bytes.
   */
  rest(): Uint8Array;

  /** Changes the framing, from the next frame on. */
  use(framing: Framing): void;

  /**
   * Accepts the current frame, for example after it was decoded: bytes that were skipped before it are
   * reported. The next call of `next` does this too.
   */
  accept(): void;

  /**
   * Passes the current frame to the policy `onInvalid`, which skips it. Without a current frame, passes on
   * the incomplete frame that waits for more bytes.
   *
   * @param error - the error that `decode` threw, with an offset that is an index in `bytes`; or the reason
   *   not to wait for the rest of the frame
   * @throws ProtocolError `error` without a policy, or if the policy does not skip the frame, and the same
   *   error on every later call
   */
  reject(error: unknown): void;
}

/** The constructor of {@link Splitter}. */
export interface SplitterConstructor {
  /**
   * Makes a splitter for one stream.
   *
   * @param framing - finds the end of each frame; every protocol is a framing
   * @param options - a policy for bytes that are not a frame
   */
  new (framing: Framing, options?: InvalidOptions): Splitter;
  readonly prototype: Splitter;
}

/** The class of {@link Splitter}. Its protected members are for the subclasses in this folder. */
export class StreamSplitter implements Splitter {
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;

  protected framing: Framing;
  /** End of the bytes that `bytes` holds. */
  protected limit = 0;
  /** Stream offset of `bytes[0]`. */
  protected origin = 0;

  /** Length of the frame that begins at `end`, if it is known but the frame is incomplete; else 0. */
  protected whole = 0;
  /**
   * Number of bytes of the frame that begins at `end` that must be here before it is complete, or is
   * measured again. 0 if nothing is known about it, Infinity after an error.
   */
  protected wanted = 0;
  /** State of the framing for that frame. */
  protected readonly scan: OwnScan = newScan();

  /** Chunks that are not read yet: from `head` on, the first one without its first `taken` bytes. */
  protected readonly queue: Uint8Array[] = [];
  protected head = 0;
  protected taken = 0;
  /** Number of bytes in the queue. */
  protected queued = 0;

  protected slab: Uint8Array = NOTHING;
  /** End of the written part of the slab. */
  protected used = 0;
  protected slabSize: number = SMALLEST_SLAB;

  /** True if the last `next` returned false, and nothing has changed since. */
  protected drained = false;
  protected finished = false;
  protected error: ProtocolError | undefined;

  constructor(framing: Framing, options: InvalidOptions = {}) {
    checkOptions("Splitter", options, ["onInvalid", "skipped"]);
    this.framing = framing;
    const { onInvalid } = options;
    if (onInvalid !== undefined) {
      // biome-ignore lint/correctness/noConstructorReturn: a policy has its own splitter, which can skip
      return onInvalid.splitter(framing, options) as this;
    }
  }

  get offset(): number {
    return this.origin + this.start;
  }

  get pending(): number {
    return this.limit - this.end + this.queued;
  }

  push(chunk: Uint8Array): void {
    if (this.error !== undefined) throw this.error;
    if (this.finished) throw new ProtocolError("closed", "push() after finish()", this.offset);
    if (!isBytes(chunk)) throw new TypeError("a chunk must be a Uint8Array");
    const { length } = chunk;
    if (length === 0) return;
    if (this.queued === 0 && this.start === this.limit) {
      // The common case: nothing waits and no frame is shown, so the chunk is read in place.
      this.release();
      this.bytes = plain(chunk);
      this.limit = length;
    } else if (!this.drip(chunk)) {
      this.queue.push(chunk);
      this.queued += length;
    }
    this.drained = false;
  }

  /** The fast path for a chunk that continues a frame in the slab, and does not reach beyond that frame. */
  private drip(chunk: Uint8Array): boolean {
    const limit = this.limit + chunk.length;
    const isWaiting = this.drained && this.bytes === this.slab && limit <= this.slab.length;
    if (!isWaiting || limit > this.start + this.wanted) return false;
    copy(chunk, 0, chunk.length, this.slab, this.limit);
    this.limit = limit;
    this.used = limit;
    return true;
  }

  next(): boolean {
    const start = this.end;
    // Almost every frame lies entirely in its chunk: then only the cursor moves.
    if (this.wanted === 0 && start < this.limit) {
      this.start = start;
      // The same as `measure`, inlined.
      const { framing, limit, scan } = this;
      const { maxFrame } = framing;
      const shown = limit - start > maxFrame ? start + maxFrame : limit;
      let length = 0;
      try {
        length = framing.measure(this.bytes, start, shown, scan);
      } catch (error) {
        this.thrown(error, shown);
      }
      // `| 0` is the fastest test for an integer; the slow path returns the same for frames above 2 GiB.
      if (length > 0 && length <= shown - start && (length | 0) === length) {
        resetScan(scan);
        this.end = start + length;
        return true;
      }
      this.note(this.check(length, shown));
    }
    return this.seek();
  }

  /** The slow path: a frame that is not known to lie entirely in its chunk. */
  private seek(): boolean {
    if (this.error !== undefined) throw this.error;
    this.start = this.end;
    // Bytes that arrive in small pieces: one comparison, or one call of `measure`.
    if (this.bytes === this.slab && this.queued === 0 && !this.finished) {
      const have = this.limit - this.start;
      if (have > 0 && have >= this.wanted && this.whole === 0) this.measure();
      if (this.limit - this.start < this.wanted) {
        this.drained = true;
        return false;
      }
    }
    if (this.findLast()) {
      this.pass(this.whole);
      this.forget();
      return true;
    }
    this.drained = true;
    return false;
  }

  finish(): void {
    if (this.error !== undefined) throw this.error;
    this.finished = true;
    // The framing may accept the rest as a frame, now that nothing follows.
    if (this.drained) this.findLast();
  }

  accept(): void {}

  reject(error: unknown): void {
    if (this.error !== undefined) throw this.error;
    const known = asProtocolError(error, "malformed", "decode failed", this.start);
    this.fail(rebased(known, this.origin));
  }

  rest(): Uint8Array {
    const { pending } = this;
    let at = this.limit - this.end;
    // Never a view of NOTHING: it is shared, and the program may have transferred its memory.
    let rest = (at > 0 ? this.bytes : new Uint8Array(0)).subarray(this.end, this.limit);
    if (this.queued > 0 || at === 0) {
      const all = new Uint8Array(pending);
      all.set(rest);
      while (at < pending) {
        const part = this.first().subarray(this.taken);
        all.set(part, at);
        at += part.length;
        this.take(part.length);
      }
      rest = all;
    }
    this.dropTaken();
    this.limit = this.end + pending;
    this.end = this.limit;
    this.release();
    this.forget();
    return rest;
  }

  use(framing: Framing): void {
    this.framing = framing;
    this.forget();
    this.drained = false;
  }

  /** Drops all that is known about the next frame. */
  protected forget(): void {
    this.whole = 0;
    this.wanted = this.error === undefined ? 0 : Infinity;
    resetScan(this.scan);
  }

  private measure(): void {
    const { framing, start, limit, scan } = this;
    const shown = shownEnd(framing, start, limit);
    const length = this.ask(shown);
    const { at } = scan;
    // More bytes are needed: the common case.
    if (length === 0 && at <= framing.maxFrame && shown - start < framing.maxFrame) {
      this.wanted = Math.max(limit - start + 1, at);
    } else {
      this.note(this.check(length, shown));
    }
  }

  private ask(shown: number): number {
    try {
      return this.framing.measure(this.bytes, this.start, shown, this.scan);
    } catch (error) {
      return this.thrown(error, shown);
    }
  }

  /** Fails with the error that `measure` threw. */
  private thrown(error: unknown, shown: number): never {
    // A misuse by the program stays as it is.
    if (isMisuse(error)) return this.fail(error as never);
    const known = asProtocolError(error, "malformed", "measure failed", this.start);
    return this.failed(known, shown, 0);
  }

  private check(length: number, shown: number): number {
    try {
      return checkLength(length, this.framing, this.start, shown, this.scan);
    } catch (error) {
      return this.failed(error, shown, length);
    }
  }

  /** Fails because no frame can begin with these bytes. */
  private failed(error: unknown, shown: number, length: number): never {
    return this.fail(rebased(this.explained(error as ProtocolError, shown, length), this.origin));
  }

  /** The same error, perhaps with a hint added. */
  protected explained(error: ProtocolError, shown: number, length: number): ProtocolError {
    const { framing, bytes, start } = this;
    return framing.hint?.(error, framing, bytes, start, shown, length) ?? error;
  }

  /** Stores a result of `measure` that is not a complete frame. */
  private note(length: number): void {
    if (length === 0) {
      this.wanted = Math.max(this.limit - this.start + 1, this.scan.at);
      return;
    }
    this.forget();
    if (length > 0) {
      this.whole = length;
      this.wanted = length;
    } else {
      this.pass(-length);
      this.start = this.end;
    }
  }

  /**
   * Looks for a frame. At the end of the stream, bytes that are left over are an error unless they can be
   * skipped.
   */
  protected findLast(): boolean {
    while (!this.find()) {
      const left = this.pending;
      if (!this.finished || left === 0) return false;
      this.leftOver(truncated(left, this.whole, this.start));
    }
    return true;
  }

  /**
   * Called if the rest of the stream is not a frame: the stream fails. A policy skips some of the rest
   * instead.
   */
  protected leftOver(error: ProtocolError): void {
    this.fail(rebased(error, this.origin));
  }

  /**
   * Looks for a frame that is not known to be complete in `bytes`: goes on to further chunks as needed.
   *
   * @returns true if it is complete; `whole` is its length
   */
  private find(): boolean {
    const { scan } = this;
    for (;;) {
      const have = this.limit - this.start;
      if (have > 0 && have >= this.wanted) {
        if (this.whole > 0) return true;
        this.measure();
      } else if (this.queued > 0) {
        if (have === 0) this.begin();
        else this.append();
      } else if (this.finished && this.whole === 0 && have > 0 && !scan.ended) {
        scan.ended = true;
        this.measure();
      } else {
        break;
      }
    }
    const left = this.limit - this.start;
    if (left === 0) this.release();
    else this.dropTaken();
    if (left > 0 && this.bytes !== this.slab && this.pinsChunk(left)) this.makeRoom(left, 0);
    return false;
  }

  /** True if a few bytes that wait for the rest of their frame would keep a large chunk alive. */
  protected pinsChunk(left: number): boolean {
    const { length } = this.bytes;
    return length > SMALL_CHUNK && 4 * left < length;
  }

  /** Moves past `length` available bytes: a frame, or bytes without one. */
  protected pass(length: number): void {
    this.end = this.start + length;
    const extra = this.limit - this.end;
    // A step has copied too much: the rest of the chunk is read in the chunk itself, otherwise every later
    // frame in it would be copied too.
    if (extra > 0 && this.bytes === this.slab) {
      const back = Math.min(extra, this.taken);
      this.limit -= back;
      this.taken -= back;
      this.queued += back;
    }
  }

  protected fail(error: ProtocolError): never {
    this.error = error;
    this.wanted = Infinity;
    throw error;
  }

  /** Reads the next chunk in place. */
  private begin(): void {
    const chunk = this.first();
    const at = this.taken;
    this.release();
    this.origin -= at;
    this.bytes = plain(chunk);
    this.start = at;
    this.end = at;
    this.limit = chunk.length;
    this.take(chunk.length - at);
    this.dropTaken();
  }

  /**
   * Releases memory that was read: an idle stream keeps no chunk alive, and no slab of a very large frame.
   */
  protected release(): void {
    this.origin += this.end;
    this.bytes = NOTHING;
    this.start = 0;
    this.end = 0;
    this.limit = 0;
    if (this.slab.length > LARGEST_SLAB) {
      this.slab = NOTHING;
      this.used = 0;
    }
  }

  /** Copies bytes of the next chunk to a frame that began before it. */
  private append(): void {
    const chunk = this.first();
    const have = this.limit - this.start;
    const wanted = this.whole > 0 ? this.whole - have : this.step(have);
    const count = Math.min(wanted, chunk.length - this.taken);
    this.makeRoom(have, count);
    const from = this.taken;
    // A small chunk is copied whole; what is beyond the frame is overwritten later.
    const { length } = chunk;
    const isFirst = from === 0 && this.whole > 0;
    const isWhole = isFirst && length <= SET_WHOLE && this.limit + length <= this.slab.length;
    copy(chunk, from, isWhole ? length : from + count, this.slab, this.limit);
    this.limit += count;
    this.used = this.limit;
    this.take(count);
  }

  /** Number of further bytes to show of a frame of unknown length. */
  private step(have: number): number {
    const { at } = this.scan;
    const step = at > have ? at - have : Math.max(STEP, have);
    return Math.min(step, this.framing.maxFrame - have);
  }

  /**
   * Makes sure that the `have` bytes of the frame are in the slab, with room for `count` more after them.
   */
  private makeRoom(have: number, count: number): void {
    const inSlab = this.bytes === this.slab;
    if (inSlab && this.limit + count <= this.slab.length) return;
    // Reserve the whole frame once half of it has arrived, or if it is small; never because a header
    // announces it.
    const { whole } = this;
    const isDue = whole > 0 && whole <= Math.max(2 * (have + this.queued), this.slabSize);
    const room = isDue ? whole : have + count;
    let { slab, used: at } = this;
    if (inSlab || at + room > slab.length) {
      slab = new Uint8Array(Math.max(isDue ? room : 2 * room, this.slabSize));
      this.slabSize = Math.min(2 * this.slabSize, LARGEST_SLAB);
      at = 0;
    }
    copy(this.bytes, this.start, this.limit, slab, at);
    if (inSlab) poison(this.bytes, this.start, this.limit);
    this.origin += this.start - at;
    this.slab = slab;
    this.bytes = slab;
    this.start = at;
    this.end = at;
    this.limit = at + have;
  }

  /** Returns the chunk that contains the next bytes. */
  private first(): Uint8Array {
    this.dropTaken();
    return this.queue[this.head]!;
  }

  private take(count: number): void {
    this.taken += count;
    this.queued -= count;
  }

  /** Drops the first chunk if all of it was taken. */
  protected dropTaken(): void {
    const { queue } = this;
    if (this.taken < (queue[this.head]?.length ?? 1)) return;
    this.taken = 0;
    this.head++;
    if (this.head === queue.length) {
      queue.length = 0;
      this.head = 0;
    } else if (this.head >= 32 && 2 * this.head >= queue.length) {
      // Half of it is consumed: moving the rest to the front costs no more than the pushes did.
      queue.splice(0, this.head);
      this.head = 0;
    }
  }
}

export const Splitter = StreamSplitter as SplitterConstructor;
