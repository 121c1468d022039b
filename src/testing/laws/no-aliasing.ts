import { array } from "fast-check";
import { ProtocolError } from "../../core/index.ts";
import { type Mutation, mutate, mutations } from "../arbitraries/mutated.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { snapshot } from "../snapshot.ts";
import { sidesOf } from "../subject.ts";
import { demand } from "../violation.ts";

export const noAliasing: LawDefinition = defineLaw<[unknown[], readonly Mutation[]]>({
  name: "no aliasing",
  why: "receivers keep values: a value must not change when the next frame is decoded into the same memory",
  runs: 500,
  follows: ["round trip", "purity"],
  cases: (subject) => [array(subject.values, { minLength: 2, maxLength: 5 }), mutations],
  test(subject, values, steps) {
    const { sent, frames } = subject.write(values);
    const reader = subject.reader();
    const copies: (readonly unknown[])[] = [];
    const kept = frames.map((frame) => {
      const values = subject.readBack({ bytes: frame }, () =>
        subject.decode(reader, frame, 0, frame.length),
      );
      copies.push(snapshot(values));
      return values;
    });
    for (const [i, copy] of copies.entries()) {
      const text = (): string =>
        `value ${i + 1} of ${sent.length} changed when later frames were decoded`;
      demand(subject.same(kept[i]!, copy), text, () => ({
        bytes: frames[i],
        ...sidesOf(copy, kept[i]!),
      }));
    }
    for (const [i, value] of sent.entries()) {
      const text = (): string =>
        `value ${i + 1} of ${sent.length} changed (or was wrong from the start) when later frames were decoded`;
      demand(subject.same(kept[i]!, subject.expected(value)), text, () => ({
        bytes: frames[i],
        ...sidesOf(subject.expected(value), kept[i]!),
      }));
    }
    // Writing and bad input also use scratch memory.
    for (const frame of frames) {
      subject.frame(sent[0]);
      const bad = mutate(frame, steps);
      try {
        if (!subject.framed) subject.decode(subject.reader(), bad, 0, bad.length);
        else if (bad.length > 0) subject.measure(subject.reader(), bad, 0, bad.length);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }
    for (const [i, value] of sent.entries()) {
      const text = (): string =>
        `value ${i + 1} of ${sent.length} changed when others were written`;
      demand(subject.same(kept[i]!, subject.expected(value)), text, () => ({
        bytes: frames[i],
        ...sidesOf(subject.expected(value), kept[i]!),
      }));
    }
  },
});
