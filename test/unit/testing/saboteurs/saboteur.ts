import type fc from "fast-check";
import {
  type Codec,
  defineProtocol,
  type Output,
  type Protocol,
  u16be,
} from "../../../../src/index.ts";
import { type Law, type LawOptions, laws } from "../../../../src/testing/index.ts";

/** A protocol with one realistic bug, and the law that must find it. */
export interface Saboteur {
  /** The bug, in a few words. */
  readonly bug: string;
  /** Name of the law. */
  readonly law: string;
  readonly lawsFrom: (seed: number, runs?: number) => Law[];
}

export function saboteur<In, Out>(
  bug: string,
  law: string,
  codec: Codec<In, Out>,
  values: fc.Arbitrary<NoInfer<In>>,
  options: LawOptions<NoInfer<In>, NoInfer<Out>> = {},
): Saboteur {
  return { bug, law, lawsFrom: (seed, runs) => laws(codec, values, { ...options, seed, runs }) };
}

export interface Ping {
  readonly op: number;
  readonly body: Uint8Array;
}

/** u16 length of the body, opcode, body. Faultless, but for what is replaced. */
export function ping(fault: Partial<Protocol<Ping>> = {}): Protocol<Ping> {
  return defineProtocol<Ping>({
    name: "ping",
    maxFrame: 4096,
    measure: (bytes, start, end) => (end - start < 2 ? 0 : 3 + u16be(bytes, start)),
    decode: (bytes, start, end) => ({
      op: bytes[start + 2]!,
      body: bytes.subarray(start + 3, end),
    }),
    encode: ({ op, body }, out) => void out.u16be(body.length).u8(op).bytes(body),
    ...fault,
  });
}

/** Bytes behind a length byte. Faultless, but for what is replaced. */
export function small(fault: Partial<Protocol<Uint8Array>> = {}): Protocol<Uint8Array> {
  return defineProtocol<Uint8Array>({
    name: "small",
    maxFrame: 256,
    measure: (bytes, start) => 1 + bytes[start]!,
    decode: (bytes, start, end) => bytes.subarray(start + 1, end),
    encode: (body, out) => void out.u8(body.length).bytes(body),
    ...fault,
  });
}

export const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Lines of bytes that end in LF. Faultless for values without LF, but for what is replaced. */
export function line(fault: Partial<Protocol<Uint8Array>> = {}): Protocol<Uint8Array> {
  return defineProtocol<Uint8Array>({
    name: "line",
    maxFrame: 4096,
    measure(bytes, start, end, scan) {
      const at = bytes.subarray(0, end).indexOf(0x0a, start + scan.at);
      if (at >= 0) return at + 1 - start;
      scan.at = end - start;
      return 0;
    },
    decode: (bytes, start, end) => bytes.subarray(start, end - 1),
    encode: (body, out) => void out.bytes(body).u8(0x0a),
    ...fault,
  });
}

/** Index of `needle` in `bytes[from .. end)`, or -1. */
export function find(bytes: Uint8Array, needle: Uint8Array, from: number, end: number): number {
  for (let at = from; at + needle.length <= end; at++) {
    if (needle.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

const CRLF = ascii("\r\n");

/** Lines of bytes that end in CRLF. Faultless for values without CRLF in them, but for what is replaced. */
export function crlf(fault: Partial<Protocol<Uint8Array>> = {}): Protocol<Uint8Array> {
  return defineProtocol<Uint8Array>({
    name: "crlf",
    maxFrame: 4096,
    measure(bytes, start, end, scan) {
      const at = find(bytes, CRLF, start + scan.at, end);
      if (at >= 0) return at + 2 - start;
      // The last byte may be half of a delimiter.
      scan.at = end - start - 1;
      return 0;
    },
    decode: (bytes, start, end) => bytes.subarray(start, end - 2),
    encode: (body, out) => void out.bytes(body).bytes(CRLF),
    ...fault,
  });
}

/** A text behind a u16 length of its bytes, from a codec of texts. */
export function sized<In, Out>(codec: Codec<In, Out>): Protocol<In, Out> {
  return defineProtocol<In, Out>({
    name: "sized",
    maxFrame: 4096,
    measure: (bytes, start, end) => (end - start < 2 ? 0 : 2 + u16be(bytes, start)),
    decode: (bytes, start, end) => codec.decode(bytes, start + 2, end),
    encode(value: In, out: Output) {
      const length = out.reserve(2);
      codec.encode(value, out);
      out.patch(length, 2, out.length - length - 2);
    },
  });
}
