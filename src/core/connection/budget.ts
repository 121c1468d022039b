import { type Clock, later } from "../clock.ts";

/** A connection, as its server's budget sees it. */
export interface Charged {
  /** What it costs in memory, in bytes. */
  readonly cost: number;
  /** The budget is exceeded, and this is one of the largest. */
  overBudget(text: string): void;
}

// Connections are closed until this part of the budget is used.
const ENOUGH = 0.9;

/** The memory that the connections of one server may hold together: above it the largest are closed first. */
export class MemoryBudget {
  readonly #most: number;
  readonly #clock: Clock;
  readonly #charged = new Map<Charged, number>();
  #sum = 0;
  #isPlanned = false;

  /**
   * @param most - bytes
   * @param clock - closing happens in its next turn
   */
  constructor(most: number, clock: Clock) {
    this.#most = most;
    this.#clock = clock;
  }

  /** Bytes that all connections hold. */
  get used(): number {
    return this.#sum;
  }

  /** Notes what a connection costs now. */
  update(member: Charged): void {
    const { cost } = member;
    const before = this.#charged.get(member) ?? 0;
    if (cost === before) return;
    this.#charged.set(member, cost);
    this.#sum += cost - before;
    if (this.#sum <= this.#most || this.#isPlanned) return;
    this.#isPlanned = true;
    later(this.#clock, () => this.#enforce());
  }

  /** A connection is over. */
  leave(member: Charged): void {
    this.#sum -= this.#charged.get(member) ?? 0;
    this.#charged.delete(member);
  }

  #enforce(): void {
    this.#isPlanned = false;
    if (this.#sum <= this.#most) return;
    const largest = [...this.#charged].sort(([, a], [, b]) => b - a);
    const sum = this.#sum;
    for (const [member, cost] of largest) {
      if (this.#sum <= ENOUGH * this.#most) return;
      member.overBudget(
        `all connections hold ${sum} bytes, above maxMemory ${this.#most}; this one ${cost}`,
      );
    }
  }
}
