import { describe, expect, it } from "vitest";
import { ascii, concat, everySize, poisoned, readAll, text } from "../support/chunks.ts";
import { samples } from "../support/framings.ts";

/** All ways to cut `bytes`: bit i of the pattern cuts behind byte i. */
function pieces(bytes: Uint8Array, pattern: number): Uint8Array[] {
  const cut: Uint8Array[] = [];
  let from = 0;
  for (let at = 1; at <= bytes.length; at++) {
    if (at < bytes.length && (pattern & (1 << (at - 1))) === 0) continue;
    cut.push(poisoned(bytes.subarray(from, at)));
    from = at;
  }
  return cut;
}

describe.each(samples)("$name", ({ framing, stream, fails }) => {
  const bytes = ascii(stream);
  const whole = readAll(framing, [bytes]);

  it("is read as it is written down", () => {
    expect(whole.failure?.code).toBe(fails);
    const read = concat(whole.frames);
    expect(stream.startsWith(text(read))).toBe(true);
    expect(whole.frames.length).toBeGreaterThan(fails === undefined ? 2 : 0);
    if (fails === undefined) expect(read).toHaveLength(bytes.length);
    // Nothing but the bytes that fail is left.
    else expect(whole.failure?.offset).toBeGreaterThanOrEqual(read.length);
  });

  it("gives the same frames, offsets and failure for each of its 2^n cuts", () => {
    for (let pattern = 0; pattern < 1 << (bytes.length - 1); pattern++) {
      const found = readAll(framing, pieces(bytes, pattern));
      if (!isSame(found, whole)) expect(found, `cuts ${pattern.toString(2)}`).toEqual(whole);
    }
  });
});

describe.each(samples.filter(({ fails }) => fails === undefined))(
  "$name",
  ({ framing, stream }) => {
    it("is read at any place of a longer stream, in pieces of any size", () => {
      const long = concat(Array.from({ length: 40 }, () => ascii(stream)));
      const expected = readAll(framing, [long]);
      expect(expected.failure).toBeUndefined();
      expect(concat(expected.frames)).toEqual(long);
      for (let size = 1; size < 70; size++) {
        const found = readAll(framing, everySize(long, size));
        expect(isSame(found, expected), `pieces of ${size}`).toBe(true);
      }
    });
  },
);

type Found = ReturnType<typeof readAll>;

/** As `toEqual`, which is too slow to be asked thousands of times. */
function isSame(a: Found, b: Found): boolean {
  return (
    a.frames.length === b.frames.length &&
    a.frames.every((frame, i) => text(frame) === text(b.frames[i]!)) &&
    a.offsets.every((offset, i) => offset === b.offsets[i]) &&
    JSON.stringify(a.failure) === JSON.stringify(b.failure)
  );
}
