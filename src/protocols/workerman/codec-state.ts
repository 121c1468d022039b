import {
  isBytes,
  messageOf,
  newScan,
  type Output,
  ProtocolError,
  type Scan,
} from "../../core/index.ts";
import type { CodecDefinition, InputConnection } from "./define-codec.ts";
import { decodeThrew, malformed } from "./errors.ts";

/**
 * State of a `defineCodec` protocol for one connection: the `connection` argument of its functions,
 * and what must be kept between measuring a frame and decoding it.
 *
 * A frame is the consumed bytes followed by the package. If `input` consumed bytes and returned 0,
 * the frame is only the consumed bytes and holds no value: so they are dropped at once, `input` is
 * called again for the rest, and each turn uses at least a byte.
 */
export class CodecState<In, Out, Context> implements InputConnection<Context> {
  readonly context: Context;
  seen = 0;

  /** Bytes that the last `input` consumed. */
  consumed = 0;
  /** True if the next frame was measured before decoding, as every connection does. */
  isMeasured = false;
  /** True if the last `input` consumed bytes but returned no length. */
  #isSkip = false;
  /** Bytes that the running `input` may still consume; -1 while it is not running. */
  #left = -1;
  /** Number of packages decoded so far. */
  #count = 0;

  readonly #definition: CodecDefinition<In, Out, Context>;

  constructor(definition: CodecDefinition<In, Out, Context>, context: Context) {
    this.#definition = definition;
    this.context = context;
  }

  consume(count: number): void {
    if (this.#left < 0) throw new TypeError("consume() outside of input");
    if (!Number.isInteger(count) || count < 0 || count > this.#left) {
      throw new RangeError(`cannot consume ${count} of ${this.#left} bytes`);
    }
    this.#left -= count;
  }

  measure(bytes: Uint8Array, start: number, end: number, scan: Scan): number {
    this.seen = scan.at;
    this.#left = end - start;
    let length: unknown;
    try {
      length = this.#definition.input(bytes.subarray(start, end), this);
    } catch (error) {
      throw inputThrew(error, start);
    } finally {
      this.consumed = end - start - this.#left;
      this.#left = -1;
    }
    const { consumed } = this;
    this.isMeasured = true;
    this.#isSkip = length === 0 && consumed > 0;
    const total = consumed + checkedLength(length, start + consumed);
    if (total === 0) scan.at = end - start;
    return total;
  }

  decode(bytes: Uint8Array, start: number, end: number): Out {
    const values = this.decodeMany(bytes, start, end);
    if (values.length === 1) return values[0]!;
    throw new ProtocolError("malformed", `${end - start} consumed bytes hold no package`, start);
  }

  decodeMany(bytes: Uint8Array, start: number, end: number): readonly Out[] {
    if (!this.isMeasured) this.measure(bytes, start, end, newScan());
    this.isMeasured = false;
    if (this.#isSkip) return [];
    const from = start + this.consumed;
    const index = this.#count++;
    try {
      return [this.#definition.decode(bytes.subarray(from, end), this)];
    } catch (error) {
      throw decodeThrew(inFrame(error, from), from, `package ${index}`);
    }
  }

  encode(value: In, out: Output): void {
    const written: unknown = this.#definition.encode(value, this);
    if (typeof written === "string") {
      out.utf8(written);
    } else if (isBytes(written)) {
      out.bytes(written);
    } else {
      const text = `encode returned ${shown(written)}, not bytes or text`;
      throw new ProtocolError("unencodable", text);
    }
  }
}

function checkedLength(length: unknown, offset: number): number {
  if (length === false || (typeof length === "number" && Number.isInteger(length) && length < 0)) {
    throw malformed("input-refused", `input returned ${length}`, offset);
  }
  if (typeof length !== "number" || !Number.isSafeInteger(length)) {
    throw malformed("bad-length", `input returned ${shown(length)}, which is not a length`, offset);
  }
  return length;
}

function inputThrew(error: unknown, start: number): ProtocolError {
  const offset = error instanceof ProtocolError ? (error.offset ?? 0) : 0;
  return malformed("input-threw", messageOf(error), start + offset, error);
}

/** Adjusts an offset: the functions of a codec see a package that begins at 0. */
function inFrame(error: unknown, start: number): unknown {
  if (!(error instanceof ProtocolError) || error.offset === undefined) return error;
  return new ProtocolError(error.code, error.message, error.offset + start, { cause: error });
}

/** Shows a value in an error text: numbers in full, other values only by kind. */
function shown(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean" || value === null)
    return String(value);
  return typeof value;
}
