import type { Subject } from "./subject.ts";

/** Bytes at the limits of lengths, signs, texts and delimiters. */
const TELLING = [0x00, 0x01, 0x02, 0x0a, 0x20, 0x30, 0x7f, 0x80, 0xc0, 0xfe, 0xff];
/** Extra bytes in a frame: neither white space nor a delimiter. */
export const FURTHER = [0x00, 0xaa] as const;
/** Maximum change of a length. */
const MOST_FURTHER = 4;

/** Bytes to replace `byte` with: its neighbours and bytes at limits. */
export function othersThan(byte: number): ReadonlySet<number> {
  const others = new Set([...TELLING, byte ^ 0x01, byte ^ 0x80, (byte + 1) & 0xff]);
  others.delete(byte);
  return others;
}

/** The frame with each of its bytes changed in turn. The array is reused. */
export function* changed(frame: Uint8Array): Generator<Uint8Array> {
  const bytes = frame.slice();
  for (const [at, byte] of frame.entries()) {
    for (const other of othersThan(byte)) {
      bytes[at] = other;
      yield bytes;
    }
    bytes[at] = byte;
  }
}

/** The frame with extra or missing bytes at its end, and a matching length: each result is a frame. */
export function* resized(subject: Subject, frame: Uint8Array): Generator<Uint8Array> {
  if (!subject.framed) {
    for (const further of FURTHER) yield Uint8Array.of(...frame, further);
    for (let count = 1; count <= Math.min(MOST_FURTHER, frame.length); count++) {
      yield frame.slice(0, frame.length - count);
    }
    return;
  }
  for (const further of FURTHER) yield* longer(subject, frame, further);
  for (let at = 0; at < frame.length; at++) {
    for (let count = 1; count <= Math.min(MOST_FURTHER, frame.length - 1); count++) {
      if (frame[at]! < count) break;
      const bytes = frame.slice(0, frame.length - count);
      if (at >= bytes.length) break;
      bytes[at] = frame[at]! - count;
      if (isFrame(subject, bytes)) yield bytes;
    }
  }
}

/** The frame with extra bytes at its end, and a matching length. */
export function* longer(
  subject: Subject,
  frame: Uint8Array,
  further: number,
): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < frame.length; at++) {
    for (let count = 1; count <= MOST_FURTHER && frame[at]! + count <= 0xff; count++) {
      const bytes = Uint8Array.of(...frame, ...Array<number>(count).fill(further));
      bytes[at] = frame[at]! + count;
      if (isFrame(subject, bytes)) yield bytes;
    }
  }
}

/** True for bytes that are exactly one frame, as far as the framing can tell. */
export function isFrame(subject: Subject, bytes: Uint8Array): boolean {
  if (!subject.framed) return true;
  if (bytes.length === 0) return false;
  try {
    return subject.measure(subject.reader(), bytes, 0, bytes.length) === bytes.length;
  } catch {
    return false;
  }
}

/** Frames of each subject that a law has examined: a number of different short ones is enough. */
export class Swept {
  readonly #most: number;
  readonly #longest: number;
  readonly #seen = new WeakMap<Subject, Set<string>>();

  constructor(most: number, longest: number) {
    this.#most = most;
    this.#longest = longest;
  }

  /** True for a short frame that was not examined yet, while more frames are needed. */
  wants(subject: Subject, frame: Uint8Array): boolean {
    const seen = this.#of(subject);
    return frame.length <= this.#longest && seen.size < this.#most && !seen.has(String(frame));
  }

  /** Records a frame for which the law holds. */
  add(subject: Subject, frame: Uint8Array): void {
    this.#of(subject).add(String(frame));
  }

  #of(subject: Subject): Set<string> {
    const seen = this.#seen.get(subject) ?? new Set<string>();
    this.#seen.set(subject, seen);
    return seen;
  }
}
