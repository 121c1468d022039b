import type { Clock } from "../../core/index.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/**
 * A clock that goes on only when told to: what sessions and time limits are tested with, without waiting.
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

  /** Milliseconds that this clock was advanced by. */
  now(): number {
    return this.#now;
  }

  /** Runs `run` once `ms` milliseconds have been advanced; the answer calls it off. */
  after(ms: number, run: () => void): () => void {
    const timer: Timer = { at: this.#now + ms, run };
    this.#timers = [...this.#timers, timer];
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Runs `run` in a microtask: turns take no time here. */
  soon(run: () => void): void {
    void Promise.resolve().then(run);
  }

  /** Number of timers that wait. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** Lets `ms` milliseconds pass; timers run in order, each at its time. */
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
