import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { newScan } from "../../../../src/core/index.ts";
import {
  Connection,
  decodeAll,
  decodeFrame,
  decodeUtf8,
  encodeFrame,
  type Protocol,
  type ProtocolError,
  type ProtocolErrorCode,
  type Sink,
} from "../../../../src/index.ts";
import {
  binaryTransfer,
  defineCodec,
  frame,
  gatewayProtocol,
  jsonInt,
  jsonNL,
  text,
  textTransfer,
  xml10,
} from "../../../../src/protocols/workerman/index.ts";
import { errorOf } from "../../../support/chunks.ts";
import { bytesOf, hexOf } from "../../../support/hex.ts";

/*
 * Test vectors, written by Workerman v5.2.2 and GatewayWorker on PHP 8.2. All apply unchanged
 * except those in the tables DIFFERENT_*: each entry has the reason and the result here.
 */

type Any = Protocol<never, unknown>;

interface Case {
  name: string;
  codec: string;
  dir: string;
  hex: string;
  value?: unknown;
  decodesTo?: unknown;
  reencodedHex?: string;
  tags?: string[];
}
interface Input {
  name: string;
  codec: string;
  hex: string;
  returns: number;
  maxPackageSize?: number;
}
interface Stream {
  name: string;
  codec: string;
  chunksHex: string[];
  messages: unknown[];
  closed: boolean;
  maxPackageSize?: number;
}
interface Invalid {
  name: string;
  codec: string;
  op: string;
  hex?: string;
  value?: unknown;
}

// Read instead of imported: an import would become an object literal, in which `__proto__` sets the
// prototype.
const file = new URL("../../../vectors/workerman.json", import.meta.url);
const { cases, inputs, streams, invalid } = JSON.parse(readFileSync(file, "utf8")) as {
  cases: Case[];
  inputs: Input[];
  streams: Stream[];
  invalid: Invalid[];
};

/** Converts a value of the vectors to one of JavaScript. */
function jsValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsValue);
  if (typeof value !== "object" || value === null) return value;
  const [[key, special] = []] = Object.entries(value);
  if (key === "$hex") return bytesOf(special as string);
  if (key === "$int") return BigInt(special as string);
  if (key === "$float") return { INF: Infinity, "-INF": -Infinity, NAN: NaN }[special as string];
  if (key === "$note") return nested(513);
  const object: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const descriptor = { value: jsValue(member), enumerable: true, writable: true };
    Object.defineProperty(object, name, { ...descriptor, configurable: true });
  }
  return object;
}

/** The number 1 inside `depth` lists. */
function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** A substitute for PHP's `serialize`: just enough for the one vector with such a body. */
const listOfStrings = {
  decode: (bytes: Uint8Array, start: number, end: number): string[] =>
    [...decodeUtf8(bytes, start, end).matchAll(/s:\d+:"([^"]*)"/g)].map((match) => match[1]!),
  encode: (list: string[], out: { utf8(text: string): unknown }): void => {
    const items = list.map((item, i) => `i:${i};s:${item.length}:"${item}";`);
    out.utf8(`a:${list.length}:{${items.join("")}}`);
  },
};

/** JsonNL that can also end at the first byte of the buffer, in the manual's own words. */
function guarded(maxFrame: number): Any {
  return defineCodec({
    name: "guarded",
    maxFrame,
    input(buffer) {
      if (buffer[0] === 0x21) return false;
      if (buffer[0] === 0x3f) return -1;
      if (buffer[0] === 0x23) throw new Error("a hash");
      return buffer.indexOf(0x0a) + 1;
    },
    decode: (bytes) => JSON.parse(decodeUtf8(bytes)) as unknown,
    encode: (value: unknown) => `${JSON.stringify(value)}\n`,
  });
}

const PHP_LIMIT = 10_485_760;

