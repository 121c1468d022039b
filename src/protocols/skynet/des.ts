import { checkOptions, ProtocolError, u32be } from "../../core/index.ts";
import { checkKey } from "./key.ts";
import { bytesOf } from "./text.ts";

/*
 * DES in ECB mode (FIPS 46-3). Maintained libraries have dropped it, and Node's needs OpenSSL's
 * legacy provider, so it is implemented here. Bits are numbered as in the standard, from 1 and from
 * the left.
 */

const S_BOXES = [
  "e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
  "f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
  "a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
  "7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
  "2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
  "c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
  "4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
  "d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
];
const P = [
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13,
  30, 6, 22, 11, 4, 25,
];
const PC1 = [
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60,
  52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21,
  13, 5, 28, 20, 12, 4,
];
const PC2 = [
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52,
  31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];
const SHIFTS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];

/** The other half of a round: 8 tables of 64 words, each an S-box followed by P. */
let tables: readonly Int32Array[] | undefined;

function makeTables(): readonly Int32Array[] {
  return S_BOXES.map((digits, box) =>
    Int32Array.from({ length: 64 }, (_, six) => {
      const at = 16 * (((six >> 4) & 2) | (six & 1)) + ((six >> 1) & 15);
      const word = Number.parseInt(digits[at]!, 16) << (28 - 4 * box);
      return P.reduce((bits, from) => (bits << 1) | ((word >>> (32 - from)) & 1), 0);
    }),
  );
}

/** Returns the bits `from` of two consecutive words. */
const bitsOf = (high: number, low: number, from: readonly number[]): number[] =>
  from.map((at) => (at <= 32 ? high >>> (32 - at) : low >>> (64 - at)) & 1);

/** Returns the keys of the 16 rounds, each as 8 groups of 6 bits. */
function schedule(key: Uint8Array): readonly (readonly number[])[] {
  const bits = bitsOf(u32be(key, 0), u32be(key, 4), PC1);
  let [left, right] = [bits.slice(0, 28), bits.slice(28)];
  return SHIFTS.map((shift) => {
    left = [...left.slice(shift), ...left.slice(0, shift)];
    right = [...right.slice(shift), ...right.slice(0, shift)];
    const both = [...left, ...right];
    return Array.from({ length: 8 }, (_, group) =>
      PC2.slice(6 * group, 6 * group + 6).reduce((six, from) => (six << 1) | both[from - 1]!, 0),
    );
  });
}

/**
 * The initial permutation as five exchanges of bits between two words, in this order; the reverse
 * order undoes it. Each exchanges the bits `mask` of one word with the bits of the other that are
 * `shift` higher.
 */
const EXCHANGES: readonly Exchange[] = [
  { shift: 4, mask: 0x0f0f_0f0f, fromLeft: true },
  { shift: 16, mask: 0x0000_ffff, fromLeft: true },
  { shift: 2, mask: 0x3333_3333, fromLeft: false },
  { shift: 8, mask: 0x00ff_00ff, fromLeft: false },
  { shift: 1, mask: 0x5555_5555, fromLeft: true },
];

interface Exchange {
  readonly shift: number;
  readonly mask: number;
  readonly fromLeft: boolean;
}

type Halves = readonly [left: number, right: number];

function exchange([left, right]: Halves, { shift, mask, fromLeft }: Exchange): Halves {
  const [high, low] = fromLeft ? [left, right] : [right, left];
  const changed = ((high >>> shift) ^ low) & mask;
  const [newHigh, newLow] = [high ^ (changed << shift), low ^ changed];
  return fromLeft ? [newHigh, newLow] : [newLow, newHigh];
}

/** Returns the word that a round mixes into the left half. */
function mix(right: number, key: readonly number[]): number {
  tables ??= makeTables();
  let mixed = 0;
  for (let box = 0; box < 8; box++) {
    const by = (4 * box + 5) & 31;
    const six = ((right << by) | (right >>> (32 - by))) & 63;
    mixed |= tables[box]![six ^ key[box]!]!;
  }
  return mixed;
}

