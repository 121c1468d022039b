import {
  decodeFrame,
  delimited,
  encodeFrame,
  fixed,
  lengthPrefixed,
  lines,
  netstring,
  raw,
  Splitter,
  varintPrefixed,
} from "framewright";
import { fastway } from "framewright/fastway";
import {
  bits,
  bytes,
  flag,
  mapped,
  pad,
  prefixed,
  protocolOf,
  size,
  struct,
  u8,
  u16be,
  u32be,
  utf8,
} from "framewright/fields";
import { cobs, slip } from "framewright/framing";
import { goim } from "framewright/goim";
import { explain, hexView, type Part } from "framewright/inspect";
import { describe, expect, it } from "vitest";
import { errorOf } from "../../support/chunks.ts";
import { modbus, modbusRtu, mqtt, tlvs } from "../../support/formats.ts";

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const view = (what: Parameters<typeof explain>[0], text: string): string[] => {
  const given = bytesOf(text);
  return hexView(explain(what, given), given).split("\n");
};

describe("hexView of a description", () => {
  it("shows names, types, values and what lengths count", () => {
    expect(view(modbus, "00020000000b0110000100020" + "4000a0102")).toEqual([
      "0000         Modbus TCP     struct",
      "0000  00 02    transaction  u16be    2",
      "0002  00 00    protocol     u16be    0  (always)",
      "0004  00 0b    length       u16be    11  (bytes that follow)",
      "0006  01       unit         u8       1",
      "0007  10       fn           enum u8  writeMultipleRegisters  (16)".replace(
        "writeMultipleRegisters",
        '"writeMultipleRegisters"',
      ),
      "0008           data         struct",
      "0008  00 01      address    u16be    1",
      "000a  00 02      quantity   u16be    2  (items of values)",
      "000c  04         bytes      u8       4  (bytes of values)",
      "000d             values     array    2 items",
      "000d  00 0a        [0]      u16be    10",
      "000f  01 02        [1]      u16be    258",
    ]);
  });

  it("shows what is right before a fault, and the error", () => {
    expect(view(modbus, "00020000000b0110000100020" + "9000a0102").slice(-2)).toEqual([
      '000d  00 0a 01 02    ?            bytes    4 bytes  (data.bytes: 9 bytes announced for "values", 4 left)',
      'error: malformed: data.bytes: 9 bytes announced for "values", 4 left (at 000d)',
    ]);
    expect(view(modbusRtu, "1103006b00037688").slice(-2)).toEqual([
      "0006  76 88        crc   u16le  34934  (crc16, expected 34678 (0x8776))",
      "error: malformed: crc: expected crc16 34678 (0x8776), found 34934 (0x8876) (at 0006)",
    ]);
  });

  it("shows bits in their bytes", () => {
    expect(
      view(mqtt, "1010" + "00044d515454" + "0482003c" + "000164" + "000175").slice(1, 3),
    ).toEqual([
      "0000  0001 ....            type          4 bits  1  (always)",
      "0000  .... 0000            reserved      4 bits  0  (always)",
    ]);
    expect(view(struct({ a: bits(3), b: flag, c: bits(12) }, { bits: "low" }), "cdab")).toEqual([
      "0000  .... .101            a  3 bits   5",
      "0000  .... 1...            b  flag     true",
      "0000  1100 .... 1010 1011  c  12 bits  2748",
    ]);
  });

  it("shows nesting, and does not let control characters through", () => {
    expect(view(tlvs, "03000b0200081b5b33316d0a2e2e")).toEqual([
      "0000                           TLV           struct",
      '0000  03                         tag         enum u8  "list"  (3)',
      "0001  00 0b                      length      u16be    11  (bytes of value)",
      "0003                             value       array    1 item",
      "0003                               [0]       struct",
      '0003  02                             tag     enum u8  "text"  (2)',
      "0004  00 08                          length  u16be    8  (bytes of value)",
      '0006  1b 5b 33 31 6d 0a 2e 2e        value   utf8     "\\u001b[31m\\n.."',
    ]);
  });

  it("shortens what is long", () => {
    const rows = view(struct({ body: bytes() }), "00".repeat(100));
    expect(rows).toHaveLength(5);
    expect(rows[4]).toBe("      ... 68 more");
    expect(
      hexView(explain(bytes(), new Uint8Array(20)), new Uint8Array(20), {
        columns: 16,
        lines: 1,
      }).split("\n"),
    ).toHaveLength(2);
    expect(() =>
      hexView(explain(u8, new Uint8Array(1)), new Uint8Array(1), { columns: 0 }),
    ).toThrow(RangeError);
  });

  it("shows padding, prefixes and mappings", () => {
    const field = struct({
      fill: pad(1),
      name: utf8(u8),
      one: prefixed(u16be, struct({ a: u8 })),
      twice: mapped(u8, { name: "half", read: (n) => n / 2, write: (n: number) => n * 2 }),
    });
    expect(view(field, "00016100010508")).toEqual([
      "0000  00     fill      bytes   1 byte  (padding)",
      '0001         name      utf8    "a"',
      "0001  01       length  u8      1  (bytes that follow)",
      '0002  61       body    utf8    "a"',
      "0003         one       struct",
      "0003  00 01    length  u16be   1  (bytes that follow)",
      "0005           body    struct",
      "0005  05         a     u8      5",
      "0006  08     twice     u8      4  (half)",
    ]);
  });
});

