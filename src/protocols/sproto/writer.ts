import { ProtocolError } from "../../core/index.ts";

// Messages share a slab until less than ROOM of it is left.
const SLAB = 16 * 1024;
const ROOM = 1024;
const KEPT = 64 * 1024;

/**
 * Where the engines write: memory with its end, bare, because generated code stores bytes one by one. The
 * slab is only ever appended to, so what `take` gave away stays as it is. (`Output`, whose writers check
 * each value, costs about twice as much here.)
 *
 * Whoever writes first sees to it, with `need`, that there is room behind `at`; positions stay the same when
 * the slab is replaced.
 */
export class Writer {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** Where the next byte goes. */
  at = 0;
  /** Where the message began. */
  start = 0;
  /** Limits of the schema that writes. */
  maxDepth = 0;
  maxSize = 0;
  /** Values of fields that wait for their data to be written: the interpreter's. */
  readonly stack: unknown[] = [];
  /** Where the stack's next value goes. */
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
    // Doubling keeps appending linear; what was taken stays behind in the old slab.
    this.bytes = new Uint8Array(Math.max(SLAB, 2 * bytes.length, at + count));
    this.bytes.set(bytes.subarray(start, at), start);
    this.view = new DataView(this.bytes.buffer);
  }

  /** @throws ProtocolError `unencodable` when the message is larger than allowed */
  checkSize(): void {
    // The message itself begins behind its length.
    const size = this.at - this.start - 4;
    if (size > this.maxSize) {
      const text = `message of ${size} bytes exceeds maxSize ${this.maxSize}`;
      throw new ProtocolError("unencodable", text);
    }
  }

  /** Gives away what was written from `from` on. */
  take(from: number): Uint8Array<ArrayBuffer> {
    const { bytes, at } = this;
    this.keep();
    return new Uint8Array(bytes.buffer, from, at - from);
  }

  /** Lets what was written stay as it is, and lets go of memory that a giant message needed. */
  keep(): void {
    if (this.bytes.length <= KEPT) return;
    this.bytes = new Uint8Array(0);
    this.at = 0;
  }

  /** Forgets the message. */
  rewind(): void {
    this.at = this.start;
    this.stack.length = 0;
    this.top = 0;
    this.keep();
  }
}

// One writer serves all; a message that is written while another is (from a getter of its value) gets its own.
let idle: Writer | undefined = new Writer();

/** Lends a writer to `write`; when that throws, nothing of it stays. */
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

/** Fills in the u32 length at `at`, of what was written behind it. */
export function size(w: Writer, at: number): void {
  w.view.setUint32(at, w.at - at - 4, true);
}
