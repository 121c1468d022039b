import type { Clock } from "../../core/index.ts";

interface Event {
  readonly at: number;
  readonly turn: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** What is to happen, in order of time; a clock whose time passes from one event to the next. */
export class Events implements Clock {
  #now = 0;
  #turn = 0;
  /** A heap: no event is before its parent. */
  readonly #heap: Event[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const event: Event = {
      at: this.#now + Math.max(0, ms),
      turn: this.#turn++,
      run,
      isCancelled: false,
    };
    // What waits for ever is no event.
    if (event.at === Number.POSITIVE_INFINITY) return () => {};
    this.#push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  /** An event of the same instant. */
  soon(run: () => void): void {
    this.after(0, run);
  }

  /** When the next event is; undefined if none is left. */
  get next(): number | undefined {
    while (this.#heap[0]?.isCancelled) this.#pop();
    return this.#heap[0]?.at;
  }

  /** Lets the next event happen. */
  step(): void {
    if (this.next === undefined) return;
    const event = this.#pop();
    this.#now = event.at;
    event.run();
  }

  /** Goes on to a time before which no event is left. */
  skipTo(time: number): void {
    this.#now = Math.max(this.#now, time);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): Event {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.turn < b.turn);
