/** The interface of a connection to its server's budget. */
export interface Charged {
  /** Its memory cost in bytes. */
  readonly cost: number;
  /** The cost that its budget knows; 0 at first. Only the budget changes it. */
  counted: number;
  /** Called if the budget is exceeded and this connection is one of the largest. */
  overBudget(text: string): void;
}

// Connections are closed until this part of the budget is used.
const ENOUGH = 0.9;

/** The memory that the connections of one server may hold together: above it the largest are closed first. */
export class MemoryBudget {
  readonly #most: number;
  readonly #overhead: number;
  readonly #charged = new Set<Charged>();
  /** The members that are counted again, one with each update. */
  #round: Iterator<Charged> = this.#charged.values();
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
    if (!this.#count(member)) return;
    this.#countNext();
    if (this.#taken <= this.#most || this.#isPlanned) return;
    this.#isPlanned = true;
    // After the current work, but before the transport reads from others.
    void Promise.resolve().then(() => this.#enforce());
  }

  /** Counts one more member: transports do not report every byte that they receive or send. */
  #countNext(): void {
    const { done, value } = this.#round.next();
    if (done) this.#round = this.#charged.values();
    else this.#count(value);
  }

  /** Returns true if the cost has changed. */
  #count(member: Charged): boolean {
    const { cost, counted } = member;
    if (cost === counted) return false;
    if (counted === 0) this.#charged.add(member);
    this.#sum += cost - counted;
    member.counted = cost;
    return true;
  }

  /** Removes a connection that has ended. */
  leave(member: Charged): void {
    this.#sum -= member.counted;
    member.counted = 0;
    this.#charged.delete(member);
  }

  #enforce(): void {
    this.#isPlanned = false;
    for (const member of this.#charged) this.#count(member);
    if (this.#taken <= this.#most) return;
    const largest = Array.from(this.#charged).sort((a, b) => b.counted - a.counted);
    const sum = Math.round(this.#taken);
    for (const member of largest) {
      if (this.#taken <= ENOUGH * this.#most) return;
      // Its end may have been caused by that of another one.
      if (!this.#charged.has(member)) continue;
      member.overBudget(
        `all connections take ${sum} bytes, above maxMemory ${this.#most}; this one holds ${member.counted}`,
      );
    }
  }
}
