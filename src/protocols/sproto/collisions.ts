/*
 * V8 hashes the numbers and bigints that are keys of a Map without a seed. So a peer can choose
 * keys that all fall into one bucket: each new key is then compared with all before it, and 480 KB
 * take seconds. (Strings have a seed.) These are V8's two hash functions
 * (src/numbers/hash-seed-inl.h), used to count how many keys share a bucket before a Map is
 * created.
 */

/** `ComputeUnseededHash`: for integers of 32 bits. */
function hash32(key: number): number {
  let hash = (~key + (key << 15)) | 0;
  hash ^= hash >>> 12;
  hash = (hash + (hash << 2)) | 0;
  hash ^= hash >>> 4;
  hash = Math.imul(hash, 2057);
  return hash ^ (hash >>> 16);
}

/** `ComputeLongHash`: for all other numbers, 64 bits in two halves. */
function hash64(high: number, low: number): number {
  // hash = ~key + (key << 18)
  let lo = (~low >>> 0) + ((low << 18) >>> 0);
  let hi = (~high + ((high << 18) | (low >>> 14)) + (lo > 0xffff_ffff ? 1 : 0)) | 0;
  lo |= 0;
  // hash ^= hash >>> 31
  lo ^= (hi << 1) | (lo >>> 31);
  hi ^= hi >>> 31;
  // hash *= 21
  const product = (lo >>> 0) * 21;
  hi = (Math.imul(hi, 21) + Math.floor(product / 0x1_0000_0000)) | 0;
  lo = product | 0;
  // hash ^= hash >>> 11
  lo ^= (hi << 21) | (lo >>> 11);
  hi ^= hi >>> 11;
  // hash += hash << 6
  const sum = (lo >>> 0) + ((lo << 6) >>> 0);
  hi = (hi + ((hi << 6) | (lo >>> 26)) + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  lo = sum | 0;
  // hash ^= hash >>> 22
  return lo ^ ((hi << 10) | (lo >>> 22));
}

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);
double[0] = 1;
/** Index of the upper half, depending on the machine's byte order. */
const UPPER = halves[0] === 0 ? 1 : 0;

function hashOf(key: number | bigint): number {
  if (typeof key === "bigint") {
    const digit = BigInt.asUintN(64, key < 0n ? -key : key);
    return hash64(Number(digit >> 32n) | 0, Number(digit & 0xffff_ffffn) | 0);
  }
  if ((key | 0) === key) return hash32(key);
  double[0] = key;
  return hash64(halves[UPPER]! | 0, halves[UPPER ^ 1]! | 0);
}

// Comparisons allowed for any keys: some milliseconds.
const FREE = 2 ** 20;
// Additional comparisons per key; random keys need about two.
const EACH = 64;

/** Fewer keys than this are always fast. */
export const FEW_KEYS = 1024;

/** True if a Map with these keys would take far more time than its size suggests. */
export function collide(keys: readonly (number | bigint)[]): boolean {
  let buckets = 2;
  // One bucket per two keys, as in V8.
  while (2 * buckets < keys.length) buckets *= 2;
  const counts = new Uint32Array(buckets);
  let work = 0;
  for (const key of keys) work += ++counts[hashOf(key) & (buckets - 1)]!;
  return work > FREE + EACH * keys.length;
}