function protocolOf({ name, codec }: { name: string; codec: string }, maxFrame = PHP_LIMIT): Any {
  const bytes = name === "text-binary" || name === "text-latin1-bytes";
  switch (codec) {
    case "jsonnl":
      return jsonNL({ phpJson: true, maxFrame });
    case "jsonint":
      return jsonInt({ phpJson: true, maxFrame });
    case "text":
      return bytes ? text({ bytes: true, maxFrame }) : text({ maxFrame });
    case "frame":
      return frame({ maxFrame });
    case "xml10":
      return xml10({ maxFrame });
    case "binarytransfer":
      return binaryTransfer({ maxFrame });
    case "texttransfer":
      return textTransfer({ maxFrame });
    case "gateway":
      return name === "gateway-array-body-serialized"
        ? gatewayProtocol({ maxFrame, serialized: listOfStrings })
        : gatewayProtocol({ maxFrame });
    case "guarded":
      return guarded(maxFrame);
    default:
      throw new Error(`the vectors have a new codec: ${codec}`);
  }
}

function encode(protocol: Any, value: unknown): Uint8Array<ArrayBuffer> {
  return encodeFrame(protocol, value as never);
}

/** Cases whose value is written differently, or refused. */
const DIFFERENT_ENCODING: Record<string, { reason: string; hex?: string }> = {
  "jsonnl-sparse-int-keys": {
    reason: "JavaScript's objects sort integer-like keys",
    hex: "7b2230223a2261222c2232223a2263227d0a",
  },
  "jsonnl-decode-mixed-int-keys": {
    reason: "JavaScript's objects put integer-like keys first",
    hex: "7b2231223a332c2232223a322c2262223a317d0a",
  },
  "jsonnl-decode-1e400": {
    reason: "INF has no JSON form: PHP writes an empty line, here it is refused",
  },
  "text-value-ends-with-cr": { reason: "receivers would not read the CR" },
  "text-value-with-newline": { reason: "receivers would read two packages" },
  "text-value-only-newlines": { reason: "receivers would read empty packages" },
};

describe("cases", () => {
  it.each(cases)("$name: written", (entry) => {
    const protocol = protocolOf(entry);
    const value = jsValue(entry.value);
    const different = DIFFERENT_ENCODING[entry.name];
    if (different !== undefined && different.hex === undefined) {
      expect(errorOf(() => encode(protocol, value)).code).toBe("unencodable");
      return;
    }
    const expected = entry.dir === "decode" ? entry.reencodedHex : entry.hex;
    expect(hexOf(encode(protocol, value))).toBe(different?.hex ?? expected);
  });

  it.each(cases)("$name: read", (entry) => {
    const protocol = protocolOf(entry);
    // Two lines are two packages; in PHP, `decode` alone was called.
    if (entry.name === "text-value-with-newline" || entry.name === "text-value-only-newlines") {
      expect(decodeAll(protocol, bytesOf(entry.hex)).length).toBeGreaterThan(1);
      return;
    }
    const expected = jsValue(entry.dir === "encode" ? entry.decodesTo : entry.value);
    expect(decodeFrame(protocol, bytesOf(entry.hex))).toStrictEqual(expected);
  });

  it.each(cases.filter(({ codec }) => codec === "jsonnl"))("$name: plain JSON", (entry) => {
    // A PHP peer reads plain JSON too; only values with these tags are read differently.
    const beyond = ["int64", "infinity", "negative-zero"];
    const value = jsValue(entry.dir === "encode" ? entry.decodesTo : entry.value);
    if (entry.tags?.some((tag) => beyond.includes(tag)) || typeof value === "bigint") return;
    const read = decodeFrame(protocolOf(entry), encodeFrame(jsonNL(), value));
    // JavaScript writes 1e17 without an exponent, which makes it an integer.
    expect(typeof read === "bigint" ? Number(read) : read).toStrictEqual(value);
  });

  it("differ only as listed", () => {
    const names = cases.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(DIFFERENT_ENCODING)));
  });
});

