import { newScan, type OwnScan, ProtocolError, type Scan } from "../../core/index.ts";
import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import type { AnyProtocol, Subject } from "../subject.ts";
import { demand } from "../violation.ts";

/*
 * Time is not measured. Each frame arrives in STEPS chunks, and for each call of `measure` the law finds
 * out how many bytes the call reads:
 *
 *   aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|aaa
 *       xxxxxxxxxxxxxxxxxxxxxxx                        |
 *   0   HEAD                                           before, end
 *
 * Bytes that an earlier call has seen are overwritten: first all from HEAD on, then parts of them. If the
 * result and the scan stay the same, the call reads none of these bytes. Every call receives the scan and
 * the object that earlier calls for this frame left: a protocol may store its progress in `at`, `state`,
 * `count`, `memo`, or in itself.
 */

const STEPS = 32;
/** Bytes at the beginning that each call may read, to find the kind of frame. */
const HEAD = 16;
/** Further bytes that each call may read again: the beginning of a number, or of a short line. */
const SPARE = 24;
/** Number of times that each byte may be read. */
const MOST_LOOKED = 3;
/** Parts of at most this many bytes are not divided further. */
const GRAIN = 8;
/** Frames with an end that fewer bytes determine are not tested. */
const LEAST = 128;
/** Length of a long input without an end, which is also tested. */
const LONG = 3 * 1024;
const USUAL = [0x00, 0x20, 0x31, 0x61, 0xff];
/** Number of frames for which each of these bytes is tried: they differ only in the overwritten bytes. */
const ENOUGH = 3;
/** Number of long frames to test. */
const ENOUGH_FRAMES = 15;
const FRAMES = -1;
/** For each subject, the number of frames that passed, and the number for each byte. */
const passed = new WeakMap<Subject, Map<number, number>>();

export const noRescanning: LawDefinition = defineLaw<[unknown]>({
  name: "no rescanning",
  why: "a peer that sends a long frame in small pieces can keep a program busy for hours if each piece causes all earlier bytes to be read again",
  follows: ["measure equals length", "incomplete input"],
  applies: isFramed,
  cases: (subject) => [subject.values],
  test(subject, value) {
    const frame = subject.frame(value);
    if (frame === undefined) return;
    const held = passed.get(subject) ?? new Map<number, number>();
    passed.set(subject, held);
    const demandOnce = (bytes: Uint8Array, key: number, enough: number): void => {
      const times = held.get(key) ?? 0;
      if (times < enough && demandLinear(subject, bytes, frame)) held.set(key, times + 1);
    };
    demandOnce(frame, FRAMES, ENOUGH_FRAMES);
    for (const filler of new Set([...frame.subarray(0, 4), ...USUAL])) {
      demandOnce(new Uint8Array(LONG).fill(filler), filler, ENOUGH);
    }
  },
});

/**
 * Requires that `bytes` are read at most three times while they do not determine the end of the frame.
 *
 * @returns false if too few of them determine the end, so nothing can be said
 */
function demandLinear(subject: Subject, bytes: Uint8Array, frame: Uint8Array): boolean {
  const size = undecided(subject, bytes);
  if (size < LEAST) return false;
  const step = Math.ceil(size / STEPS);
  let drip: Drip = { ends: [], scan: newScan() };
  let looked = 0;
  for (let end = step; end <= size; end += step) {
    const { scan, answer } = goOn(subject, bytes, drip, end);
    // A measure that stores its progress reports that the frame is over, or too long.
    if (answer !== 0 || scan.at > size) return true;
    // Already enough to break the law: the other calls do not matter.
    if (looked > MOST_LOOKED * size + STEPS * SPARE) break;
    looked += end - (drip.ends.at(-1) ?? 0) + lookedAgain(subject, bytes, frame, drip, end);
    drip = { ends: [...drip.ends, end], scan };
    // The next call follows only when this many bytes are available.
    while (end + step < scan.at) end += step;
  }
  const { ends } = drip;
  demand(
    looked <= MOST_LOOKED * size + STEPS * SPARE,
    () =>
      `of a frame that arrives in ${ends.length} pieces of ${step} bytes, measure reads ${looked} bytes or more ` +
      `before it knows the end, although only ${size} arrive: it starts again for each piece. ` +
      "Store its progress in `scan.at`, and other state in `state`, `count` and `memo`",
    // The first pieces are enough: all others are similar.
    { bytes: bytes.subarray(0, size), cuts: ends.slice(0, 2) },
  );
  return true;
}

