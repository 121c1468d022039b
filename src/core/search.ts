import { searchByte } from "./host.ts";

// Looking at this many bytes costs as much as a call into the host.
const NEAR = 8;
// The same with a view, which a search needs that must stop before the end.
const NEAR_WITH_VIEW = 48;

/**
 * Index of the first `byte` in `bytes[from .. end)`, or -1: the core of a delimiter search. Short ranges are
 * searched by a loop, long ones by the runtime's own search. Nothing at or after `end` is looked at.
 */
export function indexOfByte(bytes: Uint8Array, byte: number, from: number, end: number): number {
  const isOpen = end === bytes.length;
  const near = Math.min(end, from + (isOpen ? NEAR : NEAR_WITH_VIEW));
  for (let at = from; at < near; at++) if (bytes[at] === byte) return at;
  if (near >= end) return -1;
  return searchByte(isOpen ? bytes : bytes.subarray(0, end), byte, near);
}
