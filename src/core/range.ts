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

/**
 * Is it a time or a count that can be a limit? NaN, which no count ever exceeds, is none.
 *
 * @param name - of the option
 * @throws RangeError when it is no number of at least 0; Infinity is one
 */
export function checkLimit(name: string, value: number): void {
  if (typeof value === "number" && value >= 0) return;
  throw new RangeError(`${name} must be a number of at least 0, not ${String(value)}`);
}

/**
 * The same for options that may be left out.
 *
 * @throws RangeError that names the first one which is no limit
 */
export function checkLimits<Name extends string>(
  options: { readonly [name in Name]?: number | undefined },
  ...names: Name[]
): void {
  for (const name of names) {
    const value = options[name];
    if (value !== undefined) checkLimit(name, value);
  }
}

/** Would a 32-bit float make this finite number infinite? */
export function isBeyondF32(value: number): boolean {
  return Number.isFinite(value) && !Number.isFinite(Math.fround(value));
}
