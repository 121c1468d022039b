import { defineProtocol, type Protocol, ProtocolError, u16be } from "../../../../src/index.ts";
import { bytes, laws } from "../../../../src/testing/index.ts";
import type { Saboteur } from "../saboteurs/saboteur.ts";

/*
 * Read only, by the client of a server: a kind, a length of two bytes that counts itself, and numbers of two bytes.
 */

interface Reply {
  readonly kind: number;
  readonly numbers: readonly number[];
}

const numbersOf = (all: Uint8Array, start: number, end: number): number[] => {
  if ((end - start) % 2 !== 0) throw new ProtocolError("malformed", "half a number", end);
  return Array.from({ length: (end - start) / 2 }, (_, i) => u16be(all, start + 2 * i));
};

export function replies(fault: Partial<Protocol<Reply>> = {}): Protocol<Reply> {
  return defineProtocol<Reply>({
    name: "replies",
    maxFrame: 1000,
    measure(all, start, end) {
      if (end - start < 3) return 0;
      const length = u16be(all, start + 1);
      if (length < 2) throw new ProtocolError("malformed", "a length that is too small", start + 1);
      return 1 + length;
    },
    decode: (all, start, end) => ({ kind: all[start]!, numbers: numbersOf(all, start + 3, end) }),
    encode() {
      throw new ProtocolError("unencodable", "only servers reply");
    },
    ...fault,
  });
}

export const frames = bytes({ max: 300 }).map((given) => {
  const body = given.subarray(given.length % 2);
  const length = body.length + 2;
  return Uint8Array.of(0x44, length >> 8, length & 0xff, ...body);
});

const reading = (bug: string, law: string, protocol: Protocol<Reply>): Saboteur => ({
  bug,
  law,
  lawsFrom: (seed, runs) => laws(protocol, frames, { decodeOnly: true, seed, runs }),
});

export const decodeOnly: readonly Saboteur[] = [
  reading(
    "the kind is read at the beginning of the chunk",
    "offset independence",
    replies({
      decode: (all, start, end) => ({ kind: all[0]!, numbers: numbersOf(all, start + 3, end) }),
    }),
  ),
  reading(
    "the length is guessed before both of its bytes are here",
    "incomplete input",
    replies({
      measure: (all, start, end) =>
        end - start < 2 ? 0 : 1 + all[start + 1]! * 256 + (all[start + 2] ?? 2),
    }),
  ),
  reading(
    "the kind is not looked at",
    "every byte counts",
    replies({
      decode: (all, start, end) => ({ kind: 0, numbers: numbersOf(all, start + 3, end) }),
    }),
  ),
  reading(
    "half a number is a RangeError",
    "no bare throws",
    replies({
      decode: (all, start, end) => ({
        kind: all[start]!,
        numbers: [...new Uint16Array(all.slice(start + 3, end).buffer)],
      }),
    }),
  ),
  reading(
    "half a number takes a byte of the next frame",
    "no overread",
    replies({
      decode: (all, start, end) => ({
        kind: all[start]!,
        numbers: Array.from(
          { length: Math.ceil((end - start - 3) / 2) },
          (_, i) => (all[start + 3 + 2 * i] ?? 0) * 256 + (all[start + 4 + 2 * i] ?? 0),
        ),
      }),
    }),
  ),
  reading(
    "numbers stay views of the chunk",
    "no aliasing",
    replies({
      decode(all, start, end) {
        last.length = 0;
        last.push(...numbersOf(all, start + 3, end));
        return { kind: all[start]!, numbers: last };
      },
    }),
  ),
];

const last: number[] = [];
