import { now, timers } from "./host.ts";

/** Where sessions and time limits take their time from: injected, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Runs `run` once, `ms` milliseconds from now; the answer calls it off. */
  after(ms: number, run: () => void): () => void;
}

/**
 * The runtime's own clock: what is used where no clock is given.
 *
 * @throws TypeError from `after` in a runtime without timers: give a clock there
 */
export const systemClock: Clock = /* @__PURE__ */ Object.freeze({
  now,
  after: (ms: number, run: () => void): (() => void) => {
    if (timers === undefined) throw new TypeError("this runtime has no timers: give a clock");
    const timer = timers.set.call(undefined, run, ms);
    return () => timers?.clear.call(undefined, timer);
  },
});
