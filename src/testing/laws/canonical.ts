import { option } from "fast-check";
import { encodeFrame, ProtocolError } from "../../core/index.ts";
import { type Mutation, mutate, mutations } from "../arbitraries/mutated.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { shown } from "../show.ts";
import { type Subject, said, sameBytes } from "../subject.ts";
import { changed, Swept } from "../variants.ts";
import { toHex } from "../vectors/portable.ts";
import { Violation } from "../violation.ts";

/**
 * Maximum number of other spellings in the notes, and maximum length of a frame for changing each of its
 * bytes.
 */
const MOST_NOTES = 8;
const swept = new Swept(16, 32);

export const canonical: LawDefinition = defineLaw<[unknown, readonly Mutation[] | null]>({
  name: "canonical",
  why: "if each value has exactly one encoding (for hashes, signatures or comparisons), no other bytes may be accepted",
  runs: 1000,
  follows: ["round trip"],
  ofEncode: true,
  applies: ({ options, loose }) =>
    options.canonical === true ||
    // Values that are read in a different form than they are written cannot be written again.
    (options.canonical === undefined &&
      !loose &&
      options.reader === undefined &&
      options.expected === undefined),
  cases: (subject) => [subject.values, option(mutations, { freq: 6 })],
  test(subject, value, steps) {
    const frame = subject.frame(value);
    if (frame === undefined) return;
    look(subject, steps === null ? frame : mutate(frame, steps));
    if (!swept.wants(subject, frame)) return;
    for (const bytes of changed(frame)) look(subject, bytes);
    swept.add(subject, frame);
  },
});

/**
 * Requires that bytes are the encoding of the value read from them. If other spellings are allowed, adds a
 * note instead.
 */
function look(subject: Subject, given: Uint8Array): void {
  const isLaw = subject.options.canonical === true;
  if (!isLaw && subject.notes.length >= MOST_NOTES) return;
  const bytes = firstFrame(subject, given);
  if (bytes === undefined) return;
  const accepted = acceptedValue(subject, bytes);
  if (accepted === undefined) return;
  let again: Uint8Array | undefined;
  let words = "other bytes";
  try {
    again = encodeFrame(subject.writer(), accepted.value).slice();
  } catch (error) {
    words = said(error);
  }
  if (again !== undefined && sameBytes(again, bytes)) return;
  if (isLaw) {
    const text = `these bytes are accepted, but their value encodes to ${words}`;
    throw new Violation(text, {
      bytes: bytes.slice(),
      ...(again && { sides: [["accepted", bytes.slice()] as const, ["encoded", again] as const] }),
    });
  }
  if (again !== undefined && again.length <= LONGEST_NOTE)
    note(subject, bytes, again, accepted.value);
}

const LONGEST_NOTE = 24;
/** The spellings noted so far: one of each kind, by the first byte that differs. */
const noted = new WeakMap<Subject, Set<string>>();

function note(subject: Subject, bytes: Uint8Array, again: Uint8Array, value: unknown): void {
  let at = 0;
  while (at < again.length && again[at] === bytes[at]) at++;
  const keys = noted.get(subject) ?? new Set<string>();
  noted.set(subject, keys);
  const key = `${at} ${Math.sign(bytes.length - again.length)}`;
  if (keys.has(key) || bytes.length > 2 * LONGEST_NOTE) return;
  keys.add(key);
  subject.notes.push(
    `${toHex(bytes)} is read as ${shown(value, 60)}, which is written as ${toHex(again)}`,
  );
}

/** The bytes of the first frame alone: a changed length may have made it shorter. */
function firstFrame(subject: Subject, bytes: Uint8Array): Uint8Array | undefined {
  if (!subject.framed) return bytes;
  try {
    const length = subject.measure(subject.reader(), bytes, 0, bytes.length);
    return length > 0 && length <= bytes.length ? bytes.subarray(0, length) : undefined;
  } catch {
    return undefined;
  }
}

/** The value of bytes that are exactly one frame. */
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
