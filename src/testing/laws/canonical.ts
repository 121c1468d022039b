import { option } from "fast-check";
import { encodeFrame, ProtocolError } from "../../core/index.ts";
import { type Mutation, mutate, mutations } from "../arbitraries/mutated.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { type Subject, said, sameBytes } from "../subject.ts";
import { demand } from "../violation.ts";

export const canonical: LawDefinition = defineLaw<[unknown, readonly Mutation[] | null]>({
  name: "canonical",
  why: "where each value has one encoding (to be hashed, signed or compared), no other bytes may be accepted",
  applies: ({ options }) => options.canonical === true,
  cases: (subject) => [subject.values, option(mutations, { freq: 6 })],
  test(subject, value, steps) {
    const frame = subject.frame(value);
    if (frame === undefined) return;
    const bytes = steps === null ? frame : mutate(frame, steps);
    const accepted = acceptedValue(subject, bytes);
    if (accepted === undefined) return;
    let again: Uint8Array | undefined;
    let words = "other bytes";
    try {
      again = encodeFrame(subject.writer(), accepted.value);
    } catch (error) {
      words = said(error);
    }
    const text = (): string => `these bytes are accepted, but encoding their value gives ${words}`;
    demand(again !== undefined && sameBytes(again, bytes), text, { bytes });
  },
});

/** The one value of bytes that are exactly one frame. */
function acceptedValue(subject: Subject, bytes: Uint8Array): { value: unknown } | undefined {
  const reader = subject.reader();
  try {
    if (subject.framed) {
      if (bytes.length === 0) return undefined;
      if (subject.measure(reader, bytes, 0, bytes.length) !== bytes.length) return undefined;
    }
    const values = subject.decode(reader, bytes, 0, bytes.length);
    return values.length === 1 ? { value: values[0] } : undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
