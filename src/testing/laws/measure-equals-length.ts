import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import { joined } from "../subject.ts";
import { demand } from "../violation.ts";

const BEHIND = [new Uint8Array(0), new Uint8Array(40), new Uint8Array(40).fill(0xff)];

export const measureEqualsLength: LawDefinition = defineLaw<[unknown]>({
  name: "measure equals length",
  why: "a length that is off by one puts every later frame out of step",
  runs: 1000,
  large: true,
  applies: isFramed,
  cases: (subject) => [subject.values],
  test(subject, value) {
    const frame = subject.frame(value);
    if (frame === undefined) return;
    for (const behind of [...BEHIND, frame]) {
      const { bytes, ends } = joined([frame, behind]);
      const evidence = { bytes, ends };
      const length = subject.readBack(evidence, () =>
        subject.measure(subject.reader(), bytes, 0, bytes.length),
      );
      const more = behind.length > 0 ? ` with ${behind.length} bytes after it` : "";
      const text = (): string =>
        `measure returns ${length} for a frame of ${frame.length} bytes${more}`;
      demand(length === frame.length, text, evidence);
    }
  },
});
