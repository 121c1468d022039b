import { describe, expect, it } from "vitest";
import { type DecimalPrefixedOptions, decimalPrefixed } from "../../../src/framing/index.ts";
import {
  decodeAll,
  decodeFrame,
  defineProtocol,
  encodeAll,
  encodeFrame,
  lines,
  type Protocol,
  raw,
  utf8,
} from "../../../src/index.ts";
import { ascii, everySize, failureOf, readAll, text } from "../../support/chunks.ts";

const long = "x".repeat(123);

describe.each<[string, DecimalPrefixedOptions, [string, string][]]>([
  [
    "four digits",
    { digits: 4 },
    [
      ["hello", "0005hello"],
      ["", "0000"],
      [long, `0123${long}`],
    ],
  ],
  ["four digits that count the frame", { digits: 4, counts: "frame" }, [["hello", "0009hello"]]],
  ["one digit", { digits: 1 }, [["hello", "5hello"]]],
  [
    "digits up to a space",
    { delimiter: " " },
    [
      ["hello", "5 hello"],
      ["", "0 "],
      [long, `123 ${long}`],
    ],
  ],
  ["digits up to CRLF", { delimiter: "\r\n", trailer: "\r\n" }, [["hi", "2\r\nhi\r\n"]]],
  ["both", { digits: 2, trailer: "!", counts: "frame" }, [["abc", "06abc!"]]],
  ["bytes around it", { delimiter: ascii("#"), trailer: ascii("\0") }, [["a", "1#a\0"]]],
  ["another count", { digits: 3, adjust: 2 }, [["hello", "003hello"]]],
  ["another count up to a delimiter", { delimiter: "|", adjust: -1 }, [["hello", "6|hello"]]],
])("decimalPrefixed: %s", (_, options, pairs) => {
  const framing = decimalPrefixed(options);
  const protocol = framing.wrap(utf8());

  it.each(pairs)("%j is %j", (value, wire) => {
    expect(text(encodeFrame(protocol, value))).toBe(wire);
    expect(decodeFrame(protocol, ascii(wire))).toBe(value);
  });

  it("is read the same in pieces of any size", () => {
    const wire = ascii(pairs.map(([, one]) => one).join(""));
    const whole = readAll(framing, [wire]);
    expect(whole.frames.map(text)).toEqual(pairs.map(([, one]) => one));
    for (let size = 1; size < 12; size++) {
      expect(readAll(framing, everySize(wire, size))).toEqual(whole);
    }
  });
});