/** Lengths that differ: another number, or an error with this cause. */
const DIFFERENT_INPUT: Record<string, { reason: string; length?: number; cause?: string }> = {
  "input-text-at-limit": { reason: "a line of exactly the limit is accepted", length: 8 },
  "input-text-pipelined-over-limit": {
    reason: "the limit is for a package, not for the buffer",
    length: 2,
  },
  "input-frame-zero": { reason: "0 would hang", cause: "length-below-header" },
  "input-frame-two": { reason: "2 would lose the place", cause: "length-below-header" },
  "input-xml10-letters-ignored": { reason: "x and z are not digits", cause: "bad-header" },
  "input-xml10-minus-ignored": { reason: "- is not a digit", cause: "bad-header" },
  "input-xml10-spaces": { reason: "a space is not a digit", cause: "bad-header" },
  "input-texttransfer-no-newline-at-end": { reason: "the first LF ends a package", length: 3 },
  "input-texttransfer-two-lines": { reason: "the first LF ends a package", length: 3 },
  "input-gateway-27": {
    reason: "a pack_len of 0 is refused as soon as it arrives",
    cause: "length-below-header",
  },
};

describe("inputs", () => {
  it.each(inputs)("$name", (entry) => {
    const protocol = protocolOf(entry, entry.maxPackageSize);
    const bytes = bytesOf(entry.hex);
    const measure = () => protocol.measure(bytes, 0, bytes.length, newScan());
    const different = DIFFERENT_INPUT[entry.name];
    if (different?.cause === undefined) {
      expect(measure()).toBe(different?.length ?? entry.returns);
    } else {
      expect(errorOf(measure)).toMatchObject({
        code: "malformed",
        message: expect.stringMatching(`^${different.cause}: `),
      });
    }
  });

  it("differ only as listed", () => {
    const names = inputs.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(DIFFERENT_INPUT)));
  });
});

/** Streams that end differently. */
const DIFFERENT_STREAM: Record<
  string,
  { reason: string; messages?: unknown[]; code: ProtocolErrorCode | undefined; text?: RegExp }
> = {
  "stream-jsonnl-limit-unknown-length": {
    reason: "the reference buffers without limit while the length is unknown",
    code: "too-long",
  },
  "stream-text-limit-64": {
    reason: "the reference uses >= instead of >",
    messages: ["a".repeat(63)],
    code: undefined,
  },
  "stream-text-limit-pipelined": {
    reason: "the limit is for a package, not for the buffer",
    messages: ["a", ...new Array<string>(8).fill("1234567")],
    code: undefined,
  },
  "stream-frame-length-0": {
    reason: "the reference hangs",
    code: "malformed",
    text: /^length-below-header: package of 0 bytes, its header has 4$/,
  },
  "stream-frame-length-2": {
    reason: "the reference loses the place",
    messages: [],
    code: "malformed",
    text: /^length-below-header: package of 2 bytes, its header has 4$/,
  },
  "stream-texttransfer-sticky": {
    reason: "the reference takes the whole buffer for one package",
    messages: [
      { file_name: "a", file_data: Uint8Array.of(0x78) },
      { file_name: "b", file_data: Uint8Array.of(0x78) },
    ],
    code: undefined,
  },
};

/** Error codes of streams that the reference closes. */
const CODES: Record<string, ProtocolErrorCode> = { guarded: "malformed" };

/** PHP delivers null for anything but JSON; here only with the option. */
const NULL_FOR_INVALID = [
  "stream-jsonnl-empty-lines",
  "stream-jsonnl-invalid-json-continues",
  "stream-jsonint-bad-json",
];

const NO_SINK: Sink = {
  boundary: "stream",
  write: () => true,
  pause() {},
  resume() {},
  close() {},
  abort() {},
};

/** Returns the messages of a connection that receives these chunks. */
function receive(protocol: Any, chunks: Iterable<Uint8Array>) {
  const messages: unknown[] = [];
  const errors: unknown[] = [];
  const handlers = {
    message: (_: unknown, message: unknown) => void messages.push(message),
    error: (_: unknown, error: unknown) => void errors.push(error),
  };
  // In one turn, however slow the machine is.
  const connection = new Connection(protocol, NO_SINK, handlers, { turn: 0 });
  connection.opened();
  for (const chunk of chunks) connection.received(chunk);
  return { messages, errors, state: connection.state };
}

