import { describe, expect, it } from "vitest";
import {
  type ChecksumOptions,
  crc16,
  crc32,
  sum8,
  withChecksum,
  xor8,
} from "../../../src/framing/index.ts";
import {
  type Codec,
  decodeAll,
  decodeFrame,
  delimited,
  encodeAll,
  encodeFrame,
  lengthPrefixed,
  perMessage,
  raw,
  utf8,
  varintPrefixed,
  type WrappingFraming,
} from "../../../src/index.ts";
import { ascii, failureOf, poisoned } from "../../support/chunks.ts";
import { bytesOf, hexOf } from "../../support/hex.ts";

const hex = (bytes: Uint8Array): string => hexOf(bytes).replace(/..(?!$)/g, "$& ");
const modbus: ChecksumOptions = { sum: crc16("modbus"), width: 2, endian: "le" };

describe("withChecksum around a codec", () => {
  const { from: _, ...options } = modbus;
  const rtu = perMessage().wrap(withChecksum(raw(), options));

  it("appends it and checks it: Modbus RTU", () => {
    const frame = encodeFrame(rtu, bytesOf("01 03 00 00 00 0a"));
    expect(hex(frame)).toBe("01 03 00 00 00 0a c5 cd");
    expect(hex(decodeFrame(rtu, poisoned(frame)))).toBe("01 03 00 00 00 0a");
  });

  it.each<[string, string, number, string]>([
    ["a wrong bit", "01 03 00 00 00 0b c5 cd", 6, "checksum 0xcdc5 instead of 0xd04"],
    ["a wrong checksum", "01 03 00 00 00 0a c5 cc", 6, "checksum 0xccc5 instead of 0xcdc5"],
    ["too few bytes", "01", 0, "1 bytes have no room for a checksum of 2"],
    ["none", "", 0, "0 bytes have no room"],
  ])("refuses %s", (_, wire, offset, message) => {
    const failure = failureOf(() => decodeFrame(rtu, bytesOf(wire)));
    expect(failure).toMatchObject({ code: "malformed", offset });
    expect(failure?.message).toContain(message);
  });

  it("takes an empty payload", () => {
    expect(hex(encodeFrame(rtu, new Uint8Array(0)))).toBe("ff ff");
    expect(decodeFrame(rtu, bytesOf("ff ff"))).toHaveLength(0);
  });

  it("passes decodeMany on", () => {
    const words: Codec<string> = {
      decode: () => "",
      decodeMany: (bytes, start, end) => utf8().decode(bytes, start, end).split(" "),
      encode: (text, out) => void out.utf8(text),
    };
    for (const from of [undefined, 0]) {
      const framing = lengthPrefixed({ width: 1 });
      const protocol = withChecksum(framing, { ...modbus, from }).wrap(words);
      expect(decodeAll(protocol, encodeFrame(protocol, "a b"))).toEqual(["a", "b"]);
    }
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8] as const)("of %s bytes, in both orders", (width) => {
    for (const endian of ["be", "le"] as const) {
      const sum = (): bigint => (1n << BigInt(8 * width)) - 2n;
      const codec = withChecksum(raw(), { sum, width, endian });
      const frame = encodeFrame(perMessage().wrap(codec), ascii("a"));
      const digits = ["fe", ...Array.from({ length: width - 1 }, () => "ff")];
      if (endian === "be") digits.reverse();
      expect(hex(frame)).toBe(`61 ${digits.join(" ")}`);
      expect(decodeFrame(perMessage().wrap(codec), frame)).toHaveLength(1);
    }
  });

  it("refuses a sum that does not fit", () => {
    for (const sum of [() => 256, () => -1, () => 0.5, () => Number.NaN]) {
      const protocol = perMessage().wrap(withChecksum(raw(), { sum, width: 1 }));
      expect(failureOf(() => encodeFrame(protocol, ascii("a")))?.code).toBe("unencodable");
    }
  });
});