describe("decimalPrefixed", () => {
  it.each<[string, DecimalPrefixedOptions, string, number, string]>([
    ["a letter", { digits: 4 }, "00a5", 2, "byte 97 at digit 2"],
    ["a space for padding", { digits: 4 }, "   5", 0, "byte 32 at digit 0"],
    ["a sign", { delimiter: " " }, "+5 ", 0, "byte 43 at digit 0"],
    ["no digits", { delimiter: " " }, " 5", 0, "byte 32 at digit 0"],
    ["another delimiter", { delimiter: " " }, "5:", 1, "byte 58 at digit 1"],
    ["half a delimiter", { delimiter: "\r\n" }, "5\rx", 2, "byte 120 at digit 2"],
    ["a digit in the delimiter", { delimiter: "\r\n" }, "5\r5", 2, "byte 53 at digit 2"],
    ["a leading zero", { delimiter: " " }, "05 ", 1, "byte 53 at digit 1"],
    ["another trailer", { delimiter: " ", trailer: "\n" }, "1 ab", 3, "ends in byte 98, not in 10"],
    ["a length below its header", { digits: 4, counts: "frame" }, "0003", 0, "frame of 3 bytes"],
    ["a length below nothing", { delimiter: " ", adjust: -5 }, "3 ", 0, "frame of 0 bytes"],
  ])("calls %s malformed", (_, options, wire, offset, message) => {
    const failure = failureOf(() => decodeAll(decimalPrefixed(options).wrap(raw()), ascii(wire)));
    expect(failure).toMatchObject({ code: "malformed", offset });
    expect(failure?.message).toContain(message);
  });

  it("reads leading zeros if `leadingZeros` is set, up to fifteen digits", () => {
    const loose = decimalPrefixed({ delimiter: " ", leadingZeros: true }).wrap(utf8());
    expect(decodeFrame(loose, ascii("005 hello"))).toBe("hello");
    expect(text(encodeFrame(loose, "hello"))).toBe("5 hello");
    expect(failureOf(() => decodeAll(loose, ascii("0".repeat(16))))).toMatchObject({
      code: "too-long",
      message: "length of more than 15 digits",
    });
  });

  it("is limited by the number of digits", () => {
    const framing = decimalPrefixed({ digits: 2 });
    expect(framing.maxFrame).toBe(101);
    expect(decimalPrefixed({ digits: 2, counts: "frame" }).maxFrame).toBe(99);
    expect(decimalPrefixed({ digits: 4, maxFrame: 100 }).maxFrame).toBe(100);
    const protocol = framing.wrap(raw());
    expect(encodeFrame(protocol, new Uint8Array(99))).toHaveLength(101);
    expect(failureOf(() => encodeFrame(protocol, new Uint8Array(100)))).toMatchObject({
      code: "unencodable",
      message: "frame of 102 bytes has no length from 0 to 99",
    });
    const above = decimalPrefixed({ digits: 2, adjust: 5 }).wrap(raw());
    expect(failureOf(() => encodeFrame(above, new Uint8Array(4)))?.code).toBe("unencodable");
  });

  it("returns a length above the limit, so that the frame can be skipped", () => {
    const found = readAll(decimalPrefixed({ digits: 4, maxFrame: 10 }), [ascii("0007")]);
    expect(found.failure?.message).toBe("frame of 11 bytes exceeds maxFrame 10");
  });

  it("is text if payload, delimiter and trailer are", () => {
    expect(decimalPrefixed({ digits: 4 }).wrap(utf8()).text).toBe(true);
    expect(decimalPrefixed({ delimiter: ":" }).wrap(raw()).text).toBe(false);
    expect(decimalPrefixed({ delimiter: ascii(":") }).wrap(utf8()).text).toBe(false);
    expect(decimalPrefixed({ digits: 4 }).wrap(utf8()).name).toBe("decimal-prefixed");
  });

  it("tells its layout", () => {
    const payload = { name: "payload", kind: "payload", size: "rest" };
    expect(decimalPrefixed({ digits: 4 }).layout).toEqual([
      { name: "length", kind: "length", size: 4, digits: true, add: 4 },
      payload,
    ]);
    expect(decimalPrefixed({ delimiter: " " }).layout).toEqual([
      { name: "length", kind: "length", size: "digits", add: 1 },
      { name: "delimiter", kind: "delimiter", size: 1, bytes: ascii(" ") },
      payload,
    ]);
  });

  it.each<[string, object]>([
    ["neither digits nor delimiter", {}],
    ["both", { digits: 4, delimiter: " " }],
    ["no digits", { digits: 0 }],
    ["more digits than are exact", { digits: 16 }],
    ["an empty delimiter", { delimiter: "" }],
    ["a delimiter that begins with a digit", { delimiter: "0x" }],
    ["a count of the frame in digits that vary", { delimiter: " ", counts: "frame" }],
    ["leading zeros of a fixed number of digits", { digits: 4, leadingZeros: false }],
    ["an unknown count", { digits: 4, counts: "all" }],
    ["an adjust that is no integer", { digits: 4, adjust: 0.5 }],
    ["an adjust that leaves no frame", { digits: 1, adjust: -10 }],
    ["a limit without room for the digits", { digits: 4, maxFrame: 3 }],
  ])("refuses %s", (_, options) => {
    expect(() => decimalPrefixed(options)).toThrow(RangeError);
  });

  it("refuses unknown options", () => {
    expect(() => decimalPrefixed({ width: 4 } as object)).toThrow(/"width"; use digits, delimiter/);
  });
});

describe("syslog over TCP (RFC 6587)", () => {
  // Octet counting; a message that begins with "<" instead of a digit ends in LF.
  const counted = decimalPrefixed({ delimiter: " ", maxFrame: 8192 }).wrap(utf8());
  const trailed = lines({ maxFrame: 8192, last: "accept", skipEmpty: true }).wrap(utf8());
  const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
  const of = (bytes: Uint8Array, start: number): Protocol<string> =>
    isDigit(bytes[start]!) ? counted : trailed;

  const syslog = defineProtocol<string>({
    name: "syslog",
    maxFrame: 8192,
    measure: (bytes, start, end, scan) => of(bytes, start).measure(bytes, start, end, scan),
    decode: (bytes, start, end) => of(bytes, start).decode(bytes, start, end),
    encode: counted.encode,
  });

  const mixed = "9 <34>1 - -<165>1 old\n15 <34>two\nlines\n\n\n<13>last";
  const messages = ["<34>1 - -", "<165>1 old", "<34>two\nlines\n\n", "<13>last"];

  it("is read both ways, mixed, at every cut", () => {
    expect(decodeAll(syslog, ascii(mixed))).toEqual(messages);
    for (let size = 1; size < mixed.length; size++) {
      const { frames, failure } = readAll(syslog, everySize(ascii(mixed), size));
      expect(failure).toBeUndefined();
      expect(frames.map((frame) => syslog.decode(frame, 0, frame.length))).toEqual(messages);
    }
  });

  it("is written with counts", () => {
    expect(text(encodeAll(syslog, ["<1>a", "<1>b\n"]))).toBe("4 <1>a5 <1>b\n");
  });
});
