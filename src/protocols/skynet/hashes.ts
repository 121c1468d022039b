import { Output, u32le } from "../../core/index.ts";
import { checkKey } from "./key.ts";
import { bytesOf } from "./text.ts";

/*
 * skynet's hashes are MD5 without its first and last steps, so MD5 of a library cannot compute
 * them. The rounds are those of RFC 1321.
 */

/** The four words of MD5. */
type Words = readonly [number, number, number, number];

const START: Words = [0x6745_2301, 0xefcd_ab89 | 0, 0x98ba_dcfe | 0, 0x1032_5476];
const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

/** Runs the 64 rounds over one block of 16 words, without adding the start. */
function rounds(block: readonly number[]): Words {
  let [a, b, c, d] = START;
  for (let i = 0; i < 64; i++) {
    const turn = i >> 4;
    let mixed: number;
    let word: number;
    if (turn === 0) {
      mixed = (b & c) | (~b & d);
      word = i;
    } else if (turn === 1) {
      mixed = (d & b) | (~d & c);
      word = 5 * i + 1;
    } else if (turn === 2) {
      mixed = b ^ c ^ d;
      word = 3 * i + 5;
    } else {
      mixed = c ^ (b | ~d);
      word = 7 * i;
    }
    const constant = Math.floor(Math.abs(Math.sin(i + 1)) * 0x1_0000_0000);
    const sum = (a + mixed + constant + block[word & 15]!) | 0;
    const shift = SHIFTS[4 * turn + (i & 3)]!;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
  }
  return [a, b, c, d];
}

/** Returns two words as 8 bytes. */
function pair(low: number, high: number): Uint8Array<ArrayBuffer> {
  return new Output(8)
    .u32le(low >>> 0)
    .u32le(high >>> 0)
    .take();
}

/**
 * Hashes anything to a key of 8 bytes, like `crypt.hashkey` of skynet: two fast hashes side by
 * side. Not a cryptographic hash.
 *
 * @param text - bytes, or text as UTF-8
 */
export function hashKey(text: Uint8Array | string): Uint8Array<ArrayBuffer> {
  let low = 5381;
  let high = 1_315_423_911;
  for (const byte of bytesOf(text)) {
    low = (Math.imul(low, 33) + byte) | 0;
    high ^= ((high << 5) + byte + (high >>> 2)) | 0;
  }
  return pair(low, high);
}

/**
 * Computes the proof that you have a secret, like `crypt.hmac64` of skynet: MD5's rounds over both
 * values, without padding and without adding the start.
 *
 * @param x - 8 bytes: the challenge
 * @param y - 8 bytes: the secret
 * @throws RangeError unless both have 8 bytes
 *
 * @example
 * ```ts
 * import { hexEncode, hmac64 } from "framewright/skynet";
 *
 * console.log(hexEncode(hmac64(new Uint8Array(8), new Uint8Array(8))));
 * //=> a2a90fe5ec190ee5
 * ```
 */
export function hmac64(x: Uint8Array, y: Uint8Array): Uint8Array<ArrayBuffer> {
  const [x0, x1, y0, y1] = wordsOf(x, y);
  const quarter = [x1, x0, y1, y0];
  const [a, b, c, d] = rounds([...quarter, ...quarter, ...quarter, ...quarter]);
  return pair(c ^ d, a ^ b);
}

/**
 * Like {@link hmac64}, with the MD5 of RFC 1321: `crypt.hmac64_md5` of skynet. Login and message
 * server do not use it.
 *
 * @param x - 8 bytes
 * @param y - 8 bytes
 * @throws RangeError unless both have 8 bytes
 */
export function hmac64Md5(x: Uint8Array, y: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = wordsOf(x, y);
  // 48 bytes, the bit after them, and their length in bits: one block.
  const block = [...both, ...both, ...both, 0x80, 0, 48 * 8, 0];
  const [a, b, c, d] = rounds(block).map((word, i) => word + START[i]!) as unknown as Words;
  return pair(a ^ c, b ^ d);
}

/**
 * Signs a text with a key, like `crypt.hmac_hash` of skynet: {@link hmac64} of the text's {@link hashKey} and the key.
 *
 * @param key - 8 bytes
 * @param text - bytes, or text as UTF-8
 * @throws RangeError unless the key has 8 bytes
 */
export function hmacHash(key: Uint8Array, text: Uint8Array | string): Uint8Array<ArrayBuffer> {
  return hmac64(hashKey(text), key);
}

function wordsOf(x: Uint8Array, y: Uint8Array): Words {
  checkKey("x", x);
  checkKey("y", y);
  return [u32le(x, 0), u32le(x, 4), u32le(y, 0), u32le(y, 4)];
}
