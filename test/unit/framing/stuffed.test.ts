import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cobs,
  hdlc,
  newScan,
  type StuffedOptions,
  slip,
  stuffed,
  withChecksum,
  xor8,
} from "../../../src/framing/index.ts";
import {
  decodeAll,
  decodeFrame,
  encodeAll,
  encodeFrame,
  raw,
  utf8,
  type WrappingFraming,
} from "../../../src/index.ts";
import { everySize, failureOf, poisoned, readAll } from "../../support/chunks.ts";
import { bytesOf, hexOf } from "../../support/hex.ts";

const hex = (bytes: Uint8Array): string => hexOf(bytes).replace(/..(?!$)/g, "$& ");

/** The payloads of a stream and its error, in pieces of any size; all must be equal. */
function read(framing: WrappingFraming, wire: string): string[] {
  const bytes = bytesOf(wire);
  const whole = readAll(framing, [bytes]);
  for (let size = 1; size < bytes.length; size++) {
    expect(readAll(framing, everySize(bytes, size))).toEqual(whole);
  }
  const protocol = framing.wrap(raw());
  const found = whole.frames.map((frame) => hex(protocol.decode(poisoned(frame), 0, frame.length)));
  if (whole.failure !== undefined) return [...found, whole.failure.code];
  expect(decodeAll(protocol, bytes).map(hex)).toEqual(found);
  return found;
}

const jt808: StuffedOptions = {
  flag: 0x7e,
  escape: 0x7d,
  map: { 126: 0x02, 125: 0x01 },
  leading: true,
};

