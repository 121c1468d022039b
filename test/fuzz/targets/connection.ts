import { type MessageProtocol, utf8 } from "../../../src/core/index.ts";
import { lengthPrefixed, lines, perMessage } from "../../../src/framing/index.ts";
import type { Target } from "../check.ts";
import { runProgram, type Talk } from "../program.ts";

const maxFrame = 40;
const line = lines({ maxFrame }).wrap(utf8());
const short = lengthPrefixed({ width: 1, maxFrame }).wrap(utf8());
/** Several values in a frame: its words. */
const sentences: MessageProtocol<string> = {
  ...line,
  decodeMany: (bytes, start, end) => line.decode(bytes, start, end).split(" "),
};

const talks: readonly Talk[] = [
  { name: "lines, then lengths, in a stream", boundary: "stream", protocols: [line, short] },
  { name: "words of lines in a stream", boundary: "stream", protocols: [sentences, line] },
  {
    name: "messages without framing",
    boundary: "message",
    protocols: [perMessage({ maxFrame }).wrap(utf8()), line],
  },
  { name: "frames in messages", boundary: "message", protocols: [short, sentences] },
];

const text = (words: string): number[] => Array.from(words, (letter) => letter.charCodeAt(0));

export const target: Target = {
  cases: talks.map(({ name }) => name),
  fuzz(data) {
    const talk = talks[(data[0] ?? 0) % talks.length]!;
    runProgram(talk, data.subarray(1));
  },
  seeds: () =>
    talks.flatMap((_, i) =>
      [
        // Open, two lines, an answer, the end.
        [0x0e, 0x60, ...text("hello\n"), 0x40, ...text("x y\n"), 0x34, 0x08, 0x09],
        // Lengths in a pause, a full sink, a close.
        [0x0e, 0x02, 0x50, 4, ...text("hell"), 0x0b, 0x34, 0x35, 0x03, 0x06, 0x08, 0x0a],
        // From inside of a handler: pause, another protocol, close.
        [0x0e, 0x2d, 0x50, ...text("a b\n"), 3, 0xfd, 0x03, 0x6d, 0x30, ...text("c\nd")],
        // Time, an error, a loss.
        [0x0e, 0xfc, 0xfc, 0x20, 0xff, 0x0a, 0x1a, 0x17],
      ].map((program) => Uint8Array.of(i, ...program)),
    ),
};
