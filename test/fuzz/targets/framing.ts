import { json, raw, utf8 } from "../../../src/core/index.ts";
import {
  cobs,
  concatenatedJson,
  contentLength,
  crc16,
  decimalPrefixed,
  delimited,
  fixed,
  hdlc,
  headed,
  lengthPrefixed,
  lines,
  netstring,
  perMessage,
  slip,
  varintPrefixed,
  withChecksum,
} from "../../../src/framing/index.ts";
import { defineCase, type Target, targetOf } from "../check.ts";

const bodies = [Uint8Array.of(), Uint8Array.of(1, 2, 3), new Uint8Array(130).fill(7)];
const texts = ["", "hello", "é€😀"];
const maxFrame = 400;
const header = Uint8Array.of(0xca, 0xfe);

const prefixed = ([1, 2, 3, 4, 5, 6, 7, 8] as const).flatMap((width) =>
  (["be", "le"] as const).map((endian) =>
    defineCase({
      name: `length-prefixed ${width} ${endian}`,
      protocol: lengthPrefixed({
        width,
        endian,
        counts: endian === "be" ? "body" : "frame",
        maxFrame,
      }).wrap(raw()),
      values: bodies,
    }),
  ),
);

export const target: Target = targetOf([
  ...prefixed,
  defineCase({
    name: "length-prefixed with a header",
    protocol: lengthPrefixed({ width: 2, header, adjust: 1, maxFrame }).wrap(raw()),
    values: bodies.slice(1),
  }),
  defineCase({
    name: "varint",
    protocol: varintPrefixed({ maxFrame }).wrap(raw()),
    values: bodies,
  }),
  defineCase({ name: "netstring", protocol: netstring({ maxFrame }).wrap(utf8()), values: texts }),
  defineCase({
    name: "lines",
    protocol: lines({ maxFrame }).wrap(utf8()),
    values: texts,
    rewrites: false,
  }),
  defineCase({ name: "aab", protocol: delimited("aab", { maxFrame }).wrap(utf8()), values: texts }),
  defineCase({
    name: "several delimiters",
    protocol: delimited(["ab", "ba", "\r\n"], { maxFrame }).wrap(utf8()),
    values: texts,
    // What ended in "ba" may hold what would end earlier with "ab" behind it.
    rewrites: false,
  }),
  defineCase({
    name: "lines with all options",
    protocol: lines({ maxFrame, last: "accept", skipEmpty: true, ending: "\r\n" }).wrap(utf8()),
    values: texts.slice(1),
    rewrites: false,
  }),
  defineCase({
    name: "digits",
    protocol: decimalPrefixed({ digits: 3, counts: "frame", trailer: "!" }).wrap(raw()),
    values: bodies,
  }),
  defineCase({
    name: "digits up to CRLF",
    protocol: decimalPrefixed({ delimiter: "\r\n", maxFrame }).wrap(raw()),
    values: bodies,
  }),
  defineCase({
    name: "Content-Length",
    protocol: contentLength({ maxFrame, maxHeader: 100 }).wrap(utf8()),
    values: texts,
    rewrites: false,
  }),
  defineCase({
    name: "a header of text",
    protocol: headed({
      end: "\n\n",
      length: (head) => Number(/^size=([0-9]+)$/.exec(head)?.[1]),
      write: (length) => `size=${length}`,
      maxFrame,
    }).wrap(raw()),
    values: bodies,
    rewrites: false,
  }),
  defineCase({
    name: "concatenated JSON",
    protocol: concatenatedJson({ maxFrame }).wrap(json()),
    values: [[], { a: [1, "}é"] }],
    rewrites: false,
  }),
  defineCase({
    name: "slip",
    protocol: slip({ maxFrame }).wrap(raw()),
    values: [Uint8Array.of(0xc0, 0xdb, 1)],
    rewrites: false,
  }),
  defineCase({
    name: "hdlc",
    protocol: hdlc({ maxFrame }).wrap(raw()),
    values: [Uint8Array.of(0x7e, 0x7d, 1)],
    rewrites: false,
  }),
  defineCase({
    name: "cobs",
    protocol: cobs({ maxFrame }).wrap(raw()),
    values: bodies,
    rewrites: false,
  }),
  defineCase({
    name: "mark, length, checksum",
    protocol: withChecksum(lengthPrefixed({ width: 1, header, maxFrame: 200 }), {
      sum: crc16("modbus"),
      width: 2,
      from: 0,
    }).wrap(raw()),
    values: bodies,
  }),
  defineCase({ name: "fixed", protocol: fixed(3).wrap(raw()), values: [bodies[1]!] }),
  defineCase({
    name: "lines of JSON",
    protocol: lines({ maxFrame }).wrap(json()),
    values: [null, { a: [1, "é"] }],
  }),
  defineCase({
    name: "JSON",
    protocol: perMessage({ maxFrame }).wrap(json()),
    values: [null, { a: [1, "é"] }],
  }),
  defineCase({ name: "text", protocol: perMessage({ maxFrame }).wrap(utf8()), values: texts }),
]);
