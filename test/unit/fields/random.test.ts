import { describe, expect, it } from "vitest";
import { checkSeed, newTally } from "../../support/random-agreement.ts";

const SEEDS = 100;

describe("random descriptions", () => {
  // A million bad inputs: npm run fuzz:fields
  it(`agree in ${SEEDS} cases`, () => {
    const tally = newTally();
    for (let seed = 1; seed <= SEEDS; seed++) checkSeed(seed, tally);
    expect(tally.fields).toBe(SEEDS);
    expect(tally.without).toBeLessThan(SEEDS / 20);
    expect(tally.bad).toBeGreaterThan(SEEDS * 20);
  });
});
