import fc from "fast-check";
import { defineProtocol, type Protocol, ProtocolError, u16be } from "../../../../src/index.ts";
import { type Saboteur, saboteur } from "../saboteurs/saboteur.ts";

/*
 * With a checksum, as Modbus: address, function, how many bytes follow, registers of two bytes, and a sum of two.
 */

interface Answer {
  readonly address: number;
  readonly code: number;
  readonly registers: readonly number[];
}

function sum(all: Uint8Array, start: number, end: number, seed = 0xffff): number {
  let crc = seed;
  for (let at = start; at < end; at++) {
    crc ^= all[at]!;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

const HEAD = 3;
const bad = (at: number): never => {
  throw new ProtocolError("malformed", "not an answer", at);
};

function read(all: Uint8Array, start: number, end: number, seed?: number): Answer {
  if (u16be(all, end - 2) !== sum(all, start, end - 2, seed)) bad(end - 2);
  return unchecked(all, start, end);
}

function unchecked(all: Uint8Array, start: number, end: number): Answer {
  const size = all[start + 2]!;
  if (size % 2 !== 0 || start + HEAD + size + 2 !== end) bad(start + 2);
  const registers = Array.from({ length: size / 2 }, (_, i) => u16be(all, start + HEAD + 2 * i));
  return { address: all[start]!, code: all[start + 1]!, registers };
}

export function modbus(fault: Partial<Protocol<Answer>> = {}): Protocol<Answer> {
  return defineProtocol<Answer>({
    name: "modbus",
    maxFrame: 260,
    measure: (all, start, end) => (end - start < HEAD ? 0 : HEAD + all[start + 2]! + 2),
    decode: (all, start, end) => read(all, start, end),
    encode({ address, code, registers }, out) {
      const from = out.length;
      out
        .u8(address)
        .u8(code)
        .u8(2 * registers.length);
      for (const register of registers) out.u16be(register);
      out.u16be(sum(out.view(), from, out.length));
    },
    ...fault,
  });
}

export const answers: fc.Arbitrary<Answer> = fc.record({
  address: fc.nat(255),
  code: fc.nat(255),
  registers: fc.array(fc.nat(0xffff), { maxLength: 127, size: "max" }),
});

let state = 0xffff;

export const checked: readonly Saboteur[] = [
  saboteur("the sum is not compared", "every byte counts", modbus({ decode: unchecked }), answers),
  saboteur(
    "the sum of an answer without registers is not compared",
    "every byte counts",
    modbus({
      decode: (all, start, end) =>
        all[start + 2] === 0 ? unchecked(all, start, end) : read(all, start, end),
    }),
    answers,
  ),
  saboteur(
    "the sum of everything in the output",
    "append-only encode",
    modbus({
      encode({ address, code, registers }, out) {
        out
          .u8(address)
          .u8(code)
          .u8(2 * registers.length);
        for (const register of registers) out.u16be(register);
        out.u16be(sum(out.view(), 0, out.length));
      },
    }),
    answers,
  ),
  saboteur(
    "the sum goes on where the one before ended",
    "purity",
    modbus({
      encode({ address, code, registers }, out) {
        const from = out.length;
        out
          .u8(address)
          .u8(code)
          .u8(2 * registers.length);
        for (const register of registers) out.u16be(register);
        state = sum(out.view(), from, out.length, state);
        out.u16be(state);
      },
      decode: unchecked,
    }),
    answers,
    { ignores: () => true },
  ),
  saboteur(
    "the sum is written with its low byte first, and read with its high byte first",
    "round trip",
    modbus({
      encode({ address, code, registers }, out) {
        const from = out.length;
        out
          .u8(address)
          .u8(code)
          .u8(2 * registers.length);
        for (const register of registers) out.u16be(register);
        out.u16le(sum(out.view(), from, out.length));
      },
    }),
    answers,
  ),
];
