import fc from "fast-check";
import {
  defineProtocol,
  type Output,
  type Protocol,
  ProtocolError,
} from "../../../../src/index.ts";
import { bytes } from "../../../../src/testing/index.ts";
import { type Saboteur, saboteur } from "../saboteurs/saboteur.ts";

/*
 * By hand, as MQTT has it: a kind, how many bytes follow as a varint of at most four bytes, and these bytes.
 */

interface Packet {
  readonly kind: number;
  readonly body: Uint8Array;
}

/** The number and where it ends; undefined if it is not all here. */
function varint(
  all: Uint8Array,
  start: number,
  end: number,
  most = 4,
): { readonly value: number; readonly at: number } | undefined {
  let value = 0;
  for (let i = 0; i < most; i++) {
    if (start + i >= end) return undefined;
    const byte = all[start + i]!;
    value += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) {
      if (byte === 0 && i > 0) throw new ProtocolError("malformed", "longer than needed", start);
      return { value, at: start + i + 1 };
    }
  }
  throw new ProtocolError("malformed", "a length of more than four bytes", start);
}

function writeVarint(out: Output, n: number): void {
  let rest = n;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) out.u8((rest & 0x7f) | 0x80);
  out.u8(rest);
}

export function mqtt(fault: Partial<Protocol<Packet>> = {}): Protocol<Packet> {
  return defineProtocol<Packet>({
    name: "mqtt",
    maxFrame: 20_000,
    measure(all, start, end) {
      const length = varint(all, start + 1, end);
      return length === undefined ? 0 : length.at - start + length.value;
    },
    decode: (all, start, end) => ({
      kind: all[start]!,
      body: all.subarray(varint(all, start + 1, end)!.at, end),
    }),
    encode({ kind, body }, out) {
      out.u8(kind);
      writeVarint(out, body.length);
      out.bytes(body);
    },
    ...fault,
  });
}

export const packets: fc.Arbitrary<Packet> = fc.record({
  kind: fc.nat(255),
  body: bytes({ max: 19_900 }),
});

/** A length that is read without a look at how it is written. */
const loose = (all: Uint8Array, start: number, end: number): number => {
  let value = 0;
  for (let i = 0; start + 1 + i < end; i++) {
    const byte = all[start + 1 + i]!;
    value += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) return value + i + 2;
    if (i === 4) throw new ProtocolError("malformed", "a length without an end", start);
  }
  return 0;
};

const bodyOf = (all: Uint8Array, start: number, end: number): Packet => {
  let at = start + 1;
  while (all[at]! >= 0x80) at++;
  return { kind: all[start]!, body: all.subarray(at + 1, end) };
};

export const byHand: readonly Saboteur[] = [
  saboteur(
    "a body of 2^14 bytes gets a length of two bytes",
    "measure equals length",
    mqtt({
      encode({ kind, body }, out) {
        out.u8(kind);
        if (body.length === 2 ** 14) out.u8(0x80).u8(0x00);
        else writeVarint(out, body.length);
        out.bytes(body);
      },
    }),
    packets,
  ),
  saboteur(
    "a whole frame of 2^14 bytes is refused",
    "round trip",
    mqtt({
      encode({ kind, body }, out) {
        if (body.length + 3 === 2 ** 14) throw new RangeError("too long");
        out.u8(kind);
        writeVarint(out, body.length);
        out.bytes(body);
      },
    }),
    packets,
  ),
  saboteur(
    "only the first two bytes of the length are read",
    "measure equals length",
    mqtt({
      measure(all, start, end) {
        if (end - start < 3)
          return end - start === 2 && all[start + 1]! < 0x80 ? 2 + all[start + 1]! : 0;
        const [one, two] = [all[start + 1]!, all[start + 2]!];
        return one < 0x80 ? 2 + one : 3 + (one & 0x7f) + two * 128;
      },
      decode: (all, start, end) => ({
        kind: all[start]!,
        body: all.subarray(start + (all[start + 1]! < 0x80 ? 2 : 3), end),
      }),
    }),
    packets,
  ),
  saboteur(
    "lengths of five bytes, and longer than needed",
    "canonical",
    mqtt({ measure: loose, decode: bodyOf }),
    packets,
    { canonical: true },
  ),
  saboteur(
    "the length is read before its last byte is here",
    "incomplete input",
    mqtt({
      measure(all, start, end) {
        if (end - start < 2) return 0;
        const one = all[start + 1]!;
        const two = end - start > 2 ? all[start + 2]! : 0;
        return one < 0x80 ? 2 + one : loose(all, start, end) || 3 + (one & 0x7f) + two * 128;
      },
    }),
    packets,
  ),
];
