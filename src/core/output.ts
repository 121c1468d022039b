import { checkWidth } from "./bytes.ts";
import { ProtocolError } from "./errors.ts";
import { utf8Length } from "./host.ts";
import { isBytes, isDetached, poison, unpoisoned } from "./memory.ts";
import { checkInteger, isBeyondF32 } from "./range.ts";
import { refuseThenable } from "./thenable.ts";
import { encodeUtf8Into } from "./utf8.ts";

/** Byte order of a number. */
export type Endian = "be" | "le";

/** An output of this package, which can be lent to an `encode` and revoked. */
export interface OwnOutput extends Output {
  own(): this;
  lend(): void;
  revoke(): void;
}

// Values of #room and #floor.
const REVOKED = -1;
const OWNED = -1;

// Many small pieces share one slab. A slab larger than KEPT is released with the bytes taken from it.
const SLAB = 8192;
const KEPT = 65_536;
// For text that may take more bytes than this, they are counted before the slab grows.
const LONG = 4096;

/**
 * A growable byte buffer to which you append numbers, text and bytes. Every writer checks its range and
 * throws a ProtocolError (`unencodable`) for a value that does not fit: nothing is ever cut. All writers
 * except `reserve` return the output, so calls can be chained.
 *
 * ```text
 *            content: 0 .. length
 *   | taken |==================|      room      |
 *           base               at               slab's end
 * ```
 *
 * The slab is only ever appended to: bytes returned by `take` are never written again.
 *
 * @example
 * ```ts
 * import { Output } from "framewright";
 *
 * const out = new Output();
 * const length = out.reserve(2);
 * out.u8(7).utf8("hi");
 * out.patch(length, 2, out.length - 2);
 * console.log(out.take().join(" "));
 * //=> 0 3 7 104 105
 * ```
 */
export interface Output {
  /** Bytes written since the last `take`. */
  readonly length: number;

  /** Appends an unsigned byte. */
  u8(value: number): this;

  /** Appends a signed byte. */
  i8(value: number): this;

  /** Appends an unsigned 16-bit big-endian integer. */
  u16be(value: number): this;

  /** Appends an unsigned 16-bit little-endian integer. */
  u16le(value: number): this;

  /** Appends a signed 16-bit big-endian integer. */
  i16be(value: number): this;

  /** Appends a signed 16-bit little-endian integer. */
  i16le(value: number): this;

  /** Appends an unsigned 24-bit big-endian integer. */
  u24be(value: number): this;

  /** Appends an unsigned 24-bit little-endian integer. */
  u24le(value: number): this;

  /** Appends a signed 24-bit big-endian integer. */
  i24be(value: number): this;

  /** Appends a signed 24-bit little-endian integer. */
  i24le(value: number): this;

  /** Appends an unsigned 32-bit big-endian integer. */
  u32be(value: number): this;

  /** Appends an unsigned 32-bit little-endian integer. */
  u32le(value: number): this;

  /** Appends a signed 32-bit big-endian integer. */
  i32be(value: number): this;

  /** Appends a signed 32-bit little-endian integer. */
  i32le(value: number): this;

  /** Appends an unsigned 48-bit big-endian integer. */
  u48be(value: number): this;

  /** Appends an unsigned 48-bit little-endian integer. */
  u48le(value: number): this;

  /** Appends a signed 48-bit big-endian integer. */
  i48be(value: number): this;

  /** Appends a signed 48-bit little-endian integer. */
  i48le(value: number): this;

  /** Appends an unsigned 64-bit big-endian integer: a bigint or a safe integer. */
  u64be(value: bigint | number): this;

  /** Appends an unsigned 64-bit little-endian integer: a bigint or a safe integer. */
  u64le(value: bigint | number): this;

  /** Appends a signed 64-bit big-endian integer: a bigint or a safe integer. */
  i64be(value: bigint | number): this;

  /** Appends a signed 64-bit little-endian integer: a bigint or a safe integer. */
  i64le(value: bigint | number): this;

  /**
   * Appends an unsigned integer of `width` bytes, for widths that are known only at run time.
   *
   * @param width - 1 to 6 bytes
   * @param endian - byte order
   * @defaultValue endian `'be'`
   * @throws RangeError for another width
   */
  uint(value: number, width: number, endian?: Endian): this;

  /** Appends a signed integer (two's complement) of `width` bytes, like `uint`. */
  int(value: number, width: number, endian?: Endian): this;

  /**
   * Appends a 32-bit big-endian float, rounded to the nearest one, as usual in JavaScript. A finite number
   * that would become infinite is refused.
   */
  f32be(value: number): this;

