import type { Arbitrary } from "fast-check";
import { constantFrom, integer, oneof, string, tuple } from "fast-check";
import { type LengthsOptions, lengths, stretchable } from "./lengths.ts";

// One to four bytes in UTF-8, the byte order mark, a combining mark, characters that JSON escapes, line
// ends.
const UNITS = ["a", "\n", "\r", "\0", '"', "\\", "é", "ß", "€", "\u2028", "\ufeff", "\u0301", "😀"];

const SURROGATES = 0x800;
const CHARACTERS = 0x11_0000 - SURROGATES;
const FIRST = 0x61;

// Like the unit "binary" of fast-check, which takes seconds to make its table. Shrinks to "a".
const anyCharacter: Arbitrary<string> = integer({ min: 0, max: CHARACTERS - 1 }).map(
  (n) => {
    const code = (n + FIRST) % CHARACTERS;
    return String.fromCodePoint(code < 0xd800 ? code : code + SURROGATES);
  },
  (text) => {
    const code = typeof text === "string" ? (text.codePointAt(0) ?? -1) : -1;
    const isSurrogate = code >= 0xd800 && code < 0xd800 + SURROGATES;
    if (code < 0 || isSurrogate || text !== String.fromCodePoint(code)) {
      throw new TypeError("not one character");
    }
    return ((code < 0xd800 ? code : code - SURROGATES) + CHARACTERS - FIRST) % CHARACTERS;
  },
);

/**
 * Text with lengths that find bugs (see {@link lengths}; in characters, which take one to four bytes in
 * UTF-8), never with a lone surrogate: line ends, quotes, combining marks, a byte order mark, emoji.
 *
 * @param options - the lengths to make
 * @defaultValue options `{ min: 0, max: 70000 }`
 */
export function text(options: LengthsOptions = {}): Arbitrary<string> {
  const { min = 0, max = Math.max(70_000, min) } = options;
  return textOf(min, max, lengths({ min, max }));
}

/**
 * The same, with lengths from 0 to `max`, of which the first cases of a law may make one as long as `reach`.
 * @internal
 */
export const stretchableText = (max: number, reach: number): Arbitrary<string> =>
  textOf(0, max, stretchable(0, max, reach));

function textOf(min: number, max: number, made: Arbitrary<number>): Arbitrary<string> {
  const short = string({
    unit: oneof(constantFrom(...UNITS), anyCharacter),
    minLength: min,
    maxLength: Math.min(max, min + 30),
  });
  const long = tuple(constantFrom(...UNITS), made).map(([unit, length]) =>
    unit.repeat(Math.floor(length / unit.length)).padEnd(length, "a"),
  );
  return oneof(
    { withCrossShrink: true },
    { arbitrary: short, weight: 3 },
    { arbitrary: long, weight: 2 },
  );
}