describe.each<[string, WrappingFraming, ChecksumOptions, string, string]>([
  [
    "the payload",
    lengthPrefixed({ width: 1, header: ascii("U") }),
    { sum: sum8, width: 1 },
    "01 02 03",
    "55 04 01 02 03 06",
  ],
  [
    "the whole frame",
    lengthPrefixed({ width: 1, header: ascii("U") }),
    { sum: sum8, width: 1, from: 0 },
    "01 02 03",
    "55 04 01 02 03 5f",
  ],
  [
    "the frame from its length on, which counts the payload alone",
    lengthPrefixed({ width: 2, header: bytesOf("aa 55"), adjust: 2 }),
    { ...modbus, from: 2 },
    "01 02 03",
    "aa 55 00 03 01 02 03 34 e5",
  ],
  [
    "a varint that is inserted late",
    varintPrefixed(),
    { sum: sum8, width: 1, from: 0 },
    "01 02",
    "03 01 02 06",
  ],
  [
    "less than there is",
    lengthPrefixed({ width: 1 }),
    { sum: xor8, width: 1, from: 100 },
    "01 02",
    "03 01 02 00",
  ],
  [
    "a text before its delimiter",
    delimited("|"),
    { sum: xor8, width: 1, from: 0 },
    "01 02",
    "01 02 03 7c",
  ],
])("withChecksum over %s", (_, framing, options, payload, wire) => {
  const checked = withChecksum(framing, options);
  const protocol = checked.wrap(raw());

  it("is written and read", () => {
    expect(hex(encodeFrame(protocol, bytesOf(payload)))).toBe(wire);
    const bytes = poisoned(bytesOf(wire));
    expect(hex(decodeFrame(protocol, bytes))).toBe(payload);
    const start = checked.payloadStart(bytes, 0, bytes.length);
    expect(hex(bytes.subarray(start, checked.payloadEnd(bytes, 0, bytes.length)))).toBe(payload);
    const two = encodeAll(protocol, [bytesOf(payload), bytesOf(payload)]);
    expect(hex(two)).toBe(`${wire} ${wire}`);
    expect(decodeAll(protocol, two)).toHaveLength(2);
  });

  it("is frozen, keeps its name and limit, and tells its layout", () => {
    expect(Object.isFrozen(checked)).toBe(true);
    expect(Object.isFrozen(protocol)).toBe(true);
    expect(checked.wrap(raw(), { name: "mine" }).name).toBe("mine");
    expect(protocol.maxFrame).toBe(framing.maxFrame);
    const { width, endian = "be" } = options;
    expect(protocol.layout).toContainEqual({
      name: "checksum",
      kind: "trailer",
      size: width,
      endian,
    });
    expect(protocol.layout).toHaveLength(framing.layout!.length + 1);
  });
});

describe("withChecksum", () => {
  const framing = lengthPrefixed({ width: 1 });

  it("detects every flipped bit in the covered bytes", () => {
    const protocol = withChecksum(framing, { sum: crc32(), width: 4, from: 0 }).wrap(raw());
    const frame = encodeFrame(protocol, ascii("hello"));
    for (let bit = 8; bit < 8 * frame.length; bit++) {
      const bad = frame.slice();
      bad[bit >> 3]! ^= 1 << (bit & 7);
      expect(failureOf(() => decodeFrame(protocol, bad))?.code).toBe("malformed");
    }
  });

  it("has no payload shorter than the checksum", () => {
    const protocol = withChecksum(framing, { ...modbus, from: 0 }).wrap(raw());
    const failure = failureOf(() => decodeFrame(protocol, bytesOf("01 05")));
    expect(failure).toMatchObject({ code: "malformed", offset: 1 });
  });

  it("refuses a checksum that would end the frame", () => {
    const protocol = withChecksum(delimited("|"), { sum: xor8, width: 1, from: 0 }).wrap(raw());
    const failure = failureOf(() => encodeFrame(protocol, bytesOf("78 04")));
    expect(failure?.message).toBe("the checksum would end the frame");
    const inside = withChecksum(delimited("|"), { sum: xor8, width: 1 }).wrap(raw());
    expect(failureOf(() => encodeFrame(inside, bytesOf("78 04")))?.code).toBe("unencodable");
  });

  it.each<[string, () => unknown, RegExp]>([
    ["no sum", () => withChecksum(framing, { width: 2 } as never), /sum must be a function/],
    ["no width", () => withChecksum(framing, { sum: sum8 } as never), /width must be an integer/],
    ["another order", () => withChecksum(framing, { ...modbus, endian: "big" as "be" }), /endian/],
    ["a from below 0", () => withChecksum(framing, { ...modbus, from: -1 }), /from must be/],
    [
      "an unknown option",
      () => withChecksum(framing, { ...modbus, crc: 1 } as never),
      /no option "crc"; use sum, width, endian, from/,
    ],
    ["a protocol", () => withChecksum(framing.wrap(raw()), modbus as never), /before wrap/],
    ["from around a codec", () => withChecksum(raw(), { ...modbus, from: 0 } as never), /framings/],
  ])("refuses %s", (_, make, message) => {
    expect(make).toThrow(message);
  });
});
