import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeFrame,
  encodeFrame,
  Output,
  ProtocolError,
  varintPrefixed,
} from "../../src/index.ts";
import {
  headerService,
  messageCodec,
  peek,
  WireReader,
} from "../../src/protocols/protobuf/index.ts";
import { bytes, laws, mutated } from "../../src/testing/index.ts";
import { concat, failureOf, poisoned } from "../support/chunks.ts";

// Runs in browsers too. How the real libraries read and write is told in test/unit/protocols/protobuf.

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const fieldNumber = fc.oneof(
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 1, max: 0x1fffffff }),
);

interface Field {
  readonly field: number;
  readonly type: number;
  readonly value: bigint | Uint8Array | readonly Field[];
}

const { field: anyField } = fc.letrec<{ field: Field }>((tie) => ({
  field: fc.oneof(
    { depthSize: "small" },
    fc.record({ field: fieldNumber, type: fc.constant(0), value: u64 }),
    fc.record({
      field: fieldNumber,
      type: fc.constant(1),
      value: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    }),
    fc.record({
      field: fieldNumber,
      type: fc.constant(2),
      value: fc.uint8Array({ maxLength: 200 }),
    }),
    fc.record({
      field: fieldNumber,
      type: fc.constant(5),
      value: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    }),
    fc.record({
      field: fieldNumber,
      type: fc.constant(3),
      value: fc.array(tie("field"), { maxLength: 3 }),
    }),
  ),
}));
const fields = fc.array(anyField, { maxLength: 8 });

/** Writes the fields by the letter of the encoding document: tag, then value. */
function write(out: Output, written: readonly Field[]): Output {
  for (const { field, type, value } of written) {
    out.varint(field * 8 + type);
    if (typeof value === "bigint") out.varint(value);
    else if (value instanceof Uint8Array) {
      if (type === 2) out.varint(value.length);
      out.bytes(value);
    } else write(out, value).varint(field * 8 + 4);
  }
  return out;
}

const encoded = (written: readonly Field[]): Uint8Array => write(new Output(), written).take();

/** The fields that a reader finds. */
function read(message: Uint8Array): Field[] {
  const reader = new WireReader(message);
  const found: Field[] = [];
  while (reader.next()) {
    const { field, type, from, to } = reader;
    if (type === 0) found.push({ field, type, value: reader.bigint() });
    else {
      const value = message.subarray(from, to);
      found.push({ field, type, value: type === 3 ? read(value) : Uint8Array.from(value) });
    }
  }
  return found;
}

describe("WireReader", () => {
  test("finds the fields that were written", () => {
    fc.assert(
      fc.property(fields, (written) => {
        expect(read(poisoned(encoded(written)))).toEqual(written);
      }),
    );
  });

  test("refuses a message that is cut inside of a field, at whatever place", () => {
    fc.assert(
      fc.property(fields, fc.nat(), (written, cut) => {
        const message = encoded(written);
        const borders = new Set([0]);
        for (let i = 1; i <= written.length; i++) borders.add(encoded(written.slice(0, i)).length);
        const end = cut % (message.length + 1);
        const failure = failureOf(() => read(poisoned(message.subarray(0, end))));
        expect(failure?.code).toBe(borders.has(end) ? undefined : "malformed");
        if (failure !== undefined) expect(failure.offset).toBeLessThanOrEqual(end);
      }),
    );
  });
});

