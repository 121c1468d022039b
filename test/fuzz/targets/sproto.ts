import { type Codec, decodeUtf8, ProtocolError, raw } from "../../../src/core/index.ts";
import { perMessage } from "../../../src/framing/index.ts";
import { load, netpack, pack, parse, unpack } from "../../../src/protocols/sproto/index.ts";
import { equal } from "../../../src/testing/equal.ts";
import { type AnyCase, defineCase, type Target, targetOf } from "../check.ts";

const text = `
.Person { name 0 : string  age 1 : integer  kids 3 : *Person  bits 4 : *boolean
  ids 6 : *integer  raw 7 : binary  d 8 : double  ds 9 : *double  best 10 : Person  words 11 : *string }
.Book { by 0 : *Person(name)  map 1 : *Pair() }
.Scores { one 0 : integer(2)  all 1 : *integer(3) }
.Pair { k 0 : string  v 1 : integer }
find 1 { request { name 0 : string } response Person }
`;
const compiled = parse(text, { engine: "compiled" });
const interpreted = parse(text, { engine: "interpreted" });
const ada = { name: "Ada", age: 36, kids: [{ name: "B" }], bits: [true, false] };
const more = {
  ids: [1, -1, 2 ** 40],
  raw: Uint8Array.of(1, 2),
  d: 0.5,
  ds: [1, 2.5],
  best: { age: -5n },
  words: ["", "é"],
};

/** What a codec makes of bytes: a value, or a code. */
function outcome(codec: Codec<object>, bytes: Uint8Array, start: number, end: number): unknown {
  try {
    return [codec.decode(bytes, start, end)];
  } catch (error) {
    if (error instanceof ProtocolError) return `${error.code} at ${error.offset}`;
    throw error;
  }
}

/** Both engines must say the same of any bytes. */
function engines(
  type: "Person" | "Book" | "Scores",
  values: readonly object[],
  rewrites = true,
): AnyCase {
  const one = compiled.type(type) as Codec<object>;
  const other = interpreted.type(type) as Codec<object>;
  return defineCase({
    name: type,
    protocol: perMessage({ maxFrame: 2000 }).wrap<object, unknown>({
      decode(bytes, start, end) {
        const mine = outcome(one, bytes, start, end);
        const theirs = outcome(other, bytes, start, end);
        if (!equal(mine, theirs)) throw new Error(`compiled ${mine}, interpreted ${theirs}`);
        return one.decode(bytes, start, end);
      },
      encode: (value, out) => one.encode(value, out),
    }),
    values,
    rewrites,
  });
}

/** Bytes as a codec that only reads. */
function reading(
  name: string,
  decode: (bytes: Uint8Array) => unknown,
  values: readonly Uint8Array[],
): AnyCase {
  return defineCase<Uint8Array, unknown>({
    name,
    protocol: perMessage({ maxFrame: 4000 }).wrap<Uint8Array, unknown>({
      decode: (bytes, start, end) => decode(bytes.subarray(start, end)),
      encode: (bytes, out) => void out.bytes(bytes),
    }),
    values,
    rewrites: false,
  });
}

export const target: Target = targetOf([
  engines("Person", [{}, ada, more]),
  engines("Book", [{ by: [ada], map: new Map([["a", 1]]) }]),
  // Beyond 2^53 hundredths a number has not all of its digits, and is rounded as C's own codec does.
  engines("Scores", [{ one: 1.25, all: [-0.001, 7] }], false),
  reading("unpack", (bytes) => unpack(bytes, { maxSize: 10_000 }), [
    pack(Uint8Array.of(8, 0, 0, 0, 3, 0, 2, 0, 25)),
    pack(new Uint8Array(40).fill(1)),
  ]),
  reading("load", (bytes) => load(bytes), [compiled.bundle()]),
  reading("parse", (bytes) => parse(decodeUtf8(bytes)).schema.types.length, [
    Uint8Array.from(text, (c) => c.charCodeAt(0)),
  ]),
  defineCase({ name: "netpack", protocol: netpack().wrap(raw()), values: [Uint8Array.of(1, 2)] }),
]);
