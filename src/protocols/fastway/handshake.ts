import { md5 } from "@noble/hashes/legacy.js";
import {
  defineProtocol,
  Output,
  type Protocol,
  ProtocolError,
  raw,
  u32le,
} from "../../core/index.ts";

/** Length of the gateway's challenge in bytes. */
export const CHALLENGE = 8;

/** Length of the server's answer in bytes. */
const ANSWER = 20;

const DIGEST = 16;

// The handshake before packets: the gateway sends 8 bytes, the server replies with 20.
const handshake = (incoming: number): Protocol<Uint8Array> =>
  defineProtocol<Uint8Array>({
    name: "fastway handshake",
    maxFrame: ANSWER,
    measure: () => incoming,
    ...raw(),
  });

/** The handshake at the gateway: writes challenges, reads answers. */
export const gatewayHandshake: Protocol<Uint8Array> = /* @__PURE__ */ handshake(ANSWER);

/** The handshake at the server: reads challenges, writes answers. */
export const serverHandshake: Protocol<Uint8Array> = /* @__PURE__ */ handshake(CHALLENGE);

/**
 * Returns a server's answer to the gateway's challenge. The same in both dialects; clients have no
 * handshake.
 *
 * ```text
 *   gateway -> server    challenge: 8 random bytes
 *   server -> gateway    | MD5(challenge, key): 16 bytes | server id: u32, little-endian |
 * ```
 *
 * The gateway does not reply: packets may follow at once, and after a wrong key the connection just
 * closes. The key is never sent, but one recorded exchange is enough to guess it offline, and
 * everything after it is clear text: use TLS or a private network.
 *
 * @param challenge - the 8 bytes of the challenge
 * @param key - the secret that server and gateway share; text is encoded as UTF-8
 * @param serverId - the id under which clients dial this server: an unsigned 32-bit integer, 0
 *   allowed
 * @returns the 20 bytes to send
 * @throws RangeError if the challenge is not 8 bytes long, ProtocolError `unencodable` for a server
 *   id that does not fit
 *
 * @example
 * ```ts
 * import { answerChallenge, verifyAnswer } from "framewright/fastway";
 *
 * const challenge = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
 * const answer = answerChallenge(challenge, "123", 123);
 * console.log(verifyAnswer(answer, challenge, "123"), verifyAnswer(answer, challenge, "124"));
 * //=> 123 undefined
 * ```
 */
export function answerChallenge(
  challenge: Uint8Array,
  key: string | Uint8Array,
  serverId: number,
): Uint8Array<ArrayBuffer> {
  return new Output(ANSWER).bytes(digest(challenge, key)).u32le(serverId).take();
}

/**
 * Checks that a server's answer was made with the key. Takes constant time, so it does not reveal
 * how much of the answer was right.
 *
 * @param answer - the 20 bytes of the answer
 * @param challenge - the 8 bytes that were sent to this server and to no other peer
 * @param key - as in {@link answerChallenge}
 * @returns the server's id; undefined if it does not have the key
 * @throws ProtocolError `truncated` if the answer has fewer than 20 bytes, `malformed` if it has
 *   more; RangeError if the challenge is not 8 bytes long
 */
export function verifyAnswer(
  answer: Uint8Array,
  challenge: Uint8Array,
  key: string | Uint8Array,
): number | undefined {
  const { length } = answer;
  if (length !== ANSWER) {
    const code = length < ANSWER ? "truncated" : "malformed";
    throw new ProtocolError(code, `answer of ${length} bytes, not of ${ANSWER}`, length);
  }
  const expected = digest(challenge, key);
  let difference = 0;
  for (let i = 0; i < DIGEST; i++) difference |= expected[i]! ^ answer[i]!;
  return difference === 0 ? u32le(answer, DIGEST) : undefined;
}

function digest(challenge: Uint8Array, key: string | Uint8Array): Uint8Array {
  if (challenge.length !== CHALLENGE) {
    throw new RangeError(`challenge of ${challenge.length} bytes, not of ${CHALLENGE}`);
  }
  const input = new Output().bytes(challenge);
  return md5(typeof key === "string" ? input.utf8(key).take() : input.bytes(key).take());
}
