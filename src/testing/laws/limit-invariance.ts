import { array } from "fast-check";
import { encodeFrame } from "../../core/index.ts";
import { type Cuts, cutPositions, cuts, cutUp } from "../arbitraries/cuts.ts";
import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import { readStream } from "../stream.ts";
import { limited, type Subject, said, type Written } from "../subject.ts";
import { demand, type Evidence } from "../violation.ts";
import { inWords } from "./chunk-invariance.ts";

export const limitInvariance: LawDefinition = defineLaw<[unknown[], Cuts]>({
  name: "limit invariance",
  why: "both sides must agree on the longest frame, however it is cut: otherwise one side sends frames that the other refuses",
  follows: [
    "round trip",
    "measure equals length",
    "incomplete input",
    "resumed measure",
    "no overread",
    "offset independence",
  ],
  cases: (subject) => [array(subject.values, { minLength: 1, maxLength: 3 }), cuts],
  test(subject, values, spec) {
    const written = subject.write(values);
    if (!subject.loose) {
      for (const value of values) demandRefusalAboveLimit(subject, value, spec);
      demandReadable(subject, written);
    }
    const longest = Math.max(0, ...written.frames.map((frame) => frame.length));
    const at = written.frames.findIndex((frame) => frame.length === longest);
    if (longest < 2) return;
    demandWriter(subject, written.sent[at], longest);
    if (isFramed(subject)) demandReader(subject, written, longest, at, spec);
  },
});

/** Frames above the protocol's own limit must be neither written nor read. */
function demandRefusalAboveLimit(subject: Subject, value: unknown, spec: Cuts): void {
  const bytes = subject.unlimited(value);
  if (bytes === undefined || !subject.framed) return;
  const { maxFrame } = subject.reader();
  if (bytes.length <= maxFrame) return;
  const evidence: Evidence = { bytes };
  for (const positions of [[], cutPositions(spec, bytes.length, [])]) {
    const { code, ends } = readStream(subject, subject.reader(), cutUp(bytes, positions));
    demand(
      ends.length === 0 && code === "too-long",
      () =>
        `a frame of ${bytes.length} bytes, above maxFrame ${maxFrame}, ends with ` +
        `${code ?? "no error"} after ${ends.length} frames, not with too-long`,
      evidence,
    );
  }
}

/**
 * Frames that are written must be readable: a reader with a lower limit than its writer refuses valid
 * frames.
 */
function demandReadable(subject: Subject, { frames }: Written): void {
  const { maxFrame } = subject.reader();
  for (const bytes of frames) {
    const text = (): string =>
      `a frame of ${bytes.length} bytes is written, but the reader's maxFrame is ${maxFrame}`;
    demand(bytes.length <= maxFrame, text, { bytes });
  }
}

function demandWriter(subject: Subject, value: unknown, length: number): void {
  const write = (maxFrame: number): string => {
    try {
      return `${encodeFrame(limited(subject.writer(), maxFrame), value).length} bytes`;
    } catch (error) {
      return said(error).split(":")[0]!;
    }
  };
  const exact = write(length);
  const short = write(length - 1);
  demand(
    exact === `${length} bytes` && short === "unencodable",
    () => `a frame of ${length} bytes: with maxFrame ${length} ${exact}, with one less ${short}`,
  );
}

function demandReader(
  subject: Subject,
  { bytes, ends }: Written,
  longest: number,
  at: number,
  spec: Cuts,
): void {
  const before = ends.slice(0, at);
  for (const positions of [[], cutPositions(spec, bytes.length, ends)]) {
    const read = (maxFrame: number): string =>
      inWords(readStream(subject, limited(subject.reader(), maxFrame), cutUp(bytes, positions)));
    const exact = read(longest);
    const short = read(longest - 1);
    const evidence = { bytes, ends, cuts: positions };
    demand(
      exact === inWords({ ends, code: undefined }),
      () => `with maxFrame ${longest}, the length of the longest frame: ${exact}`,
      evidence,
    );
    demand(
      short === inWords({ ends: before, code: "too-long" }),
      () =>
        `with maxFrame ${longest - 1}, one less than the frame at byte ${before.at(-1) ?? 0}: ${short}`,
      evidence,
    );
  }
}
