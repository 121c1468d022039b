/** A queue that members can leave from any position, in constant time. */
export class Line<T> {
  /**
   * By ticket. Not a Set: finding its first member takes time in proportion to the members that have left.
   */
  readonly #members = new Map<number, T>();
  #first = 0;
  #next = 0;

  get size(): number {
    return this.#members.size;
  }

  /** The member that has waited longest; undefined if the queue is empty. */
  get first(): T | undefined {
    if (this.#members.size === 0) this.#first = this.#next;
    while (this.#first < this.#next && !this.#members.has(this.#first)) this.#first++;
    return this.#members.get(this.#first);
  }

  /** Adds a member, and returns its ticket. */
  add(member: T): number {
    this.#members.set(this.#next, member);
    return this.#next++;
  }

  leave(ticket: number): void {
    this.#members.delete(ticket);
  }

  /** Empties the queue, and returns its members in order. */
  clear(): T[] {
    const all = Array.from(this.#members.values());
    this.#members.clear();
    return all;
  }
}
