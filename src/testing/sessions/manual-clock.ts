import type { Clock } from "../../core/index.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/**
 * A clock that you advance yourself, to test sessions and time limits without waiting.
 *
 * @example
 * ```ts
 * import { ManualClock } from "framewright/testing";
 *
 * const clock = new ManualClock();
 * clock.after(1000, () => console.log("a second later"));
 * clock.advance(999);
 * console.log(clock.now());
 * clock.advance(1);
 * //=> 999
 * //=> a second later
 * ```
 */
export class ManualClock implements Clock {
  #now = 0;
  #timers: readonly Timer[] = [];

  /** Number of milliseconds by which this clock was advanced. */
  now(): number {
    return this.#now;
  }

  /** Runs `run` after `ms` milliseconds; returns a function that cancels it. */
  after(ms: number, run: () => void): () => void {
    const timer: Timer = { at: this.#now + ms, run };
    this.#timers = [...this.#timers, timer];
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Runs `run` in a microtask, without advancing the clock. */
  soon(run: () => void): void {
    void Promise.resolve().then(run);
  }

  /** Number of pending timers. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** Advances the clock by `ms` milliseconds. Timers run in order, each at its time. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= until);
      const next = due.sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers = this.#timers.filter((other) => other !== next);
      next.run();
    }
    this.#now = until;
  }
}
