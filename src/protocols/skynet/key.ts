import { checkInteger } from "../../core/index.ts";

/** Length of challenges, keys and secrets in bytes. */
export const KEY = 8;

/**
 * Returns `count` random bytes that cannot be guessed: `randomBytes` of `node:crypto`, or
 * `(count) => crypto.getRandomValues(new Uint8Array(count))`.
 */
export type RandomBytes = (count: number) => Uint8Array;

/**
 * Checks the length of a key.
 *
 * @throws RangeError unless it has 8 bytes
 */
export function checkKey(name: string, key: Uint8Array): void {
  if (key.length !== KEY) throw new RangeError(`${name} has ${key.length} bytes, not ${KEY}`);
}

/**
 * Returns a random challenge or private key: 8 bytes that are not all 0.
 *
 * @param random - a source of random bytes that cannot be guessed
 * @throws RangeError if the source returns another number of bytes
 */
export function randomKey(random: RandomBytes): Uint8Array<ArrayBuffer> {
  // A source that keeps returning zeros is broken; then the key of zeros is refused.
  for (let i = 0; ; i++) {
    const key = Uint8Array.from(random(KEY));
    checkInteger("random bytes", key.length, KEY, KEY);
    if (key.some((byte) => byte !== 0)) return key;
    if (i === 8) throw new RangeError("the source of random bytes returns only zeros");
  }
}

/** Compares two values of one length in constant time. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let i = 0; i < one.length; i++) difference |= one[i]! ^ other[i]!;
  return difference === 0;
}
