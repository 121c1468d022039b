import { fitsInteger } from "../../core/index.ts";

/*
 * PHP's json_decode($text, true), equally strict (ext/json/json_parser.y).
 *
 * Differences from JSON.parse: integers beyond 2^53 become bigints (beyond 64 bits floats, as in
 * PHP), "-0" is the integer 0, lone surrogates in escapes are refused, more than 511 nested arrays
 * are refused, and objects become PHP arrays: one whose keys are 0 .. n-1 in order is a list,
 * including the empty one. Only the order of integer-like keys is lost, because JavaScript's
 * objects sort them.
 */

const MOST_DEPTH = 511;

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
// Characters of a string that are not escaped.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the point
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const HEX4 = /[0-9a-fA-F]{4}/y;

const SHORT: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Reads the value of a JSON text. Throws a SyntaxError with the position. */
export function readPhpJson(text: string): unknown {
  return new Parser(text).whole();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): unknown {
    const value = this.#value();
    this.#blanks();
    if (this.#at < this.#text.length) throw this.#wrong("more than one value");
    return value;
  }

  #value(): unknown {
    this.#blanks();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#nested(() => this.#object());
      case "[":
        return this.#nested(() => this.#list());
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > MOST_DEPTH) throw this.#wrong(`more than ${MOST_DEPTH} nested arrays`);
    this.#at++;
    const value = read();
    this.#depth--;
    return value;
  }

  #list(): unknown[] {
    const list: unknown[] = [];
    if (this.#skip("]")) return list;
    do list.push(this.#value());
    while (this.#skip(","));
    this.#expect("]");
    return list;
  }

  /** Reads a PHP array; returns a JavaScript array if the keys are those of a list. */
  #object(): unknown {
    const object: Record<string, unknown> = {};
    let count = 0;
    let isList = true;
    if (this.#skip("}")) return [];
    do {
      this.#blanks();
      const key = this.#string();
      this.#expect(":");
      const value = this.#value();
      // A repeated key keeps its first place.
      if (!Object.hasOwn(object, key)) isList &&= key === String(count++);
      if (key === "__proto__") define(object, key, value);
      else object[key] = value;
    } while (this.#skip(","));
    this.#expect("}");
    return isList ? Object.values(object) : object;
  }

  #string(): string {
    if (this.#text[this.#at] !== '"') throw this.#wrong("expected a string");
    this.#at++;
    let string = "";
    for (;;) {
      string += this.#match(PLAIN)![0];
      const unit = this.#text[this.#at];
      if (unit === '"') {
        this.#at++;
        return string;
      }
      if (unit !== "\\") throw this.#wrong("an unfinished string or a control character in one");
      this.#at++;
      string += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at++] ?? "";
    if (letter !== "u") {
      const unit = SHORT[letter];
      if (unit === undefined) throw this.#wrong("an unknown escape");
      return unit;
    }
    const unit = this.#hex4();
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
    if (unit < 0xdc00 && this.#text.startsWith("\\u", this.#at)) {
      this.#at += 2;
      const low = this.#hex4();
      if (low >= 0xdc00 && low <= 0xdfff) return String.fromCharCode(unit, low);
    }
    throw this.#wrong("a lone surrogate");
  }

  #hex4(): number {
    const digits = this.#match(HEX4);
    if (digits === null) throw this.#wrong("expected four hexadecimal digits");
    return Number.parseInt(digits[0], 16);
  }

  #number(): number | bigint {
    const match = this.#match(NUMBER);
    if (match === null) throw this.#wrong("expected a value");
    const [digits, fraction, exponent] = match;
    const number = Number(digits);
    if (fraction !== undefined || exponent !== undefined) return number;
    // PHP's integers have no negative zero.
    if (number === 0) return 0;
    if (Number.isSafeInteger(number)) return number;
    // More digits than 64 bits have: a bigint would be useless, and making it takes more than
    // linear time.
    if (digits.length > 20) return number;
    const integer = BigInt(digits);
    return fitsInteger(integer, 64) ? integer : number;
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#wrong("expected a value");
    this.#at += word.length;
    return value;
  }

  #blanks(): void {
    for (; ; this.#at++) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
    }
  }

  /** Skips `unit` if it comes next. */
  #skip(unit: string): boolean {
    this.#blanks();
    if (this.#text[this.#at] !== unit) return false;
    this.#at++;
    return true;
  }

  #expect(unit: string): void {
    if (!this.#skip(unit)) throw this.#wrong(`expected ${unit}`);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #wrong(what: string): SyntaxError {
    return new SyntaxError(`${what} at character ${this.#at} of ${this.#text.length}`);
  }
}

/** Sets an own property of any name: assigning to `__proto__` would change the prototype. */
function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
