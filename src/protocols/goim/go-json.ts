/*
 * JSON as text, where parsing would lose something: number spellings (ver 1.0 is no int16 to Go), integers above
 * 2^53, the order of keys that differ in case. Everything here takes text that `JSON.parse` has accepted, so
 * nothing is checked twice; all of it is one pass.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Index of the first character from `at` on that is no white space. */
function skipSpace(text: string, at: number): number {
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

/** Index behind the string that begins at `at`. */
function skipString(text: string, at: number): number {
  for (at++; text.charCodeAt(at) !== QUOTE; at++) if (text.charCodeAt(at) === BACKSLASH) at++;
  return at + 1;
}

/** Index behind the value that begins at `at`, in an object or an array. */
function skipValue(text: string, at: number): number {
  for (let depth = 0; ; ) {
    const c = text[at]!;
    if (c === '"') {
      at = skipString(text, at);
      if (depth === 0) return at;
      continue;
    }
    if (c === "[" || c === "{") depth++;
    else if (c === "]" || c === "}") {
      // The end of what holds a number or a word; else of this very value.
      if (depth === 0) return at;
      depth--;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (c === "," || isSpace(text.charCodeAt(at)))) return at;
    at++;
  }
}

/** The members of the object that `text` is, keys decoded, values as text, in their order. */
export function eachMember(text: string, visit: (key: string, value: string) => void): void {
  let at = skipSpace(text, 1);
  while (text[at] === '"') {
    const keyEnd = skipString(text, at);
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    // Behind the colon.
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, start);
    visit(key, text.slice(start, end));
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
}

/** The elements of the array that `text` is, as text. */
export function elements(text: string): string[] {
  const found: string[] = [];
  let at = skipSpace(text, 1);
  while (text[at] !== "]") {
    const end = skipValue(text, at);
    found.push(text.slice(at, end));
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return found;
}

/** The text without white space around it, as JSON knows white space. */
export function trimmed(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(skipSpace(text, 0), end);
}

const ESCAPED = /[<>&\u2028\u2029]/g;

/**
 * JSON as Go's encoder writes a value that is JSON already (encoding/json, `compact` with `escapeHTML`): without
 * white space, and with `<`, `>`, `&`, U+2028 and U+2029 as escapes, also in keys. All else stays as it was:
 * other escapes, the spelling of numbers, duplicate keys.
 */
export function goCompact(text: string): string {
  let compact = "";
  let start = 0;
  for (let at = 0; at < text.length; ) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      at = skipString(text, at);
    } else if (isSpace(unit)) {
      compact += text.slice(start, at);
      start = skipSpace(text, at);
      at = start;
    } else {
      at++;
    }
  }
  compact += text.slice(start);
  // Outside strings none of them can be.
  return compact.replace(ESCAPED, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * The integer that `text` spells as Go reads one (no fraction, no exponent), or undefined where it is none from
 * `least` to `most`.
 */
export function goInteger(text: string, least: number, most: number): number | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const value = Number(text);
  // 0 in place of -0.
  return value >= least && value <= most ? value + 0 : undefined;
}

/**
 * The name that Go's decoder finds a member by: without regard to case. (Upper case, not lower: it also takes
 * U+017F for an s, as Go does.)
 */
export function foldedKey(key: string): string {
  return key.toUpperCase();
}
