import type { Clock } from "./clock.ts";

/**
 * Calls `expired` once nothing was heard for `ms` milliseconds. Hearing something only notes the time: there is
 * one timer at a time, set anew when it fires too early.
 */
export class Watchdog {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #expired: () => void;
  #heard: number;
  #cancel: () => void;

  constructor(clock: Clock, ms: number, expired: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#expired = expired;
    this.#heard = clock.now();
    this.#cancel = clock.after(ms, this.#check);
  }

  /** Something was heard: the time starts anew. */
  heard(): void {
    this.#heard = this.#clock.now();
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#cancel();
  }

  readonly #check = (): void => {
    const left = this.#heard + this.#ms - this.#clock.now();
    if (left > 0) this.#cancel = this.#clock.after(left, this.#check);
    else this.#expired();
  };
}
