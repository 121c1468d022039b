import { asProtocolError, ProtocolError, rebased } from "./errors.ts";
import { askLength, checkLength, shownEnd, truncated } from "./frames.ts";
import { withHint } from "./hints.ts";
import type { InvalidOptions, Skipped, TolerantFraming } from "./invalid.ts";
import { CHUNK_COST, compact, copy, isBytes, NOTHING, pinsMuch, plain, poison } from "./memory.ts";
import { checkOptions } from "./options.ts";
import type { Framing, Hint } from "./protocol.ts";
import { newScan, type OwnScan, resetScan } from "./scan.ts";

/*
 * Goal: O(bytes + chunks) work for every framing and any cuts, no allocation for a frame that lies whole in
 * its chunk, one gathering for a frame that does not, and memory that grows only with bytes that arrived.
 *
 *   #origin (stream offset of bytes[0])
 *   |          start      end             #limit
 *   |  read    | current   |  unread       |        #queue: chunks not begun
 *   +----------+-----------+---------------+        +--------+ +-----+
 *   bytes: a chunk, or the slab
 *
 * Plan. `next` measures at `end`. While the frame is not whole and a further chunk waits, its bytes so far move
 * to the end of a slab, and bytes of that chunk follow: exactly what is missing once the length is known, growing
 * steps while it is not (so that a header costs a few bytes, and a long line stays linear). What is left of
 * the chunk is then read in place. The slab is only ever appended to: frames handed out stay as they are,
 * and one slab serves many drips.
 *
 * States: reading -> (finish) finished -> (bytes left over) failed; reading -> (bad frame) failed. Failed is final.
 *
 * A policy for bad input is a framing around the framing: in place of an error it answers -n, and bytes that are skipped
 * are passed over where they lie. It is told of every frame that was found whether it was good.
 */

// First step of a chunk that is shown to a framing which cannot tell the length yet; each further one doubles.
const STEP = 16;

// Slabs start small, for the many connections that drip once, and grow with use.
const SMALLEST_SLAB = 256;
const LARGEST_SLAB = 16 * 1024;

// Chunks below TINY bytes that wait are gathered in pieces of TAIL bytes.
const TINY = 512;
const TAIL = 4096;

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
  /** The memory of the current frame. It is never reused, so views into it never change under you. */
  readonly bytes: Uint8Array;
  /** Index in `bytes` of the current frame's first byte. */
  readonly start: number;
  /** Index in `bytes` after the current frame. Equal to `start` if there is none. */
  readonly end: number;

  /** Position in the stream of the current frame's first byte; without a frame, of the next unread byte. */
  readonly offset: number;

  /** Number of unread bytes after the current frame. */
  readonly pending: number;

  /**
   * Takes the next bytes of the stream. The splitter owns them from now on: if you go on writing into the chunk, you
   * write into frames that were handed out.
   *
   * @throws ProtocolError the error that ended the stream; `closed` after `finish`
   */
  push(chunk: Uint8Array): void;

  /**
   * Moves on to the next frame. Returns false if no whole frame is here: push more and call it again.
   *
   * @throws ProtocolError if no frame can start like this, and the same error ever after; `truncated` if the stream is
   *   finished and bytes are left over
   */
  next(): boolean;

  /**
   * Says that no more bytes follow. Whole frames that were not read yet stay readable.
   *
   * @throws ProtocolError `truncated` if all whole frames are read and bytes are left over. If some are still to be
   *   read, `next` throws it after the last one.
   */
  finish(): void;

  /**
   * Hands over all unread bytes, for an upgrade to something that is framed differently. The current frame is left;
   * the splitter is empty and counts on after these bytes.
   */
  rest(): Uint8Array;

  /** Changes the framing, from the next frame on. */
  use(framing: Framing): void;

  /**
   * Says that the current frame is good, such as when it was decoded: what was skipped before it is reported. The next
   * call of `next` says so, too.
   */
  accept(): void;

  /**
   * Gives the current frame back to the policy `onInvalid`, which skips it; or the incomplete one that waits for
   * further bytes, if there is no current frame.
   *
   * @param error - what `decode` threw, its offset an index in `bytes`; or why the frame is not waited for any longer
   * @throws ProtocolError `error` without a policy, or if the policy does not skip it, and the same error ever after
   */
  reject(error: unknown): void;
}

