import {
  decodeFrame,
  encodeFrame,
  json,
  lengthPrefixed,
  ProtocolError,
  perMessage,
} from "framewright";
import {
  align,
  array,
  ascii,
  bits,
  bytes,
  checked,
  checksum,
  codec,
  constant,
  count,
  cstring,
  enumOf,
  type Field,
  f32be,
  flag,
  flags,
  i8,
  latin1,
  lazy,
  magic,
  mapped,
  match,
  optional,
  pad,
  prefixed,
  present,
  rest,
  shown,
  size,
  strict,
  struct,
  u8,
  u16be,
  u16le,
  u24be,
  u64be,
  until,
  utf8,
  varint,
  whole,
  withDefault,
} from "framewright/fields";
import { describe, expect, it } from "vitest";
import { crc16 } from "../../support/crc16.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const write = <In>(field: Field<In, unknown>, value: In): string =>
  hex(encodeFrame(perMessage().wrap(field), value));
const read = <Out>(field: Field<never, Out>, text: string): Out =>
  decodeFrame(perMessage().wrap(field), Uint8Array.from(Buffer.from(text, "hex")));

/** Code and text of the error. */
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError)
      return `${error.code}${error.offset === undefined ? "" : ` at ${error.offset}`}: ${error.message}`;
    throw error;
  }
  return "nothing";
}

describe("constants", () => {
  it.each<[string, () => unknown, string]>([
    ["small", () => read(constant(u8, 1), "02"), "expected 1, found 2"],
    [
      "marks",
      () => read(constant(u16be, 0xcafe), "babe"),
      "expected 51966 (0xcafe), found 47806 (0xbabe)",
    ],
    ["negative", () => read(constant(i8, -1), "10"), "expected -1, found 16 (0x10)"],
    [
      "64 bits",
      () => read(constant(u64be, 255n), "0000000000000003"),
      "expected 255 (0xff), found 3",
    ],
    ["floats", () => read(constant(f32be, 10.5), "00000000"), "expected 10.5, found 0"],
    ["bytes", () => read(magic("PK"), "5000"), "expected byte 75 (0x4b), found 0"],
  ])("that are wrong are shown in hex too: %s", (_, run, text) => {
    expect(refusal(run)).toBe(`malformed at ${text.includes("byte") ? 1 : 0}: ${text}`);
  });
});

describe("numbers", () => {
  it("are refused if bytes are missing", () => {
    expect(refusal(() => read(u24be, "0102"))).toBe("malformed at 0: u24be needs 3 bytes, 2 left");
    expect(refusal(() => read(u8, "0102"))).toBe("malformed at 1: 1 byte left over");
  });

  it("of 64 bits may be sent as safe numbers and are received as bigints", () => {
    expect(write(u64be, 5)).toBe("0000000000000005");
    expect(read(u64be, "0000000000000005")).toBe(5n);
  });

  it("as varints have a size and may have to be minimal", () => {
    expect(write(varint(2), 300)).toBe("ac02");
    expect(refusal(() => write(varint(1), 128))).toBe(
      "unencodable: varint of 1 bytes cannot hold 128",
    );
    expect(refusal(() => read(varint(1), "8001"))).toBe(
      "malformed at 0: varint of more than 1 bytes",
    );
    expect(read(varint(), "8000")).toBe(0);
    expect(refusal(() => read(varint(5, { minimal: true }), "8000"))).toBe(
      "malformed at 0: varint of 0 is too long",
    );
    expect(refusal(() => read(varint(8), "ffffffffffffff7f"))).toBe(
      "malformed at 0: varint exceeds 2^53 - 1",
    );
  });

  it("with names may be open", () => {
    const open = enumOf(u8, { on: 1 }, { open: true });
    expect(read(open, "02")).toBe(2);
    expect(refusal(() => write(open, 1))).toBe('unencodable: 1 has the name "on"');
    expect(refusal(() => write(enumOf(u8, { on: 1 }), "toString" as never))).toBe(
      'unencodable: "toString" is not one of on',
    );
  });

  it("as flags have a boolean for each name, and no other bits", () => {
    const options = flags(u8, ["a", "b"]);
    expect(write(options, { b: true })).toBe("02");
    expect(read(options, "01")).toEqual({ a: true, b: false });
    expect(refusal(() => read(options, "04"))).toBe("malformed at 0: 4 has bits without a name");
    expect(refusal(() => write(options, { a: 1 } as never))).toBe(
      'unencodable: "a" must be a boolean, not 1',
    );
  });
});

