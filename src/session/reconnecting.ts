import {
  Cancel,
  type CancelSignal,
  type Clock,
  type CloseInfo,
  type Connection,
  checkLimits,
  checkOptions,
  closedError,
  guard,
  handlerErrorsOf,
  isThenable,
  onAbort,
  ProtocolError,
  reportBug,
  systemClock,
  type Trace,
  teller,
} from "../core/index.ts";

/**
 * When to connect again. Times are in milliseconds. The defaults are those of gRPC
 * (github.com/grpc/grpc/blob/master/doc/connection-backoff.md).
 */
export interface ReconnectOptions {
  /**
   * Maximum number of further attempts in a row without success; then the client gives up.
   * @defaultValue no limit
   */
  readonly attempts?: number | undefined;
  /**
   * Delay before the first further attempt.
   * @defaultValue 1000
   */
  readonly minDelay?: number | undefined;
  /**
   * Longest delay, before `jitter`.
   * @defaultValue 120 000
   */
  readonly maxDelay?: number | undefined;
  /**
   * Factor by which each delay is longer than the previous one, at least 1.
   * @defaultValue 1.6
   */
  readonly factor?: number | undefined;
  /**
   * Random change of each delay, 0 to 1: 0.2 makes it up to 20 % shorter or longer, so that clients of a
   * restarted server do not all reconnect at the same time.
   * @defaultValue 0.2
   */
  readonly jitter?: number | undefined;
  /**
   * Returns false if another attempt is useless, for example after a close code that means "go away".
   * @defaultValue always true
   */
  readonly when?: ((info: CloseInfo) => boolean) | undefined;
}

/** Arguments of a `connect` function. */
export interface Attempt {
  /** Aborted when the attempt takes too long or is no longer needed: pass it to the transport. */
  readonly signal: CancelSignal;
  /** Number of failures in a row so far. */
  readonly failures: number;
}

/** A lost connection or a failed attempt, and the delay before the next attempt. */
export interface Retry {
  /** Number of failures in a row, including this one. */
  readonly failures: number;
  /** Milliseconds until the next attempt. */
  readonly delay: number;
  /** The error: a ProtocolError, or the transport's error. */
  readonly error: unknown;
}

/** Options for {@link reconnecting}. */
export interface ReconnectingOptions<In, Out = In, Context = undefined> extends ReconnectOptions {
  /**
   * Time limit of one attempt, in milliseconds; 0 or Infinity: no limit except the transport's.
   * @defaultValue 20 000
   */
  readonly connectTimeout?: number | undefined;
  /** Closes the client. */
  readonly signal?: CancelSignal | undefined;
  /**
   * Returns true if a lost connection had worked, so that delays start at `minDelay` again.
   * @defaultValue true if a message was received, because an open TCP connection does not show that the
   *   server works
   */
  readonly isProven?: ((connection: Connection<In, Out, Context>) => boolean) | undefined;
  /** Replaces the close info of a connection before `when` and `retry` receive it. */
  readonly explain?: ((info: CloseInfo) => CloseInfo) | undefined;
  /** Called when a connection is open. */
  readonly open?: ((connection: Connection<In, Out, Context>) => unknown) | undefined;
  /** Called when an attempt failed or a connection was lost, and another attempt follows. */
  readonly retry?: ((retry: Retry) => unknown) | undefined;
  /**
   * Called when no further attempt follows: with an error if the client gave up, without one after `close`.
   */
  readonly close?: ((error?: unknown) => unknown) | undefined;
  /**
   * Called with each `retry`: the error, and the delay before the next attempt. Pass it to `connect` too.
   * @defaultValue none
   */
  readonly trace?: Trace | undefined;
  /**
   * Name for `trace`, for example that of the protocol.
   * @defaultValue `'reconnecting'`
   */
  readonly name?: string | undefined;
  /**
   * The clock for delays and timeouts.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
  /**
   * Returns a number from 0 to 1 for `jitter`.
   * @defaultValue `Math.random`
   */
  readonly random?: (() => number) | undefined;
}

/** A client that keeps one connection open, and connects again if it is lost. */
export interface Reconnecting<In, Out = In, Context = undefined> {
  /** The open connection, or undefined. */
  readonly connection: Connection<In, Out, Context> | undefined;
  /**
   * `'connecting'`: an attempt is in progress. `'waiting'`: the next attempt follows after a delay.
   * `'closed'`: no further attempt follows.
   */
  readonly state: "connecting" | "open" | "waiting" | "closed";
  /**
   * Resolves with the open connection, as soon as there is one. Rejects with the last error if the client
   * gives up first, and with `closed` after `close`.
   */
  ready(): Promise<Connection<In, Out, Context>>;
  /**
   * Sends over the open connection.
   *
   * @returns the result of `Connection.send`; false, without sending, if there is no connection
   */
  send(value: In): boolean;
  /** Closes the connection after everything that was sent has left, and makes no further attempt. */
  close(): void;
}

