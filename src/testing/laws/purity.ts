import { ProtocolError } from "../../core/index.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { equal } from "../equal.ts";
import { snapshot } from "../snapshot.ts";
import { type AnyProtocol, type Subject, sameBytes } from "../subject.ts";
import { demand, Violation } from "../violation.ts";

export const purity: LawDefinition = defineLaw<[unknown, unknown]>({
  name: "purity",
  why: "one protocol object serves all connections: state that it keeps between calls leaks into other connections",
  runs: 1000,
  cases: (subject) => [subject.values, subject.values],
  test(subject, a, b) {
    const before = snapshot(a);
    const frame = written(subject, a);
    demand(
      equal(before, a),
      () => "encode changed its argument",
      () => ({
        sides: [
          ["before", before],
          ["after", a],
        ],
      }),
    );
    const other = written(subject, b);
    if (frame === undefined || other === undefined) return;
    demandSameAgain(subject, a, b, frame);
    // Frames that cannot be read at all are left to other laws.
    for (const look of [demandUntouched, demandNoMemory]) {
      try {
        look(subject, frame, other);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }
  },
});

/** The frame of a value; undefined if it cannot be written. */
function written(subject: Subject, value: unknown): Uint8Array | undefined {
  try {
    return subject.frame(value);
  } catch (error) {
    if (error instanceof Violation) return undefined;
    throw error;
  }
}

function demandSameAgain(subject: Subject, a: unknown, b: unknown, frame: Uint8Array): void {
  // A stateful protocol may write another frame the second time, but not on another connection.
  const writer = subject.writer();
  if (!subject.stateful) subject.frame(b, writer);
  const again = subject.frame(a, writer);
  demand(
    again !== undefined && sameBytes(again, frame),
    () => "encode writes different bytes for the same value the second time",
    () => ({
      bytes: again,
      sides: [
        ["first", frame],
        ["second", again],
      ],
    }),
  );
}

function demandUntouched(subject: Subject, frame: Uint8Array): void {
  const input = frame.slice();
  const reader = subject.reader();
  if (subject.framed) subject.measure(reader, input, 0, input.length);
  subject.decode(reader, input, 0, input.length);
  demand(
    sameBytes(input, frame),
    () => "decode or measure changed its input bytes",
    () => ({
      bytes: input,
      sides: [
        ["before", frame],
        ["after", input],
      ],
    }),
  );
}

/** Alternates between two connections: the state of one must not affect the other. */
function demandNoMemory(subject: Subject, frame: Uint8Array, other: Uint8Array): void {
  const lengthOf = (reader: AnyProtocol, bytes: Uint8Array): number =>
    subject.measure(reader, bytes, 0, bytes.length);
  const evidence = { bytes: frame };
  const read = (): { alone: readonly unknown[]; received: readonly unknown[] } => {
    const fresh = subject.reader();
    if (subject.framed) lengthOf(fresh, frame);
    const values = snapshot(subject.decode(fresh, frame, 0, frame.length));
    const mine = subject.reader();
    const theirs = subject.reader();
    const demandLength = (reader: AnyProtocol, bytes: Uint8Array): void => {
      const length = lengthOf(reader, bytes);
      const known = lengthOf(subject.reader(), bytes);
      const text = (): string =>
        `measure returns ${length} for a frame after it read part of another frame, but ${known} otherwise`;
      demand(length === known, text, { bytes });
    };
    if (subject.framed) {
      for (const end of [1, frame.length >> 1]) {
        if (end > 0) subject.measure(mine, frame, 0, end);
        demandLength(theirs, other);
        demandLength(mine, frame);
      }
    }
    subject.decode(theirs, other, 0, other.length);
    return { alone: values, received: subject.decode(mine, frame, 0, frame.length) };
  };
  const { alone, received } = read();
  demand(
    subject.same(received, alone),
    () => "decode returns a different value after other frames were read",
    () => ({
      ...evidence,
      sides: [
        ["at first", alone],
        ["after others", received],
      ],
    }),
  );
}