describe("bits", () => {
  const fields = { a: bits(3), b: flag, c: bits(12) };

  it("fill bytes from the high end, or from the low one", () => {
    const value = { a: 5, b: true, c: 0xabc };
    expect(write(struct(fields), value)).toBe("babc");
    expect(read(struct(fields), "babc")).toEqual(value);
    expect(write(struct(fields, { bits: "low" }), value)).toBe("cdab");
    expect(read(struct(fields, { bits: "low" }), "cdab")).toEqual(value);
  });

  it("can be a size in units, as the header length of IP is", () => {
    const header = struct({
      version: constant(bits(4), 4),
      words: size(bits(4), whole, { unit: 4 }),
      pad: pad(3),
      options: bytes(),
    });
    expect(write(header, { options: new Uint8Array(4) })).toBe("4200000000000000");
    expect(refusal(() => write(header, { options: new Uint8Array(1) }))).toBe(
      "unencodable: words: 5 bytes cannot be counted in units of 4",
    );
    expect(refusal(() => write(header, { options: new Uint8Array(60) }))).toBe(
      "unencodable: words: 4 bits cannot hold 16",
    );
  });
});

describe("bytes and text", () => {
  it("of a fixed length are refused in another one", () => {
    expect(refusal(() => write(bytes(2), Uint8Array.of(1)))).toBe("unencodable: 1 byte, not 2");
    expect(refusal(() => write(bytes(u8), "x" as never))).toBe(
      "unencodable: bytes cannot hold string",
    );
    expect(refusal(() => write(bytes(u8), new Uint8Array(256)))).toBe(
      "unencodable: u8 cannot hold 256",
    );
  });

  it("may be padded", () => {
    expect(write(ascii(4, 0), "ab")).toBe("61620000");
    expect(read(ascii(4, 0), "61620000")).toBe("ab");
    expect(refusal(() => write(ascii(4, 32), "ab "))).toBe(
      "unencodable: text ends in its own padding",
    );
    expect(refusal(() => write(ascii(1, 0), "ab"))).toBe("unencodable: 2 bytes, at most 1 fit");
  });

  it("are strict", () => {
    expect(refusal(() => read(ascii(), "6180"))).toBe("malformed at 1: byte 128 is not ASCII");
    expect(refusal(() => write(latin1(), "€"))).toBe("unencodable: character 0 is not Latin-1");
    expect(read(latin1(u8), "01e9")).toBe("é");
    expect(refusal(() => read(cstring(), "6162"))).toBe(
      "malformed at 0: no zero byte within 2 bytes",
    );
    expect(refusal(() => write(cstring(), "a\0"))).toBe(
      "unencodable: text contains a zero character",
    );
  });

  it("go as text over transports that know text", () => {
    expect([utf8().text, ascii().text, utf8(u8).text, latin1().text]).toEqual([
      true,
      true,
      undefined,
      undefined,
    ]);
  });

  it("are views of the frame; defaults are copied", () => {
    const frame = Uint8Array.of(1, 2);
    expect(decodeFrame(perMessage().wrap(bytes()), frame).buffer).toBe(frame.buffer);
    const kept = Uint8Array.of(7);
    const field = struct({ body: withDefault(bytes(), kept) });
    kept[0] = 9;
    expect(write(field, {})).toBe("07");
  });
});

