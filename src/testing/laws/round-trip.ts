import { defineLaw, type LawDefinition } from "../define-law.ts";
import { demand } from "../violation.ts";

export const roundTrip: LawDefinition = defineLaw<[unknown]>({
  name: "round trip",
  why: "the receiver must get exactly the value that was sent",
  runs: 1000,
  follows: ["purity"],
  large: true,
  ofEncode: true,
  cases: (subject) => [subject.values],
  test(subject, value) {
    const bytes = subject.frame(value);
    if (bytes === undefined) return;
    const evidence = { bytes };
    const received = subject.readBack(evidence, () =>
      subject.decode(subject.reader(), bytes, 0, bytes.length),
    );
    subject.demandReceived(received, value, evidence);
    const reader = subject.reader();
    if (reader.decodeMany === undefined || received.length !== 1) return;
    const alone = subject.readBack(evidence, () => reader.decode(bytes, 0, bytes.length));
    const text = (): string => "decode and decodeMany do not agree on a frame with one value";
    demand(subject.same([alone], received), text, () => ({
      ...evidence,
      sides: [
        ["decode", alone],
        ["decodeMany", received[0]],
      ],
    }));
  },
});
