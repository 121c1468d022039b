import type { CancelSignal } from "../../core/index.ts";

/** Calls an attempt to connect off. (Not every runtime has an AbortController.) */
export class Cancel implements CancelSignal {
  #listeners: (() => void)[] = [];
  aborted = false;
  reason: unknown;

  addEventListener(_: "abort", listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_: "abort", listener: () => void): void {
    this.#listeners = this.#listeners.filter((other) => other !== listener);
  }

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.#listeners) listener();
  }
}