describe("lists", () => {
  it("never trust a number of items", () => {
    const points = struct({ n: count(u16be, "points"), points: array(u16be) });
    expect(refusal(() => read(points, "ffff010203"))).toBe(
      "malformed at 2: points: 65535 items announced, 3 bytes left",
    );
    expect(refusal(() => read(array(u8, i8), "ff"))).toBe("malformed at 1: -1 items announced");
  });

  it("end at an item", () => {
    expect(write(until(u8, 0), [1, 2])).toBe("010200");
    expect(read(until(u8, 0), "010200")).toEqual([1, 2]);
    expect(refusal(() => write(until(u8, 0), [1, 0]))).toBe(
      "unencodable: [1]: this item would end the list",
    );
    expect(refusal(() => read(until(u8, 0), "01"))).toBe(
      "malformed at 1: [1]: u8 needs 1 byte, 0 left",
    );
  });
});

describe("structs", () => {
  it("leave room for fixed fields after one up to the end", () => {
    const field = struct({ a: bytes(), b: u16be, crc: checksum(u16le, crc16) });
    const frame = write(field, { a: Uint8Array.of(1, 2), b: 3 });
    expect(frame.slice(0, 8)).toBe("01020003");
    expect(read(field, frame)).toEqual({ a: Uint8Array.of(1, 2), b: 3 });
    expect(refusal(() => read(field, "0102"))).toBe(
      "malformed at 2: crc: u16le needs 2 bytes, 0 left",
    );
  });

  it("may end in optional fields, without a gap", () => {
    const field = struct({ a: u8, b: optional(u8), c: optional(u16be) });
    expect(read(field, "01")).toEqual({ a: 1, b: undefined, c: undefined });
    expect(write(field, { a: 1, b: 2, c: 3 })).toBe("01020003");
    expect(refusal(() => write(field, { a: 1, c: 3 }))).toBe(
      'unencodable: c: cannot be there while "b" before it is missing',
    );
    expect(refusal(() => write(struct({ a: optional(bytes()) }), { a: new Uint8Array(0) }))).toBe(
      "unencodable: a: a value of no bytes could not be told from a missing one",
    );
  });

  it("align, and check padding if they are strict", () => {
    const field = struct({ a: bytes(u8), fill: align(4, { strict: true }), b: u8 });
    expect(write(field, { a: Uint8Array.of(1), b: 2 })).toBe("0101000002");
    expect(refusal(() => read(field, "0101000102"))).toBe("malformed at 3: fill: byte 1, not 0");
  });

  it("show the numbers that the library writes", () => {
    const field = struct({ length: shown(size(u8, rest)), body: bytes() });
    expect(write(field, { length: 99, body: Uint8Array.of(1) })).toBe("0101");
    expect(read(field, "0101")).toEqual({ length: 1, body: Uint8Array.of(1) });
  });

  it("count a varint that counts itself", () => {
    const field = struct({ length: size(varint(3), whole), body: bytes() });
    expect(write(field, { body: new Uint8Array(126) }).slice(0, 2)).toBe("7f");
    expect(write(field, { body: new Uint8Array(127) }).slice(0, 4)).toBe("8101");
    expect(read(field, write(field, { body: new Uint8Array(127) })).body.length).toBe(127);
  });

  it("sum up themselves, their own sum as zeros", () => {
    const field = struct({ a: u8, sum: checksum(u16be, crc16, whole), b: bytes() });
    const frame = write(field, { a: 1, b: Uint8Array.of(5) });
    expect(frame).toBe(
      `01${crc16(Uint8Array.of(1, 0, 0, 5), 0, 4)
        .toString(16)
        .padStart(4, "0")}05`,
    );
    expect(read(field, frame).b).toEqual(Uint8Array.of(5));
  });

  it("take names that all objects have", () => {
    const field = struct({ constructor: optional(u8) });
    expect(write(field, {} as never)).toBe("");
    expect(write(field, { constructor: 5 } as never)).toBe("05");
  });

  it("refuse values that are not objects, and unknown members if they are strict", () => {
    expect(refusal(() => write(struct({ a: u8 }), null as never))).toBe(
      "unencodable: an object is needed, not null",
    );
    expect(refusal(() => write(strict(struct({ a: u8 })), { a: 1, b: 2 } as never))).toBe(
      'unencodable: unknown member "b"',
    );
  });

  it("choose by flags, numbers and defaults", () => {
    const byFlag = struct({ big: flag, low: bits(7), n: match("big", { true: u16be, false: u8 }) });
    expect(read(byFlag, "810102")).toEqual({ big: true, low: 1, n: 0x102 });
    const byDefault = struct({ kind: withDefault(u8, 1), n: match("kind", { 1: u8, 2: u16be }) });
    expect(write(byDefault, { n: 7 } as never)).toBe("0107");
    expect(refusal(() => read(byDefault, "0307"))).toBe('malformed at 1: n: no case for "kind" 3');
  });
});

