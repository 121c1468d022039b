import { array, option } from "fast-check";
import { type Cuts, cutPositions, cuts, cutUp } from "../arbitraries/cuts.ts";
import { type Mutation, mutate, mutations } from "../arbitraries/mutated.ts";
import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import { type Outcome, readStream } from "../stream.ts";
import type { Subject } from "../subject.ts";
import { demand } from "../violation.ts";

// Up to this length, each single cut is also tried.
const SMALL = 48;

export const chunkInvariance: LawDefinition = defineLaw<
  [unknown[], Cuts, readonly Mutation[] | null]
>({
  name: "chunk invariance",
  why: "a stream has no boundaries: any cuts must lead to the same frames, and bad bytes to the same error",
  runs: 100,
  follows: [
    "round trip",
    "measure equals length",
    "incomplete input",
    "no overread",
    "offset independence",
    "resumed measure",
    "append-only encode",
    "purity",
  ],
  applies: isFramed,
  cases: (subject) => [
    array(subject.values, { minLength: 1, maxLength: 4 }),
    cuts,
    option(mutations, { freq: 3 }),
  ],
  test(subject, values, spec, steps) {
    const { sent, bytes: good, ends } = subject.write(values);
    const bytes = steps === null ? good : mutate(good, steps);
    const whole = readStream(subject, subject.reader(), [bytes.slice()]);
    if (steps === null) demandAll(subject, whole, sent, ends, bytes);
    const tries = [cutPositions(spec, bytes.length, ends)];
    if (bytes.length <= SMALL) for (let at = 1; at < bytes.length; at++) tries.push([at]);
    for (const positions of tries) {
      const cut = readStream(subject, subject.reader(), cutUp(bytes, positions));
      demand(
        sameOutcome(subject, whole, cut),
        () => differenceInWords(whole, cut, steps !== null, positions.length + 1),
        () => ({
          bytes,
          cuts: positions,
          ends: steps === null ? ends : whole.ends,
          sides: [
            ["in one chunk", isAlike(whole, cut) ? whole.values.flat() : inWords(whole)],
            [
              `in ${positions.length + 1} chunks`,
              isAlike(whole, cut) ? cut.values.flat() : inWords(cut),
            ],
          ],
        }),
      );
    }
  },
});

function demandAll(
  subject: Subject,
  whole: Outcome,
  sent: readonly unknown[],
  ends: readonly number[],
  bytes: Uint8Array,
): void {
  const evidence = { bytes, ends };
  const text = (): string => `${sent.length} frames were written, but read as: ${inWords(whole)}`;
  demand(whole.code === undefined && whole.ends.join() === ends.join(), text, evidence);
  for (const [i, value] of sent.entries())
    subject.demandReceived(whole.values[i]!, value, evidence);
}

/** True if at most the values differ. */
const isAlike = (a: Outcome, b: Outcome): boolean =>
  a.code === b.code && a.ends.join() === b.ends.join();

function differenceInWords(
  whole: Outcome,
  cut: Outcome,
  isMutated: boolean,
  chunks: number,
): string {
  const what = isMutated ? "mutated bytes" : "the same bytes";
  if (isAlike(whole, cut))
    return `${what} in ${chunks} chunks are the same frames, but with different values`;
  return `${what} in one chunk: ${inWords(whole)}; in ${chunks}: ${inWords(cut)}`;
}

function sameOutcome(subject: Subject, a: Outcome, b: Outcome): boolean {
  return isAlike(a, b) && a.values.every((values, i) => subject.same(values, b.values[i]!));
}

/** @internal */
export function inWords({ ends, code }: Pick<Outcome, "ends" | "code">): string {
  const frames = ends.length === 0 ? "no frame" : `frames that end at ${ends.join(", ")}`;
  return `${frames}, then ${code ?? "a clean end"}`;
}