/** Names of the options that form the policy, for `checkOptions`. */
const POLICY = ["attempts", "minDelay", "maxDelay", "factor", "jitter", "when"];
const OPTIONS = [
  ...POLICY,
  ...["connectTimeout", "signal", "isProven", "explain", "open", "retry", "close"],
  ...["clock", "random", "trace", "name"],
];
/** The value of gRPC's MIN_CONNECT_TIMEOUT. */
const CONNECT_TIMEOUT = 20_000;

/**
 * Turns the option `reconnect` of a transport or a session into a policy: `true` into the defaults, `false`
 * into no further attempts.
 *
 * @throws TypeError for an unknown option, RangeError for an invalid one
 */
export function reconnectPolicy(reconnect: boolean | ReconnectOptions): ReconnectOptions {
  if (typeof reconnect === "boolean") return reconnect ? {} : { attempts: 0 };
  checkOptions("reconnect", reconnect, POLICY);
  checkPolicy(reconnect);
  return reconnect;
}

function checkPolicy(policy: ReconnectOptions): void {
  checkLimits(policy, "attempts", "minDelay", "maxDelay", "factor", "jitter");
  const { factor = 1.6, jitter = 0.2 } = policy;
  if (factor < 1) throw new RangeError(`factor must be at least 1, not ${factor}`);
  if (jitter > 1) throw new RangeError(`jitter must be at most 1, not ${jitter}`);
}

/** The delay after this number of failures in a row. */
function delayAfter(failures: number, policy: ReconnectOptions, random: () => number): number {
  const { minDelay = 1000, maxDelay = 120_000, factor = 1.6, jitter = 0.2 } = policy;
  const delay = Math.min(maxDelay, minDelay * factor ** Math.min(failures - 1, 1000));
  return delay * (1 + jitter * (2 * random() - 1));
}

/**
 * Keeps a connection open over any transport. Connects, and connects again with growing delays if the
 * attempt fails or the connection is lost. You pass handlers to the transport; they are called for each new
 * connection.
 *
 * Delays start at `minDelay` again once a connection has received a valid message. A connection that you
 * close yourself (`close()`, `abort()` without an error) is not replaced.
 *
 * @param connect - opens one connection; pass its `signal` on. The attempt fails if it throws or rejects
 * @param options - delays and limits
 * @throws TypeError for an unknown option, RangeError for an invalid limit
 *
 * @example
 * ```ts
 * import { json, lines } from "framewright";
 * import { connect, listen } from "framewright/node";
 * import { reconnecting } from "framewright/session";
 *
 * const protocol = lines().wrap(json<string>());
 * const server = await listen(protocol, { port: 0, open: (peer) => peer.send("hello") });
 * const client = reconnecting(
 *   ({ signal }) =>
 *     connect(protocol, {
 *       port: server.port,
 *       signal,
 *       message: (_, text) => {
 *         console.log(text);
 *         client.close();
 *       },
 *     }),
 *   { minDelay: 100, maxDelay: 5000 },
 * );
 * await client.ready();
 * await server.close();
 * //=> hello
 * ```
 */
export function reconnecting<In, Out = In, Context = undefined>(
  connect: (
    attempt: Attempt,
  ) => Connection<In, Out, Context> | PromiseLike<Connection<In, Out, Context>>,
  options: ReconnectingOptions<In, Out, Context> = {},
): Reconnecting<In, Out, Context> {
  checkOptions("reconnecting", options, OPTIONS);
  checkLimits(options, "connectTimeout");
  checkPolicy(options);
  return new Keeper(connect, options);
}

type Keep<In, Out, Context> = Connection<In, Out, Context>;

/** One attempt, and the connection that it opened. */
interface Try<In, Out, Context> {
  readonly cancel: Cancel;
  connection: Keep<In, Out, Context> | undefined;
}

