import { expect } from "vitest";
import type { Network } from "../../src/testing/index.ts";

/** No timer runs on this network any more, and nothing is on its way. */
export async function expectNothingLeft(network: Network): Promise<void> {
  const now = network.clock.now();
  const never = network.settle(new Promise<never>(() => {}), Number.MAX_SAFE_INTEGER);
  await expect(never).rejects.toThrow("no events are left");
  // Otherwise time would have passed until it happened.
  expect(network.clock.now()).toBe(now);
}
