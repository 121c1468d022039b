import fc from "fast-check";
import { json } from "framewright";
import {
  array,
  bits,
  bytes,
  checked,
  codec,
  constant,
  enumOf,
  envelope,
  flag,
  i8,
  latin1,
  mapped,
  match,
  optional,
  pad,
  protocolOf,
  rest,
  size,
  struct,
  u8,
  u16be,
  u16le,
  u32be,
  union,
  utf8,
  varint,
  withDefault,
} from "framewright/fields";
import { compatible, type Described } from "framewright/testing";
import { describe, expect, it } from "vitest";

const found = (old: Described, next: Described): string[] =>
  compatible(old, next, { runs: 300, seed: 1 })
    .map(({ change, path }) => `${change} ${path}`.trim())
    .sort();

const kinds = { on: 1, off: 2 } as const;

describe("compatible accepts", () => {
  it.each<[string, Described, Described]>([
    ["the same", struct({ a: u8, b: utf8(u8) }), struct({ a: u8, b: utf8(u8) })],
    ["a trailing optional member", struct({ a: u8 }), struct({ a: u8, b: optional(u16be) })],
    [
      "another name for an open number",
      struct({ k: enumOf(u8, kinds) }),
      struct({ k: enumOf(u8, { ...kinds, dim: 3 }) }),
    ],
    [
      "another case",
      union("t", enumOf(u8, { a: 1 }), { a: { x: u8 } }),
      union("t", enumOf(u8, { a: 1, b: 2 }), { a: { x: u8 }, b: {} }),
    ],
    [
      "a member where padding was",
      struct({ a: u8, p: pad(2) }),
      struct({ a: u8, b: withDefault(u16be, 0) }),
    ],
    [
      "reserved bits that get a meaning",
      struct({ v: bits(7), r: constant(bits(1), 0) }),
      struct({ v: bits(7), urgent: flag }),
    ],
    ["fewer checks", struct({ a: checked(u8, (n) => n < 100, "below 100") }), struct({ a: u8 })],
    [
      "a larger limit",
      protocolOf(struct({ n: size(u16be, rest), b: bytes() }), { name: "p", maxFrame: 100 }),
      protocolOf(struct({ n: size(u16be, rest), b: bytes() }), { name: "p", maxFrame: 200 }),
    ],
    ["a varint of more bytes", struct({ n: varint(2) }), struct({ n: varint(4) })],
  ])("%s", (_, old, next) => {
    expect(found(old, next)).toEqual([]);
  });
});

