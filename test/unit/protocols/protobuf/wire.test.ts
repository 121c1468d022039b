import { describe, expect, it } from "vitest";
import { peek, WireReader } from "../../../../src/protocols/protobuf/index.ts";
import { bytesOf } from "../../../support/hex.ts";
import { errorOf } from "./samples.ts";

/**
 * Every field as "number:type from-to"; a byte before the message and one after it must not be
 * read.
 */
function walk(text: string): string[] {
  const message = bytesOf(text);
  const bytes = Uint8Array.of(0xff, ...message, 0x01);
  const reader = new WireReader(bytes, 1, 1 + message.length);
  const fields: string[] = [];
  while (reader.next()) {
    fields.push(`${reader.field}:${reader.type} ${reader.from - 1}-${reader.to - 1}`);
  }
  expect(reader.at).toBe(1 + message.length);
  expect(reader.next()).toBe(false);
  return fields;
}

describe("WireReader", () => {
  it.each<[string, string, string[]]>([
    ["nothing", "", []],
    ["a varint of one byte", "08 05", ["1:0 1-2"]],
    ["a varint of ten bytes", "08 ffffffffffffffffff01", ["1:0 1-11"]],
    ["an overlong varint", "08 91 80 80 00", ["1:0 1-5"]],
    ["a fixed64", "09 0102030405060708", ["1:1 1-9"]],
    ["a fixed32", "0d 01020304", ["1:5 1-5"]],
    ["an empty LEN", "12 00", ["2:2 2-2"]],
    ["a LEN that ends the message", "12 02 6869", ["2:2 2-4"]],
    ["a LEN with an overlong length", "12 82 00 6869", ["2:2 3-5"]],
    ["a LEN with a length of ten bytes", "12 82808080808080808000 6869", ["2:2 11-13"]],
    ["the highest field number", "f8ffffff0f 00", ["536870911:0 5-6"]],
    ["an overlong tag", "8a 00 01 61", ["1:2 3-4"]],
    ["an empty group", "0b 0c", ["1:3 1-1"]],
    ["a group of everything", "0b 0801 0901020304050607081201610d01020304 0c", ["1:3 1-20"]],
    ["groups in a group", "0b 13 1b 1c 14 13 14 0c 0801", ["1:3 1-7", "1:0 9-10"]],
    ["several fields", "0801 1001 0802", ["1:0 1-2", "2:0 3-4", "1:0 5-6"]],
  ])("reads %s", (_, bytes, fields) => {
    expect(walk(bytes)).toEqual(fields);
  });

  it.each<[string, string, number, RegExp]>([
    ["a truncated tag", "88", 0, /varint does not end within the 1 bytes/],
    ["a truncated varint", "0801 08 ff", 3, /varint does not end within the 1 bytes/],
    ["a missing value", "0801 08", 3, /0 bytes/],
    ["a varint of 65 bits", "08 ffffffffffffffffff02", 10, /byte 10 of a varint is 2/],
    ["a varint of eleven bytes", "08 8080808080808080808000", 1, /more than 10 bytes/],
    ["field number 0", "00 01", 0, /field number 0 /],
    ["field number 536870912", "8080808010 01", 0, /field number 536870912 /],
    ["a tag of 64 bits", "f8ffffffffffffffff01 01", 0, /field number 2305843009213693951 /],
    ["wire type 6", "0801 0e 01", 2, /wire type 6 of field 1/],
    ["wire type 7", "0f 01", 0, /wire type 7 of field 1/],
    ["a LEN that exceeds the end", "12 03 6869", 1, /field 2 of 3 bytes, of which 2 are here/],
    ["a LEN of 2^32 bytes", "12 8080808010 61", 1, /field 2 of 4294967296 bytes/],
    ["a LEN of 2^64-1 bytes", "12 ffffffffffffffffff01", 1, /field 2 of 18446744073709552000/],
    ["a LEN without its length", "12", 1, /varint/],
    ["a truncated fixed64", "09 01020304050607", 1, /of 8 bytes, of which 7/],
    ["a truncated fixed32", "0d 010203", 1, /of 4 bytes, of which 3/],
    ["a group without an end", "0801 0b 0801", 2, /group 1 does not end within the 3 bytes/],
    ["an inner group without an end", "0b 13 0c", 2, /end of group 1, which is not open/],
    ["a group with two ends", "0b 0c 0c", 2, /end of group 1, which is not open/],
    ["an end without a group", "0c", 0, /end of group 1, which is not open/],
    ["a broken value in a group", "0b 1205 61 0c", 2, /field 2 of 5 bytes, of which 2/],
  ])("refuses %s", (_, bytes, offset, text) => {
    const error = errorOf(() => walk(bytes));
    expect(error).toMatchObject({ name: "ProtocolError", code: "malformed", offset: offset + 1 });
    expect((error as Error).message).toMatch(text);
  });

  it("accepts 100 nested groups, and no more, without recursion", () => {
    expect(walk("0b".repeat(100) + "0c".repeat(100))).toEqual(["1:3 1-199"]);
    const error = errorOf(() => walk("0b".repeat(101) + "0c".repeat(101)));
    expect(error).toMatchObject({ code: "malformed", offset: 101 });
  });

  it.each<[string, number, number, number | bigint]>([
    ["08 00", 0, 0, 0],
    ["08 ffffffff07", 0x7fffffff, 0, 0x7fffffff],
    ["08 ffffffff0f", 0xffffffff, 0, 0xffffffff],
    ["08 8080808010", 0, 1, 2 ** 32],
    ["08 ffffffffffffff0f", 0xffffffff, 0x1fffff, Number.MAX_SAFE_INTEGER],
    ["08 8080808080808010", 0, 0x200000, 2n ** 53n],
    ["08 ffffffffffffffff7f", 0xffffffff, 0x7fffffff, 2n ** 63n - 1n],
    ["08 80808080808080808001", 0, 0x80000000, 2n ** 63n],
    ["08 ffffffffffffffffff01", 0xffffffff, 0xffffffff, 2n ** 64n - 1n],
  ])("reads the varint of %s exactly", (bytes, low, high, value) => {
    const reader = new WireReader(bytesOf(bytes));
    expect(reader.next()).toBe(true);
    expect([reader.low, reader.high]).toEqual([low, high]);
    expect(reader.number()).toBe(value);
    expect(reader.bigint()).toBe(BigInt(value));
  });

  it.each([
    [-1, 2],
    [2, 1],
    [0, 4],
    [0, Number.NaN],
    [0.5, 2],
  ])("refuses a range outside its bytes (%d to %d)", (start, end) => {
    // The buffer has more bytes after these three.
    const bytes = bytesOf("080112020304").subarray(0, 3);
    const text = `[${start}, ${end}) is not a range of 3 bytes`;
    expect(() => new WireReader(bytes, start, end)).toThrow(text);
    expect(() => peek(bytes, { a: 1 }, start, end)).toThrow(RangeError);
  });
});
