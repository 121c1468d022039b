import fc from "fast-check";
import {
  array,
  bytes as bytesOf,
  mapped,
  protocolOf,
  struct,
  u8,
  u16be,
} from "../../../../src/fields/index.ts";
import type { Protocol } from "../../../../src/index.ts";
import { bytes, laws } from "../../../../src/testing/index.ts";
import type { Saboteur } from "../saboteurs/saboteur.ts";

/*
 * Described: readings of a sensor, with a time, a temperature in hundredths, and a name.
 */

const hundredths = mapped(u16be, {
  name: "hundredths",
  read: (raw: number) => raw / 100,
  write: (value: number) => Math.round(value * 100),
});

const name = bytesOf(u8);
export const sensor = protocolOf(struct({ id: u16be, heat: hundredths, name }), { name: "sensor" });

/** A description, or a protocol made of one, with one mistake. */
const described = (
  bug: string,
  law: string,
  protocol: unknown,
  options: object = {},
  values?: fc.Arbitrary<unknown>,
): Saboteur => ({
  bug,
  law,
  lawsFrom(seed, runs) {
    const all = { ...options, seed, runs };
    // Where a mapping spoils the values that are derived, too.
    return values === undefined
      ? laws(protocol as typeof sensor, all)
      : laws(protocol as Protocol<unknown>, values, all);
  },
});

const scratch = new Uint8Array(300);

export const fromDescriptions: readonly Saboteur[] = [
  described(
    "hundredths are cut off, not rounded",
    "round trip",
    protocolOf(
      struct({
        id: u16be,
        heat: mapped(u16be, {
          name: "hundredths",
          read: (raw: number) => raw / 100,
          write: (value: number) => Math.floor(value * 100),
        }),
      }),
      { name: "sensor" },
    ),
  ),
  described(
    "a mapping that gives the same memory each time",
    "no aliasing",
    protocolOf(
      struct({
        id: u8,
        name: mapped(name, {
          name: "shared",
          read(raw: Uint8Array) {
            scratch.set(raw);
            return scratch.subarray(0, raw.length);
          },
          write: (value: Uint8Array) => value,
        }),
      }),
      { name: "sensor" },
    ),
    {},
    fc.record({ id: fc.nat(255), name: bytes({ max: 255 }) }),
  ),
  described(
    "a mapping that sorts the list it is given",
    "purity",
    protocolOf(
      struct({
        ids: mapped(array(u8, u8), {
          name: "sorted",
          read: (raw: readonly number[]) => [...raw],
          write: (value: number[]) => value.sort((a, b) => a - b),
        }),
      }),
      { name: "sensor" },
    ),
    { equal: () => true, ignores: () => true },
    fc.record({ ids: fc.array(fc.nat(255), { maxLength: 9 }) }),
  ),
  described(
    "a bit that is not looked at",
    "canonical",
    protocolOf(
      struct({
        id: mapped(u8, {
          name: "seven bits",
          read: (raw: number) => raw & 0x7f,
          write: (value: number) => value,
        }),
      }),
      { name: "sensor" },
    ),
    { canonical: true },
  ),
  described("a measure of its own that forgets that the name is missing yet", "incomplete input", {
    ...sensor,
    measure: (all: Uint8Array, start: number) => 5 + (all[start + 4] ?? 0),
  }),
];
