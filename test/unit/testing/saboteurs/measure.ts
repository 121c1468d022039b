import fc from "fast-check";
import {
  bytes as described,
  protocolOf,
  size,
  struct,
  u8,
  u32be as u32,
  utf8,
} from "../../../../src/fields/index.ts";
import {
  decodeUtf8,
  defineProtocol,
  i16be,
  type Protocol,
  ProtocolError,
  u16be,
  u16le,
  u32le,
} from "../../../../src/index.ts";
import { bytes, laws, text, valuesOf } from "../../../../src/testing/index.ts";
import { fromStart, list, walk } from "./list.ts";
import {
  ascii,
  crlf,
  find,
  line,
  type Ping,
  ping,
  type Saboteur,
  saboteur,
  small,
} from "./saboteur.ts";

const pings = fc.record({ op: fc.nat(255), body: bytes({ max: 4093 }) });
const bodies = bytes({ max: 300 }).map((body) => body.map((byte) => (byte === 0x0a ? 0x0b : byte)));
const noCr = bodies.map((body) => body.map((byte) => (byte === 0x0d ? 0x0b : byte)));
const texts = fc.array(fc.constantFrom("", "a", "\n", "bcd"), { maxLength: 200, size: "max" });
const anyCr = fc.string({ unit: fc.constantFrom("\r", "a"), maxLength: 6 }).map(ascii);

const length = (bytes: Uint8Array, start: number): number => 3 + u16be(bytes, start);

