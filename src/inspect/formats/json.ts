import { decodeUtf8 } from "../../core/index.ts";
import { lastEnd } from "../last-end.ts";
import type { Draft } from "../part.ts";
import type { Request } from "./explainer.ts";

/** Maximum nesting depth, the same as for `json`. */
const DEEPEST = 512;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/**
 * JSON text: a part for each member and element, with its key before it and the comma after it. Several
 * consecutive values are separate parts.
 */
export function explainJson({ name, bytes, start, end }: Request): Draft {
  const root: Draft = { name, start, end: start, type: "json", parts: [] };
  const reader = new JsonReader(bytes, end);
  try {
    for (let i = 0; reader.skipSpace(lastEnd(root)) < end; i++) {
      reader.value(root, `[${i}]`, lastEnd(root), reader.skipSpace(lastEnd(root)), 1);
    }
  } catch {
    // The part that is not JSON is left unread.
  }
  const [only, second] = root.parts!;
  if (only !== undefined && second === undefined) return { ...only, name };
  if (only === undefined) delete root.parts;
  root.end = only === undefined ? start : lastEnd(root);
  return root;
}

/** Ends the walk. */
function stop(): never {
  throw new Error("not JSON");
}

class JsonReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;

  constructor(bytes: Uint8Array, end: number) {
    this.#bytes = bytes;
    this.#end = end;
  }

  /** Skips white space, including characters that Workerman trims. */
  skipSpace(from: number): number {
    let at = from;
    while (at < this.#end && (this.#bytes[at]! <= 0x0d || this.#bytes[at] === 0x20)) at++;
    return at;
  }

  /** Adds the value at `at`, with its key and white space from `from` on. */
  value(parent: Draft, name: string, from: number, at: number, depth: number): void {
    const first = this.#bytes[at];
    const part: Draft = { name, start: from, end: from, type: "json" };
    if (at >= this.#end || depth > DEEPEST) stop();
    parent.parts!.push(part);
    if (first === 0x7b || first === 0x5b) {
      const isObject = first === 0x7b;
      part.type = isObject ? "object" : "array";
      part.parts = [];
      try {
        this.#mark(part, isObject ? "{" : "[", from, at + 1);
        this.#members(part, isObject, depth);
      } finally {
        part.end = lastEnd(part);
      }
    } else {
      try {
        this.#scalar(part, at);
      } catch (error) {
        parent.parts!.pop();
        throw error;
      }
    }
    this.#extend(part, this.skipSpace(part.end));
  }

  /** Moves the end of a part's last leaf. */
  #extend(part: Draft, end: number): void {
    const last = part.parts?.at(-1);
    if (last !== undefined) this.#extend(last, end);
    part.end = end;
  }

  #mark(part: Draft, name: string, start: number, end: number): void {
    part.parts!.push({ name, start, end, type: "mark", hidden: true });
  }

  #members(part: Draft, isObject: boolean, depth: number): void {
    const close = isObject ? 0x7d : 0x5d;
    this.#extend(part, this.skipSpace(lastEnd(part)));
    for (let i = 0; ; i++) {
      const from = lastEnd(part);
      if (this.#bytes[from] === close && from < this.#end) {
        this.#mark(part, isObject ? "}" : "]", from, from + 1);
        return;
      }
      let name = `[${i}]`;
      let at = from;
      if (isObject) {
        const key = this.#string(from);
        name = key.text;
        at = this.skipSpace(key.end);
        if (this.#bytes[at] !== COLON || at >= this.#end) stop();
        at = this.skipSpace(at + 1);
      }
      this.value(part, name, from, at, depth + 1);
      const after = lastEnd(part);
      if (this.#bytes[after] === COMMA && after < this.#end) {
        this.#extend(part, this.skipSpace(after + 1));
      } else if (this.#bytes[after] !== close) stop();
    }
  }

  #scalar(part: Draft, at: number): void {
    if (this.#bytes[at] === QUOTE) {
      const { text, end } = this.#string(at);
      Object.assign(part, { type: "string", value: text, end });
      return;
    }
    let end = at;
    while (end < this.#end && /[-+.\w]/.test(String.fromCharCode(this.#bytes[end]!))) end++;
    const value: unknown = JSON.parse(decodeUtf8(this.#bytes, at, end));
    Object.assign(part, { type: value === null ? "null" : typeof value, value, end });
  }

  #string(at: number): { readonly text: string; readonly end: number } {
    if (this.#bytes[at] !== QUOTE) stop();
    let end = at + 1;
    while (end < this.#end && this.#bytes[end] !== QUOTE) {
      end += this.#bytes[end] === BACKSLASH ? 2 : 1;
    }
    if (end >= this.#end) stop();
    return { text: JSON.parse(decodeUtf8(this.#bytes, at, end + 1)) as string, end: end + 1 };
  }
}
