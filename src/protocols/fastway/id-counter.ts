/** Unsigned 32-bit ids, one after the other; 0 and ids that are still in use are skipped. */
export class IdCounter {
  readonly #isUsed: (id: number) => boolean;
  #next: number;

  /**
   * @param first - the first id
   * @param isUsed - is this id somebody's?
   */
  constructor(first: number, isUsed: (id: number) => boolean) {
    this.#next = first;
    this.#isUsed = isUsed;
  }

  next(): number {
    // There are more ids than memory for their owners, so this ends.
    while (this.#next === 0 || this.#isUsed(this.#next)) this.#step();
    const id = this.#next;
    this.#step();
    return id;
  }

  #step(): void {
    this.#next = (this.#next + 1) >>> 0;
  }
}
