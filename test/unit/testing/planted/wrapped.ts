import fc from "fast-check";
import {
  type Codec,
  decodeUtf8,
  lengthPrefixed,
  type Protocol,
  ProtocolError,
} from "../../../../src/index.ts";
import { bytes } from "../../../../src/testing/index.ts";
import { type Saboteur, saboteur } from "../saboteurs/saboteur.ts";

/*
 * A codec in a framing of the library: an event has a time of four bytes, and a list of parts, each behind its length.
 */

interface Event {
  readonly time: number;
  readonly parts: readonly Uint8Array[];
}

const viewOf = (all: Uint8Array): DataView => new DataView(all.buffer, all.byteOffset, all.length);

function partsOf(all: Uint8Array, start: number, end: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = start; at < end; at += 1 + all[at]!) {
    const next = at + 1 + all[at]!;
    if (next > end) throw new ProtocolError("malformed", "a part behind the end", at);
    parts.push(all.subarray(at + 1, next));
  }
  return parts;
}

export function events(fault: Partial<Codec<Event>> = {}): Protocol<Event> {
  return lengthPrefixed({ width: 2, maxFrame: 2000 }).wrap<Event, Event>({
    decode(all, start, end) {
      if (end - start < 4) throw new ProtocolError("malformed", "no time", start);
      return { time: viewOf(all).getUint32(start), parts: partsOf(all, start + 4, end) };
    },
    encode({ time, parts }, out) {
      out.u32be(time);
      for (const part of parts) out.u8(part.length).bytes(part);
    },
    ...fault,
  });
}

export const someEvents: fc.Arbitrary<Event> = fc.record({
  time: fc.nat(),
  parts: fc.array(bytes({ max: 255 }), { maxLength: 4 }),
});

export const wrapped: readonly Saboteur[] = [
  saboteur(
    "a part that is longer than its frame takes bytes of the next one",
    "no overread",
    events({
      decode(all, start, end) {
        if (end - start < 4) throw new ProtocolError("malformed", "no time", start);
        const parts: Uint8Array[] = [];
        for (let at = start + 4; at < end; at += 1 + all[at]!) {
          parts.push(all.subarray(at + 1, at + 1 + all[at]!));
        }
        return { time: viewOf(all).getUint32(start), parts };
      },
    }),
    someEvents,
  ),
  saboteur(
    "a view of the whole buffer",
    "offset independence",
    events({
      decode(all, start, end) {
        if (end - start < 4) throw new ProtocolError("malformed", "no time", start);
        return {
          time: new DataView(all.buffer).getUint32(start),
          parts: partsOf(all, start + 4, end),
        };
      },
    }),
    someEvents,
  ),
  saboteur(
    "parts up to the end of the chunk",
    "no overread",
    events({
      decode(all, start, end) {
        if (end - start < 4) throw new ProtocolError("malformed", "no time", start);
        return { time: viewOf(all).getUint32(start), parts: partsOf(all, start + 4, all.length) };
      },
    }),
    someEvents,
  ),
  saboteur(
    "a RangeError for payloads of three bytes",
    "no bare throws",
    events({
      decode: (all, start, end) => ({
        time: viewOf(all.subarray(start, end)).getUint32(0),
        parts: partsOf(all, start + 4, end),
      }),
    }),
    someEvents,
  ),
  saboteur(
    "JSON.parse throws what it throws",
    "no bare throws",
    lengthPrefixed({ width: 2, maxFrame: 2000 }).wrap<unknown, unknown>({
      decode: (all, start, end) => JSON.parse(decodeUtf8(all, start, end)) as unknown,
      encode: (value, out) => void out.utf8(JSON.stringify(value)),
    }),
    fc.dictionary(fc.constantFrom("a", "b"), fc.nat(99)) as fc.Arbitrary<unknown>,
  ),
  saboteur(
    "a member __proto__ becomes the prototype",
    "round trip",
    lengthPrefixed({ width: 2, maxFrame: 2000 }).wrap<
      Record<string, number>,
      Record<string, number>
    >({
      decode(all, start, end) {
        const made: Record<string, number> = {};
        for (const line of decodeUtf8(all, start, end).split("\n").filter(Boolean)) {
          made[line.slice(0, -1)] = Number(line.at(-1));
        }
        return made;
      },
      encode(value, out) {
        for (const [key, number] of Object.entries(value)) out.utf8(`${key}${number}\n`);
      },
    }),
    fc.dictionary(fc.constantFrom("a", "b", "__proto__"), fc.nat(9)),
  ),
  saboteur(
    "a minus zero that is not written",
    "round trip",
    lengthPrefixed({ width: 2, maxFrame: 2000 }).wrap<number, number>({
      decode: (all, start, end) => Number(decodeUtf8(all, start, end)),
      encode: (value, out) => void out.utf8(String(value)),
    }),
    fc.double({ noNaN: true }),
    { ignores: () => true },
  ),
];
