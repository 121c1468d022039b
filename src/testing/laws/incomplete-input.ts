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
      // Alone in its memory, and with the rest of the frame right behind, which must not be looked at.
      const [alone, cut] = subject.readBack(evidence, () => [
        subject.measure(reader, frame.slice(0, end), 0, end),
        subject.measure(reader, frame, 0, end),
      ]);
      const text = (answer: number): string =>
        `of the first ${end} of ${frame.length} bytes measure says ${answer}`;
      demand(alone === 0 || alone === frame.length, () => text(alone), evidence);
      demand(
        alone === cut,
        () => `${text(alone)}; when the rest lies behind end, ${cut}: it reads past end`,
        evidence,
      );
      demand(
        known === 0 || alone === known,
        () => `${text(alone)}, and knew better before`,
        evidence,
      );
      known = alone;
    }
  },
});
