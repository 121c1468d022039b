import { describe, expect, it, vi } from "vitest";
import { Cancel, onAbort } from "../../../src/core/cancel.ts";

describe("onAbort", () => {
  it.each([
    ["AbortController", () => new AbortController()],
    ["Cancel", () => new Cancel()],
  ])("is called when an %s aborts, unless it was stopped", (_, make) => {
    const [first, second] = [make(), make()];
    const run = vi.fn();
    const signalOf = (source: AbortController | Cancel) =>
      source instanceof Cancel ? source : source.signal;
    onAbort(signalOf(first), run);
    const stop = onAbort(signalOf(second), run);
    stop();
    second.abort("stopped");
    expect(run).toHaveBeenCalledTimes(0);
    first.abort("why");
    first.abort("again");
    expect(run).toHaveBeenCalledTimes(1);
    expect(signalOf(first)).toMatchObject({ aborted: true, reason: "why" });
  });

  it("does nothing without a signal", () => {
    const run = vi.fn();
    onAbort(undefined, run)();
    expect(run).not.toHaveBeenCalled();
  });

  it("may stop itself while it runs", () => {
    const source = new Cancel();
    const stop = onAbort(source, () => stop());
    const other = vi.fn();
    onAbort(source, other);
    source.abort(new Error("enough"));
    expect(other).toHaveBeenCalledTimes(1);
  });
});