/** Number of bytes that do not determine the end of the frame; 0 if fewer than LEAST bytes determine it. */
function undecided(subject: Subject, bytes: Uint8Array): number {
  const nothing: Drip = { ends: [], scan: newScan() };
  const isOpen = (end: number): boolean => goOn(subject, bytes, nothing, end).answer === 0;
  let most = Math.min(bytes.length, subject.reader().maxFrame - 1);
  if (most < LEAST || !isOpen(LEAST)) return 0;
  // Once the end is determined, it stays so.
  let least = LEAST;
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (isOpen(middle)) least = middle;
    else most = middle - 1;
  }
  return least;
}

/**
 * Number of bytes after HEAD that earlier calls have seen and that the call at `end` reads again. A walk
 * from length to length reads only a few of many bytes, so each part is tested separately.
 */
function lookedAgain(
  subject: Subject,
  bytes: Uint8Array,
  frame: Uint8Array,
  drip: Drip,
  end: number,
): number {
  const before = drip.ends.at(-1) ?? 0;
  if (before <= HEAD) return 0;
  const plain = goOn(subject, bytes, drip, end);
  const isBlind = (from: number, to: number): boolean => {
    for (const forged of forgeries(bytes, frame, from, to)) {
      const { scan, answer } = goOn(subject, bytes, drip, end, forged);
      if (answer !== plain.answer || !isSame(scan, plain.scan)) return false;
    }
    return true;
  };
  const grain = Math.max(GRAIN, before >> 5);
  const seen = (from: number, to: number): number => {
    if (isBlind(from, to)) return 0;
    if (to - from <= grain) return to - from;
    const middle = (from + to) >> 1;
    return seen(from, middle) + seen(middle, to);
  };
  return seen(HEAD, before);
}

/** Compares everything except `memo`, which only the protocol understands. */
const isSame = (a: Scan, b: Scan): boolean =>
  a.at === b.at && a.state === b.state && a.count === b.count;

/**
 * The same bytes with other content in `[from, to)`: ends and beginnings of frames, and bytes of all kinds.
 */
function* forgeries(
  bytes: Uint8Array,
  frame: Uint8Array,
  from: number,
  to: number,
): Generator<Uint8Array> {
  const length = to - from;
  const forged = bytes.slice();
  const part = forged.subarray(from, to);
  const tail = frame.subarray(-length);
  part.set(tail, length - tail.length);
  yield forged;
  part.set(frame.subarray(0, length));
  yield forged;
  part.set(frame.subarray(-Math.min(length, 4)));
  yield forged;
  for (const byte of [0x00, 0x0a, 0x31, 0xff]) yield forged.fill(byte, from, to);
}

/** Calls of `measure` for one frame. */
interface Drip {
  /** Number of bytes that each call received. */
  readonly ends: readonly number[];
  /** The scan after these calls. */
  readonly scan: OwnScan;
}

/**
 * Continues with `forged` after earlier calls; starts again from the first call if the state that they
 * left, in an object or in the protocol itself, cannot be copied.
 */
function goOn(
  subject: Subject,
  bytes: Uint8Array,
  drip: Drip,
  end: number,
  forged: Uint8Array = bytes,
): { readonly scan: OwnScan; readonly answer: number | string } {
  const reader = subject.reader();
  if (!subject.stateful && drip.scan.memo === undefined) {
    const scan = { ...drip.scan };
    return { scan, answer: ask(subject, reader, forged, end, scan) };
  }
  const scan = newScan();
  for (const shown of drip.ends) ask(subject, reader, bytes, shown, scan);
  return { scan, answer: ask(subject, reader, forged, end, scan) };
}

function ask(
  subject: Subject,
  reader: AnyProtocol,
  bytes: Uint8Array,
  end: number,
  scan: OwnScan,
): number | string {
  try {
    return subject.measure(reader, bytes, 0, end, scan);
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}
