import { checkRange, ProtocolError } from "../../core/index.ts";

/** Wire types: forms of the value after a tag; 6 and 7 do not exist. */
export const VARINT = 0;
export const I64 = 1;
export const LEN = 2;
const START_GROUP = 3;
const END_GROUP = 4;
export const I32 = 5;

/** Maximum nesting of groups, as in protobuf's own decoders. */
const MAX_DEPTH = 100;

/** Width of a value in bytes, by wire type, if fixed. */
const WIDTHS = [0, 8, 0, 0, 0, 4];

/**
 * Iterates over the fields of a protobuf message without its schema, one for each `next()`. Each
 * step sets the field number and the range of its value, after checking it against the end of the
 * bytes. Nothing is copied or decoded.
 *
 * ```text
 *   08      96 01          field 1, VARINT      from..to: 96 01
 *   12 02   68 69          field 2, LEN                   68 69
 *   1d      00 00 80 3f    field 3, I32                   00 00 80 3f
 *   23  08 01  24          field 4, group                 08 01
 * ```
 *
 * @example
 * ```ts
 * import { WireReader } from "framewright/protobuf";
 *
 * const reader = new WireReader(Uint8Array.of(0x08, 0x96, 0x01, 0x12, 0x02, 0x68, 0x69));
 * while (reader.next()) console.log(reader.field, reader.type, reader.to - reader.from);
 * //=> 1 0 2
 * //=> 2 2 2
 * ```
 */
export class WireReader {
  /** The bytes that contain the message. */
  readonly bytes: Uint8Array;
  /** Number of the current field: 1 to 536870911. */
  field = 0;
  /** Wire type of the current field: 0 VARINT, 1 I64, 2 LEN, 3 group, 5 I32. */
  type = 0;
  /** Index of the first byte of the current value, after tag and length. */
  from = 0;
  /** Index after the current value; for a group, the start of its end tag. */
  to = 0;
  /** Bits 0 to 31 of the last varint read, unsigned; of the current value, if it is a VARINT. */
  low = 0;
  /** Bits 32 to 63 of the last varint read, unsigned. */
  high = 0;

  /** Index after the message. */
  readonly end: number;

  #at: number;

  /**
   * @param bytes - bytes that contain the message; only `[start, end)` is read
   * @param start - start of the message
   * @param end - end of the message
   * @defaultValue start 0, end `bytes.length`
   * @throws RangeError if that is not a range of the bytes
   */
  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    checkRange(bytes, start, end);
    this.bytes = bytes;
    this.#at = start;
    this.end = end;
  }

  /** Index of the next byte to read, after the current field. */
  get at(): number {
    return this.#at;
  }

  /**
   * Moves to the next field. Returns false at the end of the message.
   *
   * @throws ProtocolError `malformed` with the index of the invalid byte: a varint of more than ten
   *   bytes or 64 bits, a field number of 0 or above 536870911, wire type 6 or 7, a value that
   *   exceeds the end, a group without its end or start, more than 100 nested groups
   */
  next(): boolean {
    if (this.#at >= this.end) return false;
    const tag = this.#at;
    this.#readTag();
    if (this.type === END_GROUP) throw noGroup(this.field, tag);
    if (this.type === START_GROUP) this.#walkGroup(tag);
    else this.#walkValue();
    return true;
  }

  /**
   * Reads a varint without a tag into `low` and `high`, such as a packed element.
   *
   * @throws ProtocolError `malformed` if it has more than ten bytes or 64 bits, or exceeds the end
   */
  varint(): void {
    const { bytes } = this;
    const start = this.#at;
    const end = this.end;
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      const at = start + i;
      if (at >= end) throw pastEnd("varint", end - start, start);
      const byte = bytes[at]!;
      const bits = byte & 0x7f;
      // Seven bits per byte; the fifth byte belongs to both halves.
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * i - 32);
      if (byte < 0x80) {
        if (i === 9 && byte > 1) {
          throw new ProtocolError("malformed", `byte 10 of a varint is ${byte}, not 0 or 1`, at);
        }
        this.low = low >>> 0;
        this.high = high >>> 0;
        this.#at = at + 1;
        return;
      }
    }
    throw new ProtocolError("malformed", "varint of more than 10 bytes", start);
  }

  /** Returns the last varint read: a number if exact, else a bigint. */
  number(): number | bigint {
    const value = this.high * 0x1_0000_0000 + this.low;
    return value <= Number.MAX_SAFE_INTEGER ? value : this.bigint();
  }

  /** Returns the last varint read, as an unsigned 64-bit integer. */
  bigint(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  #readTag(): void {
    const start = this.#at;
    this.varint();
    this.field = this.low >>> 3;
    this.type = this.low & 7;
    if (this.high !== 0 || this.field === 0) {
      const field = (this.bigint() >> 3n).toString();
      throw new ProtocolError("malformed", `field number ${field} is not in 1..536870911`, start);
    }
    if (this.type > I32) {
      throw new ProtocolError("malformed", `wire type ${this.type} of field ${this.field}`, start);
    }
  }

  /** Skips any value but a group, after its tag. */
  #walkValue(): void {
    const end = this.end;
    let length = WIDTHS[this.type]!;
    if (this.type === VARINT) {
      this.from = this.#at;
      this.varint();
      this.to = this.#at;
      return;
    }
    const start = this.#at;
    if (this.type === LEN) {
      this.varint();
      length = this.high * 0x1_0000_0000 + this.low;
    }
    if (length > end - this.#at) {
      const left = end - this.#at;
      const text = `field ${this.field} of ${length} bytes, of which ${left} are here`;
      throw new ProtocolError("malformed", text, start);
    }
    this.from = this.#at;
    this.to = this.#at + length;
    this.#at = this.to;
  }

  /**
   * Skips a whole group, with the groups in it. A loop, because with recursion the peer could
   * exhaust the stack.
   */
  #walkGroup(start: number): void {
    const open = [this.field];
    const from = this.#at;
    for (;;) {
      const tag = this.#at;
      if (tag >= this.end) throw pastEnd(`group ${open[open.length - 1]}`, tag - start, start);
      this.#readTag();
      if (this.type === START_GROUP) {
        if (open.push(this.field) > MAX_DEPTH) {
          throw new ProtocolError("malformed", `more than ${MAX_DEPTH} nested groups`, tag);
        }
      } else if (this.type !== END_GROUP) {
        this.#walkValue();
      } else if (open.pop() !== this.field) {
        throw noGroup(this.field, tag);
      } else if (open.length === 0) {
        this.type = START_GROUP;
        this.from = from;
        this.to = tag;
        return;
      }
    }
  }
}

function pastEnd(what: string, have: number, at: number): ProtocolError {
  return new ProtocolError("malformed", `${what} does not end within the ${have} bytes left`, at);
}

function noGroup(field: number, at: number): ProtocolError {
  return new ProtocolError("malformed", `end of group ${field}, which is not open`, at);
}
