import fc from "fast-check";
import { encodeFrame } from "framewright";
import type { Explainable } from "framewright/inspect";
import { describe, it } from "vitest";
import { checkExplained } from "../../support/explained.ts";
import { READY } from "../trust/ready.ts";

/* Whatever the protocol and the bytes: all of them are shown, and value and error are those of decode. */

describe("explain covers every ready protocol", () => {
  for (const { name, protocol, values } of READY) {
    it(`${name}: parts without gaps, value and error of decode`, () => {
      const check = (bytes: Uint8Array): void => {
        checkExplained(protocol as Explainable, protocol, bytes);
      };
      const frames = values.map((value) => encodeFrame(protocol, value as never).slice());
      for (const frame of frames) {
        check(frame);
        check(Uint8Array.of(...frame, ...frame));
        const step = Math.ceil(frame.length / 30);
        for (let at = 0; at < frame.length; at += step) {
          check(frame.subarray(0, at));
          check(frame.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte)));
          check(frame.map((byte, i) => (i === at ? 255 : byte)));
        }
      }
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 24 }), (junk) => {
          check(junk);
          for (const frame of frames.slice(0, 1)) check(Uint8Array.of(...frame, ...junk));
        }),
        { numRuns: 20 },
      );
    });
  }
});
