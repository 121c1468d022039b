import fc from "fast-check";
import { defineProtocol, type Protocol, ProtocolError } from "../../../../src/index.ts";
import { type Saboteur, saboteur } from "../saboteurs/saboteur.ts";

/*
 * With state: numbers of two bytes, each written as the difference to the one before on its connection.
 */

const WRAP = 0x1_0000;

interface Memory {
  written: number;
  read: number;
}

type Deltas = Protocol<number>;

function over(memory: Memory, fault: (memory: Memory) => Partial<Deltas> = () => ({})): Deltas {
  return defineProtocol<number>({
    name: "deltas",
    maxFrame: 2,
    measure: (_, start, end) => (end - start < 2 ? 0 : 2),
    decode(all, start, end) {
      if (end - start !== 2) throw new ProtocolError("malformed", "not two bytes", start);
      memory.read = (memory.read + all[start]! * 256 + all[start + 1]!) % WRAP;
      return memory.read;
    },
    encode(value, out) {
      out.u16be((value - memory.written + WRAP) % WRAP);
      memory.written = value;
    },
    ...fault(memory),
  });
}

const fresh = (): Memory => ({ written: 0, read: 0 });

export function deltas(fault?: (memory: Memory) => Partial<Deltas>): Deltas {
  return { ...over(fresh(), fault), perConnection: () => over(fresh(), fault) };
}

export const numbers: fc.Arbitrary<number> = fc.nat(0xffff);

export const withState: readonly Saboteur[] = [
  saboteur("one memory for all connections", "purity", over(fresh()), numbers),
  saboteur(
    "a connection begins where another one is",
    "purity",
    (() => {
      const shared = fresh();
      return {
        ...over(fresh()),
        perConnection: () =>
          over({ written: shared.written, read: 0 }, (own) => ({
            encode(value, out) {
              out.u16be((value - own.written + WRAP) % WRAP);
              own.written = value;
              shared.written = value;
            },
          })),
      } as Deltas;
    })(),
    numbers,
  ),
  saboteur(
    "the memory moves on with each call of measure",
    "purity",
    deltas((memory) => ({
      measure(_, start, end) {
        if (end - start < 2) {
          memory.read += 1;
          return 0;
        }
        return 2;
      },
    })),
    numbers,
  ),
  saboteur(
    "the writer forgets after three numbers, the reader does not",
    "concatenation",
    deltas((memory) => {
      let count = 0;
      return {
        encode(value, out) {
          if (++count % 3 === 0) memory.written = 0;
          out.u16be((value - memory.written + WRAP) % WRAP);
          memory.written = value;
        },
      };
    }),
    numbers,
  ),
  saboteur(
    "a number that is there twice is left out",
    "round trip",
    deltas((memory) => ({
      encode(value, out) {
        if (value === memory.written) return;
        out.u16be((value - memory.written + WRAP) % WRAP);
        memory.written = value;
      },
    })),
    numbers,
  ),
];
