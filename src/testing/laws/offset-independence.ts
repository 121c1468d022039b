import { type Arbitrary, constantFrom, nat, option, record } from "fast-check";
import { ProtocolError } from "../../core/index.ts";
import { type Mutation, mutate, mutations } from "../arbitraries/mutated.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { type Subject, said } from "../subject.ts";
import { demand } from "../violation.ts";

interface Place {
  /** Number of bytes before the frame in its array. */
  readonly before: number;
  /** Number of bytes before the array in its buffer. */
  readonly outside: number;
  readonly behind: number;
  readonly poison: number;
}

const place: Arbitrary<Place> = record({
  before: nat(40),
  outside: nat(9),
  behind: nat(40),
  poison: constantFrom(0x00, 0xff, 0x0a, 0x31),
});

export const offsetIndependence: LawDefinition = defineLaw<
  [unknown, Place, readonly Mutation[] | null]
>({
  name: "offset independence",
  why: "a frame may be anywhere in a chunk, and a chunk anywhere in a buffer: only [start, end) is the frame",
  runs: 1000,
  large: true,
  follows: ["round trip", "no overread"],
  cases: (subject) => [subject.values, place, option(mutations, { freq: 2 })],
  test(subject, value, { before, outside, behind, poison }, steps) {
    const frame = subject.frame(value);
    if (frame === undefined) return;
    const bytes = steps === null ? frame : mutate(frame, steps);
    const { length } = bytes;
    // An empty frame needs no test.
    if (subject.framed && length === 0) return;
    const alone = look(subject, bytes, 0, length);
    const memory = new Uint8Array(outside + before + length + behind + outside).fill(poison);
    memory.set(bytes, outside + before);
    const view = memory.subarray(outside, memory.length - outside);
    const moved = look(subject, view, before, before + length);
    demand(
      alone.said === moved.said && subject.same(alone.values, moved.values),
      () =>
        `alone in its array: ${alone.said}; at offset ${before} of an array that begins at byte ${outside} of its ` +
        `buffer, among bytes ${poison}: ${moved.said}${alone.said === moved.said ? " again, but a different value" : ""}`,
      () => ({
        bytes,
        sides: [
          ["alone", one(alone)],
          ["moved", one(moved)],
        ],
      }),
    );
    if (steps === null) subject.demandReceived(moved.values, value, { bytes });
  },
});

interface Look {
  readonly said: string;
  readonly values: readonly unknown[];
}

const one = ({ said, values }: Look): unknown =>
  values.length === 0 ? said : values.length === 1 ? values[0] : values;

/** The result of reading bytes, with offsets counted from their start. */
function look(subject: Subject, bytes: Uint8Array, start: number, end: number): Look {
  const reader = subject.reader();
  try {
    const length = subject.framed ? subject.measure(reader, bytes, start, end) : end - start;
    if (length === 0 && subject.framed) return { said: "no length yet", values: [] };
    if (length < 0) return { said: `${-length} bytes to skip`, values: [] };
    if (length > end - start) return { said: `a frame of ${length} bytes`, values: [] };
    const values = subject.decode(reader, bytes, start, start + length);
    return { said: `a value in ${length} bytes`, values };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const at = error.offset === undefined ? "" : ` at byte ${error.offset - start}`;
    return { said: `${said(error).split(":")[0]}${at}`, values: [] };
  }
}
