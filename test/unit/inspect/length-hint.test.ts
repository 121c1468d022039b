import { describe, expect, it } from "vitest";
import * as fields from "../../../src/fields/index.ts";
import { crc32 } from "../../../src/framing/index.ts";
import {
  decodeFrame,
  defineProtocol,
  encodeAll,
  json,
  lengthPrefixed,
  lines,
  raw,
} from "../../../src/index.ts";
import {
  type AnyProtocol,
  hasMark,
  lengthHint,
  nextFrame,
} from "../../../src/inspect/ready/index.ts";

const { bytes, checksum, constant, magic, protocolOf, rest, size, struct, u8, u16be, u32le } =
  fields;

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** Header of 8 bytes, payload, checksum of 4. */
const checked = protocolOf(
  struct({
    mark: constant(u16be, 0xcafe),
    version: constant(u8, 1),
    kind: u8,
    length: size(u32le, "body"),
    body: bytes(),
    crc: checksum(u32le, crc32()),
  }),
  { name: "checked", maxFrame: 4096 },
);
/** Header of 8 bytes, payload; nothing else is checked. */
const unchecked = protocolOf(
  struct({ mark: magic("PK"), kind: u16be, length: size(u32le, rest), body: bytes() }),
  { name: "unchecked", maxFrame: 4096 },
);
const framed = lengthPrefixed({ width: 4, header: Uint8Array.of(0xca, 0xfe) }).wrap(json());

/** Three frames of 17, 18 and 17 bytes. */
const three = (): Uint8Array =>
  encodeAll(
    checked,
    ["first", "second", "third"].map((text) => ({ kind: 2, body: ascii(text) })),
  );
/** Three frames of 13, 14 and 13 bytes. */
const plain = (): Uint8Array =>
  encodeAll(
    unchecked,
    ["first", "second", "third"].map((text) => ({ kind: 2, body: ascii(text) })),
  );

/** The bytes with one more or less at a place. */
function changed(all: Uint8Array, at: number, by: number): Uint8Array {
  all[at]! += by;
  return all;
}

const hint = (
  protocol: AnyProtocol | object,
  all: Uint8Array,
  start: number,
  before?: number,
): string | undefined => lengthHint(protocol as AnyProtocol, all, start, before);

describe("a length that is too large", () => {
  it("is found by the mark inside the frame", () => {
    expect(hint(checked, changed(three(), 21, 5), 17, 0)).toBe(
      "the mark cafe01 occurs again at 0x23, inside this frame: its length (at 0x15, 4 bytes) may be 5 bytes too large",
    );
  });

  it("is found if the frame does not end within the stream", () => {
    expect(hint(checked, changed(three(), 22, 1), 17, 0)).toBe(
      "the mark cafe01 occurs again at 0x23, inside this frame: its length (at 0x15, 4 bytes) may be 256 bytes too large",
    );
  });

  it("is found if it exceeds maxFrame", () => {
    expect(hint(checked, changed(three(), 24, 1), 17, 0)).toContain(
      "may be 16777216 bytes too large",
    );
  });

  it("is found when the next frame does not begin with the mark", () => {
    expect(hint(unchecked, changed(plain(), 17, 1), 28, 13)).toBe(
      "the mark 504b occurs at 0x1b, inside the frame before: its length (at 0x11, 4 bytes) may be 1 byte too large",
    );
  });

  it("is found by the header of a framing", () => {
    const all = encodeAll(framed, ["first", "second", "third"]);
    expect(hint(framed, changed(all, 13 + 5, 2), 13, 0)).toBe(
      "the mark cafe occurs again at 0x1b, inside this frame: its length (at 0xf, 4 bytes) may be 2 bytes too large",
    );
  });
});

describe("a length that is too small", () => {
  it("is found by the mark after the frame", () => {
    expect(hint(checked, changed(three(), 21, -2), 17, 0)).toBe(
      "the next mark cafe01 comes 2 bytes after this frame, at 0x23: its length (at 0x15, 4 bytes) may be 2 bytes too small",
    );
  });

  it("is found when the next frame does not begin with the mark", () => {
    expect(hint(unchecked, changed(plain(), 17, -3), 24, 13)).toBe(
      "the mark 504b comes 3 bytes later, at 0x1b: the frame before may be longer: its length (at 0x11, 4 bytes) may be 3 bytes too small",
    );
  });

  it("is found if it is below the header", () => {
    const counted = protocolOf(
      struct({ mark: magic("PK"), length: size(u16be, fields.whole), body: bytes() }),
      { name: "counted" },
    );
    const all = encodeAll(counted, [{ body: ascii("one") }, { body: ascii("two") }]);
    all[3] = 1;
    expect(hint(counted, all, 0)).toBe(
      "the mark 504b occurs again at 0x7: this frame may have 7 bytes",
    );
  });
});

describe("there is no hint", () => {
  it.each<[string, AnyProtocol | object, Uint8Array, number, number | undefined]>([
    ["if other bytes of the frame are wrong", checked, changed(three(), 26, 1), 17, 0],
    ["if the mark itself is wrong", checked, changed(three(), 18, 1), 17, 0],
    ["if no other frame is there", checked, changed(three().subarray(0, 17), 4, 1), 0, undefined],
    ["without a mark", lengthPrefixed({ width: 4 }).wrap(raw()), new Uint8Array(9), 0, undefined],
    ["for messages", raw(), three(), 0, undefined],
    [
      "if frames have no parts",
      defineProtocol({ ...checked, field: undefined } as never),
      three(),
      17,
      0,
    ],
    [
      "for a protocol with a state",
      { ...checked, perConnection: () => checked },
      changed(three(), 21, 5),
      17,
      0,
    ],
  ])("%s", (_, protocol, all, start, before) => {
    expect(hint(protocol, all, start, before)).toBeUndefined();
  });

  it("from a mark in a payload that no frame follows", () => {
    const inner = encodeAll(checked, [{ kind: 1, body: ascii("x") }]);
    const all = encodeAll(checked, [{ kind: 2, body: Uint8Array.of(...inner, 7) }]);
    all[3] = 9;
    expect(() => decodeFrame(checked, all)).toThrow("crc");
    expect(hint(checked, all, 0)).toBeUndefined();
  });
});

it("names bytes before the first frame", () => {
  expect(hint(checked, Uint8Array.of(1, 2, ...three()), 0)).toBe(
    "the mark cafe01 comes 2 bytes later, at 0x2: the 2 bytes before it are not a frame",
  );
});

it("does not name the position of a length that may be anywhere", () => {
  const late = protocolOf(
    struct({
      mark: magic("PK"),
      name: fields.cstring(),
      length: size(u16be, rest),
      body: bytes(),
      crc: checksum(u32le, crc32()),
    }),
    { name: "late" },
  );
  const all = encodeAll(
    late,
    ["a", "b", "c"].map((name) => ({ name, body: ascii(name) })),
  );
  all[5]! += 1;
  expect(hint(late, all, 0)).toContain("inside this frame: its length may be 1 byte too large");
});

describe("the next frame", () => {
  it("begins with the mark, is whole and valid", () => {
    expect(nextFrame(checked as never, changed(three(), 21, 5), 1)).toBe(17 + 18);
    expect(nextFrame(checked as never, changed(three(), 40, 1), 18)).toBeUndefined();
  });

  it("cannot be found without a mark", () => {
    const protocol = lines().wrap(json()) as AnyProtocol;
    expect(hasMark(protocol)).toBe(false);
    expect(nextFrame(protocol, ascii("1\n"), 0)).toBeUndefined();
  });
});
