import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeFrame,
  encodeAll,
  encodeFrame,
  type Protocol,
  ProtocolError,
  raw,
  Splitter,
} from "../../src/core/index.ts";
import {
  type Command,
  command,
  type FastwayMessage,
  fastway,
  linkFixlen,
  linkJson,
  packet,
} from "../../src/fastway/index.ts";

const id = fc.oneof(fc.nat({ max: 0xffff_ffff }), fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1));
const connId = id.map((value) => value || 1);
// Lengths around the limit of 64 and around nothing: where mistakes are made.
const message = fc
  .constantFrom(0, 1, 2, 59, 60)
  .chain((length) => fc.uint8Array({ minLength: length, maxLength: length, size: "max" }));

const v1: fc.Arbitrary<Command<"v1">> = fc.oneof(
  fc.constantFrom({ type: "new" } as const, { type: "ping" } as const),
  fc.record({
    type: fc.constantFrom("open" as const, "refuse" as const, "close" as const),
    connId: id,
  }),
  fc.record({
    type: fc.constantFrom("dial" as const, "accept" as const),
    connId: id,
    remoteId: id,
  }),
);
const v2: fc.Arbitrary<Command<"v2">> = fc.oneof(
  fc.constant({ type: "ping" } as const),
  fc.record({ type: fc.constantFrom("dial" as const, "refuse" as const), remoteId: id }),
  fc.record({
    type: fc.constantFrom("accept" as const, "connect" as const),
    connId: id,
    remoteId: id,
  }),
  fc.record({ type: fc.constant("close" as const), connId: id }),
);
const data: fc.Arbitrary<FastwayMessage> = fc.record({
  type: fc.constant("message" as const),
  connId,
  message,
});
const json = fc.record({
  head: fc.string({ unit: "binary" }),
  body: fc
    .jsonValue({ stringUnit: "binary" })
    .filter((body) => body !== null && !hasMinusZero(body)),
});

/** JSON text has no minus zero: it comes back as zero. */
function hasMinusZero(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return Object.is(value, -0);
  return Object.values(value).some(hasMinusZero);
}

const maxPacket = 64;
const protocols: readonly (readonly [string, Protocol<never, unknown>, fc.Arbitrary<unknown>])[] = [
  ["packet", packet({ maxPacket }), fc.record({ connId: id, message })],
  ["command v1", command({ dialect: "v1" }), v1],
  ["command v2", command({ dialect: "v2" }), v2],
  ["fastway v1", fastway({ dialect: "v1", maxPacket }), fc.oneof(v1, data)],
  ["fastway v2", fastway({ dialect: "v2", maxPacket }), fc.oneof(v2, data)],
  ["linkFixlen", linkFixlen({ width: 1, endian: "le" }).wrap(raw()), message],
  ["linkFixlen 8", linkFixlen({ width: 8, endian: "be" }).wrap(raw()), message],
  ["linkJson", linkJson(), json],
  ["linkFixlen of linkJson", linkFixlen({ width: 2, endian: "be" }).wrap(linkJson()), json],
];

/** What a stream of `bytes`, cut at `cuts`, gives: values, then how it ended. */
function readAll(protocol: Protocol<never, unknown>, bytes: Uint8Array, cuts: readonly number[]) {
  const splitter = new Splitter(protocol);
  const values: unknown[] = [];
  const places = [...cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b)];
  let error: string | undefined;
  let at = 0;
  try {
    for (const place of [...places, bytes.length]) {
      splitter.push(bytes.slice(at, place));
      at = place;
      while (splitter.next()) {
        values.push(protocol.decode(splitter.bytes, splitter.start, splitter.end));
      }
    }
    splitter.finish();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ProtocolError);
    error = (thrown as ProtocolError).code;
  }
  return { values, error };
}

const cut = fc.double({ min: 0, max: 1, noNaN: true });

describe.each(protocols)("%s", (_, protocol, arbitrary) => {
  it("reads back what it writes, at any cuts", () => {
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 4 }), fc.array(cut), (values, cuts) => {
        const bytes = encodeAll(protocol, values as never[]);
        const read = readAll(protocol, bytes, cuts);
        expect(read.error).toBeUndefined();
        expect(JSON.stringify(read.values)).toBe(JSON.stringify(values));
      }),
      { numRuns: 50 },
    );
  });

  it("calls every interior end truncated", () => {
    fc.assert(
      fc.property(arbitrary, fc.array(cut), (value, cuts) => {
        const frame = encodeFrame(protocol, value as never);
        for (let end = 1; end < frame.length; end++) {
          const { values, error } = readAll(protocol, frame.subarray(0, end), cuts);
          expect({ values, error }).toEqual({ values: [], error: "truncated" });
        }
      }),
      { numRuns: 20 },
    );
  });

  it("takes any bytes the same at any cuts, and fails with nothing but its own errors", () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 40, size: "max" }),
      fc
        .array(fc.constantFrom(0, 1, 2, 4, 5, 9, 13, 0x7b, 0x7d, 0x0a), {
          maxLength: 40,
          size: "max",
        })
        .map((bytes) => Uint8Array.from(bytes)),
    );
    fc.assert(
      fc.property(noise, fc.array(cut), (bytes, cuts) => {
        expect(readAll(protocol, bytes, cuts)).toEqual(readAll(protocol, bytes, []));
        try {
          decodeFrame(protocol, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 200 },
    );
  });
});
