import { array } from "fast-check";
import { decodeAll, encodeAll } from "../../core/index.ts";
import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import { sameBytes } from "../subject.ts";
import { demand } from "../violation.ts";

export const concatenation: LawDefinition = defineLaw<[unknown[]]>({
  name: "concatenation",
  why: "a stream is a sequence of frames: nothing between them, and no frame depends on the previous one",
  follows: [
    "round trip",
    "measure equals length",
    "append-only encode",
    "no overread",
    "offset independence",
    "purity",
  ],
  applies: isFramed,
  cases: (subject) => [array(subject.values, { maxLength: 4 })],
  test(subject, values) {
    const { sent, bytes, ends } = subject.write(values);
    const evidence = { bytes, ends };
    demand(
      sameBytes(encodeAll(subject.writer(), sent), bytes),
      () => "encodeAll does not write the same frames as encodeFrame one by one",
      evidence,
    );
    const received = subject.readBack(evidence, () => decodeAll(subject.reader(), bytes));
    const expected = sent.flatMap((value) => [...subject.expected(value)]);
    demand(
      subject.same(received, expected),
      () =>
        `${expected.length} values were written; the ${received.length} received ones are different`,
      () => ({
        ...evidence,
        sides: [
          ["written", expected],
          ["received", received],
        ],
      }),
    );
  },
});
