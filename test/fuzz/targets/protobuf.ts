import { ProtocolError } from "../../../src/core/index.ts";
import { perMessage, varintPrefixed } from "../../../src/framing/index.ts";
import { type PeekShape, peek } from "../../../src/protocols/protobuf/index.ts";
import { type AnyCase, defineCase, type Target, targetOf } from "../check.ts";

/** `peek` as a codec that only reads; what is "written" are bytes to begin with. */
function peeking(name: string, shape: PeekShape): AnyCase {
  return defineCase<Uint8Array, unknown>({
    name,
    protocol: perMessage({ maxFrame: 600 }).wrap<Uint8Array, unknown>({
      decode: (bytes, start, end) => peek(bytes, shape, start, end),
      encode: (bytes, out) => void out.bytes(bytes),
    }),
    values: [
      Uint8Array.of(10, 6, 10, 2, 104, 105, 16, 7, 18, 3, 98, 111, 98),
      Uint8Array.of(0x08, 0x96, 0x01, 0x1d, 0, 0, 0x80, 0x3f, 0x23, 0x08, 1, 0x24),
      Uint8Array.of(0x0a, 3, 1, 2, 0x80 ^ 0x80, 0x11, 1, 2, 3, 4, 5, 6, 7, 8),
    ],
    rewrites: false,
  });
}

export const target: Target = targetOf([
  peeking("numbers only", { a: 1, b: 2, c: 3, d: 4 }),
  peeking("typed", { a: [1, "string"], b: [2, "sint64"], c: [3, "float"], d: [4, "bool"] }),
  peeking("nested", { a: [1, { b: [1, { c: [1, "string"] }], d: [2, "uint32"] }] }),
  peeking("repeated", {
    a: [1, "uint32", "repeated"],
    b: [2, "fixed64", "repeated"],
    c: [3, { d: [1, "bytes"] }, "repeated"],
  }),
  defineCase<Uint8Array, unknown>({
    name: "delimited",
    protocol: varintPrefixed({ maxFrame: 600 }).wrap<Uint8Array, unknown>({
      decode(bytes, start, end) {
        if (start === end) throw new ProtocolError("malformed", "an empty message", start);
        return peek(bytes, { a: [1, "int32"] }, start, end);
      },
      encode: (bytes, out) => void out.bytes(bytes),
    }),
    values: [Uint8Array.of(8, 1)],
    rewrites: false,
  }),
]);
