import { checkLimit, checkOptions, isThenable } from "../core/index.ts";

/** The part of a connection that {@link Calls} uses. */
export interface CallsConnection {
  hold(cost: number): () => void;
  failed(error: unknown): void;
}

/** Options for {@link Calls}. */
export interface CallsOptions<Call> {
  /** The connection that the calls came from. */
  readonly connection: CallsConnection;

  /** Runs one call; the next ones may run before its promise settles. */
  run(call: Call): unknown;

  /**
   * Maximum number of calls that run at the same time.
   * @defaultValue 64
   */
  readonly concurrency?: number | undefined;
}

const CONCURRENCY = 64;
/**
 * The queue cost of a call, in bytes: arguments, the promise of its handler, and its place in the queue.
 */
const COST = 512;

interface Waiting<Call> {
  readonly call: Call;
  readonly release: () => void;
}

/**
 * Runs the calls that a peer makes, at most `concurrency` at a time, for protocols with calls and answers
 * in both directions. Your `message` handler adds calls to this queue and resolves pending requests with
 * answers immediately. So a call may itself call the peer and wait for the answer, even if many calls are
 * queued.
 *
 * Calls start in order. Queued and running calls count toward the connection's `maxQueued`, and keep our
 * side open after the peer's end. An error that `run` throws or rejects with is treated as if `message` had
 * thrown it.
 *
 * @example
 * ```ts
 * import { Connection, encodeFrame, json, lines } from "framewright";
 * import { Calls } from "framewright/session";
 *
 * const protocol = lines().wrap(json<number>());
 * const sink = { boundary: "stream", write: () => true, pause() {}, resume() {}, close() {}, abort() {} } as const;
 * const log: string[] = [];
 * const connection: Connection<number> = new Connection<number>(protocol, sink, {
 *   message: (_, call) => calls.add(call),
 * });
 * const calls = new Calls<number>({
 *   connection,
 *   concurrency: 1,
 *   async run(call) {
 *     log.push(`begin ${call}`);
 *     await Promise.resolve();
 *     log.push(`end ${call}`);
 *   },
 * });
 * connection.opened();
 * for (const call of [1, 2]) connection.received(encodeFrame(protocol, call));
 * await new Promise((resolve) => setTimeout(resolve));
 * console.log(log.join(", "));
 * //=> begin 1, end 1, begin 2, end 2
 * ```
 */
export class Calls<Call> {
  readonly #connection: CallsConnection;
  readonly #run: (call: Call) => unknown;
  readonly #concurrency: number;
  readonly #queue: Waiting<Call>[] = [];
  #head = 0;
  #running = 0;
  #isStarting = false;

  /** @throws RangeError unless `concurrency` is at least 1; TypeError for an unknown option */
  constructor(options: CallsOptions<Call>) {
    checkOptions("Calls", options, ["connection", "concurrency", "run"]);
    const { concurrency = CONCURRENCY } = options;
    checkLimit("concurrency", concurrency);
    if (concurrency < 1) throw new RangeError(`concurrency must be at least 1, not ${concurrency}`);
    this.#connection = options.connection;
    this.#run = (call) => options.run(call);
    this.#concurrency = concurrency;
  }

  /** Number of calls that wait for their turn. */
  get waiting(): number {
    return this.#queue.length - this.#head;
  }

  /** Number of calls with a pending promise. */
  get running(): number {
    return this.#running;
  }

  /**
   * Runs a call now, or once a running call has ended.
   *
   * @param cost - bytes that the call counts as while it waits or runs
   * @defaultValue cost 512
   */
  add(call: Call, cost: number = COST): void {
    this.#queue.push({ call, release: this.#connection.hold(cost) });
    this.#start();
  }

  /** Drops the waiting calls: use it when the connection is over. */
  clear(): void {
    for (const { release } of this.#queue.splice(this.#head)) release();
    this.#queue.length = 0;
    this.#head = 0;
  }

  #start(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    while (this.#running < this.#concurrency && this.#head < this.#queue.length) {
      const next = this.#queue[this.#head++]!;
      // Half of it is consumed: moving the rest to the front costs no more than the pushes did.
      if (2 * this.#head >= this.#queue.length) {
        this.#queue.splice(0, this.#head);
        this.#head = 0;
      }
      this.#begin(next);
    }
    this.#isStarting = false;
  }

  #begin({ call, release }: Waiting<Call>): void {
    let result: unknown;
    try {
      result = this.#run(call);
    } catch (error) {
      this.#connection.failed(error);
    }
    if (!isThenable(result)) {
      release();
      return;
    }
    this.#running++;
    const ended = (): void => {
      this.#running--;
      release();
      this.#start();
    };
    Promise.resolve(result).then(ended, (error) => {
      this.#connection.failed(error);
      ended();
    });
  }
}
