import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import { demand } from "../violation.ts";
import { places, somePlaces } from "./places.ts";

export const incompleteInput: LawDefinition = defineLaw<[unknown, number[]]>({
  name: "incomplete input",
  why: "a socket delivers any beginning of a frame first: measure must wait, or already know the final length",
  follows: ["no bare throws", "measure equals length"],
  applies: isFramed,
  cases: (subject) => [subject.values, somePlaces],
  test(subject, value, some) {
    const frame = subject.frame(value);
    if (frame === undefined) return;
    const reader = subject.reader();
    let known = 0;
    for (const end of places(1, frame.length - 1, some)) {
      const evidence = { bytes: frame, cuts: [end] };
      // Once alone in its memory, and once followed by the rest of the frame, which must not be read.
      const [alone, cut] = subject.readBack(evidence, () => [
        subject.measure(reader, frame.slice(0, end), 0, end),
        subject.measure(reader, frame, 0, end),
      ]);
      const text = (answer: number): string =>
        `for the first ${end} of ${frame.length} bytes, measure returns ${answer}`;
      demand(alone === 0 || alone === frame.length, () => text(alone), evidence);
      demand(
        alone === cut,
        () => `${text(alone)}; if the rest follows after end, ${cut}: it reads past end`,
        evidence,
      );
      demand(
        known === 0 || alone === known,
        () => `${text(alone)}, but returned ${known} for fewer bytes`,
        evidence,
      );
      known = alone;
    }
  },
});
