import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  decodeAll,
  decodeFrame,
  encodeAll,
  encodeFrame,
  type Protocol,
  raw,
} from "../../../../src/core/index.ts";
import {
  answerChallenge,
  type Command,
  command,
  fastway,
  type LinkMessage,
  linkFixlen,
  linkJson,
  packet,
  verifyAnswer,
} from "../../../../src/protocols/fastway/index.ts";
import { errorOf } from "../../../support/chunks.ts";
import { type Vector, vectors, withHex } from "../../../support/fastway-vectors.ts";
import { bytesOf, type Hex, hexOf } from "../../../support/hex.ts";

/** Intentional differences of this library, by name. */
const DIFFERENCES: ReadonlySet<string> = new Set(
  vectors.cases.filter((v) => v.quirk === "max-send-ignored").map((v) => v.name),
);

/** Converts a body like Go's registered `type Hello struct { Name string; Age int }`. */
const hello = (body: unknown): { Name: string; Age: number } => {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new TypeError("not an object");
  }
  const value = { Name: "", Age: 0 };
  for (const [name, member] of Object.entries(body)) {
    if (name.toLowerCase() === "name") value.Name = String(member);
    else if (name.toLowerCase() === "age") value.Age = Number(member);
  }
  return value;
};

const json = linkJson({ types: { hello } });
const endian = (v: { byteOrder?: unknown }): "le" | "be" => (v.byteOrder === "big" ? "be" : "le");
const field = (v: Vector, name: string): never => v.value![name] as never;

interface FixlenFields {
  headBytes: 1 | 2 | 4 | 8;
  byteOrder: "little" | "big";
  maxRecv?: number;
  maxSend?: number;
}

const fixlenOf = (v: Vector) => {
  const { headBytes, byteOrder, maxRecv, maxSend } = {
    ...v,
    ...v.value,
  } as unknown as Required<FixlenFields>;
  return linkFixlen({
    width: headBytes,
    endian: endian({ byteOrder }),
    maxReceive: maxRecv,
    maxSend,
  });
};

/** The protocol of a vector, and the value of its hex. */
function expected(v: Vector): { protocol: Protocol<never, unknown>; value: unknown } {
  switch (v.codec) {
    case "fastway-packet":
      return {
        protocol: packet({ maxPacket: v.maxPacket ?? 1_048_576 }),
        value: { connId: field(v, "connId"), message: bytesOf(field(v, "message") as Hex) },
      };
    case "fastway-command": {
      const { code, ...value } = v.value!;
      expect(bytesOf(v.hex!)[8]).toBe(code);
      return { protocol: command({ dialect: v.dialect as "v1" | "v2" }), value };
    }
    case "link-fixlen":
      return { protocol: fixlenOf(v).wrap(raw()), value: bytesOf(field(v, "body") as Hex) };
    case "link-json":
      return {
        protocol: json,
        value:
          "goValue" in v.value!
            ? {
                head: field(v, "goType") === "*main.Hello" ? "hello" : "nobody",
                body: field(v, "goValue"),
              }
            : { head: field(v, "head"), body: field(v, "body") },
      };
    case "link-fixlen-json":
      return {
        protocol: fixlenOf(v).wrap(json),
        value: { head: field(v, "head"), body: field(v, "body") },
      };
    default:
      throw new Error(`no such codec: ${v.codec}`);
  }
}

const handshakes = vectors.cases.filter((v) => v.codec === "fastway-handshake");
const streams = vectors.cases.filter((v) => v.codec.endsWith("-stream"));
const others = vectors.cases.filter(
  (v) => !handshakes.includes(v) && !streams.includes(v) && !DIFFERENCES.has(v.name),
);

