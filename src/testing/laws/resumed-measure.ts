import { newScan, type OwnScan } from "../../core/index.ts";
import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import { demand } from "../violation.ts";
import { places, somePlaces } from "./places.ts";

export const resumedMeasure: LawDefinition = defineLaw<[unknown, number[]]>({
  name: "resumed measure",
  why: "the state that measure keeps in scan saves work; it must never change the result (a delimiter cut in two)",
  follows: ["measure equals length", "incomplete input"],
  applies: isFramed,
  cases: (subject) => [subject.values, somePlaces],
  test(subject, value, some) {
    const frame = subject.frame(value);
    if (frame === undefined) return;
    const reader = subject.reader();
    const ends = places(1, frame.length, some);
    const ask = (before: number, end: number, scan: OwnScan): number =>
      subject.readBack({ bytes: frame, cuts: [before, end] }, () =>
        subject.measure(reader, frame, 0, end, scan),
      );
    for (const [i, before] of ends.entries()) {
      // The next bytes, all the rest, and one place in between.
      for (const end of new Set([ends[i + 1], ends[2 * i + 3], frame.length])) {
        if (end === undefined || end <= before) continue;
        const scan = newScan();
        if (ask(before, before, scan) !== 0) return;
        const plain = ask(before, end, newScan());
        const waits = scan.at > end && plain === 0;
        const resumed = waits ? 0 : ask(before, end, scan);
        demand(
          resumed === plain,
          () =>
            `for the first ${end} bytes measure returns ${plain}, ` +
            `but ${resumed} if it continues after the first ${before} of them`,
          { bytes: frame, cuts: [before, end] },
        );
      }
    }
  },
});
