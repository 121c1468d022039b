import type { Equal } from "./equal-mutants.ts";

/**
 * Mutants that change nothing but speed, or a value that no one can observe. A mutant belongs here only if no test can
 * tell it from the source: not if it changes an error, a text, memory that is held, or how often a user's function is
 * called.
 */
export const EQUAL: readonly Equal[] = [
  {
    file: "base64.ts",
    line: "for (let i = 0, at = 0; i < text.length; i++) {",
    change: "i < text.length -> i <= text.length",
    reason: "after the last group nothing is stored, whatever is added to the bits",
  },
  {
    file: "go-json.ts",
    line: "while (end > 0 && isSpace(text.charCodeAt(end - 1))) end--;",
    change: "end > 0 -> end >= 0",
    reason: "the character before the first one is NaN, which is no space",
  },
  {
    file: "host.ts",
    line: "for (let i = 0; i < text.length; i++) {",
    change: "i < text.length -> i <= text.length",
    reason: "the character after the last one is NaN, which has no further byte",
  },
  {
    file: "memory.ts",
    line: "if (end - start > 64) {",
    change: "64 -> (64 + 1)",
    reason: "65 bytes are copied by a call or by hand",
  },
  {
    file: "memory.ts",
    line: "if (end - start > 64) {",
    change: "end - start > 64 -> end - start >= 64",
    reason: "64 bytes are copied by a call or by hand",
  },
  {
    file: "output.ts",
    line: "if (length > 8) this.#slab.set(given, at);",
    change: "length > 8 -> length >= 8",
    reason: "eight bytes are copied by a call or by hand",
  },
  {
    file: "output.ts",
    line: "if (length > 8) this.#slab.set(given, at);",
    change: "8 -> (8 + 1)",
    reason: "nine bytes are copied by a call or by hand",
  },
  {
    file: "output.ts",
    line: "if (length > 8) this.#slab.set(given, at);",
    change: "length > 8 -> length <= 8",
    reason: "bytes are copied by a call or by hand",
  },
  {
    file: "output.ts",
    line: "if (length > 8) this.#slab.set(given, at);",
    change: "length > 8 -> true",
    reason: "bytes are copied by a call or by hand",
  },
  {
    file: "output.ts",
    line: "if (length > 8) this.#slab.set(given, at);",
    change: "length > 8 -> false",
    reason: "bytes are copied by a call or by hand",
  },
  {
    file: "output.ts",
    line: "if (end - start > 16) slab.fill(0, start, end);",
    change: "end - start -> end + start",
    reason: "bytes are cleared by a call or by hand",
  },
  {
    file: "output.ts",
    line: "if (end - start > 16) slab.fill(0, start, end);",
    change: "end - start > 16 -> end - start >= 16",
    reason: "bytes are cleared by a call or by hand",
  },
  {
    file: "output.ts",
    line: "if (end - start > 16) slab.fill(0, start, end);",
    change: "end - start > 16 -> end - start <= 16",
    reason: "bytes are cleared by a call or by hand",
  },
  {
    file: "output.ts",
    line: "if (end - start > 16) slab.fill(0, start, end);",
    change: "end - start > 16 -> true",
    reason: "bytes are cleared by a call or by hand",
  },
  {
    file: "output.ts",
    line: "if (end - start > 16) slab.fill(0, start, end);",
    change: "end - start > 16 -> false",
    reason: "bytes are cleared by a call or by hand",
  },
  {
    file: "output.ts",
    line: "if (end - start > 16) slab.fill(0, start, end);",
    change: "16 -> (16 + 1)",
    reason: "bytes are cleared by a call or by hand",
  },
  {
    file: "output.ts",
    line: "for (; rest > 0x7fffffff; rest = Math.floor(rest / 0x80)) this.u8((rest % 0x80) | 0x80);",
    change: "rest > 0x7fffffff -> rest >= 0x7fffffff",
    reason: "2 ** 31 - 1 is divided by an operator of numbers or of 32-bit integers",
  },
  {
    file: "splitter.ts",
    line: "protected used = 0;",
    change: "0 -> (0 + 1)",
    reason: "the empty slab has no room from either place, so the next bytes get a new one",
  },
  {
    file: "splitter.ts",
    line: "this.used = 0;",
    change: "0 -> (0 + 1)",
    reason: "the empty slab has no room from either place, so the next bytes get a new one",
  },
  {
    file: "splitter.ts",
    line: "const wanted = this.whole > 0 ? this.whole - have : this.step(have);",
    change: "0 -> (0 + 1)",
    reason:
      "a frame of one byte is complete with its first byte, and never needs more of a further chunk",
  },
  {
    file: "checksums.ts",
    line: "table ??= tableOf((i) => step8(i << 24, (value) => (value << 1) ^ (value < 0 ? high : 0)));",
    change:
      "table ??= tableOf((i) => step8(i << 24, (value) => (value << 1) ^ (value < 0 ? high : 0))) -> table = tableOf((i) => step8(i << 24, (value) => (value << 1) ^ (value < 0 ? high : 0)))",
    reason: "the same table is computed anew",
  },
  {
    file: "frames.ts",
    line: "if (length < 0) {",
    change: "length < 0 -> length <= 0",
    reason: "at the end of the input a length is never 0: that is an error",
  },
  {
    file: "utf8.ts",
    line: "if (units.length >= RUN) {",
    change: "units.length >= RUN -> units.length > RUN",
    reason: "one more character is converted at a time",
  },
  {
    file: "utf8.ts",
    line: "if (end - start <= SHORT && bytes[start]! > 0x7f) return decodePlain(bytes, start, end);",
    change: "bytes[start]! > 0x7f -> bytes[start]! >= 0x7f",
    reason: "a short text is decoded by the host or by a loop, which agree",
  },
  {
    file: "utf8.ts",
    line: "if (end - start <= SHORT && bytes[start]! > 0x7f) return decodePlain(bytes, start, end);",
    change: "end - start <= SHORT -> end - start < SHORT",
    reason: "a short text is decoded by the host or by a loop, which agree",
  },
  {
    file: "utf8.ts",
    line: "if (end - start <= SHORT && bytes[start]! > 0x7f) return decodePlain(bytes, start, end);",
    change: "end - start -> end + start",
    reason: "a short text is decoded by the host or by a loop, which agree",
  },
  {
    file: "utf8.ts",
    line: "if (end - start <= SHORT && bytes[start]! > 0x7f) return decodePlain(bytes, start, end);",
    change: "0x7f -> (0x7f + 1)",
    reason: "a short text is decoded by the host or by a loop, which agree",
  },
];