  /** Appends a 32-bit little-endian float, as `f32be` does. */
  f32le(value: number): this;

  /** Appends a 64-bit big-endian float. */
  f64be(value: number): this;

  /** Appends a 64-bit little-endian float. */
  f64le(value: number): this;

  /** Appends an unsigned LEB128 varint, as protobuf writes it: a safe integer, or a bigint of up to 64 bits. */
  varint(value: bigint | number): this;

  /** Appends text as UTF-8. A lone surrogate is refused. */
  utf8(text: string): this;

  /** Appends bytes unchanged. */
  bytes(bytes: Uint8Array): this;

  /** Appends `count` zeros, to be patched later, and returns their position. */
  reserve(count: number): number;

  /**
   * Overwrites earlier bytes with an unsigned integer, for example a length that is known only now.
   *
   * @param at - position of its first byte
   * @param width - bytes: 1 to 8
   * @param value - an integer that fits; a bigint if it is not a safe integer
   * @param endian - byte order
   * @defaultValue endian `'be'`
   */
  patch(at: number, width: number, value: number | bigint, endian?: Endian): this;

  /**
   * Appends a length and then the bytes that `write` appends. The length, in bytes, is filled in afterwards.
   *
   * @param width - bytes of the length: 1 to 8
   * @param endian - byte order of the length
   * @param write - appends the bytes that the length counts, to this same output; must not be asynchronous
   *
   * @example
   * ```ts
   * import { Output } from "framewright";
   *
   * const out = new Output().u8(3).sized(2, "be", (body) => body.utf8("hello"));
   * console.log(out.take().join(" "));
   * //=> 3 0 5 104 101 108 108 111
   * ```
   *
   * @throws ProtocolError `unencodable` if the length does not fit
   */
  sized(width: number, endian: Endian, write: (out: this) => unknown): this;

  /** Inserts `count` zeros at position `at`; the bytes after it move up. */
  insert(at: number, count: number): this;

  /**
   * Returns a view of the written bytes from position `start` to `end`, valid until the next write.
   *
   * @defaultValue start 0, end `length`
   */
  view(start?: number, end?: number): Uint8Array<ArrayBuffer>;

  /**
   * Calls `look` with the bytes written from position `start` on and returns its result, without the cost of
   * a view: for framings that check a payload once it is written. `look` must neither write nor keep the
   * bytes.
   */
  examine<T>(start: number, look: (bytes: Uint8Array, start: number, end: number) => T): T;

  /** Discards everything from position `length` on. */
  truncate(length: number): this;

  /**
   * Returns the written bytes and starts afresh. The caller owns the bytes: this output never writes them
   * again. Small pieces share one slab of 8 KiB, which lives as long as any of them.
   */
  take(): Uint8Array<ArrayBuffer>;
}

/** The constructor of {@link Output}. */
export interface OutputConstructor {
  /**
   * @param capacity - bytes for which to make room immediately
   * @defaultValue 0: the first write makes room
   */
  new (capacity?: number): Output;
  readonly prototype: Output;
}

