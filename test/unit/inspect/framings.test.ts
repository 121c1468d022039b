import fc from "fast-check";
import { type Codec, encodeFrame, onePerMessage, raw, utf8 } from "framewright";
import { size, struct, utf8 as text, u8 } from "framewright/fields";
import * as framings from "framewright/framing";
import {
  cobs,
  concatenatedJson,
  contentLength,
  crc16,
  crc32,
  decimalPrefixed,
  delimited,
  fixed,
  framing,
  hdlc,
  headed,
  lengthPrefixed,
  lines,
  netstring,
  perMessage,
  pieces,
  slip,
  stuffed,
  varintPrefixed,
  type WrappingFraming,
  withChecksum,
  xor8,
} from "framewright/framing";
import { type Explainable, explain, hexView } from "framewright/inspect";
import { describe, expect, it } from "vitest";
import { checkExplained, leavesOf } from "../../support/explained.ts";
import { hexOf } from "../../support/hex.ts";

/* Every framing that is exported, with all of its options. */

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

const lengths = ([1, 2, 3, 4, 5, 6, 7, 8] as const).flatMap((width) =>
  (["be", "le"] as const).flatMap((endian) => [
    lengthPrefixed({ width, endian, counts: "body" }),
    lengthPrefixed({ width, endian, counts: "frame" }),
    lengthPrefixed({ width, endian, adjust: 2, maxFrame: 60 }),
    lengthPrefixed({ width, endian, header: Uint8Array.of(0xca, 0xfe), maxFrame: 60 }),
    lengthPrefixed({ width, endian, offset: 3 }),
  ]),
);

/** For each export that makes a framing, what it makes with its options. */
const made: Readonly<Record<string, readonly WrappingFraming[]>> = {
  lengthPrefixed: lengths,
  varintPrefixed: [
    varintPrefixed(),
    varintPrefixed({ maxFrame: 20 }),
    varintPrefixed({ offset: 2 }),
    varintPrefixed({ maxBytes: 2 }),
    varintPrefixed({ minimal: true }),
  ],
  delimited: [
    delimited("--"),
    delimited("a", { maxFrame: 9 }),
    delimited(["\n", "aa", "\r\n"]),
    delimited(Uint8Array.of(0, 1)),
  ],
  lines: [
    lines(),
    lines({ last: "accept" }),
    lines({ skipEmpty: true }),
    lines({ ending: "\r\n", maxFrame: 12 }),
  ],
  fixed: [fixed(1), fixed(7)],
  netstring: [netstring(), netstring({ maxFrame: 12 })],
  decimalPrefixed: [
    decimalPrefixed({ digits: 3 }),
    decimalPrefixed({ digits: 4, counts: "frame", trailer: ";" }),
    decimalPrefixed({ delimiter: "::", adjust: 1 }),
    decimalPrefixed({ delimiter: " ", leadingZeros: true }),
    decimalPrefixed({ delimiter: ":", trailer: ",", maxFrame: 40 }),
  ],
  contentLength: [contentLength(), contentLength({ maxFrame: 60, maxHeader: 40 })],
  headed: [
    headed({
      end: "\r\n",
      length: (header) => Number(/^SEND (\d+)$/.exec(header)?.[1]),
      write: (length) => `SEND ${length}`,
    }),
    headed({ length: (header) => header.length, write: (length) => "x".repeat(length) }),
  ],
  concatenatedJson: [concatenatedJson(), concatenatedJson({ maxFrame: 20 })],
  pieces: [pieces(), pieces({ most: 5 })],
  slip: [slip(), slip({ leading: false, maxFrame: 20 })],
  cobs: [cobs(), cobs({ leading: true })],
  hdlc: [
    hdlc(),
    hdlc({ fcs: 0 }),
    hdlc({ fcs: 32, leading: false }),
    hdlc({ also: [0x11, 0x13], maxFrame: 30 }),
  ],
  stuffed: [
    stuffed({ flag: 0x7e, escape: 0x7d, map: { 126: 2, 125: 1 }, leading: true }),
    stuffed({ flag: 0x0a, escape: 0x5c, map: 0x40, also: [0x0d] }),
  ],
  framing: [
    framing({
      name: "marked",
      maxFrame: 257,
      layout: [
        { name: "mark", kind: "header", size: 1, bytes: Uint8Array.of(0xee) },
        { name: "length", kind: "length", size: 1, add: 2 },
        { name: "payload", kind: "payload", size: "rest" },
      ],
      measure: (bytes, start, end) => (end - start < 2 ? 0 : 2 + bytes[start + 1]!),
      payloadStart: (_, start) => start + 2,
      open: (out) => out.u8(0xee).reserve(1),
      close: (out, start) => out.patch(start + 1, 1, out.length - start - 2),
    }),
  ],
  withChecksum: [
    withChecksum(lengthPrefixed({ width: 2 }), { sum: crc16("modbus"), width: 2, endian: "le" }),
    withChecksum(lengthPrefixed({ width: 1 }), { sum: crc32(), width: 4, from: 0 }),
    withChecksum(lines(), { sum: xor8, width: 1 }),
    withChecksum(slip(), { sum: xor8, width: 1 }),
    withChecksum(contentLength(), { sum: xor8, width: 1, from: 0 }),
  ],
};

