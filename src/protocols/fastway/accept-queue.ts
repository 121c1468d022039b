import { AsyncQueue, type CloseInfo } from "../../core/index.ts";

/** Queue of incoming connections that wait to be iterated, at most `backlog`. */
export class AcceptQueue<T> {
  readonly #backlog: number;
  readonly #queue: AsyncQueue<T> = new AsyncQueue();

  constructor(backlog: number) {
    this.#backlog = backlog;
  }

  /** True if there is no room for one more. */
  get isFull(): boolean {
    return !this.#queue.isAwaited && this.#queue.size >= this.#backlog;
  }

  add(connection: T): void {
    this.#queue.push(connection);
  }

  /** Ends the queue. */
  end(info: CloseInfo): void {
    if (info.by === "error") this.#queue.fail(info.error);
    else this.#queue.end();
  }

  iterate(): AsyncIterableIterator<T, undefined> {
    return this.#queue.iterate();
  }
}
