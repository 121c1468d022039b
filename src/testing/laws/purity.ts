import { defineLaw, type LawDefinition } from "../define-law.ts";
import { equal } from "../equal.ts";
import { snapshot } from "../snapshot.ts";
import { type AnyProtocol, type Subject, sameBytes } from "../subject.ts";
import { demand } from "../violation.ts";

export const purity: LawDefinition = defineLaw<[unknown, unknown]>({
  name: "purity",
  why: "one protocol object serves every connection: what it keeps between calls, or changes, leaks into others",
  cases: (subject) => [subject.values, subject.values],
  test(subject, a, b) {
    const before = snapshot(a);
    const frame = subject.frame(a);
    demand(equal(before, a), () => "encode changed the value that it was given");
    const other = subject.frame(b);
    if (frame === undefined || other === undefined) return;
    demandSameAgain(subject, a, b, frame);
    demandUntouched(subject, frame);
    demandNoMemory(subject, a, frame, other);
  },
});

function demandSameAgain(subject: Subject, a: unknown, b: unknown, frame: Uint8Array): void {
  // A stateful protocol may well write another frame the second time, but not on another connection.
  const writer = subject.writer();
  if (!subject.stateful) subject.frame(b, writer);
  const again = subject.frame(a, writer);
  demand(
    again !== undefined && sameBytes(again, frame),
    () => "encode gives other bytes for the same value the second time",
    { bytes: again },
  );
}

function demandUntouched(subject: Subject, frame: Uint8Array): void {
  const input = frame.slice();
  const reader = subject.reader();
  subject.readBack({ bytes: frame }, () => {
    if (subject.framed) subject.measure(reader, input, 0, input.length);
    subject.decode(reader, input, 0, input.length);
  });
  demand(sameBytes(input, frame), () => "decode or measure changed the bytes that it was given", {
    bytes: input,
  });
}

/** Two connections in turn: what one has seen must not show in the other. */
function demandNoMemory(
  subject: Subject,
  sent: unknown,
  frame: Uint8Array,
  other: Uint8Array,
): void {
  const mine = subject.reader();
  const theirs = subject.reader();
  const demandLength = (reader: AnyProtocol, bytes: Uint8Array): void => {
    const length = subject.measure(reader, bytes, 0, bytes.length);
    const text = (): string =>
      `measure says ${length} of a frame of ${bytes.length} bytes, after a look at part of another frame`;
    demand(length === bytes.length, text, { bytes });
  };
  const received = subject.readBack({ bytes: frame }, () => {
    if (subject.framed) {
      for (const end of [1, frame.length >> 1]) {
        if (end > 0) subject.measure(mine, frame, 0, end);
        demandLength(theirs, other);
        demandLength(mine, frame);
      }
    }
    subject.decode(theirs, other, 0, other.length);
    return subject.decode(mine, frame, 0, frame.length);
  });
  subject.demandReceived(received, sent, { bytes: frame });
}
