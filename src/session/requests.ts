import {
  type CancelSignal,
  type Clock,
  checkInteger,
  checkLimit,
  checkLimits,
  checkOptions,
  guard,
  isThenable,
  markReported,
  onAbort,
  systemClock,
  type Trace,
  type TraceEvent,
  teller,
  timers,
} from "../core/index.ts";
import { IdCounter } from "./id-counter.ts";
import { Line } from "./line.ts";
import { noteSent, RequestError } from "./request-error.ts";

/** Options for {@link Requests}. Times are in milliseconds. */
export interface RequestsOptions<Reply> {
  /**
   * How answers are matched to requests. `'count'`: requests are numbered, and answers carry the number, in
   * any order. `'fifo'`: answers arrive in the order of the requests.
   * @defaultValue `'count'`
   */
  readonly ids?: "count" | "fifo" | undefined;

  /**
   * Largest number; after it, numbers start again at 1 and skip those in use.
   * @defaultValue 2 147 483 647
   */
  readonly maxId?: number | undefined;

  /**
   * Time limit of a request, from the call of `ask`; 0 or Infinity: no limit.
   * @defaultValue 30 000, or no limit in a runtime without timers
   */
  readonly timeout?: number | undefined;

  /**
   * Maximum number of requests that wait for an answer or wait to be sent; another one is rejected with
   * `overflow`.
   * @defaultValue 1024
   */
  readonly maxPending?: number | undefined;

  /**
   * Maximum number of requests that are sent and unanswered; more wait. An abandoned request keeps its
   * place until its answer, or the answer to a later request, arrives.
   * @defaultValue no limit
   */
  readonly maxInFlight?: number | undefined;

  /**
   * Called with an answer that no request waits for.
   *
   * @param id - `'count'`: the number passed to `answer`; `'fifo'`: the number of the abandoned request,
   *   undefined if there was no request
   * @param reply - the answer
   */
  readonly unmatched?: ((id: unknown, reply: Reply) => unknown) | undefined;

  /**
   * Called with the events of each request: `asked`, `answered`, `unanswered`.
   * @defaultValue none
   */
  readonly trace?: Trace | undefined;

  /**
   * Name for `trace`, for example that of the protocol.
   * @defaultValue `'requests'`
   */
  readonly name?: string | undefined;

  /** Returns the connection that carries the requests, for `trace`. */
  readonly connection?: (() => TraceEvent["connection"]) | undefined;

  /**
   * The clock for timeouts.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
}

/** Why a request is rejected: the input of a custom error. */
export interface RequestFailure {
  readonly code: "timeout" | "closed" | "overflow";
  readonly text: string;
  /** Number of the request; undefined if it was not sent. */
  readonly id: number | undefined;
  /** True if the request was sent. */
  readonly sent: boolean;
  readonly cause: unknown;
}

/** Options for one request. */
export interface AskOptions<Reply, Result = Reply> {
  /** Overrides the option `timeout` of {@link Requests}. */
  readonly timeout?: number | undefined;
  /** Abandons the request: its promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
  /**
   * For requests of the session itself, for example a login: sent before all waiting requests, even while
   * requests are paused, and not counted by `maxPending`.
   * @defaultValue false
   */
  readonly urgent?: boolean | undefined;
  /** Returns false for an answer with the right number that does not belong to this request. */
  readonly accept?: ((reply: Reply) => boolean) | undefined;
  /**
   * Turns the answer into the result, before `answer` returns; an error that it throws rejects the request.
   */
  readonly read?: ((reply: Reply, id: number) => Result) | undefined;
  /** Makes the error for a timeout, a closed connection, or too many requests. */
  readonly error?: ((failure: RequestFailure) => unknown) | undefined;
}

const ASK_OPTIONS = ["timeout", "signal", "urgent", "accept", "read", "error"];

interface Entry<Reply> {
  readonly send: (id: number) => unknown;
  /** True if there is no answer: the request is done once it was sent. */
  readonly isOneWay: boolean;
  readonly options: AskOptions<Reply, unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** The queue that holds it: waiting requests, or sent ones. */
  line: Line<Entry<Reply>>;
  ticket: number;
  /** Undefined until the request is sent. */
  id: number | undefined;
  /** The time of sending, for a trace. */
  sentAt: number;
  isGivenUp: boolean;
  stopTimer: () => void;
  stopListening: () => void;
}

const MAX_ID = 0x7fff_ffff;

const OPTIONS = [
  ...["ids", "maxId", "timeout", "maxPending", "maxInFlight", "unmatched", "clock"],
  ...["trace", "name", "connection"],
];

/**
 * Pending requests of one side of a connection: numbers, timeouts, signals and limits, without I/O. `ask`
 * sends a request with your function and returns a promise; your `message` handler passes answers to
 * `answer`.
 *
 * A request is sent at most once. It is rejected with a {@link RequestError} (`timeout`, `closed`,
 * `overflow`), the signal's reason, or the error that `send` threw; {@link wasSent} tells if it was sent.
 * Call `end` when the input ends, so that no request waits for a peer that sends no more:
 * `connection.onInputEnd((error) => requests.end(error))`.
 *
 * @example
 * ```ts
 * import { Requests } from "framewright/session";
 *
 * const requests = new Requests<string>({ timeout: 5000 });
 * const asked = requests.ask((id) => console.log(`request ${id} goes out`));
 * requests.answer(1, "42");
 * console.log(await asked);
 * //=> request 1 goes out
 * //=> 42
 * ```
 */
export class Requests<Reply = unknown> {
  readonly #options: RequestsOptions<Reply>;
  readonly #isFifo: boolean;
  readonly #timeout: number;
  readonly #maxPending: number;
  /** True if an abandoned request keeps its place. */
  readonly #keepsPlaces: boolean;
  /** Maximum number of requests in flight. */
  readonly #room: number;
  readonly #clock: Clock;
  readonly #tell: ReturnType<typeof teller>;
  readonly #urgent = new Line<Entry<Reply>>();
  readonly #waiting = new Line<Entry<Reply>>();
  /** In the order of sending. */
  readonly #sent = new Line<Entry<Reply>>();
  readonly #byId = new Map<number, Entry<Reply>>();
  /** Number of sent requests that were abandoned. */
  #givenUp = 0;
  #ids: IdCounter;
  #isPaused = false;
  #isPumping = false;
  #ended: { readonly cause: unknown } | undefined;

