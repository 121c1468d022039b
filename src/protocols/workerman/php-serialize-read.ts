import { decodeUtf8, ProtocolError } from "../../core/index.ts";

/** Maximum nesting of arrays. */
export const MOST_DEPTH = 512;

const COLON = 0x3a;
const SEMICOLON = 0x3b;
const QUOTE = 0x22;
const OPEN = 0x7b;
const CLOSE = 0x7d;

type Key = number | bigint | string;

/** Reads one text of PHP's `serialize`. */
export class PhpReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #isRaw: boolean;
  #at: number;

  /**
   * Creates a reader of `bytes[start .. end)`.
   *
   * @param isRaw - strings are bytes
   */
  constructor(bytes: Uint8Array, start: number, end: number, isRaw: boolean) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#isRaw = isRaw;
  }

  /** Reads one value, and checks that nothing follows. */
  whole(): unknown {
    const value = this.#value(0);
    if (this.#at < this.#end) throw this.#wrong(`${this.#end - this.#at} bytes after the value`);
    return value;
  }

  #value(depth: number): unknown {
    const type = this.#letter();
    if (type === "N") {
      this.#expect(SEMICOLON);
      return null;
    }
    this.#expect(COLON);
    switch (type) {
      case "b":
        return this.#boolean();
      case "i":
        return this.#integer();
      case "d":
        return this.#float();
      case "s": {
        const [start, end] = this.#string();
        this.#expect(SEMICOLON);
        return this.#isRaw ? this.#bytes.subarray(start, end) : decodeUtf8(this.#bytes, start, end);
      }
      case "a":
        if (depth === MOST_DEPTH) throw this.#wrong(`more than ${MOST_DEPTH} levels of arrays`);
        return this.#array(depth + 1);
      default:
        this.#at -= 2;
        throw this.#wrong("neither null nor a bool, int, float, string or array");
    }
  }

  #boolean(): boolean {
    const text = this.#upTo(SEMICOLON);
    if (text !== "0" && text !== "1") throw this.#wrong("a bool other than 0 and 1");
    return text === "1";
  }

  #integer(): number | bigint {
    const text = this.#upTo(SEMICOLON);
    if (!/^[+-]?\d{1,20}$/.test(text)) throw this.#wrong("not an int");
    const value = BigInt(text.replace("+", ""));
    if (BigInt.asIntN(64, value) !== value) throw this.#wrong("an int of more than 64 bits");
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  #float(): number {
    const text = this.#upTo(SEMICOLON);
    if (text === "INF" || text === "-INF") return text === "INF" ? Infinity : -Infinity;
    if (text === "NAN") return Number.NaN;
    if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw this.#wrong("not a float");
    return Number(text);
  }

  /** Returns the range of the bytes between the quotes. */
  #string(): readonly [start: number, end: number] {
    const length = this.#count();
    this.#expect(QUOTE);
    const start = this.#at;
    if (length > this.#end - start) throw this.#wrong(`a string of ${length} bytes does not fit`);
    this.#at += length;
    this.#expect(QUOTE);
    return [start, start + length];
  }

  #array(depth: number): unknown {
    const count = this.#count();
    this.#expect(OPEN);
    // Grows as elements arrive, because the count may be wrong.
    const list: unknown[] = [];
    let map: Map<Key, unknown> | undefined;
    for (let i = 0; i < count; i++) {
      const key = this.#key();
      const value = this.#value(depth);
      if (map === undefined && key === i) {
        list.push(value);
      } else {
        map ??= new Map(list.entries() as Iterable<[Key, unknown]>);
        map.set(key, value);
      }
    }
    this.#expect(CLOSE);
    return map ?? list;
  }

  #key(): Key {
    const type = this.#letter();
    this.#expect(COLON);
    if (type === "i") return this.#integer();
    if (type !== "s") throw this.#wrong("a key that is neither int nor string");
    const [start, end] = this.#string();
    this.#expect(SEMICOLON);
    return phpKey(decodeUtf8(this.#bytes, start, end));
  }

  #count(): number {
    const text = this.#upTo(COLON);
    if (!/^\d{1,10}$/.test(text)) throw this.#wrong("not a length");
    return Number(text);
  }

  #letter(): string {
    if (this.#at >= this.#end) throw this.#wrong("the text ends too early");
    return String.fromCharCode(this.#bytes[this.#at++]!);
  }

  #expect(byte: number): void {
    if (this.#at >= this.#end) throw this.#wrong("the text ends too early");
    if (this.#bytes[this.#at] !== byte) {
      throw this.#wrong(`expected "${String.fromCharCode(byte)}"`);
    }
    this.#at++;
  }

  /** Returns the characters up to a delimiter, and skips it. Numbers are short. */
  #upTo(delimiter: number): string {
    const start = this.#at;
    const last = Math.min(this.#end, start + 64);
    let text = "";
    while (this.#at < last) {
      const byte = this.#bytes[this.#at++]!;
      if (byte === delimiter) return text;
      text += String.fromCharCode(byte);
    }
    this.#at = start;
    throw this.#wrong(`expected "${String.fromCharCode(delimiter)}" after a number`);
  }

  #wrong(text: string): ProtocolError {
    return new ProtocolError("malformed", text, Math.min(this.#at, this.#end));
  }
}

/** Converts a key of integer digits to an integer, as PHP does. */
export function phpKey(text: string): Key {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return text;
  const value = BigInt(text);
  if (BigInt.asIntN(64, value) !== value) return text;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
