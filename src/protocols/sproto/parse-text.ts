import { type Place, SchemaError } from "./schema-error.ts";

/*
 * The schema language, as sprotoparser.lua of cloudwu/sproto (5b63245) reads it:
 *
 *   schema   = { type | protocol }
 *   type     = "." name "{" { field | type } "}"
 *   field    = name tag ":" ["*"] typename { "(" [word | digits] ")" }
 *   protocol = name tag "{" { ("request" | "response") ( typename | "{" { field | type } "}" ) } "}"
 *   blank    = " " | TAB | LF | CRLF | "#" to the end of the line
 *
 * Blanks are allowed between all parts except: "." and the name, "*" and the type, the type and
 * "(". They are required after a field's or protocol's name and after request and response. Two
 * items may follow each other without a blank, which the reference allows only in some places.
 */

/** A name in the text. */
export interface Word {
  readonly text: string;
  readonly place: Place;
}

/** The parentheses after the name of a type. */
type Parens =
  | { readonly kind: "empty" }
  | { readonly kind: "word"; readonly word: string }
  | { readonly kind: "number"; readonly value: number };

export interface ParsedField {
  readonly name: Word;
  readonly tag: number;
  readonly array: boolean;
  readonly type: Word;
  /** The first pair of parentheses; further ones are ignored. */
  readonly parens: Parens | undefined;
}

export interface ParsedType {
  readonly name: Word;
  readonly fields: readonly ParsedField[];
  readonly types: readonly ParsedType[];
}

export interface ParsedProtocol {
  readonly name: Word;
  readonly tag: number;
  readonly parts: readonly {
    readonly part: "request" | "response";
    readonly place: Place;
    /** The name of a type, or the body of one that is declared here. */
    readonly type: Word | ParsedType;
  }[];
}

export interface ParsedText {
  readonly types: readonly ParsedType[];
  readonly protocols: readonly ParsedProtocol[];
}

// Types within types: deeper than anyone writes, but safe for any stack.
const MAX_NESTING = 100;

/** Reads one text. Names are not looked up yet. */
export function parseText(text: string, source: string | undefined): ParsedText {
  return new TextParser(text, source).schema();
}

class TextParser {
  readonly #text: string;
  readonly #source: string | undefined;
  #at = 0;

  constructor(text: string, source: string | undefined) {
    this.#text = text;
    this.#source = source;
  }

  schema(): ParsedText {
    const types: ParsedType[] = [];
    const protocols: ParsedProtocol[] = [];
    this.#blanks();
    while (this.#at < this.#text.length) {
      if (this.#takes(".")) types.push(this.#type(1));
      else protocols.push(this.#protocol());
      this.#blanks();
    }
    return { types, protocols };
  }

  /** Reads a type, after its dot. */
  #type(depth: number): ParsedType {
    const name = this.#word("the name of a type");
    this.#blanks();
    this.#expect("{", `type ${name.text}`);
    return this.#body(name, depth);
  }

  /** Reads the fields and types between braces, after the opening one. */
  #body(name: Word, depth: number): ParsedType {
    if (depth > MAX_NESTING) this.#fail(`types nested deeper than ${MAX_NESTING}`, name.place.at);
    const fields: ParsedField[] = [];
    const types: ParsedType[] = [];
    for (;;) {
      this.#blanks();
      if (this.#takes("}")) return { name, fields, types };
      if (this.#takes(".")) types.push(this.#type(depth + 1));
      else fields.push(this.#field(name));
    }
  }

  #field(owner: Word): ParsedField {
    const name = this.#word(`a field, a type or "}" in ${owner.text}`);
    const tag = this.#tag(name);
    this.#blanks();
    this.#expect(":", `field ${name.text}`);
    this.#blanks();
    const array = this.#takes("*");
    const type = this.#typename(`the type of field ${name.text}`);
    let parens: Parens | undefined;
    while (this.#takes("(")) {
      const next = this.#parens(type);
      parens ??= next;
    }
    return { name, tag, array, type, parens };
  }

  /** Reads the contents of parentheses, after the opening one. */
  #parens(type: Word): Parens {
    this.#blanks();
    const word = this.#match(WORD);
    const digits = word === undefined ? this.#match(DIGITS) : undefined;
    this.#blanks();
    this.#expect(")", `type ${type.text}`);
    if (word !== undefined) return { kind: "word", word };
    if (digits !== undefined) return { kind: "number", value: Number(digits) };
    return { kind: "empty" };
  }

  #protocol(): ParsedProtocol {
    const name = this.#word("a type or a protocol");
    const tag = this.#tag(name);
    this.#blanks();
    this.#expect("{", `protocol ${name.text}`);
    const parts: ParsedProtocol["parts"][number][] = [];
    for (;;) {
      this.#blanks();
      if (this.#takes("}")) return { name, tag, parts };
      const word = this.#word(`request, response or "}" in protocol ${name.text}`);
      const part = word.text;
      if (part !== "request" && part !== "response") {
        this.#fail(
          `expected request or response in protocol ${name.text}, found "${part}"`,
          word.place.at,
        );
      }
      if (!this.#blanks()) this.#fail(`expected a blank after ${part}`);
      const type = this.#takes("{")
        ? this.#body({ text: `${name.text}.${part}`, place: word.place }, 1)
        : this.#typename(`the type of the ${part} of ${name.text}`);
      parts.push({ part, place: word.place, type });
    }
  }

  #tag(name: Word): number {
    if (!this.#blanks()) this.#fail(`expected a blank and a tag after ${name.text}`);
    const digits = this.#match(DIGITS);
    if (digits === undefined) this.#fail(`expected the tag of ${name.text}`);
    return Number(digits);
  }

  #word(what: string): Word {
    return this.#name(WORD, what);
  }

  #typename(what: string): Word {
    return this.#name(TYPENAME, what);
  }

  #name(pattern: RegExp, what: string): Word {
    const place = this.#place(this.#at);
    const text = this.#match(pattern);
    if (text === undefined) this.#fail(`expected ${what}`);
    return { text, place };
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** Skips blanks; returns true if there were any. A lone CR is not a blank. */
  #blanks(): boolean {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    for (;;) {
      const character = text[at];
      if (character === " " || character === "\t" || character === "\n") {
        at++;
      } else if (character === "\r" && text[at + 1] === "\n") {
        at += 2;
      } else if (character === "#") {
        const end = text.indexOf("\n", at);
        at = end < 0 ? text.length : end + 1;
      } else {
        this.#at = at;
        return at > start;
      }
    }
  }

  #takes(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string, where: string): void {
    if (!this.#takes(character)) this.#fail(`expected "${character}" in ${where}`);
  }

  #place(at: number): Place {
    return { text: this.#text, source: this.#source, at };
  }

  #fail(reason: string, at = this.#at): never {
    FOUND.lastIndex = at;
    const found = FOUND.exec(this.#text)?.[0];
    const shown = found === undefined ? "the end of the text" : visible(found);
    const text = at === this.#at ? `${reason}, found ${shown}` : reason;
    throw new SchemaError(this.#place(at), text);
  }
}

/** Quotes text, with escapes for invisible characters such as a byte order mark. */
function visible(text: string): string {
  return JSON.stringify(text).replace(/[\p{C}\p{Z}]/gu, (one) =>
    one === " " ? one : `\\u{${one.codePointAt(0)!.toString(16)}}`,
  );
}

const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const TYPENAME = /[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*/y;
const DIGITS = /[0-9]+/y;
/** The part of the text that an error shows: a word or one character. */
const FOUND = /\w{1,40}|[\s\S]/uy;
