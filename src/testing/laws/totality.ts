import { type Arbitrary, array, oneof, record, uint8Array } from "fast-check";
import { newScan, ProtocolError } from "../../core/index.ts";
import { bytes as anyBytes } from "../arbitraries/bytes.ts";
import { type Cuts, cutPositions, cuts, cutUp } from "../arbitraries/cuts.ts";
import { type Mutation, mutate, mutations } from "../arbitraries/mutated.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { type Outcome, readStream } from "../stream.ts";
import { joined, type Subject } from "../subject.ts";
import { demand } from "../violation.ts";

type Junk =
  | { readonly junk: Uint8Array }
  | { readonly values: unknown[]; readonly steps: Mutation[] };

const junk: Arbitrary<{ junk: Uint8Array }> = record({
  junk: oneof(anyBytes({ max: 300 }), uint8Array({ maxLength: 24 })),
});

export const totality: LawDefinition = defineLaw<[Junk, Cuts, Uint8Array]>({
  name: "totality",
  why: "whatever a peer sends ends in a value or a ProtocolError, and nothing else",
  cases: (subject) => [
    oneof(
      junk,
      record({
        values: array(subject.values, { minLength: 1, maxLength: 3 }),
        steps: mutations.map((steps) => [...steps]),
      }),
    ),
    cuts,
    uint8Array({ maxLength: 6 }),
  ],
  test(subject, given, spec, behind) {
    const input =
      "junk" in given ? given.junk : mutate(subject.write(given.values).bytes, given.steps);
    const { bytes } = joined([input, behind]);
    if (!subject.framed) return demandAnswer(subject, bytes);
    const positions = cutPositions(spec, bytes.length, []);
    const chunks = cutUp(bytes, positions);
    demandSelfConsistent(subject, bytes, readStream(subject, subject.reader(), chunks));
  },
});

/** A codec without framing may be given anything. */
function demandAnswer(subject: Subject, bytes: Uint8Array): void {
  try {
    subject.decode(subject.reader(), bytes, 0, bytes.length);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

/** A frame that was found is a frame when it is alone, too. */
function demandSelfConsistent(subject: Subject, bytes: Uint8Array, found: Outcome): void {
  if (subject.stateful) return;
  const { starts, ends } = found;
  for (const [i, end] of ends.entries()) {
    const start = starts[i]!;
    const alone = bytes.slice(start, end);
    const scan = newScan(end === bytes.length);
    const length = subject.measure(subject.reader(), alone, 0, end - start, scan);
    const text = (): string =>
      `a frame of ${end - start} bytes was found, of which measure says ${length} when it is alone`;
    demand(length === end - start, text, { bytes, ends });
  }
}
