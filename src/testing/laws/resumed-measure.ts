import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import { demand } from "../violation.ts";
import { places, somePlaces } from "./places.ts";

export const resumedMeasure: LawDefinition = defineLaw<[unknown, number[]]>({
  name: "resumed measure",
  why: "the hint says how much was searched in vain: it may save work, never change the answer (a delimiter cut in two)",
  applies: isFramed,
  cases: (subject) => [subject.values, somePlaces],
  test(subject, value, some) {
    const frame = subject.frame(value);
    if (frame === undefined) return;
    const reader = subject.reader();
    const ends = places(1, frame.length, some);
    const ask = (end: number, seen: number): number =>
      subject.readBack({ bytes: frame, cuts: [seen, end] }, () =>
        subject.measure(reader, frame, 0, end, seen),
      );
    for (const [i, seen] of ends.entries()) {
      if (ask(seen, 0) !== 0) return;
      // The next bytes, all the rest, and one place further on.
      for (const end of new Set([ends[i + 1], ends[2 * i + 3], frame.length])) {
        if (end === undefined || end <= seen) continue;
        const plain = ask(end, 0);
        const hinted = ask(end, seen);
        demand(
          hinted === plain,
          () =>
            `of the first ${end} bytes measure says ${plain}, ` +
            `but ${hinted} when told that ${seen} of them were seen before`,
          { bytes: frame, cuts: [seen, end] },
        );
      }
    }
  },
});