describe("streams", () => {
  it.each(streams)("$name", (entry) => {
    const { name, codec, maxPackageSize: maxFrame = PHP_LIMIT } = entry;
    let protocol = protocolOf(entry, maxFrame);
    if (NULL_FOR_INVALID.includes(name)) {
      const options = { phpJson: true, invalid: "null", maxFrame } as const;
      protocol = codec === "jsonnl" ? jsonNL(options) : jsonInt(options);
    }
    const different = DIFFERENT_STREAM[name];
    const messages = different?.messages ?? entry.messages.map(jsValue);
    const closed = different === undefined ? entry.closed : different.code !== undefined;
    const code = closed ? (different?.code ?? CODES[codec] ?? "too-long") : undefined;

    const whole = bytesOf(entry.chunksHex.join(""));
    const cuts = {
      "as given": entry.chunksHex.map(bytesOf),
      "in one chunk": [whole],
      "byte by byte": Array.from(whole, (byte) => Uint8Array.of(byte)),
    };
    for (const [cut, chunks] of Object.entries(cuts)) {
      const got = receive(protocol, chunks);
      expect(got.messages, cut).toStrictEqual(messages);
      expect(
        got.errors.map((error) => (error as ProtocolError).code),
        cut,
      ).toEqual(code === undefined ? [] : [code]);
      expect(got.state, cut).toBe(closed ? "closing" : "open");
      if (different?.text !== undefined) {
        expect((got.errors[0] as ProtocolError).message).toMatch(different.text);
      }
    }
  });

  it.each([
    ["stream-guarded-false", /^input-refused: input returned false$/, 8],
    ["stream-guarded-negative", /^input-refused: input returned -1$/, 8],
    ["stream-guarded-throws", /^input-threw: a hash$/, 8],
  ])("%s reports reason and offset", (name, text, offset) => {
    const { chunksHex } = streams.find((stream) => stream.name === name)!;
    const { errors } = receive(guarded(PHP_LIMIT), chunksHex.map(bytesOf));
    expect(errors).toMatchObject([{ message: expect.stringMatching(text), offset }]);
  });

  it("differ only as listed", () => {
    const names = streams.map(({ name }) => name);
    const listed = [...Object.keys(DIFFERENT_STREAM), ...NULL_FOR_INVALID];
    expect(names).toEqual(expect.arrayContaining(listed));
  });
});

describe("invalid", () => {
  /** PHP clamps or merges; here these are not whole packages, or more than one. */
  const codes: Record<string, ProtocolErrorCode> = {
    "jsonint-bad-short-length": "truncated",
    "frame-bad-length-2": "truncated",
  };

  it.each(invalid.filter(({ op }) => op === "decode"))("$name", (entry) => {
    const error = errorOf(() => decodeFrame(protocolOf(entry), bytesOf(entry.hex!)));
    expect(error.code).toBe(codes[entry.name] ?? "malformed");
  });

  it.each(invalid.filter(({ op, codec }) => op === "decode" && codec.startsWith("json")))(
    "$name: null with the option",
    (entry) => {
      if (codes[entry.name] !== undefined) return;
      const options = { phpJson: true, invalid: "null", maxFrame: PHP_LIMIT } as const;
      const protocol = entry.codec === "jsonnl" ? jsonNL(options) : jsonInt(options);
      expect(decodeFrame(protocol, bytesOf(entry.hex!))).toBe(null);
    },
  );

  /** Plain JSON takes these: they are refused with `phpJson` only. */
  const plainTakes: Record<string, string> = {
    "jsonnl-bad-depth-512": "json() accepts 512 levels, json_decode one less",
  };

  it.each(invalid.filter(({ op, codec }) => op === "decode" && codec === "jsonnl"))(
    "$name: plain JSON",
    (entry) => {
      const decode = () => decodeFrame(jsonNL(), bytesOf(entry.hex!));
      if (plainTakes[entry.name] === undefined) expect(errorOf(decode).code).toBe("malformed");
      else expect(decode).not.toThrow();
    },
  );

  it.each(invalid.filter(({ op }) => op === "encode"))("$name", (entry) => {
    const error = errorOf(() => encode(protocolOf(entry), jsValue(entry.value)));
    expect(error.code).toBe("unencodable");
  });
});
