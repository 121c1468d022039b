import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  adler32,
  type Checksum,
  type CrcParameters,
  crc,
  crc16,
  crc32,
  fletcher16,
  fletcher32,
  internetChecksum,
  sum8,
  xor8,
} from "../../../src/framing/index.ts";
import { ascii, poisoned } from "../../support/chunks.ts";
import { bytesOf } from "../../support/hex.ts";

/** The checksum of these bytes, in the middle of others. */
function sumOf(sum: Checksum, bytes: Uint8Array): number {
  const around = poisoned(Uint8Array.from([1, 2, ...bytes, 3]));
  return sum(around, 2, 2 + bytes.length);
}

const hex = (sum: Checksum, text: string, digits: number): string =>
  sumOf(sum, ascii(text)).toString(16).padStart(digits, "0");

describe("crc16 has the check value of the catalogue", () => {
  it.each<[Parameters<typeof crc16>[0], string]>([
    ["arc", "bb3d"],
    ["modbus", "4b37"],
    ["usb", "b4c8"],
    ["umts", "fee8"],
    ["xmodem", "31c3"],
    ["kermit", "2189"],
    ["ibm-3740", "29b1"],
    ["ibm-sdlc", "906e"],
    ["genibus", "d64e"],
    ["mcrf4xx", "6f91"],
    ["dnp", "ea82"],
    ["en-13757", "c2b7"],
  ])("of %s", (name, check) => {
    expect(hex(crc16(name), "123456789", 4)).toBe(check);
  });
});

describe("crc32 has the check value of the catalogue", () => {
  it.each<[Parameters<typeof crc32>[0], string]>([
    [undefined, "cbf43926"],
    ["iso-hdlc", "cbf43926"],
    ["iscsi", "e3069283"],
    ["bzip2", "fc891918"],
    ["mpeg-2", "0376e6e7"],
    ["cksum", "765e7680"],
    ["jamcrc", "340bc6d9"],
    ["autosar", "1697d06a"],
  ])("of %s", (name, check) => {
    expect(hex(crc32(name), "123456789", 8)).toBe(check);
  });
});

describe("crc by parameters has the check value of the catalogue", () => {
  it.each<[string, CrcParameters, string]>([
    ["CRC-8/SMBUS", { width: 8, polynomial: 0x07 }, "f4"],
    ["CRC-8/MAXIM-DOW", { width: 8, polynomial: 0x31, reflected: true }, "a1"],
    ["CRC-12/UMTS, not reflected", { width: 12, polynomial: 0x80f }, "f5b"],
    ["CRC-15/CAN", { width: 15, polynomial: 0x4599 }, "059e"],
    ["CRC-16/SPI-FUJITSU", { width: 16, polynomial: 0x1021, initial: 0x1d0f }, "e5cc"],
    ["CRC-16/CDMA2000", { width: 16, polynomial: 0xc867, initial: 0xffff }, "4c06"],
    ["CRC-16/DECT-X", { width: 16, polynomial: 0x0589 }, "007f"],
    ["CRC-16/RIELLO", { width: 16, polynomial: 0x1021, initial: 0xb2aa, reflected: true }, "63d0"],
    ["CRC-24/OPENPGP", { width: 24, polynomial: 0x864cfb, initial: 0xb704ce }, "21cf02"],
    ["CRC-32/XFER", { width: 32, polynomial: 0xaf }, "bd0be338"],
    ["CRC-32/AIXM", { width: 32, polynomial: 0x814141ab }, "3010bf7f"],
  ])("of %s", (_, parameters, check) => {
    expect(hex(crc(parameters), "123456789", check.length)).toBe(check);
  });

  it.each<[string, CrcParameters]>([
    ["a width below a byte", { width: 7, polynomial: 1 }],
    ["a width above 32 bits", { width: 33, polynomial: 1 }],
    ["no polynomial", { width: 16, polynomial: 0 }],
    ["a polynomial with its highest term", { width: 16, polynomial: 0x11021 }],
    ["an initial value that does not fit", { width: 8, polynomial: 7, initial: 256 }],
    ["a mask that does not fit", { width: 8, polynomial: 7, xorOut: -1 }],
  ])("refuses %s", (_, parameters) => {
    expect(() => crc(parameters)).toThrow(RangeError);
  });

  it("refuses an unknown name, and lists the known ones", () => {
    expect(() => crc16("x-25" as "arc")).toThrow(/crc16 "x-25" is unknown; use arc, .*ibm-sdlc/);
    expect(() => crc32("toString" as "iscsi")).toThrow(RangeError);
  });
});

