import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cobs,
  concatenatedJson,
  contentLength,
  crc16,
  decimalPrefixed,
  hdlc,
  headed,
  resync,
  skip,
  slip,
  stuffed,
  sum8,
  withChecksum,
} from "../../src/framing/index.ts";
import {
  type Codec,
  delimited,
  encodeFrame,
  type InvalidPolicy,
  lengthPrefixed,
  lines,
  netstring,
  type Protocol,
  ProtocolError,
  raw,
  varintPrefixed,
} from "../../src/index.ts";
import { linkFixlen } from "../../src/protocols/fastway/index.ts";
import { frame } from "../../src/protocols/workerman/index.ts";
import { concat, text } from "../support/chunks.ts";
import { readTolerantly } from "../support/tolerant.ts";

// The laws of policies: whatever the input and however it is cut, the same values and reports come in the same order;
// values and reports together account for every byte; and a good frame after bad ones is read.

/** Payloads that may not begin with "!": what a schema would refuse. */
const picky: Codec<Uint8Array> = {
  ...raw(),
  decode(bytes, start, end) {
    if (start < end && bytes[start] === 0x21)
      throw new ProtocolError("malformed", "refused", start);
    return bytes.subarray(start, end);
  },
};

const marked = lengthPrefixed({ width: 1, header: Uint8Array.of(0xaa, 0xab), maxFrame: 20 });
const checked = withChecksum(marked, { sum: crc16("modbus"), width: 2, from: 0 });

const skipping: readonly (readonly [string, Protocol<Uint8Array>])[] = [
  ["lines", lines({ maxFrame: 12 }).wrap(picky)],
  [
    "lines that accept and skip",
    lines({ maxFrame: 12, last: "accept", skipEmpty: true }).wrap(picky),
  ],
  ["delimiters", delimited(["aab", "\r\n", "ab!"], { maxFrame: 12 }).wrap(picky)],
  ["lengths", lengthPrefixed({ width: 1, maxFrame: 20 }).wrap(picky)],
  ["varints", varintPrefixed({ maxFrame: 20 }).wrap(picky)],
  ["netstrings", netstring({ maxFrame: 12 }).wrap(picky)],
  ["marks", marked.wrap(picky)],
  ["marks and checksums", checked.wrap(picky)],
  ["slip", slip({ maxFrame: 12 }).wrap(picky)],
  ["cobs", cobs({ maxFrame: 12 }).wrap(picky)],
  ["hdlc", hdlc({ maxFrame: 20 }).wrap(picky)],
  ["headers", contentLength({ maxFrame: 40, maxHeader: 30 }).wrap(picky)],
  ["JSON", concatenatedJson({ maxFrame: 12 }).wrap(picky)],
  ["digits", decimalPrefixed({ digits: 2, trailer: "!", maxFrame: 20 }).wrap(picky)],
  ["digits up to a delimiter", decimalPrefixed({ delimiter: ",", maxFrame: 20 }).wrap(picky)],
  ["lengths of two bytes", lengthPrefixed({ width: 2, endian: "le", maxFrame: 12 }).wrap(picky)],
  [
    "stuffed",
    stuffed({ flag: 0x7e, escape: 0x7d, map: { 126: 2, 125: 1 }, maxFrame: 12 }).wrap(picky),
  ],
  [
    "checksums between flags",
    withChecksum(slip({ maxFrame: 16 }), { sum: sum8, width: 1 }).wrap(picky),
  ],
  [
    "a header of text",
    headed({
      end: "\n",
      length: (header) => Number(header.slice(1)),
      write: (length) => `a${length}`,
      maxHeader: 6,
      maxFrame: 20,
    }).wrap(picky),
  ],
  ["link FixLen", linkFixlen({ width: 1, endian: "be", maxReceive: 12 }).wrap(picky)],
  ["Workerman's Frame", frame({ maxFrame: 20 })],
];

const resyncing: typeof skipping = [
  ...skipping,
  [
    "checksums without a mark",
    withChecksum(lengthPrefixed({ width: 1 }), { sum: sum8, width: 1 }).wrap(raw()),
  ],
];

const telling = fc.constantFrom(
  ...[0x0a, 0x0d, 0x61, 0x61, 0x62, 0x21, 0x00, 0x01, 0x02, 0x05, 0xaa, 0xab, 0xc0, 0xdb, 0xdc],
  ...[0x7e, 0x7d, 0x7b, 0x7d, 0x5b, 0x5d, 0x22, 0x31, 0x3a, 0x2c, 0x43, 0x63, 0x80],
);
const noise = fc
  .array(fc.oneof({ weight: 4, arbitrary: telling }, fc.nat(255)), { maxLength: 40 })
  .map((bytes) => Uint8Array.from(bytes));
