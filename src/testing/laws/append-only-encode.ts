import { Output } from "../../core/index.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { joined, sameBytes } from "../subject.ts";
import { demand } from "../violation.ts";

const BEFORE = Uint8Array.from({ length: 21 }, (_, i) => 0xd0 + i);

export const appendOnlyEncode: LawDefinition = defineLaw<[unknown]>({
  name: "append-only encode",
  why: "frames are written one behind the other, so an encoder that writes at position 0 spoils the one before",
  runs: 1000,
  large: true,
  follows: ["purity"],
  ofEncode: true,
  cases: (subject) => [subject.values],
  test(subject, value) {
    const frame = subject.frame(value);
    if (frame === undefined) return;
    const out = new Output().bytes(BEFORE);
    subject.writer().encode(value, out);
    const bytes = out.take();
    const wanted = joined([BEFORE, frame]);
    const evidence = { bytes, ends: [BEFORE.length] };
    demand(
      sameBytes(bytes.subarray(0, BEFORE.length), BEFORE),
      () => "encode changed bytes that were in the output before",
      evidence,
    );
    demand(
      sameBytes(bytes, wanted.bytes),
      () =>
        `encode appended ${bytes.length - BEFORE.length} bytes behind others ` +
        `that are not the ${frame.length} it writes into an empty output`,
      () => ({
        ...evidence,
        sides: [
          ["into an empty output", frame],
          ["after others", bytes.subarray(BEFORE.length)],
        ],
      }),
    );
  },
});