  /**
   * @param options - how answers are matched to requests, and limits
   * @throws RangeError for an invalid limit; TypeError for an unknown option, or an `ids` other than `'count'` and `'fifo'`
   */
  constructor(options: RequestsOptions<Reply> = {}) {
    checkOptions("Requests", options, OPTIONS);
    checkLimits(options, "timeout", "maxPending");
    const { ids = "count", maxInFlight = Infinity, maxId = MAX_ID, clock } = options;
    if (ids !== "count" && ids !== "fifo") throw new TypeError('ids must be "count" or "fifo"');
    if (maxInFlight !== Infinity) checkInteger("maxInFlight", maxInFlight, 1);
    const hasTime = clock !== undefined || timers !== undefined;
    this.#options = options;
    this.#isFifo = ids === "fifo";
    this.#timeout = options.timeout ?? (hasTime ? 30_000 : 0);
    this.#maxPending = options.maxPending ?? 1024;
    this.#keepsPlaces = ids === "fifo" || maxInFlight !== Infinity;
    this.#room = Math.min(maxInFlight, maxId);
    this.#clock = clock ?? systemClock;
    this.#ids = this.#newIds();
    const { trace, name = "requests", connection } = options;
    this.#tell = teller({ trace, name, connection, clock: this.#clock });
  }

  /** Number of requests that wait for an answer or wait to be sent. */
  get pending(): number {
    return this.#urgent.size + this.#waiting.size + this.#sent.size - this.#givenUp;
  }

  /**
   * Number of requests that were sent and not answered, including abandoned ones that keep their places.
   */
  get inFlight(): number {
    return this.#sent.size;
  }

  /**
   * True if the oldest request in flight was abandoned: later `'fifo'` requests wait until its answer
   * arrives.
   */
  get isStalled(): boolean {
    return this.#sent.first?.isGivenUp === true;
  }

  /**
   * Sends a request as soon as there is room for it and requests are not paused.
   *
   * @param send - writes the request with its number; may return a promise
   * @param options - `timeout`, `signal`, and how the answer is read
   * @returns the answer, or the result of `read`
   */
  ask<Result = Reply>(
    send: (id: number) => unknown,
    options: AskOptions<Reply, Result> = {},
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      checkOptions("ask", options, ASK_OPTIONS);
      const { timeout = this.#timeout, signal, urgent = false } = options;
      checkLimit("timeout", timeout);
      const entry: Entry<Reply> = {
        send,
        isOneWay: false,
        options,
        resolve: resolve as (result: unknown) => void,
        reject,
        line: urgent ? this.#urgent : this.#waiting,
        ticket: -1,
        id: undefined,
        sentAt: 0,
        isGivenUp: false,
        stopTimer: () => {},
        stopListening: () => {},
      };
      if (signal?.aborted) throw noteSent(signal.reason, false);
      if (this.#ended !== undefined) throw this.#closed(entry, this.#ended.cause);
      const count = this.#waiting.size + this.#sent.size;
      if (!urgent && count >= this.#maxPending) {
        const text = `${count} requests wait, maxPending is ${this.#maxPending}`;
        throw this.#error(entry, "overflow", text);
      }
      if (timeout > 0 && timeout !== Infinity) {
        entry.stopTimer = this.#clock.after(timeout, () => {
          const what = entry.id === undefined ? "not sent" : "no answer";
          this.#giveUp(entry, this.#error(entry, "timeout", `${what} within ${timeout} ms`));
        });
      }
      entry.stopListening = onAbort(signal, () => this.#giveUp(entry, signal?.reason));
      entry.ticket = entry.line.add(entry);
      this.#pump();
    });
  }