describe.each<[string, WrappingFraming, [string, string][]]>([
  [
    "slip",
    slip(),
    [
      ["68 69", "c0 68 69 c0"],
      ["01 c0 02 db 03", "c0 01 db dc 02 db dd 03 c0"],
      ["c0", "c0 db dc c0"],
      ["db dc", "c0 db dd dc c0"],
    ],
  ],
  ["slip without END in front", slip({ leading: false }), [["68 c0", "68 db dc c0"]]],
  [
    "hdlc",
    hdlc(),
    [
      // RFC 1662, with the check value of its FCS.
      ["31 32 33 34 35 36 37 38 39", "7e 31 32 33 34 35 36 37 38 39 6e 90 7e"],
      ["7e", "7e 7d 5e 81 6a 7e"],
    ],
  ],
  [
    "hdlc with FCS-32",
    hdlc({ fcs: 32 }),
    [["31 32 33 34 35 36 37 38 39", "7e 31 32 33 34 35 36 37 38 39 26 39 f4 cb 7e"]],
  ],
  [
    "hdlc without FCS, control characters escaped",
    hdlc({ fcs: 0, leading: false, also: [0x11, 0x13] }),
    [["ff 11 03 7d 13 12", "ff 7d 31 03 7d 5d 7d 33 12 7e"]],
  ],
  [
    "JT/T 808",
    withChecksum(stuffed(jt808), { sum: xor8, width: 1 }),
    [
      ["30 7e 08 7d 55", "7e 30 7d 02 08 7d 01 55 6e 7e"],
      ["7e", "7e 7d 02 7d 02 7e"],
    ],
  ],
  [
    "cobs",
    cobs(),
    [
      ["", "01 00"],
      ["00", "01 01 00"],
      ["00 00", "01 01 01 00"],
      ["00 11 00", "01 02 11 01 00"],
      ["11 22 00 33", "03 11 22 02 33 00"],
      ["11 22 33 44", "05 11 22 33 44 00"],
      ["11 00 00 00", "02 11 01 01 01 00"],
    ],
  ],
  ["cobs with a zero in front", cobs({ leading: true }), [["11 00", "00 02 11 01 00"]]],
])("%s", (_, framing, pairs) => {
  const protocol = framing.wrap(raw());

  it.each(pairs)("%j is %j", (payload, wire) => {
    expect(hex(encodeFrame(protocol, bytesOf(payload)))).toBe(wire);
    expect(hex(decodeFrame(protocol, poisoned(bytesOf(wire))))).toBe(payload);
  });

  it("returns any bytes unchanged, with any cuts", () => {
    const odd = fc.constantFrom(0x00, 0x01, 0x7d, 0x7e, 0xc0, 0xdb, 0xdc, 0xff);
    const payload = fc
      .array(fc.oneof(odd, fc.nat(255)), { minLength: 1, maxLength: 600, size: "max" })
      .map((bytes) => Uint8Array.from(bytes));
    fc.assert(
      fc.property(
        fc.array(payload, { maxLength: 4 }),
        fc.integer({ min: 1, max: 9 }),
        (all, size) => {
          const wire = encodeAll(protocol, all);
          expect(decodeAll(protocol, wire)).toEqual(all);
          const { frames, failure } = readAll(framing, everySize(wire, size));
          expect(failure).toBeUndefined();
          expect(frames.map((frame) => protocol.decode(frame, 0, frame.length))).toEqual(all);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is frozen, and no text", () => {
    expect(Object.isFrozen(framing)).toBe(true);
    expect(Object.isFrozen(protocol)).toBe(true);
    expect(framing.wrap(utf8()).text).toBe(false);
  });
});

describe("flags", () => {
  it.each<[string, string, string[]]>([
    ["one between two frames", "c0 01 c0 02 c0", ["01", "02"]],
    ["two between two frames", "c0 01 c0 c0 02 c0", ["01", "02"]],
    ["none in front", "01 c0 02 c0", ["01", "02"]],
    ["many, idle", "c0 c0 c0 01 c0 c0 c0 c0 02 c0 c0 c0", ["01", "02"]],
    ["nothing else", "c0 c0 c0", []],
    ["one alone", "c0", []],
    ["a frame that is cut", "c0 01 c0 c0 02", ["01", "truncated"]],
  ])("are read: %s", (_, wire, expected) => {
    expect(read(slip(), wire)).toEqual(expected);
    expect(read(slip({ leading: false }), wire)).toEqual(expected);
  });

  it("are skipped as soon as they are known to be idle", () => {
    const measure = (framing: WrappingFraming, wire: string, ended = false): number =>
      framing.measure(bytesOf(wire), 0, bytesOf(wire).length, newScan(ended));
    expect(measure(slip(), "c0")).toBe(0);
    expect(measure(slip(), "c0", true)).toBe(-1);
    expect(measure(slip(), "c0 c0 c0")).toBe(-2);
    expect(measure(slip(), "c0 c0 01")).toBe(-1);
    expect(measure(slip(), "c0 01 c0")).toBe(3);
    expect(measure(slip({ leading: false }), "c0 c0 01")).toBe(-2);
  });

  it("make an empty payload impossible", () => {
    for (const framing of [slip(), slip({ leading: false }), hdlc({ fcs: 0 })]) {
      const failure = failureOf(() => encodeFrame(framing.wrap(raw()), new Uint8Array(0)));
      expect(failure?.message).toBe("an empty payload cannot be told from idle flags");
    }
    expect(
      decodeAll(hdlc().wrap(raw()), encodeFrame(hdlc().wrap(raw()), new Uint8Array(0))),
    ).toEqual([new Uint8Array(0)]);
  });

  it("are in the layout, with an escaped payload between them", () => {
    const flag = { name: "flag", kind: "delimiter", size: 1, bytes: Uint8Array.of(0xc0) };
    const payload = {
      ...{ name: "payload", kind: "payload", size: "rest", escaped: true },
      unescape: expect.any(Function),
    };
    expect(slip().layout).toEqual([flag, payload, flag]);
    expect(slip({ leading: false }).layout).toEqual([payload, flag]);
    const checksum = { name: "checksum", kind: "trailer", size: 2, endian: "le" };
    expect(hdlc({ leading: false }).layout?.[1]).toEqual(checksum);
    const plainOf = slip().layout?.[1]?.unescape;
    expect(plainOf?.(bytesOf("c0 01 db dc c0"), 1, 4)).toEqual(bytesOf("01 c0"));
    expect(plainOf?.(bytesOf("c0 01 02 c0"), 1, 3)).toEqual(bytesOf("01 02"));
  });

  it("need room, in the limit too", () => {
    expect(() => slip({ maxFrame: 2 })).toThrow(RangeError);
    const short = slip({ maxFrame: 5 }).wrap(raw());
    expect(encodeFrame(short, bytesOf("01 02 03"))).toHaveLength(5);
    expect(failureOf(() => encodeFrame(short, bytesOf("01 c0 03")))?.code).toBe("unencodable");
    expect(failureOf(() => decodeAll(short, bytesOf("c0 01 02 03 04 c0")))?.code).toBe("too-long");
  });
});

describe("damaged frames", () => {
  it.each<[string, WrappingFraming, string, number, string]>([
    ["a wrong byte after an escape", slip(), "c0 01 db 05 c0", 3, "byte 5 after an escape"],
    ["an escape at the end", slip(), "c0 01 db c0", 2, "escape before the flag"],
    ["a wrong FCS", hdlc(), "7e 31 32 00 00 7e", 3, "checksum 0x0 instead of"],
    ["a frame without room for the FCS", hdlc(), "7e 31 7e", 1, "no room for a checksum of 2"],
    ["a block beyond the end", cobs(), "02 11 05 22 00", 2, "block of 5 bytes, 2 are left"],
  ])("are malformed: %s", (_, framing, wire, offset, message) => {
    const failure = failureOf(() => decodeAll(framing.wrap(raw()), bytesOf(wire)));
    expect(failure).toMatchObject({ code: "malformed", offset });
    expect(failure?.message).toContain(message);
  });

  it("are skipped if their sender aborted them", () => {
    expect(read(hdlc({ fcs: 0 }), "7e 01 02 7d 7e 03 7e 04 7d 7e")).toEqual(["03"]);
    expect(read(hdlc({ fcs: 0 }), "7d 7e 7e 03 7e")).toEqual(["03"]);
  });

  it("are malformed for a caller that shows no flag", () => {
    const failure = failureOf(() => slip().wrap(raw()).decode(bytesOf("01 02"), 0, 2));
    expect(failure).toMatchObject({ code: "malformed", offset: 2 });
  });
});

describe("the place of an error in an unpacked payload", () => {
  // A byte that is not UTF-8, after packed bytes, has its index on the wire.
  it.each<[string, WrappingFraming, number[], number]>([
    ["slip", slip(), [0x61, 0xff], 2],
    ["slip, escapes before", slip(), [0x00, 0x7f, 0x62, 0xff], 4],
    ["stuffed", stuffed({ ...jt808, leading: false }), [0x7e, 0x7d, 0x7e, 0xff], 6],
    ["cobs", cobs(), [0x61, 0x00, 0x00, 0x62, 0xff], 5],
    ["cobs, after full blocks", cobs(), [...Array.from({ length: 300 }, () => 0x61), 0xff], 302],
  ])("%s", (_, framing, payload, offset) => {
    const wire = encodeFrame(framing.wrap(raw()), Uint8Array.from(payload));
    expect(wire[offset]).toBe(0xff);
    const bad = failureOf(() => decodeFrame(framing.wrap(utf8()), wire));
    expect(bad).toMatchObject({ code: "malformed", offset });
  });

  it("is within the frame, whatever offset a codec reports", () => {
    for (const [framing, end] of [
      [slip(), 4],
      [cobs(), 3],
    ] as const) {
      const codec = {
        decode(_: Uint8Array, start: number) {
          return utf8().decode(Uint8Array.of(0xff), start, 1);
        },
        encode() {},
      };
      const wire = encodeFrame(framing.wrap(raw()), Uint8Array.of(0xc0, 0x61));
      const failure = failureOf(() => decodeFrame(framing.wrap(codec), wire));
      expect(failure?.offset).toBeLessThanOrEqual(end);
    }
  });
});

describe("cobs", () => {
  const blockOf = (length: number): Uint8Array =>
    Uint8Array.from({ length }, (_, i) => 1 + (i % 254));

  it.each([253, 254, 255, 507, 508, 509])("writes %s bytes without a zero in few blocks", (n) => {
    const frame = encodeFrame(cobs().wrap(raw()), blockOf(n));
    expect(frame).toHaveLength(n + Math.ceil(n / 254) + 1);
    expect(frame.subarray(0, -1).includes(0)).toBe(false);
    expect(frame[0]).toBe(Math.min(n + 1, 255));
    expect(decodeFrame(cobs().wrap(raw()), frame)).toEqual(blockOf(n));
  });

  it("reads the form that others write after a full block at the end", () => {
    const frame = Uint8Array.from([0xff, ...blockOf(254), 0x01, 0x00]);
    expect(decodeFrame(cobs().wrap(raw()), frame)).toEqual(blockOf(254));
  });

  it("keeps a zero after a full block", () => {
    const payload = Uint8Array.from([...blockOf(254), 0]);
    expect(decodeFrame(cobs().wrap(raw()), encodeFrame(cobs().wrap(raw()), payload))).toEqual(
      payload,
    );
  });
});

describe("stuffed refuses", () => {
  it.each<[string, object]>([
    ["no flag", { escape: 1, map: 0x20 }],
    ["a flag that is no byte", { ...jt808, flag: 256 }],
    ["an escape that is no byte", { ...jt808, escape: -1 }],
    ["flag and escape in one", { flag: 1, escape: 1, map: { 1: 2 } }],
    ["a map without the escape", { flag: 1, escape: 2, map: { 1: 3 } }],
    ["a map that gives the flag", { flag: 1, escape: 2, map: { 1: 3, 2: 1 } }],
    ["a map that gives one byte for two", { flag: 1, escape: 2, map: { 1: 3, 2: 3 } }],
    ["a map of what are no bytes", { flag: 1, escape: 2, map: { 1: 3, 2: 4, 300: 5 } }],
    ["a map to what are no bytes", { flag: 1, escape: 2, map: { 1: 3, 2: 400 } }],
    ["a map of names", { flag: 1, escape: 2, map: { flag: 3, escape: 4 } }],
    ["no map", { flag: 1, escape: 2 }],
    ["a mask that gives the flag", { flag: 1, escape: 3, map: 2 }],
    ["more bytes for a map that lists them", { ...jt808, also: [5] }],
  ])("%s", (_, options) => {
    expect(() => stuffed(options as StuffedOptions)).toThrow(RangeError);
  });

  it("options that do not exist", () => {
    expect(() => stuffed({ ...jt808, flags: 1 } as StuffedOptions)).toThrow(/no option "flags"/);
    expect(() => slip({ flag: 1 } as object)).toThrow(/slip has no option "flag"; use maxFrame/);
    expect(() => hdlc({ crc: 16 } as object)).toThrow(/hdlc has no option "crc"/);
    expect(() => cobs({ flag: 1 } as object)).toThrow(/cobs has no option "flag"/);
    expect(() => hdlc({ fcs: 8 as 16 })).toThrow(/fcs must be 0, 16 or 32/);
    expect(() => hdlc({ also: [0x5d] })).toThrow(/becomes the escape/);
  });
});
