import { abortController } from "./host.ts";

/** An `AbortSignal`, or a compatible object in runtimes without one. */
export interface CancelSignal {
  /** True once it was aborted. */
  readonly aborted: boolean;
  /** The reason. */
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** The functions to call for each signal, and the one listener that calls them. */
interface Group {
  readonly runs: Set<() => void>;
  readonly listener: () => void;
}

const groups = /* @__PURE__ */ new WeakMap<CancelSignal, Group>();

/**
 * Calls `run` when a signal is aborted from now on. A signal gets one listener, however many connections share it:
 * Node prints a warning for the eleventh.
 *
 * @returns a function that stops that; call it when the work is done, because a signal may outlive it
 */
export function onAbort(signal: CancelSignal | undefined, run: () => void): () => void {
  if (signal === undefined) return () => {};
  const group = groups.get(signal) ?? newGroup(signal);
  // The same function may be added twice.
  const own = (): void => run();
  group.runs.add(own);
  return () => {
    if (!group.runs.delete(own) || group.runs.size > 0) return;
    signal.removeEventListener("abort", group.listener);
    if (groups.get(signal) === group) groups.delete(signal);
  };
}

function newGroup(signal: CancelSignal): Group {
  const runs = new Set<() => void>();
  const listener = (): void => {
    let failure: { readonly error: unknown } | undefined;
    for (const run of Array.from(runs)) {
      // Stopped by a function that ran before.
      if (!runs.has(run)) continue;
      try {
        run();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  };
  const group = { runs, listener };
  groups.set(signal, group);
  signal.addEventListener("abort", listener);
  return group;
}

/** A signal with a function that aborts it. */
export interface CancelSource {
  readonly signal: CancelSignal;
  abort(reason: unknown): void;
}

/** Makes a signal: the runtime's own if it has one. */
export function newCancel(): CancelSource {
  if (abortController !== undefined) return new abortController();
  const signal = new Cancel();
  return { signal, abort: (reason) => signal.abort(reason) };
}

/** A signal with its own `abort`: an `AbortController` for runtimes without one. */
export class Cancel implements CancelSignal {
  readonly #listeners = new Set<() => void>();
  aborted = false;
  reason: unknown;

  addEventListener(_: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  /** Aborts once: later calls change nothing. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const listener of Array.from(this.#listeners)) listener();
  }
}
