import type { Clock } from "../../core/index.ts";

interface Event {
  readonly at: number;
  readonly turn: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Pending events in order of time, and a clock that jumps from one event to the next. */
export class Events implements Clock {
  #now = 0;
  #turn = 0;
  /** A heap: no event is earlier than its parent. */
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
    // A wait without end is not an event.
    if (event.at === Number.POSITIVE_INFINITY) return () => {};
    this.#push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  /** Adds an event at the current time. */
  soon(run: () => void): void {
    this.after(0, run);
  }

  /** Time of the next event, or undefined if no event waits. */
  get next(): number | undefined {
    while (this.#heap[0]?.isCancelled) this.#pop();
    return this.#heap[0]?.at;
  }

  /** Runs the next event. */
  step(): void {
    if (this.next === undefined) return;
    const event = this.#pop();
    this.#now = event.at;
    event.run();
  }

  /** Advances to a time, if no event is before it. */
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
