import fc from "fast-check";
import { defineProtocol, type Protocol, ProtocolError } from "../../../../src/index.ts";
import { several } from "../../../../src/testing/index.ts";
import { type Saboteur, saboteur } from "../saboteurs/saboteur.ts";

/*
 * Batched: a frame is a length byte and records, each behind its own length byte. One frame, several values.
 */

type Record = readonly number[];

function recordsOf(all: Uint8Array, start: number, end: number): Record[] {
  const records: Record[] = [];
  for (let at = start + 1; at < end; at += 1 + all[at]!) {
    const next = at + 1 + all[at]!;
    if (next > end) throw new ProtocolError("malformed", "a record behind the end", at);
    records.push([...all.subarray(at + 1, next)]);
  }
  return records;
}

function only(records: readonly Record[], start: number): Record {
  if (records.length === 1) return records[0]!;
  throw new ProtocolError("malformed", "not one record", start);
}

type Batches = Protocol<readonly Record[], Record>;

export function batches(fault: Partial<Batches> = {}): Batches {
  return defineProtocol<readonly Record[], Record>({
    name: "batches",
    maxFrame: 256,
    measure: (all, start) => 1 + all[start]!,
    decode: (all, start, end) => only(recordsOf(all, start, end), start),
    decodeMany: recordsOf,
    encode(records, out) {
      out.u8(records.reduce((sum, record) => sum + 1 + record.length, 0));
      for (const record of records) out.u8(record.length).bytes(Uint8Array.from(record));
    },
    ...fault,
  });
}

export const someRecords: fc.Arbitrary<readonly Record[]> = fc.array(
  fc.array(fc.nat(255), { maxLength: 9 }),
  { maxLength: 12, size: "max" },
);

export const options = {
  expected: (records: readonly Record[]): ReturnType<typeof several<Record>> => several(records),
};

const reused = Array.from({ length: 128 }, (): number[] => []);

export const batched: readonly Saboteur[] = [
  saboteur(
    "the last record is lost",
    "round trip",
    batches({ decodeMany: (all, start, end) => recordsOf(all, start, end).slice(0, 11) }),
    someRecords,
    options,
  ),
  saboteur(
    "decode and decodeMany do not agree",
    "round trip",
    batches({ decode: (all, start, end) => only(recordsOf(all, start, end), start).slice(1) }),
    someRecords,
    options,
  ),
  saboteur(
    "the same lists for all batches",
    "no aliasing",
    batches({
      decodeMany(all, start, end) {
        return recordsOf(all, start, end).map((record, i) => {
          reused[i]!.length = 0;
          reused[i]!.push(...record);
          return reused[i]!;
        });
      },
      decode: (all, start, end) => only(recordsOf(all, start, end), start),
    }),
    someRecords,
    options,
  ),
  saboteur(
    "a record takes the beginning of the next frame",
    "no overread",
    batches({
      decodeMany(all, start, end) {
        const records: Record[] = [];
        for (let at = start + 1; at < end; at += 1 + all[at]!) {
          records.push([...all.subarray(at + 1, at + 1 + all[at]!)]);
        }
        return records;
      },
    }),
    someRecords,
    options,
  ),
  saboteur(
    "sorts the list that it is given",
    "purity",
    batches({
      encode(records, out) {
        const sorted = (records as Record[]).sort((a, b) => a.length - b.length);
        batches().encode(sorted, out);
      },
    }),
    someRecords,
    options,
  ),
];