/** Encrypts or decrypts whole blocks in place. */
function crypt(key: Uint8Array, bytes: Uint8Array, isDecoding: boolean): void {
  const keys = isDecoding ? Array.from(schedule(key)).reverse() : schedule(key);
  const undo = Array.from(EXCHANGES).reverse();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += 8) {
    let halves: Halves = [view.getInt32(at), view.getInt32(at + 4)];
    halves = EXCHANGES.reduce(exchange, halves);
    for (const round of keys) halves = [halves[1], halves[0] ^ mix(halves[1], round)];
    const [left, right] = undo.reduce(exchange, [halves[1], halves[0]] as Halves);
    view.setInt32(at, left);
    view.setInt32(at + 4, right);
  }
}

/** Options for {@link desEncode} and {@link desDecode}. */
export interface DesOptions {
  /**
   * Padding of the last block. `'iso7816-4'`: the byte 80, then zeros. `'pkcs7'`: n times the byte
   * n.
   * @defaultValue `'iso7816-4'`, as login servers do
   */
  readonly padding?: "iso7816-4" | "pkcs7" | undefined;
}

/**
 * Encrypts with DES in ECB mode, like `crypt.desencode` of skynet. DES is broken: use it over TLS.
 *
 * @param key - 8 bytes; their parity is ignored
 * @param text - bytes, or text as UTF-8
 * @param options - `padding`
 * @returns a multiple of 8 bytes, at least one more than `text` has
 * @throws RangeError unless the key has 8 bytes; TypeError for another padding
 *
 * @example
 * ```ts
 * import { desDecode, desEncode } from "framewright/skynet";
 *
 * const key = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
 * const secret = desEncode(key, "hello");
 * console.log(secret.length, String.fromCharCode(...desDecode(key, secret)));
 * //=> 8 hello
 * ```
 */
export function desEncode(
  key: Uint8Array,
  text: Uint8Array | string,
  options: DesOptions = {},
): Uint8Array<ArrayBuffer> {
  checkKey("key", key);
  const isPkcs7 = isPkcs7Of(options);
  const given = bytesOf(text);
  const padding = 8 - (given.length % 8);
  const bytes = new Uint8Array(given.length + padding);
  bytes.set(given);
  if (isPkcs7) bytes.fill(padding, given.length);
  else bytes[given.length] = 0x80;
  crypt(key, bytes, false);
  return bytes;
}

/**
 * Decrypts the result of {@link desEncode}, like `crypt.desdecode` of skynet.
 *
 * @param key - 8 bytes
 * @param bytes - whole blocks of 8 bytes
 * @param options - `padding`
 * @throws ProtocolError `malformed` for no block, a partial one, or invalid padding; RangeError
 *   unless the key has 8 bytes
 */
export function desDecode(
  key: Uint8Array,
  bytes: Uint8Array,
  options: DesOptions = {},
): Uint8Array<ArrayBuffer> {
  checkKey("key", key);
  const isPkcs7 = isPkcs7Of(options);
  const { length } = bytes;
  if (length === 0 || length % 8 !== 0) {
    throw new ProtocolError("malformed", `${length} bytes are not whole DES blocks`);
  }
  const text = Uint8Array.from(bytes);
  crypt(key, text, true);
  let end = length - 1;
  if (isPkcs7) {
    const padding = text[end]!;
    end = length - padding;
    const isWrong =
      padding < 1 || padding > 8 || text.subarray(end).some((byte) => byte !== padding);
    if (isWrong) throw wrongPadding();
  } else {
    while (end > length - 8 && text[end] === 0) end--;
    if (text[end] !== 0x80) throw wrongPadding();
  }
  return text.slice(0, end);
}

function isPkcs7Of(options: DesOptions): boolean {
  checkOptions("DES", options, ["padding"]);
  const { padding = "iso7816-4" } = options;
  if (padding === "iso7816-4" || padding === "pkcs7") return padding === "pkcs7";
  throw new TypeError(`padding must be "iso7816-4" or "pkcs7", not ${String(padding)}`);
}

function wrongPadding(): ProtocolError {
  return new ProtocolError("malformed", "no valid padding after decrypting: wrong key");
}
