import { describe, expect, it } from "vitest";
import { resync, skip } from "../../../src/framing/index.ts";
import { decodeAll, encodeAll, encodeFrame, type Protocol, raw } from "../../../src/index.ts";
import {
  command,
  fastway,
  linkFixlen,
  linkJson,
  packet,
} from "../../../src/protocols/fastway/index.ts";
import { bilibili, goim } from "../../../src/protocols/goim/index.ts";
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
} from "../../../src/protocols/workerman/index.ts";
import { concat } from "../../support/chunks.ts";
import { read } from "../../support/tolerant.ts";

// Each protocol with a low limit, and one with a high limit, which writes the frames that the first
// must skip.

interface Case<In, Out> {
  readonly name: string;
  readonly reader: Protocol<In, Out>;
  readonly writer: Protocol<In, Out>;
  readonly short: In;
  readonly long: In;
  /** Text of the error. */
  readonly text: RegExp;
}

const small = Uint8Array.of(1, 2);
const large = new Uint8Array(300).fill(7);

const one = <In, Out>(
  name: string,
  make: (most: number) => Protocol<In, Out>,
  short: In,
  long: In,
  text: RegExp = /^frame of \d+ bytes exceeds maxFrame 120$/,
): Case<unknown, unknown> =>
  ({
    name,
    reader: make(120),
    writer: make(1000),
    short,
    long,
    text,
  }) as Case<unknown, unknown>;

const word = "x".repeat(300);

const cases: readonly Case<unknown, unknown>[] = [
  one(
    "goim",
    (maxFrame) => goim({ maxFrame }),
    { op: 4, body: small },
    { op: 4, body: large },
    /^pack-length: packet of 316 bytes exceeds maxFrame 120$/,
  ),
  one(
    "bilibili",
    (maxFrame) => bilibili({ inflate: (_, bytes) => bytes, maxFrame }),
    { type: "unknown", ver: 1, op: 77, seq: 1, body: small },
    { type: "unknown", ver: 1, op: 77, seq: 1, body: large },
    /^pack-length: packet of 316 bytes exceeds maxFrame 120$/,
  ),
  one(
    "fastway packets",
    (most) => packet({ maxPacket: most }),
    { connId: 5, message: small },
    { connId: 5, message: large },
    /^too-large: Length 304 exceeds maxPacket 120$/,
  ),
  one(
    "fastway",
    (most) => fastway({ dialect: "v1", maxPacket: most }),
    { type: "message", connId: 5, message: small },
    { type: "message", connId: 5, message: large },
    /^too-large: Length 304 exceeds maxPacket 120$/,
  ),
  ...([1, 2, 4, 8] as const).flatMap((width) =>
    (["be", "le"] as const).map((endian) =>
      one(
        `linkFixlen ${width} ${endian}`,
        (most) => linkFixlen({ width, endian, maxReceive: most }).wrap(raw()),
        small,
        large.subarray(0, 200),
        /^too-large: body of 200 bytes exceeds maxReceive 120$/,
      ),
    ),
  ),
  one(
    "linkJson",
    (maxFrame) => linkJson({ maxFrame }),
    { head: "a", body: 1 },
    { head: "a", body: word },
    /^frame does not end within the 120 bytes of maxFrame$/,
  ),
  one("Workerman's Frame", (maxFrame) => frame({ maxFrame }), small, large),
  one("JsonInt", (maxFrame) => jsonInt({ maxFrame }), { a: 1 }, { a: word }),
  one("xml10", (maxFrame) => xml10({ maxFrame }), "<a/>", word),
  one(
    "GatewayWorker",
    (maxFrame) => gatewayProtocol({ maxFrame }),
    { cmd: 1 },
    { cmd: 1, body: word },
  ),
  one(
    "BinaryTransfer",
    (maxFrame) => binaryTransfer({ maxFrame }),
    { file_name: "a", file_data: small },
    { file_name: "a", file_data: large },
  ),
  one(
    "TextTransfer",
    (maxFrame) => textTransfer({ maxFrame }),
    { file_name: "a", file_data: small },
    { file_name: "a", file_data: large },
    /^frame does not end within/,
  ),
  one("JsonNL", (maxFrame) => jsonNL({ maxFrame }), { a: 1 }, { a: word }, /^frame does not end/),
  one("Text", (maxFrame) => text({ maxFrame }), "ab", word, /^frame does not end/),
  one(
    "a codec with input",
    (maxFrame) =>
      defineCodec<Uint8Array>({
        maxFrame,
        input: (buffer) => (buffer.length < 2 ? 0 : 2 + buffer[0]! * 256 + buffer[1]!),
        decode: (bytes) => bytes.slice(2),
        encode: (body) => concat([Uint8Array.of(body.length >> 8, body.length & 255), body]),
      }),
    small,
    large,
  ),
];

describe.each(cases)("skip: $name", ({ reader, writer, short, long, text }) => {
  const good = encodeFrame(writer, short);
  const bad = encodeFrame(writer, long);

  it("skips a frame that is too long, and reads the next one", () => {
    const stream = concat([good, bad, good, bad, bad, good]);
    const log = read(reader, skip({ most: 1000 }), stream, JSON.stringify);
    const value = JSON.stringify(decodeAll(reader, good)[0]);
    const skipped = (at: number): string => `-${bad.length} at ${at}: too-long at ${at}`;
    const second = 2 * good.length + bad.length;
    expect(log).toEqual([
      value,
      skipped(good.length),
      value,
      skipped(second),
      skipped(second + bad.length),
      value,
    ]);
  });

  it("has the same error without a policy", () => {
    const stream = concat([good, bad]);
    let failure: unknown;
    try {
      decodeAll(reader, stream);
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({ code: "too-long", offset: good.length });
    expect((failure as Error).message).toMatch(text);
    let told: unknown;
    decodeAll(reader, stream, {
      onInvalid: skip(),
      skipped: ({ error }) => {
        told = error.message;
      },
    });
    expect(told).toBe((failure as Error).message);
  });

  it("ends the stream after more than `most` bytes", () => {
    const stream = concat([good, bad, bad, good]);
    const log = read(reader, skip({ most: bad.length + 1 }), stream, JSON.stringify);
    expect(log.at(-1)).toBe(`!too-long at ${good.length + bad.length}`);
  });
});

describe("resync", () => {
  it("tries the next byte after a length that is too long", () => {
    const protocol = packet({ maxPacket: 40 });
    const good = encodeAll(protocol, [{ connId: 1, message: small }]);
    const log = read(protocol, resync(), concat([Uint8Array.of(0xff), good]), JSON.stringify);
    expect(log[0]).toMatch(/^-1 at 0/);
    expect(log).toHaveLength(2);
  });
});

describe("commands of fastway", () => {
  it("are skipped if too long, and counted", () => {
    const protocol = command({ dialect: "v2", maxPacket: 40 });
    const good = encodeFrame(protocol, { type: "ping" });
    const bad = new Uint8Array(104);
    bad[0] = 100;
    const log = read(protocol, skip(), concat([bad, good]), ({ type }) => type);
    expect(log).toEqual(["-104 at 0: too-long at 0", "ping"]);
  });
});