describe("peek", () => {
  const everything = {
    raw: 1,
    text: [2, "string"],
    inner: [3, { raw: 1, list: [2, "sint64", "repeated"] }],
    ints: [4, "int32", "repeated"],
    floats: [5, "float", "repeated"],
    doubles: [6, "double", "repeated"],
    messages: [7, { text: [1, "string"] }, "repeated"],
  } as const;

  test("answers hostile bytes with a value or a ProtocolError that says where", () => {
    const hostile = fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated(fields.map(encoded)));
    fc.assert(
      fc.property(hostile, (message) => {
        try {
          const found = peek(poisoned(message), everything);
          // Never more elements than bytes.
          expect(found.ints.length).toBeLessThanOrEqual(message.length);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
          const { code, offset } = error as ProtocolError;
          expect(code).toBe("malformed");
          expect(offset).toBeGreaterThanOrEqual(0);
          expect(offset).toBeLessThanOrEqual(message.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("does not look at what lies around the message", () => {
    fc.assert(
      fc.property(fields, fc.uint8Array({ maxLength: 9 }), (written, around) => {
        const message = encoded(written);
        const shifted = concat([around, message, around]);
        const from = around.length;
        const shape = { a: 1, b: 2, inner: 3 };
        const here = peek(shifted, shape, from, from + message.length);
        expect(here).toEqual(peek(message, shape));
      }),
    );
  });
});

describe("a message codec in varint frames", () => {
  // message Note { bytes text = 1; }
  const note = messageCodec<Uint8Array>({
    encode: (text) => encoded([{ field: 1, type: 2, value: text }]),
    decode: (message) => {
      const { text } = peek(message, { text: [1, "bytes"] });
      return text ?? new Uint8Array(0);
    },
  });
  const framing = varintPrefixed({ maxFrame: 20_000 });
  for (const law of laws(framing.wrap(note), bytes(framing), { runs: 60 })) {
    test(law.name, law.check);
  }
});

describe("messages with a header", () => {
  const body = messageCodec<Uint8Array>({ encode: (text) => text, decode: (message) => message });
  const service = headerService({
    requests: { "a.Req": { request: body, response: body } },
    pushes: { "a.Push": body },
  });
  const { serverProtocol, clientProtocol } = service;
  const seq = fc.integer({ min: 0, max: 0xffffffff });
  /** A message without a field 1, which is the header's place. */
  const message = fc
    .array(anyField, { maxLength: 4 })
    .map((written) =>
      encoded(written.map((one) => ({ ...one, field: Math.min(one.field + 1, 536_870_911) }))),
    );

  test("arrive as they were sent", () => {
    fc.assert(
      fc.property(seq, message, (number, sent) => {
        const asked = { type: "a.Req", seq: number, message: sent } as const;
        const request = decodeFrame(serverProtocol, encodeFrame(clientProtocol, asked));
        expect(request).toMatchObject({ kind: "request", type: "a.Req", seq: number });
        const push = { kind: "push", type: "a.Push", message: sent } as const;
        const pushed = decodeFrame(clientProtocol, encodeFrame(serverProtocol, push));
        expect(pushed).toMatchObject({ kind: "push", type: "a.Push" });
        const response = { kind: "response", to: "a.Req", message: sent } as const;
        const answered = decodeFrame(clientProtocol, encodeFrame(serverProtocol, response));
        expect(answered).toEqual({ kind: "response", bytes: sent });
      }),
    );
  });

  test("are refused, never thrown, by a server, whatever comes", () => {
    const frames = fc
      .tuple(seq, message)
      .map(([number, sent]) =>
        encodeFrame(clientProtocol, { type: "a.Req", seq: number, message: sent }),
      );
    fc.assert(
      fc.property(fc.oneof(mutated(frames), fc.uint8Array()), (hostile) => {
        const received = decodeFrame(serverProtocol, poisoned(hostile));
        expect(["request", "refusal"]).toContain(received.kind);
        const failure = failureOf(() => decodeFrame(clientProtocol, poisoned(hostile)));
        expect(["malformed", "truncated", "too-long", undefined]).toContain(failure?.code);
      }),
      { numRuns: 500 },
    );
  });

  test("tell errors, whatever their text", () => {
    const text = fc.string({ unit: "grapheme" });
    fc.assert(
      fc.property(seq, text, text, (number, code, words) => {
        const error = { kind: "error", seq: number, code, text: words } as const;
        expect(decodeFrame(clientProtocol, encodeFrame(serverProtocol, error))).toEqual(error);
      }),
    );
  });
});
