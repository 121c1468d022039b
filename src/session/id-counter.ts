import { checkInteger, checkOptions } from "../core/index.ts";

/**
 * Numbers for requests, connections or clients. They count up, start again at 1 after the largest one, and
 * skip numbers that are in use. 0 is never returned, because most protocols use it for "no number".
 *
 * @example
 * ```ts
 * import { IdCounter } from "framewright/session";
 *
 * const open = new Set([1, 255]);
 * const ids = new IdCounter({ first: 254, last: 255, isUsed: (id) => open.has(id) });
 * console.log(ids.next(), ids.next());
 * //=> 254 2
 * ```
 */
export class IdCounter {
  readonly #isUsed: (id: number) => boolean;
  readonly #last: number;
  #next: number;

  /**
   * @param options - `first`: the first number; `last`: the largest number; `isUsed`: returns true for a
   *   number in use
   * @defaultValue first 1, last 4 294 967 295, isUsed none
   * @throws RangeError unless `last` is a positive integer and `first` an integer from 0 to `last`
   */
  constructor(
    options: {
      readonly first?: number | undefined;
      readonly last?: number | undefined;
      readonly isUsed?: ((id: number) => boolean) | undefined;
    } = {},
  ) {
    checkOptions("IdCounter", options, ["first", "last", "isUsed"]);
    const { first = 1, last = 0xffff_ffff, isUsed = () => false } = options;
    checkInteger("last", last, 1);
    checkInteger("first", first, 0, last);
    this.#next = first;
    this.#last = last;
    this.#isUsed = isUsed;
  }

  /** Returns the next free number. At least one must be free: keep fewer in use than there are numbers. */
  next(): number {
    while (this.#next === 0 || this.#isUsed(this.#next)) this.#step();
    const id = this.#next;
    this.#step();
    return id;
  }

  #step(): void {
    this.#next = this.#next < this.#last ? this.#next + 1 : 1;
  }
}