describe("the error of explain for a length that is too large", () => {
  const described = protocolOf(
    struct({ kind: u16be, length: size(u32be, "payload"), payload: bytes() }),
    { name: "described", maxFrame: 200 },
  );
  const short = "0001" + "0000006d" + "00".repeat(24);
  const long = "0001" + "00010000" + "00".repeat(24);

  it.each([
    ["described, cut off", described, short, "truncated"],
    ["described, above maxFrame", described, long, "too-long"],
    ["described, with more behind it", described, "0001" + "00000000" + "00", "malformed"],
    ["described, without its header", described, "0001", "truncated"],
    ["described, nothing", described, "", "truncated"],
    ["goim, cut off", goim(), "00000020001000010000000200000001aa", "truncated"],
    ["goim, above maxFrame", goim(), "7fffffff00100001" + "00".repeat(8), "too-long"],
    ["fastway, cut off", fastway({ dialect: "v2" }), "090000000100000003", "truncated"],
    ["fastway, above maxFrame", fastway({ dialect: "v2" }), "ffffff7f0100000003", "too-long"],
  ] as const)("is that of decodeFrame and of a Splitter: %s", (_, protocol, hex, code) => {
    const given = bytesOf(hex);
    const { error, parts, value } = explain(protocol, given);
    const thrown = errorOf(() => decodeFrame<unknown>(protocol, given));
    const { message, offset } = thrown;
    expect(error).toEqual({ code, message, offset });
    expect(thrown.code).toBe(code);
    expect(value).toBeUndefined();
    expect(parts?.at(-1)?.end ?? 0).toBe(given.length);
    if (code === "malformed" || given.length === 0) return;
    const splitter = new Splitter(protocol);
    const split = errorOf(() => {
      splitter.push(given);
      while (splitter.next());
      splitter.finish();
    });
    expect([split.code, split.message]).toEqual([code, message]);
  });

  it("shows the parts before the payload, and all bytes", () => {
    expect(view(described, short)).toEqual([
      "0000                           described  struct",
      "0000  00 01                      kind     u16be   1",
      "0002  00 00 00 6d                length   u32be   109  (bytes of payload)",
      "0006  00 00 00 00 00 00 00 00    ?        bytes   24 bytes  (input ends after 30 bytes of a frame of 115 bytes)",
      "000e  00 00 00 00 00 00 00 00",
      "0016  00 00 00 00 00 00 00 00",
      "error: truncated: input ends after 30 bytes of a frame of 115 bytes (at 0000)",
    ]);
  });
});

describe("explain of a framing", () => {
  const named = ({ parts = [] }: Part): string[] =>
    parts.map(
      ({ name, start, end, value }) =>
        `${name} ${start}-${end}${typeof value === "number" ? ` = ${value}` : ""}`,
    );

  it.each([
    ["length before", lengthPrefixed({ width: 2 }), ["length 0-2 = 3", "payload 2-5"]],
    [
      "header and little-endian length",
      lengthPrefixed({ width: 4, endian: "le", header: Uint8Array.of(1, 2) }),
      ["header 0-2", "length 2-6 = 3", "payload 6-9"],
    ],
    [
      "length of 8 bytes",
      lengthPrefixed({ width: 8, endian: "le" }),
      ["length 0-8 = 3", "payload 8-11"],
    ],
    ["varint before", varintPrefixed(), ["length 0-1 = 3", "payload 1-4"]],
    ["delimiter behind", delimited("--"), ["payload 0-3", "delimiter 3-5"]],
    ["line ends", lines(), ["payload 0-3", "delimiter 3-4"]],
    ["fixed size", fixed(3), ["payload 0-3"]],
    ["netstring", netstring(), ["length 0-1 = 3", "delimiter 1-2", "payload 2-5", "trailer 5-6"]],
  ])("%s", (_, framing, parts) => {
    const frame = encodeFrame(framing.wrap(raw()), Uint8Array.of(1, 2, 3));
    const part = explain(framing, frame);
    expect(part.error).toBeUndefined();
    expect(named(part)).toEqual(parts);
  });

  it("says that a payload is escaped, and finds shared marks", () => {
    for (const framing of [slip(), cobs()]) {
      const frame = encodeFrame(framing.wrap(raw()), Uint8Array.of(1, 2, 0xc0));
      const payload = explain(framing, frame).parts?.find(({ name }) => name === "payload");
      expect(payload?.note).toBe("escaped");
    }
  });

  it("goes on with the description of the payload", () => {
    const payload = struct({ kind: u8, text: utf8() });
    const frame = encodeFrame(lengthPrefixed({ width: 2 }).wrap(payload), { kind: 1, text: "hi" });
    const part = explain({ ...lengthPrefixed({ width: 2 }), payload }, frame);
    expect(hexView(part, frame).split("\n")).toEqual([
      "0000  00 03  length   u16be   3  (frame length minus 2)",
      "0002         payload  struct",
      "0002  01       kind   u8      1",
      '0003  68 69    text   utf8    "hi"',
    ]);
  });

  it("reports what the framing refuses, and a frame that is cut off", () => {
    const framing = lengthPrefixed({ width: 2 });
    expect(explain(framing, Uint8Array.of(0, 9, 1)).error?.code).toBe("truncated");
    expect(explain(framing, Uint8Array.of(0)).error?.code).toBe("truncated");
    expect(
      explain({ ...framing, payload: struct({ a: u16be }) }, Uint8Array.of(0, 1, 1)).error?.message,
    ).toBe("a: u16be needs 2 bytes, 1 left");
    expect(() => explain({}, Uint8Array.of(0))).toThrow(TypeError);
  });
});
