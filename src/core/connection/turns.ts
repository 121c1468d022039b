import { type Clock, later } from "../clock.ts";

/** Input whose turn ended before all its messages were delivered. */
export interface TurnTaker {
  /** Length of its turns in milliseconds. */
  readonly turn: number;
  /** Delivers the rest, in a new turn. */
  goOn(now: number): void;
}

/**
 * The turns of all connections that share a clock. They share one allowance for each round of the event loop:
 * however many connections have waiting messages, the event loop returns to its other work after about one
 * turn.
 *
 * ```text
 *   round:   | those who wait: half a turn | chunks that come: until one turn is over | others' work
 *            ^ `soon`                                                                 ^ next `soon`
 * ```
 *
 * Waiting inputs continue in the order in which their turns ended; the first of a round always delivers
 * something. Input with few messages never checks its turn, and so never waits.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #waiting = new Set<TurnTaker>();
  /** Time at which this round's deliveries began; undefined until part of a turn was used. */
  #start: number | undefined;
  #isPlanned = false;
  #isRunning = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Returns true if a turn is over.
   *
   * @param now - the clock's time
   * @param since - now, less the time that this connection used in this round
   * @param turn - its maximum length in ms
   */
  isOver(now: number, since: number, turn: number): boolean {
    if (this.#start === undefined) {
      if (now - since < turn / 8) return false;
      this.#start = since;
      this.#plan();
    }
    return now - this.#start >= (this.#isRunning ? turn / 2 : turn);
  }

  /** True if a moment lies in the current round. */
  isOngoing(since: number): boolean {
    return this.#start !== undefined && since >= this.#start;
  }

  /** Makes the rest wait for a later round. */
  wait(taker: TurnTaker): void {
    this.#waiting.add(taker);
    this.#plan();
  }

  /** Removes an input that has nothing left to deliver. */
  leave(taker: TurnTaker): void {
    this.#waiting.delete(taker);
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    later(this.#clock, this.#go);
  }

  readonly #go = (): void => {
    this.#isPlanned = false;
    this.#start = undefined;
    if (this.#waiting.size === 0) return;
    let now = this.#clock.now();
    this.#start = now;
    this.#isRunning = true;
    try {
      let left = this.#waiting.size;
      for (const taker of this.#waiting) {
        this.#waiting.delete(taker);
        taker.goOn(now);
        if (--left === 0) break;
        now = this.#clock.now();
        if (now - this.#start >= taker.turn / 2) break;
      }
    } finally {
      this.#isRunning = false;
      // Also if nothing waits: the time already used counts until the round is over.
      this.#plan();
    }
  };
}

const turnsOfClocks = /* @__PURE__ */ new WeakMap<Clock, Turns>();

/** The turns of all connections with this clock. */
export function turnsOf(clock: Clock): Turns {
  let turns = turnsOfClocks.get(clock);
  if (turns === undefined) {
    turns = new Turns(clock);
    turnsOfClocks.set(clock, turns);
  }
  return turns;
}
