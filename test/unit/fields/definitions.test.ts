import {
  align,
  array,
  bits,
  bytes,
  checked,
  checksum,
  constant,
  count,
  cstring,
  enumOf,
  envelope,
  type Field,
  flag,
  flags,
  lazy,
  magic,
  match,
  optional,
  pad,
  prefixed,
  present,
  protocolOf,
  rest,
  shown,
  size,
  strict,
  struct,
  u8,
  u16be,
  u64be,
  union,
  until,
  utf8,
  varint,
  whole,
  withDefault,
} from "framewright/fields";
import { describe, expect, it } from "vitest";
import { crc16 } from "../../support/crc16.ts";

// Mistakes that no compiler finds: names and places computed in plain JavaScript.
const untyped = struct as (fields: object) => Field<unknown>;

describe("descriptions that cannot be read back are refused when they are made", () => {
  it.each<[string, () => unknown, string]>([
    [
      "a name that JavaScript moves",
      () => struct({ 1: u8 }),
      'struct: JavaScript moves "1" to the front; give the field a name',
    ],
    [
      "a prototype as a member",
      () => untyped(JSON.parse('{"__proto__": 1}')),
      'struct: a field cannot be called "__proto__"',
    ],
    ["a member that is no field", () => untyped({ a: 5 }), 'struct: "a" must be a field, not 5'],
    [
      "a size of nothing",
      () => untyped({ n: size(u8, "boddy"), body: bytes() }),
      'struct: "n" refers to "boddy", but there is no field of that name',
    ],
    [
      "a size behind what it counts",
      () => struct({ body: bytes(), n: size(u8, "body") }),
      'struct: "n" must stand before "body"',
    ],
    [
      "a size that goes backwards",
      () => struct({ n: size(u8, "b", "a"), a: u8, b: u8 }),
      'struct: "n" names "b" before "a", which precedes it',
    ],
    [
      "sizes that overlap",
      () => struct({ n: size(u8, "a", "b"), m: size(u8, "b", "c"), a: u8, b: u8, c: u8 }),
      'struct: "n" and "m" overlap',
    ],
    [
      "a size of half a byte",
      () => struct({ n: size(u8, "b"), a: bits(4), b: bits(4) }),
      'struct: "n" counts bytes, but begins or ends inside of one',
    ],
    [
      "a count of no list",
      () => struct({ n: count(u8, "a"), a: bytes() }),
      'struct: "n" needs array(...), which "a" is not',
    ],
    [
      "a count of a list with a length",
      () => struct({ n: count(u8, "a"), a: array(u8, 2) }),
      'struct: "a" has a length of its own',
    ],
    [
      "two counts of a list",
      () => struct({ n: count(u8, "a"), m: count(u8, "a"), a: array(u8) }),
      'struct: "m" is not the only one to describe "a"',
    ],
    [
      "a presence of what is always there",
      () => struct({ has: present("a", u8), a: u8 }),
      'struct: "has" needs optional(...), which "a" is not',
    ],
    [
      "a match before its tag",
      () => struct({ a: match("tag", { 1: u8 }), tag: u8 }),
      'struct: "tag" must stand before "a"',
    ],
    [
      "two matches",
      () => untyped({ tag: u8, a: match("tag", { 1: u8 }), b: match("tag", { 1: u8 }) }),
      "struct: only one field can be chosen by another; put others into a struct of their own",
    ],
    [
      "a checksum of nothing",
      () => struct({ sum: checksum(u16be, crc16), a: u8 }),
      'struct: "sum" is first, so name the fields that it covers',
    ],
    [
      "checksums of each other",
      () => struct({ a: checksum(u16be, crc16, whole), b: checksum(u16be, crc16) }),
      'struct: "a" and "b" cover each other',
    ],
    [
      "two fields up to the end",
      () => struct({ a: bytes(), b: utf8() }),
      'struct: "a" extends to the end, so "b" cannot follow it; give one of them a size',
    ],
    [
      "a field of unknown size behind one up to the end",
      () => struct({ n: size(u8, "a", "b"), a: bytes(), b: cstring() }),
      'struct: "a" extends to the end, so "b" cannot follow it; give one of them a size',
    ],
    [
      "seven bits",
      () => struct({ a: bits(3), b: bits(4), c: u8 }),
      "struct: a, b have 7 bits, which are not 1 to 4 whole bytes",
    ],
    [
      "forty bits",
      () => struct({ a: bits(31), b: bits(9) }),
      "struct: a, b have 40 bits, which are not 1 to 4 whole bytes",
    ],
    [
      "an aligned field inside of what a varint counts",
      () => struct({ n: size(varint(), rest), a: bytes(u8), x: align(4) }),
      'struct: "x" cannot be aligned inside of what "n" counts as a varint',
    ],
    ["bits alone", () => array(flag), "array cannot hold 1 bits: they are members of a struct"],
    [
      "a size alone",
      () => prefixed(u8, size(u8, "a")),
      'prefixed cannot hold "size": it is a member of a struct',
    ],
    [
      "a default for a size",
      () => withDefault(size(u8, "a"), undefined),
      'default cannot hold "size": it is a member of a struct',
    ],
    [
      "items without an end",
      () => array(utf8()),
      "array: each item needs an end of its own; put it into prefixed(...)",
    ],
    [
      "items that may be empty",
      () => array(struct({}), u8),
      "array: items that may be empty need a fixed number",
    ],
    [
      "a list up to an object",
      () => until(struct({ a: u8 }) as Field<unknown>, {} as never),
      "until: the last item must be a primitive value",
    ],
    [
      "two names for a number",
      () => enumOf(u8, { a: 1, b: 1 }),
      "enumOf: two names have the same number",
    ],
    [
      "nine flags in a byte",
      () => flags(u8, ["a", "b", "c", "d", "e", "f", "g", "h", "i"]),
      "flags: 9 names, but at most 8 bits",
    ],
    ["a mark beyond ASCII", () => magic("é"), "magic: text must be ASCII; give bytes instead"],
    ["padding without a length", () => utf8(u8, 0), "utf8: padding needs a fixed length"],
    [
      "a length that is text",
      () => bytes(utf8() as never),
      "bytes: lengths need an integer field, not text",
    ],
    [
      "a checksum in a varint",
      () => checksum(varint(), crc16),
      "checksum: the base must be an integer",
    ],
    [
      "a union with a case too many",
      () => union("t", enumOf(u8, { a: 1 }), { a: {}, b: {} } as never),
      'union: the tag has no name "b"',
    ],
    [
      "a union with a case too few",
      () => union("t", enumOf(u8, { a: 1, b: 2 }), { a: {} } as never),
      'union: there is no case "b"',
    ],
    [
      "a case that hides the tag",
      () => union("t", enumOf(u8, { a: 1 }), { a: { t: u8 } }),
      'union: case "a" has a field "t", which is the tag',
    ],
    [
      "an envelope of two",
      () => envelope({ a: u8, b: u8 }),
      "envelope needs one visible field, not 2 (a, b)",
    ],
    ["a strict number", () => strict(u8 as never), 'strict needs a struct, not "int"'],
    [
      "a shown constant",
      () => shown(constant(u8, 1) as never),
      'shown needs size, count, present or checksum, not "constant"',
    ],
    [
      "a frame without an end",
      () => protocolOf(struct({ a: u8, b: bytes() }), { name: "x" }),
      'protocolOf: b: "bytes" has no end of its own: give it a size(...), or put the description behind a framing',
    ],
    [
      "a frame without an end, deep inside",
      () => protocolOf(struct({ a: struct({ c: u8, b: optional(u8) }) }), { name: "x" }),
      'protocolOf: a: b: "optional" has no end of its own: give it a size(...), or put the description behind a framing',
    ],
    [
      "an empty frame",
      () => protocolOf(struct({}), { name: "x" }),
      "protocolOf: a frame needs at least one byte",
    ],
    [
      "a header up to a field that there is not",
      () => protocolOf(struct({ a: u8 }), { name: "x", upTo: "b" }),
      'protocolOf: upTo: no field is called "b"',
    ],
  ])("%s", (_, make, message) => {
    expect(make).toThrow(new TypeError(message));
  });

  it.each<[string, () => unknown, string]>([
    ["bits", () => bits(33), "bits takes 1 to 32 bits, not 33"],
    ["a varint", () => varint(9), "varint takes 1 to 8 bytes, not 9"],
    ["a length", () => bytes(-1), "bytes: the length must be an integer >= 0, not -1"],
    [
      "a unit",
      () => size(u8, "a", { unit: 0 }),
      "size: unit must be an integer of at least 1, not 0",
    ],
    ["a depth", () => lazy(() => u8, 0), "lazy: depth must be an integer of at least 1, not 0"],
    ["padding", () => pad(1.5), "pad: the length must be an integer >= 0, not 1.5"],
  ])("%s out of range", (_, make, message) => {
    expect(make).toThrow(new RangeError(message));
  });
});

describe("a sized or present part is not open", () => {
  it.each<[string, Field<never, unknown>]>([
    ["a sized part", struct({ n: size(u8, "a"), a: bytes() })],
    [
      "a sized part deep inside",
      struct({ x: struct({ y: struct({ n: size(u64be, "a"), a: bytes() }) }) }),
    ],
    [
      "a part that is present",
      struct({ has: present("a", u8), a: optional(struct({ n: size(u8, rest), b: bytes() })) }),
    ],
    ["several parts", struct({ n: size(u8, "a", "b"), a: u8, b: utf8() })],
    [
      "a union of sized cases",
      union("t", enumOf(u8, { a: 1 }), { a: { n: size(u8, "b"), b: bytes() } }),
    ],
  ])("%s", (_, field) => {
    expect(field.open).toBe(false);
    expect(() => struct({ field, payload: bytes() } as never)).not.toThrow();
    expect(() => protocolOf(field, { name: "x" })).not.toThrow();
  });

  it("a check of users does not hide that", () => {
    expect(checked(bytes(), () => true, "").open).toBe(true);
  });
});
