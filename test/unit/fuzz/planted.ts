import { ProtocolError, perMessage, raw } from "../../../src/index.ts";
import { fuzzTarget } from "../../../src/testing/index.ts";
import type { Target } from "../../fuzz/check.ts";

// A protocol with a bug that is three bytes deep, as a fuzzer gets it from fuzzTarget.

const bytesOf = raw();
const planted = perMessage({ maxFrame: 64 }).wrap({
  ...bytesOf,
  decode(bytes: Uint8Array, start: number, end: number) {
    if (bytes[start] === 0x7e) {
      if (bytes[start + 1] === 0x51) {
        if (bytes[start + 2] === 0xc3) throw new RangeError("planted");
        throw new ProtocolError("malformed", "not this one");
      }
    }
    return bytesOf.decode(bytes, start, end);
  },
});

export const target: Target = {
  fuzz: fuzzTarget(planted),
  seeds: () => [Uint8Array.of(1, 2, 3, 4)],
  cases: ["planted"],
};
