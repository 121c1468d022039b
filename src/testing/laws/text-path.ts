import { boolean, constant, oneof } from "fast-check";
import { decodeUtf8, Output, ProtocolError, readsText, writesText } from "../../core/index.ts";
import { type Mutation, mutate, mutations } from "../arbitraries/mutated.ts";
import { defineLaw, type LawDefinition } from "../define-law.ts";
import { type AnyProtocol, type Subject, sameBytes, sidesOf } from "../subject.ts";
import { demand } from "../violation.ts";

/** Text before and after a frame in a chunk. */
const AROUND = '{"a":1}\n';

// biome-ignore lint/suspicious/noControlCharactersInRegex: it matches control characters
const CONTROL = /[\u0000-\u001f\u007f]/;

export const textPath: LawDefinition = defineLaw<[unknown, readonly Mutation[], boolean]>({
  name: "text path",
  why: "connections may call `decodeText` and `encodeText` instead of `decode` and `encode`, so both must agree",
  runs: 1000,
  follows: ["round trip"],
  applies: (subject) => readsText(subject.reader()) || writesText(subject.writer()),
  cases: (subject) => [subject.values, oneof(constant([]), mutations), boolean()],
  test(subject, value, changes, isWide) {
    const frame = subject.frame(value);
    if (writesText(subject.writer())) demandSameBytes(subject, value, frame);
    if (frame === undefined || !readsText(subject.reader())) return;
    demandSameValue(subject, mutate(frame, changes), isWide);
  },
});

function demandSameBytes(subject: Subject, value: unknown, frame: Uint8Array | undefined): void {
  let text: string;
  try {
    text = subject.writer().encodeText!(value);
  } catch {
    // `encode` is called instead.
    return;
  }
  // Too long for a frame; another law tests this.
  if (frame === undefined) return;
  const bytes = new Output().utf8(text).take();
  demand(
    sameBytes(bytes, frame),
    () => "encodeText returns different text than encode writes",
    () => ({
      bytes,
      sides: [
        ["encode", frame],
        ["encodeText", bytes],
      ],
    }),
  );
  const isFree = subject.framed || !CONTROL.test(text);
  demand(isFree, () => "encodeText of a payload returns control characters", { bytes });
}

/** Tests one frame, valid or not. */
function demandSameValue(subject: Subject, bytes: Uint8Array, isWide: boolean): void {
  const reader = subject.reader();
  let frame: string;
  try {
    if (subject.framed && subject.measure(reader, bytes, 0, bytes.length) !== bytes.length) return;
    frame = decodeUtf8(bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return;
    throw error;
  }
  const before = isWide ? `"é世"${AROUND}` : AROUND;
  const value = attempt(() =>
    reader.decodeText!(before + frame + AROUND, before.length, before.length + frame.length),
  );
  // If decodeText throws, the connection decodes the bytes.
  if (value === undefined) return;
  const wanted = decoded(subject, subject.reader(), bytes);
  const isSame = wanted !== undefined && subject.same(wanted, [value.value]);
  const text = (): string =>
    `decodeText returns a value, but decode ${wanted === undefined ? "throws" : "returns a different one"}`;
  demand(isSame, text, () => ({
    bytes,
    ...(wanted !== undefined && sidesOf(wanted, [value.value])),
  }));
}

function attempt(run: () => unknown): { readonly value: unknown } | undefined {
  try {
    return { value: run() };
  } catch {
    return undefined;
  }
}

function decoded(
  subject: Subject,
  reader: AnyProtocol,
  bytes: Uint8Array,
): readonly unknown[] | undefined {
  try {
    return subject.decode(reader, bytes, 0, bytes.length);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