describe("a CRC", () => {
  it("of any width is the remainder of a division, bit by bit", () => {
    const parameters = fc.integer({ min: 8, max: 32 }).chain((width) =>
      fc.record({
        width: fc.constant(width),
        polynomial: fc.integer({ min: 1, max: 2 ** width - 1 }),
        initial: fc.integer({ min: 0, max: 2 ** width - 1 }),
        xorOut: fc.integer({ min: 0, max: 2 ** width - 1 }),
        reflected: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(parameters, fc.uint8Array({ maxLength: 20 }), (given, bytes) => {
        expect(sumOf(crc(given), bytes)).toBe(divided(given, bytes));
      }),
      { numRuns: 300 },
    );
  });
});

/** The slow way, in bigints. */
function divided(given: CrcParameters, bytes: Uint8Array): number {
  const { width, polynomial, initial = 0, reflected, xorOut = 0 } = given;
  const flip = (value: bigint, bits: number): bigint =>
    BigInt(`0b${[...value.toString(2).padStart(bits, "0")].reverse().join("")}`);
  let register = BigInt(initial);
  for (const byte of bytes) {
    const bits = reflected ? flip(BigInt(byte), 8) : BigInt(byte);
    for (let i = 7n; i >= 0n; i--) {
      const out = (register >> BigInt(width - 1)) & 1n;
      register = BigInt.asUintN(width, register << 1n);
      if ((out ^ ((bits >> i) & 1n)) === 1n) register ^= BigInt(polynomial);
    }
  }
  if (reflected) register = flip(register, width);
  return Number(register ^ BigInt(xorOut));
}

describe("sums", () => {
  it.each<[string, string, string]>([
    ["abcde", "c8f0", "f04fc729"],
    ["abcdef", "2057", "56502d2a"],
    ["abcdefgh", "0627", "ebe19591"],
    ["", "0000", "00000000"],
  ])("of Fletcher: %j", (text, of16, of32) => {
    expect(hex(fletcher16, text, 4)).toBe(of16);
    expect(hex(fletcher32, text, 8)).toBe(of32);
  });

  it("of Adler, as RFC 1950 has it", () => {
    expect(hex(adler32, "Wikipedia", 8)).toBe("11e60398");
    expect(sumOf(adler32, new Uint8Array(0))).toBe(1);
    const n = 100_000;
    const [a, b] = [1 + 255 * n, n + 255 * ((n * (n + 1)) / 2)].map((sum) => sum % 65_521);
    expect(sumOf(adler32, new Uint8Array(n).fill(0xff))).toBe(b! * 2 ** 16 + a!);
  });

  it("of the Internet, as RFC 1071 has it", () => {
    expect(sumOf(internetChecksum, bytesOf("00 01 f2 03 f4 f5 f6 f7"))).toBe(0x220d);
    // The header of an IPv4 packet, without and with its checksum.
    const header = "45 00 00 73 00 00 40 00 40 11 %s c0 a8 00 01 c0 a8 00 c7";
    expect(sumOf(internetChecksum, bytesOf(header.replace("%s", "00 00")))).toBe(0xb861);
    expect(sumOf(internetChecksum, bytesOf(header.replace("%s", "b8 61")))).toBe(0);
    expect(sumOf(internetChecksum, bytesOf("12"))).toBe(0xedff);
  });

  it("of bytes", () => {
    expect(sumOf(xor8, bytesOf("01 02 04 81"))).toBe(0x86);
    expect(sumOf(sum8, bytesOf("ff 02 03"))).toBe(0x04);
  });
});
