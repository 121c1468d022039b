import { decodeUtf8 } from "../../core/index.ts";
import { lastEnd } from "../last-end.ts";
import type { Draft } from "../part.ts";
import type { Request } from "./explainer.ts";

/** Maximum nesting depth, the same as for `phpSerialize`. */
const DEEPEST = 512;

const TYPES: Readonly<Record<string, string>> = {
  b: "bool",
  i: "int",
  d: "float",
  s: "string",
  a: "array",
};

/** Serialized PHP values: a part for each element, with its key before it. */
export function explainPhp({ format, name, bytes, start, end }: Request): Draft {
  const root: Draft = { name, start, end: start, type: "php", parts: [] };
  try {
    new PhpWalk(bytes, end, format.strings === "bytes").value(root, name, start, start, 0);
  } catch {
    // Bytes that PHP did not serialize are left unread.
  }
  const [only] = root.parts!;
  if (only !== undefined) return only;
  delete root.parts;
  return root;
}

/** Ends the walk. */
function stop(): never {
  throw new Error("not of PHP");
}

class PhpWalk {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #isRaw: boolean;

  constructor(bytes: Uint8Array, end: number, isRaw: boolean) {
    this.#bytes = bytes;
    this.#end = end;
    this.#isRaw = isRaw;
  }

  /** Adds the value at `at`, with its key from `from` on. */
  value(parent: Draft, name: string, from: number, at: number, depth: number): void {
    const letter = this.#letter(at);
    const part: Draft = { name, start: from, end: from, type: letter === "N" ? "null" : "" };
    if (letter === "N") {
      part.value = null;
      part.end = this.#expect(at + 1, ";");
    } else {
      part.type = TYPES[letter] ?? stop();
      const start = this.#expect(at + 1, ":");
      if (letter === "a") {
        this.#array(parent, part, start, depth);
        return;
      }
      const { value, end } = this.#scalar(letter, start);
      Object.assign(part, { value, end });
    }
    parent.parts!.push(part);
  }

  /** An array keeps the parts found before the walk ends. */
  #array(parent: Draft, part: Draft, start: number, depth: number): void {
    if (depth >= DEEPEST) stop();
    const { text, end } = this.#upTo(start, ":");
    if (!/^\d{1,10}$/.test(text)) stop();
    const open = this.#expect(end, "{");
    part.parts = [
      {
        name: "{",
        start: part.start,
        end: open,
        type: "mark",
        hidden: true,
        note: `${text} elements`,
      },
    ];
    parent.parts!.push(part);
    try {
      for (let i = 0; i < Number(text); i++) {
        const from = lastEnd(part);
        const letter = this.#letter(from);
        if (letter !== "i" && letter !== "s") stop();
        const key = this.#scalar(letter, this.#expect(from + 1, ":"), false);
        this.value(
          part,
          `${letter === "i" ? `[${key.value}]` : key.value}`,
          from,
          key.end,
          depth + 1,
        );
      }
      const from = lastEnd(part);
      const close = this.#expect(from, "}");
      part.parts.push({ name: "}", start: from, end: close, type: "mark", hidden: true });
    } finally {
      part.end = lastEnd(part);
    }
  }

  #scalar(
    letter: string,
    start: number,
    isRaw: boolean = this.#isRaw,
  ): { readonly value: unknown; readonly end: number } {
    if (letter === "s") {
      const { text, end } = this.#upTo(start, ":");
      if (!/^\d{1,10}$/.test(text)) stop();
      const from = this.#expect(end, '"');
      const to = from + Number(text);
      const last = this.#expect(this.#expect(to, '"'), ";");
      const value = isRaw ? this.#bytes.subarray(from, to) : decodeUtf8(this.#bytes, from, to);
      return { value, end: last };
    }
    const { text, end } = this.#upTo(start, ";");
    if (letter === "b") return { value: /^[01]$/.test(text) ? text === "1" : stop(), end };
    if (letter === "d") {
      const named: Readonly<Record<string, number>> = {
        INF: Number.POSITIVE_INFINITY,
        "-INF": Number.NEGATIVE_INFINITY,
        NAN: Number.NaN,
      };
      const isFloat = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);
      return { value: named[text] ?? (isFloat ? Number(text) : stop()), end };
    }
    if (!/^[+-]?\d{1,20}$/.test(text)) stop();
    const value = BigInt(text.replace("+", ""));
    return { value: Number.isSafeInteger(Number(value)) ? Number(value) : value, end };
  }

  #letter(at: number): string {
    return at < this.#end ? String.fromCharCode(this.#bytes[at]!) : stop();
  }

  /** Returns the position after a required character. */
  #expect(at: number, character: string): number {
    return this.#letter(at) === character ? at + 1 : stop();
  }

  /** Short text before a mark, and the position after it. */
  #upTo(start: number, mark: string): { readonly text: string; readonly end: number } {
    let at = start;
    while (this.#letter(at) !== mark) {
      if (at - start > 64) stop();
      at++;
    }
    return { text: String.fromCharCode(...this.#bytes.subarray(start, at)), end: at + 1 };
  }
}
