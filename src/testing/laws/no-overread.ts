import { option } from "fast-check";
import { ProtocolError } from "../../core/index.ts";
import { type Mutation, mutate, mutations } from "../arbitraries/mutated.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import type { Subject } from "../subject.ts";
import { changed, isFrame, resized, Swept } from "../variants.ts";
import { demand } from "../violation.ts";

/** Number of bytes after the frame: the largest error of a one-byte length. */
const MARGIN = 300;
/** Bytes after the frame in each decode but the first, in which the array ends with the frame. */
const FILLERS = [0xff, 0x00, 0x0a, 0x31] as const;
/** Maximum number and length of frames with each byte changed. */
const swept = new Swept(16, 32);

export const noOverread: LawDefinition = defineLaw<[unknown, readonly Mutation[] | null]>({
  name: "no overread",
  why: "the bytes after a frame belong to the next one, or to another peer: no value may depend on them",
  runs: 500,
  follows: ["measure equals length"],
  cases: (subject) => [subject.values, option(mutations, { freq: 2 })],
  test(subject, value, steps) {
    const frame = subject.frame(value);
    if (frame === undefined) return;
    demandInside(subject, steps === null ? frame : mutate(frame, steps));
    if (!swept.wants(subject, frame)) return;
    const few = FILLERS.slice(0, 2);
    for (const bytes of changed(frame)) demandInside(subject, bytes, few);
    for (const bytes of resized(subject, frame)) demandInside(subject, bytes, few);
    swept.add(subject, frame);
  },
});

/** Requires that `decode` returns or throws the same for a frame, valid or not, whatever follows it. */
function demandInside(
  subject: Subject,
  frame: Uint8Array,
  fillers: readonly number[] = FILLERS,
): void {
  if (subject.framed && (frame.length === 0 || !isFrame(subject, frame))) return;
  const alone = outcome(subject, frame.slice(), frame.length);
  const memory = new Uint8Array(frame.length + MARGIN);
  memory.set(frame);
  for (const filler of fillers) {
    memory.fill(filler, frame.length);
    const among = outcome(subject, memory, frame.length);
    const isSame = among.error === alone.error && subject.same(among.values, alone.values);
    demand(
      isSame,
      () => `decode looks past end: bytes ${filler} after the frame change its value`,
      () => ({
        bytes: frame,
        sides: [
          ["nothing after it", alone.error ?? one(alone.values)],
          [`bytes ${filler} after it`, among.error ?? one(among.values)],
        ],
      }),
    );
  }
}

const one = (values: readonly unknown[]): unknown => (values.length === 1 ? values[0] : values);

interface Outcome {
  readonly values: readonly unknown[];
  readonly error: string | undefined;
}

function outcome(subject: Subject, bytes: Uint8Array, end: number): Outcome {
  try {
    return { values: subject.decode(subject.reader(), bytes, 0, end), error: undefined };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { values: [], error: `${error.code} at byte ${error.offset ?? "?"}` };
  }
}
