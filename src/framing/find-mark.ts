import { type Framing, indexOfByte } from "../core/index.ts";

/**
 * Recovers frames that begin with a mark.
 */
export function findMark(mark: Uint8Array): NonNullable<Framing["recover"]> {
  return (bytes, start, end, scan) => {
    // `state`: 1 after the first call, in which the bad frame itself begins at `start`.
    let at = scan.state === 0 ? start + 1 : start;
    scan.state = 1;
    for (; ; at++) {
      at = indexOfByte(bytes, mark[0]!, at, end);
      if (at < 0) at = end;
      const known = Math.min(mark.length, end - at);
      let i = 1;
      while (i < known && bytes[at + i] === mark[i]) i++;
      if (i >= mark.length) return at - start;
      // Part of a mark at the end, or no mark at all.
      if (i >= known) break;
    }
    scan.at = at - start;
    return -1;
  };
}