describe("test vectors of the Go implementation", () => {
  it.each(others)("$dialect $name", (v) => {
    const { protocol, value } = expected(v);
    // Cases that Go only decodes lack the LF, which a stream requires; a FixLen body does not.
    if (v.codec === "link-json" && v.decodeOnly) {
      const bytes = bytesOf(v.hex!);
      expect(protocol.decode(bytes, 0, bytes.length)).toEqual(value);
      return;
    }
    if (v.hex !== undefined) {
      const bytes = bytesOf(v.hex);
      expect(withHex(decodeFrame(protocol, bytes))).toEqual(withHex(value));
      if (!v.decodeOnly) expect(hexOf(encodeFrame(protocol, value as never))).toBe(hexOf(bytes));
    }
    if (v.sha256 !== undefined) {
      const bytes = encodeFrame(protocol, value as never);
      expect(bytes).toHaveLength(v.byteLength!);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(v.sha256);
      expect(withHex(decodeFrame(protocol, bytes))).toEqual(withHex(value));
    }
    expect(v.hex ?? v.sha256).toBeDefined();
  });

  it.each(vectors.cases.filter((v) => v.codec === "fastway-command"))(
    "is accepted from one side only: $dialect $name",
    (v) => {
      const dialect = v.dialect as "v1" | "v2";
      const bytes = bytesOf(v.hex!);
      for (const side of ["endpoint", "gateway"] as const) {
        const reads = `${side === "gateway" ? "endpoint" : "gateway"}-to-${side}`;
        const writes = `${side}-to-${side === "gateway" ? "endpoint" : "gateway"}`;
        for (const make of [command, fastway]) {
          const protocol = make({ dialect, side }) as Protocol<Command, Command>;
          const { code: _, ...value } = v.value as unknown as Command & { code: number };
          if (v.direction!.includes(reads)) expect(decodeFrame(protocol, bytes)).toEqual(value);
          else expect(() => decodeFrame(protocol, bytes)).toThrow(/unknown-command/);
          if (v.direction!.includes(writes)) encodeFrame(protocol, value as Command);
          else expect(() => encodeFrame(protocol, value as Command)).toThrow(/has no/);
        }
      }
    },
  );

  it.each(handshakes)("$name", (v) => {
    const { challenge, key, keyHex, serverId } = v.value as unknown as {
      challenge: string;
      key: string;
      keyHex: string;
      serverId: number;
    };
    const answer = bytesOf(v.hex!);
    for (const secret of [key, bytesOf(keyHex)]) {
      expect(hexOf(answerChallenge(bytesOf(challenge), secret, serverId))).toBe(hexOf(answer));
      expect(verifyAnswer(answer, bytesOf(challenge), secret)).toBe(serverId);
    }
  });

  it.each(streams)("$name", (v) => {
    const bytes = bytesOf(v.hex!);
    const protocol = v.codec === "link-json-stream" ? json : fixlenOf(v).wrap(json);
    const messages = decodeAll(protocol, bytes);
    expect(messages).toHaveLength(v.value!.count as number);
    expect(hexOf(encodeAll(protocol, messages as LinkMessage[]))).toBe(hexOf(bytes));
  });

  it.each([...DIFFERENCES])("differs intentionally: %s", (name) => {
    // Go has the option maxSend and ignores it; here it applies. The bytes are still read.
    const v = vectors.cases.find((one) => one.name === name)!;
    const { protocol, value } = expected(v);
    expect(withHex(decodeFrame(protocol, bytesOf(v.hex!)))).toEqual(withHex(value));
    expect(() => encodeFrame(protocol, value as never)).toThrow(/exceeds maxSend/);
  });

  it("covers all vectors", () => {
    const counted = others.length + handshakes.length + streams.length + DIFFERENCES.size;
    expect(counted).toBe(vectors.cases.length);
    expect(DIFFERENCES.size).toBe(8);
  });
});

/** The vectors' error words as codes of this library. */
const CODES: Record<string, string> = {
  "end-of-stream": "truncated",
  truncated: "truncated",
  "too-large": "too-long",
};

describe("invalid vectors", () => {
  it.each(vectors.invalid)("$dialect $name", (v) => {
    const word = v.error!;
    const bytes = v.hex === undefined ? new Uint8Array(0) : bytesOf(v.hex);
    if (v.codec === "fastway-handshake") {
      const run = () => verifyAnswer(bytes, bytesOf(v.challenge!), v.key!);
      if (word === "auth-failed") expect(run()).toBeUndefined();
      else expect(errorOf(run).code).toBe("truncated");
      return;
    }
    if (v.codec === "fastway-packet-encode") {
      const message = new Uint8Array(v.value!.messageLength as number);
      const connId = v.value!.connId as number;
      const protocol = packet({ maxPacket: v.maxPacket });
      expect(errorOf(() => encodeFrame(protocol, { connId, message })).code).toBe("unencodable");
      return;
    }
    if (v.codec === "link-fixlen-encode") {
      const protocol = fixlenOf(v).wrap(raw());
      const error = errorOf(() => encodeFrame(protocol, bytesOf(v.value!.body as Hex)));
      expect(error.code).toBe("unencodable");
      return;
    }
    const run = (): unknown => {
      switch (v.codec) {
        case "fastway-packet":
          return decodeFrame(packet({ maxPacket: v.maxPacket ?? 1_048_576 }), bytes);
        case "fastway-command":
          return decodeFrame(command({ dialect: v.dialect as "v1" | "v2" }), bytes);
        case "link-fixlen":
          return decodeFrame(fixlenOf(v).wrap(raw()), bytes);
        default:
          return json.decode(bytes, 0, bytes.length);
      }
    };
    const error = errorOf(run);
    expect(error.code).toBe(CODES[word] ?? "malformed");
    if (CODES[word] === undefined) expect(error.message).toMatch(new RegExp(`^${word}: `));
  });

  it("refuses to write what only the Go sender allows", () => {
    const allowed = vectors.invalid.filter((v) => "goSenderAllowed" in v);
    expect(allowed.length).toBeGreaterThan(0);
    for (const v of allowed) {
      const message = bytesOf(v.hex!).subarray(8);
      const protocol = packet({ maxPacket: v.maxPacket });
      expect(errorOf(() => encodeFrame(protocol, { connId: 78, message })).code).toBe(
        "unencodable",
      );
    }
  });
});
