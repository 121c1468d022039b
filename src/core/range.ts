/**
 * Checks that `[start, end)` is a range of the bytes. Views are made from the underlying buffer, which may
 * hold more than the bytes passed.
 *
 * @throws RangeError if it is not
 */
export function checkRange(bytes: Uint8Array, start: number, end: number): void {
  if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end) {
    if (end <= bytes.length) return;
  }
  throw new RangeError(`[${start}, ${end}) is not a range of ${bytes.length} bytes`);
}

/**
 * Checks that a limit (a time, a count, a size) is a number >= 0; rejects NaN, which no count ever exceeds.
 *
 * @param name - name of the option, for the error text
 * @param value - what the user gave; `Infinity` is allowed
 * @throws RangeError if it is not a number >= 0
 *
 * @example
 * ```ts
 * import { checkLimit } from "framewright/framing";
 *
 * try {
 *   checkLimit("timeout", Number("5s"));
 * } catch (error) {
 *   console.log(String(error));
 * }
 * //=> RangeError: timeout must be a number of at least 0, not NaN
 * ```
 */
export function checkLimit(name: string, value: number): void {
  if (typeof value === "number" && value >= 0) return;
  throw new RangeError(`${name} must be a number of at least 0, not ${String(value)}`);
}

/**
 * Checks optional limits by name: `checkLimits(options, "timeout", "maxPending")`.
 *
 * @param options - the options as the user gave them; missing ones are skipped
 * @param names - names of the options to check
 * @throws RangeError that names the first option that is not a number >= 0
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

/**
 * Checks an option that is an integer, such as a width or a size.
 *
 * @param name - name of the option, for the error text
 * @param value - what the user gave
 * @param least - smallest allowed value
 * @param most - largest allowed value
 * @defaultValue most Infinity
 * @throws RangeError if it is not a safe integer from `least` to `most`
 */
export function checkInteger(
  name: string,
  value: number,
  least: number,
  most: number = Infinity,
): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new RangeError(`${name} must be an integer ${range}, not ${String(value)}`);
}

/** True if a 32-bit float would make this finite number infinite. */
export function isBeyondF32(value: number): boolean {
  return Number.isFinite(value) && !Number.isFinite(Math.fround(value));
}

/**
 * True if an integer of so many bits holds exactly this value. A number that is not a safe integer stands for several
 * integers, so nothing holds it.
 */
export function fitsInteger(value: number | bigint, bits: number, isUnsigned = false): boolean {
  if (typeof value !== "bigint" && !Number.isSafeInteger(value)) return false;
  const exact = BigInt(value);
  return (isUnsigned ? BigInt.asUintN(bits, exact) : BigInt.asIntN(bits, exact)) === exact;
}
