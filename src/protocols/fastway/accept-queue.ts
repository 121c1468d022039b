import type { CloseInfo } from "../../core/index.ts";

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/** Connections from outside, on their way to whoever iterates: as many as the backlog allows. */
export class Incoming<T> {
  readonly #backlog: number;
  readonly #queue: T[] = [];
  readonly #waiters: Waiter<T>[] = [];
  #end: CloseInfo | undefined;

  constructor(backlog: number) {
    this.#backlog = backlog;
  }

  /** Is there no room for one more? */
  get isFull(): boolean {
    return this.#waiters.length === 0 && this.#queue.length >= this.#backlog;
  }

  add(connection: T): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#queue.push(connection);
    else waiter.resolve({ done: false, value: connection });
  }

  /** No more come. */
  end(info: CloseInfo): void {
    this.#end = info;
    for (const waiter of this.#waiters.splice(0)) this.#settle(waiter);
  }

  iterate(): AsyncIterableIterator<T, undefined> {
    const iterator: AsyncIterableIterator<T, undefined> = {
      next: () =>
        new Promise((resolve, reject) => {
          const waiter = { resolve, reject };
          const connection = this.#queue.shift();
          if (connection !== undefined) resolve({ done: false, value: connection });
          else if (this.#end === undefined) this.#waiters.push(waiter);
          else this.#settle(waiter);
        }),
      return: async () => ({ done: true, value: undefined }),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #settle(waiter: Waiter<T>): void {
    if (this.#end?.by === "error") waiter.reject(this.#end.error);
    else waiter.resolve({ done: true, value: undefined });
  }
}
