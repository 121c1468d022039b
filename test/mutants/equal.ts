import type { Equal } from "./equal-mutants.ts";

/** Tables of `connection/option-names.ts`: the compiler needs their values, the program reads only their names. */
const namesOnly = (line: string, count: number): readonly Equal[] =>
  Array.from({ length: count }, (_, nth) => ({
    file: "connection/option-names.ts",
    line,
    change: "true -> false",
    nth,
    reason: "the values are not read",
  }));

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
  {
    file: "connection/live.ts",
    line: "#counted = 0;",
    change: "0 -> (0 + 1)",
    reason: "a connection costs at least 8 KiB, so its first cost differs from either",
  },
  {
    file: "connection/live.ts",
    line: "if (cost === this.#counted) return;",
    change: "cost === this.#counted -> false",
    reason: "the budget itself ignores a cost that has not changed",
  },
  {
    file: "connection/live.ts",
    line: "this.#counted = cost;",
    change: "this.#counted = cost; -> ;",
    reason: "the budget itself ignores a cost that has not changed",
  },
  {
    file: "connection/live.ts",
    line: "if (!out.isSending) return false;\nif (this.#trace !== undefined) {",
    change: "this.#trace !== undefined -> true",
    reason: "nothing is told without a trace",
  },
  {
    file: "connection/live.ts",
    line: 'if (this.#trace !== undefined) this.#tell({ type: "received", bytes });',
    change: "this.#trace !== undefined -> true",
    reason: "nothing is told without a trace",
  },
  {
    file: "connection/incoming.ts",
    line: "#turnStart = 0;",
    change: "0 -> (0 + 1)",
    reason: "the first bytes begin a turn and a round, which set it",
  },
  {
    file: "connection/incoming.ts",
    line: "#turnFirst = 0;",
    change: "0 -> (0 + 1)",
    reason: "the first bytes begin a turn and a round, which set it",
  },
  {
    file: "connection/incoming.ts",
    line: "#roundFirst = 0;",
    change: "0 -> (0 + 1)",
    reason: "the first bytes begin a turn and a round, which set it",
  },
  {
    file: "connection/incoming.ts",
    line: "#roundBytes = 0;",
    change: "0 -> (0 + 1)",
    reason: "the first bytes begin a turn and a round, which set it",
  },
  {
    file: "connection/incoming.ts",
    line: "#askedAt = 0;",
    change: "0 -> (0 + 1)",
    reason: "the first bytes begin a turn and a round, which set it",
  },
  {
    file: "connection/incoming.ts",
    line: "#value = 0;",
    change: "0 -> (0 + 1)",
    reason: "it is set with the values of a frame; without them both are outside of the array",
  },
  {
    file: "connection/incoming.ts",
    line: "#frameCost = 0;",
    change: "0 -> (0 + 1)",
    reason: "it is set with the values of a frame, and not read without them",
  },
  {
    file: "connection/incoming.ts",
    line: "let step = 0;",
    change: "0 -> (0 + 1)",
    reason: "it is set before anything can throw",
  },
  {
    file: "connection/incoming.ts",
    line: "let isDry = false;",
    change: "false -> true",
    reason: "it stays only if the connection has ended, when nothing is paused or resumed any more",
  },
  {
    file: "connection/incoming.ts",
    line: "this.#fulfilled ??= () => this.#settled();",
    change: "this.#fulfilled ??= () => this.#settled() -> this.#fulfilled = () => this.#settled()",
    reason: "another function does the same",
  },
  {
    file: "connection/incoming.ts",
    line: "this.#rejected ??= (error) => this.#settled({ error });",
    change:
      "this.#rejected ??= (error) => this.#settled({ error }) -> this.#rejected = (error) => this.#settled({ error })",
    reason: "another function does the same",
  },
  {
    file: "connection/incoming.ts",
    line: 'const result = message(connection, value);\nif (typeof result === "object" && result !== null) this.#await(result);',
    change: 'typeof result === "object" && result !== null -> true',
    reason: "#await looks itself whether it is a promise",
  },
  {
    file: "connection/incoming.ts",
    line: 'const result = message(connection, value);\nif (typeof result === "object" && result !== null) this.#await(result);',
    change:
      'typeof result === "object" && result !== null -> typeof result === "object" || result !== null',
    reason: "#await looks itself whether it is a promise",
  },
  {
    file: "connection/incoming.ts",
    line: 'const result = (message as (connection: unknown, value: Out) => unknown)(connection, value);\nif (typeof result === "object" && result !== null) this.#await(result);',
    change: 'typeof result === "object" && result !== null -> true',
    reason: "#await looks itself whether it is a promise",
  },
  {
    file: "connection/incoming.ts",
    line: 'const result = (message as (connection: unknown, value: Out) => unknown)(connection, value);\nif (typeof result === "object" && result !== null) this.#await(result);',
    change:
      'typeof result === "object" && result !== null -> typeof result === "object" || result !== null',
    reason: "#await looks itself whether it is a promise",
  },
  {
    file: "connection/outbox.ts",
    line: "#isText = false;",
    change: "false -> true",
    reason: "it is set for the first protocol before it is read",
  },
  {
    file: "connection/outbox.ts",
    line: "#drains = 0;",
    change: "0 -> (0 + 1)",
    reason: "only the difference from an earlier count is read",
  },
  {
    file: "connection/outbox.ts",
    line: "#written = 0;",
    change: "0 -> (0 + 1)",
    reason: "only the difference from an earlier count is read",
  },
  {
    file: "connection/outbox.ts",
    line: "this.#known = protocol;",
    change: "this.#known = protocol; -> ;",
    reason: "the same answer is found anew for each frame",
  },
  {
    file: "connection/chunk-text.ts",
    line: "#wideAt = 0;",
    change: "0 -> (0 + 1)",
    reason: "it is set with the text of a chunk, before it is read",
  },
  {
    file: "connection/chunk-text.ts",
    line: "#byteAt = 0;",
    change: "0 -> (0 + 1)",
    reason: "it is set with the text of a chunk, before it is read",
  },
  {
    file: "connection/chunk-text.ts",
    line: "if (this.#wide !== undefined) {",
    change: "this.#wide !== undefined -> true",
    reason: "the error is caught there, and the bytes are decoded all the same",
  },
  {
    file: "connection/deadlines.ts",
    line: "#frameAt = -1;",
    change: "1 -> (1 + 1)",
    reason: "positions in a stream are never negative",
  },
  {
    file: "connection/deadlines.ts",
    line: "this.#frameAt = -1;",
    change: "1 -> (1 + 1)",
    reason: "positions in a stream are never negative",
  },
  {
    file: "connection/deadlines.ts",
    line: "#held = 0;",
    change: "0 -> (0 + 1)",
    reason: "it is set when the time for sending begins, and not read before",
  },
  {
    file: "connection/incoming.ts",
    line: ": text.decode(protocol, reader as OwnSplitter);\nif (this.#isTolerant) reader.accept();",
    change: "this.#isTolerant -> true",
    reason: "without a policy there is nothing to accept",
  },
  {
    file: "connection/incoming.ts",
    line: "}\nif (this.#isTolerant) reader.accept();",
    change: "this.#isTolerant -> true",
    reason: "without a policy there is nothing to accept",
  },
  ...namesOnly("...{ context: true, open: true, message: true, drain: true, end: true },", 5),
  ...namesOnly("...{ error: true, skipped: true, close: true },", 3),
  ...namesOnly("...{ highWater: true, maxQueued: true, concurrency: true },", 3),
  ...namesOnly("...{ firstMessageTimeout: true, frameTimeout: true, idleTimeout: true },", 3),
  ...namesOnly("...{ sendTimeout: true, closeTimeout: true, endTimeout: true, turn: true },", 4),
  ...namesOnly(
    "...{ handlerErrors: true, onInvalid: true, clock: true, signal: true, trace: true },",
    5,
  ),
  {
    file: "splitter.ts",
    line: "const isFirst = from === 0 && this.whole > 0;",
    change: "from === 0 && this.whole > 0 -> from === 0 || this.whole > 0",
    reason: "more of the chunk is copied than is needed, and overwritten later",
  },
  {
    file: "splitter.ts",
    line: "const isFirst = from === 0 && this.whole > 0;",
    change: "this.whole > 0 -> this.whole <= 0",
    reason: "more or less of the chunk is copied than is needed, and overwritten later",
  },
  {
    file: "utf8.ts",
    line: "for (; at + 4 <= end; at += 4) {",
    change: "at + 4 <= end -> at + 4 < end",
    reason: "the last four bytes are decoded at once or one by one",
  },
  {
    file: "json-fault.ts",
    line: 'if (end < 0) return fault("expected a value");',
    change: "end < 0 -> end <= 0",
    reason: "a value has a character, so its end is never 0",
  },
];
