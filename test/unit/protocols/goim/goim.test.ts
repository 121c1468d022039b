import { fc, it as prop } from "@fast-check/vitest";
import { describe, expect, expectTypeOf, it } from "vitest";
import { newScan } from "../../../../src/core/index.ts";
import {
  decodeAll,
  decodeFrame,
  encodeAll,
  encodeFrame,
  ProtocolError,
  type Received,
  type Sent,
  Splitter,
} from "../../../../src/index.ts";
import {
  batch,
  goim,
  operations,
  type Packet,
  type PacketToSend,
  unbatch,
} from "../../../../src/protocols/goim/index.ts";
import { errorOf } from "../../../support/chunks.ts";

const packet = (op: number, text = ""): Packet => ({
  ver: 1,
  op,
  seq: 0,
  body: Uint8Array.from(text, (c) => c.charCodeAt(0)),
});

/** A header with any lengths, followed by `extra` zeros. */
const header = (packLen: number, headerLen = 16, extra = 0): Uint8Array => {
  const bytes = new Uint8Array(16 + extra);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, packLen);
  view.setInt16(4, headerLen);
  return bytes;
};

const error = (code: string, text: RegExp, offset?: number): object =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(text) as unknown,
    ...(offset === undefined ? {} : { offset }),
  }) as object;

describe("goim", () => {
  it("has types in which fields are optional to send and present when received", () => {
    const protocol = goim();
    expectTypeOf<Sent<typeof protocol>>().toEqualTypeOf<PacketToSend>();
    expectTypeOf<Received<typeof protocol>>().toEqualTypeOf<Packet>();
    expectTypeOf<Packet>().toExtend<PacketToSend>();
    expect(Object.isFrozen(protocol)).toBe(true);
    expect(Object.isFrozen(goim({ side: "server" }))).toBe(true);
  });

  it("fills in defaults", () => {
    const bytes = encodeFrame(goim(), { op: 2 });
    expect(decodeFrame(goim(), bytes)).toEqual(packet(2));
  });

  it("measures from 6 bytes on, and refuses each length as soon as it is here", () => {
    const { measure } = goim({ maxFrame: 100 });
    const bytes = header(20, 16, 4);
    for (let end = 1; end < 6; end++) expect(measure(bytes, 0, end, newScan())).toBe(0);
    for (let end = 6; end <= 20; end++) expect(measure(bytes, 0, end, newScan())).toBe(20);
    const long = header(101, 99);
    for (let end = 1; end < 4; end++) expect(measure(long, 0, end, newScan())).toBe(0);
    // A length above the limit is returned, too: the caller refuses it, or skips that many bytes.
    expect(measure(long, 0, 4, newScan())).toBe(101);
    expect(() => decodeAll(goim({ maxFrame: 100 }), long)).toThrow(
      error("too-long", /pack-length.* 101 .* 100/, 0),
    );
    expect(() => measure(header(15, 99), 0, 4, newScan())).toThrow(
      error("malformed", /pack-length.* 15 .* 16/, 0),
    );
    expect(() => measure(header(16, 17), 0, 6, newScan())).toThrow(
      error("malformed", /17, not 16/, 4),
    );
  });

  it.each([
    ["op", { op: 2 ** 31 }],
    ["op", { op: 1.5 }],
    ["op", { op: Number.NaN }],
    ["ver", { op: 2, ver: 32768 }],
    ["ver", { op: 2, ver: -32769 }],
    ["seq", { op: 2, seq: -(2 ** 31) - 1 }],
    ["body", { op: 2, body: "text" as never }],
  ])("refuses a packet whose %s does not fit", (_, value) => {
    expect(errorOf(() => encodeFrame(goim(), value))).toEqual(error("unencodable", /./));
  });

  it("limits sending and reading separately", () => {
    const protocol = goim({ maxFrame: 100, maxSendBody: 4 });
    expect(encodeFrame(protocol, packet(1, "1234")).length).toBe(20);
    expect(encodeFrame(goim({ maxSendBody: 0 }), packet(1)).length).toBe(16);
    const long = packet(1, "12345");
    expect(errorOf(() => encodeFrame(protocol, long))).toEqual(
      error("unencodable", /frame of 21 bytes exceeds maxSend 20/),
    );
    expect(decodeFrame(protocol, encodeFrame(goim(), long))).toEqual(long);
    expect(errorOf(() => encodeFrame(goim({ maxFrame: 20 }), long))).toEqual(
      error("unencodable", /21 .* 20/),
    );
  });

  it.each([
    { maxFrame: 15 },
    { maxFrame: 20.5 },
    { maxSendBody: -1 },
    { maxSendBody: Number.NaN },
    { flatten: true, side: "server" as const },
  ])("refuses the options %o", (options) => {
    expect(() => goim(options)).toThrow(RangeError);
  });

  it("writes no more than its length field can express", () => {
    expect(goim({ maxFrame: 2 ** 40 }).maxFrame).toBe(2 ** 31 - 1);
    expect(goim().maxFrame).toBe(2 ** 20);
  });

  it("returns views, or copies", () => {
    const frame = encodeFrame(goim(), packet(5, "abc"));
    const view = decodeFrame(goim(), frame).body;
    const own = decodeFrame(goim({ copy: true }), frame).body;
    expect(view.buffer).toBe(frame.buffer);
    frame[16] = 0x78;
    expect([view[0], own[0]]).toEqual([0x78, 0x61]);
  });

  it("reads several packets in a server's message, one in a client's", () => {
    const bytes = encodeAll(goim(), [packet(5, "a"), packet(5, "b")]);
    expect(goim().decodeMany?.(bytes, 0, bytes.length)).toEqual([packet(5, "a"), packet(5, "b")]);
    const server = goim({ side: "server" });
    expect(server.decodeMany).toBeUndefined();
    expect(() => server.decode(bytes, 0, bytes.length)).toThrow(
      error("malformed", /17 bytes after a packet of 17/, 17),
    );
  });

  it.each([0, 1, 15])("reports a message of %i bytes as truncated", (length) => {
    const bytes = encodeFrame(goim(), packet(2)).subarray(0, length);
    const whole = length < 6 ? "a header of 16" : "a packet of 16";
    const text = error(
      "truncated",
      new RegExp(`message ends after ${length} bytes of ${whole}`),
      0,
    );
    expect(() => goim().decodeMany?.(bytes, 0, length)).toThrow(text);
    expect(() => goim().decode(bytes, 0, length)).toThrow(text);
  });

  it("delivers complete packets before a bad header", () => {
    const splitter = new Splitter(goim());
    splitter.push(Uint8Array.from([...encodeFrame(goim(), packet(2)), ...header(8)]));
    expect(splitter.next()).toBe(true);
    expect(() => splitter.next()).toThrow(error("malformed", /pack-length/, 16));
  });
});

