import { Output } from "../../core/index.ts";
import { demand } from "../broken.ts";
import { type Rule, rule } from "../rule.ts";
import { joined, sameBytes } from "../subject.ts";

const BEFORE = Uint8Array.from({ length: 21 }, (_, i) => 0xd0 + i);

export const cleanOutput: Rule = rule<[unknown]>({
  name: "clean output",
  why: "frames are written one behind the other, so an encoder that writes at position 0 spoils the one before",
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
      evidence,
    );
  },
});
