import { brotliCompressSync, brotliDecompressSync, deflateSync, inflateSync } from "node:zlib";
import { fc, it as prop } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  decodeAll,
  decodeFrame,
  encodeAll,
  encodeFrame,
  ProtocolError,
  Splitter,
} from "../../../../src/index.ts";
import {
  type BilibiliPacket,
  bilibili,
  goim,
  type Inflate,
} from "../../../../src/protocols/goim/index.ts";
import { errorOf } from "../../../support/chunks.ts";
import { bytesOf } from "../../../support/hex.ts";

const inflate: Inflate = (method, bytes, maxOutputLength) =>
  method === "zlib"
    ? inflateSync(bytes, { maxOutputLength })
    : brotliDecompressSync(bytes, { maxOutputLength });
const protocol = bilibili({ inflate });

const packet = (ver: number, op: number, body: Uint8Array): Uint8Array =>
  encodeFrame(goim(), { ver, op, seq: 0, body });
const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const message = (body: unknown): BilibiliPacket => ({ type: "message", ver: 0, seq: 0, body });

describe("bilibili", () => {
  it("reads a captured brotli packet", () => {
    const inner = {
      cmd: "WATCHED_CHANGE",
      data: { num: 22097, text_small: "2.2万", text_large: "2.2万人看过" },
    };
    // A brotli meta block of stored bytes, as captured.
    const raw = packet(0, 5, text(inner));
    expect(raw.length).toBe(0x72);
    const bytes = Uint8Array.from([
      ...bytesOf("00000086 0010 0003 00000005 00000000 8b3880"),
      ...raw,
      0x03,
    ]);
    expect(decodeAll(protocol, bytes)).toEqual([message(inner)]);
  });

  it("reads zlib, and delivers each packet on its own", () => {
    const bytes = bytesOf(
      "00000034 0010 0002 00000005 00000000 789c636060906610600001561051ad949c9ba264a5e4a854cb8043ca49a916008c1a06c0",
    );
    expect(decodeAll(protocol, bytes)).toEqual([message({ cmd: "A" }), message({ cmd: "B" })]);
    expect(errorOf(() => decodeFrame(protocol, bytes)).code).toBe("malformed");
    expect(() => protocol.decode(bytes, 0, bytes.length)).toThrow(/2 packets, not 1/);
  });

  it("reads a captured heartbeat reply", () => {
    const bytes = bytesOf("00000014 0010 0000 00000003 00000000 000576b5");
    const reply = { type: "popularity", ver: 0, seq: 0, popularity: 358069 };
    expect(decodeFrame(protocol, bytes)).toEqual(reply);
    // The body of the client's heartbeat follows the packet; in a message it is dropped.
    const echoed = Uint8Array.from([...bytes, ...new TextEncoder().encode("[object Object]")]);
    expect(protocol.decodeMany?.(echoed, 0, echoed.length)).toEqual([reply]);
    const high = bytesOf("00000014 0010 0001 00000003 00000000 ffffffff");
    expect(decodeFrame(protocol, high)).toMatchObject({ popularity: 2 ** 32 - 1 });
  });

  it("reads several packets in a message, compressed or not", () => {
    const packed = deflateSync(Buffer.concat([packet(0, 5, text(1)), packet(0, 5, text(2))]));
    const bytes = Uint8Array.from([
      ...packet(0, 5, text({ cmd: "first" })),
      ...packet(2, 5, packed),
      ...packet(1, 5, text({ cmd: "last" })),
    ]);
    const found = protocol.decodeMany!(bytes, 0, bytes.length);
    expect(found.map((p) => p.type === "message" && p.body)).toEqual([
      { cmd: "first" },
      1,
      2,
      { cmd: "last" },
    ]);
    // And over TCP, byte by byte.
    const splitter = new Splitter(protocol);
    const streamed: BilibiliPacket[] = [];
    for (const byte of bytes) {
      splitter.push(Uint8Array.of(byte));
      while (splitter.next()) {
        streamed.push(...protocol.decodeMany!(splitter.bytes, splitter.start, splitter.end));
      }
    }
    splitter.finish();
    expect(streamed).toEqual(found);
  });

  it("writes a message with an unknown version as an unknown packet", () => {
    const strange = { type: "unknown" as const, ver: 7, op: 5, seq: 0, body: Uint8Array.of(1) };
    expect(decodeFrame(protocol, encodeFrame(protocol, strange))).toEqual(strange);
  });

  it("ignores an empty message, compressed or not", () => {
    expect(decodeAll(protocol, packet(0, 5, new Uint8Array(0)))).toEqual([]);
    expect(decodeAll(protocol, packet(2, 5, deflateSync(new Uint8Array(0))))).toEqual([]);
    for (const ver of [2, 3, 7]) {
      expect(decodeAll(protocol, packet(ver, 5, new Uint8Array(0)))).toEqual([]);
    }
    // So it cannot be written.
    const empty = { type: "unknown" as const, ver: 7, op: 5, body: new Uint8Array(0) };
    expect(errorOf(() => encodeFrame(protocol, empty)).code).toBe("unencodable");
  });

  it("throws a TypeError if inflate returns a promise", () => {
    const late = bilibili({ inflate: (async () => new Uint8Array(0)) as never });
    const bytes = packet(2, 5, deflateSync(packet(0, 5, text(1))));
    expect(() => decodeAll(late, bytes)).toThrow(/inflate must return a Uint8Array, not a promise/);
  });

  it("passes on unknown packets", () => {
    const body = Uint8Array.of(1, 2);
    expect(decodeAll(protocol, packet(4, 5, body))).toEqual([
      { type: "unknown", ver: 4, op: 5, seq: 0, body },
    ]);
    expect(decodeAll(protocol, packet(-1, 5, body))).toMatchObject([{ type: "unknown" }]);
    expect(decodeAll(protocol, packet(1, 99, body))).toMatchObject([{ type: "unknown", op: 99 }]);
  });

  it("reads an auth reply with and without a body", () => {
    const welcome = { type: "welcome", ver: 1, seq: 0 };
    expect(decodeFrame(protocol, packet(1, 8, text({ code: 0 })))).toEqual({
      ...welcome,
      body: { code: 0 },
    });
    expect(decodeFrame(protocol, packet(1, 8, new Uint8Array(0)))).toEqual({
      ...welcome,
      body: undefined,
    });
  });

  it.each([2, 3])("refuses compressed packets inside compressed packets (ver %i)", (ver) => {
    const pack = ver === 2 ? deflateSync : brotliCompressSync;
    const inner = packet(ver, 5, pack(packet(0, 5, text(1))));
    const error = errorOf(() => decodeAll(protocol, packet(ver, 5, pack(inner))));
    expect([error.code, error.offset]).toEqual(["malformed", 0]);
    expect(error.message).toMatch(/within packed/);
  });

  it("limits the decompressed size of a frame, all its packets together", () => {
    const bomb = deflateSync(packet(0, 5, text("x".repeat(90_000))));
    expect(bomb.length).toBeLessThan(1000);
    const small = bilibili({ inflate, maxInflated: 100_000 });
    const once = packet(2, 5, bomb);
    expect(decodeAll(small, once)).toHaveLength(1);
    const twice = Uint8Array.from([...once, ...once]);
    // On TCP each packet is a frame; a message is one frame.
    expect(decodeAll(small, twice)).toHaveLength(2);
    const error = errorOf(() => small.decodeMany!(twice, 0, twice.length));
    expect([error.code, error.offset]).toEqual(["too-long", once.length]);

    // The limit holds even if `inflate` ignores it.
    const careless = bilibili({ inflate: (_, bytes) => inflateSync(bytes), maxInflated: 1000 });
    expect(errorOf(() => decodeAll(careless, once))).toMatchObject({ code: "too-long", offset: 0 });
  });

  it("passes inflate the size that is left", () => {
    const asked: [string, number][] = [];
    const spy = bilibili({
      inflate: (method, bytes, max) => {
        asked.push([method, max]);
        return inflate(method, bytes, max);
      },
    });
    const inner = packet(0, 5, text(1));
    const bytes = Uint8Array.from([
      ...packet(2, 5, deflateSync(inner)),
      ...packet(3, 5, brotliCompressSync(inner)),
    ]);
    spy.decodeMany!(bytes, 0, bytes.length);
    expect(asked).toEqual([
      ["zlib", 8 * 2 ** 20],
      ["brotli", 8 * 2 ** 20 - inner.length],
    ]);
  });

  it.each([
    ["no zlib", packet(2, 5, Uint8Array.of(1, 2, 3))],
    ["truncated zlib", packet(2, 5, deflateSync(packet(0, 5, text(1))).subarray(0, 9))],
    [
      "a truncated compressed packet",
      packet(2, 5, deflateSync(packet(0, 5, text(1)).subarray(0, 16))),
    ],
    ["packed noise", packet(3, 5, brotliCompressSync(Buffer.alloc(40)))],
    ["no JSON", packet(0, 5, Uint8Array.of(0x7b))],
    [
      "a compressed body that is not JSON",
      packet(2, 5, deflateSync(packet(0, 5, Uint8Array.of(1)))),
    ],
    ["popularity of 3 bytes", packet(0, 3, new Uint8Array(3))],
    ["a wrong header", bytesOf("00000010 0011 0001 00000002 00000001")],
  ])("refuses %s", (_, bytes) => {
    expect(errorOf(() => decodeAll(protocol, bytes)).code).toBe("malformed");
  });

  it("refuses an inflate that does not return bytes", () => {
    const odd = bilibili({ inflate: () => "text" as never });
    expect(errorOf(() => decodeAll(odd, packet(2, 5, Uint8Array.of(1)))).code).toBe("malformed");
  });

  it("requires inflate and valid limits", () => {
    expect(() => bilibili({} as never)).toThrow(TypeError);
    expect(() => bilibili({ inflate, maxFrame: 15 })).toThrow(RangeError);
    expect(() => bilibili({ inflate, maxInflated: 0 })).toThrow(RangeError);
  });

  it.each<BilibiliPacket>([
    { type: "message", ver: 2, body: {} },
    { type: "message", ver: -1, body: {} },
    { type: "message", ver: 0, body: undefined },
    { type: "popularity", popularity: -1 },
    { type: "unknown", op: 3, body: new Uint8Array(4) },
    { type: "unknown", op: 5, ver: 0, body: new Uint8Array(4) },
    { type: "heartbeat", ver: 40_000 },
    { type: "other" } as never,
  ])("refuses to write %o", (value) => {
    expect(errorOf(() => encodeFrame(protocol, value)).code).toBe("unencodable");
  });

  it("writes auth and heartbeats as clients do", () => {
    const auth = encodeFrame(protocol, { type: "auth", body: { roomid: 1, protover: 3 } });
    expect(auth).toEqual(
      encodeFrame(goim(), { ver: 1, op: 7, seq: 1, body: text({ roomid: 1, protover: 3 }) }),
    );
    expect(encodeFrame(protocol, { type: "heartbeat" })).toEqual(
      bytesOf("00000010 0010 0001 00000002 00000001"),
    );
  });

  const field = { ver: fc.integer({ min: -32768, max: 32767 }), seq: fc.integer() };
  const anyPacket: fc.Arbitrary<BilibiliPacket> = fc.oneof(
    fc.record({ type: fc.constant("heartbeat" as const), ...field }),
    fc.record({ type: fc.constant("popularity" as const), ...field, popularity: fc.nat(2 ** 31) }),
    fc.record({
      type: fc.constant("message" as const),
      ...field,
      ver: fc.constantFrom(0, 1),
      body: fc.jsonValue(),
    }),
    fc.record({
      type: fc.constant("auth" as const),
      ...field,
      // Text is written unchanged.
      body: fc.jsonValue().filter((value) => typeof value !== "string"),
    }),
    fc.record({
      type: fc.constant("welcome" as const),
      ...field,
      body: fc.constantFrom({ code: 0 }, undefined),
    }),
    fc.record({
      type: fc.constant("unknown" as const),
      ...field,
      op: fc.constantFrom(0, 9, 5000),
      body: fc.uint8Array(),
    }),
  );
  prop.prop([fc.array(anyPacket)], { numRuns: 100 })("reads what it wrote", (packets) => {
    const expected = packets.map((p) =>
      p.type === "message" || p.type === "auth"
        ? { ...p, body: JSON.parse(JSON.stringify(p.body)) as unknown }
        : p,
    );
    expect(decodeAll(protocol, encodeAll(protocol, packets))).toEqual(expected);
  });

  prop.prop(
    [fc.uint8Array({ maxLength: 60, size: "max" }), fc.constantFrom(2, 3, 5, 7, 8), fc.nat(4)],
    {
      numRuns: 300,
    },
  )("fails on noise with a ProtocolError only", (body, op, ver) => {
    try {
      decodeAll(protocol, packet(ver, op, body));
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(ProtocolError);
    }
  });
});
