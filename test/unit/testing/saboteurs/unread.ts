import fc from "fast-check";
import { defineProtocol, u16be } from "../../../../src/index.ts";
import { bytes } from "../../../../src/testing/index.ts";
import { type Ping, ping, type Saboteur, saboteur } from "./saboteur.ts";

const LAW = "every byte counts";
const body = bytes({ max: 40 });
const pings = fc.record({ op: fc.nat(255), body });

const sum = (content: Uint8Array): number => content.reduce((all, byte) => (all + byte) & 0xff, 0);

/** Codecs that do not look at all bytes, so that damaged frames pass. */
export const unread: readonly Saboteur[] = [
  saboteur(
    "a checksum that nobody checks",
    LAW,
    ping({
      measure: (all, start, end) => (end - start < 2 ? 0 : 4 + u16be(all, start)),
      decode: (all, start, end) => ({
        op: all[start + 2]!,
        body: all.subarray(start + 3, end - 1),
      }),
      encode: (one, out) =>
        void out.u16be(one.body.length).u8(one.op).bytes(one.body).u8(sum(one.body)),
    }),
    pings,
  ),
  saboteur(
    "a mark that is not looked at",
    LAW,
    ping({
      measure: (all, start, end) => (end - start < 3 ? 0 : 4 + u16be(all, start + 1)),
      decode: (all, start, end) => ({ op: all[start + 3]!, body: all.subarray(start + 4, end) }),
      encode: (one, out) => void out.u8(0x7e).u16be(one.body.length).u8(one.op).bytes(one.body),
    }),
    pings,
  ),
  saboteur(
    "a number that leaves bytes of its frame over",
    LAW,
    defineProtocol<number>({
      name: "number",
      measure: (all, start) => 1 + all[start]!,
      decode: (all, start) => all[start + 1] ?? 0,
      encode: (n, out) => void out.u8(1).u8(n),
    }),
    fc.nat(255),
  ),
  saboteur(
    "a count of bytes that nobody checks",
    LAW,
    ping({
      decode: (all, start, end) => ({ op: all[start + 2]!, body: all.subarray(start + 4, end) }),
      encode: (one, out) =>
        void out
          .u16be(one.body.length + 1)
          .u8(one.op)
          .u8(one.body.length)
          .bytes(one.body),
    }),
    pings satisfies fc.Arbitrary<Ping>,
  ),
  saboteur(
    "a message that is read to a zero, and what is behind that ignored",
    LAW,
    {
      decode: (all: Uint8Array, start: number, end: number) =>
        all[start] === undefined
          ? ""
          : String.fromCharCode(...all.subarray(start, end)).split("\0")[0]!,
      encode: (text: string, out) => void out.utf8(`${text}\0`),
    },
    fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 9 }),
  ),
];