// Consoles and errors print the inner name; nothing inside refers to it.
export const Output: OutputConstructor = class Output {
  #slab: Uint8Array<ArrayBuffer>;
  #floats: DataView | undefined;
  #base = 0;
  #at = 0;
  /** End of the slab for writers; REVOKED while writing is not allowed. */
  #room: number;
  /** Position of the first byte that a borrower may change; OWNED for the owner, which may change all. */
  #floor = OWNED;

  constructor(capacity = 0) {
    this.#slab = new Uint8Array(capacity);
    this.#room = capacity;
  }

  get length(): number {
    return this.#at - this.#base;
  }

  /** The owner writes, or takes the written bytes. */
  own(): this {
    this.#floor = OWNED;
    // A receiver of bytes of this slab may have transferred it to another thread.
    if (this.#slab.length === 0 && this.#at > 0) this.#drop();
    this.#room = this.#slab.length;
    return this;
  }

  /** Lends this output to an `encode`, from the current position on. */
  lend(): void {
    this.own();
    this.#floor = this.length;
  }

  /** Ends a loan: an encoder that kept this output cannot write into it. */
  revoke(): void {
    this.#room = REVOKED;
  }

  /** Makes room for `count` more bytes and returns their index in the slab. */
  #grow(count: number): number {
    const at = this.#at;
    const end = at + count;
    if (end > this.#room) return this.#move(count);
    this.#at = end;
    return at;
  }

  #move(count: number): number {
    this.#checkLoan();
    const length = this.length;
    // Doubling keeps appending linear; bytes that were taken stay in the old slab.
    const slab = new Uint8Array(Math.max(SLAB, 2 * length, length + count));
    slab.set(this.#slab.subarray(this.#base, this.#at));
    poison(this.#slab, this.#base, this.#at);
    this.#slab = slab;
    this.#room = slab.length;
    this.#floats = undefined;
    this.#base = 0;
    this.#at = length + count;
    return length;
  }

  #checkLoan(): void {
    if (this.#room !== REVOKED) return;
    throw new TypeError("this Output was lent for one call of encode, which is over");
  }

  /** Bytes before the frame belong to others. */
  #checkFloor(at: number): void {
    this.#checkLoan();
    if (at >= this.#floor) return;
    throw new RangeError(`position ${at} lies before the frame, which begins at ${this.#floor}`);
  }

  u8(value: number): this {
    if (typeof value !== "number" || (value & 0xff) !== value) refuse("u8", value);
    const at = this.#grow(1);
    this.#slab[at] = value;
    return this;
  }

  i8(value: number): this {
    if (typeof value !== "number" || (value << 24) >> 24 !== value) refuse("i8", value);
    return this.u8(value & 0xff);
  }

  u16be(value: number): this {
    if (typeof value !== "number" || (value & 0xffff) !== value) refuse("u16", value);
    const at = this.#grow(2);
    const slab = this.#slab;
    slab[at] = value >> 8;
    slab[at + 1] = value;
    return this;
  }

  u16le(value: number): this {
    if (typeof value !== "number" || (value & 0xffff) !== value) refuse("u16", value);
    const at = this.#grow(2);
    const slab = this.#slab;
    slab[at] = value;
    slab[at + 1] = value >> 8;
    return this;
  }

  i16be(value: number): this {
    if (typeof value !== "number" || (value << 16) >> 16 !== value) refuse("i16", value);
    return this.u16be(value & 0xffff);
  }

  i16le(value: number): this {
    if (typeof value !== "number" || (value << 16) >> 16 !== value) refuse("i16", value);
    return this.u16le(value & 0xffff);
  }

  u24be(value: number): this {
    if (typeof value !== "number" || (value & 0xffffff) !== value) refuse("u24", value);
    return this.u8(value >> 16).u16be(value & 0xffff);
  }

  u24le(value: number): this {
    if (typeof value !== "number" || (value & 0xffffff) !== value) refuse("u24", value);
    return this.u16le(value & 0xffff).u8(value >> 16);
  }

  i24be(value: number): this {
    if (typeof value !== "number" || (value << 8) >> 8 !== value) refuse("i24", value);
    return this.u24be(value & 0xffffff);
  }

  i24le(value: number): this {
    if (typeof value !== "number" || (value << 8) >> 8 !== value) refuse("i24", value);
    return this.u24le(value & 0xffffff);
  }

  u32be(value: number): this {
    if (typeof value !== "number" || value >>> 0 !== value) refuse("u32", value);
    const at = this.#grow(4);
    writeU32be(this.#slab, at, value);
    return this;
  }

  u32le(value: number): this {
    if (typeof value !== "number" || value >>> 0 !== value) refuse("u32", value);
    const at = this.#grow(4);
    writeU32le(this.#slab, at, value);
    return this;
  }

  i32be(value: number): this {
    if (typeof value !== "number" || (value | 0) !== value) refuse("i32", value);
    const at = this.#grow(4);
    writeU32be(this.#slab, at, value);
    return this;
  }

  i32le(value: number): this {
    if (typeof value !== "number" || (value | 0) !== value) refuse("i32", value);
    const at = this.#grow(4);
    writeU32le(this.#slab, at, value);
    return this;
  }

  u48be(value: number): this {
    return this.#wide("u48", value, 6, "be", false);
  }

  u48le(value: number): this {
    return this.#wide("u48", value, 6, "le", false);
  }

  i48be(value: number): this {
    return this.#wide("i48", value, 6, "be", true);
  }

  i48le(value: number): this {
    return this.#wide("i48", value, 6, "le", true);
  }

  u64be(value: bigint | number): this {
    return this.#wide("u64", value, 8, "be", false);
  }

  u64le(value: bigint | number): this {
    return this.#wide("u64", value, 8, "le", false);
  }

  i64be(value: bigint | number): this {
    return this.#wide("i64", value, 8, "be", true);
  }

  i64le(value: bigint | number): this {
    return this.#wide("i64", value, 8, "le", true);
  }

  uint(value: number, width: number, endian: Endian = "be"): this {
    checkWidth(width);
    return this.#wide(`u${8 * width}`, value, width, endian, false);
  }

  int(value: number, width: number, endian: Endian = "be"): this {
    checkWidth(width);
    return this.#wide(`i${8 * width}`, value, width, endian, true);
  }

  f32be(value: number): this {
    const at = this.#growFloat(value, 4);
    this.#floats!.setFloat32(at, value);
    return this;
  }

  f32le(value: number): this {
    const at = this.#growFloat(value, 4);
    this.#floats!.setFloat32(at, value, true);
    return this;
  }

  f64be(value: number): this {
    const at = this.#growFloat(value, 8);
    this.#floats!.setFloat64(at, value);
    return this;
  }

  f64le(value: number): this {
    const at = this.#growFloat(value, 8);
    this.#floats!.setFloat64(at, value, true);
    return this;
  }

  #growFloat(value: number, width: number): number {
    if (typeof value !== "number" || (width === 4 && isBeyondF32(value)))
      refuse(`f${8 * width}`, value);
    const at = this.#grow(width);
    this.#floats ??= new DataView(this.#slab.buffer);
    return at;
  }

  varint(value: bigint | number): this {
    if (typeof value === "bigint") {
      if (BigInt.asUintN(64, value) !== value) refuse("varint", value);
      let rest = value;
      for (; rest > 0x7fn; rest >>= 7n) this.u8(Number(rest & 0x7fn) | 0x80);
      return this.u8(Number(rest));
    }
    if (!Number.isSafeInteger(value) || value < 0) refuse("varint", value);
    let rest = value;
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 0x80)) this.u8((rest % 0x80) | 0x80);
    for (; rest > 0x7f; rest >>= 7) this.u8((rest & 0x7f) | 0x80);
    return this.u8(rest);
  }

  utf8(text: string): this {
    if (typeof text !== "string") refuse("text", text);
    let count = 3 * text.length;
    // Counting costs less than memory that is not needed.
    if (count > LONG && this.#at + count > this.#room) count = utf8Length(text);
    const start = this.#grow(count);
    try {
      this.#at = encodeUtf8Into(text, this.#slab, start);
    } catch (error) {
      this.#at = start;
      throw error;
    }
    return this;
  }

  bytes(bytes: Uint8Array): this {
    if (!isBytes(bytes)) refuse("bytes", bytes);
    if (bytes.length === 0 && isDetached(bytes)) {
      throw new ProtocolError("unencodable", "bytes were transferred away, and are empty now");
    }
    // Reserve the place first: growing may replace the slab on which `set` is called.
    const { length } = bytes;
    const given = unpoisoned(bytes);
    const at = this.#grow(length);
    if (length > 8) this.#slab.set(given, at);
    else putFew(this.#slab, at, given);
    return this;
  }

  reserve(count: number): number {
    checkCount(count);
    const at = this.#grow(count);
    // The room may contain bytes of an earlier frame that was rolled back.
    clear(this.#slab, at, at + count);
    return at - this.#base;
  }

  patch(at: number, width: number, value: number | bigint, endian: Endian = "be"): this {
    if (!(width >= 1 && width <= 8)) throw new RangeError(`width must be 1 to 8, not ${width}`);
    this.#checkPosition(at, width);
    this.#checkFloor(at);
    const index = this.#base + at;
    if (width === 4 && typeof value === "number" && value >>> 0 === value) {
      // The most common length fields.
      if (endian === "le") writeU32le(this.#slab, index, value);
      else writeU32be(this.#slab, index, value);
    } else {
      writeUint(this.#slab, index, value, width, endian);
    }
    return this;
  }

  sized(width: number, endian: Endian, write: (out: this) => unknown): this {
    checkInteger("width", width, 1, 8);
    const at = this.reserve(width);
    refuseThenable(write(this));
    return this.patch(at, width, this.length - at - width, endian);
  }

  insert(at: number, count: number): this {
    this.#checkPosition(at, 0);
    this.#checkFloor(at);
    checkCount(count);
    this.#grow(count);
    const gap = this.#base + at;
    this.#slab.copyWithin(gap + count, gap, this.#at - count);
    clear(this.#slab, gap, gap + count);
    return this;
  }

  view(start = 0, end: number = this.length): Uint8Array<ArrayBuffer> {
    this.#checkPosition(start, end - start);
    return this.#slab.subarray(this.#base + start, this.#base + end);
  }

  examine<T>(start: number, look: (bytes: Uint8Array, start: number, end: number) => T): T {
    return look(this.#slab, this.#base + start, this.#at);
  }

  truncate(length: number): this {
    this.#checkPosition(length, 0);
    this.#checkFloor(length);
    poison(this.#slab, this.#base + length, this.#at);
    this.#at = this.#base + length;
    return this;
  }

  take(): Uint8Array<ArrayBuffer> {
    this.#checkLoan();
    if (this.#floor !== OWNED) throw new TypeError("take() of an Output that was lent to encode");
    if (this.#at === this.#base) return new Uint8Array(0);
    const taken = this.#slab.subarray(this.#base, this.#at);
    this.#base = this.#at;
    if (this.#slab.length > KEPT) this.#drop();
    return taken;
  }

  #drop(): void {
    this.#slab = new Uint8Array(0);
    this.#room = 0;
    this.#floats = undefined;
    this.#base = 0;
    this.#at = 0;
  }

  #wide(
    name: string,
    value: bigint | number,
    width: number,
    endian: Endian,
    signed: boolean,
  ): this {
    if (typeof value !== "bigint" && !Number.isSafeInteger(value)) refuse(name, value);
    let unsigned = value;
    if (signed && value < 0) {
      // Two's complement: the most negative number is minus half the span.
      unsigned = BigInt(value) + (1n << BigInt(8 * width));
      if (unsigned < 1n << BigInt(8 * width - 1)) refuse(name, value);
    } else if (signed && value >= 2 ** (8 * width - 1)) {
      refuse(name, value);
    }
    const at = this.#grow(width);
    try {
      writeUint(this.#slab, at, unsigned, width, endian, name);
    } catch (error) {
      this.#at = at;
      throw error;
    }
    return this;
  }

  #checkPosition(at: number, count: number): void {
    checkCount(count);
    if (!Number.isInteger(at) || at < 0 || at + count > this.length) {
      throw new RangeError(`${count} bytes at ${at} lie outside of the ${this.length} written`);
    }
  }
};

function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 0)
    throw new RangeError(`${count} is not a number of bytes`);
}

function writeU32be(slab: Uint8Array, at: number, value: number): void {
  slab[at] = value >> 24;
  slab[at + 1] = value >> 16;
  slab[at + 2] = value >> 8;
  slab[at + 3] = value;
}

function writeU32le(slab: Uint8Array, at: number, value: number): void {
  slab[at] = value;
  slab[at + 1] = value >> 8;
  slab[at + 2] = value >> 16;
  slab[at + 3] = value >> 24;
}

/** A delimiter, a short header: a call into the runtime costs as much as eight bytes by hand. */
function putFew(slab: Uint8Array, at: number, bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) slab[at + i] = bytes[i]!;
}

/** A few bytes by hand: a call into the runtime costs as much as sixteen of them. */
function clear(slab: Uint8Array, start: number, end: number): void {
  if (end - start > 16) slab.fill(0, start, end);
  else for (let i = start; i < end; i++) slab[i] = 0;
}

/** Any width from 1 to 8 bytes; the value is checked against it. */
function writeUint(
  slab: Uint8Array,
  at: number,
  value: bigint | number,
  width: number,
  endian: Endian,
  name?: string,
): void {
  let low: number;
  let high: number;
  if (typeof value === "number" && value >>> 0 === value) {
    if (width < 4 && value >>> (8 * width) !== 0) refuse(name ?? `u${8 * width}`, value);
    low = value;
    high = 0;
  } else {
    const wide = toBigInt(value);
    if (wide === undefined || BigInt.asUintN(8 * width, wide) !== wide) {
      refuse(name ?? `u${8 * width}`, value);
    }
    low = Number(wide & 0xffff_ffffn);
    high = Number(wide >> 32n);
  }
  if (endian === "le") {
    for (let i = 0; i < width; i++) {
      slab[at + i] = i < 4 ? low >>> (8 * i) : high >>> (8 * (i - 4));
    }
  } else {
    for (let i = 0, j = at + width - 1; i < width; i++, j--) {
      slab[j] = i < 4 ? low >>> (8 * i) : high >>> (8 * (i - 4));
    }
  }
}

/** Only a safe integer is certain to be the intended number. */
function toBigInt(value: bigint | number): bigint | undefined {
  if (typeof value === "bigint") return value;
  return Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function refuse(name: string, value: unknown): never {
  const shown = typeof value === "number" || typeof value === "bigint" ? value : typeof value;
  throw new ProtocolError("unencodable", `${name} cannot hold ${shown}`);
}

/** Makes an output that can be lent. */
export function newOutput(): OwnOutput {
  return new Output() as OwnOutput;
}
