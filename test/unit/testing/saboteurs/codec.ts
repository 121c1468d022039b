import fc from "fast-check";
import {
  type Codec,
  decodeUtf8,
  type Protocol,
  ProtocolError,
  u16be,
} from "../../../../src/index.ts";
import { bytes, jsonValues, text } from "../../../../src/testing/index.ts";
import { line, type Ping, ping, type Saboteur, saboteur, sized, small } from "./saboteur.ts";

const pings = fc.record({ op: fc.nat(255), body: bytes({ max: 4093 }) });
const anyBytes = bytes({ max: 255 });
const decoder = new TextDecoder();

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer);

/** A codec of one number in four bytes. */
const number = (
  decode: Codec<number>["decode"],
  encode: Codec<number>["encode"],
): Protocol<number> => sized({ decode, encode });

const json = (fault: Partial<Codec<unknown>>): Protocol<unknown> =>
  sized<unknown, unknown>({
    decode(bytes, start, end) {
      try {
        return JSON.parse(decodeUtf8(bytes, start, end));
      } catch {
        throw new ProtocolError("malformed", "no JSON", start);
      }
    },
    encode: (value, out) => void out.utf8(JSON.stringify(value)),
    ...fault,
  });

/** Codecs that do not give what was written. */
export const decoding: readonly Saboteur[] = [
  saboteur(
    "a text that is decoded with one character of the next frame",
    "text path",
    {
      decode: decodeUtf8,
      encode: (value: string, out) => void out.utf8(value),
      decodeText: (given, start, end) => given.slice(start, end + 1),
    },
    text({ max: 20 }),
  ),
  saboteur(
    "a text that is longer than what encode writes",
    "text path",
    {
      decode: decodeUtf8,
      encode: (value: string, out) => void out.utf8(value),
      encodeText: (value) => `${value} `,
    },
    text({ max: 20 }),
  ),
  saboteur(
    "a text with line ends, which would end its frame early",
    "text path",
    {
      decode: decodeUtf8,
      encode: (value: string, out) => void out.utf8(`${value}\n`),
      encodeText: (value) => `${value}\n`,
    },
    text({ max: 20 }),
    { expected: (value) => `${value}\n` },
  ),
  saboteur(
    "one byte order written, the other read",
    "round trip",
    number(
      (bytes, start) => u16be(bytes, start),
      (value, out) => void out.u16le(value),
    ),
    fc.nat(0xffff),
  ),
  saboteur(
    "a double in a float's place",
    "round trip",
    number(
      (bytes, start) => new DataView(bytes.buffer, bytes.byteOffset).getFloat32(start),
      (value, out) => void out.f32be(value),
    ),
    fc.double({ noNaN: true }),
  ),
  saboteur(
    "64 bits as a number",
    "round trip",
    sized<bigint, bigint>({
      decode: (bytes, start) =>
        BigInt(Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(start))),
      encode: (value, out) => void out.u64be(value),
    }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  ),
  saboteur(
    "trims what it reads",
    "round trip",
    sized<string, string>({
      decode: (bytes, start, end) => decodeUtf8(bytes, start, end).trim(),
      encode: (value, out) => void out.utf8(value),
    }),
    text({ max: 300 }),
  ),
  saboteur(
    "cuts off a carriage return that belongs to the body",
    "round trip",
    line({
      decode: (bytes, start, end) =>
        bytes.subarray(start, bytes[end - 2] === 0x0d ? end - 2 : end - 1),
    }),
    bytes({ max: 300 }).map((body) => body.map((byte) => (byte === 0x0a ? 0x0b : byte))),
  ),
  saboteur(
    "a byte order mark lost",
    "round trip",
    sized<string, string>({
      decode: (bytes, start, end) => decoder.decode(bytes.subarray(start, end)),
      encode: (value, out) => void out.utf8(value),
    }),
    text({ max: 300 }),
  ),
  saboteur(
    "an assignment to __proto__",
    "round trip",
    json({
      decode(bytes, start, end) {
        let value: unknown;
        try {
          value = JSON.parse(decodeUtf8(bytes, start, end));
        } catch {
          throw new ProtocolError("malformed", "no JSON", start);
        }
        if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
        const copy: Record<string, unknown> = {};
        for (const [key, member] of Object.entries(value)) copy[key] = member;
        return copy;
      },
    }),
    jsonValues(),
  ),
  saboteur(
    "decodeMany that forgets the last value",
    "round trip",
    small({ decodeMany: () => [] }),
    anyBytes,
  ),

  saboteur(
    "a DataView without byteOffset",
    "offset independence",
    ping({
      decode: (bytes, start, end) => ({
        op: viewOf(bytes).getUint8(start + 2),
        body: bytes.subarray(start + 3, end),
      }),
    }),
    pings,
  ),
  saboteur(
    "reads at offset 0",
    "offset independence",
    ping({
      decode: (bytes, start, end) => ({ op: bytes[2]!, body: bytes.subarray(start + 3, end) }),
    }),
    pings,
  ),
  saboteur(
    "measures at offset 0",
    "offset independence",
    ping({ measure: (bytes, start, end) => (end - start < 2 ? 0 : 3 + u16be(bytes, 0)) }),
    pings,
  ),
  saboteur(
    "the body to the end of the buffer",
    "offset independence",
    ping({
      decode: (bytes, start) => ({ op: bytes[start + 2]!, body: bytes.subarray(start + 3) }),
    }),
    pings,
  ),

  saboteur(
    "the kind of the first frame for all",
    "concatenation",
    ping({
      decode: (bytes, start, end) => ({ op: bytes[2]!, body: bytes.subarray(start + 3, end) }),
    }),
    pings,
  ),

  saboteur("scratch memory for reading and writing", "no aliasing", scratch(), pings),
  saboteur("a view of a reused buffer", "no aliasing", reusing(), pings),
  saboteur("one object for all values", "no aliasing", sharing(), pings),

  saboteur(
    "a SyntaxError of JSON.parse",
    "no bare throws",
    json({ decode: (bytes, start, end) => JSON.parse(decodeUtf8(bytes, start, end)) }),
    jsonValues(),
  ),
  saboteur(
    "a RangeError for a body that is too short",
    "no bare throws",
    number(
      (bytes, start, end) => {
        return new DataView(bytes.buffer, bytes.byteOffset + start, end - start).getUint32(0);
      },
      (value, out) => void out.u32be(value),
    ),
    fc.nat(0xffff),
  ),

  saboteur(
    "bytes behind the value ignored",
    "canonical",
    {
      decode(bytes, start, end) {
        if (end - start < 2) throw new ProtocolError("malformed", "no u16", start);
        return u16be(bytes, start);
      },
      encode: (value: number, out) => void out.u16be(value),
    },
    fc.nat(0xffff),
    { canonical: true },
  ),
  saboteur(
    "reads what it does not write",
    "canonical",
    {
      decode(bytes, start, end) {
        if (end - start !== 1) throw new ProtocolError("malformed", "no u8", start);
        return bytes[start]!;
      },
      encode(value: number, out) {
        if (value > 99) throw new ProtocolError("unencodable", `${value} is more than 99`);
        out.u8(value);
      },
    },
    fc.nat(99),
    { canonical: true },
  ),
  saboteur(
    "a RangeError for bytes that are missing",
    "canonical",
    {
      decode: (bytes, start, end) =>
        new DataView(bytes.buffer, bytes.byteOffset + start, end - start).getUint16(0),
      encode: (value: number, out) => void out.u16be(value),
    },
    fc.nat(0xffff),
    { canonical: true },
  ),
  saboteur(
    "bad UTF-8 replaced without a word",
    "canonical",
    sized<string, string>({
      decode: (bytes, start, end) =>
        new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start, end)),
      encode: (value, out) => void out.utf8(value),
    }),
    text({ max: 300 }),
    { canonical: true },
  ),
];

function reusing(): Protocol<Ping> {
  const buffer = new Uint8Array(4096);
  return ping({
    decode(bytes, start, end) {
      buffer.set(bytes.subarray(start + 3, end));
      return { op: bytes[start + 2]!, body: buffer.subarray(0, end - start - 3) };
    },
  });
}

function sharing(): Protocol<Ping> {
  const shared = { op: 0, body: new Uint8Array(0) };
  return ping({
    decode(bytes, start, end) {
      shared.op = bytes[start + 2]!;
      shared.body = bytes.slice(start + 3, end);
      return shared;
    },
  });
}

/** Fresh memory for each value read; but the next one written goes through it, too. */
function scratch(): Protocol<Ping> {
  let memory = new Uint8Array(0);
  return ping({
    decode(bytes, start, end) {
      memory = bytes.slice(start + 3, end);
      return { op: bytes[start + 2]!, body: memory };
    },
    encode({ op, body }, out) {
      memory.fill(0);
      out.u16be(body.length).u8(op).bytes(body);
    },
  });
}
