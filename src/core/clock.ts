import { now, soon, timers } from "./host.ts";

/** The source of time for sessions and limits: injected, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Runs `run` once, `ms` milliseconds from now. Call the returned function to cancel it. */
  after(ms: number, run: () => void): () => void;
  /**
   * Runs `run` soon, after other pending work: input, other timers.
   * @defaultValue `after(0, run)`
   */
  soon?(run: () => void): void;
}

// The longest delay of setTimeout, about 24 days: it turns a longer one into 1 ms.
const LONGEST = 0x7fff_ffff;

/**
 * The runtime's own clock, which is used if no clock is given. Delays may be of any length; `Infinity` never
 * ends.
 *
 * @throws TypeError from `after` in a runtime without timers: pass a clock there
 */
export const systemClock: Clock = /* @__PURE__ */ Object.freeze({
  now,
  after: (ms: number, run: () => void): (() => void) => {
    if (timers === undefined) throw new TypeError("this runtime has no timers: give a clock");
    let left = ms;
    let timer: unknown;
    const wait = (): void => {
      const part = Math.min(left, LONGEST);
      left -= part;
      timer = timers?.set.call(undefined, left > 0 ? wait : run, part);
    };
    wait();
    return () => timers?.clear.call(undefined, timer);
  },
  soon: runSoon,
});

function runSoon(run: () => void): void {
  if (soon !== undefined) soon(run);
  else void Promise.resolve().then(run);
}

/** Runs something in a later turn by a clock, which may have no `soon` of its own. */
export function later(clock: Clock, run: () => void): void {
  if (clock.soon !== undefined) clock.soon(run);
  else clock.after(0, run);
}