/** The constructor of {@link Splitter}. */
export interface SplitterConstructor {
  /**
   * Makes a splitter for one stream.
   *
   * @param framing - finds the end of each frame; every protocol is a framing
   * @param options - what happens to bytes that are not a frame
   */
  new (framing: Framing, options?: InvalidOptions): Splitter;
  readonly prototype: Splitter;
}

// The inner name is what consoles print; nothing inside refers to it.
export const Splitter: SplitterConstructor = class Splitter {
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;

  #framing: Framing;
  readonly #options: InvalidOptions;
  readonly #hint: Hint | undefined;
  /** The policy at work; it is #framing then. */
  #policy: TolerantFraming | undefined;
  /** Skipped input that is not reported yet; undefined while the policy is not at work. */
  #skipped: Skipped[] | undefined;
  /** End of the bytes that `bytes` holds. */
  #limit = 0;
  /** Stream offset of `bytes[0]`. */
  #origin = 0;

  /** Length of the frame that begins at `end`, if it is known but not all of it is here; else 0. */
  #length = 0;
  /** How many bytes of the frame that begins at `end` were measured in vain. */
  #shown = 0;
  /** What the framing remembers of that frame. */
  readonly #scan: OwnScan = newScan();

  /** Chunks that are not read in place: from #head on, the first one without its #taken bytes. */
  readonly #queue: Uint8Array[] = [];
  #head = 0;
  #taken = 0;
  /** Bytes in the queue. */
  #queued = 0;

  /** Where tiny chunks that wait are gathered; only ever appended to. */
  #tail: Uint8Array | undefined;
  #tailUsed = 0;

  #slab: Uint8Array = NOTHING;
  /** End of the part of the slab that was written. */
  #used = 0;
  #slabSize = SMALLEST_SLAB;

  /** The last `next` answered false, and nothing has changed since. */
  #drained = false;
  #finished = false;
  #error: ProtocolError | undefined;
  /** There is an error or a policy: one look for both where it is looked for every frame. */
  #isSpecial = false;

  constructor(framing: Framing, options: InvalidOptions = {}, hint?: Hint) {
    this.#hint = hint;
    checkOptions("Splitter", options, ["onInvalid", "skipped"]);
    this.#options = options;
    this.#framing = framing;
    this.#open(framing);
  }

  /** Puts the policy in front of the framing. */
  #open(framing: Framing): void {
    const policy = this.#options.onInvalid?.open(framing, {
      offset: (at) => this.#origin + at,
      skipped: (skipped) => this.#skipped?.push(skipped),
    });
    this.#policy = policy;
    this.#isSpecial = policy !== undefined || this.#error !== undefined;
    this.#framing = policy ?? framing;
  }

  get offset(): number {
    return this.#origin + this.start;
  }

  get pending(): number {
    return this.#limit - this.end + this.#queued;
  }

  /** True if `bytes` is a chunk as it was pushed, which nobody writes into. */
  get isInPlace(): boolean {
    return this.bytes !== this.#slab;
  }

  /** What the unread bytes cost in memory. */
  get held(): number {
    return this.pending + CHUNK_COST * (this.#queue.length - this.#head);
  }

  /** Memory of the slab beside the unread bytes in it. */
  get spare(): number {
    const used = this.bytes === this.#slab ? this.#limit - this.end : 0;
    return this.#slab.length - used;
  }

  push(chunk: Uint8Array): void {
    if (this.#error !== undefined) throw this.#error;
    if (this.#finished) throw new ProtocolError("closed", "push() after finish()", this.offset);
    if (!isBytes(chunk)) throw new TypeError("a chunk must be a Uint8Array");
    const { length } = chunk;
    if (length === 0) return;
    if (this.#queued === 0 && this.start === this.#limit && !this.#isSpecial) {
      // Nothing waits and no frame is shown, as mostly: it is read in place.
      this.#release();
      this.bytes = plain(chunk);
      this.#limit = length;
    } else if (!this.#drip(chunk)) {
      this.#queue.push(chunk);
      this.#queued += length;
    }
    this.#drained = false;
  }

  /** Takes the next bytes, which will wait: tiny chunks are gathered, and none keeps far more memory alive. */
  keep(chunk: Uint8Array): void {
    const { length } = chunk;
    if (length >= TINY || this.#queue.length === this.#head || !isBytes(chunk)) {
      this.push(isBytes(chunk) ? compact(chunk) : chunk);
      return;
    }
    const last = this.#queue.length - 1;
    if (this.#tail?.buffer === this.#queue[last]!.buffer && this.#tailUsed + length <= TAIL) {
      copy(chunk, 0, length, this.#tail, this.#tailUsed);
      this.#tailUsed += length;
      this.#queue[last] = this.#tail.subarray(0, this.#tailUsed);
      this.#queued += length;
      return;
    }
    this.#tail = new Uint8Array(TAIL);
    this.#tailUsed = length;
    copy(chunk, 0, length, this.#tail, 0);
    this.push(this.#tail.subarray(0, length));
  }

  /** Drops all unread bytes. */
  clear(): void {
    this.#queue.length = 0;
    this.#head = 0;
    this.#taken = 0;
    this.#queued = 0;
    this.#tail = undefined;
    this.#slab = NOTHING;
    this.#used = 0;
    this.end = this.#limit;
    this.#release();
    this.#forget();
  }

  /**
   * Lets go of a chunk that is read, and copies unread bytes out of one that they alone would keep alive. The current
   * frame is left.
   */
  compact(): void {
    const have = this.#limit - this.end;
    if (have === 0) {
      if (this.bytes !== NOTHING) this.#release();
      return;
    }
    if (this.bytes === this.#slab || !pinsMuch(have, this.bytes)) return;
    const own = new Uint8Array(have);
    copy(this.bytes, this.end, this.#limit, own, 0);
    this.#origin += this.end;
    this.bytes = own;
    this.start = 0;
    this.end = 0;
    this.#limit = have;
  }

  /** The short way of a chunk that a frame in the slab waits for, and that does not reach beyond it. */
  #drip(chunk: Uint8Array): boolean {
    const limit = this.#limit + chunk.length;
    const isWaiting = this.#drained && this.bytes === this.#slab && limit <= this.#slab.length;
    // Of a frame whose length is unknown only the next byte is sure to be part.
    if (!isWaiting || (chunk.length > 1 && limit > this.start + this.#length)) return false;
    copy(chunk, 0, chunk.length, this.#slab, this.#limit);
    this.#limit = limit;
    this.#used = limit;
    return true;
  }

  next(): boolean {
    if (this.#isSpecial) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#policy !== undefined && this.#skipped === undefined) return this.#nextTolerantly();
    }
    const start = this.end;
    this.start = start;
    // A frame that lies whole in its chunk, as nearly every one does: nothing but the cursor moves.
    if (this.#shown === 0 && this.#length === 0 && start < this.#limit) {
      const shown = shownEnd(this.#framing, start, this.#limit);
      const length = this.#ask(shown);
      if (length > 0 && length <= shown - start && Number.isInteger(length)) {
        resetScan(this.#scan);
        this.end = start + length;
        return true;
      }
      this.#note(this.#check(length, shown));
    }
    if (this.#findLast()) {
      this.#pass(this.#length);
      this.#length = 0;
      return true;
    }
    this.#drained = true;
    return false;
  }

  // Apart from next, which would have to keep a place for the closure's variables.
  #nextTolerantly(): boolean {
    return this.#tolerantly(() => {
      this.accept();
      return this.next();
    });
  }

  finish(): void {
    if (this.#error !== undefined) throw this.#error;
    this.#finished = true;
    // The framing may call the rest a frame, now that nothing follows.
    if (this.#drained) this.#tolerantly(() => this.#findLast());
  }

  accept(): void {
    const policy = this.#policy;
    if (policy !== undefined && this.end > this.start) this.#tolerantly(() => policy.accept());
  }

  reject(error: unknown): void {
    if (this.#error !== undefined) throw this.#error;
    this.#tolerantly(() => {
      const { start, end } = this;
      const known = asProtocolError(error, "malformed", "decode failed", start);
      this.#pass(this.#reject(known, end));
      this.#forget();
      this.start = this.end;
      this.#drained = false;
    });
  }

  /** How many bytes the policy passes over in place of this error. */
  #reject(error: ProtocolError, end: number): number {
    try {
      if (this.#policy === undefined || this.start === this.#limit) throw error;
      return this.#policy.reject(error, this.bytes, this.start, end, this.#limit);
    } catch (thrown) {
      return this.#fail(rebased(thrown as ProtocolError, this.#origin));
    }
  }

  /** Runs something that may skip input, and then reports it: a callback that throws does no harm. */
  #tolerantly<T>(run: () => T): T {
    if (this.#policy === undefined || this.#skipped !== undefined) return run();
    const skipped: Skipped[] = [];
    this.#skipped = skipped;
    try {
      return run();
    } finally {
      this.#skipped = undefined;
      for (const one of skipped) this.#options.skipped?.(one);
    }
  }

  rest(): Uint8Array {
    this.#leave();
    const { pending } = this;
    // Never a view of NOTHING, which all share.
    let rest =
      this.#limit > this.end ? this.bytes.subarray(this.end, this.#limit) : new Uint8Array(0);
    if (this.#queued > 0) {
      const all = new Uint8Array(pending);
      all.set(rest);
      for (let at = rest.length; at < pending; ) {
        const part = this.#first().subarray(this.#taken);
        all.set(part, at);
        at += part.length;
        this.#take(part.length);
      }
      rest = all;
    }
    this.#dropTaken();
    this.#limit = this.end + pending;
    this.end = this.#limit;
    this.#release();
    this.#forget();
    return rest;
  }

  use(framing: Framing): void {
    this.#leave();
    this.#open(framing);
    this.#forget();
    this.#drained = false;
  }

  /** Nothing is known of the next frame. */
  #forget(): void {
    this.#length = 0;
    this.#shown = 0;
    resetScan(this.#scan);
  }

  #measure(): number {
    const shown = shownEnd(this.#framing, this.start, this.#limit);
    return this.#check(this.#ask(shown), shown);
  }

  #ask(shown: number): number {
    try {
      return askLength(this.#framing, this.bytes, this.start, shown, this.#scan);
    } catch (error) {
      return this.#failed(error, shown, 0);
    }
  }

  #check(length: number, shown: number): number {
    try {
      return checkLength(length, this.#framing, this.start, shown, this.#scan);
    } catch (error) {
      return this.#failed(error, shown, length);
    }
  }

  /** No frame can begin with these bytes. What a policy throws says more already. */
  #failed(thrown: unknown, shown: number, length: number): never {
    const framing = this.#framing;
    const hint = this.#policy ? undefined : (this.#hint ?? framing.hint);
    const error = thrown as ProtocolError;
    const told = hint?.(error, framing, this.bytes, this.start, shown, length) ?? error;
    return this.#fail(rebased(told, this.#origin));
  }

  /** An answer of the framing that is no whole frame. */
  #note(length: number): void {
    if (length === 0) {
      this.#shown = this.#limit - this.start;
      return;
    }
    this.#forget();
    if (length > 0) {
      this.#length = length;
    } else {
      this.#pass(-length);
      this.start = this.end;
    }
  }

  /** The policy is told that its stream ends here, or goes on elsewhere. */
  #leave(): void {
    this.accept();
    this.#tolerantly(() => this.#policy?.finish());
  }

  /** Looks for a frame; once nothing follows, bytes that are left over are the policy's, or an error. */
  #findLast(): boolean {
    while (!this.#find()) {
      if (!this.#finished) return false;
      const left = this.pending;
      if (left === 0) {
        this.#policy?.finish();
        return false;
      }
      const error = truncated(left, this.#length, this.start);
      this.#pass(this.#reject(error, this.start));
      this.#forget();
      this.start = this.end;
    }
    return true;
  }

  /**
   * Looks for a frame that is not whole in `bytes`, as far as is known: goes on to the next chunk, as often as it takes.
   *
   * @returns true if it is whole; `#length` is its length
   */
  #find(): boolean {
    const scan = this.#scan;
    for (;;) {
      const have = this.#limit - this.start;
      if (this.#length > 0) {
        if (this.#length <= have) return true;
      } else if (have > this.#shown && have >= scan.at) {
        this.#note(this.#measure());
        continue;
      }
      if (this.#queued > 0) {
        if (have === 0) this.#begin();
        else this.#append();
      } else if (this.#finished && this.#length === 0 && have > 0 && !scan.ended) {
        scan.ended = true;
        this.#note(this.#measure());
      } else {
        break;
      }
    }
    const left = this.#limit - this.start;
    if (left === 0) this.#release();
    else this.#dropTaken();
    // A few bytes that wait for the rest of their frame must not keep a whole chunk alive.
    if (left > 0 && this.bytes !== this.#slab && pinsMuch(left, this.bytes)) {
      this.#makeRoom(left, 0);
    }
    return false;
  }

  /** Moves over `length` bytes that are here: a frame, or bytes that hold none. */
  #pass(length: number): void {
    this.end = this.start + length;
    const extra = this.#limit - this.end;
    // A step showed more than that: what the chunk still has is read in the chunk itself, else every frame after it
    // would be copied too.
    if (extra > 0 && this.bytes === this.#slab) {
      const back = Math.min(extra, this.#taken);
      this.#limit -= back;
      this.#taken -= back;
      this.#queued += back;
    }
  }

  #fail(error: ProtocolError): never {
    this.#error = error;
    this.#isSpecial = true;
    throw error;
  }

  /** Reads the next chunk in place. */
  #begin(): void {
    const chunk = this.#first();
    const at = this.#taken;
    this.#release();
    this.#origin -= at;
    this.bytes = plain(chunk);
    this.start = at;
    this.end = at;
    this.#limit = chunk.length;
    this.#take(chunk.length - at);
    this.#dropTaken();
  }

  /** Lets go of read memory: an idle stream keeps no chunk alive, nor a slab that a giant frame needed. */
  #release(): void {
    this.#origin += this.end;
    this.bytes = NOTHING;
    this.start = 0;
    this.end = 0;
    this.#limit = 0;
    if (this.#slab.length > LARGEST_SLAB) {
      this.#slab = NOTHING;
      this.#used = 0;
    }
  }

  /** Adds bytes of the next chunk to a frame that began before it. */
  #append(): void {
    const chunk = this.#first();
    const have = this.#limit - this.start;
    const wanted = this.#length > 0 ? this.#length - have : this.#step(have);
    const count = Math.min(wanted, chunk.length - this.#taken);
    this.#makeRoom(have, count);
    copy(chunk, this.#taken, this.#taken + count, this.#slab, this.#limit);
    this.#limit += count;
    this.#used = this.#limit;
    this.#take(count);
  }

  /** How many more bytes to show of a frame whose length is not known. */
  #step(have: number): number {
    const { at } = this.#scan;
    const step = at > have ? at - have : Math.max(STEP, have);
    return Math.min(step, this.#framing.maxFrame - have);
  }

  /** Makes sure that the `have` bytes of the frame are in the slab, with room for `count` more behind them. */
  #makeRoom(have: number, count: number): void {
    const inSlab = this.bytes === this.#slab;
    if (inSlab && this.#limit + count <= this.#slab.length) return;
    // Room for the whole frame once half of it has arrived, or where it is small; never for what a
    // header merely promises.
    const whole = this.#length;
    const isDue = whole > 0 && whole <= Math.max(2 * (have + this.#queued), this.#slabSize);
    const room = isDue ? whole : have + count;
    let slab = this.#slab;
    let at = this.#used;
    if (inSlab || at + room > slab.length) {
      slab = new Uint8Array(Math.max(isDue ? room : 2 * room, this.#slabSize));
      this.#slabSize = Math.min(2 * this.#slabSize, LARGEST_SLAB);
      at = 0;
    }
    copy(this.bytes, this.start, this.#limit, slab, at);
    if (inSlab) poison(this.bytes, this.start, this.#limit);
    this.#origin += this.start - at;
    this.#slab = slab;
    this.bytes = slab;
    this.start = at;
    this.end = at;
    this.#limit = at + have;
  }

  /** The chunk that the next bytes come from. */
  #first(): Uint8Array {
    this.#dropTaken();
    return this.#queue[this.#head]!;
  }

  #take(count: number): void {
    this.#taken += count;
    this.#queued -= count;
  }

  /** Drops the first chunk if all of it was taken. */
  #dropTaken(): void {
    const queue = this.#queue;
    if (this.#taken < (queue[this.#head]?.length ?? 1)) return;
    this.#taken = 0;
    this.#head++;
    if (this.#head === queue.length) {
      queue.length = 0;
      this.#head = 0;
    } else if (this.#head >= 32 && 2 * this.#head >= queue.length) {
      // Half empty: moving the rest up costs no more than its pushes did.
      queue.splice(0, this.#head);
      this.#head = 0;
    }
  }
};

/** A splitter of this package, which can tell what its unread bytes cost. */
export interface OwnSplitter extends Splitter {
  readonly held: number;
  readonly spare: number;
  readonly isInPlace: boolean;
  keep(chunk: Uint8Array): void;
  compact(): void;
  clear(): void;
}

/** Makes a splitter whose cost is counted, and whose errors say more whatever the framing. */
export function newSplitter(framing: Framing, options?: InvalidOptions): OwnSplitter {
  return new (Splitter as unknown as OwnConstructor)(framing, options, withHint);
}

type OwnConstructor = new (
  framing: Framing,
  options: InvalidOptions | undefined,
  hint: Hint,
) => OwnSplitter;
