import type fc from "fast-check";
import { defineProtocol, type Protocol, ProtocolError } from "../../../../src/index.ts";
import { bytes } from "../../../../src/testing/index.ts";
import { type Saboteur, saboteur } from "../saboteurs/saboteur.ts";

/*
 * Stuffed, as SLIP: the byte c0 ends a frame; in it, c0 and db are written as two bytes.
 */

const [END, ESC, ESC_END, ESC_ESC] = [0xc0, 0xdb, 0xdc, 0xdd];

function unescaped(all: Uint8Array, start: number, end: number): Uint8Array {
  const body: number[] = [];
  for (let at = start; at < end; at++) {
    if (all[at] !== ESC) body.push(all[at]!);
    else {
      at++;
      if (at >= end || (all[at] !== ESC_END && all[at] !== ESC_ESC)) {
        throw new ProtocolError("malformed", "a wrong escape", at);
      }
      body.push(all[at] === ESC_END ? END : ESC);
    }
  }
  return Uint8Array.from(body);
}

export function stuffing(fault: Partial<Protocol<Uint8Array>> = {}): Protocol<Uint8Array> {
  return defineProtocol<Uint8Array>({
    name: "stuffing",
    maxFrame: 4096,
    measure(all, start, end, scan) {
      const at = all.subarray(0, end).indexOf(END, start + scan.at);
      if (at >= 0) return at + 1 - start;
      scan.at = end - start;
      return 0;
    },
    decode: (all, start, end) => unescaped(all, start, end - 1),
    encode(body, out) {
      for (const byte of body) {
        if (byte === END) out.u8(ESC).u8(ESC_END);
        else if (byte === ESC) out.u8(ESC).u8(ESC_ESC);
        else out.u8(byte);
      }
      out.u8(END);
    },
    ...fault,
  });
}

/** Every second byte is one that is written as two. */
export const bodies: fc.Arbitrary<Uint8Array> = bytes({ max: 300 }).map((body) =>
  body.map((byte, i) => (i % 3 === 0 ? END : i % 3 === 1 ? ESC : byte)),
);

const scratch = new Uint8Array(4096);

export const stuffedOnes: readonly Saboteur[] = [
  saboteur(
    "the escape itself is not escaped",
    "round trip",
    stuffing({
      encode(body, out) {
        for (const byte of body) {
          if (byte === END) out.u8(ESC).u8(ESC_END);
          else out.u8(byte);
        }
        out.u8(END);
      },
    }),
    bodies,
  ),
  saboteur(
    "any byte after an escape is taken as it is",
    "canonical",
    stuffing({
      decode(all, start, end) {
        const body: number[] = [];
        for (let at = start; at < end - 1; at++) {
          if (all[at] !== ESC) body.push(all[at]!);
          else {
            at++;
            body.push(all[at] === ESC_END ? END : all[at] === ESC_ESC ? ESC : all[at]!);
          }
        }
        return Uint8Array.from(body);
      },
    }),
    bodies,
    { canonical: true },
  ),
  saboteur(
    "unescapes where the bytes lie",
    "purity",
    stuffing({
      decode(all, start, end) {
        const body = unescaped(all, start, end - 1);
        all.set(body, start);
        return body;
      },
    }),
    bodies,
  ),
  saboteur(
    "unescapes into memory that is used again",
    "no aliasing",
    stuffing({
      decode(all, start, end) {
        const body = unescaped(all, start, end - 1);
        scratch.set(body);
        return scratch.subarray(0, body.length);
      },
    }),
    bodies,
  ),
  saboteur(
    "looks for the end from the beginning",
    "no rescanning",
    stuffing({
      measure(all, start, end) {
        const at = all.subarray(0, end).indexOf(END, start);
        return at < 0 ? 0 : at + 1 - start;
      },
    }),
    bytes({ min: 200, max: 900 }).map((body) => body.map((byte) => byte & 0x7f)),
  ),
  saboteur(
    "an end byte in a body ends its frame",
    "measure equals length",
    stuffing({
      encode(body, out) {
        for (const byte of body) {
          if (byte === ESC) out.u8(ESC).u8(ESC_ESC);
          else out.u8(byte);
        }
        out.u8(END);
      },
    }),
    bodies,
  ),
];
