import { unicodeEscape } from "./escape.ts";

/*
 * JSON as Go's encoding/json reads and writes it, processed as text if parsing would lose something: number
 * spellings (1.0 is not an int16 for Go), integers above 2^53, the order of keys that differ in case. All of
 * it is one pass.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Index of the first character from `at` on that is not JSON white space. */
export function skipSpace(text: string, at: number): number {
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

/** The text without JSON white space around it. */
export function trimmed(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(skipSpace(text, 0), end);
}

/** Index after the string that begins at `at`, or -1 if the text ends inside it. */
function stringEnd(text: string, at: number): number {
  for (at++; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at + 1;
    if (unit === BACKSLASH) at++;
  }
  return -1;
}

/**
 * Index after the value that begins at `at`, judged only by brackets, quotes and commas: any text will do.
 *
 * @returns -1 if the text ends inside the value, `at` if none begins there
 */
export function valueEnd(text: string, at: number): number {
  let depth = 0;
  while (at < text.length) {
    const unit = text[at]!;
    if (unit === '"') {
      at = stringEnd(text, at);
      if (at < 0 || depth === 0) return at;
      continue;
    }
    if (unit === "[" || unit === "{") depth++;
    else if (unit === "]" || unit === "}") {
      // The end of the container of a number or a word; else of this value.
      if (depth === 0) return at;
      depth--;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (unit === "," || isSpace(text.charCodeAt(at)))) return at;
    at++;
  }
  return depth === 0 ? at : -1;
}

/**
 * The consecutive values in any text, such as `{"a":1} {"b":2}`, as text. The last one is everything from the
 * first place at which no complete value begins.
 */
export function valuesIn(text: string): string[] {
  const found: string[] = [];
  for (let at = skipSpace(text, 0); at < text.length; ) {
    const end = valueEnd(text, at);
    const stop = end > at ? end : text.length;
    found.push(text.slice(at, stop));
    at = skipSpace(text, stop);
  }
  return found;
}

/**
 * Calls `visit` for each member of an object, in order: its key decoded, its value as text.
 *
 * @param text - an object that `JSON.parse` has accepted, without white space before it
 */
export function eachMember(text: string, visit: (key: string, value: string) => void): void {
  let at = skipSpace(text, 1);
  while (text[at] === '"') {
    const keyEnd = stringEnd(text, at);
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    // After the colon.
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = valueEnd(text, start);
    visit(key, text.slice(start, end));
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
}

/**
 * The elements of an array, as text.
 *
 * @param text - an array that `JSON.parse` has accepted, without white space before it
 */
export function elements(text: string): string[] {
  const found: string[] = [];
  let at = skipSpace(text, 1);
  while (text[at] !== "]") {
    const end = valueEnd(text, at);
    found.push(text.slice(at, end));
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return found;
}

const ESCAPED = /[<>&\u2028\u2029]/g;

/**
 * JSON as Go's encoder writes a value that is JSON already (`compact` with `escapeHTML`): without white
 * space, and with `<`, `>`, `&`, U+2028 and U+2029 as escapes, also in keys. Everything else stays unchanged:
 * other escapes, the spelling of numbers, duplicate keys.
 *
 * @param text - JSON that `JSON.parse` has accepted
 */
export function goCompact(text: string): string {
  let compact = "";
  let start = 0;
  for (let at = 0; at < text.length; ) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      at = stringEnd(text, at);
    } else if (isSpace(unit)) {
      compact += text.slice(start, at);
      start = skipSpace(text, at);
      at = start;
    } else {
      at++;
    }
  }
  compact += text.slice(start);
  // None of them can occur outside strings.
  return compact.replace(ESCAPED, unicodeEscape);
}

// Pairs of backslashes are matched so that the next character is not taken for an escape.
const SHORT_ESCAPES = /\\[\\bf]/g;

/**
 * JSON as Go's encoder writes the value that `JSON.stringify` wrote as `text`: with the escapes of `goCompact`, and
 * with backspace and form feed as `\u0008` and `\u000c` (as Go before 1.22).
 */
export function goEscaped(text: string): string {
  return text
    .replace(SHORT_ESCAPES, (found) =>
      found === "\\b" ? "\\u0008" : found === "\\f" ? "\\u000c" : found,
    )
    .replace(ESCAPED, unicodeEscape);
}

/**
 * The integer in `text` as Go reads it (no fraction, no exponent), or undefined if it is not an integer from
 * `least` to `most`.
 */
export function goInteger(text: string, least: number, most: number): number | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const value = Number(text);
  // 0 instead of -0.
  return value >= least && value <= most ? value + 0 : undefined;
}

/**
 * The name by which Go's decoder finds a member: case-insensitive. (Upper case, not lower: it also takes
 * U+017F for an s, as Go does.)
 */
export function foldedKey(key: string): string {
  return key.toUpperCase();
}
