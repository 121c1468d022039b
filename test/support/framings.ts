import fc from "fast-check";
import {
  cobs,
  concatenatedJson,
  contentLength,
  decimalPrefixed,
  hdlc,
  slip,
} from "../../src/framing/index.ts";
import {
  delimited,
  type Framing,
  fixed,
  lengthPrefixed,
  lines,
  netstring,
  varintPrefixed,
} from "../../src/index.ts";
import { ascii } from "./chunks.ts";

// Framings with small limits, and streams that reach all of their corners.

export interface Sample {
  readonly name: string;
  readonly framing: Framing;
  /** Frames, as text of one character a byte; together at most 14 bytes. */
  readonly stream: string;
  /** What is wrong behind them, if this is a stream that fails; it does so for every cut. */
  readonly fails?: "malformed" | "too-long" | "truncated";
}

export const samples: readonly Sample[] = [
  { name: "u8", framing: lengthPrefixed({ width: 1 }), stream: "\0\x01a\x03bcd\0\x02ef" },
  {
    name: "u8, too long",
    framing: lengthPrefixed({ width: 1, maxFrame: 4 }),
    stream: "\x03abc\x04defg\0",
    fails: "too-long",
  },
  {
    name: "u16 le that counts the frame",
    framing: lengthPrefixed({ width: 2, endian: "le", counts: "frame" }),
    stream: "\x02\0\x04\0ab\x03\0c\x05\0",
    fails: "truncated",
  },
  {
    name: "u16 that counts less than its header",
    framing: lengthPrefixed({ width: 2, counts: "frame" }),
    stream: "\0\x03a\0\x02\0\x01abcd",
    fails: "malformed",
  },
  {
    name: "a magic number",
    framing: lengthPrefixed({ width: 1, header: ascii("GO") }),
    stream: "GO\x01aGO\0GO\x02bcG",
    fails: "truncated",
  },
  {
    name: "a wrong magic number",
    framing: lengthPrefixed({ width: 1, header: ascii("GO") }),
    stream: "GO\x01aGO\0GA\x02bc",
    fails: "malformed",
  },
  { name: "varint", framing: varintPrefixed(), stream: "\0\x02ab\x81\x80\0c\x80\0\x01d" },
  {
    name: "a varint that does not end",
    framing: varintPrefixed(),
    stream: "\x01a\x80\x80\x80\x80\x80\0abcd",
    fails: "malformed",
  },
  { name: "lines", framing: lines(), stream: "\na\r\n\r\nbc\r\rd\n\n" },
  {
    name: "a line that does not end",
    framing: lines({ maxFrame: 4 }),
    stream: "abc\nabcd\nef\n",
    fails: "too-long",
  },
  {
    name: "a line without its end",
    framing: lines(),
    stream: "ab\ncd\r",
    fails: "truncated",
  },
  { name: "aa", framing: delimited("aa"), stream: "aaaaabaababaa" },
  { name: "abab", framing: delimited("abab"), stream: "ababaababbabab" },
  { name: "aab", framing: delimited("aab"), stream: "aaabaabxaxaaab" },
  {
    name: "several delimiters",
    framing: delimited(["xyz", "yy", "z"]),
    stream: "axyzyybzxyyzxz",
  },
  { name: "fixed", framing: fixed(3), stream: "abcdefghi" },
  { name: "fixed, cut", framing: fixed(3), stream: "abcdefgh", fails: "truncated" },
  { name: "one byte", framing: fixed(1), stream: "abc" },
  { name: "netstring", framing: netstring(), stream: "0:,3:abc,10:", fails: "truncated" },
  {
    name: "a netstring that begins with a zero",
    framing: netstring(),
    stream: "2:ab,01:c,0:,",
    fails: "malformed",
  },
  {
    name: "a netstring that is too long",
    framing: netstring({ maxFrame: 9 }),
    stream: "2:ab,10:cdefgh",
    fails: "too-long",
  },
  { name: "digits", framing: decimalPrefixed({ digits: 2 }), stream: "02ab0003cde01f" },
  {
    name: "digits up to a delimiter of two bytes",
    framing: decimalPrefixed({ delimiter: "::", trailer: ";" }),
    stream: "0::;2::ab;1:a;",
    fails: "malformed",
  },
  {
    name: "a last line without its end",
    framing: lines({ last: "accept", ending: "\r\n" }),
    stream: "ab\n\r\n\rc\n\nde\r",
  },
  { name: "slip", framing: slip(), stream: "\xc0a\xc0\xc0\xdb\xdc\xc0bc\xc0d\xc0" },
  { name: "cobs", framing: cobs(), stream: "\x01\0\x02a\0\x01\x01\0\x03bc\0" },
  { name: "hdlc", framing: hdlc({ fcs: 0 }), stream: "~a~}]b~c~~d~~e", fails: "truncated" },
  { name: "JSON", framing: concatenatedJson(), stream: '{}["]"]{"":[]}' },
  {
    name: "a comma between JSON values",
    framing: concatenatedJson(),
    stream: '{}["\\""][1],[]',
    fails: "malformed",
  },
];

/** Framings that go on, whatever bytes come: what is left behind them is at most cut off. */
export const tolerant: fc.Arbitrary<Framing> = fc.constantFrom<Framing>(
  lengthPrefixed({ width: 1 }),
  lengthPrefixed({ width: 1, offset: 2 }),
  delimited("a"),
  delimited("aab"),
  delimited(["\n", "aa", "\r\n"]),
  fixed(1),
  fixed(7),
  lines({ skipEmpty: true }),
  lines({ last: "accept" }),
  lines({ skipEmpty: true, last: "accept" }),
  slip(),
  hdlc({ leading: false }),
  cobs({ leading: true }),
);

/** Framings that fail now and then. */
export const touchy: fc.Arbitrary<Framing> = fc.constantFrom<Framing>(
  lengthPrefixed({ width: 1, maxFrame: 40 }),
  lengthPrefixed({ width: 1, counts: "frame" }),
  lengthPrefixed({ width: 2, endian: "le" }),
  varintPrefixed({ maxFrame: 60 }),
  lines({ maxFrame: 30 }),
  netstring(),
  decimalPrefixed({ digits: 2 }),
  concatenatedJson({ maxFrame: 40 }),
  contentLength({ maxFrame: 60 }),
);

/** Bytes that mean something to one or the other of these framings. */
export function telling(maxLength: number): fc.Arbitrary<Uint8Array> {
  const byte = fc.oneof(
    fc.constantFrom(
      ...ascii('\n\r\n\naab\0\x01\x02\x03\x05\x0a\x20\x80\x8130:,\xc0\xc0\xdb~}{"[]'),
    ),
    fc.nat(255),
  );
  return fc
    .array(byte, { minLength: 1, maxLength, size: "max" })
    .map((bytes) => Uint8Array.from(bytes));
}