describe("functions of users", () => {
  it("may decode with other descriptions", () => {
    const inner = struct({ a: u8 });
    const field = struct({
      one: mapped(bytes(1), {
        name: "inner",
        read: (raw) => inner.decode(raw, 0, 1),
        write: (value: { a: number }) => Uint8Array.of(value.a),
      }),
      two: u8,
    });
    expect(read(field, "0102")).toEqual({ one: { a: 1 }, two: 2 });
  });

  it("have their errors wrapped, with the cause", () => {
    const field = struct({
      at: mapped(u8, {
        name: "date",
        read: (): number => {
          throw new RangeError("too late");
        },
        write: (n: number) => n,
      }),
    });
    expect(refusal(() => read(field, "01"))).toBe("malformed at 0: at: date: too late");
    expect(refusal(() => read(struct({ data: codec(json(), "json") }), "7b"))).toMatch(
      /^malformed at 0: data: 1 bytes are not JSON/,
    );
  });

  it("may be Standard Schemas", () => {
    const even = {
      "~standard": {
        validate: (value: unknown) =>
          Number(value) % 2 === 0 ? { value } : { issues: [{ message: "must be even" }] },
      },
    };
    expect(write(checked(u8, even), 4)).toBe("04");
    expect(refusal(() => read(struct({ n: checked(u8, even) }), "03"))).toBe(
      "malformed at 0: n: must be even",
    );
    const later = { "~standard": { validate: async (value: unknown) => ({ value }) } };
    expect(refusal(() => write(checked(u8, later), 4))).toBe(
      "unencodable: check failed: the schema must be synchronous",
    );
  });
});

describe("descriptions", () => {
  it("work in any framing", () => {
    const messages = lengthPrefixed({ width: 2 }).wrap(
      struct({ has: present("note", u8), note: optional(utf8()) }),
    );
    expect(hex(encodeFrame(messages, { note: "hi" }))).toBe("0003016869");
    expect(decodeFrame(messages, encodeFrame(messages, {}))).toEqual({ note: undefined });
  });

  it("recurse as deep as they may", () => {
    type Nested = { readonly inner: Nested | undefined };
    const nested: Field<Nested> = struct({
      has: present("inner", u8),
      inner: optional(lazy((): Field<Nested> => nested, 3)),
    });
    expect(read(nested, "01010100")).toEqual({ inner: { inner: { inner: { inner: undefined } } } });
    expect(refusal(() => read(nested, "0101010100"))).toBe(
      "malformed at 4: inner.inner.inner.inner: nested more than 3 levels deep",
    );
    expect(() =>
      read(
        lazy(() => bytes() as Field<unknown>),
        "",
      ),
    ).toThrow(/lazy: the field needs an end of its own/);
  });

  it("use exactly the announced bytes", () => {
    expect(refusal(() => read(struct({ a: prefixed(u8, u8) }), "020102"))).toBe(
      "malformed at 2: a: 1 byte left over",
    );
    expect(refusal(() => read(struct({ n: size(u8, "a"), a: u8 }), "020102"))).toBe(
      "malformed at 2: n: 1 byte left over",
    );
  });
});