/** Exports that make no framing for streams. */
const others = new Set([
  ...["adler32", "checkInteger", "checkLimit", "checkLimits", "checkOptions", "crc", "crc16"],
  ...["crc32", "fletcher16", "fletcher32", "internetChecksum", "newScan", "sum8", "varintWidth"],
  ...["xor8", "body", "delimiterAt", "frameLimit", "insertVarint", "resync", "skip"],
  // Below.
  ...["onePerMessage", "perMessage"],
]);

const payloads = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.json().map(ascii),
  fc.constantFrom(...["", "{}", "[1]", "{}{}", "a\0\n", "~~"].map(ascii)),
);

const written = (protocol: Codec<Uint8Array>, payload: Uint8Array): Uint8Array => {
  try {
    return encodeFrame(protocol as never, payload as never);
  } catch {
    return payload;
  }
};

/** A codec that sees whole frames, for framings that have no `wrap`. */
function protocolOf(one: WrappingFraming): ReturnType<WrappingFraming["wrap"]> {
  try {
    return one.wrap(raw()) as never;
  } catch {
    return { ...one, ...raw(), name: "whole frames" } as never;
  }
}

describe("explain covers every framing", () => {
  it("that there is", () => {
    const makers = Object.entries(framings).filter(([, one]) => typeof one === "function");
    expect(
      makers
        .map(([name]) => name)
        .filter((name) => !others.has(name))
        .sort(),
    ).toEqual(Object.keys(made).sort());
  });

  for (const [name, list] of Object.entries(made)) {
    it(`${name}: parts without gaps, value and error of decode`, () => {
      for (const one of list) {
        const protocol = protocolOf(one);
        const isWrapped = protocol.name !== "whole frames";
        const check = (bytes: Uint8Array): void => {
          const what = isWrapped && bytes.length % 2 === 0 ? one : protocol;
          checkExplained(what as Explainable, protocol as never, bytes);
        };
        fc.assert(
          fc.property(payloads, (payload) => {
            const frame = written(protocol as never, payload);
            check(frame);
            const step = Math.ceil(frame.length / 20);
            for (let end = 0; end < frame.length; end += step) check(frame.subarray(0, end));
            check(Uint8Array.of(...frame, ...frame.subarray(0, 3)));
            for (let at = 0; at < frame.length; at += step) {
              check(frame.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte)));
            }
          }),
          { numRuns: list.length > 10 ? 2 : 10 },
        );
        fc.assert(
          fc.property(fc.uint8Array({ maxLength: 20 }), (junk) => check(junk)),
          { numRuns: list.length > 10 ? 10 : 40 },
        );
      }
    });
  }

  it("and messages without one", () => {
    const texts = perMessage({ maxFrame: 10 }).wrap(utf8());
    const one = onePerMessage(lengthPrefixed({ width: 1 }).wrap(utf8()));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 14 }), (bytes) => {
        checkExplained(texts, texts, bytes);
        checkExplained(one, one, bytes);
      }),
    );
  });
});

