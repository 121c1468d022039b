interface Waiter<T> {
  /** The iterator whose `next()` this is. */
  readonly asker: object;
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/**
 * A queue that is read by async iterators. A pushed value goes to the `next()` that has waited longest;
 * without one it is kept. Several iterators share the values, in the order of their calls of `next()`.
 *
 * A producer that makes values on demand does not push until `isAwaited`: `iterate(asked)` calls it after each
 * `next()` that finds nothing.
 *
 * @example
 * ```ts no-check
 * const queue = new AsyncQueue<string>();
 * queue.push("a");
 * queue.end();
 * for await (const value of queue.iterate()) console.log(value); // a
 * ```
 * @internal
 */
export class AsyncQueue<T> {
  readonly #values: T[] = [];
  readonly #waiters: Waiter<T>[] = [];
  /** Iterators that are not done. */
  readonly #iterators = new Set<object>();
  #isEnded = false;
  #hasFailed = false;
  /** The error of `fail`, until a `next()` was rejected with it. */
  #untold: { readonly error: unknown } | undefined;

  /** Number of values that are kept. */
  get size(): number {
    return this.#values.length;
  }

  /**
   * True while an iterator that has called `next()` has neither reported that the queue is done, nor
   * returned.
   */
  get isIterated(): boolean {
    return this.#iterators.size > 0;
  }

  /** True while a `next()` waits: the next pushed value goes to it. */
  get isAwaited(): boolean {
    return this.#waiters.length > 0;
  }

  /** Delivers one value to the `next()` that has waited longest, or keeps it. */
  push(value: T): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#values.push(value);
    else waiter.resolve({ done: false, value });
  }

  /**
   * Ends the queue: every `next()` that waits is done, and later ones are once nothing is kept. A value that is
   * pushed afterwards is still delivered to a later `next()`.
   */
  end(): void {
    this.#isEnded = true;
    this.#settle();
  }

  /**
   * Ends the queue with an error. The first `next()` that finds nothing is rejected with it, later ones are done.
   * Only the first error counts.
   */
  fail(error: unknown): void {
    if (!this.#hasFailed) {
      this.#hasFailed = true;
      this.#untold = { error };
    }
    this.end();
  }

  /**
   * Returns an iterator over the values. Its `return()` settles each of its pending `next()` as done; no value is
   * lost, and the iterator can be used again.
   *
   * @param asked - called when a `next()` finds no value and begins to wait; it may push, end or fail. If it
   *   throws, that `next()` is rejected with the error
   * @param left - called when the iterator is done or was returned
   */
  iterate(asked?: () => void, left?: () => void): AsyncIterableIterator<T, undefined> {
    const iterator: AsyncIterableIterator<T, undefined> = {
      next: () =>
        new Promise((resolve, reject) => {
          this.#ask(iterator, resolve, reject, asked);
          if (!this.#iterators.has(iterator)) left?.();
        }),
      return: async () => {
        this.#leave(iterator);
        left?.();
        return done();
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #ask(
    asker: object,
    resolve: Waiter<T>["resolve"],
    reject: Waiter<T>["reject"],
    asked: (() => void) | undefined,
  ): void {
    if (this.#values.length > 0) {
      resolve({ done: false, value: this.#values.shift()! });
      return;
    }
    const waiter = { asker, resolve, reject };
    this.#waiters.push(waiter);
    this.#iterators.add(asker);
    try {
      asked?.();
    } catch (error) {
      const at = this.#waiters.indexOf(waiter);
      if (at >= 0) this.#waiters.splice(at, 1);
      this.#iterators.delete(asker);
      reject(error);
    }
    if (this.#isEnded) this.#settle();
  }

  /** No more values: every waiter is done, except the first one if an error is still to be reported. */
  #settle(): void {
    for (const waiter of this.#waiters.splice(0)) {
      this.#iterators.delete(waiter.asker);
      const untold = this.#untold;
      this.#untold = undefined;
      if (untold === undefined) waiter.resolve(done());
      else waiter.reject(untold.error);
    }
  }

  #leave(asker: object): void {
    this.#iterators.delete(asker);
    for (let at = this.#waiters.length - 1; at >= 0; at--) {
      if (this.#waiters[at]!.asker !== asker) continue;
      this.#waiters.splice(at, 1)[0]!.resolve(done());
    }
  }
}

const done = (): IteratorResult<never, undefined> => ({ done: true, value: undefined });
