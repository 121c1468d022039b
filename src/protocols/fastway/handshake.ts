import { md5 } from "@noble/hashes/legacy.js";
import {
  defineProtocol,
  Output,
  type Protocol,
  ProtocolError,
  raw,
  u32le,
} from "../../core/index.ts";

/** Bytes of the gateway's challenge. */
export const CHALLENGE = 8;

/** Bytes of the server's answer. */
const ANSWER = 20;

const DIGEST = 16;

// What is said before packets: 8 bytes go from the gateway, 20 bytes come back.
const handshake = (incoming: number): Protocol<Uint8Array> =>
  defineProtocol<Uint8Array>({
    name: "fastway handshake",
    maxFrame: ANSWER,
    measure: () => incoming,
    ...raw(),
  });

/** The handshake from the gateway's end: challenges go, answers come. */
export const gatewayHandshake: Protocol<Uint8Array> = /* @__PURE__ */ handshake(ANSWER);

/** The handshake from the server's end: challenges come, answers go. */
export const serverHandshake: Protocol<Uint8Array> = /* @__PURE__ */ handshake(CHALLENGE);

/**
 * What a server answers to the gateway's challenge. Both dialects; clients have no handshake.
 *
 * ```text
 *   gateway -> server    challenge: 8 random bytes
 *   server -> gateway    | MD5(challenge, key): 16 bytes | server id: u32, little-endian |
 * ```
 *
 * The gateway does not reply: packets may follow at once, and a wrong key shows only as the end of the
 * connection. The key is never sent, but one recorded exchange allows to guess it at leisure, and everything
 * behind it is clear text: use TLS or a private network.
 *
 * @param challenge - the 8 bytes as they came
 * @param key - the secret that server and gateway share; text is taken as UTF-8
 * @param serverId - the id under which clients dial this server: any unsigned 32 bits, also 0
 * @returns the 20 bytes to send
 * @throws RangeError when the challenge has not 8 bytes, ProtocolError `unencodable` for a server id that does not fit
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
 * Whether an answer proves that the server has the key. The time taken does not tell how much of it was right.
 *
 * @param answer - the 20 bytes of the answer
 * @param challenge - the 8 bytes that were sent to this server and to nobody else
 * @param key - as in {@link answerChallenge}
 * @returns the server's id; undefined when it has not the key
 * @throws ProtocolError `truncated` when the answer has fewer than 20 bytes, `malformed` when it has more;
 *   RangeError when the challenge has not 8 bytes
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