class Keeper<In, Out, Context> implements Reconnecting<In, Out, Context> {
  readonly #connect: (
    attempt: Attempt,
  ) => Keep<In, Out, Context> | PromiseLike<Keep<In, Out, Context>>;
  readonly #options: ReconnectingOptions<In, Out, Context>;
  readonly #clock: Clock;
  readonly #trace: ReturnType<typeof teller>;
  readonly #waiters: {
    resolve(connection: Keep<In, Out, Context>): void;
    reject(error: unknown): void;
  }[] = [];
  readonly #stopListening: () => void;
  state: Reconnecting<In, Out, Context>["state"] = "connecting";
  #failures = 0;
  #try: Try<In, Out, Context> | undefined;
  #stopTimer: () => void = () => {};

  constructor(
    connect: (attempt: Attempt) => Keep<In, Out, Context> | PromiseLike<Keep<In, Out, Context>>,
    options: ReconnectingOptions<In, Out, Context>,
  ) {
    this.#connect = connect;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { signal, trace, name = "reconnecting" } = options;
    this.#trace = teller({ trace, name, clock: this.#clock });
    this.#stopListening = onAbort(signal, () => this.#close(signal?.reason));
    if (signal?.aborted) this.#close(signal.reason);
    else this.#begin();
  }

  get connection(): Keep<In, Out, Context> | undefined {
    return this.state === "open" ? this.#try?.connection : undefined;
  }

  ready(): Promise<Keep<In, Out, Context>> {
    const { connection } = this;
    if (connection !== undefined) return Promise.resolve(connection);
    if (this.state === "closed") return Promise.reject(closedError("the client is closed"));
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  send(value: In): boolean {
    return this.connection?.send(value) ?? false;
  }

  close(): void {
    this.#close(closedError("the client was closed"));
  }

  #begin(): void {
    const current: Try<In, Out, Context> = { cancel: new Cancel(), connection: undefined };
    this.#try = current;
    this.state = "connecting";
    const { connectTimeout = CONNECT_TIMEOUT } = this.#options;
    if (connectTimeout > 0 && connectTimeout !== Infinity) {
      this.#stopTimer = this.#clock.after(connectTimeout, () => {
        const text = `no connection within ${connectTimeout} ms`;
        this.#drop(current, new ProtocolError("timeout", text));
      });
    }
    const failed = (error: unknown): void => this.#lost(current, { by: "error", error });
    try {
      const opening = this.#connect({ signal: current.cancel, failures: this.#failures });
      if (!isThenable(opening)) this.#bind(current, opening);
      else opening.then((connection) => this.#bind(current, connection), failed);
    } catch (error) {
      failed(error);
    }
  }

  #bind(current: Try<In, Out, Context>, connection: Keep<In, Out, Context>): void {
    if (this.#try !== current) {
      connection.abort();
      return;
    }
    current.connection = connection;
    connection.onOpen(() => this.#opened(current, connection));
    connection.onClose((info) => this.#lost(current, info));
  }

  #opened(current: Try<In, Out, Context>, connection: Keep<In, Out, Context>): void {
    if (this.#try !== current) return;
    this.#stopTimer();
    this.state = "open";
    for (const { resolve } of this.#waiters.splice(0)) resolve(connection);
    this.#tell(connection, () => this.#options.open?.(connection));
  }

  /** Abandons an attempt. */
  #drop(current: Try<In, Out, Context>, error: unknown): void {
    if (current.connection !== undefined) current.connection.abort(error);
    this.#lost(current, { by: "error", error });
    current.cancel.abort(error);
  }

  #lost(current: Try<In, Out, Context>, lost: CloseInfo): void {
    if (this.#try !== current) return;
    this.#try = undefined;
    this.#stopTimer();
    const { isProven = hasMessages, explain, attempts = Infinity } = this.#options;
    const { random = Math.random, when, retry } = this.#options;
    const { connection } = current;
    const info = explain?.(lost) ?? lost;
    const { by, error = closedError("the connection was closed") } = info;
    if (connection !== undefined && isProven(connection)) this.#failures = 0;
    const failures = ++this.#failures;
    if (by === "local" || failures > attempts || when?.(info) === false) {
      this.#end(error, by === "local" ? info.error : error);
      return;
    }
    const delay = delayAfter(failures, this.#options, random);
    this.state = "waiting";
    this.#stopTimer = this.#clock.after(delay, () => this.#begin());
    this.#trace?.({ type: "retry", failures, delay, error });
    this.#tell(connection, () => retry?.({ failures, delay, error }));
  }

  #close(reason: unknown): void {
    if (this.state === "closed") return;
    this.#stopTimer();
    const current = this.#try;
    this.#try = undefined;
    this.#end(reason, undefined);
    if (current?.connection !== undefined) current.connection.close();
    else current?.cancel.abort(reason);
  }

  /** Ends the client: no further attempt follows. */
  #end(reason: unknown, error: unknown): void {
    this.state = "closed";
    this.#stopListening();
    for (const { reject } of this.#waiters.splice(0)) reject(reason);
    this.#tell(this.#try?.connection, () => this.#options.close?.(error));
  }

  /** Calls a handler of the client, which no connection calls. */
  #tell(connection: Keep<In, Out, Context> | undefined, call: () => unknown): void {
    guard(call, (thrown) => reportBug(thrown, handlerErrorsOf(connection)));
  }
}

const hasMessages = ({ messages }: { readonly messages: number }): boolean => messages > 0;
