/**
 * Is `[start, end)` a range of the bytes? Views are made from the buffer underneath, which may hold more than the
 * bytes that were given.
 *
 * @throws RangeError when it is not
 */
export function checkRange(bytes: Uint8Array, start: number, end: number): void {
  if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end) {
    if (end <= bytes.length) return;
  }
  throw new RangeError(`[${start}, ${end}) is no range of ${bytes.length} bytes`);
}
