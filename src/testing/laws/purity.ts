import { ProtocolError } from "../../core/index.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { equal } from "../equal.ts";
import { snapshot } from "../snapshot.ts";
import { type AnyProtocol, type Subject, sameBytes } from "../subject.ts";
import { demand, Violation } from "../violation.ts";

export const purity: LawDefinition = defineLaw<[unknown, unknown]>({
  name: "purity",
  why: "one protocol object serves every connection: what it keeps between calls, or changes, leaks into others",
  runs: 1000,
  cases: (subject) => [subject.values, subject.values],
  test(subject, a, b) {
    const before = snapshot(a);
    const frame = written(subject, a);
    demand(
      equal(before, a),
      () => "encode changed the value that it was given",
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
    // Frames that are not read at all are for other laws.
    for (const look of [demandUntouched, demandNoMemory]) {
      try {
        look(subject, frame, other);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }
  },
});

/** The frame of a value, if it can be written. */
function written(subject: Subject, value: unknown): Uint8Array | undefined {
  try {
    return subject.frame(value);
  } catch (error) {
    if (error instanceof Violation) return undefined;
    throw error;
  }
}

function demandSameAgain(subject: Subject, a: unknown, b: unknown, frame: Uint8Array): void {
  // A stateful protocol may well write another frame the second time, but not on another connection.
  const writer = subject.writer();
  if (!subject.stateful) subject.frame(b, writer);
  const again = subject.frame(a, writer);
  demand(
    again !== undefined && sameBytes(again, frame),
    () => "encode gives other bytes for the same value the second time",
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
    () => "decode or measure changed the bytes that it was given",
    () => ({
      bytes: input,
      sides: [
        ["before", frame],
        ["after", input],
      ],
    }),
  );
}

/** Two connections in turn: what one has seen must not show in the other. */
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
        `measure says ${length} of a frame, after a look at part of another frame; ${known} without`;
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
    () => "decode gives another value after others were read",
    () => ({
      ...evidence,
      sides: [
        ["at first", alone],
        ["after others", received],
      ],
    }),
  );
}
