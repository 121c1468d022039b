/** The interface of a connection to its server's budget. */
export interface Charged {
  /** Its memory cost in bytes. */
  readonly cost: number;
  /** Called if the budget is exceeded and this connection is one of the largest. */
  overBudget(text: string): void;
}

// Connections are closed until this part of the budget is used.
const ENOUGH = 0.9;

/** The memory that the connections of one server may hold together: above it the largest are closed first. */
export class MemoryBudget {
  readonly #most: number;
  readonly #overhead: number;
  readonly #charged = new Map<Charged, number>();
  #sum = 0;
  #isPlanned = false;

  /**
   * @param most - bytes
   * @param overhead - how much a counted byte takes of the limit, for garbage and gaps between allocations
   */
  constructor(most: number, overhead = 1) {
    this.#most = most;
    this.#overhead = overhead;
  }

  /** Bytes that all connections hold. */
  get used(): number {
    return this.#sum;
  }

  get #taken(): number {
    return this.#sum * this.#overhead;
  }

  /** Records the current cost of a connection. */
  update(member: Charged): void {
    const { cost } = member;
    const before = this.#charged.get(member) ?? 0;
    if (cost === before) return;
    this.#charged.set(member, cost);
    this.#sum += cost - before;
    if (this.#taken <= this.#most || this.#isPlanned) return;
    this.#isPlanned = true;
    // After the current work, but before the transport reads from others.
    void Promise.resolve().then(() => this.#enforce());
  }

  /** Removes a connection that has ended. */
  leave(member: Charged): void {
    this.#sum -= this.#charged.get(member) ?? 0;
    this.#charged.delete(member);
  }

  #enforce(): void {
    this.#isPlanned = false;
    if (this.#taken <= this.#most) return;
    const largest = Array.from(this.#charged).sort(([, a], [, b]) => b - a);
    const sum = Math.round(this.#taken);
    for (const [member, cost] of largest) {
      if (this.#taken <= ENOUGH * this.#most) return;
      member.overBudget(
        `all connections take ${sum} bytes, above maxMemory ${this.#most}; this one holds ${cost}`,
      );
    }
  }
}