  /**
   * Sends a message that has no answer: immediately, or in order with the requests while those are paused.
   *
   * @param send - writes the message
   * @returns the result of `send`, if it is a boolean; true while the message waits; false if nothing is
   *   sent, because `end` was called or `maxPending` requests and messages wait
   */
  notify(send: () => unknown): boolean {
    if (this.#ended !== undefined) return false;
    if (!this.#isPaused) return send() !== false;
    if (this.pending >= this.#maxPending) return false;
    const entry: Entry<Reply> = {
      ...{ send, isOneWay: true, options: {}, resolve: () => {}, reject: () => {} },
      ...{ line: this.#waiting, ticket: -1, id: undefined, sentAt: 0, isGivenUp: false },
      ...{ stopTimer: () => {}, stopListening: () => {} },
    };
    entry.ticket = this.#waiting.add(entry);
    return true;
  }

  /**
   * Reserves the next number without a request, for a one-way message that carries a number.
   *
   * @throws RequestError `overflow` if all are in use
   */
  nextId(): number {
    if (this.#sent.size >= (this.#options.maxId ?? MAX_ID)) {
      const text = `all numbers are in use by ${this.#sent.size} requests`;
      throw new RequestError("overflow", text, false);
    }
    return this.#ids.next();
  }

  /**
   * Delivers an answer.
   *
   * @param id - number of the answered request; `'fifo'`: undefined or 0 for the oldest request
   * @param reply - the answer
   * @returns true if it belongs to a request, including an abandoned one that kept its place
   */
  answer(id: unknown, reply: Reply): boolean {
    const entry = this.#find(id);
    const isOurs = entry !== undefined && (entry.options.accept?.(reply) ?? true);
    if (!isOurs) {
      this.#options.unmatched?.(this.#isFifo ? undefined : id, reply);
      return false;
    }
    this.#free(entry);
    if (!entry.isGivenUp) {
      this.#settle(entry, () => {
        this.#tellAnswered(entry, undefined);
        const { read } = entry.options;
        entry.resolve(read === undefined ? reply : read(reply, entry.id!));
      });
    }
    this.#pump();
    if (entry.isGivenUp) this.#options.unmatched?.(this.#isFifo ? entry.id : id, reply);
    return true;
  }

  /**
   * Rejects a request after an error answer of the peer.
   *
   * @param id - as for `answer`
   * @param error - the reason of the rejection
   * @returns true if it belongs to a request, including an abandoned one that kept its place
   */
  fail(id: unknown, error: unknown): boolean {
    const entry = this.#find(id);
    if (entry === undefined) return false;
    this.#free(entry);
    if (!entry.isGivenUp) {
      this.#tellAnswered(entry, error);
      this.#settle(entry, () => entry.reject(noteSent(error, true)));
    }
    this.#pump();
    return true;
  }

  /** Makes requests wait until `resume`: for the time before the connection is open. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Sends the waiting requests. */
  resume(): void {
    this.#isPaused = false;
    this.#pump();
  }

  /**
   * Rejects sent requests with `closed`, and pauses: for a lost connection that will be replaced. Unsent
   * requests wait for the next connection, and numbers start at 1 again.
   *
   * @param cause - why the connection ended
   */
  interrupt(cause?: unknown): void {
    this.#isPaused = true;
    const lost = [...this.#urgent.clear(), ...this.#clearSent()];
    this.#ids = this.#newIds();
    this.#rejectAll(lost, cause);
  }

  /**
   * Rejects everything with `closed`, including later requests.
   *
   * @param cause - why the connection ended
   */
  end(cause?: unknown): void {
    this.#ended ??= { cause };
    const lost = [...this.#urgent.clear(), ...this.#clearSent(), ...this.#waiting.clear()];
    this.#rejectAll(lost, cause);
  }

  #newIds(): IdCounter {
    const { maxId: last = MAX_ID } = this.#options;
    return new IdCounter({ last, isUsed: (id) => this.#byId.has(id) });
  }

  #clearSent(): Entry<Reply>[] {
    this.#byId.clear();
    this.#givenUp = 0;
    return this.#sent.clear();
  }

  /** Removes a request and frees its place. */
  #remove(entry: Entry<Reply>): void {
    this.#sent.leave(entry.ticket);
    this.#byId.delete(entry.id!);
    if (entry.isGivenUp) this.#givenUp--;
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#sent.size < this.#room) {
      const next = this.#urgent.first ?? (this.#isPaused ? undefined : this.#waiting.first);
      if (next === undefined) break;
      next.line.leave(next.ticket);
      if (next.isOneWay) guard(() => next.send(0));
      else this.#begin(next);
    }
    this.#isPumping = false;
  }

  #begin(entry: Entry<Reply>): void {
    const id = this.#ids.next();
    entry.id = id;
    // Done first, because on some transports the answer arrives before `send` returns.
    this.#byId.set(id, entry);
    entry.line = this.#sent;
    entry.ticket = this.#sent.add(entry);
    const failed = (error: unknown): void => {
      if (this.#byId.get(id) !== entry) return;
      this.#remove(entry);
      if (!entry.isGivenUp) {
        this.#tell?.({ type: "unanswered", id, error });
        this.#settle(entry, () => entry.reject(noteSent(error, false)));
      }
    };
    if (this.#tell !== undefined) {
      entry.sentAt = this.#clock.now();
      this.#tell({ type: "asked", id });
    }
    try {
      const result = entry.send(id);
      if (isThenable(result)) {
        result.then(undefined, (error) => {
          failed(error);
          this.#pump();
        });
      }
    } catch (error) {
      failed(error);
    }
  }

  #find(id: unknown): Entry<Reply> | undefined {
    if (!this.#isFifo) return this.#byId.get(id as number);
    const oldest = this.#sent.first;
    return id === undefined || id === 0 || id === oldest?.id ? oldest : undefined;
  }

  /** Frees the place of an answered request, and the places of earlier abandoned ones. */
  #free(entry: Entry<Reply>): void {
    if (this.#keepsPlaces && !this.#isFifo) {
      for (const earlier of this.#byId.values()) {
        if (earlier === entry) break;
        if (earlier.isGivenUp) this.#remove(earlier);
      }
    }
    this.#remove(entry);
  }

  #settle(entry: Entry<Reply>, settle: () => void): void {
    entry.stopTimer();
    entry.stopListening();
    try {
      settle();
    } catch (error) {
      entry.reject(noteSent(error, true));
    }
  }