describe("explain of a framing", () => {
  const rows = (what: Explainable, frame: Uint8Array): readonly string[] =>
    hexView(explain(what, frame), frame, { columns: 4, lines: 1 }).split("\n");

  it("shows a header of text, its end and the payload", () => {
    const frame = ascii("Content-Length: 3\r\n\r\nabc");
    expect(rows(contentLength(), frame)).toEqual([
      '0000  43 6f 6e 74  header   bytes  17 bytes "Content-Length: 3"',
      "      ... 13 more",
      "0011  0d 0a 0d 0a  end      bytes  4 bytes  (always)",
      '0015  61 62 63     payload  bytes  3 bytes "abc"',
    ]);
  });

  it("shows what is skipped, and what is escaped", () => {
    const framing = withChecksum(slip(), { sum: crc16("modbus"), width: 2, endian: "le" });
    const frame = Uint8Array.of(
      0xc0,
      0xc0,
      ...encodeFrame(framing.wrap(raw()), Uint8Array.of(0xdb, 1)),
    );
    expect(rows(framing, frame)).toEqual([
      "0000   c0 c0        idle          bytes  2 bytes  (skipped)",
      "0002   c0           flag          bytes  1 byte  (always)",
      "0003   db dd 01 9a  payload       bytes  2 bytes  (escaped, with checksum)",
      "       ... 1 more",
      "~0000                 unescaped   bytes",
      "~0000  db 01            payload   bytes  2 bytes",
      "~0002  9a 80            checksum  u16le  32922",
      "0008   c0           flag          bytes  1 byte  (always)",
    ]);
  });

  describe("shows the fields of an escaped payload as parts of unescaped bytes", () => {
    const packet = struct({ kind: u8, length: size(u8, "text"), text: text() });
    const value = { kind: 0xc0, text: "~}" };

    it.each([
      ["slip", slip(), "db dc 02 7e 7d", []],
      ["cobs", cobs(), "05 c0 02 7e 7d", []],
      ["hdlc without FCS", hdlc({ fcs: 0 }), "c0 02 7d 5e 7d 5d", []],
      ["hdlc", hdlc(), "c0 02 7d 5e 7d 5d", ["checksum"]],
      ["stuffed", stuffed({ flag: 1, escape: 2, map: 0x20 }), "c0 02 22 7e 7d", []],
    ] as const)("%s", (_, framing, wire, trailers) => {
      const protocol = framing.wrap(packet);
      const frame = encodeFrame(protocol, value);
      const part = explain(protocol, frame);
      expect(part.error).toBeUndefined();
      expect(part.value).toEqual(value);
      // The parts of the wire are of its bytes, without gaps.
      let at = 0;
      for (const { start, end } of part.parts!) {
        expect(start).toBe(at);
        at = end;
      }
      expect(at).toBe(frame.length);
      const payload = part.parts!.find(({ name }) => name === "payload")!;
      expect(payload.parts).toBeUndefined();
      expect(payload.note).toBe(["escaped", ...trailers].join(", with "));
      const shown = frame.subarray(payload.start, payload.end);
      expect(hexOf(shown)).toContain(wire.replaceAll(" ", ""));

      const { bytes, part: inner } = payload.unpacked!;
      const plain = encodeFrame(perMessage().wrap(packet), value);
      expect(bytes.subarray(0, plain.length)).toEqual(plain);
      expect(inner).toMatchObject({ name: "unescaped", start: 0, end: bytes.length });
      expect(leavesOf(inner).map(({ name, start, end }) => [name, start, end])).toEqual([
        ["kind", 0, 1],
        ["length", 1, 2],
        ["text", 2, 4],
        ...trailers.map((name) => [name, 4, bytes.length]),
      ]);
      expect(hexView(part, frame)).toMatch(/^~0002 .* text .*"~}"/m);
    });

    it("only if they can be unescaped, and the frame is whole", () => {
      const protocol = slip().wrap(packet);
      const wrong = explain(protocol, Uint8Array.of(0xc0, 1, 0xdb, 5, 0xc0));
      expect(wrong.error?.message).toContain("byte 5 after an escape");
      const cut = explain(protocol, Uint8Array.of(0xc0, 1, 0xdb));
      expect(cut.error?.code).toBe("truncated");
      for (const { parts = [] } of [wrong, cut]) {
        expect(parts.some(({ unpacked }) => unpacked !== undefined)).toBe(false);
      }
    });

    it("also if they are not what was described", () => {
      const protocol = slip().wrap(packet);
      const part = explain(protocol, Uint8Array.of(0xc0, 1, 9, 0xdb, 0xdc, 0xc0));
      expect(part.error?.code).toBe("malformed");
      const inner = part.parts!.find(({ unpacked }) => unpacked !== undefined)!.unpacked!;
      expect(leavesOf(inner.part).map(({ name, start, end }) => [name, start, end])).toEqual([
        ["kind", 0, 1],
        ["length", 1, 2],
        ["?", 2, 3],
      ]);
    });
  });

  it("shows no trailer of a frame that is cut off, and what follows a frame", () => {
    const framing = withChecksum(lengthPrefixed({ width: 1 }), { sum: xor8, width: 1 });
    const frame = encodeFrame(framing.wrap(raw()), Uint8Array.of(1, 2, 4));
    expect(rows(framing, frame.subarray(0, 4))).toEqual([
      "0000  04        length   u8     4  (frame length minus 1)",
      "0001  01 02 04  payload  bytes  3 bytes",
      "error: truncated: input ends after 4 bytes of a frame of 5 bytes (at 0000)",
    ]);
    expect(rows(framing, Uint8Array.of(...frame, 9)).slice(2)).toEqual([
      "0004  07        checksum  u8     7",
      "0005  09        ?         bytes  1 byte  (1 byte follows a frame of 5; decodeAll and Splitter read several frames)",
      "error: malformed: 1 byte follows a frame of 5; decodeAll and Splitter read several frames (at 0005)",
    ]);
  });
});
