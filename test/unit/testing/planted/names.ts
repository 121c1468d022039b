import fc from "fast-check";
import { type Codec, type MessageProtocol, ProtocolError } from "../../../../src/index.ts";
import { type Saboteur, saboteur } from "../saboteurs/saboteur.ts";

/*
 * Messages without a framing, as names in DNS: labels behind their lengths, then 0; or c0 and the place, in the message, of
 * the labels that follow.
 */

type Name = readonly string[];

const POINTER = 0xc0;

interface Faults {
  /** Where pointers are counted from. */
  readonly base?: (start: number) => number;
  readonly isGuarded?: boolean;
  readonly stop?: (end: number, all: Uint8Array) => number;
}

function nameOf(
  all: Uint8Array,
  start: number,
  end: number,
  { base = (at) => at, isGuarded = true, stop = (at) => at }: Faults = {},
): Name {
  const labels: string[] = [];
  const bad = (at: number): never => {
    throw new ProtocolError("malformed", "not a name", Math.min(at, end));
  };
  let at = start;
  let last = -1;
  for (let jumps = 0; ; ) {
    const limit = stop(end, all);
    if (at >= limit) bad(at);
    const byte = all[at]!;
    if (byte === 0) {
      if (last < 0) last = at + 1;
      break;
    }
    if (byte === POINTER) {
      if (at + 2 > limit || (isGuarded && ++jumps > 4)) bad(at);
      if (last < 0) last = at + 2;
      at = base(start) + all[at + 1]!;
      continue;
    }
    if (byte > 63 || at + 1 + byte > limit) bad(at);
    labels.push(String.fromCharCode(...all.subarray(at + 1, at + 1 + byte)));
    at += 1 + byte;
  }
  if (last !== end) bad(last);
  return labels;
}

export function names(fault: Partial<Codec<Name>> = {}): MessageProtocol<Name> {
  return {
    name: "names",
    maxFrame: 255,
    decode: (all, start, end) => nameOf(all, start, end),
    encode(labels, out) {
      for (const label of labels) out.u8(label.length).utf8(label);
      out.u8(0);
    },
    ...fault,
  };
}

export const someNames: fc.Arbitrary<Name> = fc.array(
  fc.string({ unit: fc.constantFrom("a", "B", "c"), minLength: 1, maxLength: 5 }),
  { maxLength: 4 },
);

/** Names whose first label ends in a zero byte, at which a pointer may find the end of the name. */
const endedEarly: fc.Arbitrary<Name> = someNames.map(([first = "a", ...others]) => [
  `${first}\0`,
  ...others,
]);

/** Writes a pointer to that zero byte where the name ends. */
const encodeWithPointer: Codec<Name>["encode"] = (labels, out) => {
  for (const label of labels) out.u8(label.length).utf8(label);
  out.u8(POINTER).u8(labels[0]!.length);
};

export const ofNames: readonly Saboteur[] = [
  saboteur(
    "a pointer to itself is followed for ever",
    "totality",
    names({ decode: (all, start, end) => nameOf(all, start, end, { isGuarded: false }) }),
    someNames,
    { deadline: 300 },
  ),
  saboteur(
    "pointers count from the beginning of the array",
    "offset independence",
    names({
      decode: (all, start, end) => nameOf(all, start, end, { base: () => 0 }),
      encode: encodeWithPointer,
    }),
    endedEarly,
  ),
  saboteur(
    "a label may end behind the message",
    "no overread",
    names({
      decode: (all, start, end) => nameOf(all, start, end, { stop: (_, { length }) => length }),
    }),
    someNames,
  ),
  saboteur(
    "capital letters are lost",
    "round trip",
    names({
      decode: (all, start, end) => nameOf(all, start, end).map((label) => label.toLowerCase()),
    }),
    someNames,
  ),
  saboteur("pointers are read, and never written", "canonical", names(), someNames, {
    canonical: true,
  }),
];
