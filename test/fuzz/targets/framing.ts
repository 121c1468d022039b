import { json, raw, utf8 } from "../../../src/core/index.ts";
import {
  delimited,
  fixed,
  lengthPrefixed,
  lines,
  netstring,
  perMessage,
  varintPrefixed,
} from "../../../src/framing/index.ts";
import { defineCase, type Target, targetOf } from "../check.ts";

const bodies = [Uint8Array.of(), Uint8Array.of(1, 2, 3), new Uint8Array(130).fill(7)];
const texts = ["", "hello", "é€😀"];
const maxFrame = 400;
const header = Uint8Array.of(0xca, 0xfe);

const prefixed = ([1, 2, 3, 4, 8] as const).flatMap((width) =>
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
