import { type Framing, indexOfByte } from "../core/index.ts";

/** Measures frames that end in this byte. */
export function findByte(delimiter: number): Framing["measure"] {
  return (bytes, start, end, scan) => {
    const at = indexOfByte(bytes, delimiter, start + scan.at, end);
    if (at >= 0) return at + 1 - start;
    scan.at = end - start;
    return 0;
  };
}
