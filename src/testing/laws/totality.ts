import { type Arbitrary, array, oneof, record, uint8Array } from "fast-check";
import { newScan, ProtocolError } from "../../core/index.ts";
import { bytes as anyBytes } from "../arbitraries/bytes.ts";
import { type Cuts, cutPositions, cuts, cutUp } from "../arbitraries/cuts.ts";
import { type Mutation, mutate, mutations } from "../arbitraries/mutated.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { type Outcome, readStream } from "../stream.ts";
import { joined, type Subject } from "../subject.ts";
import { changed, longer, Swept } from "../variants.ts";
import { demand } from "../violation.ts";

/** Damaged bytes may hold as many frames as bytes. */
const LONGEST = 2 ** 13;
/** Maximum number and length of frames with each byte changed. */
const swept = new Swept(16, 32);

type Junk =
  | { readonly junk: Uint8Array }
  | { readonly values: unknown[]; readonly steps: Mutation[] };

const junk: Arbitrary<{ junk: Uint8Array }> = record({
  junk: oneof(anyBytes({ max: 300 }), uint8Array({ maxLength: 24 })),
});

export const totality: LawDefinition = defineLaw<[Junk, Cuts, Uint8Array]>({
  name: "totality",
  why: "reading must end for any input of a peer, and each frame found in it must also be a frame on its own",
  runs: 1000,
  follows: ["measure equals length", "incomplete input", "no bare throws"],
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
    if ("junk" in given) return demandEnd(subject, joined([given.junk, behind]).bytes, spec);
    const { frames, bytes: all } = subject.write(given.values);
    const damaged = mutate(all.subarray(0, LONGEST), given.steps);
    demandEnd(subject, joined([damaged, behind]).bytes, spec);
    const [frame] = frames;
    if (frame === undefined || !swept.wants(subject, frame)) return;
    const [more = frame] = subject.framed
      ? longer(subject, frame, 0)
      : [Uint8Array.of(...frame, 0)];
    for (const all of new Set([frame, more])) {
      for (const bytes of changed(all)) demandEnd(subject, bytes, NO_CUTS);
    }
    swept.add(subject, frame);
  },
});

const NO_CUTS: Cuts = [];

/**
 * Requires that the bytes are read to an end, and that each frame found in them is a frame when it is
 * alone.
 */
function demandEnd(subject: Subject, bytes: Uint8Array, spec: Cuts): void {
  if (!subject.framed) {
    demandAnswer(subject, bytes);
    return;
  }
  const chunks = cutUp(bytes, cutPositions(spec, bytes.length, []));
  demandSelfConsistent(subject, bytes, readStream(subject, subject.reader(), chunks));
}

/** A codec without a framing may receive any bytes. */
function demandAnswer(subject: Subject, bytes: Uint8Array): void {
  try {
    subject.decode(subject.reader(), bytes, 0, bytes.length);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

/** A frame that was found must also be a frame when it is alone. */
function demandSelfConsistent(subject: Subject, bytes: Uint8Array, found: Outcome): void {
  if (subject.stateful) return;
  const { starts, ends } = found;
  for (const [i, end] of ends.entries()) {
    const start = starts[i]!;
    const alone = bytes.slice(start, end);
    const scan = newScan(end === bytes.length);
    const length = subject.measure(subject.reader(), alone, 0, end - start, scan);
    const text = (): string =>
      `a frame of ${end - start} bytes was found, but measure returns ${length} for it alone`;
    demand(length === end - start, text, { bytes, ends });
  }
}
