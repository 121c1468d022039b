import { abortController } from "./host.ts";

/** An `AbortSignal`, or a compatible object in runtimes without one. */
export interface CancelSignal {
  /** True once it was aborted. */
  readonly aborted: boolean;
  /** Why. */
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/**
 * Calls `run` when a signal is aborted from now on.
 *
 * @returns what stops that; call it when the work is done, because a signal may outlive it
 */
export function onAbort(signal: CancelSignal | undefined, run: () => void): () => void {
  signal?.addEventListener("abort", run);
  return () => signal?.removeEventListener("abort", run);
}

/** A signal, and what aborts it. */
export interface CancelSource {
  readonly signal: CancelSignal;
  abort(reason: unknown): void;
}

/** Makes a signal: the runtime's own if it has any. */
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
    for (const listener of [...this.#listeners]) listener();
  }
}
