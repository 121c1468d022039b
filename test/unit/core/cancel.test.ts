import { describe, expect, it, vi } from "vitest";
import { Cancel, newCancel, onAbort } from "../../../src/core/cancel.ts";

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

  it("adds one listener to a signal for any number of functions, and removes it with the last", () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, "addEventListener");
    const remove = vi.spyOn(signal, "removeEventListener");
    const run = vi.fn();
    const stops = Array.from({ length: 50 }, () => onAbort(signal, run));
    expect(add).toHaveBeenCalledTimes(1);
    for (const stop of stops) {
      stop();
      stop();
    }
    expect(remove).toHaveBeenCalledTimes(1);
    onAbort(signal, run);
    expect(add).toHaveBeenCalledTimes(2);
  });

  it("calls all functions if one throws, but none that was stopped meanwhile", () => {
    const source = new Cancel();
    const error = new Error("one of them");
    const [first, last] = [vi.fn(), vi.fn()];
    let stopLast = (): void => {};
    onAbort(source, () => {
      stopLast();
      throw error;
    });
    onAbort(source, first);
    stopLast = onAbort(source, last);
    expect(() => source.abort("why")).toThrow(error);
    expect([first.mock.calls.length, last.mock.calls.length]).toEqual([1, 0]);
  });

  it("throws the first error if several functions throw", () => {
    const source = new Cancel();
    for (const text of ["one", "two"]) {
      onAbort(source, () => {
        throw new Error(text);
      });
    }
    expect(() => source.abort("why")).toThrow("one");
  });
});

describe("Cancel", () => {
  it("calls its listeners once, with the first reason, save those that were removed", () => {
    const cancel = new Cancel();
    const [first, removed] = [vi.fn(), vi.fn()];
    cancel.addEventListener("abort", first);
    cancel.addEventListener("abort", removed);
    cancel.removeEventListener("abort", removed);
    expect([cancel.aborted, cancel.reason]).toEqual([false, undefined]);
    cancel.abort("why");
    cancel.abort("again");
    expect([first.mock.calls.length, removed.mock.calls.length]).toEqual([1, 0]);
    expect([cancel.aborted, cancel.reason]).toEqual([true, "why"]);
  });
});

describe("newCancel", () => {
  it("makes a signal of the runtime", () => {
    const { signal, abort } = newCancel();
    expect(signal).toBeInstanceOf(AbortSignal);
    expect(signal.aborted).toBe(false);
    expect(typeof abort).toBe("function");
  });
});
