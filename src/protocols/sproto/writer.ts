import { ProtocolError } from "../../core/index.ts";

// Messages share a slab until less than ROOM of it is left.
const SLAB = 16 * 1024;
const ROOM = 1024;
const KEPT = 64 * 1024;

/**
 * Memory that the engines write to. Its fields are open, because generated code stores bytes one by
 * one. The slab is only appended to, so results of `take` never change. (`Output`, which checks
 * each value, costs about twice as much here.)
 *
 * Call `need` before writing, to make room after `at`; positions stay the same when the slab is
 * replaced.
 */
export class Writer {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** Position of the next byte. */
  at = 0;
  /** Start of the message. */
  start = 0;
  /** Limits of the current schema. */
  maxDepth = 0;
  maxSize = 0;
  /** Values of fields whose data is not written yet, for the interpreter. */
  readonly stack: unknown[] = [];
  /** Index of the stack's next value. */
  top = 0;

  /** Begins a message. */
  begin(limits: { readonly maxDepth: number; readonly maxSize: number }): void {
    this.maxDepth = limits.maxDepth;
    this.maxSize = limits.maxSize;
    if (this.bytes.length - this.at < ROOM) {
      this.bytes = new Uint8Array(SLAB);
      this.view = new DataView(this.bytes.buffer);
      this.at = 0;
    }
    this.start = this.at;
  }

  /** Makes room for `count` bytes. */
  need(count: number): void {
    const { at, bytes } = this;
    if (at + count > bytes.length) this.#grow(count);
  }

  #grow(count: number): void {
    const { at, start, bytes } = this;
    this.checkSize();
    // Doubling keeps appending linear; taken results stay in the old slab.
    this.bytes = new Uint8Array(Math.max(SLAB, 2 * bytes.length, at + count));
    this.bytes.set(bytes.subarray(start, at), start);
    this.view = new DataView(this.bytes.buffer);
  }

  /**
   * Checks the size of the message.
   *
   * @throws ProtocolError `unencodable` if it is larger than allowed
   */
  checkSize(): void {
    // The message itself begins after its length.
    const size = this.at - this.start - 4;
    if (size > this.maxSize) {
      const text = `message of ${size} bytes exceeds maxSize ${this.maxSize}`;
      throw new ProtocolError("unencodable", text);
    }
  }

  /** Returns what was written from `from` on. */
  take(from: number): Uint8Array<ArrayBuffer> {
    const { bytes, at } = this;
    this.keep();
    return new Uint8Array(bytes.buffer, from, at - from);
  }

  /** Keeps what was written, and releases the memory of a giant message. */
  keep(): void {
    if (this.bytes.length <= KEPT) return;
    this.bytes = new Uint8Array(0);
    this.at = 0;
  }

  /** Drops the message. */
  rewind(): void {
    this.at = this.start;
    this.stack.length = 0;
    this.top = 0;
    this.keep();
  }
}

// One shared writer. A message that is written during another (from a getter of its value) gets its
// own.
let idle: Writer | undefined = new Writer();

/** Lends a writer to `write`; if that throws, what it wrote is dropped. */
export function writing<R>(
  limits: { readonly maxDepth: number; readonly maxSize: number },
  write: (w: Writer) => R,
): R {
  const w = idle ?? new Writer();
  idle = undefined;
  w.begin(limits);
  try {
    return write(w);
  } catch (error) {
    w.rewind();
    throw error;
  } finally {
    idle = w;
  }
}

/** Fills in the u32 length at `at` of the bytes written after it. */
export function size(w: Writer, at: number): void {
  w.view.setUint32(at, w.at - at - 4, true);
}
