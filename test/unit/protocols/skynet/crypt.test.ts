import { createCipheriv, createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ProtocolError } from "../../../../src/index.ts";
import {
  base64Decode,
  base64Encode,
  desDecode,
  desEncode,
  dhExchange,
  dhSecret,
  hashKey,
  hexDecode,
  hexEncode,
  hmac64,
  hmac64Md5,
  hmacHash,
  randomKey,
} from "../../../../src/protocols/skynet/index.ts";
import { bytesOf, hexOf } from "../../../support/hex.ts";
import { type Primitive, skynetVectors } from "../../../support/skynet-vectors.ts";

const { primitives } = skynetVectors;

const latin1 = (hex: string): string => Buffer.from(hex, "hex").toString("latin1");
const paddingOf = ({ padding }: Primitive): { padding: "iso7816-4" | "pkcs7" } => ({
  padding: padding === "pkcs7" ? "pkcs7" : "iso7816-4",
});

const thrown = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
};
const codeOf = (run: () => unknown): unknown => (thrown(run) as ProtocolError | undefined)?.code;

/** Tests every row of one function: the recorded bytes, or an error if the reference fails. */
function rows(
  name: string,
  run: (row: Primitive) => Uint8Array,
  skip?: (row: Primitive) => boolean,
) {
  it(`${name} agrees with skynet on all recorded arguments`, () => {
    const all = primitives[name]!;
    expect(all.length).toBeGreaterThan(0);
    for (const row of all) {
      if (skip?.(row) === true) continue;
      if (row.ok === undefined)
        expect(
          thrown(() => run(row)),
          JSON.stringify(row),
        ).toBeDefined();
      else expect(hexOf(run(row)), JSON.stringify(row)).toBe(row.ok);
    }
  });
}

/** True for public keys that dhSecret refuses and skynet accepts. */
const isWeak = (hex: string): boolean => {
  const key = hex.length === 16 ? bytesOf(hex) : new Uint8Array(8);
  const value = new DataView(key.buffer).getBigUint64(0, true);
  return value < 2n || value >= 0xffff_ffff_ffff_ffc4n;
};

describe("Diffie-Hellman", () => {
  it("computes the public keys and secrets of skynet", () => {
    let compared = 0;
    for (const { a, b, A, B, secret } of primitives.dh!) {
      expect(hexOf(dhExchange(bytesOf(a!)))).toBe(A);
      expect(hexOf(dhExchange(bytesOf(b!)))).toBe(B);
      if (isWeak(A!) || isWeak(B!)) continue;
      compared++;
      expect(hexOf(dhSecret(bytesOf(B!), bytesOf(a!)))).toBe(secret);
      expect(hexOf(dhSecret(bytesOf(A!), bytesOf(b!)))).toBe(secret);
    }
    expect(compared).toBeGreaterThan(30);
  });

  rows("dhexchangeEdge", ({ private: key }) => dhExchange(bytesOf(key!)));
  rows(
    "dhsecretEdge",
    ({ base, exponent }) => dhSecret(bytesOf(base!), bytesOf(exponent!)),
    ({ base }) => isWeak(base!),
  );

  it.each([
    ["0", "0000000000000000"],
    ["1", "0100000000000000"],
    ["p - 1", "c4ffffffffffffff"],
    ["p", "c5ffffffffffffff"],
    ["p + 1", "c6ffffffffffffff"],
    ["2^64 - 1", "ffffffffffffffff"],
  ])("refuses the weak public key %s", (_, key) => {
    expect(codeOf(() => dhSecret(bytesOf(key), Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 1)))).toBe(
      "malformed",
    );
  });
});

describe("randomKey", () => {
  it("reads 8 bytes from its source", () => {
    const asked: number[] = [];
    const key = randomKey((count) => {
      asked.push(count);
      return Uint8Array.from({ length: count }, (_, i) => i);
    });
    expect([hexOf(key), asked]).toEqual(["0001020304050607", [8]]);
  });

  it("reads again if all bytes are 0", () => {
    const draws = [new Uint8Array(8), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1)];
    expect(hexOf(randomKey(() => draws.shift()!))).toBe("0000000000000001");
  });

  it("refuses a source that returns only zeros, or too few bytes", () => {
    expect(() => randomKey(() => new Uint8Array(8))).toThrow(RangeError);
    expect(() => randomKey(() => new Uint8Array(7))).toThrow("random bytes");
  });
});

