import { array } from "fast-check";
import { newScan, Splitter } from "../../core/index.ts";
import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import { Strict } from "../stream.ts";
import { type AnyProtocol, type Subject, said } from "../subject.ts";
import { demand } from "../violation.ts";
import { places, somePlaces } from "./places.ts";

export const truncation: LawDefinition = defineLaw<[unknown[], number[]]>({
  name: "truncation",
  why: "a peer that fails in the middle of a frame must not look like one that finished normally",
  runs: 60,
  follows: ["measure equals length", "incomplete input", "resumed measure"],
  applies: isFramed,
  cases: (subject) => [array(subject.values, { minLength: 1, maxLength: 3 }), somePlaces],
  test(subject, values, some) {
    const { bytes, ends } = subject.write(values);
    let start = 0;
    for (const [i, end] of ends.entries()) {
      for (const cut of places(start + 1, end, some)) {
        const got = endAt(subject, subject.reader(), bytes, cut);
        const rest =
          cut === end ? cut - start : lastFrame(subject, subject.reader(), bytes, start, cut);
        const whole = rest > 0 ? i + 1 : i;
        const wanted = `${whole} frames, then ${rest === 0 ? "truncated" : "a clean end"}`;
        demand(
          got.text === wanted,
          () => `the stream ends after ${cut} of ${bytes.length} bytes: ${got.said}, not ${wanted}`,
          { bytes, cuts: [cut], ends },
        );
      }
      start = end;
    }
  },
});

/**
 * Length of the last frame, if the framing accepts or skips bytes because the input ends with them; else 0.
 * It is 0 for a framing that ignores `scan.ended`.
 */
function lastFrame(
  subject: Subject,
  reader: AnyProtocol,
  bytes: Uint8Array,
  start: number,
  cut: number,
): number {
  const length = subject.measure(reader, bytes, start, cut, newScan(true));
  return Math.abs(length) === cut - start ? length : 0;
}

/** The result if the stream ends after `cut` bytes. */
function endAt(
  subject: Subject,
  reader: AnyProtocol,
  bytes: Uint8Array,
  cut: number,
): { text: string; said: string } {
  const strict = new Strict(subject, reader);
  const splitter = new Splitter(strict);
  let frames = 0;
  let end = "a clean end";
  let words = end;
  try {
    splitter.push(bytes.slice(0, cut));
    while (splitter.next()) frames++;
    splitter.finish();
    while (splitter.next()) frames++;
  } catch (error) {
    strict.check();
    words = said(error);
    end = words.split(":")[0]!;
  }
  return { text: `${frames} frames, then ${end}`, said: `${frames} frames, then ${words}` };
}
