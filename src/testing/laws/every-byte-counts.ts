import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import type { Subject } from "../subject.ts";
import { type Outcome, outcomeOf } from "../vectors/outcome.ts";
import { demand } from "../violation.ts";

/** Frames that are swept, and how long they may be: each byte of each is changed a dozen times. */
const FRAMES = 60;
const LONGEST = 96;
/** Where lengths, signs, texts and delimiters turn into others. */
const TELLING = [0x00, 0x01, 0x02, 0x0a, 0x20, 0x30, 0x7f, 0x80, 0xfe, 0xff];
/** What further bytes in a frame are: no white space, and no end of anything. */
const FURTHER = [0x00, 0xaa];
/** A length that says so many more. */
const MOST_FURTHER = 4;

const swept = new WeakMap<Subject, Set<string>>();

export const everyByteCounts: LawDefinition = defineLaw<[unknown]>({
  name: "every byte counts",
  why: "a byte that nobody looks at is a checksum, a count or a trailer that is not checked: damaged frames pass for good ones",
  applies: ({ loose }) => !loose,
  cases: (subject) => [subject.values],
  test(subject, value) {
    const frame = subject.frame(value);
    if (frame === undefined || frame.length > LONGEST) return;
    const seen = swept.get(subject) ?? new Set<string>();
    swept.set(subject, seen);
    const key = String(frame);
    if (seen.size >= FRAMES || seen.has(key)) return;
    const ignores = subject.options.ignores ?? (() => false);
    const whole = outcomeOf(subject, frame);
    if (whole.error !== undefined) return;
    for (let at = 0; at < frame.length; at++) {
      if (!ignores(frame, at)) demandCounts(subject, frame, at, whole);
    }
    if (!ignores(frame, frame.length)) demandNothingFurther(subject, frame, whole);
    seen.add(key);
  },
});

const isSame = (subject: Subject, a: Outcome, b: Outcome): boolean =>
  a.error === b.error && subject.same(a.values, b.values);

function demandCounts(subject: Subject, frame: Uint8Array, at: number, whole: Outcome): void {
  const byte = frame[at]!;
  const changed = frame.slice();
  const others = new Set([...TELLING, byte ^ 0x01, byte ^ 0x80, (byte + 1) & 0xff]);
  others.delete(byte);
  for (const other of others) {
    changed[at] = other;
    if (!isSame(subject, outcomeOf(subject, changed), whole)) return;
  }
  const text = (): string =>
    `byte ${at} does not count: with ${others.size} others in its place the same value is read. If that is right, ` +
    "say so in the option `ignores`";
  demand(false, text, { bytes: frame, cuts: [at] });
}

/** Demands that a frame with further bytes in it, which its length counts, is refused or means something else. */
function demandNothingFurther(subject: Subject, frame: Uint8Array, whole: Outcome): void {
  const isIgnored = (longer: (further: number) => Uint8Array): boolean =>
    FURTHER.every((further) => isSame(subject, outcomeOf(subject, longer(further)), whole));
  const text = (): string =>
    "a frame with further bytes at its end is read as the same value. If that is right, say so in the option `ignores`";
  if (!isFramed(subject)) {
    const longer = (further: number): Uint8Array => Uint8Array.of(...frame, further);
    if (isIgnored(longer))
      demand(false, text, { bytes: longer(FURTHER[1]!), cuts: [frame.length] });
    return;
  }
  for (let at = 0; at < frame.length; at++) {
    for (let count = 1; count <= MOST_FURTHER; count++) {
      const longer = (further: number): Uint8Array => {
        const bytes = Uint8Array.of(...frame, ...Array<number>(count).fill(further));
        bytes[at] = frame[at]! + count;
        return bytes;
      };
      const isOne = (bytes: Uint8Array): boolean => lengthOf(subject, bytes) === bytes.length;
      if (frame[at]! + count > 0xff || !isOne(longer(FURTHER[0]!))) continue;
      const bytes = longer(FURTHER[1]!);
      if (isIgnored(longer)) demand(false, text, { bytes, cuts: [frame.length] });
    }
  }
}

function lengthOf(subject: Subject, bytes: Uint8Array): number | undefined {
  try {
    return subject.measure(subject.reader(), bytes, 0, bytes.length);
  } catch {
    return undefined;
  }
}
