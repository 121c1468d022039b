import { beforeEach, describe, expect, it, vi } from "vitest";
import { resp } from "../../../examples/peers/_resp.ts";
import {
  cobs,
  concatenatedJson,
  contentLength,
  decimalPrefixed,
  hdlc,
  headed,
  pieces,
  skip,
  slip,
  stuffed,
  sum8,
  withChecksum,
} from "../../../src/framing/index.ts";
import {
  delimited,
  type Framing,
  fixed,
  type InvalidPolicy,
  lengthPrefixed,
  lines,
  netstring,
  raw,
  Splitter,
  varintPrefixed,
  type WrappingFraming,
} from "../../../src/index.ts";
import { linkFixlen, packet } from "../../../src/protocols/fastway/index.ts";
import { goim } from "../../../src/protocols/goim/index.ts";
import { frame, gatewayProtocol, jsonNL, xml10 } from "../../../src/protocols/workerman/index.ts";
import { ascii, concat, everySize } from "../../support/chunks.ts";

// How often a framing looks at each byte, for any chunks: counts accesses to the array and searches by the
// runtime.

const { count, real } = vi.hoisted(() => ({
  count: { examined: 0 },
  /** The array that a counting one replaces. */
  real: new WeakMap<Uint8Array, Uint8Array>(),
}));

vi.mock("../../../src/core/host.ts", async (original) => {
  const host = await original<typeof import("../../../src/core/host.ts")>();
  return {
    ...host,
    searchByte(bytes: Uint8Array, byte: number, from: number): number {
      const found = host.searchByte(real.get(bytes) ?? bytes, byte, from);
      count.examined += (found < 0 ? bytes.length : found + 1) - from;
      return found;
    },
    sliceLatin1(bytes: Uint8Array, start: number, end: number): string {
      count.examined += end - start;
      return host.sliceLatin1!(real.get(bytes) ?? bytes, start, end);
    },
  };
});

