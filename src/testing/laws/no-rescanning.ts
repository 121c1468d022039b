import { newScan, ProtocolError, type Scan } from "../../core/index.ts";
import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import type { AnyProtocol, Subject } from "../subject.ts";
import { demand } from "../violation.ts";

/** Bytes without an end that are looked at; and a third of them, where the end is hidden. */
const LONG = 3 * 1024;
const THIRD = LONG / 3;
const USUAL = [0x00, 0x20, 0x31, 0x61, 0xff];

/*
 * Work is not timed and cannot be counted, so a trap is laid: measure is shown a long beginning that does not tell
 * where the frame ends; then the end of a real frame is put into the middle of these bytes.
 *
 *   aaaaaaaaaaaaaaaaaaaa...<end of a frame>...aaaaaaaaaaaaaaaaaaaaaaa|a
 *   0                      1024               2048                 shown before
 *
 * A measure that goes on from `scan` does not find it. One that finds it searches everything again for each chunk.
 */
export const noRescanning: LawDefinition = defineLaw<[unknown]>({
  name: "no rescanning",
  why: "who searches a growing frame from its start for each chunk can be kept busy for hours by a peer that drips",
  applies: (subject) => isFramed(subject) && subject.reader().maxFrame > LONG,
  cases: (subject) => [subject.values],
  test(subject, value) {
    const frame = subject.frame(value);
    if (frame === undefined) return;
    const reader = subject.reader();
    for (const filler of new Set([...frame.subarray(0, 4), ...USUAL])) {
      const bytes = new Uint8Array(LONG).fill(filler);
      const scan = newScan();
      if (answer(subject, reader, bytes, LONG, newScan()) !== 0) continue;
      if (answer(subject, reader, bytes, LONG - 1, scan) !== 0) continue;
      bytes.set(frame.subarray(-THIRD), THIRD);
      if (answer(subject, reader, bytes, LONG, newScan()) === 0) continue;
      const again = answer(subject, reader, bytes, LONG, scan);
      demand(
        again === 0,
        () =>
          `after ${LONG - 1} bytes without an end, measure returns ${again}: ` +
          "it found an end in the middle of these, so it searches them again",
        { bytes },
      );
    }
  },
});

/** What measure answers; an error is an answer, too. */
function answer(
  subject: Subject,
  reader: AnyProtocol,
  bytes: Uint8Array,
  end: number,
  scan: Scan,
): number | string {
  try {
    return subject.measure(reader, bytes, 0, end, scan);
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}
