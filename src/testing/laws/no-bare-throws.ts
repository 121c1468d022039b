import { oneof, record, uint8Array } from "fast-check";
import { ProtocolError } from "../../core/index.ts";
import { bytes as anyBytes } from "../arbitraries/bytes.ts";
import { type Mutation, mutate, mutations } from "../arbitraries/mutated.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { readStream } from "../stream.ts";
import { type Subject, strictly } from "../subject.ts";
import { changed, resized, Swept } from "../variants.ts";
import { Violation } from "../violation.ts";

/** Maximum number and length of frames with each byte changed. */
const swept = new Swept(16, 32);

/** Damaged bytes may hold as many frames as bytes. */
const LONGEST = 2 ** 13;

type Given =
  | { readonly junk: Uint8Array }
  | { readonly value: unknown; readonly steps: Mutation[] };

export const noBareThrows: LawDefinition = defineLaw<[Given]>({
  name: "no bare throws",
  why: "a connection survives any error of a codec, but reports it as malformed bytes: a bug looks like a bad peer",
  runs: 500,
  cases: (subject) => [
    oneof(
      record({ junk: oneof(anyBytes({ max: 300 }), uint8Array({ maxLength: 24 })) }),
      record({ value: subject.values, steps: mutations.map((steps) => [...steps]) }),
    ),
  ],
  test(given, value) {
    const subject = strictly(given);
    if ("junk" in value) return read(subject, value.junk);
    const frame = given.frame(value.value);
    if (frame === undefined) return;
    read(subject, frame);
    if (frame.length <= LONGEST) read(subject, mutate(frame, value.steps));
    if (!swept.wants(given, frame)) return;
    for (const bytes of changed(frame)) read(subject, bytes);
    for (const bytes of resized(given, frame)) read(subject, bytes);
    for (let end = 1; end < frame.length; end++) read(subject, frame.subarray(0, end));
    swept.add(given, frame);
  },
});

/** Throws a Violation if a codec throws an error other than a ProtocolError. */
function read(subject: Subject, bytes: Uint8Array): void {
  try {
    readAll(subject, bytes);
  } catch (error) {
    // Other laws report an invalid length.
    if (!(error instanceof Violation) || error.cause !== undefined) throw error;
  }
}

function readAll(subject: Subject, bytes: Uint8Array): void {
  const reader = subject.reader();
  if (subject.framed) {
    readStream(subject, reader, [bytes.slice()]);
    return;
  }
  if (bytes.length > reader.maxFrame) return;
  try {
    subject.decode(reader, bytes, 0, bytes.length);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}