/** The same bytes, counting. */
function counting(bytes: Uint8Array): Uint8Array {
  const proxy = new Proxy(bytes, {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) count.examined++;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  real.set(proxy, bytes);
  return proxy;
}

beforeEach(() => {
  count.examined = 0;
});

/** Reads a stream in pieces of `size`, up to the payloads, and returns the number of frames. */
function read(
  framing: Framing & Partial<WrappingFraming>,
  stream: Uint8Array,
  size: number,
  onInvalid?: InvalidPolicy,
): number {
  const { recover } = framing;
  const counted: Framing = {
    ...framing,
    measure: (bytes, start, end, scan) => framing.measure(counting(bytes), start, end, scan),
    ...(recover && {
      recover: (bytes, start, end, scan) => recover(counting(bytes), start, end, scan),
    }),
  };
  const splitter = new Splitter(counted, { onInvalid });
  let frames = 0;
  const drain = (): void => {
    while (splitter.next()) {
      const { start, end } = splitter;
      const bytes = counting(splitter.bytes);
      frames++;
      framing.payloadStart?.(bytes, start, end);
      framing.payloadEnd?.(bytes, start, end);
    }
  };
  for (const chunk of everySize(stream, size)) {
    splitter.push(chunk);
    drain();
  }
  splitter.finish();
  drain();
  return frames;
}

const long = "x".repeat(700);

/** Each framing with the smallest possible frames, a long one, and bytes that resemble an end. */
const cases: readonly (readonly [string, Framing, readonly string[]])[] = [
  ["u8", lengthPrefixed({ width: 1 }), ["\0", "\0", "\x03abc"]],
  ["u64", lengthPrefixed({ width: 8 }), ["\0\0\0\0\0\0\0\0", `\0\0\0\0\0\0\x02\xbc${long}`]],
  [
    "u16 le after a magic number",
    lengthPrefixed({ width: 2, endian: "le", header: ascii("MAGIC") }),
    ["MAGIC\0\0", `MAGIC\xbc\x02${long}`],
  ],
  ["u8 at an offset", lengthPrefixed({ width: 1, offset: 9 }), [`${"h".repeat(9)}\0`]],
  ["varint", varintPrefixed(), ["\0", "\x80\x80\x80\x80\0", `\xbc\x05${long}`]],
  ["varint of ten bytes", varintPrefixed({ maxBytes: 10 }), [`${"\x80".repeat(9)}\0`]],
  ["varint at an offset", varintPrefixed({ offset: 3, minimal: true }), ["abc\0", "abc\x01x"]],
  ["a NUL", delimited("\0"), ["\0", "a\0", `${long}\0`]],
  ["aaab", delimited("aaab"), ["aaab", `${"a".repeat(700)}b`]],
  [
    "several delimiters",
    delimited(["aaaaaaaab", "aac", "\r\n"]),
    ["\r\n", `${"a".repeat(300)}c`, `${"\r".repeat(300)}\n`],
  ],
  ["lines", lines(), ["\n", "\r\n", `${"\r".repeat(700)}a\n`]],
  [
    "lines with all options",
    lines({ last: "accept", skipEmpty: true, ending: "\r\n" }),
    ["a\n", "\n", "\r\n", "a\r\n", "\n", `${long}\n`, "\r\n\r\n", "\r\r\n", "last"],
  ],
  ["fixed", fixed(3), ["abc"]],
  ["netstring", netstring(), ["0:,", "700:", long, ","]],
  ["digits", decimalPrefixed({ digits: 15 }), ["000000000000000", "000000000000001a"]],
  [
    "digits up to a delimiter",
    decimalPrefixed({ delimiter: "\r\n", trailer: "\r\n", leadingZeros: true }),
    ["0\r\n\r\n", "00000\r\n\r\n", `700\r\n${long}\r\n`],
  ],
  ["slip", slip(), ["\xc0\xc0\xc0a\xc0", "\xc0a\xc0", "\xc0\xc0\xdb\xdcb\xc0", `${long}\xc0`]],
  ["idle flags", slip(), [`${"\xc0".repeat(50)}a\xc0`]],
  ["hdlc, given up", hdlc({ leading: false, fcs: 0 }), ["~~a~", `${long}}~`, "a~"]],
  ["cobs", cobs(), ["\x01\0", "\0\0\x02a\0"]],
  ["cobs with a zero in front", cobs({ leading: true }), ["\0\x01\0"]],
  [
    "mark, length, checksum",
    withChecksum(lengthPrefixed({ width: 1, header: ascii("U") }), {
      sum: sum8,
      width: 1,
      from: 0,
    }),
    ["U\x01\x56"],
  ],
  [
    "contentLength",
    contentLength(),
    [
      "Content-Length: 0\r\n\r\n",
      `Content-Type: x\r\ncontent-length: 700\r\n\r\n${long}`,
      "X:\r\nContent-Length:1\r\n\r\na",
    ],
  ],
  ["headed", headed({ end: "\r\r\n", length: () => 0 }), ["\r\r\n", `${"\r".repeat(200)}\n`]],
  ["headed by one byte", headed({ end: ";", length: () => 1 }), [";a", "abc;d"]],
  [
    "concatenatedJson",
    concatenatedJson(),
    ["{}", "  []", "\n\n", `{"a":"${long}\\\\"}`, "[".repeat(90) + "]".repeat(90)],
  ],
  ["pieces", pieces({ most: 4 }), ["abcdef"]],
  ["workerman's xml10", xml10(), ["0000000010", "0000000011a"]],
  ["workerman's frame", frame(), ["\0\0\0\x04"]],
  ["GatewayWorker", gatewayProtocol(), [`\0\0\0\x1c${"\0".repeat(24)}`]],
  [
    "link FixLen",
    linkFixlen({ width: 8, endian: "le" }).wrap(raw()),
    ["\0\0\0\0\0\0\0\0", "\x01\0\0\0\0\0\0\0a"],
  ],
  ["JsonNL", jsonNL(), ["1\n", `"${long}"\r\n`]],
  ["RESP", resp(), ["*2\r\n:1\r\n+\r\n", `+${long}\r\n`, `$700\r\n${long}\r\n`, "_\r\n"]],
  ["RESP arrays", resp(), [`*40\r\n${"*1\r\n:1234567\r\n".repeat(40)}`]],
  [
    "stuffed with a flag in front",
    stuffed({ flag: 0x7e, escape: 0x7d, map: 0x20, also: [0], leading: true }),
    ["~a~", "~~b~", `${long}~`],
  ],
  ["hdlc", hdlc({ fcs: 32 }), ["~abcd~", "~~bcde~", `${long}~`]],
  ["one delimiter of several bytes, as bytes", delimited(ascii("\r\n.\r\n")), ["\r\n.\r\n"]],
  ["goim", goim(), ["\0\0\0\x10\0\x10\0\x01\0\0\0\x02\0\0\0\x01"]],
  ["fastway", packet(), ["\x04\0\0\0\x01\0\0\0"]],
];

describe.each(cases)("bytes examined: %s", (_, framing, frames) => {
  const one = ascii(frames.join(""));
  const stream = concat(Array.from({ length: 20 }, () => one));

  it.each([1, 2, 3, 7, 64, 1400, 64_000])("are at most 3 for each, in chunks of %s", (size) => {
    expect(read(framing, stream, size)).toBeGreaterThanOrEqual(20);
    expect(count.examined).toBeLessThanOrEqual(3 * stream.length);
  });
});

// Bytes that a policy skips are counted with those that it reads.
const bad: readonly (readonly [string, Framing, readonly string[]])[] = [
  ["lines that are too long", lines({ maxFrame: 60 }), ["a\n", `${long}\n`, "b\n"]],
  ["delimiters", delimited(["aab", "\r\n"], { maxFrame: 60 }), ["a\r\n", `${"a".repeat(500)}b`]],
  ["lengths", lengthPrefixed({ width: 1, maxFrame: 60 }), ["\x01a", `\xff${"b".repeat(255)}`]],
  ["netstrings", netstring({ maxFrame: 60 }), ["1:a,", `700:${long},`]],
  ["flags", slip({ maxFrame: 60 }), ["\xc0a\xc0", `${long}\xc0`]],
  ["headers", contentLength({ maxFrame: 60 }), [`Content-Length: 700\r\n\r\n${long}`]],
  ["marks", lengthPrefixed({ width: 1, header: ascii("GO") }), ["GO\x01a", "noise", "GGG", "GO\0"]],
];

describe.each(bad)("bytes examined by skip: %s", (_, framing, frames) => {
  const one = ascii(frames.join(""));
  const stream = concat(Array.from({ length: 20 }, () => one));

  it.each([1, 2, 3, 7, 64, 1400, 64_000])("are at most 3 for each, in chunks of %s", (size) => {
    read(framing, stream, size, skip({ most: 1e6 }));
    expect(count.examined).toBeGreaterThan(0);
    expect(count.examined).toBeLessThanOrEqual(3 * stream.length);
  });
});

describe("the count", () => {
  it("sees searches and single looks", () => {
    const stream = ascii(`${long}\n`);
    read(lines(), stream, stream.length);
    expect(count.examined).toBeGreaterThanOrEqual(stream.length);
  });
});
