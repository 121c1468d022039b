import { hasLoneSurrogate } from "./utf8.ts";

/*
 * Finds out why a text is not JSON: the messages of `JSON.parse` differ between engines, quote the text, and
 * often have no position.
 */

const BLANKS = /[ \t\n\r]*/y;
// A run of characters that stand for themselves.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the point
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SCALAR = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;

/** Index after the match of `pattern` at `at`, or -1. */
function after(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

/**
 * Maximum nesting of arrays and objects. `JSON.parse` takes any number of levels, but `JSON.stringify`, and
 * most functions that walk over a value, use the stack: a few thousand levels from a peer would overflow it.
 * PHP has this limit too.
 */
export const MOST_LEVELS = 512;

/**
 * Describes the first fault in a text that should be JSON, for error messages: its kind and position, but
 * nothing of the text itself. Undefined if the text is JSON.
 *
 * @param isStrict - also find JSON that could not be written again: numbers beyond the range of doubles, lone
 *   surrogates, more than 512 levels
 * @defaultValue isStrict false
 * @returns for example `expected "," or "}" at character 9 of 12`
 */
export function jsonFault(text: string, isStrict = false): string | undefined {
  // The closing brackets of all open arrays and objects, so that depth costs no stack.
  const open: string[] = [];
  let at = 0;
  let next: "value" | "name" | "colon" | "end" = "value";
  // A bracket was just opened, so it may close.
  let isFirst = false;

  const fault = (what: string): string =>
    `${what} at ${at < text.length ? `character ${at} of ${text.length}` : "the end"}`;

  /** Steps over a string; returns its fault. */
  const string = (): string | undefined => {
    const start = at;
    for (at++; ; ) {
      at = after(PLAIN, text, at);
      if (text[at] === '"') {
        at++;
        if (!isStrict || !hasLoneSurrogate(JSON.parse(text.slice(start, at)))) return undefined;
        at = start;
        return fault("a lone surrogate in the string");
      }
      if (at === text.length) return fault("expected a closing quote");
      if (text[at] !== "\\") return fault("control character in a string");
      const end = after(ESCAPE, text, at);
      if (end < 0) return fault("invalid escape in a string");
      at = end;
    }
  };

  for (;;) {
    at = after(BLANKS, text, at);
    const unit = text[at];
    const closing = open[open.length - 1];
    if (next === "end") {
      if (closing === undefined) {
        return unit === undefined ? undefined : fault("expected nothing after the value");
      }
      if (unit === ",") next = closing === "}" ? "name" : "value";
      else if (unit === closing) open.pop();
      else return fault(`expected "," or "${closing}"`);
      at++;
    } else if (next === "colon") {
      if (unit !== ":") return fault('expected ":"');
      next = "value";
      at++;
    } else if (isFirst && unit === closing) {
      open.pop();
      next = "end";
      at++;
      isFirst = false;
    } else if (next === "name") {
      if (unit !== '"') return fault("expected a name in double quotes");
      const wrong = string();
      if (wrong !== undefined) return wrong;
      next = "colon";
      isFirst = false;
    } else if (unit === "{" || unit === "[") {
      if (isStrict && open.length === MOST_LEVELS) {
        return fault(`more than ${MOST_LEVELS} levels of arrays and objects`);
      }
      open.push(unit === "{" ? "}" : "]");
      next = unit === "{" ? "name" : "value";
      at++;
      isFirst = true;
    } else if (unit === '"') {
      const wrong = string();
      if (wrong !== undefined) return wrong;
      next = "end";
      isFirst = false;
    } else {
      const end = after(SCALAR, text, at);
      if (end < 0) return fault("expected a value");
      if (isStrict && Math.abs(Number(text.slice(at, end))) === Infinity) {
        return fault("a number beyond the range of doubles");
      }
      next = "end";
      at = end;
      isFirst = false;
    }
  }
}