describe("compatible reports", () => {
  it.each<[string, Described, Described, readonly string[]]>([
    [
      "another byte order",
      struct({ a: u8, n: u16be, b: u8 }),
      struct({ a: u8, n: u16le, b: u8 }),
      ["misread n"],
    ],
    ["another sign", struct({ n: u8, m: u8 }), struct({ n: i8, m: u8 }), ["misread n"]],
    ["a wider number", struct({ a: u8, n: u16be }), struct({ a: u8, n: u32be }), ["refused n"]],
    ["a narrower number", struct({ a: u8, n: u16be }), struct({ a: u8, n: u8 }), ["refused n"]],
    ["two members swapped", struct({ a: u8, b: u8 }), struct({ b: u8, a: u8 }), ["misread a"]],
    [
      "a member removed from the middle",
      struct({ a: u8, b: u8, c: u8 }),
      struct({ a: u8, p: pad(1), c: u8 }),
      ["lost b"],
    ],
    [
      "a member renamed",
      struct({ a: u8, title: utf8() }),
      struct({ a: u8, name: utf8() }),
      ["lost title"],
    ],
    ["a required member", struct({ a: u8 }), struct({ a: u8, b: u8 }), ["refused b"]],
    [
      "a name removed",
      struct({ k: enumOf(u8, kinds) }),
      struct({ k: enumOf(u8, { on: 1 }) }),
      ["refused k"],
    ],
    [
      "a name moved to another number",
      struct({ k: enumOf(u8, kinds) }),
      struct({ k: enumOf(u8, { on: 2, off: 1 }) }),
      ["misread k"],
    ],
    [
      "a case removed",
      union("t", enumOf(u8, { a: 1, b: 2 }), { a: { x: u8 }, b: {} }),
      union("t", enumOf(u8, { a: 1 }), { a: { x: u8 } }),
      ["refused t"],
    ],
    [
      "more checks",
      struct({ a: u8 }),
      struct({ a: checked(u8, (n) => n < 100, "below 100") }),
      ["refused a"],
    ],
    [
      "another charset",
      struct({ items: array(struct({ name: utf8(u8) }), u8) }),
      struct({ items: array(struct({ name: latin1(u8) }), u8) }),
      ["misread items[].name"],
    ],
    [
      "another length field",
      struct({ s: utf8(u8), t: u8 }),
      struct({ s: utf8(u16be), t: u8 }),
      ["refused s"],
    ],
    ["a varint of fewer bytes", struct({ n: varint(4) }), struct({ n: varint(2) }), ["refused n"]],
    [
      "a body of a case",
      struct({ t: u8, d: match("t", { 1: struct({ x: u16be }), 2: utf8() }) }),
      struct({ t: u8, d: match("t", { 1: struct({ x: u16le }), 2: utf8() }) }),
      ["misread d.x"],
    ],
    [
      "a smaller limit",
      protocolOf(struct({ n: size(u16be, rest), b: bytes() }), { name: "p", maxFrame: 900 }),
      protocolOf(struct({ n: size(u16be, rest), b: bytes() }), { name: "p", maxFrame: 600 }),
      ["limit"],
    ],
    [
      "an end that is found elsewhere",
      protocolOf(struct({ n: size(u8, rest), b: bytes() }), { name: "p" }),
      protocolOf(struct({ n: size(u8, rest, { add: 1 }), b: bytes() }), { name: "p" }),
      ["refused b", "refused n"],
    ],
    [
      "a constant that changes",
      envelope({ v: constant(u8, 1), body: u16be }),
      envelope({ v: constant(u8, 2), body: u16be }),
      ["refused v"],
    ],
  ])("%s", (_, old, next, expected) => {
    expect(found(old, next)).toEqual(expected);
  });

  it("what is read but not written, and what is written in other bytes", () => {
    const text = struct({ n: utf8(3) });
    const picky = {
      name: "picky",
      read: (raw: string) => raw,
      write: () => {
        throw new RangeError("never");
      },
    };
    expect(found(text, struct({ n: mapped(utf8(3), picky) }))).toEqual(["unwritable n"]);
    const old = struct({ v: constant(bits(4), 1), n: bits(4) });
    const rewriting = {
      name: "raw",
      read: (raw: number) => raw & 15,
      write: (n: number) => n + 32,
    };
    expect(found(old, struct({ n: mapped(u8, rewriting) }))).toEqual(["rewritten v"]);
    const zero = { name: "zero", read: (raw: number) => raw, write: () => 0 };
    expect(found(struct({ n: u8 }), struct({ n: mapped(u8, zero) }))).toEqual(["rewritten n"]);
  });

  it("each field that breaks by itself, and not what merely moved behind it", () => {
    const old = struct({ a: u16be, b: u16be, c: utf8() });
    expect(found(old, struct({ a: u16le, b: u16le, c: utf8() }))).toEqual([
      "misread a",
      "misread b",
    ]);
    const grown = struct({ a: u8, b: u16be, c: latin1() });
    expect(found(old, grown)).toEqual(["misread a"]);
  });

  it("the smallest frame found, the field's bytes in it, and both views", () => {
    const old = struct({ id: u8, items: array(struct({ on: u8, level: u16be }), u8) });
    const next = struct({ id: u8, items: array(struct({ on: u8, level: u16le }), u8) });
    const list = compatible(old, next, { runs: 500, seed: 1 });
    expect(list).toHaveLength(1);
    const { bytes: frame, start, end, value, message } = list[0]!;
    expect([frame.length, start, end]).toEqual([5, 3, 5]);
    expect(value).toMatchObject({ items: [{}] });
    const [first] = message.split("\n");
    expect(first).toMatch(
      /^items\[\]\.level was written as \d+ and is read as \d+ \(u16be before, u16le now\)$/,
    );
    expect(message).toMatch(/ {2}old:\n {4}0000 {2}[0-9a-f]{2} +id +u8/);
    expect(message).toMatch(/ {2}new:\n {4}0000 {2}[0-9a-f]{2} +id +u8/);
  });
});

describe("compatible", () => {
  it("asks in one direction: the other one is the other way round", () => {
    const old = struct({ k: enumOf(u8, kinds) });
    const next = struct({ k: enumOf(u8, { ...kinds, dim: 3 }) });
    expect(found(old, next)).toEqual([]);
    expect(found(next, old)).toEqual(["refused k"]);
  });

  it("leaves out values that were too large for a frame", () => {
    const packet = struct({ n: size(u16be, rest), b: bytes() });
    const small = protocolOf(packet, { name: "p", maxFrame: 40 });
    expect(found(small, small)).toEqual([]);
  });

  it("takes arbitraries for codecs, and refuses options that do not exist", () => {
    const body = codec({ ...json<number, number>(), format: undefined }, "number");
    const old = struct({ a: u8, body });
    expect(() => compatible(old, old)).toThrow(
      'the values of "number" cannot be derived: pass an arbitrary for the field, ' +
        "compatible(old, next, { of: new Map([[field, arbitrary]]) })",
    );
    expect(compatible(old, old, { of: new Map([[body, fc.nat()]]), runs: 20 })).toEqual([]);
    expect(() => compatible(old, old, { run: 3 } as never)).toThrow(/compatible/);
  });

  it("lets errors of a user's functions that are no ProtocolErrors through where they are bugs", () => {
    const broken = {
      ...struct({ a: u8 }),
      decode: () => {
        throw new TypeError("a bug");
      },
    };
    expect(() => compatible(struct({ a: u8 }), broken as never, { runs: 3 })).toThrow("a bug");
  });
});
