import { encodeFrame } from "../../core/index.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { sameBytes } from "../subject.ts";
import { demand, Violation } from "../violation.ts";

export const refusal: LawDefinition = defineLaw<[unknown, unknown]>({
  name: "refusal",
  why: "a value that cannot be written faithfully must not be written at all: the peer could not detect the error",
  runs: 1000,
  ofEncode: true,
  applies: ({ options }) => options.refused !== undefined,
  cases: (subject) => [subject.options.refused!, subject.values],
  test(subject, bad, good) {
    const before = subject.frame(good);
    let written: Uint8Array | undefined;
    try {
      written = encodeFrame(subject.writer(), bad).slice();
    } catch {
      // As required.
    }
    if (written !== undefined) {
      const text = `encode wrote ${written.length} bytes for a value that it must refuse`;
      throw new Violation(text, { bytes: written });
    }
    const after = subject.frame(good);
    if (before === undefined || after === undefined) return;
    const text = (): string => "after a refused value, encode writes different bytes than before";
    demand(sameBytes(before, after), text, () => ({
      bytes: after,
      sides: [
        ["before it", before],
        ["after it", after],
      ],
    }));
  },
});
