import { measureFrame } from "../../src/core/frames.ts";
import { newScan } from "../../src/core/index.ts";
import { type Framing, ProtocolError } from "../../src/index.ts";
import { concat, type Failure, failureOf } from "./chunks.ts";

/**
 * What a Splitter has to do, in the simplest and slowest way: all bytes that ever came are glued together, and
 * each question is answered from the beginning of the frame.
 */
export class SplitterModel {
  /** The whole stream so far. */
  stream: Uint8Array = new Uint8Array(0);
  /** The current frame, as offsets in the stream. */
  start = 0;
  end = 0;
  failure: Failure | undefined;
  #framing: Framing;
  #finished = false;
  /** The last next() answered false, and nothing has changed since. */
  #drained = false;

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  get pending(): number {
    return this.stream.length - this.end;
  }

  push(chunk: Uint8Array): Failure | undefined {
    if (this.failure !== undefined) return this.failure;
    if (this.#finished) {
      return { code: "closed", offset: this.start, message: "push() after finish()" };
    }
    this.stream = concat([this.stream, chunk]);
    if (chunk.length > 0) this.#drained = false;
    return undefined;
  }

  /** True and false as next() answers; a failure where it throws. */
  next(): boolean | Failure {
    if (this.failure !== undefined) return this.failure;
    this.start = this.end;
    const length = this.#find();
    if (typeof length !== "number") return this.#fail(length);
    if (length > 0 && length <= this.pending) {
      this.end = this.start + length;
      return true;
    }
    this.#drained = true;
    return (this.#finished && this.#truncated(length)) || false;
  }

  finish(): Failure | undefined {
    if (this.failure !== undefined) return this.failure;
    this.#finished = true;
    if (!this.#drained) return undefined;
    const length = this.#find();
    if (typeof length !== "number") return this.#fail(length);
    return length > 0 && length <= this.pending ? undefined : this.#truncated(length);
  }

  use(framing: Framing): void {
    this.#framing = framing;
    this.#drained = false;
  }

  rest(): Uint8Array {
    const rest = this.stream.slice(this.end);
    this.end = this.stream.length;
    this.start = this.end;
    return rest;
  }

  /** The length of the next frame, after what the framing skips; 0 if it is not known. */
  #find(): number | Failure {
    for (;;) {
      let length = this.#measure(false);
      if (length === 0 && this.#finished) length = this.#measure(true);
      if (typeof length !== "number" || length >= 0) return length;
      this.end -= length;
      this.start = this.end;
    }
  }

  #measure(ended: boolean): number | Failure {
    if (this.pending === 0) return 0;
    const { stream, end } = this;
    let length = 0;
    const failure = failureOf(() => {
      length = measureFrame(this.#framing, stream, end, stream.length, newScan(ended));
    });
    return failure ?? length;
  }

  #truncated(length: number): Failure | undefined {
    if (this.pending === 0) return undefined;
    const whole = length === 0 ? "unknown length" : `${length} bytes`;
    const message = `input ends after ${this.pending} bytes of a frame of ${whole}`;
    return this.#fail({ code: "truncated", offset: this.start, message });
  }

  #fail(failure: Failure): Failure {
    this.failure = failure;
    return failure;
  }
}

/** Keeps what a splitter gave away, and says whether it is still what it was. */
export class Witness {
  readonly #kept: { readonly given: Uint8Array; readonly was: Uint8Array }[] = [];

  keep(given: Uint8Array): void {
    this.#kept.push({ given, was: given.slice() });
  }

  /** How many of the things kept have changed since. */
  changed(): number {
    const isChanged = (given: Uint8Array, was: Uint8Array): boolean =>
      given.some((byte, i) => byte !== was[i]);
    return this.#kept.filter(({ given, was }) => isChanged(given, was)).length;
  }
}

/** What `run` answers, or the failure that it throws. */
export function outcome<T>(run: () => T): T | Failure {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { code: error.code, offset: error.offset, message: error.message };
  }
}
