import { describe, test } from "vitest";
import type { Law } from "../../src/testing/index.ts";

/** Every law as a test of its own, under the name of what must keep it. */
export function keeps(name: string, promised: readonly Law[]): void {
  describe(name, () => {
    for (const law of promised) test(law.name, law.check);
  });
}