interface Record {
  readonly version: number;
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** Magic, version, kind, u32le length of the payload, payload. Faultless, but for what is replaced. */
const record = (fault: Partial<Protocol<Record>>): Protocol<Record> =>
  defineProtocol<Record>({
    name: "record",
    maxFrame: 2 ** 20,
    measure: (bytes, start, end) => (end - start < 8 ? 0 : 8 + u32le(bytes, start + 4)),
    decode: (bytes, start, end) => ({
      version: bytes[start + 2]!,
      kind: bytes[start + 3]!,
      payload: bytes.subarray(start + 8, end),
    }),
    encode: ({ version, kind, payload }, out) =>
      void out.u16be(0xcafe).u8(version).u8(kind).u32le(payload.length).bytes(payload),
    ...fault,
  });

/** A description, and a `measure` by hand that reads too few bytes of its length. */
const described32: Saboteur = {
  bug: "two bytes read of a length of four, of a description",
  law: "measure equals length",
  lawsFrom(seed, runs) {
    const head = { route: described(20), length: size(u32, "note"), note: utf8() };
    const right = protocolOf(struct(head), { name: "described", maxFrame: 2 ** 20 });
    const measure: typeof right.measure = (bytes, start, end) =>
      end - start < 24 ? 0 : 24 + u16be(bytes, start + 22);
    const wrong: typeof right = { ...right, measure };
    return laws(wrong, { seed, runs });
  },
};

/** Framings that do not find the end of a frame, or find it only when the wind is right. */
export const measuring: readonly Saboteur[] = [
  saboteur(
    "a length byte that runs over",
    "measure equals length",
    small({ maxFrame: 4096, encode: (body, out) => void out.u8(body.length & 0xff).bytes(body) }),
    bytes({ max: 4000 }),
  ),
  saboteur(
    "a signed length",
    "measure equals length",
    ping({
      maxFrame: 70_000,
      measure: (bytes, start, end) => (end - start < 2 ? 0 : 3 + i16be(bytes, start)),
    }),
    fc.record({ op: fc.nat(255), body: bytes({ max: 65_535 }) }),
  ),
  saboteur(
    "includes itself: off by two",
    "measure equals length",
    ping({
      encode: ({ op, body }, out) =>
        void out
          .u16be(body.length + 2)
          .u8(op)
          .bytes(body),
    }),
    pings,
  ),
  saboteur(
    "the header forgotten",
    "measure equals length",
    ping({ measure: (bytes, start, end) => (end - start < 2 ? 0 : u16be(bytes, start) + 2) }),
    pings,
  ),
  saboteur(
    "zero length taken for: wait",
    "measure equals length",
    ping({
      measure: (bytes, start, end) =>
        end - start < 2 || u16be(bytes, start) === 0 ? 0 : length(bytes, start),
    }),
    pings,
  ),
  saboteur(
    "characters counted, bytes written",
    "measure equals length",
    defineProtocol<string>({
      name: "characters",
      measure: (bytes, start, end) => (end - start < 2 ? 0 : 2 + u16be(bytes, start)),
      decode: (bytes, start, end) => decodeUtf8(bytes, start + 2, end),
      encode: (value, out) => void out.u16be(value.length).utf8(value),
    }),
    text({ max: 300 }),
  ),
  saboteur(
    "two bytes read of a length of four, with values of a description",
    "measure equals length",
    record({
      measure: (bytes, start, end) => (end - start < 8 ? 0 : 8 + u16le(bytes, start + 4)),
    }),
    valuesOf(struct({ version: u8, kind: u8, payload: described() })),
    { ignores: (_, at) => at < 2 },
  ),
  described32,
  saboteur("a delimiter inside a body", "measure equals length", line(), bytes({ max: 300 })),
  saboteur(
    "swallows an empty line behind the frame",
    "measure equals length",
    line({
      measure(bytes, start, end) {
        const at = bytes.subarray(0, end).indexOf(0x0a, start);
        if (at < 0) return 0;
        return at + 1 - start + (at + 1 < end && bytes[at + 1] === 0 ? 1 : 0);
      },
    }),
    bodies,
  ),
  saboteur(
    "a matcher that starts over behind a half match",
    "measure equals length",
    crlf({
      measure(bytes, start, end) {
        for (let at = start, state = 0; at < end; at++) {
          if (state === 1 && bytes[at] === 0x0a) return at + 1 - start;
          // "\r\r\n": the second CR is the first of the delimiter.
          state = state === 0 && bytes[at] === 0x0d ? 1 : 0;
        }
        return 0;
      },
    }),
    anyCr,
  ),

  saboteur(
    "clipped to what is here",
    "incomplete input",
    ping({
      measure: (bytes, start, end) =>
        end - start < 2 ? 0 : Math.min(end - start, length(bytes, start)),
    }),
    pings,
  ),
  saboteur(
    "asks for its header first",
    "incomplete input",
    ping({ measure: (bytes, start, end) => (end - start < 2 ? 2 : length(bytes, start)) }),
    pings,
  ),
  saboteur(
    "RangeError for: need more",
    "incomplete input",
    ping({
      measure: (bytes, start, end) =>
        3 + new DataView(bytes.buffer, bytes.byteOffset + start, end - start).getUint16(0),
    }),
    pings,
  ),
  saboteur(
    "reads past end",
    "incomplete input",
    ping({ measure: (bytes, start) => length(bytes, start) }),
    pings,
  ),
  saboteur(
    "searches past end",
    "incomplete input",
    line({
      measure(bytes, start, _, scan) {
        const at = bytes.indexOf(0x0a, start + scan.at);
        return at < 0 ? 0 : at + 1 - start;
      },
    }),
    bodies,
  ),
  saboteur(
    "peeks behind end, if something is there",
    "incomplete input",
    ping({
      measure: (bytes, start, end) =>
        end - start < 2 && start + 1 >= bytes.length ? 0 : length(bytes, start),
    }),
    pings,
  ),
  saboteur(
    "forgets what it knew",
    "incomplete input",
    ping({
      measure: (bytes, start, end) =>
        end - start < 2 || (end - start === 5 && length(bytes, start) > 5)
          ? 0
          : length(bytes, start),
    }),
    pings,
  ),
  saboteur(
    "too short a header is an error",
    "incomplete input",
    ping({
      measure(bytes, start, end) {
        if (end - start < 3) throw new ProtocolError("malformed", "header of 3 bytes", start);
        return length(bytes, start);
      },
    }),
    pings,
  ),

  saboteur(
    "skips one byte more than it looked at",
    "resumed measure",
    line({
      measure(bytes, start, end, scan) {
        const at = bytes.subarray(0, end).indexOf(0x0a, start + scan.at + (scan.at > 0 ? 1 : 0));
        scan.at = end - start;
        return at < 0 ? 0 : at + 1 - start;
      },
    }),
    bodies,
  ),
  saboteur(
    "a delimiter cut in two",
    "resumed measure",
    crlf({
      measure(bytes, start, end, scan) {
        const at = find(bytes, ascii("\r\n"), start + scan.at, end);
        scan.at = end - start;
        return at < 0 ? 0 : at + 2 - start;
      },
    }),
    noCr,
  ),
  saboteur(
    "counts what it has looked at twice",
    "resumed measure",
    line({
      measure(bytes, start, end, scan) {
        const at = bytes.subarray(start, end).indexOf(0x0a, scan.at * 2);
        scan.at = end - start;
        return at < 0 ? 0 : at + 1;
      },
    }),
    bodies,
  ),

  saboteur(
    "quadratic search",
    "no rescanning",
    line({
      measure(bytes, start, end) {
        const at = bytes.subarray(0, end).indexOf(0x0a, start);
        return at < 0 ? 0 : at + 1 - start;
      },
    }),
    bodies,
  ),
  saboteur(
    "a quadratic machine, byte by byte",
    "no rescanning",
    crlf({
      measure(bytes, start, end) {
        const at = find(bytes, ascii("\r\n"), start, end);
        return at < 0 ? 0 : at + 2 - start;
      },
    }),
    noCr,
  ),

  saboteur(
    "a list that is walked from its start for each chunk",
    "no rescanning",
    list({ measure: fromStart }),
    texts,
  ),
  saboteur(
    "a list that keeps its place, and begins at the start all the same",
    "no rescanning",
    list({
      measure(bytes, start, end, scan) {
        const length = fromStart(bytes, start, end);
        scan.at = end - start;
        return length;
      },
    }),
    texts,
  ),
  saboteur(
    "a list that keeps its place in memo only after its first half",
    "no rescanning",
    list({
      measure(bytes, start, end, scan) {
        const memo = scan.memo as { left: number; at: number } | undefined;
        const stop = walk(bytes, start + (memo?.at ?? 0), end, memo?.left ?? -1, (at, left) => {
          if (at - start > 400) scan.memo = { at: at - start, left };
        });
        return stop === 0 ? 0 : stop - start;
      },
    }),
    texts,
  ),

  saboteur(
    "a line too long for its function's arguments",
    "no rescanning",
    line({
      measure(bytes, start, end) {
        if (end - start > 2500) throw new RangeError("Maximum call stack size exceeded");
        const at = bytes.subarray(0, end).indexOf(0x0a, start);
        return at < 0 ? 0 : at + 1 - start;
      },
    }),
    bodies,
  ),

  saboteur(
    "the magic checked only when the whole header is here",
    "chunk invariance",
    ping({
      measure(bytes, start, end) {
        if (end - start < 2) return 0;
        if (end - start >= 3 && bytes[start + 2]! > 200) {
          throw new ProtocolError("malformed", `no operation ${bytes[start + 2]}`, start + 2);
        }
        return length(bytes, start);
      },
    }),
    fc.record({ op: fc.nat(200), body: bytes({ max: 100 }) }),
  ),

  saboteur(
    "without a length, what is here is the frame",
    "truncation",
    ping({
      // Length ffff: as much as there is, as HTTP does it until the connection closes.
      measure: (bytes, start, end) =>
        end - start < 2 ? 0 : u16be(bytes, start) === 0xffff ? end - start : length(bytes, start),
      encode({ op, body }: Ping, out) {
        out
          .u16be(op % 2 === 0 ? 0xffff : body.length)
          .u8(op)
          .bytes(body);
      },
    }),
    pings,
  ),

  saboteur(
    "the limit checked before the adjustment",
    "limit invariance",
    small({
      measure(bytes, start) {
        const field = bytes[start]!;
        // 256 are allowed with the header; this allows 254.
        if (field + 2 > 255) throw new ProtocolError("too-long", `${field} bytes`, start);
        return 1 + field;
      },
    }),
    bytes({ max: 255 }),
  ),
  saboteur(
    "another error than too-long above the limit",
    "limit invariance",
    ping({
      maxFrame: 260,
      measure(bytes, start, end) {
        if (end - start < 2) return 0;
        const found = length(bytes, start);
        if (found > 260) throw new ProtocolError("malformed", `no frame has ${found}`, start);
        return found;
      },
    }),
    fc.record({ op: fc.nat(255), body: bytes({ max: 280 }) }),
  ),
  saboteur(
    "gives up waiting: an error in place of a length",
    "limit invariance",
    line({
      measure(bytes, start, end) {
        const at = bytes.subarray(0, end).indexOf(0x0a, start);
        if (at < 0 && end - start > 200) throw new ProtocolError("malformed", "no line", start);
        return at < 0 ? 0 : at + 1 - start;
      },
    }),
    bodies,
  ),

  saboteur(
    "waits for the next frame before it believes in its own",
    "totality",
    small({
      measure: (bytes, start, end) => (end - start > 1 + bytes[start]! ? 1 + bytes[start]! : 0),
    }),
    bytes({ max: 255 }),
  ),
  saboteur(
    "no number where digits should be",
    "totality",
    defineProtocol<Uint8Array>({
      name: "digits",
      measure(bytes, start, end) {
        const at = bytes.subarray(start, end).indexOf(0x3a);
        if (at < 0) return 0;
        return at + 1 + Number(String.fromCharCode(...bytes.subarray(start, start + at)));
      },
      decode: (bytes, start, end) => bytes.subarray(bytes.indexOf(0x3a, start) + 1, end),
      encode: (body, out) => void out.utf8(`${body.length}:`).bytes(body),
    }),
    bytes({ max: 300 }),
  ),
];
