import { searchByte } from "./host.ts";

// A call into the host costs as much as looking at some forty bytes.
const NEAR = 32;

/**
 * Index of the first `byte` in `bytes[from .. end)`, or -1: what a delimiter search is made of. Short ways are
 * looped over, long ones left to the runtime's own search; nothing at or behind `end` is looked at.
 */
export function indexOfByte(bytes: Uint8Array, byte: number, from: number, end: number): number {
  const near = Math.min(end, from + NEAR);
  for (let at = from; at < near; at++) if (bytes[at] === byte) return at;
  if (near >= end) return -1;
  return searchByte(end === bytes.length ? bytes : bytes.subarray(0, end), byte, near);
}
