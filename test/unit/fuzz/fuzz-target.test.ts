import { describe, expect, it } from "vitest";
import { fuzzer, smaller } from "../../fuzz/engine.ts";
import { instrumented } from "../../fuzz/instrument.ts";

describe("fuzzTarget, under our coverage-guided fuzzer", () => {
  it("finds an error that needs three bytes to be right, and makes it small", async () => {
    const { target, counters } = await instrumented("test/unit/fuzz/planted.ts");
    const run = (input: Uint8Array): void => target.fuzz(input);
    const engine = fuzzer({ run, counters, seeds: target.seeds(), seed: 1 });
    let found: unknown;
    // Blind guessing needs 2^24 tries.
    for (let steps = 0; steps < 300_000 && found === undefined; steps++) {
      try {
        engine.step();
      } catch (error) {
        found = error;
      }
    }
    expect(String(found)).toContain("decode throws RangeError");
    const crashes = (input: Uint8Array): boolean => {
      try {
        run(input);
        return false;
      } catch {
        return true;
      }
    };
    expect([...smaller(engine.current, crashes)]).toEqual([0x7e, 0x51, 0xc3]);
  }, 120_000);
});
