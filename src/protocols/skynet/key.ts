import { checkInteger } from "../../core/index.ts";

/** Bytes of challenges, keys and secrets. */
export const KEY = 8;

/**
 * Returns random bytes, so many: `randomBytes` of `node:crypto`, or
 * `(count) => crypto.getRandomValues(new Uint8Array(count))`. They must not be guessable.
 */
export type RandomBytes = (count: number) => Uint8Array;

/** @throws RangeError unless a key has 8 bytes */
export function checkKey(name: string, key: Uint8Array): void {
  if (key.length !== KEY) throw new RangeError(`${name} has ${key.length} bytes, not ${KEY}`);
}

/**
 * Draws a challenge or a private key: 8 random bytes that are not all 0.
 *
 * @param random - a source of random bytes that cannot be guessed
 * @throws RangeError if the source returns another number of bytes
 */
export function randomKey(random: RandomBytes): Uint8Array<ArrayBuffer> {
  // A source that returns zeros again and again is broken; then it is refused as any key of zeros.
  for (let i = 0; ; i++) {
    const key = Uint8Array.from(random(KEY));
    checkInteger("random bytes", key.length, KEY, KEY);
    if (key.some((byte) => byte !== 0)) return key;
    if (i === 8) throw new RangeError("the source of random bytes returns nothing but zeros");
  }
}

/** Compares two values of one length, in a time that does not tell where they differ. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let i = 0; i < one.length; i++) difference |= one[i]! ^ other[i]!;
  return difference === 0;
}
