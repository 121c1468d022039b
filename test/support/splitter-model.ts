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
    const length = this.#measure();
    if (typeof length !== "number") return this.#fail(length);
    if (length > 0 && length <= this.pending) {
      this.end = this.start + length;
      return true;
    }
    this.#drained = true;
    return (this.#finished && this.#truncated()) || false;
  }

  finish(): Failure | undefined {
    if (this.failure !== undefined) return this.failure;
    this.#finished = true;
    return this.#drained ? this.#truncated() : undefined;
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

  #measure(): number | Failure {
    if (this.pending === 0) return 0;
    let length = 0;
    const failure = failureOf(() => {
      length = measureFrame(this.#framing, this.stream, this.end, this.stream.length, newScan());
    });
    return failure ?? length;
  }

  #truncated(): Failure | undefined {
    if (this.pending === 0) return undefined;
    const length = this.#measure();
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