describe("batches", () => {
  const flat = goim({ flatten: true });
  const some = [packet(1000, "a"), packet(1001), packet(9, "nested?")];

  it("are opened one level deep", () => {
    const nested = batch([batch(some), packet(5)]);
    const bytes = encodeFrame(goim(), nested);
    expect(decodeFrame(goim(), bytes)).toEqual(nested);
    expect(decodeAll(flat, bytes)).toEqual([batch(some), packet(5)]);
    expect(unbatch(nested)).toEqual([batch(some), packet(5)]);
  });

  it("may be empty, alone or among other packets", () => {
    const bytes = encodeAll(goim(), [packet(3), batch([]), batch(some), packet(4)]);
    expect(decodeAll(flat, bytes)).toEqual([packet(3), ...some, packet(4)]);
    expect(flat.decodeMany?.(bytes, 0, bytes.length)).toEqual([packet(3), ...some, packet(4)]);
    expect(unbatch(batch([]))).toEqual([]);
  });

  it("with one packet are one value", () => {
    expect(decodeFrame(flat, encodeFrame(flat, batch([packet(7)])))).toEqual(packet(7));
    const alone = encodeFrame(flat, batch([packet(7)]));
    expect(flat.decode(alone, 0, alone.length)).toEqual(packet(7));
    expect(flat.decode(alone, 16, alone.length)).toEqual(packet(7));
    expect(decodeFrame(flat, encodeFrame(flat, packet(8)))).toEqual(packet(8));
    const two = encodeFrame(flat, batch([packet(7), packet(8)]));
    expect(errorOf(() => decodeFrame(flat, two))).toEqual(error("malformed", /2 values/));
    expect(() => flat.decode(two, 0, two.length)).toThrow(error("malformed", /2 packets, not 1/));
  });

  it("fail as a whole if one packet is bad", () => {
    const body = Uint8Array.from([...encodeFrame(goim(), packet(5, "x")), ...header(4000)]);
    const bad = { ver: 1, op: operations.v2.raw, seq: 0, body };
    const bytes = encodeFrame(goim(), bad);
    expect(errorOf(() => decodeAll(flat, bytes))).toEqual(
      error("truncated", /batch ends after 16 bytes of a packet of 4000/, 33),
    );
    expect(errorOf(() => unbatch(bad))).toEqual(error("truncated", /batch/, 17));
    // It is not written either, because it could not be read.
    expect(errorOf(() => encodeFrame(flat, bad))).toEqual(error("unencodable", /batch/));
  });

  it("require operation 9", () => {
    expect(errorOf(() => unbatch(packet(11)))).toEqual(error("malformed", /operation 11 .* 9/));
  });

  it("refuse packets that cannot be written", () => {
    expect(errorOf(() => batch([packet(1), { op: 2 ** 40 }]))).toEqual(error("unencodable", /./));
  });

  it("hold more packets than a call can have arguments", () => {
    const many = Array.from({ length: 200_000 }, (_, seq) => ({ ver: 1, op: 5, seq }));
    const large = goim({ flatten: true, maxFrame: 8 * 1024 * 1024 });
    const packets = decodeAll(large, encodeFrame(large, batch(many)));
    expect([packets.length, packets.at(-1)?.seq]).toEqual([200_000, 199_999]);
  });

  const anyPacket = fc.record({
    ver: fc.integer({ min: -32768, max: 32767 }),
    op: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    seq: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    body: fc.uint8Array({ maxLength: 300, size: "max" }),
  });

  prop.prop([fc.array(anyPacket)], { numRuns: 100 })("round-trip", (packets) => {
    expect(unbatch(batch(packets))).toEqual(packets);
    const inner = decodeAll(flat, encodeFrame(goim(), batch(packets)));
    expect(inner).toEqual(packets);
  });

  prop.prop([fc.uint8Array({ maxLength: 200, size: "max" })], { numRuns: 300 })(
    "read noise as packets that cover it, or throw a ProtocolError",
    (body) => {
      try {
        const packets = unbatch({ ver: 1, op: 9, seq: 0, body });
        expect(packets.reduce((sum, p) => sum + 16 + p.body.length, 0)).toBe(body.length);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(ProtocolError);
      }
    },
  );
});
