import fc from "fast-check";
import { type Protocol, u16be } from "../../../../src/index.ts";
import { bytes, text } from "../../../../src/testing/index.ts";
import { line, type Ping, ping, type Saboteur, saboteur, sized, small } from "./saboteur.ts";

const pings = fc.record({ op: fc.nat(255), body: bytes({ max: 4093 }) });
const noLf = bytes({ max: 300 }).map((body) => body.map((byte) => (byte === 0x0a ? 0x0b : byte)));

/** Encoders that spoil, keep, refuse or accept the wrong thing; protocols that remember. */
export const encoding: readonly Saboteur[] = [
  saboteur(
    "a length patched at position 0",
    "append-only encode",
    ping({
      encode({ op, body }, out) {
        out.reserve(2);
        out.u8(op).bytes(body).patch(0, 2, body.length);
      },
    }),
    pings,
  ),
  saboteur(
    "everything in the output counted",
    "append-only encode",
    ping({
      encode({ op, body }, out) {
        const length = out.reserve(2);
        out
          .u8(op)
          .bytes(body)
          .patch(length, 2, out.length - 3);
      },
    }),
    pings,
  ),
  saboteur(
    "a separator before every frame but the first",
    "concatenation",
    line({
      encode(body, out) {
        if (out.length > 0) out.u8(0x20);
        out.bytes(body).u8(0x0a);
      },
    }),
    noLf,
  ),

  saboteur(
    "a smaller limit for reading than for writing",
    "limit invariance",
    small({ maxFrame: 256 }),
    bytes({ max: 255 }),
    { reader: small({ maxFrame: 200 }) },
  ),
  saboteur("pads as a counter says", "limit invariance", padding(), bytes({ max: 200 })),
  saboteur(
    "refuses what fits: a length byte taken for signed",
    "round trip",
    small({
      encode(body, out) {
        if (body.length > 127) throw new RangeError(`no length ${body.length}`);
        out.u8(body.length).bytes(body);
      },
    }),
    bytes({ max: 190 }),
  ),

  saboteur(
    "a number cut to its field",
    "refusal",
    ping({
      encode: ({ op, body }, out) =>
        void out
          .u16be(body.length)
          .u8(op & 0xff)
          .bytes(body),
    }),
    pings,
    { refused: fc.record({ op: fc.integer({ min: 256 }), body: bytes({ max: 9 }) }) },
  ),
  saboteur("a delimiter written inside a body", "refusal", line(), noLf, {
    refused: fc.tuple(noLf, noLf).map(([a, b]) => Uint8Array.of(...a, 0x0a, ...b)),
  }),
  saboteur(
    "a lone surrogate replaced without a word",
    "refusal",
    sized<string, string>({
      decode: (bytes, start, end) =>
        new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start, end)),
      encode: (value, out) => void out.bytes(new TextEncoder().encode(value)),
    }),
    text({ max: 300 }),
    { refused: fc.constantFrom("\ud800", "a\udc00b") },
  ),

  saboteur("a frame counter in the encoder", "purity", counting(), pings),
  saboteur(
    "the last body kept for the next, shorter one",
    "purity",
    differing(),
    bytes({ max: 9 }),
  ),
  saboteur("a length remembered between calls", "purity", remembering(), pings),
  saboteur(
    "unmasks in place",
    "purity",
    small({
      decode(bytes, start, end) {
        for (let at = start + 1; at < end; at++) bytes[at]! ^= 0x55;
        return bytes.subarray(start + 1, end);
      },
      encode: (body, out) => void out.u8(body.length).bytes(body.map((byte) => byte ^ 0x55)),
    }),
    bytes({ max: 255 }),
  ),
  saboteur(
    "sorts the list that it is given",
    "purity",
    sized<number[], number[]>({
      decode: (bytes, start, end) => [...bytes.subarray(start, end)],
      encode: (list, out) => void out.bytes(Uint8Array.from(list.sort((a, b) => a - b))),
    }),
    fc.array(fc.nat(255)),
    { equal: (a, b) => a.length === b.length },
  ),

  saboteur(
    "a handshake counted while measuring",
    "pause and close",
    greeting(),
    bytes({ max: 255 }),
  ),
];

function counting(): Protocol<Ping> {
  let count = 0;
  return ping({
    decode: (bytes, start, end) => ({
      op: bytes[start + 2]!,
      body: bytes.subarray(start + 3, end - 1),
    }),
    encode: ({ op, body }, out) =>
      void out
        .u16be(body.length + 1)
        .u8(op)
        .bytes(body)
        .u8(count++ & 0xff),
  });
}

function differing(): Protocol<Uint8Array> {
  const last = new Uint8Array(256);
  return small({
    encode(body, out) {
      last.set(body);
      // Padded to eight with what is still there.
      const padded = last.subarray(0, Math.max(8, body.length));
      out
        .u8(padded.length + 1)
        .u8(body.length)
        .bytes(padded);
    },
    decode: (bytes, start) => bytes.subarray(start + 2, start + 2 + bytes[start + 1]!),
  });
}

function remembering(): Protocol<Ping> {
  let known = 0;
  return ping({
    measure(bytes, start, end) {
      if (known === 0 && end - start >= 2) known = 3 + u16be(bytes, start);
      if (known === 0 || end - start < known) return known;
      const length = known;
      known = 0;
      return length;
    },
  });
}

/** The first frame of a connection carries a greeting byte; told by counting calls of measure. */
function greeting(): Protocol<Uint8Array> {
  const plain = small();
  return small({
    perConnection() {
      let measured = 0;
      let decoded = 0;
      let encoded = 0;
      return {
        ...plain,
        maxFrame: 257,
        measure: (bytes, start, end, scan) => {
          // Knows the first frame by its being the first call, which it need not be.
          const extra = measured === 0 ? 1 : 0;
          if (end - start < 2) {
            if (scan.at > 0) return 1;
            scan.at = 1;
            return 0;
          }
          measured++;
          return 1 + extra + bytes[start + extra]!;
        },
        decode: (bytes, start, end) => bytes.subarray(start + (decoded++ === 0 ? 2 : 1), end),
        encode(body, out) {
          if (encoded++ === 0) out.u8(0xee);
          out.u8(body.length).bytes(body);
        },
      };
    },
  });
}

function padding(): Protocol<Uint8Array> {
  let count = 0;
  return small({
    encode(body, out) {
      const padding = count++ % 3;
      out
        .u8(body.length + 1 + padding)
        .u8(padding)
        .bytes(body);
      out.reserve(padding);
    },
    decode: (bytes, start, end) => bytes.subarray(start + 2, end - bytes[start + 1]!),
  });
}
