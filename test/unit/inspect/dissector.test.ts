import { defineProtocol, json, lengthPrefixed, lines, perMessage, utf8 } from "framewright";
import {
  array,
  bits,
  bytes,
  cstring,
  enumOf,
  f32le,
  flag,
  flags,
  i64be,
  mapped,
  match,
  optional,
  struct,
  u8,
  u16le,
  u48le,
  u64be,
  until,
  utf8 as utf8Field,
  varint,
} from "framewright/fields";
import { concatenatedJson, contentLength, framing, headed } from "framewright/framing";
import { bilibili } from "framewright/goim";
import { dissector } from "framewright/inspect";
import { describe, expect, it } from "vitest";

// What the scripts show is tested with the real tshark: test/peers/wireshark.test.ts.

/** The names for filters, with their types. */
const fieldsOf = (script: string): string[] =>
  [...script.matchAll(/^F\[\d+\] = ProtoField\.(\w+)\("([^"]+)"/gm)].map(
    ([, type, name]) => `${name} ${type}`,
  );

describe("dissector", () => {
  it("names fields after their path", () => {
    const point = struct({ x: u8, y: u8 });
    const all = struct({
      kind: enumOf(u8, { a: 1, b: 2 }),
      list: array(point, u8),
      body: match("kind", { a: point, b: utf8Field(u8) }),
      "odd name": cstring("latin1"),
    });
    expect(fieldsOf(dissector(all, { name: "fw_all" }))).toEqual([
      "fw_all.kind uint8",
      "fw_all.list none",
      "fw_all.list.count uint8",
      "fw_all.list.item none",
      "fw_all.list.x uint8",
      "fw_all.list.y uint8",
      "fw_all.body.a none",
      "fw_all.body.a.x uint8",
      "fw_all.body.a.y uint8",
      "fw_all.body.b.length uint8",
      "fw_all.body.b string",
      "fw_all.odd_name string",
    ]);
  });

  it("names a single value, and keeps fields of one name and other types apart", () => {
    expect(fieldsOf(dissector(u8, { name: "fw_u8" }))).toEqual(["fw_u8.value uint8"]);
    const twice = struct({ "a b": u8, "a.b": u16le });
    expect(fieldsOf(dissector(twice, { name: "fw_twice" }))).toEqual([
      "fw_twice.a_b uint8",
      "fw_twice.a.b uint16",
    ]);
    const same = struct({ "a b": u8, a_b: u16le });
    expect(fieldsOf(dissector(same, { name: "fw_same" }))).toEqual([
      "fw_same.a_b uint8",
      "fw_same.a_b_2 uint16",
    ]);
  });

  it("takes protocols and framings, alone and with a description of the payload", () => {
    const payload = struct({ id: varint(), rest: bytes() });
    const described = fieldsOf(
      dissector(lengthPrefixed({ width: 2 }).wrap(payload), { name: "a" }),
    );
    expect(described).toEqual(["a.length uint16", "a.payload.id uint64", "a.payload.rest bytes"]);
    const framed = { ...lengthPrefixed({ width: 2 }), payload };
    expect(fieldsOf(dissector(framed, { name: "a" }))).toEqual(described);
    expect(fieldsOf(dissector(lines(), { name: "a" }))).toEqual([
      "a.payload bytes",
      "a.delimiter bytes",
    ]);
    expect(fieldsOf(dissector(perMessage().wrap(json()), { name: "a" }))).toEqual([
      "a.payload string",
    ]);
    expect(fieldsOf(dissector(contentLength().wrap(json()), { name: "a" }))).toEqual([
      "a.header string",
      "a.end bytes",
      "a.payload string",
    ]);
    expect(fieldsOf(dissector(concatenatedJson().wrap(json()), { name: "a" }))).toEqual([
      "a.payload string",
    ]);
  });

  it("writes every kind of number", () => {
    const all = struct({
      a: u64be,
      b: i64be,
      c: u48le,
      d: f32le,
      e: enumOf(u48le, { one: 1 }),
      f: flags(u48le, ["x"]),
      g: flags(u16le, ["y", "z"]),
      h: bits(3),
      i: flag,
      j: flags(bits(4), ["q"]),
    });
    expect(fieldsOf(dissector(all, { name: "a" }))).toEqual([
      "a.a uint64",
      "a.b int64",
      "a.c uint64",
      "a.d float",
      "a.e uint64",
      "a.f uint64",
      "a.g.y bool",
      "a.g.z bool",
      "a.h uint8",
      "a.i bool",
      "a.j.q bool",
    ]);
  });

  it("names the field that it cannot express", () => {
    const half = mapped(u8, { name: "half", read: (n) => n / 2, write: (n: number) => n * 2 });
    const chosen = struct({ kind: half, body: match("kind", { 1: u8 }, bytes()) });
    expect(() => dissector(struct({ outer: chosen }), { name: "a" })).toThrow(
      new TypeError('dissector: "outer.body": values of its tag "kind" cannot be expressed in Lua'),
    );
    expect(() => dissector(struct({ list: until(half, 0) }), { name: "a" })).toThrow(
      new TypeError('dissector: "list": the item that ends the list cannot be expressed in Lua'),
    );
    const closed = enumOf(u8, { a: 1 }, { open: true });
    const unknown = struct({ kind: closed, body: match("kind", { nope: u8 }, bytes()) });
    expect(() => dissector(unknown, { name: "a" })).toThrow(/"body": values of its tag "kind"/);
  });

  it("refuses protocols that are functions alone, and framings that tell no layout", () => {
    const own = defineProtocol({
      name: "own",
      measure: () => 1,
      decode: () => 0,
      encode() {},
    });
    expect(() => dissector(own, { name: "own" })).toThrow(
      'dissector: "own" has no description and no layout of its frames, so only JavaScript can read it; describe it with framewright/fields',
    );
    const { name: _, ...nameless } = own;
    expect(() => dissector(nameless, { name: "own" })).toThrow(/^dissector: this protocol has no/);
    const bare = framing({ name: "bare", maxFrame: 9, measure: () => 1 });
    expect(() => dissector(bare.wrap(utf8()), { name: "own" })).toThrow(
      /"bare" has no description/,
    );
    const asked = headed({ length: (header) => Number(header) });
    expect(() => dissector(asked.wrap(utf8()), { name: "own" })).toThrow(
      "dissector: the length in the header is computed by a function, so only JavaScript can read it",
    );
  });

  it("refuses names, ports and replies that cannot be", () => {
    for (const name of ["", "Goim", "1a", "a b", "a."]) {
      expect(() => dissector(u8, { name })).toThrow(RangeError);
    }
    for (const port of [0, 65_536, 1.5, Number.NaN]) {
      expect(() => dissector(u8, { name: "a", ports: [port] })).toThrow(
        `dissector: a port is a number from 1 to 65535, not ${port}`,
      );
    }
    expect(() => dissector(u8, { name: "a", replies: lines().wrap(utf8()) })).toThrow(
      "dissector: one direction has frames, but the other does not",
    );
    expect(() => dissector(u8, { name: "a", port: 1 } as never)).toThrow(/port/);
  });

  it("keeps what is in titles and names inside of literals", () => {
    const odd = struct({ 'a"\\\n]]': optional(u8) });
    const script = dissector(odd, { name: "a", title: 'T"\n--é' });
    expect(script.split("\n")[0]).toBe(
      '-- A dissector of T"?--? for Wireshark, written by framewright.',
    );
    expect(script).toContain('Proto("a", "T\\034\\010--\\195\\169")');
    expect(script).toContain('"a\\034\\092\\010]]"');
  });

  it("describes Bilibili without its inflate", () => {
    const protocol = bilibili({
      inflate() {
        throw new Error("it is not called");
      },
    });
    expect(fieldsOf(dissector(protocol, { name: "b" }))).toContain("b.body.5.unpacked.op int32");
  });
});
