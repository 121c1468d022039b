import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import type { Subject } from "../subject.ts";
import { FURTHER, isFrame, longer, othersThan, Swept } from "../variants.ts";
import { type Outcome, outcomeOf } from "../vectors/outcome.ts";
import { demand } from "../violation.ts";

/** Maximum number and length of frames to sweep: each byte of each frame is changed a dozen times. */
const swept = new Swept(60, 96);

export const everyByteCounts: LawDefinition = defineLaw<[unknown]>({
  name: "every byte counts",
  why: "a byte that is ignored may be a checksum, count or trailer that is never checked: damaged frames pass as valid",
  runs: 1000,
  follows: ["round trip"],
  applies: ({ loose }) => !loose,
  cases: (subject) => [subject.values],
  test(subject, value) {
    const frame = subject.frame(value);
    if (frame === undefined || !swept.wants(subject, frame)) return;
    const ignores = subject.options.ignores ?? (() => false);
    const whole = outcomeOf(subject, frame);
    if (whole.error !== undefined) return;
    for (let at = 0; at < frame.length; at++) {
      if (!ignores(frame, at)) demandCounts(subject, frame, at, whole);
    }
    if (!ignores(frame, frame.length)) demandNothingFurther(subject, frame, whole);
    swept.add(subject, frame);
  },
});

const isSame = (subject: Subject, a: Outcome, b: Outcome): boolean =>
  a.error === b.error && subject.same(a.values, b.values);

function demandCounts(subject: Subject, frame: Uint8Array, at: number, whole: Outcome): void {
  const byte = frame[at]!;
  const changed = frame.slice();
  const others = othersThan(byte);
  for (const other of others) {
    changed[at] = other;
    if (!isSame(subject, outcomeOf(subject, changed), whole)) return;
  }
  const text = (): string =>
    `byte ${at} is ignored: with ${others.size} other bytes in its place the same value is read. If that is intended, ` +
    "use the option `ignores`";
  demand(false, text, { bytes: frame, cuts: [at] });
}

/** Requires that a frame with extra bytes, counted by its length, is refused or has another meaning. */
function demandNothingFurther(subject: Subject, frame: Uint8Array, whole: Outcome): void {
  const text = (): string =>
    "a frame with extra bytes at its end is read as the same value. If that is intended, use the option `ignores`";
  const ofZeros = isFramed(subject)
    ? longer(subject, frame, FURTHER[0])
    : appended(frame, FURTHER[0]);
  for (const zeros of ofZeros) {
    if (!isSame(subject, outcomeOf(subject, zeros), whole)) continue;
    const bytes = zeros.slice().fill(FURTHER[1], frame.length);
    if (!isFrame(subject, bytes) || !isSame(subject, outcomeOf(subject, bytes), whole)) continue;
    demand(false, text, { bytes, cuts: [frame.length] });
  }
}

const appended = (frame: Uint8Array, further: number): Uint8Array[] => [
  Uint8Array.of(...frame, further),
];