  /**
   * Rejects a request that no longer waits. If its answer may still arrive and must be matched, it keeps
   * its place.
   */
  #giveUp(entry: Entry<Reply>, error: unknown): void {
    const { id } = entry;
    if (id === undefined) entry.line.leave(entry.ticket);
    else if (!this.#keepsPlaces) this.#remove(entry);
    else this.#givenUp++;
    entry.isGivenUp = true;
    this.#tell?.({ type: "unanswered", id, error });
    this.#settle(entry, () => entry.reject(noteSent(error, id !== undefined)));
    this.#pump();
  }

  #rejectAll(entries: readonly Entry<Reply>[], cause: unknown): void {
    for (const entry of entries) {
      if (entry.isGivenUp) continue;
      const error = this.#closed(entry, cause);
      this.#tell?.({ type: "unanswered", id: entry.id, error });
      this.#settle(entry, () => entry.reject(error));
    }
  }

  #tellAnswered({ id, sentAt }: Entry<Reply>, error: unknown): void {
    if (this.#tell === undefined) return;
    this.#tell({ type: "answered", id: id!, ms: this.#clock.now() - sentAt, error });
  }

  #closed(entry: Entry<Reply>, cause: unknown): unknown {
    const what = entry.id === undefined ? "the request was sent" : "the answer came";
    // A handler that waited for the answer does not have a bug.
    return markReported(this.#error(entry, "closed", `the connection ended before ${what}`, cause));
  }

  #error(
    { id, options }: Entry<Reply>,
    code: RequestFailure["code"],
    text: string,
    cause?: unknown,
  ): unknown {
    const sent = id !== undefined;
    const error =
      options.error === undefined
        ? new RequestError(code, text, sent, { cause })
        : options.error({ code, text, id, sent, cause });
    return noteSent(error, sent);
  }
}
