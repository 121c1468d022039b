import { Output } from "../../core/index.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { joined, sameBytes } from "../subject.ts";
import { demand } from "../violation.ts";

const BEFORE = Uint8Array.from({ length: 21 }, (_, i) => 0xd0 + i);

export const appendOnlyEncode: LawDefinition = defineLaw<[unknown]>({
  name: "append-only encode",
  why: "frames are written one after the other, so an encoder that writes at position 0 overwrites the previous frame",
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
      () => "encode changed earlier bytes of the output",
      evidence,
    );
    demand(
      sameBytes(bytes, wanted.bytes),
      () =>
        `encode appended ${bytes.length - BEFORE.length} bytes after others, ` +
        `which differ from the ${frame.length} that it writes into an empty output`,
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
