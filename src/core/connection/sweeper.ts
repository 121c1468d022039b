import type { Clock } from "../clock.ts";

/** A member of a {@link Sweeper}. */
export interface Swept {
  /** The shortest of its time limits in ms: the sweeper may be late by a quarter of it, at most a second. */
  readonly shortest: number;
  /**
   * Acts on every deadline that has passed.
   * @returns the next deadline, as the clock's time; Infinity if there is none
   */
  sweep(now: number): number;
}

const LATEST = 1000;

/**
 * One timer for the time limits of many connections, which it checks periodically. So a limit costs a
 * connection only a time stamp, not a timer of its own. Nothing is ever called before its time.
 */
export class Sweeper {
  readonly #clock: Clock;
  readonly #members = new Set<Swept>();
  /** Time at which the timer fires; Infinity without one. */
  #at = Infinity;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Checks a member from now on, at the latest shortly after `deadline`. */
  watch(member: Swept, deadline: number): void {
    this.#members.add(member);
    this.#arm(deadline);
  }

  /** Stops checking it. */
  leave(member: Swept): void {
    this.#members.delete(member);
    if (this.#members.size === 0) this.#disarm();
  }

  #arm(deadline: number): void {
    if (deadline >= this.#at || deadline === Infinity) return;
    this.#disarm();
    this.#at = deadline;
    this.#cancel = this.#clock.after(Math.max(0, deadline - this.#clock.now()), this.#fire);
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#at = Infinity;
  }

  readonly #fire = (): void => {
    this.#cancel = undefined;
    this.#at = Infinity;
    const now = this.#clock.now();
    let next = Infinity;
    let pause = LATEST;
    for (const member of Array.from(this.#members)) {
      if (!this.#members.has(member)) continue;
      next = Math.min(next, member.sweep(now));
      pause = Math.min(pause, member.shortest / 4);
    }
    if (this.#members.size > 0) this.#arm(Math.max(next, now + pause));
  };
}
