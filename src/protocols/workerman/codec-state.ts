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
 * One connection's side of a `defineCodec` protocol: what its functions get as `connection`, and what must be
 * remembered from measuring a frame to decoding it.
 *
 * A frame is what `input` consumed and the package behind it. Where it consumed and returned 0, the frame is what was
 * consumed and holds no value: so the bytes are gone at once, `input` is called again for what is left, and each turn
 * takes at least a byte.
 */
export class CodecState<In, Out, Context> implements InputConnection<Context> {
  readonly context: Context;
  seen = 0;

  /** Bytes that the last `input` consumed. */
  consumed = 0;
  /** The frame that is decoded next was measured before, as every connection does it. */
  isMeasured = false;
  /** The last `input` consumed, but told no length. */
  #isSkip = false;
  /** Bytes that `input`, which is running, may still consume; -1 while it is not. */
  #left = -1;
  /** Packages decoded so far. */
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
    throw malformed("bad-length", `input returned ${shown(length)}, which is no length`, offset);
  }
  return length;
}

function inputThrew(error: unknown, start: number): ProtocolError {
  const offset = error instanceof ProtocolError ? (error.offset ?? 0) : 0;
  return malformed("input-threw", messageOf(error), start + offset, error);
}

/** The functions of a codec see a package that begins at 0, so their offsets count from there. */
function inFrame(error: unknown, start: number): unknown {
  if (!(error instanceof ProtocolError) || error.offset === undefined) return error;
  return new ProtocolError(error.code, error.message, error.offset + start, { cause: error });
}

/** A value for an error text: numbers as they are, of others no more than what they are. */
function shown(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean" || value === null)
    return String(value);
  return typeof value;
}