describe("hashes", () => {
  rows("hashkey", ({ text }) => hashKey(bytesOf(text!)));
  rows("hmac64", ({ x, y }) => hmac64(bytesOf(x!), bytesOf(y!)));
  rows("hmac64_md5", ({ x, y }) => hmac64Md5(bytesOf(x!), bytesOf(y!)));
  rows("hmac_hash", ({ key, text }) => hmacHash(bytesOf(key!), bytesOf(text!)));

  it("uses a correct MD5: hmac64Md5 combines the halves of its digest", () => {
    const [x, y] = [bytesOf("0123456789abcdef"), bytesOf("fedcba9876543210")];
    const md5 = createHash("md5")
      .update(Buffer.concat([x, y, x, y, x, y]))
      .digest();
    const halves = Uint8Array.from({ length: 8 }, (_, i) => md5[i]! ^ md5[i + 8]!);
    expect(hexOf(hmac64Md5(x, y))).toBe(hexOf(halves));
  });

  it("encodes text as UTF-8", () => {
    expect(hexOf(hashKey("é"))).toBe(hexOf(hashKey(Uint8Array.of(0xc3, 0xa9))));
  });
});

describe("DES", () => {
  rows("desencode", (row) => desEncode(bytesOf(row.key!), bytesOf(row.text!), paddingOf(row)));
  rows("desdecode", (row) => desDecode(bytesOf(row.key!), bytesOf(row.cipher!), paddingOf(row)));

  it("equals the DES of OpenSSL, as triple DES with the same key three times", () => {
    for (let i = 0; i < 64; i++) {
      const key = Uint8Array.from({ length: 8 }, (_, at) => (i * 37 + at * 101) & 255);
      const text = Uint8Array.from({ length: i }, (_, at) => (i * 7 + at) & 255);
      const cipher = createCipheriv("des-ede3", Buffer.concat([key, key, key]), null);
      const expected = Buffer.concat([cipher.update(text), cipher.final()]);
      expect(hexOf(desEncode(key, text, { padding: "pkcs7" }))).toBe(hexOf(expected));
      expect(hexOf(desDecode(key, expected, { padding: "pkcs7" }))).toBe(hexOf(text));
    }
  });

  it("refuses PKCS#7 padding longer than a block, and reads nothing before the text", () => {
    const key = bytesOf("0102030405060708");
    const block = new Uint8Array(8).fill(200);
    // The block alone, without the padding that desEncode adds.
    const secret = desEncode(key, block).subarray(0, 8);
    expect(codeOf(() => desDecode(key, secret, { padding: "pkcs7" }))).toBe("malformed");
  });

  it("refuses an unknown padding, by name", () => {
    const padding = "zeros" as "pkcs7";
    expect(() => desEncode(new Uint8Array(8), "", { padding })).toThrow("not zeros");
  });
});

describe("base64", () => {
  it("encodes as skynet does", () => {
    for (const { bytes, text } of primitives.base64encode!) {
      expect(base64Encode(bytesOf(bytes!))).toBe(text);
    }
  });
  rows("base64decode", ({ text }) => base64Decode(latin1(text!)));

  it("refuses a line that ends in CR LF, as skynet does, with or without padding", () => {
    expect(codeOf(() => base64Decode("QUJD\r"))).toBe("malformed");
    expect(codeOf(() => base64Decode("QQ==\r"))).toBe("malformed");
  });
});

describe("hexadecimal text", () => {
  it("is written in lower case", () => {
    for (const { bytes, text } of primitives.hexencode!)
      expect(hexEncode(bytesOf(bytes!))).toBe(text);
  });
  rows(
    "hexdecode",
    ({ text }) => hexDecode(text!),
    ({ text }) => /[g-zG-Z`]/.test(text!),
  );

  it("accepts no digits after f, unlike skynet", () => {
    for (const text of ["0g", "g0", "X0", "`9"]) {
      expect(
        codeOf(() => hexDecode(text)),
        text,
      ).toBe("malformed");
    }
  });
});
