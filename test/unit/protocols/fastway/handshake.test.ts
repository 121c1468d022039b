import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answerChallenge, verifyAnswer } from "../../../../src/protocols/fastway/index.ts";

const challenge = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

describe("handshake", () => {
  it("agrees with another MD5", () => {
    const eight = fc.uint8Array({ minLength: 8, maxLength: 8 });
    const key = fc.uint8Array({ maxLength: 200, size: "max" });
    const id = fc.nat({ max: 0xffff_ffff });
    fc.assert(
      fc.property(eight, key, id, (nonce, secret, serverId) => {
        const answer = answerChallenge(nonce, secret, serverId);
        const digest = createHash("md5").update(nonce).update(secret).digest();
        expect(Buffer.from(answer.subarray(0, 16)).equals(digest)).toBe(true);
        expect(verifyAnswer(answer, nonce, secret)).toBe(serverId);
      }),
      { numRuns: 50 },
    );
  });

  it("rejects an answer with any wrong bit, and reads any server id", () => {
    const answer = answerChallenge(challenge, "key", 7);
    for (let bit = 0; bit < 128; bit++) {
      const wrong = answer.slice();
      wrong[bit >> 3]! ^= 1 << (bit & 7);
      expect(verifyAnswer(wrong, challenge, "key")).toBeUndefined();
    }
    const other = answer.slice();
    other[16] = 8;
    expect(verifyAnswer(other, challenge, "key")).toBe(8);
  });

  it("refuses challenges and answers of another length", () => {
    expect(() => verifyAnswer(new Uint8Array(19), challenge, "")).toThrow(/19 bytes, not of 20/);
    expect(() => verifyAnswer(new Uint8Array(21), challenge, "")).toThrow(
      expect.objectContaining({ code: "malformed" }),
    );
    expect(() => answerChallenge(new Uint8Array(7), "", 0)).toThrow(RangeError);
    expect(() => answerChallenge(challenge, "", 2 ** 32)).toThrow(/u32/);
  });
});
