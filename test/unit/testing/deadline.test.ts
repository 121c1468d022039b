import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { buildSync } from "esbuild";
import { describe, expect, it } from "vitest";
import * as here from "../../../src/testing/deadline.ts";

/** The module in a context of its own, like modules in tests of jest. */
function elsewhere(): typeof here {
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL("../../../src/testing/deadline.ts", import.meta.url))],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "deadline",
    target: "node20",
  });
  const code = `${outputFiles[0]!.text}; deadline`;
  return runInContext(code, createContext({ process })) as typeof here;
}

describe.each([
  ["this context", () => here],
  ["another context", elsewhere],
])("a deadline in %s", (_, load) => {
  const { canInterrupt, neverReturns, OVERDUE, within } = load();

  it("returns what a call returns, and throws what it throws", () => {
    expect(canInterrupt()).toBe(true);
    expect(within(60_000, () => within(60_000, () => 7))).toBe(7);
    const error = new Error("of the call");
    const fails = (): never => {
      throw error;
    };
    expect(() => within(60_000, fails)).toThrow(error);
  });

  it("interrupts a call that never returns", () => {
    const forever = (): void => {
      for (;;);
    };
    expect(within(20, forever)).toBe(OVERDUE);
    expect(neverReturns(20, forever)).toBe(true);
    expect(neverReturns(60_000, () => {})).toBe(false);
  });
});