const bodies = fc
  .array(fc.oneof(telling, fc.nat(255)), { minLength: 1, maxLength: 30 })
  .map((bytes) => Uint8Array.from(bytes));

/** Good frames, bad ones and noise, as they come on a line. */
const streams = (protocol: Protocol<Uint8Array>): fc.Arbitrary<Uint8Array> => {
  // Above the limit, and with what the codec refuses.
  const writer = { ...protocol, maxFrame: 1000 };
  const frame = bodies.map((body) => {
    try {
      return encodeFrame(writer, body).slice();
    } catch {
      return new Uint8Array(0);
    }
  });
  return fc.array(fc.oneof(frame, frame, noise), { maxLength: 6 }).map(concat);
};

const cutAt = (stream: Uint8Array, places: readonly number[]): Uint8Array[] => {
  const ends = [...new Set(places.map((place) => place % (stream.length + 1)))].sort(
    (a, b) => a - b,
  );
  return [...ends, stream.length].map((end, i) => stream.slice(ends[i - 1] ?? 0, end));
};

/** The bytes that reports account for, and whether the stream ended with an error. */
function sums(log: readonly string[]): { skipped: number; failed: boolean } {
  const skipped = log.map((line) => Number(/^-(\d+) at/.exec(line)?.[1] ?? 0));
  return {
    skipped: skipped.reduce((sum, one) => sum + one, 0),
    failed: log.some((line) => line.startsWith("!")),
  };
}

describe.each<[string, () => InvalidPolicy, typeof skipping]>([
  ["skip", () => skip(), skipping],
  ["skip of few bytes", () => skip({ most: 25 }), skipping],
  ["resync", () => resync(), resyncing],
  ["resync of few bytes", () => resync({ most: 25 }), resyncing],
])("%s", (_, policy, protocols) => {
  it.each(protocols)("does not depend on cuts: %s", (_, protocol) => {
    fc.assert(
      fc.property(
        streams(protocol),
        fc.array(fc.nat(1000), { maxLength: 20 }),
        (stream, places) => {
          const read = (pieces: readonly Uint8Array[]) =>
            readTolerantly(protocol, policy(), pieces, text);
          const whole = read([stream.slice()]);
          expect(read(cutAt(stream, places))).toEqual(whole);
          expect(read(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(whole);
        },
      ),
      { numRuns: 100 },
    );
  });

  it.each(protocols)("accounts for every byte: %s", (_, protocol) => {
    fc.assert(
      fc.property(streams(protocol), (stream) => {
        let read = 0;
        const counting: Protocol<Uint8Array> = {
          ...protocol,
          decode(bytes, start, end) {
            const value = protocol.decode(bytes, start, end);
            read += end - start;
            return value;
          },
          // Blank lines and idle flags hold no value, and are not bad.
          measure(bytes, start, end, scan) {
            const length = protocol.measure(bytes, start, end, scan);
            if (length < 0) read -= length;
            return length;
          },
        };
        const log = readTolerantly(counting, policy(), [stream.slice()], text);
        const { skipped, failed } = sums(log);
        if (!failed) expect(read + skipped).toBe(stream.length);
      }),
      { numRuns: 100 },
    );
  });
});

describe("a good frame after noise", () => {
  it.each<[string, Protocol<Uint8Array>, InvalidPolicy]>([
    ["is the next line", lines({ maxFrame: 60 }).wrap(raw()), skip()],
    ["comes after a flag", slip({ maxFrame: 60 }).wrap(raw()), skip()],
    ["comes after a zero", cobs({ maxFrame: 60 }).wrap(raw()), skip()],
  ])("%s", (_, protocol, policy) => {
    const value = Uint8Array.from("good", (char) => char.charCodeAt(0));
    const mark = { lines: 0x0a, slip: 0xc0, cobs: 0x00 }[protocol.name]!;
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 8 }), (parts) => {
        const stream = concat([...parts, Uint8Array.of(mark), encodeFrame(protocol, value)]);
        const log = readTolerantly(protocol, policy, [stream], text);
        expect(log.at(-1)).toBe("good");
      }),
      { numRuns: 200 },
    );
  });

  it("begins with the next mark, for resync with a checksum", () => {
    const protocol = checked.wrap(raw());
    const good = encodeFrame(protocol, Uint8Array.of(1, 2, 3));
    fc.assert(
      fc.property(noise, (bytes) => {
        // Long enough that no candidate in the noise waits for more than comes.
        const stream = concat([bytes, good, new Uint8Array(40)]);
        const log = readTolerantly(protocol, resync(), [stream], (value) => value.join());
        expect(log).toContain("1,2,3");
      }),
      { numRuns: 200 },
    );
  });
});
