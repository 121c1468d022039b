import { Output, ProtocolError, u64le } from "../../core/index.ts";
import { checkKey } from "./key.ts";

/*
 * Diffie-Hellman in 64 bits: g = 5 modulo the largest prime below 2^64. No library has a group this
 * small, because it gives no protection against an attacker who records the exchange.
 */
const P = 0xffff_ffff_ffff_ffc5n;
const G = 5n;

/**
 * Computes the public key of a private one, like `crypt.dhexchange` of skynet.
 *
 * @param privateKey - 8 bytes, as returned by `randomKey`
 * @returns 8 bytes, for the other side
 * @throws RangeError if it does not have 8 bytes, or is 0
 *
 * @example
 * ```ts
 * import { dhExchange, dhSecret } from "framewright/skynet";
 *
 * const [alice, bob] = [Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 1), Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 2)];
 * const secret = dhSecret(dhExchange(alice), bob);
 * console.log(secret.join() === dhSecret(dhExchange(bob), alice).join());
 * //=> true
 * ```
 */
export function dhExchange(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return powerOf(G, exponentOf(privateKey));
}

/**
 * Computes the secret that both sides share, like `crypt.dhsecret` of skynet.
 *
 * Public keys that make the secret easy to guess are refused: 0, 1, and p - 1 and above. skynet
 * accepts all but 0.
 *
 * @param publicKey - 8 bytes that the other side sent
 * @param privateKey - 8 bytes of this side
 * @throws ProtocolError `malformed` for such a public key; RangeError if one does not have 8 bytes,
 *   or the private key is 0
 */
export function dhSecret(publicKey: Uint8Array, privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  checkKey("publicKey", publicKey);
  const exponent = exponentOf(privateKey);
  const base = u64le(publicKey, 0);
  if (base < 2n || base >= P - 1n) {
    throw new ProtocolError("malformed", "weak public key: anyone can guess the secret");
  }
  return powerOf(base, exponent);
}

function exponentOf(privateKey: Uint8Array): bigint {
  checkKey("privateKey", privateKey);
  const exponent = u64le(privateKey, 0);
  if (exponent === 0n) throw new RangeError("privateKey is 0");
  return exponent;
}

function powerOf(base: bigint, exponent: bigint): Uint8Array<ArrayBuffer> {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return new Output(8).u64le(result).take();
}
